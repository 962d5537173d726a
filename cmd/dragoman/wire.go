package main

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/httpapi"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/clock"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
	"github.com/dragoman-booking/dragoman/projections"
	readaccess "github.com/dragoman-booking/dragoman/projections/access"
	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/analysts"
	"github.com/dragoman-booking/dragoman/projections/calendar"
	"github.com/dragoman-booking/dragoman/projections/candidates"
	"github.com/dragoman-booking/dragoman/projections/dashboard"
	"github.com/dragoman-booking/dragoman/projections/diary"
	"github.com/dragoman-booking/dragoman/projections/history"
	"github.com/dragoman-booking/dragoman/projections/invoices"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/messages"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/pseudonyms"
	"github.com/dragoman-booking/dragoman/projections/refs"
	"github.com/dragoman-booking/dragoman/projections/settings"
	"github.com/dragoman-booking/dragoman/projections/timers"
	"github.com/dragoman-booking/dragoman/reactions"
)

// house is everything that a subcommand stands on, opened in order and closed in reverse. This file is the only place where concrete things
// meet.
type house struct {
	log     *slog.Logger
	config  *Config
	traces  *telemetry.Traces // nil: off
	metrics *prometheus.Registry

	databaseURL string
	pool        *pgxpool.Pool
	keys        *accounts.Keys
	masterKey   string // its file
	erasures    string // file of the erasure list
	embedded    bool   // the event log is an embedded node's: ours, or the running server's
	accounts    *accounts.Accounts
	clock       *clock.Clock
	node        *esnode.Node // nil: another process's, or a real cluster
	logURL      string
	codec       *eventschema.Codec
	events      *eventlog.Log
	archive     *eventlog.Log // the same, as the members show it that the connection string prefers
	feed        *eventlog.Feed
	models      *projections.Models
	leases      *lease.Holder
	runner      *projections.Runner
	reactions   *reactions.Runner
	commands    *commands.Handler
	offers      *reactions.Timers[timers.Timer] // that nobody answered in time
	waves       *reactions.Timers[timers.Wave]  // of offers that go out by themselves
	deployment  uuid.UUID
	isDemo      bool
	hashKey     []byte    // keys the hashes of requests, and pseudonyms of texts
	peopleKey   []byte    // keys the pseudonyms of people
	began       time.Time // of the deployment, business time

	closers []func(context.Context) error
}

// closing adds what is to be undone, last first.
func (h *house) closing(what string, f func(context.Context) error) {
	h.closers = append(h.closers, func(ctx context.Context) error {
		if err := f(ctx); err != nil {
			return fmt.Errorf("stop %s: %w", what, err)
		}
		return nil
	})
}

// close undoes everything within half a minute, whatever became of the caller's context.
func (h *house) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var faults []error
	for i := len(h.closers) - 1; i >= 0; i-- {
		faults = append(faults, h.closers[i](ctx))
	}
	h.closers = nil
	return errors.Join(faults...)
}

// projectors are all read models.
func projectors() []projections.Projector {
	return []projections.Projector{readaccess.Projector{}, refs.Projector{}, readpeople.Projector{}, settings.Projector{}, diary.Projector{}, calendar.Projector{},
		jobs.Projector{}, activity.Projector{}, dashboard.Projector{}, messages.Projector{}, timers.Projector{}, invoices.Projector{}}
}

func newHouse(s *stage, c *Config) *house {
	return &house{log: s.log, config: c, traces: s.traces, metrics: prometheus.NewRegistry(), clock: &clock.Clock{}}
}

// openStores opens the database, the keys and the event log: embedded ones under the data folder, or those that the configuration or a
// running server names.
func openStores(ctx context.Context, s *stage, c *Config) (*house, error) {
	h := newHouse(s, c)
	if err := h.openStores(ctx, c); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *house) openStores(ctx context.Context, c *Config) error {
	if err := refuseHalfRestored(c.Data); err != nil {
		return err
	}
	if err := h.openTraces(ctx, c); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if err := h.openDatabase(ctx, c); err != nil {
		return err
	}
	if err := h.openKeys(ctx, c); err != nil {
		return err
	}
	return h.openLog(ctx, c)
}

// openKeys opens the personal-data keys and the accounts.
func (h *house) openKeys(ctx context.Context, c *Config) error {
	h.masterKey = cmp.Or(c.MasterKeyFile, runningStores(c.Data).MasterKey, c.masterKeyFile())
	wrapper, err := accounts.OpenMasterKey(ctx, h.pool, h.masterKey)
	if err != nil {
		return err
	}
	noted, err := c.erasureListFile()
	if err != nil {
		return err
	}
	h.erasures = noted
	if c.ErasureList == "" {
		h.erasures = cmp.Or(runningStores(c.Data).Erasures, noted)
	}
	if h.keys, err = accounts.NewKeys(h.pool, wrapper, accounts.KeyOptions{Logger: h.log, Erasures: accounts.NewErasureList(h.erasures)}); err != nil {
		return fmt.Errorf("open the personal-data keys: %w", err)
	}
	h.closing("the personal-data keys", h.keys.Close)
	h.accounts = accounts.New(h.pool, accounts.Options{})
	return nil
}

// openTraces sends traces to the collector that the configuration names, if any.
func (h *house) openTraces(ctx context.Context, c *Config) error {
	if h.traces != nil || c.OTLPEndpoint == "" {
		return nil
	}
	traces, stop, err := telemetry.Export(ctx, c.OTLPEndpoint, version())
	if err != nil {
		return err
	}
	h.traces = traces
	h.closing("the traces", stop)
	return nil
}

// version is the module's, as the build knows it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

func (h *house) openDatabase(ctx context.Context, c *Config) error {
	if err := h.openPool(ctx, c); err != nil {
		return err
	}
	return postgres.Migrate(ctx, h.pool)
}

// openPool opens the database and changes nothing in it.
func (h *house) openPool(ctx context.Context, c *Config) error {
	h.databaseURL = cmp.Or(c.DatabaseURL, runningStores(c.Data).Database)
	if h.databaseURL == "" {
		cluster, err := postgres.StartPrivate(ctx, postgres.Options{DataDir: c.Data, Logger: h.log})
		if err != nil {
			return err
		}
		h.closing("the private database", cluster.Stop)
		h.databaseURL = cluster.URL()
	}
	var err error
	if h.pool, err = postgres.Open(ctx, h.databaseURL, postgres.PoolOptions{MaxConns: 40, Name: "dragoman", Tracer: postgres.NewTracer(h.traces.Provider())}); err != nil {
		return err
	}
	h.closing("the database pool", func(context.Context) error { h.pool.Close(); return nil })
	return nil
}

// storeWait is how long a start waits for an event store that does not answer yet, as postgres.Open waits for the database.
const storeWait = 30 * time.Second

func (h *house) openLog(ctx context.Context, c *Config) error {
	serving := runningStores(c.Data)
	h.logURL = cmp.Or(c.EventStoreURL, serving.EventLog)
	h.embedded = c.EventStoreURL == "" && (h.logURL == "" || serving.Embedded)
	if h.logURL == "" {
		node, err := esnode.Start(ctx, esnode.Config{Dir: filepath.Join(c.Data, "log"), Logger: h.log, MinFreeDisk: int64(c.minFreeDisk())})
		if err != nil {
			return err
		}
		h.node, h.logURL = node, node.ConnectionString()
		h.closing("the embedded event log", node.Stop)
	}
	h.codec = eventschema.NewCodec(h.keys)
	waiting, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	var err error
	if h.events, err = eventlog.Open(waiting, h.logURL, eventlog.Options{Metrics: h.metrics}); err != nil {
		if waiting.Err() != nil && ctx.Err() == nil {
			h.log.DebugContext(ctx, "no event store", "cause", err)
			return fmt.Errorf("no event store answered at EVENTSTORE_URL within %s: start it, or see whether it can be reached from here", storeWait)
		}
		return fmt.Errorf("open the event log: %w", err)
	}
	h.closing("the event log's client", h.events.Close)
	mark, err := h.events.House(ctx)
	if errors.Is(err, eventlog.ErrNotAdmitted) {
		return fmt.Errorf("the event store of EVENTSTORE_URL does not admit us: name user and password, or userCertFile and userKeyFile: %w", err)
	}
	if err != nil {
		return err
	}
	if mark.Away() {
		return errors.New(mark.Sentence())
	}
	if h.archive, err = h.events.Preferred(waiting); err != nil {
		return fmt.Errorf("open the event log at the members that EVENTSTORE_URL prefers: %w", err)
	}
	if h.archive != h.events {
		h.closing("the event log's second client", h.archive.Close)
	}
	return nil
}

// openCommands makes the command handler and begins the deployment if the log is empty.
func (h *house) openCommands(ctx context.Context, demo bool) (err error) {
	if h.models, err = projections.NewModels(h.pool, projectors()...); err != nil {
		return err
	}
	if err := h.models.Start(ctx); err != nil {
		return err
	}
	h.closing("the read models", func(context.Context) error { h.models.Stop(); return nil })
	if h.hashKey, err = h.keys.HashKey(ctx); err != nil {
		return fmt.Errorf("draw the key of request hashes: %w", err)
	}
	if h.peopleKey, err = pseudonyms.Key(ctx, h.pool); err != nil {
		return err
	}
	h.commands, err = commands.New(commands.Config{Log: h.events, Codec: h.codec, PersonKeys: h.keys, Refs: h.refs(), Models: h.models,
		Accounts: logins{h.accounts, demo}, Clock: h.clock, Candidates: candidates.Queries{Models: h.models},
		HashKey: h.hashKey, Logger: h.log, Traces: h.traces, Metrics: h.metrics})
	if err != nil {
		return err
	}
	if err := h.refuseOthers(ctx); err != nil {
		return err
	}
	if h.deployment, err = h.commands.EnsureDeployment(ctx, demo); err != nil {
		return err
	}
	if err := h.accounts.EnsureDeployment(ctx, h.deployment); err != nil {
		return err
	}
	return h.events.ReadStream(ctx, eventschema.Agency, 0, func(e eventschema.Stored) error {
		first, err := h.codec.Decode(ctx, e)
		if err != nil {
			return fmt.Errorf("read when the deployment began: %w", err)
		}
		h.began = first.Meta.At
		return eventschema.ErrStop
	})
}

// refuseOthers keeps log and database of different deployments apart before anything is written to either: a deployment would begin anew in an
// empty log while its own lies elsewhere, or lose the keys of what the log holds.
func (h *house) refuseOthers(ctx context.Context) error {
	known, err := h.accounts.Deployment(ctx)
	if err != nil {
		return err
	}
	begun, users, err := deploymentOf(ctx, h.events, h.codec)
	switch {
	case err != nil:
		return err
	case known != uuid.Nil && begun == uuid.Nil:
		return fmt.Errorf("the database belongs to deployment %s, but the event log is empty: name the log with --data or EVENTSTORE_URL, or restore a backup", known)
	case known != uuid.Nil && begun != known:
		return fmt.Errorf("%w: database %s, log %s", accounts.ErrOtherDeployment, known, begun)
	case known == uuid.Nil && users:
		return fmt.Errorf("the event log belongs to deployment %s, but the database is empty: name its database with DATABASE_URL, or restore a backup", begun)
	}
	return nil
}

// errHidden: something hides the beginning of the agency's stream, or took it away, so nobody knows whose the log is.
var errHidden = errors.New("the beginning of stream agency is hidden or gone")

// deploymentOf is the deployment that a log holds, uuid.Nil if none, and whether that one has users.
func deploymentOf(ctx context.Context, log *eventlog.Log, codec *eventschema.Codec) (id uuid.UUID, users bool, err error) {
	err = log.ReadStream(ctx, eventschema.Agency, 0, func(e eventschema.Stored) error {
		if id != uuid.Nil {
			users = e.Type == "agency.user-added.v1"
		} else if e.Revision > 0 {
			return fmt.Errorf("%w: event %d is the first that the log shows", errHidden, e.Revision)
		} else if first, err := codec.Decode(ctx, e); err != nil {
			return fmt.Errorf("read which deployment the log holds: %w", err)
		} else if created, ok := first.Event.(people.DeploymentCreated); ok {
			id = created.ID
		}
		if users {
			return eventschema.ErrStop
		}
		return nil
	})
	return id, users, err
}

// openModels opens commands and runner, which does not run, of the deployment that is here, a demo or not.
func (h *house) openModels(ctx context.Context) error {
	demo, err := h.accounts.IsDemo(ctx)
	if err != nil {
		return err
	}
	if err := h.openCommands(ctx, demo); err != nil {
		return err
	}
	return h.prepareRunner(ctx)
}

// prepareRunner opens the feed and the read models' runner without running it.
func (h *house) prepareRunner(ctx context.Context) (err error) {
	h.leases = lease.New(h.pool, 0)
	h.leases.Start()
	h.closing("the leases", func(ctx context.Context) error { h.leases.Stop(ctx); return nil })
	h.feed = eventlog.NewFeed(eventlog.FeedConfig{Log: h.events, Codec: h.codec, Erased: h.erased, Replaced: func() { h.runner.Doubt() }})
	h.runner, err = projections.NewRunner(projections.Options{Pool: h.pool, Models: h.models, Log: h.feed.Reader(), Archive: h.archiveReader(), Feed: h.reader,
		PageOf: eventlog.PageOf, Leases: h.leases, Deployment: h.deployment, OnSwap: analysts.Follow, Traces: h.traces})
	if err != nil {
		return err
	}
	if err := h.feed.Start(ctx); err != nil {
		return err
	}
	h.commands.Forget(eventschema.Agency) // folded before the feed could tell of an erasure
	h.closing("the feed", func(context.Context) error { return h.feed.Close() })
	return nil
}

// erased drops what this process remembers of an erased person, and notes the keys on its own erasure list: another process may be the one that
// destroys them.
func (h *house) erased(stream string, keys []uuid.UUID) {
	h.commands.Forget(stream)
	if err := h.keys.NoteErased(keys); err != nil {
		h.log.Error("an erasure of another process could not be noted", "error", err)
	}
}

// reader is the feed for one read model or reaction, after its checkpoint.
func (h *house) reader(_ string, after eventschema.Position) message.Subscriber {
	return h.feed.After(after)
}

func (h *house) archiveReader() eventlog.Reader {
	return eventlog.Reader{Log: h.archive, Codec: h.codec}
}

// openRunner starts the read models; it returns once all can be queried.
func (h *house) openRunner(ctx context.Context) error {
	if err := h.prepareRunner(ctx); err != nil {
		return err
	}
	if err := h.runner.Start(ctx); err != nil {
		return err
	}
	h.closing("the projectors", func(context.Context) error { return h.runner.Stop() })
	if err := analysts.Ensure(ctx, h.pool); err != nil {
		h.log.WarnContext(ctx, "analysts have no views, or old ones", "error", err) // nobody's booking waits for that
	}
	return nil
}

func (h *house) refs() refs.Queries { return refs.Queries{Models: h.models, Newest: h.events.Newest} }

func (h *house) history() history.Queries {
	return history.Queries{Log: h.archive, Codec: h.codec, Refs: h.refs(), Jobs: jobs.Queries{Models: h.models, Substitute: h.substitute}}
}

// substitute makes the analysts' pseudonyms: equal texts of a class get equal ones, and nobody without the deployment's keys gets back. People's
// are those of the views too, whose key the database can read; texts are hashed with one that the master key guards.
func (h *house) substitute(class access.Class, text string) string {
	if class == access.AnInterpreter || class == access.AUser {
		return pseudonyms.Of(h.peopleKey, class, text)
	}
	m := hmac.New(sha256.New, h.hashKey)
	fmt.Fprintf(m, "pseudonym %d %s %s", len(class), class, text)
	return string(class) + " " + hex.EncodeToString(m.Sum(nil)[:6])
}

// openReactions starts what follows from events by itself, and the repair of the diaries.
func (h *house) openReactions(ctx context.Context) error {
	busy, due := diary.Queries{Models: h.models}, timers.Queries{Models: h.models}
	var err error
	h.reactions, err = reactions.NewRunner(reactions.Options{Pool: h.pool, Log: h.feed.Reader(), Feed: h.reader, PageOf: eventlog.PageOf, Leases: h.leases,
		Traces: h.traces}, reactions.Holds{Models: h.models, Diary: busy, Commands: h.commands},
		reactions.Erasures{Commands: h.commands, Forget: h.codec.Forget})
	if err != nil {
		return err
	}
	if err := h.reactions.Start(ctx); err != nil {
		return err
	}
	h.closing("the reactions", func(context.Context) error { return h.reactions.Stop() })
	h.offers = &reactions.Timers[timers.Timer]{Name: "offers", Due: due.LapseDue, Clock: h.clock, Models: h.models, Model: timers.Name, Newest: h.events.Newest,
		Leases: h.leases, Fire: func(ctx context.Context, t timers.Timer) error {
			return h.commands.LapseOffer(ctx, reactions.CommandID("offers", t.ID, t.Interpreter.String()), uuid.Nil, t.Booking, t.Job, t.Interpreter)
		}}
	h.waves = &reactions.Timers[timers.Wave]{Name: "waves", Due: due.WavesDue, Clock: h.clock, Models: h.models, Model: timers.Name, Newest: h.events.Newest,
		Leases: h.leases, Fire: func(ctx context.Context, w timers.Wave) error {
			return h.commands.SendWave(ctx, reactions.CommandID("waves", w.ID, w.Job.String()), w.Booking, w.Job, w.Number)
		}}
	h.offers.Start()
	h.waves.Start()
	h.closing("the timers", func(context.Context) error { h.offers.Stop(); h.waves.Stop(); return nil })
	repair := &reactions.Repair{Diary: busy, Commands: h.commands, Leases: h.leases}
	repair.Start()
	h.closing("the repair of the diaries", func(context.Context) error { repair.Stop(); return nil })
	return nil
}

func (h *house) queries() httpapi.Queries {
	return httpapi.QueriesOn(h.models, h.history(), h.substitute)
}
