package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/backup"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/reactions"
)

type restoreCmd struct {
	Dir           string `arg:"" help:"Folder of a backup." placeholder:"DIR"`
	NoErasureList bool   `help:"Restore without an erasure list: whoever was erased since the backup can be read again."`
}

// Run restores a backup into empty places: a data folder that holds nothing but the master key, an empty database and, unless the backup is one
// beside a cluster, an empty event log. Everything is checked before anything is written.
func (r restoreCmd) Run(s *stage, c *Config) (err error) {
	told := newProgress(s.out, "checking the backup", "bytes")
	b, err := backup.Open(r.Dir, func(read, all int64) { told.at(read, float64(read), float64(all)) })
	if err != nil {
		return err
	}
	if !b.Log.Included && c.EventStoreURL == "" {
		return errors.New("this backup was made beside a cluster and holds no event log: restore the cluster's own backup first, and name it with EVENTSTORE_URL")
	}
	erased, err := r.erasureList(c)
	if err != nil {
		return err
	}
	switch err := accounts.CheckMasterKeyFile(s.ctx, c.masterKeyFile(), b.Kept.MasterKeyCheck); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the master key is not in a backup: put it into %s (mode 0600) first, or name it with MASTER_KEY_FILE", c.masterKeyFile())
	case err != nil:
		return err
	}
	release, err := holdFolder(c.Data)
	if err != nil {
		return err
	}
	defer release()
	if err := emptyPlace(c.Data); err != nil {
		return err
	}
	h := newHouse(s, c)
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.openPool(s.ctx, c); err != nil {
		return err
	}
	if err := postgres.CheckEmpty(s.ctx, h.pool); err != nil {
		return err
	}
	if c.EventStoreURL != "" {
		if err := h.openLog(s.ctx, c); err != nil {
			return err
		}
		if err := h.takesLog(s.ctx, b); err != nil {
			return err
		}
	}
	if err := h.restore(s, c, b, erased); err != nil {
		places := "the data folder (keep the master key) and the database"
		if b.Log.Included && c.EventStoreURL != "" {
			places = "the data folder (keep the master key), the database and the event store"
		}
		return fmt.Errorf("%w; nothing here may be used: empty %s, and restore again", err, places)
	}
	return h.buildModels(s)
}

// erasureList reads whom no restore may bring back. Its absence has to be intended.
func (r restoreCmd) erasureList(c *Config) ([]uuid.UUID, error) {
	path, err := c.erasureListFile()
	if err != nil {
		return nil, err
	}
	erased, err := accounts.NewErasureList(path).Read()
	if errors.Is(err, fs.ErrNotExist) {
		if r.NoErasureList {
			return nil, nil
		}
		return nil, fmt.Errorf("the erasure list %s is missing: name it with ERASURE_LIST_FILE; or say --no-erasure-list, and whoever was erased since the backup can be read again", path)
	}
	return erased, err
}

// restoringName is the file that keeps everybody from using a data folder whose restore was not finished.
const restoringName = "restoring"

// emptyPlace refuses a data folder that holds more than the master key and locks.
func emptyPlace(data string) error {
	if err := refuseHalfRestored(data); err != nil {
		return err
	}
	held, err := os.ReadDir(data)
	if err != nil {
		return fmt.Errorf("look into the data folder: %w", err)
	}
	for _, f := range held {
		switch name := f.Name(); name {
		case "master.key", "serve.lock", "postgres.lock", "postgres.users": // a start that found no PostgreSQL leaves locks
		default:
			return fmt.Errorf("the data folder %s is not empty: it holds %s; a restore needs an empty one, with nothing but the master key", data, name)
		}
	}
	return nil
}

// refuseHalfRestored keeps everybody from a data folder whose restore was not finished.
func refuseHalfRestored(data string) error {
	if _, err := os.Stat(filepath.Join(data, restoringName)); err == nil {
		return fmt.Errorf("a restore into the data folder %s was not finished: empty it (keep the master key) and restore again", data)
	}
	return nil
}

// restore writes everything. What is half done is marked so, in data folder and database, until all but the read models is there.
func (h *house) restore(s *stage, c *Config, b *backup.Reader, listed []uuid.UUID) error {
	mark := filepath.Join(c.Data, restoringName)
	if err := os.WriteFile(mark, []byte(b.Deployment.String()+"\n"), 0o600); err != nil {
		return fmt.Errorf("mark the data folder: %w", err)
	}
	var tables []postgres.KeptTable
	for _, t := range b.Kept.Tables {
		tables = append(tables, postgres.KeptTable(t))
	}
	err := postgres.LoadKept(s.ctx, h.pool, b.Kept.Version, tables, func(name string, load func(io.Reader) error) error { return b.Table(name, load) })
	if err != nil {
		return err
	}
	if err := h.openKeys(s.ctx, c); err != nil {
		return err
	}
	if h.events == nil {
		if err := h.openLog(s.ctx, c); err != nil {
			return err
		}
	}
	h.codec = eventschema.NewCodec(h.keys)
	if b.Log.Included {
		if err := h.fillLog(s, b); err != nil {
			return err
		}
	}
	if err := b.RestoreFiles(filesOf(c.Data)); err != nil {
		return err
	}
	if err := h.settleKept(s, b, listed); err != nil {
		return err
	}
	if err := h.keys.NoteErasures(s.ctx); err != nil {
		return err
	}
	if err := os.Remove(mark); err != nil {
		return fmt.Errorf("take the mark off the data folder: %w", err)
	}
	return nil
}

// takesLog refuses, before anything is written, an event store that the backup cannot be restored into, or beside.
func (h *house) takesLog(ctx context.Context, b *backup.Reader) error {
	newest, err := h.events.Newest(ctx)
	if err != nil {
		return err
	}
	if b.Log.Included {
		if newest != (eventschema.Position{}) {
			return fmt.Errorf("the event log is not empty: its newest event of ours is at position %d", newest.Commit)
		}
		return nil
	}
	// Which deployment this is stands in clear, so no key is needed.
	begun, _, err := deploymentOf(ctx, h.events, eventschema.NewCodec(nil))
	if err != nil {
		return err
	}
	return fitsBackup(b, begun, newest)
}

// fitsBackup refuses a store's log that is another deployment's, or goes on beyond what the backup has keys for.
func fitsBackup(b *backup.Reader, deployment uuid.UUID, newest eventschema.Position) error {
	backedUp := eventschema.Position{Commit: b.Log.Commit, Prepare: b.Log.Prepare}
	switch {
	case deployment == uuid.Nil:
		return fmt.Errorf("the event log holds no deployment, the backup belongs to %s: restore the cluster's own backup first", b.Deployment)
	case deployment != b.Deployment:
		return fmt.Errorf("the event log belongs to deployment %s, the backup to %s", deployment, b.Deployment)
	case !b.Log.Included && newest.After(backedUp):
		return fmt.Errorf("the event log goes on to position %d, but the keys in this backup reach only to %d: restore a backup of the log that was made before this one",
			newest.Commit, backedUp.Commit)
	}
	return nil
}

// fillLog writes the events of the backup into a log that holds none of ours.
func (h *house) fillLog(s *stage, b *backup.Reader) error {
	told := newProgress(s.out, "writing the log", "events")
	written := int64(0)
	filler := h.events.Fill()
	err := b.Events(func(e backup.Event) error {
		written++
		told.at(written, float64(written), float64(b.Log.Events))
		return filler.Add(s.ctx, eventschema.Stored{Stream: e.Stream, Revision: e.Revision, ID: e.ID, Type: e.Type, Data: e.Data, Metadata: e.Metadata})
	})
	return errors.Join(err, filler.Flush(s.ctx))
}

// settleKept makes kept fit the log: reactions go on where their events lie there, or at the log's end if it does not reach so far; whoever is
// erased stays erased; logins that the log knows nothing of go.
func (h *house) settleKept(s *stage, b *backup.Reader, listed []uuid.UUID) error {
	checkpoints, err := reactions.Checkpoints(s.ctx, h.pool)
	if err != nil {
		return err
	}
	var wanted []uuid.UUID
	for _, at := range checkpoints {
		wanted = append(wanted, at.Event)
	}
	end, err := h.events.Newest(s.ctx)
	if err != nil {
		return err
	}
	told := newProgress(s.out, "reading the log", "events")
	seen, err := h.scan(s.ctx, wanted, listed, func(n int64, at eventschema.Position) { told.at(n, float64(at.Commit), float64(end.Commit)) })
	if err != nil {
		return err
	}
	if err := fitsBackup(b, seen.deployment, seen.last.Position); err != nil {
		return err
	}
	backedUp := eventschema.Position{Commit: b.Log.Commit, Prepare: b.Log.Prepare}
	switch {
	case b.Log.Included && (seen.events != b.Log.Events || seen.last.ID != b.Log.Event):
		return fmt.Errorf("the event log holds %d events after the restore, not the %d of the backup", seen.events, b.Log.Events)
	case !b.Log.Included:
		backedUp = seen.last.Position
	}
	moved, back := checkpoints[:0:0], 0
	for _, at := range checkpoints {
		there := seen.found[at.Event]
		switch {
		case at.Event == uuid.Nil: // the log was empty when the reaction began
			continue
		case there != (eventschema.Position{}):
			at.Position = there
		case at.Position.After(backedUp):
			at.Position, at.Event = seen.last.Position, seen.last.ID
			back++
		default:
			return fmt.Errorf("the checkpoint of reaction %s names event %s at position %d, which the log does not hold", at.Reaction, at.Event, at.Position.Commit)
		}
		moved = append(moved, at)
	}
	keys := distinct(append(slices.Clone(seen.erased), listed...))
	err = pgx.BeginFunc(s.ctx, h.pool, func(tx pgx.Tx) error {
		for _, at := range moved {
			if err := reactions.SetCheckpoint(s.ctx, tx, at); err != nil {
				return err
			}
		}
		if err := accounts.EraseIn(s.ctx, tx, keys); err != nil {
			return err
		}
		if err := accounts.KeepLoginsOf(s.ctx, tx, seen.usersWithout(keys)); err != nil {
			return err
		}
		return postgres.EndRestore(s.ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("fit the database to the log: %w", err)
	}
	h.keys.Forget(keys)
	fmt.Fprintf(s.out, "%d events; %d keys of erased people destroyed, %d of them known from the erasure list alone; %d reactions set back to the log's end\n",
		seen.events, len(keys), len(keys)-len(distinct(seen.erased)), back)
	if unsaid := seen.unsaid(); len(unsaid) > 0 {
		fmt.Fprintf(s.out, "%d erased since the backup: nothing of theirs can be read, but the log does not say so yet, and what is changed about them fails; once the server runs, erase again:\n",
			len(unsaid))
		for _, who := range unsaid {
			fmt.Fprintf(s.out, "  dragoman erase %s\n", who)
		}
	}
	return nil
}

func distinct(ids []uuid.UUID) []uuid.UUID {
	ids = slices.SortedFunc(slices.Values(ids), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// buildModels fills every read model from the log.
func (h *house) buildModels(s *stage) error {
	if err := h.openModels(s.ctx); err != nil {
		return err
	}
	if err := h.runner.Ensure(s.ctx, func(p projections.Progress) {
		fmt.Fprintf(s.out, "read models: %d events, %.0f a second, %s left\n", p.Events, p.Rate, p.Left.Round(time.Second))
	}); err != nil {
		return fmt.Errorf("build the read models: %w; all else is restored, and the next start builds them", err)
	}
	if stopped := h.runner.Unhealthy(); len(stopped) > 0 {
		return fmt.Errorf("read models stopped while they were built: %v; all else is restored", stopped)
	}
	fmt.Fprintln(s.out, "restored: start the server; everybody signs in anew")
	return nil
}

// scan is what only the log knows, from one reading.
type scan struct {
	deployment uuid.UUID
	events     int64
	last       eventschema.Stored
	found      map[uuid.UUID]eventschema.Position // where the events lie that were asked for; zero: nowhere
	erased     []uuid.UUID                        // keys
	users      map[uuid.UUID]uuid.UUID            // user → key
	listed     map[uuid.UUID]string               // key on the erasure list → whose it is, as `dragoman erase` takes it; empty: nobody's here
}

func (h *house) scan(ctx context.Context, wanted, listed []uuid.UUID, told func(events int64, at eventschema.Position)) (*scan, error) {
	s := &scan{found: map[uuid.UUID]eventschema.Position{}, users: map[uuid.UUID]uuid.UUID{}, listed: map[uuid.UUID]string{}}
	for _, key := range listed {
		s.listed[key] = ""
	}
	for _, id := range wanted {
		s.found[id] = eventschema.Position{}
	}
	err := h.events.ReadAll(ctx, eventschema.Position{}, func(e eventschema.Stored) error {
		s.events++
		s.last = e
		if _, asked := s.found[e.ID]; asked {
			s.found[e.ID] = e.Position
		}
		told(s.events, e.Position)
		if kind := eventschema.KindOf(e.Stream); len(listed) > 0 && (kind == eventschema.Booking || kind == eventschema.Interpreter) {
			if id, ok := eventschema.IDOf(e.Stream); ok {
				s.belong(kind, id, eventschema.KeyIDs(e.Data)...)
			}
		}
		return s.people(ctx, h.codec, e)
	})
	if err != nil {
		return nil, fmt.Errorf("read what the log knows: %w", err)
	}
	return s, nil
}

// people notes who came and who was erased; only events that may tell are decoded.
func (s *scan) people(ctx context.Context, codec *eventschema.Codec, e eventschema.Stored) error {
	if !strings.Contains(e.Type, ".person-erased.") && !strings.Contains(e.Type, ".user-") && !strings.Contains(e.Type, ".deployment-created.") {
		return nil
	}
	r, err := codec.Decode(ctx, e)
	if err != nil {
		return fmt.Errorf("event %d of %s: %w", e.Revision, e.Stream, err)
	}
	switch event := r.Event.(type) {
	case people.DeploymentCreated:
		s.deployment = event.ID
	case people.UserAdded:
		s.users[event.User] = event.Key
		s.belong("user", event.User, event.Key)
	case people.UserChanged:
		s.users[event.User] = event.Key
		s.belong("user", event.User, event.Key)
	case people.PersonErased:
		delete(s.users, event.Subject)
	}
	s.erased = append(s.erased, eventschema.ErasedKeys(r.Event)...)
	return nil
}

// belong notes whose the listed ones of some keys are.
func (s *scan) belong(kind string, id uuid.UUID, keys ...uuid.UUID) {
	for _, key := range keys {
		if _, is := s.listed[key]; is {
			s.listed[key] = kind + " " + id.String()
		}
	}
}

// unsaid are those on the erasure list of whose erasure the log does not tell.
func (s *scan) unsaid() (who []string) {
	for key, whose := range s.listed {
		if whose != "" && !slices.Contains(s.erased, key) {
			who = append(who, whose)
		}
	}
	slices.Sort(who)
	return slices.Compact(who)
}

// usersWithout are the users whose keys are none of these.
func (s *scan) usersWithout(erased []uuid.UUID) (users []uuid.UUID) {
	gone := map[uuid.UUID]bool{}
	for _, key := range erased {
		gone[key] = true
	}
	for user, key := range s.users {
		if !gone[key] {
			users = append(users, user)
		}
	}
	return users
}
