package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/backup"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

type backupCmd struct {
	Dir string `arg:"" help:"New or empty folder to write the backup into." placeholder:"DIR"`
}

// Run makes a backup while the server runs, or while it does not: the log up to its newest event as of now, then kept, then the files. Nobody is
// erased meanwhile.
func (b backupCmd) Run(s *stage, c *Config) (err error) {
	if err := backup.Empty(b.Dir); err != nil {
		return err
	}
	if inside, err := liesIn(b.Dir, c.Data); err != nil {
		return err
	} else if inside {
		return fmt.Errorf("the folder %s lies in the data folder and would be lost with it: name another", b.Dir)
	}
	if _, err := os.Stat(c.Data); errors.Is(err, fs.ErrNotExist) && c.DatabaseURL == "" {
		return fmt.Errorf("there is no deployment here to back up: no data folder %s", c.Data)
	}
	h, err := openStores(s.ctx, s, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.refuseOthers(s.ctx); err != nil {
		return err
	}
	deployment, err := h.accounts.Deployment(s.ctx)
	if err != nil {
		return err
	}
	if deployment == uuid.Nil {
		return errors.New("there is no deployment here to back up")
	}
	session, release, err := accounts.HoldErasing(s.ctx, h.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer release()
	m, err := h.backUp(s, session, b.Dir, deployment)
	if err != nil {
		return fmt.Errorf("%w; what lies in %s is no backup", err, b.Dir)
	}
	if err := h.accounts.NoteBackup(s.ctx, m.Log.Included); err != nil {
		return err
	}
	if m.Log.Included {
		fmt.Fprintf(s.out, "the backup in %s is whole: %d events, %d tables, %d files\n", b.Dir, m.Log.Events, len(m.Kept.Tables), m.Files)
	} else {
		fmt.Fprintf(s.out, "the backup in %s is whole: %d tables, %d files, but not the event log: that is the cluster's, whose own backup must have been made before this one\n",
			b.Dir, len(m.Kept.Tables), m.Files)
	}
	fmt.Fprintf(s.out, "the master key is NOT in it, and without it nobody's name can be read: keep a copy of %s apart from the backup\n", h.masterKey)
	fmt.Fprintf(s.out, "the erasure list is not in it either: keep a copy of %s that is never older than a day, apart from the backup\n", h.erasures)
	return nil
}

func (h *house) backUp(s *stage, session *pgx.Conn, dir string, deployment uuid.UUID) (m backup.Manifest, err error) {
	m = backup.Manifest{Program: version(), MadeAt: time.Now().UTC(), Deployment: deployment}
	w, err := backup.Create(dir)
	if err != nil {
		return m, err
	}
	newest, err := h.events.Newest(s.ctx)
	if err != nil {
		return m, err
	}
	m.Log.Included, m.Log.Commit, m.Log.Prepare = h.embedded, newest.Commit, newest.Prepare
	if h.embedded {
		err = h.backUpLog(s, w, newest, &m.Log)
	} else {
		var last eventschema.Stored
		last, _, err = h.events.EventAt(s.ctx, newest)
		m.Log.Event = last.ID
	}
	if err != nil {
		return m, err
	}

	if m.Kept.MasterKeyCheck, err = h.accounts.MasterKeyCheck(s.ctx); err != nil {
		return m, err
	}
	var tables []postgres.KeptTable
	m.Kept.Version, tables, err = postgres.DumpKept(s.ctx, session, func(name string, dump func(io.Writer) error) error {
		return w.Table(name, dump)
	})
	if err != nil {
		return m, err
	}
	for _, t := range tables {
		m.Kept.Tables = append(m.Kept.Tables, backup.Table(t))
	}
	if m.Files, err = w.Files(filesOf(h.config.Data)); err != nil {
		return m, err
	}
	if err := session.Ping(s.ctx); err != nil { // with the session the lock would be gone, and somebody might have been erased
		return m, fmt.Errorf("the connection that kept erasures waiting was lost: %w", err)
	}
	return m, w.Finish(m)
}

func (h *house) backUpLog(s *stage, w *backup.Writer, newest eventschema.Position, to *backup.Log) error {
	told := newProgress(s.out, "log", "events")
	return w.Log(func(put func(backup.Event) error) error {
		return h.events.ReadAll(s.ctx, eventschema.Position{}, func(e eventschema.Stored) error {
			if e.Position.After(newest) {
				return eventschema.ErrStop
			}
			to.Events++
			to.Event = e.ID
			told.at(to.Events, float64(e.Position.Commit), float64(newest.Commit))
			return put(backup.Event{Stream: e.Stream, Revision: e.Revision, ID: e.ID, Type: e.Type, Commit: e.Position.Commit, Prepare: e.Position.Prepare,
				Data: e.Data, Metadata: e.Metadata})
		})
	})
}

// liesIn tells whether a path is a folder or lies in it.
func liesIn(path, folder string) (bool, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return false, err
	}
	inside, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(inside), nil
}

// filesOf is where uploaded files lie.
func filesOf(data string) string { return filepath.Join(data, "files") }
