package history_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections/history"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/refs"
	"github.com/dragoman-booking/dragoman/projections/story"
)

// keys has a key for every id, for a story names its keys itself; erased ones are gone.
type keys struct {
	mu     sync.Mutex
	erased map[uuid.UUID]bool
}

func (k *keys) Key(_ context.Context, id uuid.UUID) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.erased[id] {
		return nil, eventschema.ErrErased
	}
	sum := sha256.Sum256(id[:])
	return sum[:], nil
}

func (k *keys) Prefetch(context.Context, []uuid.UUID) error { return nil }
func (k *keys) Forget([]uuid.UUID)                          {}

// archive is a story in a real log, sealed, and in the read models that history asks.
type archive struct {
	history.Queries
	told *story.Told
	keys *keys
}

func store(t *testing.T, told *story.Told) *archive {
	t.Helper()
	log, err := eventlog.Open(t.Context(), esnode.RunT(t).ConnectionString(), eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close(context.Background()) })
	a := &archive{told: told, keys: &keys{erased: map[uuid.UUID]bool{}}}
	codec := eventschema.NewCodec(a.keys)
	models := projtest.NewLog(0)
	var at eventschema.Position
	for _, e := range told.Page {
		e.Meta.CommandID, e.Meta.CommandName = uuid.New(), "told"
		p, err := codec.Encode(t.Context(), e.Stream, e.Event, e.Meta, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), e.Stream, int64(e.Revision)-1, []eventschema.Proposed{p}); err != nil {
			t.Fatal(err)
		}
		at = models.AppendRecorded(e.Stream, eventschema.Recorded{Event: e.Event, Meta: e.Meta})
	}
	b := projtest.Start(t, models, refs.Projector{}, jobs.Projector{})
	b.Await(t, at, refs.Name, jobs.Name)
	a.Queries = history.Queries{Log: log, Codec: codec, Refs: refs.Queries{Models: b.Models}, Jobs: jobs.Queries{Models: b.Models}}
	return a
}

// fifteen is the life of fifteen notes (LL-95), with a few seconds between events that bear the same stamp.
func fifteen() (*story.Told, booking.Job) {
	told := story.Tell()
	job := told.Book(story.At("2020-03-24T15:46"), story.Requestor, told.Wish("2020-03-26T14:00"))
	do := func(at string, seconds int, actor domain.Actor, c booking.Command) {
		told.Do(story.At(at).Add(time.Duration(seconds)*time.Second), actor, job.ID, c)
	}
	staff, ben := story.Assigner, domain.Actor{Role: domain.Interpreter, ID: uuid.New()}
	do("2020-03-24T15:47", 0, staff, booking.SendOffer{Job: job.ID, Interpreters: []uuid.UUID{story.Ana}})
	do("2020-03-24T15:47", 30, staff, booking.RevokeOffer{Job: job.ID, Interpreter: story.Ana})
	do("2020-03-24T15:48", 0, staff, booking.SendOffer{Job: job.ID, Interpreters: []uuid.UUID{story.Ana}})
	do("2020-03-24T15:58", 0, staff, booking.AcceptOffer{Job: job.ID, Interpreter: story.Ana})
	do("2020-03-24T15:59", 0, staff, booking.Assign{Job: job.ID, Interpreter: story.Ana})
	do("2020-03-24T18:04", 0, staff, booking.Unassign{Job: job.ID, Interpreter: story.Ana, Reason: "no longer available"})
	do("2020-03-25T10:34", 0, staff, booking.AcceptOffer{Job: job.ID, Interpreter: story.Ben, ByStaff: true})
	do("2020-03-25T10:40", 0, staff, booking.Assign{Job: job.ID, Interpreter: story.Ben})
	do("2020-04-15T08:40", 0, staff, booking.ChangeEta{Job: job.ID, ETA: "2020-03-26T16:00", AgreedBy: "Sergeant Bell"})
	do("2020-05-01T13:17", 0, story.Requestor, booking.SubmitTimesheet{Job: job.ID, Side: booking.CustomerSide,
		Blocks: []booking.BlockIn{{Start: "2020-03-26T16:00", End: "2020-03-26T17:00"}}})
	do("2020-05-01T13:18", 0, ben, booking.AcceptTimesheet{Job: job.ID, Side: booking.InterpreterSide})
	return told, job
}

// TestAsOfIsWhatWasAnsweredThen: at the time of every event of the fifteen-note life, and just before the next, the job as it stood is what the
// job's page answered then, to every role that may ask, masked alike.
func TestAsOfIsWhatWasAnsweredThen(t *testing.T) {
	t.Parallel()
	told, job := fifteen()
	a := store(t, told)
	live := story.NewSchema(t, postgres.TestDB(t), jobs.Name, jobs.Projector{})
	viewers := map[string]access.Viewer{"assigner": story.As(story.Sam, time.Time{}), "finance": story.As(story.Fay, time.Time{})}
	for _, role := range []domain.Role{domain.Admin, domain.Safeguarding, domain.Auditor} {
		viewers[string(role)] = story.InRole(role, time.Time{})
	}
	compared, statuses := 0, map[domain.Status]bool{}
	for i, e := range told.Page {
		live.Apply(told.Page[i : i+1])
		if eventschema.KindOf(e.Stream) != eventschema.Booking {
			continue
		}
		if i+1 < len(told.Page) && told.Page[i+1].Meta.At.Equal(e.Meta.At) {
			continue // of one command: nobody was answered in between
		}
		for _, moment := range []time.Time{e.Meta.At, e.Meta.At.Add(29 * time.Second)} {
			for name, v := range viewers {
				if moment.After(e.Meta.At) && name != "assigner" {
					continue // one is enough to show that nothing changes in between
				}
				v.Now = moment
				var then jobs.Detail
				live.In(func(tx pgx.Tx) (err error) {
					then, err = jobs.Get(t.Context(), tx, v, job.Ref, nil)
					return err
				})
				v.Now = story.At("2026-01-01T09:00") // whoever asks, asks now
				got, err := a.JobAsOf(t.Context(), v, job.Ref, moment)
				if err != nil {
					t.Fatalf("%s, as of %s: %v", name, moment, err)
				}
				if diff := cmp.Diff(projtest.JSON(then), projtest.JSON(got)); diff != "" {
					t.Errorf("%s, as of %s (-then +as of):\n%s", name, moment, diff)
				}
				compared++
				statuses[got.Status] = true
			}
		}
	}
	if compared < 60 || len(statuses) != 4 {
		t.Errorf("%d answers were compared, of jobs %v: too few to show anything", compared, statuses)
	}

	// Roles read different things of the same moment: the names are not there by chance.
	moment := told.Page[len(told.Page)-1].Meta.At
	for name, mayRead := range map[string]bool{"assigner": true, "finance": false} {
		d, err := a.JobAsOf(t.Context(), viewers[name], job.Ref, moment)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(projtest.JSON(d), "Ask for Jo"); got != mayRead {
			t.Errorf("%s reads the agency's notes of then: %t, want %t", name, got, mayRead)
		}
	}
}

// The business clock may have gone back: as of a moment, everything has happened up to the last event of the stream that was not later.
func TestAsOfAfterTheClockWentBack(t *testing.T) {
	t.Parallel()
	told := story.Tell()
	job := told.Book(story.At("2020-03-24T15:46"), story.Requestor, told.Wish("2020-03-26T14:00"))
	told.Do(story.At("2020-03-24T15:50"), story.Assigner, job.ID, booking.Take{Job: job.ID})
	told.Do(story.At("2020-03-24T15:47"), story.Assigner, job.ID, booking.LogContact{Job: job.ID, Kind: "call", Text: "Told"})
	a := store(t, told)
	for at, taken := range map[string]bool{"2020-03-24T15:46": false, "2020-03-24T15:47": true, "2020-03-24T15:50": true} {
		d, err := a.JobAsOf(t.Context(), story.As(story.Sam, story.At("2020-05-02T09:00")), job.Ref, story.At(at))
		if err != nil || d.BeingWorkedOn != taken {
			t.Errorf("as of %s somebody works on it: %t, %v; want %t", at, d.BeingWorkedOn, err, taken)
		}
	}
}

// Whoever may not know the job, or may know it but not ask for its past, is told so; before it was booked there is no job.
func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	told, job := fifteen()
	a := store(t, told)
	now := story.At("2020-05-02T09:00")
	for name, c := range map[string]struct {
		v              access.Viewer
		asOf, historic string // codes of the refusals
	}{
		"assigner":              {story.As(story.Sam, now), "", "not-permitted"},
		"finance":               {story.As(story.Fay, now), "", "not-permitted"},
		"auditor":               {story.InRole(domain.Auditor, now), "", ""},
		"analyst":               {story.InRole(domain.Analyst, now), "not-permitted", "not-permitted"},
		"requestor":             {story.As(story.Rita, now), "not-permitted", "not-permitted"},
		"the interpreter":       {story.As(story.Ben, now), "not-permitted", "not-permitted"},
		"another customer":      {story.As(story.Omar, now), "not-found", "not-found"},
		"another interpreter":   {story.As(story.Cleo, now), "not-found", "not-found"},
		"a guest, if one asked": {access.Viewer{Role: domain.Guest, Zone: story.Zone, Now: now}, "not-found", "not-found"},
	} {
		_, err := a.JobAsOf(t.Context(), c.v, job.Ref, now)
		said(t, name+" asks as of", err, c.asOf)
		_, err = a.Job(t.Context(), c.v, job.Ref)
		said(t, name+" asks for the history", err, c.historic)
	}
	auditor := story.InRole(domain.Auditor, now)
	_, err := a.JobAsOf(t.Context(), auditor, job.Ref, story.At("2020-03-24T15:46").Add(-time.Nanosecond))
	said(t, "before it was booked", err, "not-found")
	_, err = a.JobAsOf(t.Context(), auditor, "DTP404", now)
	said(t, "an unknown job", err, "not-found")
	_, err = a.Job(t.Context(), auditor, "DTP404")
	said(t, "an unknown job's history", err, "not-found")
}

func said(t *testing.T, what string, err error, code string) {
	t.Helper()
	var no *domain.Refusal
	switch {
	case code == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case code != "" && (!errors.As(err, &no) || no.Code != code):
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// The auditor reads every event that concerns the job, in order, with its meaning in clear beside the bytes as they lie, sealed, in the log; after
// an erasure the meaning is gone, too.
func TestHistory(t *testing.T) {
	t.Parallel()
	told := story.Tell()
	wish := told.Wish("2020-03-26T14:00")
	wish.Interpreters, wish.JobRefs = 2, []string{"DTP1", "DTP2"}
	one := told.Book(story.At("2020-03-24T15:46"), story.Requestor, wish)
	two := told.State(wish.Booking).Jobs[1]
	told.Do(story.At("2020-03-24T15:47"), story.Assigner, two.ID, booking.Take{Job: two.ID})
	told.Do(story.At("2020-03-24T15:48"), story.Assigner, one.ID, booking.PostMessage{Job: one.ID, Text: "She hides at her aunt's"})
	a := store(t, told)
	auditor := story.InRole(domain.Auditor, story.At("2020-05-02T09:00"))
	types := func(ref string) (all []string) {
		t.Helper()
		entries, err := a.Job(t.Context(), auditor, ref)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range entries {
			all = append(all, e.Type)
			if i > 0 && (e.Number <= entries[i-1].Number || !e.Position.After(entries[i-1].Position)) {
				t.Errorf("%s: entry %d is not after the one before it", ref, i)
			}
			if e.ID == uuid.Nil || e.CommandID == uuid.Nil || e.Command != "told" || e.RecordedAt.IsZero() || e.Actor.Role == "" {
				t.Errorf("%s: entry %d does not say who, when and why: %+v", ref, i, e)
			}
		}
		return all
	}
	if got := types("DTP1"); !slices.Equal(got, []string{"booking.created.v1", "booking.message-posted.v1"}) {
		t.Errorf("the first job's history is %v", got)
	}
	if got := types("DTP2"); !slices.Equal(got, []string{"booking.created.v1", "booking.job-taken.v1"}) {
		t.Errorf("the second job's history is %v", got)
	}

	read := func() (data, stored string) {
		t.Helper()
		entries, err := a.Job(t.Context(), auditor, "DTP1")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !json.Valid(e.Data) || !json.Valid(e.Stored) {
				t.Errorf("event %d is not JSON", e.Number)
			}
			data, stored = data+string(e.Data), stored+string(e.Stored)
		}
		return data, stored
	}
	data, stored := read()
	for _, text := range []string{"Jan Kowalski", "She hides at her aunt's"} {
		if !strings.Contains(data, text) || strings.Contains(stored, text) {
			t.Errorf("%q: in the meaning %t, in the stored bytes %t", text, strings.Contains(data, text), strings.Contains(stored, text))
		}
	}
	if strings.Contains(data, "$personal") || !strings.Contains(stored, "$sealed") {
		t.Error("the meaning shows the codec's mark, or the stored bytes are not sealed")
	}

	a.keys.mu.Lock()
	a.keys.erased[wish.Key] = true
	a.keys.mu.Unlock()
	a.Queries.Codec.(*eventschema.Codec).Forget([]uuid.UUID{wish.Key})
	erased, still := read()
	if strings.Contains(erased, "Kowalski") || strings.Contains(erased, "aunt") || !strings.Contains(erased, domain.Erased) || still != stored {
		t.Errorf("after an erasure the meaning is %s", erased)
	}
	if d, err := a.JobAsOf(t.Context(), auditor, "DTP1", story.At("2020-03-24T15:47")); err != nil || strings.Contains(projtest.JSON(d), "Kowalski") {
		t.Errorf("as of a moment before the erasure the name is there: %v", err)
	}
}
