package calendar_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/projections/calendar"
	"github.com/dragoman-booking/dragoman/projections/jobrow/jobtest"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

var notPermitted = &domain.Refusal{Code: "not-permitted"}

func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	jobtest.SameRows(t, calendar.Projector{})
}

// March 2020 in London.
var from, to = jobtest.Local("2020-03-01T00:00").Instant, jobtest.Local("2020-04-01T00:00").Instant

func TestWhoSeesWhichEntries(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := jobtest.Tell(jobtest.NewWriter(log))
	b := projtest.Start(t, log, calendar.Projector{})
	b.Await(t, at, calendar.Name)
	q := calendar.Queries{Models: b.Models}
	// The edit took jobs 1 and 2 from the station; job 3 is CID's. Job 4 is the courts', job 5 the custody suite's at the station.
	for name, c := range map[string]struct {
		v    access.Viewer
		want []byte
	}{
		"assigner":     {jobtest.Assigner, []byte{1, 4, 2, 3, 5}},
		"finance":      {jobtest.Finance, []byte{1, 4, 2, 3, 5}},
		"auditor":      {jobtest.Auditor, []byte{1, 4, 2, 3, 5}},
		"analyst":      {jobtest.Analyst, []byte{1, 4, 2, 3, 5}},
		"requestor":    {jobtest.Requestor, []byte{1, 2, 3, 5}},
		"chief":        {jobtest.Chief, []byte{1, 2, 3, 5}},
		"other place":  {jobtest.Narrow, nil},
		"other client": {jobtest.Detective, []byte{3}},
		"warden":       {jobtest.Warden, []byte{5}},
		"foreign":      {jobtest.Foreign, []byte{4}},
		"worker":       {jobtest.Worker, []byte{1, 4, 2, 3, 5}}, // also what was taken back: 1 and 4
		"other":        {jobtest.Other, []byte{1, 4}},
		"nobody":       {jobtest.Nobody, nil},
	} {
		items, err := q.Between(t.Context(), c.v, from, to, calendar.Filter{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, name, items, c.want...)
	}
	if _, err := q.Between(t.Context(), jobtest.Guest, from, to, calendar.Filter{}); !errors.Is(err, notPermitted) {
		t.Errorf("a guest: %v", err)
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := jobtest.Tell(jobtest.NewWriter(log))
	b := projtest.Start(t, log, calendar.Projector{})
	b.Await(t, at, calendar.Name)
	q := calendar.Queries{Models: b.Models, Substitute: func(class access.Class, _ string) string { return string(class) + " is hidden" }}
	items, err := q.Between(t.Context(), jobtest.Assigner, from, to, calendar.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	want := []calendar.Item{
		{Ref: jobtest.Ref(1), Title: "Polish, face to face", Zone: "Europe/London", Start: jobtest.Local("2020-03-26T09:30").In(), End: jobtest.Local("2020-03-26T10:45").In(),
			Status: domain.Complete, Outcome: domain.Success, Language: "pl", ServiceType: forms.ServiceFaceToFace, CreatedBy: domain.Erased},
		{Ref: jobtest.Ref(4), Title: "Ukrainian, remote", Zone: "Europe/London", Start: jobtest.Local("2020-03-28T11:00").In(), End: jobtest.Local("2020-03-28T11:45").In(),
			Status: domain.Cancelled, Language: "uk", ServiceType: forms.ServiceRemote, CreatedBy: "Olga"},
		// The ETA counts.
		{Ref: jobtest.Ref(2), Title: "Polish, face to face", Zone: "Europe/London", Start: jobtest.Local("2020-03-28T13:00").In(), End: jobtest.Local("2020-03-28T14:30").In(),
			Status: domain.Complete, Outcome: domain.ClientNoShow, Language: "pl", ServiceType: forms.ServiceFaceToFace, CreatedBy: domain.Erased},
		{Ref: jobtest.Ref(3), Title: "Ukrainian, face to face", Zone: "Europe/London", Start: jobtest.Local("2020-03-28T18:00").In(), End: jobtest.Local("2020-03-28T18:30").In(),
			Status: domain.Ongoing, Language: "uk", ServiceType: forms.ServiceFaceToFace, CreatedBy: "Sam"},
		{Ref: jobtest.Ref(5), Title: "Polish, face to face", Zone: "Europe/London", Start: jobtest.Local("2020-03-30T08:00").In(), End: jobtest.Local("2020-03-30T10:00").In(),
			Status: domain.Complete, Outcome: domain.Curtailed, Language: "pl", ServiceType: forms.ServiceFaceToFace, CreatedBy: "Rob"},
	}
	if diff := cmp.Diff(want, items); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}

	names := func(v access.Viewer) (all []string) {
		items, err := q.Between(t.Context(), v, from, to, calendar.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			all = append(all, i.CreatedBy)
		}
		return all
	}
	if got := names(jobtest.Requestor); !slices.Equal(got, []string{domain.Erased, domain.Erased, "", "Rob"}) { // Sam is the agency's
		t.Errorf("a customer reads who booked as %q", got)
	}
	if got := strings.Join(names(jobtest.Worker), ""); got != "" {
		t.Errorf("an interpreter reads who booked: %q", got)
	}
	if got := strings.Join(names(jobtest.Analyst), " "); strings.Contains(got, "Rob") || !strings.Contains(got, "user is hidden") {
		t.Errorf("an analyst reads who booked as %q", got)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := jobtest.Tell(jobtest.NewWriter(log))
	b := projtest.Start(t, log, calendar.Projector{})
	b.Await(t, at, calendar.Name)
	q := calendar.Queries{Models: b.Models}
	for name, c := range map[string]struct {
		v      access.Viewer
		filter calendar.Filter
		want   []byte
	}{
		"status":                            {jobtest.Assigner, calendar.Filter{Status: domain.Complete}, []byte{1, 2, 5}},
		"language":                          {jobtest.Assigner, calendar.Filter{Language: "uk"}, []byte{4, 3}},
		"client":                            {jobtest.Assigner, calendar.Filter{Client: jobtest.CID}, []byte{3}},
		"location":                          {jobtest.Assigner, calendar.Filter{Location: jobtest.Station}, []byte{5}},
		"service":                           {jobtest.Assigner, calendar.Filter{ServiceType: forms.ServiceRemote}, []byte{4}},
		"interpreter":                       {jobtest.Assigner, calendar.Filter{Interpreter: jobtest.Ben.Interpreter}, []byte{1}},
		"all must hold":                     {jobtest.Requestor, calendar.Filter{Status: domain.Complete, Interpreter: jobtest.Ana.Interpreter, Language: "pl"}, []byte{2, 5}},
		"an interpreter's own":              {jobtest.Worker, calendar.Filter{Interpreter: jobtest.Ana.Interpreter}, []byte{2, 3, 5}},
		"the earliest":                      {jobtest.Assigner, calendar.Filter{Status: domain.Complete, Limit: 2}, []byte{1, 2}},
		"no more than there are":            {jobtest.Assigner, calendar.Filter{Status: domain.Complete, Limit: 4}, []byte{1, 2, 5}},
		"an interpreter asks for another's": {jobtest.Worker, calendar.Filter{Interpreter: jobtest.Ben.Interpreter}, nil},
	} {
		items, err := q.Between(t.Context(), c.v, from, to, c.filter)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, name, items, c.want...)
	}
}

// Half-open, and whatever overlaps: also what began the day before, and a continuation of more than a day.
func TestWhatOverlaps(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	w := jobtest.NewWriter(log)
	at := w.On(1, jobtest.Book(1, booking.Over24Hours,
		jobtest.Wanted(1, "2020-06-09T23:00", 60),     // ends as the day begins
		jobtest.Wanted(2, "2020-06-09T23:00", 61),     // reaches into it
		jobtest.Wanted(3, "2020-06-09T00:01", 24*60),  // the longest that can be booked
		jobtest.Wanted(4, "2020-06-08T20:00", 30*60),  // longer than that
		jobtest.Wanted(5, "2020-06-10T23:59", 10),     // begins in its last minute
		jobtest.Wanted(6, "2020-06-11T00:00", 10),     // begins as it ends
		jobtest.Wanted(7, "2020-06-07T20:00", 28*60))) // long, and over
	b := projtest.Start(t, log, calendar.Projector{})
	b.Await(t, at, calendar.Name)
	items, err := calendar.Queries{Models: b.Models}.Between(t.Context(), jobtest.Assigner,
		jobtest.Local("2020-06-10T00:00").Instant, jobtest.Local("2020-06-11T00:00").Instant, calendar.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the 10th", items, 4, 3, 2, 5)
}

// A month is read by an index, of one customer and of all, and by an interpreter's own jobs, however many jobs there are.
func TestPlansUseAnIndex(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	at := jobtest.People(jobtest.NewWriter(log))
	b := projtest.Start(t, log, calendar.Projector{})
	b.Await(t, at, calendar.Name)
	schema := calendar.Load(t, b.Pool, 30_000, jobtest.Ana.Interpreter)
	for name, v := range map[string]access.Viewer{"staff": jobtest.Assigner, "customer": jobtest.Requestor, "narrowed": jobtest.Warden, "interpreter": jobtest.Worker} {
		for _, filter := range []calendar.Filter{{}, {Status: domain.New, Client: jobtest.Custody}} {
			sql, args := calendar.Statement(v, from, to, filter)
			found, err := b.Pool.Query(t.Context(), "explain (analyze, timing off) "+strings.ReplaceAll(sql, "{calendar}", schema), args...)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(found, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			plan := strings.Join(lines, "\n")
			if strings.Contains(plan, "Seq Scan on jobs") || strings.Contains(plan, "Seq Scan on known") {
				t.Errorf("%s reads every row:\n%s", name, plan)
			}
			t.Logf("%s: %s", name, lines[len(lines)-1])
		}
	}
}

func same(t *testing.T, name string, items []calendar.Item, want ...byte) {
	t.Helper()
	var got, refs []string
	for _, i := range items {
		got = append(got, i.Ref)
	}
	for _, n := range want {
		refs = append(refs, jobtest.Ref(n))
	}
	if !slices.Equal(got, refs) {
		t.Errorf("%s: %v, want %v", name, got, refs)
	}
}
