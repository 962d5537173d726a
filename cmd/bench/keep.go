package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// place is where a deployment lies: its data folder and the address of its database.
type place struct{ data, database string }

// settle makes the deployment that is measured, its log filled; remove is for when all is measured. With -keep a filled one stays for the next
// run, with its read models, and what is measured is a copy of it, because measuring adds to it.
func (s *size) settle(ctx context.Context) (remove func() error, err error) {
	made := fmt.Sprintf("jobs_%d", s.jobs)
	data := filepath.Join(s.dir, made)
	remove = func() error { return nil }
	if !s.keep {
		remove = func() error { return discard(data) }
	}
	filled := data + ".filled" // stands when it is
	if _, err := os.Stat(filled); !s.keep || err != nil {
		if err := s.make(ctx, made); err != nil {
			return remove, err
		}
		if s.keep {
			s.say("waiting for the read models")
			if err := s.served(ctx, s.binary, s.place, func(base string, _ processes) error { return caughtUp(ctx, base) }); err != nil {
				return remove, err
			}
			if err := os.WriteFile(filled, nil, 0o600); err != nil {
				return remove, err
			}
		}
	}
	s.made = s.jobs
	if !s.keep {
		return remove, nil
	}
	if s.place, err = s.copy(ctx, made, made+"_run"); err != nil {
		return remove, err
	}
	run := s.data
	return func() error { return discard(run) }, s.explore(ctx)
}

// make fills the log of a new deployment.
func (s *size) make(ctx context.Context, name string) (err error) {
	s.data = filepath.Join(s.dir, name)
	if err := discard(s.data); err != nil {
		return err
	}
	if s.database, err = newDatabase(ctx, s.cluster.URL(), name, ""); err != nil {
		return err
	}
	s.say("making the demo's people and places")
	if err := s.explore(ctx); err != nil {
		return err
	}
	return s.logged(ctx, func(ctx context.Context, url string, p processes) error {
		return s.withStores(ctx, url, func(st *stores) error { return s.fill(ctx, st, p) })
	})
}

// explore learns the ids of the demo's people and places, which a new deployment gets by that.
func (s *size) explore(ctx context.Context) error {
	return s.served(ctx, s.binary, s.place, func(base string, _ processes) (err error) {
		s.world, err = explore(ctx, base)
		return err
	})
}

// withAnother runs the other build of the server on a copy of the deployment while f works.
func (s *size) withAnother(ctx context.Context, f func(base string) error) (err error) {
	// Both know the same interpreter who signs in, so that links lead to the same pages.
	if err := s.served(ctx, s.binary, s.place, func(base string, _ processes) error { return loadedInterpreter(ctx, base) }); err != nil {
		return err
	}
	at, err := s.copy(ctx, filepath.Base(s.data), filepath.Base(s.data)+"_beside")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, discard(at.data)) }()
	return s.served(ctx, s.beside, at, func(base string, _ processes) error { return f(base) })
}

// copy makes a deployment of another one, on which nothing runs. Data folder and database have the same name.
func (s *size) copy(ctx context.Context, from, to string) (at place, err error) {
	at.data = filepath.Join(s.dir, to)
	if err := discard(at.data); err != nil {
		return at, err
	}
	for _, part := range []string{"", ".erasures"} {
		if out, err := exec.CommandContext(ctx, "cp", "-a", filepath.Join(s.dir, from)+part, at.data+part).CombinedOutput(); err != nil {
			return at, fmt.Errorf("copy the data folder: %w: %s", err, bytes.TrimSpace(out))
		}
	}
	at.database, err = newDatabase(ctx, s.cluster.URL(), to, from)
	return at, err
}

// discard removes a data folder, if it is there.
func discard(data string) error {
	return errors.Join(os.RemoveAll(data), os.RemoveAll(data+".erasures"))
}
