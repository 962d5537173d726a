package jobrow_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
	"github.com/dragoman-booking/dragoman/projections/jobrow/jobtest"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// The rows say what the domain's own fold says, after every event of the story.
func TestFoldsAsTheDomainDoes(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	jobtest.Tell(jobtest.NewWriter(log))
	fold := jobrow.NewFold(nil)
	states := map[string]booking.State{}
	compared := 0
	for _, r := range log.Events() {
		if err := fold.Apply(r); err != nil {
			t.Fatal(err)
		}
		event, ok := r.Event.(booking.Event)
		if !ok {
			continue
		}
		s := booking.Evolve(states[r.Stream], event, booking.Fact{Revision: r.Revision, At: r.Meta.At, Actor: r.Meta.Actor})
		states[r.Stream] = s
		for _, j := range s.Jobs {
			row := fold.Jobs[j.ID]
			want := jobrow.Job{ID: j.ID, Ref: j.Ref, Booking: s.ID, Customer: s.Customer, Client: j.Details.Client, Location: j.Details.Location,
				BookedBy: s.CreatedBy, CreatedBy: row.CreatedBy, CreatedAt: j.CreatedAt, Language: j.Details.Language, ServiceType: j.Details.ServiceType, BillTo: j.Details.BillTo,
				Status: j.Status, Outcome: j.Outcome, CompletedAt: row.CompletedAt, Requested: j.Schedule.Start.Instant, Begin: j.Begin().Instant,
				Zone: j.Schedule.Start.Zone, Minutes: j.Schedule.Minutes, Tier: j.Policy.ResponseTier}
			if j.Assignment != nil {
				want.Interpreter = j.Assignment.Interpreter
			}
			if diff := cmp.Diff(want, *row); diff != "" {
				t.Fatalf("%s after event %d (%T):\n%s", j.Ref, r.Revision, event, diff)
			}
			if (row.Status == domain.Complete) == row.CompletedAt.IsZero() {
				t.Fatalf("%s is %s and was completed at %v", j.Ref, row.Status, row.CompletedAt)
			}
			compared++
		}
	}
	if compared < 50 {
		t.Errorf("only %d comparisons: the story is not read", compared)
	}
	var ever []jobrow.Knows
	for _, s := range states {
		for _, j := range s.Jobs {
			for _, i := range j.Ever {
				ever = append(ever, jobrow.Knows{Job: j.ID, Interpreter: i})
			}
		}
	}
	order := func(a, b jobrow.Knows) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	}
	known := fold.Known()
	slices.SortFunc(ever, order)
	slices.SortFunc(known, order)
	if diff := cmp.Diff(ever, known); diff != "" || len(known) == 0 {
		t.Errorf("who knows what (-domain +rows):\n%s", diff)
	}
}

// Every stored event of a booking has been thought of here: it changes a row, or it is known not to.
func TestEveryBookingEventIsThoughtOf(t *testing.T) {
	t.Parallel()
	changes := []string{"created", "job-added", "job-confirmed", "edited", "offer-sent", "offer-accepted", "job-assigned", "job-unassigned", "eta-agreed", "eta-changed",
		"timesheet-submitted", "timesheet-accepted", "job-closed", "cancelled", "change-undone"}
	leaves := []string{"job-taken", "job-released", "wave-sent", "job-flagged", "offer-moved", "offer-revoked", "offer-declined", "offer-lapsed", "counter-offer-made", "counter-offer-answered", "hold-ended", "eta-proposed", "eta-declined",
		"timesheet-disputed", "job-continued", "message-posted", "contact-logged", "reservation-voided", "person-erased"}
	files, err := filepath.Glob("../../eventschema/testdata/booking.*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("the frozen examples are not where they were: %v", err)
	}
	for _, file := range files {
		name := strings.Split(filepath.Base(file), ".")[1]
		if !slices.Contains(changes, name) && !slices.Contains(leaves, name) {
			t.Errorf("booking.%s is new: does it change what read models keep of a job?", name)
		}
	}
}

// What a viewer may know is the same in SQL as in access.Relate, for all kinds of viewers and jobs.
func TestWithinIsWhatRelateSays(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	ids := []uuid.UUID{{}, {1}, {2}, {3}}
	pick := func() uuid.UUID { return ids[random.IntN(len(ids))] }
	some := func() (list []uuid.UUID) {
		for range random.IntN(3) {
			list = append(list, ids[1+random.IntN(3)])
		}
		return list
	}

	pool := postgres.TestDB(t)
	ctx := t.Context()
	if _, err := pool.Exec(ctx, `create table jobs (job uuid primary key, customer uuid, client uuid, location uuid, booked_by uuid);
		create table known (interpreter uuid, job uuid)`); err != nil {
		t.Fatal(err)
	}
	facts := map[uuid.UUID]access.JobFacts{}
	batch := &pgx.Batch{}
	for n := range 300 {
		id := uuid.UUID{9, byte(n >> 8), byte(n)}
		f := access.JobFacts{Customer: ids[1+random.IntN(2)], Client: pick(), Location: pick(), CreatedBy: pick(), Ever: some()}
		facts[id] = f
		batch.Queue(`insert into jobs values ($1, $2, $3, $4, $5)`, id, f.Customer, rows.ID(f.Client), rows.ID(f.Location), f.CreatedBy)
		for _, i := range f.Ever {
			batch.Queue(`insert into known values ($1, $2)`, i, id)
		}
	}
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		t.Fatal(err)
	}
	roles := []domain.Role{domain.Requestor, domain.Requestor, domain.CustomerAdmin, domain.Interpreter, domain.Assigner, domain.Finance, domain.Admin,
		domain.Safeguarding, domain.Auditor, domain.Analyst, domain.Guest, domain.System, "made-up"}
	for range 200 {
		v := access.Viewer{User: pick(), Role: roles[random.IntN(len(roles))], Clients: some(), Locations: some()}
		switch v.Role {
		case domain.Interpreter:
			v.Interpreter = pick()
		default:
			v.Customer = pick()
		}
		var args jobrow.Args
		sql := jobrow.Within(v, &args, "known")
		found, err := pool.Query(ctx, "select job from jobs where "+sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(found, pgx.RowTo[uuid.UUID])
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		for id, f := range facts {
			if want := access.Relate(v, f) != access.None; slices.Contains(got, id) != want {
				t.Fatalf("seed %d: %+v may know %+v: %v, but %q says otherwise", seed, v, f, want, sql)
			}
		}
	}
}

func TestWantedAreOnlyStoredJobs(t *testing.T) {
	t.Parallel()
	page := eventschema.Page{
		{Event: jobtest.Book(1, "", jobtest.Wanted(1, "2020-03-27T10:00", 60))},
		{Event: jobtest.Assign(1, jobtest.Ana)},
		{Event: jobtest.Assign(7, jobtest.Ana)},
		{Event: booking.JobAdded{Job: jobtest.Wanted(2, "2020-03-27T10:00", 60), From: jobtest.Job(6)}},
		{Event: booking.JobAdded{Job: jobtest.Wanted(3, "2020-03-27T10:00", 60), From: jobtest.Job(2)}},
	}
	if got, want := jobrow.Wanted(page), []uuid.UUID{jobtest.Job(6), jobtest.Job(7)}; !slices.Equal(got, want) {
		t.Errorf("wanted %v, not %v", got, want)
	}
}

func TestAJobThatNobodyMadeIsTheEventsFault(t *testing.T) {
	t.Parallel()
	for _, event := range []booking.Event{jobtest.Assign(7, jobtest.Ana), booking.JobAdded{From: jobtest.Job(6)},
		booking.Edited{Jobs: []booking.JobChange{{Job: jobtest.Job(7)}}}, booking.Cancelled{Jobs: []booking.CancelledJob{{Job: jobtest.Job(7)}}}} {
		if err := jobrow.NewFold(nil).Apply(eventschema.Recorded{Event: event}); err == nil || !strings.Contains(err.Error(), "no event made") {
			t.Errorf("%T: %v", event, err)
		}
	}
}

// NameFor tells a name to staff and to the own organisation only.
func TestNameFor(t *testing.T) {
	t.Parallel()
	police := jobtest.Police
	hidden := func(class access.Class, _ string) string { return string(class) + " is hidden" }
	for name, c := range map[string]struct {
		v              access.Viewer
		ofPolice, ours string
	}{
		"assigner":  {jobtest.Assigner, "Rob", "Staff"},
		"auditor":   {jobtest.Auditor, "Rob", "Staff"},
		"requestor": {jobtest.Requestor, "Rob", ""},
		"foreign":   {jobtest.Foreign, "", ""},
		"worker":    {jobtest.Worker, "", ""},
		"guest":     {jobtest.Guest, "", ""},
		"analyst":   {jobtest.Analyst, "user is hidden", "user is hidden"},
	} {
		if got := jobrow.NameFor(c.v, jobtest.Rob, "Rob", &police, hidden); got != c.ofPolice {
			t.Errorf("%s reads the police's user as %q", name, got)
		}
		if got := jobrow.NameFor(c.v, uuid.UUID{0x77}, "Staff", nil, hidden); got != c.ours {
			t.Errorf("%s reads the agency's user as %q", name, got)
		}
	}
}

// What a read model's rows are made by holds its own files and the shared ones.
func TestSourcesAreJoined(t *testing.T) {
	t.Parallel()
	var names []string
	err := fs.WalkDir(jobrow.With(fstest.MapFS{"own.sql": &fstest.MapFile{Data: []byte("x")}}), ".", func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	slices.Sort(names)
	if err != nil || !slices.Equal(names, []string{"jobrow.go", "own.sql", "users.go"}) {
		t.Errorf("%v %v", names, err)
	}
}
