package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
	"github.com/dragoman-booking/dragoman/reactions"
)

type eventstoreExportCmd struct {
	To      string `arg:"" optional:"" help:"Connection string of the EventStoreDB node or cluster to move to." placeholder:"esdb://…"`
	CallOff bool   `help:"Give up a move that was begun and not finished: this log is at home again."`
}

// Run moves the deployment's log out of the embedded node (or EVENTSTORE_URL) into another store. No server of the deployment may run.
func (e eventstoreExportCmd) Run(s *stage, c *Config) error {
	if (e.To == "") != e.CallOff {
		return errors.New("name the store to move to, or say --call-off")
	}
	return move(s, c, c.EventStoreURL, e.To, e.CallOff)
}

type eventstoreImportCmd struct {
	From    string `arg:"" optional:"" help:"Connection string of the EventStoreDB node or cluster to move from; none: EVENTSTORE_URL." placeholder:"esdb://…"`
	CallOff bool   `help:"Give up a move that was begun and not finished: that store is at home again."`
}

// Run moves the deployment's log out of a store into the embedded node of the data folder. No server of the deployment may run.
func (i eventstoreImportCmd) Run(s *stage, c *Config) error {
	from := i.From
	if from == "" {
		from = c.EventStoreURL
	}
	if from == "" {
		return errors.New("name the store to move from")
	}
	return move(s, c, from, "", i.CallOff)
}

// secretsOf a connection string: who signs in, and settings, which may name files.
var secretsOf = regexp.MustCompile(`//[^/@]*@|\?.*$`)

// place is a store: one that a connection string names, or with none the embedded node of the data folder.
func (h *house) place(ctx context.Context, c *Config, url string) (log *eventlog.Log, name string, err error) {
	if url == "" {
		dir, err := filepath.Abs(filepath.Join(c.Data, "log"))
		if err != nil {
			return nil, "", err
		}
		node, err := esnode.Start(ctx, esnode.Config{Dir: dir, Logger: h.log, MinFreeDisk: int64(c.minFreeDisk())})
		if err != nil {
			return nil, "", err
		}
		h.closing("the embedded event log", node.Stop)
		url, name = node.ConnectionString(), "the embedded event log in "+dir
	} else {
		name = secretsOf.ReplaceAllStringFunc(url, func(secret string) string {
			if secret[0] == '/' {
				return "//"
			}
			return ""
		})
	}
	waiting, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	if log, err = eventlog.Open(waiting, url, eventlog.Options{}); err != nil {
		if waiting.Err() != nil && ctx.Err() == nil {
			return nil, "", fmt.Errorf("no event store answered at %s within %s", name, storeWait)
		}
		return nil, "", fmt.Errorf("open %s: %w", name, err)
	}
	h.closing("the client of "+name, log.Close)
	return log, name, nil
}

// move moves the log from one store to another; an empty one is the embedded node. With callOff it gives up such a move.
func move(s *stage, c *Config, from, to string, callOff bool) (err error) {
	release, err := holdFolder(c.Data)
	if err != nil {
		return fmt.Errorf("%w: stop it, a log moves while nobody uses it", err)
	}
	defer release()
	if err := refuseHalfRestored(c.Data); err != nil {
		return err
	}
	if from == "" {
		if _, err := os.Stat(filepath.Join(c.Data, "log")); err != nil {
			return fmt.Errorf("there is no event log in the data folder %s", c.Data)
		}
	}
	h := newHouse(s, c)
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.openDatabase(s.ctx, c); err != nil {
		return err
	}
	if err := h.openKeys(s.ctx, c); err != nil {
		return err
	}
	m := eventlog.Moving{}
	if m.Source, m.From, err = h.place(s.ctx, c, from); err != nil {
		return err
	}
	if err := h.mayMove(s.ctx, m.Source, m.From); err != nil {
		return err
	}
	checkpoints, err := reactions.Checkpoints(s.ctx, h.pool)
	if err != nil {
		return err
	}
	for _, at := range checkpoints {
		if at.Event != uuid.Nil {
			m.Wanted = append(m.Wanted, at.Event)
		}
	}
	if err := knowsEach(s.ctx, m.Source, m.From, checkpoints); err != nil {
		return err
	}
	m.Kept = func(ctx context.Context, positions map[uuid.UUID]eventschema.Position) error {
		return h.rewriteKept(ctx, checkpoints, positions)
	}
	if callOff {
		if err := eventlog.CallOff(s.ctx, m.Source, m.Wanted, m.Kept); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "called off: %s is at home again; what was copied is good for nothing\n", m.From)
		return nil
	}
	if m.Target, m.To, err = h.place(s.ctx, c, to); err != nil {
		return err
	}
	var told *progress
	doing := ""
	m.Report = func(p eventlog.MoveProgress) {
		if p.Doing != doing {
			doing = p.Doing
			told = newProgress(s.out, doing, "events")
			fmt.Fprintf(s.out, "%s from %s to %s\n", doing, m.From, m.To)
		}
		told.at(p.Events, float64(p.At.Commit), float64(p.End.Commit))
	}
	if err := m.Run(s.ctx); err != nil {
		return err
	}
	with := "EVENTSTORE_URL set to the store it moved to"
	if to == "" {
		with = "no EVENTSTORE_URL"
	}
	fmt.Fprintf(s.out, "moved: both logs hold the same events, and %s never takes an append again; start the server with %s, it builds the read models anew\n", m.From, with)
	return nil
}

// mayMove refuses while a process of the deployment runs, wherever, and a log that is not the database's.
func (h *house) mayMove(ctx context.Context, source *eventlog.Log, name string) error {
	var runs bool
	if err := h.pool.QueryRow(ctx, `select exists (select from kept.leases where expires_at > now())`).Scan(&runs); err != nil {
		return fmt.Errorf("look for running processes: %w", err)
	}
	if runs {
		return errors.New("a process of this deployment runs, or was killed within the last seconds: stop it, a log moves while nobody uses it")
	}
	known, err := h.accounts.Deployment(ctx)
	if err != nil {
		return err
	}
	begun, _, err := deploymentOf(ctx, source, eventschema.NewCodec(h.keys))
	switch {
	case err != nil && !errors.Is(err, errHidden):
		return err
	case begun == uuid.Nil:
		if refused := eventlog.Movable(ctx, source, name); refused != nil || err != nil { // the refusal says by name what hides it
			return cmp.Or(refused, err)
		}
		return fmt.Errorf("%s holds no deployment", name)
	case known != begun:
		return fmt.Errorf("%s belongs to deployment %s, the database to %s: positions in the deployment's own database move along, so name that one with DATABASE_URL",
			name, begun, known)
	}
	return nil
}

// knowsEach refuses a log in which a reaction's checkpoint leads nowhere, before the log is closed for a move that could not end. In a move that goes on
// after a kill the positions may be the target's already.
func knowsEach(ctx context.Context, source *eventlog.Log, name string, checkpoints []reactions.Checkpoint) error {
	mark, err := source.House(ctx)
	if err != nil || mark.Closed() {
		return err
	}
	for _, at := range checkpoints {
		if at.Event == uuid.Nil {
			continue
		}
		if e, _, err := source.EventAt(ctx, at.Position); err != nil {
			return err
		} else if e.ID != at.Event {
			return fmt.Errorf("the checkpoint of reaction %s is not in %s: another event, or none, is at position %d", at.Reaction, name, at.Position.Commit)
		}
	}
	return nil
}

// rewriteKept sets every position in kept to where its event lies now, and drops the pointers to the read models, whose rows hold positions too: the next
// start builds them anew. All of it happens, or nothing.
func (h *house) rewriteKept(ctx context.Context, checkpoints []reactions.Checkpoint, positions map[uuid.UUID]eventschema.Position) error {
	err := pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		for _, at := range checkpoints {
			if at.Event == uuid.Nil {
				continue
			}
			there := positions[at.Event]
			if there == (eventschema.Position{}) {
				return fmt.Errorf("the checkpoint of reaction %s names event %s, which the log does not hold", at.Reaction, at.Event)
			}
			at.Position = there
			if err := reactions.SetCheckpoint(ctx, tx, at); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `delete from kept.models`)
		return err
	})
	if err != nil {
		return fmt.Errorf("rewrite the positions in the database: %w", err)
	}
	return nil
}
