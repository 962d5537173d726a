package reactions_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	events "github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/clock"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/candidates"
	"github.com/dragoman-booking/dragoman/projections/diary"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/refs"
	"github.com/dragoman-booking/dragoman/projections/timers"
	"github.com/dragoman-booking/dragoman/reactions"
)

// house is the real thing, from the command handler through the embedded node and the feed to the reactions.
type house struct {
	log    *eventlog.Log
	codec  *eventschema.Codec
	reader eventlog.Reader
	models *projections.Models
	leases *lease.Holder
	h      *commands.Handler

	handler func() (*commands.Handler, error) // another process's

	customer, location uuid.UUID
	admin, staff, asks access.Viewer
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx, pool := t.Context(), postgres.TestDB(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	master, err := accounts.OpenMasterKey(ctx, pool, filepath.Join(t.TempDir(), "master.key"))
	must(err)
	keys, err := accounts.NewKeys(pool, master, accounts.KeyOptions{})
	must(err)
	t.Cleanup(func() { keys.Close(context.Background()) })
	hashKey, err := keys.HashKey(ctx)
	must(err)
	log, err := eventlog.Open(ctx, esnode.RunT(t).ConnectionString(), eventlog.Options{})
	must(err)
	t.Cleanup(func() { log.Close(context.Background()) })
	w := &house{log: log, codec: eventschema.NewCodec(keys)}
	w.models, err = projections.NewModels(pool, refs.Projector{}, diary.Projector{}, readpeople.Projector{}, timers.Projector{}, nobody{})
	must(err)
	must(w.models.Start(ctx))
	t.Cleanup(w.models.Stop)
	w.handler = func() (*commands.Handler, error) {
		return commands.New(commands.Config{Log: log, Codec: w.codec, PersonKeys: keys, Refs: refs.Queries{Models: w.models}, Models: w.models,
			Candidates: candidates.Queries{Models: w.models}, Accounts: struct{ commands.Accounts }{}, Clock: &clock.Clock{}, HashKey: hashKey,
			Logger: slog.New(slog.DiscardHandler)})
	}
	w.h, err = w.handler()
	must(err)
	deployment, err := w.h.EnsureDeployment(ctx, false)
	must(err)

	feed := eventlog.NewFeed(eventlog.FeedConfig{Log: log, Codec: w.codec})
	must(feed.Start(ctx))
	t.Cleanup(func() { feed.Close() })
	w.reader = feed.Reader()
	w.leases = lease.New(pool, time.Second)
	w.leases.Start()
	t.Cleanup(func() { w.leases.Stop(context.Background()) })
	after := func(_ string, at eventschema.Position) message.Subscriber { return feed.After(at) }
	runner, err := projections.NewRunner(projections.Options{Pool: pool, Models: w.models, Log: w.reader, Feed: after, PageOf: eventlog.PageOf,
		Leases: w.leases, Deployment: deployment})
	must(err)
	must(runner.Start(ctx))
	t.Cleanup(func() { runner.Stop() })
	all, err := reactions.NewRunner(reactions.Options{Pool: pool, Log: w.reader, Feed: after, PageOf: eventlog.PageOf, Leases: w.leases},
		reactions.Holds{Models: w.models, Diary: diary.Queries{Models: w.models}, Commands: w.h})
	must(err)
	must(all.Start(ctx))
	t.Cleanup(func() { all.Stop() })

	w.admin, w.staff = access.Viewer{User: uuid.New(), Role: domain.Admin}, access.Viewer{User: uuid.New(), Role: domain.Assigner}
	made, err := w.h.CreateCustomer(ctx, by(w.admin, "create-customer"), people.CreateCustomer{Name: "Police"})
	must(err)
	w.customer = made.ID
	made, err = w.h.AddLocation(ctx, by(w.admin, "add-location"), w.customer, people.Place{Name: "Custody suite",
		Address: people.PostalAddress{Line1: "1 High Street", Town: "Leeds", Postcode: "LS1 4AP"}})
	must(err)
	w.location = made.ID
	w.asks = access.Viewer{User: uuid.New(), Role: domain.Requestor, Customer: w.customer, Permissions: people.Permissions}
	return w
}

// nobody stands for the read model of who may what, which nothing here asks: commands wait until it has seen their grants.
type nobody struct{ alarms }

func (nobody) Name() string { return "access" }

func by(v access.Viewer, name string) commands.Request {
	return commands.Request{Viewer: v, Name: name, Canonical: []byte(name)}
}

func (w *house) interpreter(t *testing.T, lin string) uuid.UUID {
	t.Helper()
	made, err := w.h.RegisterInterpreter(t.Context(), by(w.admin, "register-interpreter"), people.Profile{LIN: lin, Name: "Ana", Gender: "female",
		Languages: []string{"pl"}, Skills: []string{"spoken-only"}, Credentials: []people.Credential{{Kind: "vetting", ValidFrom: "2015-01-01", ValidTo: "2099-12-31"}}})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func (w *house) book(t *testing.T, start string) (bookingID, job uuid.UUID, ref string) {
	t.Helper()
	hours, minutes := 1, 0
	fields := map[string][]string{}
	for key, value := range map[string]string{"assignmentType": "interview", "offenceCategory": "theft", "nonEnglishSpeaker": "Jan Kowalski",
		"reportTo": "Reception", "requestingOfficer": "PC Smith", "telephone": "0113 496 0000", "officerInCase": "DS Jones",
		"primaryEmail": "a@police.example", "collarNumber": "1234", "officerPhone": "0113 496 0001", "secondaryEmail": "b@police.example"} {
		fields[key] = []string{value}
	}
	made, err := w.h.CreateBooking(t.Context(), by(w.asks, "create"), forms.FaceToFaceID, booking.Create{Customer: w.customer, Location: w.location,
		Language: "pl", Start: start, Hours: &hours, Minutes: &minutes, Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	return made.BookingID, made.Jobs[0].ID, made.Jobs[0].Ref
}

func (w *house) send(t *testing.T, ref, name string, build func(booking.Job) booking.Command) {
	t.Helper()
	err := projtest.Patiently(func() error {
		_, err := w.h.Job(t.Context(), by(w.staff, name), ref, func(j booking.Job) (booking.Command, error) { return build(j), nil })
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// state folds a booking from the log.
func (w *house) state(t *testing.T, id uuid.UUID) (s booking.State) {
	t.Helper()
	err := w.log.ReadStream(t.Context(), eventschema.BookingStream(id), 0, func(e eventschema.Stored) error {
		r, err := w.codec.Decode(t.Context(), e)
		if err == nil {
			s = booking.Evolve(s, r.Event.(booking.Event), booking.Fact{Revision: e.Revision, At: r.Meta.At, Actor: r.Meta.Actor})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAHoldEndsInTheRealHouse(t *testing.T) {
	t.Parallel()
	w := newHouse(t)
	ana := w.interpreter(t, "LIN/5455/5J71Y")
	_, _, first := w.book(t, "2036-12-01T10:00")
	overlapping, _, second := w.book(t, "2036-12-01T10:30")
	apart, _, third := w.book(t, "2036-12-01T11:00")
	for _, ref := range []string{second, third} {
		w.send(t, ref, "accept-offer", func(j booking.Job) booking.Command {
			return booking.AcceptOffer{Job: j.ID, Interpreter: ana, ByStaff: true}
		})
	}
	w.send(t, first, "assign", func(j booking.Job) booking.Command { return booking.Assign{Job: j.ID, Interpreter: ana} })
	for deadline := time.Now().Add(soon); w.state(t, overlapping).Jobs[0].Holder != uuid.Nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: the overlapping hold ends", soon)
		}
	}
	if holder := w.state(t, apart).Jobs[0].Holder; holder != ana {
		t.Errorf("the job right after is held by %v", holder)
	}
}

func TestARepairInTheRealHouse(t *testing.T) {
	t.Parallel()
	w := newHouse(t)
	ana := w.interpreter(t, "LIN/5455/5J71Y")
	id, job, ref := w.book(t, "2036-12-01T10:00")

	// A process died between the diary and the booking, a while ago.
	lost := uuid.New()
	start := w.state(t, id).Jobs[0].Schedule.Start.Instant
	p, err := w.codec.Encode(t.Context(), eventschema.DiaryStream(ana), events.Reserved{Interpreter: ana,
		Reservations: []events.Reservation{{ID: lost, Booking: id, Job: job, Start: start, End: start.Add(time.Hour)}}},
		eventschema.Meta{CommandID: uuid.New(), Actor: domain.Actor{Role: domain.System}, At: time.Now().UTC(), RecordedAt: time.Now().UTC().Add(-time.Hour)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	done, err := w.log.Append(t.Context(), eventschema.DiaryStream(ana), eventschema.NoStream, []eventschema.Proposed{p})
	if err != nil {
		t.Fatal(err)
	}
	w.h.Forget(eventschema.DiaryStream(ana))
	if err := projtest.Patiently(func() error { return w.models.WaitFor(t.Context(), done.Position, diary.Name) }); err != nil {
		t.Fatal(err)
	}
	repair := reactions.Repair{Diary: diary.Queries{Models: w.models}, Commands: w.h, Leases: w.leases, Grace: time.Minute}
	if n, err := repair.Once(t.Context()); n != 1 || err != nil {
		t.Fatalf("released %d (%v)", n, err)
	}
	if s := w.state(t, id); len(s.Voided) != 1 || s.Voided[0] != lost {
		t.Errorf("the booking would still take the reservation: %v", s.Voided)
	}
	w.send(t, ref, "assign", func(j booking.Job) booking.Command { return booking.Assign{Job: j.ID, Interpreter: ana} })
	if a := w.state(t, id).Jobs[0].Assignment; a == nil || a.Interpreter != ana || a.Reservation == lost {
		t.Errorf("assigned: %+v", a)
	}
	r, err := projections.VerifyDiaries(t.Context(), w.reader)
	if err != nil || len(r.Gaps) > 0 || r.Reservations != 2 || r.Unclaimed != 0 {
		t.Errorf("diaries: %+v (%v)", r, err)
	}
}
