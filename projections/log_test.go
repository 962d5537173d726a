package projections_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	events "github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/access"
	"github.com/dragoman-booking/dragoman/projections/diary"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/refs"
)

// house is the real thing: the embedded node, the official client, sealed events, the fanned-out feed.
type house struct {
	*projtest.Bench
	log   *eventlog.Log
	codec *eventschema.Codec
	keys  *accounts.Keys
	ends  map[string]int64 // last revision of each stream
	n     int
}

func realLog(t *testing.T, pool *pgxpool.Pool, node *esnode.Node, pageSize int) *house {
	t.Helper()
	ctx := t.Context()
	master, err := accounts.OpenMasterKey(ctx, pool, filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := accounts.NewKeys(pool, master, accounts.KeyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close(context.Background()) })
	log, err := eventlog.Open(ctx, node.ConnectionString(), eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close(context.Background()) })
	codec := eventschema.NewCodec(keys)
	feed := eventlog.NewFeed(eventlog.FeedConfig{Log: log, Codec: codec, PageSize: pageSize, Window: 64})
	if err := feed.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { feed.Close() })

	models, err := projections.NewModels(pool, access.Projector{}, readpeople.Projector{}, refs.Projector{}, diary.Projector{})
	if err != nil {
		t.Fatal(err)
	}
	if err := models.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(models.Stop)
	leases := lease.New(pool, time.Second)
	leases.Start()
	t.Cleanup(func() { leases.Stop(context.Background()) })
	runner, err := projections.NewRunner(projections.Options{Pool: pool, Models: models, Log: feed.Reader(), PageOf: eventlog.PageOf, Leases: leases,
		Deployment: projtest.Deployment, Feed: func(_ string, after eventschema.Position) message.Subscriber { return feed.After(after) }})
	if err != nil {
		t.Fatal(err)
	}
	return &house{Bench: &projtest.Bench{Pool: pool, Models: models, Runner: runner, Leases: leases}, log: log, codec: codec, keys: keys, ends: map[string]int64{}}
}

func (h *house) start(t *testing.T) {
	t.Helper()
	if err := h.Runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Runner.Stop() })
}

// append seals, encodes and appends as commands do.
func (h *house) append(t *testing.T, stream string, all ...any) eventschema.Position {
	t.Helper()
	meta := eventschema.Meta{CommandID: uuid.New(), Actor: domain.Actor{Role: domain.System}, At: projtest.Clock, RecordedAt: time.Now().UTC()}
	var proposed []eventschema.Proposed
	for i, event := range all {
		p, err := h.codec.Encode(t.Context(), stream, event, meta, i)
		if err != nil {
			t.Fatal(err)
		}
		proposed = append(proposed, p)
	}
	expected, known := h.ends[stream]
	if !known {
		expected = eventschema.NoStream
	}
	done, err := h.log.Append(t.Context(), stream, expected, proposed)
	if err != nil {
		t.Fatal(err)
	}
	h.ends[stream] = int64(done.Revision)
	return done.Position
}

func (h *house) key(t *testing.T) uuid.UUID {
	t.Helper()
	key, err := h.keys.Draw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// customer makes an organisation with a user and a booking that is assigned, and returns the user, the user's key and the last position.
func (h *house) customer(t *testing.T) (user, key uuid.UUID, at eventschema.Position) {
	t.Helper()
	h.n++
	id, bookingID, job, worker, reservation := uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()
	user, key = uuid.New(), h.key(t)
	h.append(t, eventschema.CustomerStream(id),
		people.CustomerCreated{Customer: id, Name: "Police", TimeZone: "Europe/London"},
		people.UserAdded{User: user, Account: people.Account{Key: key, Name: "Rita", Email: "rita@police.example", Role: domain.Requestor, Customer: id}})
	start, err := domain.ParseMoment("2026-12-01T10:00", "Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	bookingKey := h.key(t)
	h.append(t, eventschema.BookingStream(bookingID), booking.Created{Booking: bookingID, Ref: fmt.Sprint("BK", h.n), Key: bookingKey, Customer: id,
		Jobs: []booking.NewJob{{ID: job, Ref: fmt.Sprint("DTP", h.n), Schedule: booking.Schedule{Start: start, Minutes: 60}}}})
	h.append(t, eventschema.DiaryStream(worker), events.Reserved{Interpreter: worker, Reservations: []events.Reservation{{ID: reservation,
		Booking: bookingID, Job: job, Start: start.Instant, End: start.Instant.Add(time.Hour)}}})
	at = h.append(t, eventschema.BookingStream(bookingID), booking.Assigned{Key: bookingKey, Job: job, Offered: booking.Offered{Interpreter: worker, LIN: "LIN/1"}, Reservation: reservation})
	return user, key, at
}

func (h *house) verify(t *testing.T) {
	t.Helper()
	for _, model := range h.Models.Names() {
		v, err := h.Runner.Verify(t.Context(), model)
		if err != nil || len(v.Differences) > 0 || v.Rows == 0 || v.Events == 0 {
			t.Errorf("verify %s: %+v (%v)", model, v, err)
		}
	}
}

// From the real log, in pages of several sizes: built and live, erased and rebuilt, verified at every step.
func TestFromTheRealLog(t *testing.T) {
	t.Parallel()
	for _, pageSize := range []int{1, 1000} {
		t.Run(fmt.Sprint("pages of ", pageSize), func(t *testing.T) {
			t.Parallel()
			h := realLog(t, postgres.TestDB(t), esnode.RunT(t), pageSize)
			for range 30 { // more than the feed keeps in memory
				h.customer(t)
			}
			h.start(t)
			rita, key, at := h.customer(t)
			stream := eventschema.CustomerStream(uuid.Nil)
			for s := range h.ends {
				if eventschema.KindOf(s) == eventschema.Customer {
					stream = s
				}
			}
			h.Await(t, at, h.Models.Names()...)
			h.verify(t)
			who := access.Queries{Models: h.Models}
			if v, err := who.Viewer(t.Context(), rita, time.Now()); err != nil || v.Name != "Rita" {
				t.Errorf("the viewer is called %q (%v)", v.Name, err)
			}

			// An erasure leaves in the live rows what a rebuild without the key leaves.
			at = h.append(t, stream, people.PersonErased{Subject: rita, Keys: []uuid.UUID{key}, Reason: "asked"})
			if err := h.keys.Erase(t.Context(), []uuid.UUID{key}); err != nil {
				t.Fatal(err)
			}
			h.Await(t, at, h.Models.Names()...)
			before := map[string]string{}
			for _, model := range h.Models.Names() {
				before[model] = h.Dump(t, model)
			}
			h.codec.Forget([]uuid.UUID{key})
			h.verify(t)
			for _, model := range h.Models.Names() {
				if err := h.Runner.Rebuild(t.Context(), model, nil); err != nil {
					t.Fatal(err)
				}
				if after := h.Dump(t, model); after != before[model] {
					t.Errorf("%s rebuilt:\n%s\nlive:\n%s", model, after, before[model])
				}
			}
			if v, err := who.Viewer(t.Context(), rita, time.Now()); err != nil || v.Name != domain.Erased {
				t.Errorf("the erased viewer is called %q (%v)", v.Name, err)
			}
			r, err := projections.VerifyDiaries(t.Context(), eventlog.Reader{Log: h.log, Codec: h.codec})
			if err != nil || len(r.Gaps) > 0 || r.Jobs != 31 || r.Reservations != 31 || r.Unclaimed != 0 {
				t.Errorf("diaries: %+v (%v)", r, err)
			}
		})
	}
}

// The event store stops and starts again: the read models go on where they were.
func TestTheLogIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	address := esnode.FixedAddress(t)
	node := esnode.RunT(t, func(c *esnode.Config) { c.Dir, c.Listen = dir, address })
	h := realLog(t, postgres.TestDB(t), node, 10)
	h.start(t)
	_, _, at := h.customer(t)
	h.Await(t, at, h.Models.Names()...)
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	esnode.RunT(t, func(c *esnode.Config) { c.Dir, c.Listen = dir, address })
	_, _, at = h.customer(t)
	eventually(t, "the read models have caught up", func() bool { return h.Models.WaitFor(t.Context(), at, h.Models.Names()...) == nil })
	h.verify(t)
}
