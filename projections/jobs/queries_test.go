package jobs_test

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/story"
)

func list(t testing.TB, s *story.Schema, v access.Viewer, f jobs.Filter) (page jobs.Page, err error) {
	t.Helper()
	err = s.Ask(func(tx pgx.Tx) error {
		page, err = jobs.List(t.Context(), tx, v, f, nil)
		return err
	})
	return page, err
}

// somebody stands for people's pseudonyms, and has none for texts.
func somebody(class access.Class, id string) string {
	if class != access.AnInterpreter && class != access.AUser {
		return ""
	}
	return "some " + string(class) + " " + id[:8]
}

func get(t testing.TB, s *story.Schema, v access.Viewer, ref string) (d jobs.Detail, err error) {
	t.Helper()
	err = s.Ask(func(tx pgx.Tx) error {
		d, err = jobs.Get(t.Context(), tx, v, ref, somebody)
		return err
	})
	return d, err
}

func waiting(t testing.TB, s *story.Schema, v access.Viewer) (all []jobs.Waiting) {
	t.Helper()
	s.In(func(tx pgx.Tx) (err error) {
		page, err := jobs.WaitingForMe(t.Context(), tx, v, jobs.Filter{Limit: 500}, nil)
		all = page.Items
		return err
	})
	return all
}

// waitingInAll is how many they are, counted when only one is shown.
func waitingInAll(t testing.TB, s *story.Schema, v access.Viewer) (total int) {
	t.Helper()
	s.In(func(tx pgx.Tx) (err error) {
		page, err := jobs.WaitingForMe(t.Context(), tx, v, jobs.Filter{Limit: 1}, nil)
		total = page.Total
		return err
	})
	return total
}

func refs(page jobs.Page) (all []string) {
	for _, i := range page.Items {
		all = append(all, i.Ref)
	}
	return all
}

func factsOf(s booking.State, j booking.Job) access.JobFacts {
	f := access.JobFacts{Customer: s.Customer, Client: j.Details.Client, Location: j.Details.Location, CreatedBy: s.CreatedBy, Ever: j.Ever}
	for _, o := range j.Offers {
		if o.State == booking.Open || o.State == booking.Accepted {
			f.Offered = append(f.Offered, o.Interpreter)
		}
	}
	if j.Assignment != nil {
		f.Assigned = j.Assignment.Interpreter
	}
	return f
}

// member tells by the definitions of LL-13, from the domain's own state, whether a job is in a list.
func member(list string, j booking.Job, now time.Time, today func(time.Time) bool) bool {
	start, end := j.Window()
	switch list {
	case jobs.Unassigned:
		return j.Status == domain.New && end.After(now)
	case jobs.AssignedList:
		return j.Status == domain.Assigned && end.After(now)
	case jobs.Today:
		return j.Status.Live() && today(start)
	case jobs.Upcoming:
		return (j.Status == domain.New || j.Status == domain.Assigned) && start.After(now)
	case jobs.InProgress:
		return j.Status == domain.Ongoing
	case jobs.RequiringClosure:
		return (j.Status == domain.New || j.Status == domain.Assigned) && !end.After(now)
	case jobs.Completed:
		return j.Outcome != ""
	}
	return true
}

// The queue tells of every job that nobody has what puts it in order, and of those that are shown the rest.
func TestQueue(t *testing.T) {
	t.Parallel()
	s := story.NewSchema(t, postgres.TestDB(t), "queue", jobs.Projector{})
	told, at := story.Tell(), story.At("2020-03-24T09:00")
	book := func(start string, custody bool) booking.Job {
		wish := told.Wish(start)
		if custody {
			wish.Fields["custodyReference"], wish.Fields["custodyClock"] = []string{"CU/1"}, []string{"2020-03-26T20:00"}
		}
		return told.Book(at, story.Requestor, wish)
	}
	late, held, near, given := book("2020-03-27T10:00", true), book("2020-03-25T10:00", false), book("2020-03-24T12:00", false), book("2020-03-25T12:00", false)
	ana := domain.Actor{Role: domain.Interpreter, ID: story.Ana}
	for _, job := range []booking.Job{held, given} {
		told.Do(at, story.Assigner, job.ID, booking.SendOffer{Job: job.ID, Interpreters: []uuid.UUID{story.Ana, story.Ben}})
		told.Do(at, ana, job.ID, booking.AcceptOffer{Job: job.ID, Interpreter: story.Ana})
	}
	told.Do(at, story.Assigner, given.ID, booking.Assign{Job: given.ID, Interpreter: story.Ana})
	told.Do(at, story.Assigner, late.ID, booking.Take{Job: late.ID})
	s.Apply(told.Page)
	for now, want := range map[string][]jobs.Queued{
		"2020-03-24T11:00": {{ID: near.ID}, {ID: held.ID, Held: true}, {ID: late.ID, Custody: true, TakenBy: story.Sam}},
		"2020-03-24T12:59": {{ID: near.ID}, {ID: held.ID, Held: true}, {ID: late.ID, Custody: true, TakenBy: story.Sam}},
		"2020-03-24T13:00": {{ID: held.ID, Held: true}, {ID: late.ID, Custody: true, TakenBy: story.Sam}},
	} {
		for i := range want {
			job := told.Job(want[i].ID)
			want[i].Ref, want[i].Start = job.Ref, job.Schedule.Start.Instant
		}
		v := story.As(story.Sam, story.At(now))
		s.In(func(tx pgx.Tx) error {
			page, err := jobs.Queue(t.Context(), tx, v)
			if diff := cmp.Diff(want, page.Items); diff != "" || page.Total != len(want) {
				t.Errorf("at %s, of %d, %v: %s", now, page.Total, err, diff)
			}
			return err
		})
	}
	v := story.As(story.Sam, at)
	s.In(func(tx pgx.Tx) error {
		items, err := jobs.QueueItems(t.Context(), tx, v, nil, []uuid.UUID{held.ID, late.ID, uuid.New()})
		sam, one := jobs.Person{ID: story.Sam, Name: "Sam"}, jobs.Person{ID: story.Ana, LIN: story.LINAna, Name: "Ana Nowak"}
		if h := items[held.ID]; len(items) != 2 || h.Ref != held.Ref || h.OffersOut != 2 || h.HeldBy != one || h.TakenBy != (jobs.Person{}) {
			t.Errorf("the one held: %+v", h)
		}
		if l := items[late.ID]; l.Ref != late.Ref || l.TakenBy != sam || l.OffersOut != 0 || l.HeldBy != (jobs.Person{}) || l.Town != "Leeds" {
			t.Errorf("the one taken: %+v", l)
		}
		return err
	})
}

// Whatever has happened: every list holds exactly the jobs of its definition that the viewer may know, every job answers with what the
// domain's fold of its stream says, and what waits for someone is what the items say they wait for.
func TestQueriesSayWhatTheDomainSays(t *testing.T) {
	t.Parallel()
	s := story.NewSchema(t, postgres.TestDB(t), "said", jobs.Projector{})
	london, _ := time.LoadLocation(story.Zone)
	filled := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		told := story.Random(rt, rapid.IntRange(4, 40).Draw(rt, "commands"))
		s.Clear()
		s.Apply(told.Page)
		now := told.Page.Last().Meta.At.Add(time.Duration(rapid.IntRange(-60, 40).Draw(rt, "later")) * time.Hour)
		if rapid.IntRange(1, 3).Draw(rt, "early") == 1 {
			now = story.At("2020-03-24T10:00")
		}
		today := func(at time.Time) bool {
			return at.In(london).Format(time.DateOnly) == now.In(london).Format(time.DateOnly)
		}
		viewers := []access.Viewer{
			story.As(story.Rita, now), story.As(story.Nora, now), story.As(story.Omar, now), story.As(story.Sam, now), story.As(story.Ana, now),
			story.As(story.Cleo, now), story.InRole(domain.Analyst, now), story.InRole(domain.Admin, now),
		}
		first := rapid.IntRange(0, len(viewers)-3).Draw(rt, "first viewer")
		for _, v := range viewers[first : first+3] {
			for _, name := range append(jobs.Lists(), "") {
				var want []string
				for _, b := range told.Bookings() {
					for _, j := range b.Jobs {
						if member(name, j, now, today) && access.Relate(v, factsOf(b, j)) != access.None {
							want = append(want, j.Ref)
						}
					}
				}
				page, err := list(t, s, v, jobs.Filter{List: name, Limit: 100})
				if err != nil {
					rt.Fatal(err)
				}
				filled[name] += len(want)
				got := refs(page)
				sort.Strings(want)
				sort.Strings(got)
				if !slices.Equal(want, got) || page.Total != len(want) {
					rt.Fatalf("%s %s at %v: %v, of %d, want %v", v.Role, name, now, got, page.Total, want)
				}
				if one, err := list(t, s, v, jobs.Filter{List: name, Limit: 1}); err != nil || one.Total != len(want) {
					rt.Fatalf("%s %s at %v: one of %d, %v, want %d", v.Role, name, now, one.Total, err, len(want))
				}
			}
		}
		sam := story.As(story.Sam, now)
		waits, steps := map[string][]string{}, map[string][]string{}
		for _, b := range told.Bookings() {
			for _, j := range b.Jobs {
				d, err := get(t, s, sam, j.Ref)
				if err != nil {
					rt.Fatal(err)
				}
				agree(rt, told, b, j, d)
				waits[d.WaitingOn] = append(waits[d.WaitingOn], j.Ref)
				steps[d.NextStep] = append(steps[d.NextStep], j.Ref)
			}
		}
		for column, said := range map[string]map[string][]string{"waitingOn": waits, "nextStep": steps} {
			for text, want := range said {
				if text == "" {
					continue // a job that waits for nothing contains no text
				}
				page, err := list(t, s, sam, jobs.Filter{Columns: map[string]string{column: strings.ToUpper(text)}, Limit: 100})
				if err != nil {
					rt.Fatal(err)
				}
				got := refs(page)
				sort.Strings(got)
				sort.Strings(want)
				if !slices.Equal(got, want) || page.Total != len(want) {
					rt.Fatalf("where %s is %s: %v, of %d, want %v", column, text, got, page.Total, want)
				}
			}
			inOrderOfWaiting(rt, t, s, sam, column)
		}
		for role, v := range map[string]access.Viewer{jobs.Agency: sam, jobs.Customer: story.As(story.Rita, now)} {
			var got []string
			for _, w := range waiting(t, s, v) {
				got = append(got, w.Ref)
				if w.WaitingOn != role || w.Step != w.NextStep {
					rt.Fatalf("%s waits for %s to %s, told %s to %s", w.Ref, w.WaitingOn, w.NextStep, role, w.Step)
				}
			}
			sort.Strings(got)
			sort.Strings(waits[role])
			if !slices.Equal(got, waits[role]) {
				rt.Fatalf("%v wait for %s, told %v", waits[role], role, got)
			}
			if n := waitingInAll(t, s, v); n != len(got) {
				rt.Fatalf("%v wait for %s, counted %d", got, role, n)
			}
		}
		for _, w := range waiting(t, s, story.As(story.Ana, now)) {
			if j := told.Job(jobID(told, w.Ref)); w.Step == "accept-offer" && !slices.ContainsFunc(j.Offers, func(o booking.Offering) bool {
				return o.Interpreter == story.Ana && o.State == booking.Open
			}) || w.Step != "accept-offer" && j.Assignment.Interpreter != story.Ana {
				rt.Fatalf("%s waits for Ana to %s: %+v", w.Ref, w.Step, j)
			}
		}
	})
	for _, name := range jobs.Lists() {
		if filled[name] == 0 {
			t.Errorf("list %s never held a job: the property says nothing about it", name)
		}
		t.Logf("%-20s %d", name, filled[name])
	}
}

// inOrderOfWaiting: sorted by what is waited for, either way, those that wait for nothing come last; of equals the earliest first. Pages hold
// the same as the whole.
func inOrderOfWaiting(rt *rapid.T, t testing.TB, s *story.Schema, v access.Viewer, column string) {
	at := func(i jobs.Item) (text string, start time.Time) {
		text, start = i.WaitingOn, i.Start
		if column == "nextStep" {
			text = i.NextStep
		}
		if !i.ETA.IsZero() {
			start = i.ETA
		}
		return text, start
	}
	for _, down := range []bool{false, true} {
		f := jobs.Filter{Sort: column, Limit: 100}
		if down {
			f.Sort = "-" + column
		}
		page, err := list(t, s, v, f)
		if err != nil {
			rt.Fatal(err)
		}
		want := slices.Clone(page.Items)
		slices.SortFunc(want, func(a, b jobs.Item) int {
			x, ax := at(a)
			y, by := at(b)
			switch {
			case x != y && (x == "" || y == ""):
				return strings.Compare(y, x) // nothing comes after anything
			case x != y && down:
				return strings.Compare(y, x)
			case x != y:
				return strings.Compare(x, y)
			case !ax.Equal(by):
				return ax.Compare(by)
			}
			return strings.Compare(a.Ref, b.Ref)
		})
		if all, err := list(t, s, v, jobs.Filter{Limit: 100}); err != nil || all.Total != page.Total || len(page.Items) != page.Total {
			rt.Fatalf("by %s there are %d of %d jobs, %v", f.Sort, len(page.Items), all.Total, err)
		}
		f.Limit = 3
		var parts []string
		for f.Offset = 0; f.Offset < page.Total; f.Offset += f.Limit {
			part, err := list(t, s, v, f)
			if err != nil || part.Total != page.Total {
				rt.Fatalf("by %s from %d: %d jobs, %v", f.Sort, f.Offset, part.Total, err)
			}
			parts = append(parts, refs(part)...)
		}
		if got := refs(page); !slices.Equal(got, refs(jobs.Page{Items: want})) || !slices.Equal(got, parts) {
			rt.Fatalf("by %s: %v, in pages %v, want %v", f.Sort, got, parts, refs(jobs.Page{Items: want}))
		}
	}
}

func jobID(told *story.Told, ref string) uuid.UUID {
	for _, b := range told.Bookings() {
		if j, ok := b.ByRef(ref); ok {
			return j.ID
		}
	}
	return uuid.Nil
}

// agree compares a job's page with the domain's state of it.
func agree(t *rapid.T, told *story.Told, b booking.State, j booking.Job, d jobs.Detail) {
	start, end := j.Window()
	var have, want []string
	latest := map[string]string{}
	for _, o := range d.Offers {
		latest[o.Interpreter.LIN] = o.State
	}
	for _, o := range j.Offers {
		want = append(want, o.LIN+" "+string(o.State))
		state := latest[o.LIN]
		switch {
		case state == "assigned": // the domain tells only that it ended
			state = "ended"
		case state == "lapsed" && o.State == booking.Open: // expired, and nobody has written that down
			state = "open"
		}
		have = append(have, o.LIN+" "+state)
	}
	type facts struct {
		Ref, Booking, Status, Outcome, Language, Service, Tier, Town string
		Revision                                                     uint64
		Start, End                                                   time.Time
		Minutes                                                      int
		Interpreter                                                  string
		Fields                                                       map[string][]string
		Offers                                                       []string
		Related                                                      int
	}
	texts := map[string][]string{}
	for k, v := range d.Fields {
		texts[k] = v.Items
	}
	stated := map[string][]string{}
	for k, v := range j.Details.Fields {
		stated[k] = v.Items
	}
	lin := ""
	if d.Interpreter != nil {
		lin = d.Interpreter.LIN
	}
	got := facts{d.Ref, d.BookingRef, string(d.Status), string(d.Outcome), d.Language, d.ServiceType, d.LanguageTier, d.Town, d.Revision, d.Start.UTC(), d.End.UTC(),
		d.DurationMinutes, lin, texts, have, len(d.Related) + 1}
	domainSays := facts{Ref: j.Ref, Booking: b.Ref, Status: string(j.Status), Outcome: string(j.Outcome), Language: j.Details.Language, Service: j.Details.ServiceType,
		Tier: j.Details.LanguageTier, Revision: j.Revision, Start: j.Schedule.Start.Instant.UTC(), End: end.UTC(), Minutes: j.Schedule.Minutes, Fields: stated,
		Offers: want, Related: len(b.Jobs)}
	if j.Details.Address != nil {
		domainSays.Town = j.Details.Address.Town
	}
	if j.Assignment != nil {
		domainSays.Interpreter = j.Assignment.LIN
	}
	if diff := cmp.Diff(domainSays, got); diff != "" {
		t.Fatalf("%s (-domain +page):\n%s", j.Ref, diff)
	}
	if (j.ETA != nil) != !d.ETA.IsZero() || j.ETA != nil && !d.ETA.Equal(start) || (j.Proposed != nil) != !d.ProposedETA.IsZero() {
		t.Fatalf("%s: ETA %v, proposed %v, the domain says %v and %v", j.Ref, d.ETA, d.ProposedETA, j.ETA, j.Proposed)
	}
	if j.Timesheet != nil && !strings.Contains(fmt.Sprint(states(d)), map[bool]string{true: "disputed", false: ""}[j.Timesheet.Disputed && j.Status == domain.Ongoing]) {
		t.Fatalf("%s: hours stand as %v", j.Ref, states(d))
	}
}

func states(d jobs.Detail) (all []string) {
	for _, s := range d.Timesheets {
		all = append(all, s.State)
	}
	return all
}

var noon = story.At("2020-03-24T12:00")

// Who reads what of one face-to-face job, offered to Ben, assigned to Ana, once offered to Cleo.
func TestWhoReadsWhatOfAJob(t *testing.T) {
	t.Parallel()
	told := story.Tell()
	job := told.Book(noon, story.Requestor, told.Wish("2020-03-26T10:00"))
	offered := told.Book(noon, story.Requestor, told.Wish("2020-03-26T14:00"))
	do := func(id uuid.UUID, c booking.Command) { told.Do(noon, story.Assigner, id, c) }
	do(job.ID, booking.SendOffer{Job: job.ID, Interpreters: []uuid.UUID{story.Ana, story.Cleo}})
	do(job.ID, booking.AcceptOffer{Job: job.ID, Interpreter: story.Ana, Reason: "gladly"})
	do(job.ID, booking.Assign{Job: job.ID, Interpreter: story.Ana})
	do(offered.ID, booking.SendOffer{Job: offered.ID, Interpreters: []uuid.UUID{story.Ben}})
	s := story.Filled(t, jobs.Projector{}, told.Page)

	read := func(v access.Viewer, ref string) jobs.Detail {
		t.Helper()
		d, err := get(t, s, v, ref)
		if err != nil {
			t.Fatalf("%s: %v", v.Role, err)
		}
		return d
	}
	const hidden = ""
	type sees struct{ line1, reportTo, speaker, telephone, agencyNotes, assignedNotes, jobNotes, lin, contact, createdBy, customer, waitingOn string }
	of := func(d jobs.Detail) sees {
		e := sees{d.Line1, d.ReportTo, d.NonEnglishSpeaker, d.Fields["telephone"].First(), d.Fields["agencyNotes"].First(), d.Fields["assignedNotes"].First(),
			d.Fields["jobNotes"].First(), d.Item.Interpreter.LIN, "", d.CreatedBy.Name, d.Customer.Name, d.WaitingOn}
		if d.Interpreter != nil {
			e.contact = d.Interpreter.Telephone
		}
		return e
	}
	later := story.At("2020-03-25T12:00")
	for name, c := range map[string]struct {
		v    access.Viewer
		ref  string
		want sees
	}{
		"customer": {story.As(story.Rita, later), job.Ref, sees{"1 Park St", "Reception", "Jan Kowalski", "01130000000", hidden, "Bring the file", "A short interview",
			story.LINAna, hidden, "Rita", "Police", "interpreter"}},
		"assigned": {story.As(story.Ana, later), job.Ref, sees{"1 Park St", "Reception", "Jan Kowalski", hidden, hidden, "Bring the file", "A short interview",
			story.LINAna, "07700900000", hidden, hidden, hidden}},
		"offered": {story.As(story.Ben, later), offered.Ref, sees{hidden, hidden, hidden, hidden, hidden, hidden, "A short interview", hidden, hidden, hidden, hidden, hidden}},
		"former":  {story.As(story.Cleo, later), job.Ref, sees{}},
		"assigner": {story.As(story.Sam, later), job.Ref, sees{"1 Park St", "Reception", "Jan Kowalski", "01130000000", "Ask for Jo", "Bring the file", "A short interview",
			story.LINAna, "07700900000", "Rita", "Police", "interpreter"}},
		"finance": {story.As(story.Fay, later), job.Ref, sees{"1 Park St", hidden, hidden, "01130000000", hidden, hidden, hidden, story.LINAna, hidden, "Rita", "Police", "interpreter"}},
		"analyst": {story.InRole(domain.Analyst, later), job.Ref, sees{hidden, hidden, hidden, hidden, hidden, hidden, hidden, hidden, hidden,
			"some user " + story.Rita.String()[:8], "Police", "interpreter"}},
	} {
		d := read(c.v, c.ref)
		if diff := cmp.Diff(c.want, of(d), cmp.AllowUnexported(sees{})); diff != "" {
			t.Errorf("%s reads (-want +got):\n%s", name, diff)
		}
		if d.Town != "Leeds" || d.Outward != "LS1" || d.Language != "pl" || d.LanguageName != "Polish" {
			t.Errorf("%s misses the basics: %+v", name, d.Item)
		}
	}

	customer := read(story.As(story.Rita, later), job.Ref)
	if p := customer.Interpreter; p.Name != "Ana Nowak" || p.PaitID != "PAIT-1" || len(p.Clearances) != 1 || p.Clearances[0].ValidTo != "2099-12-31" {
		t.Errorf("the customer reads the interpreter as %+v", p)
	}
	if len(customer.Offers) != 0 || len(customer.Assignments) != 1 {
		t.Errorf("the customer reads offers %+v and assignments %+v", customer.Offers, customer.Assignments)
	}
	staff := read(story.As(story.Sam, later), job.Ref)
	if len(staff.Offers) != 2 || staff.Offers[0].State != "assigned" || staff.Offers[0].Reason != "gladly" || staff.Offers[0].Fee.Decimal() != "28.00" || staff.Offers[1].State != "ended" {
		t.Errorf("staff read the offers as %+v", staff.Offers)
	}
	if d := read(story.As(story.Cleo, later), job.Ref); len(d.Offers) != 1 || d.Offers[0].Interpreter.LIN != story.LINCleo || d.Offers[0].Reason != "" || len(d.Assignments) != 0 || d.Interpreter != nil {
		t.Errorf("a former interpreter reads offers %+v, assignments %+v, interpreter %+v", d.Offers, d.Assignments, d.Interpreter)
	}
	if d := read(story.As(story.Ben, later), offered.Ref); d.Offers[0].Fee.Decimal() != "28.00" {
		t.Errorf("the offered interpreter reads the fee %v", d.Offers[0].Fee)
	}
	if d := read(story.As(story.Rita, later), offered.Ref); !d.OffersOut || d.BeingWorkedOn || d.NextStep != "accept-offer" {
		t.Errorf("LL-67 (a): %+v", d)
	}
	analyst := read(story.InRole(domain.Analyst, later), job.Ref)
	if p := analyst.Item.Interpreter; p.Name != "some interpreter "+story.Ana.String()[:8] || p.ID != uuid.Nil {
		t.Errorf("the analyst reads the interpreter as %+v", p)
	}
	if !strings.HasPrefix(analyst.Offers[0].Interpreter.Name, "some interpreter ") || analyst.Offers[0].Reason != "" {
		t.Errorf("the analyst reads offers %+v", analyst.Offers)
	}

	unknown := &domain.Refusal{Code: "not-found"}
	for name, c := range map[string]struct {
		v   access.Viewer
		ref string
	}{
		"another customer": {story.As(story.Omar, later), job.Ref}, "never asked": {story.As(story.Cleo, later), offered.Ref},
		"guest": {access.Viewer{Role: domain.Guest}, job.Ref}, "no such job": {story.As(story.Sam, later), "DTP9"},
		"a customer's user without a customer": {access.Viewer{Role: domain.Requestor, Now: later}, job.Ref},
	} {
		if _, err := get(t, s, c.v, c.ref); !errors.Is(err, unknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := list(t, s, access.Viewer{Role: domain.Guest}, jobs.Filter{}); !errors.Is(err, &domain.Refusal{Code: "not-permitted"}) {
		t.Errorf("a guest lists jobs: %v", err)
	}
}

// Contact of the interpreter reaches the customer for remote jobs only (LL-106), and is gone with the assignment.
func TestInterpretersContactForRemoteJobs(t *testing.T) {
	t.Parallel()
	told := story.Tell()
	job := told.Book(noon, story.Requestor, told.RemoteWish("2020-03-26T10:00"))
	told.Do(noon, story.Assigner, job.ID, booking.Assign{Job: job.ID, Interpreter: story.Ana})
	s := story.Filled(t, jobs.Projector{}, told.Page)
	d, err := get(t, s, story.As(story.Rita, noon), job.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Remote || d.Interpreter == nil || d.Interpreter.Telephone != "07700900000" || d.BillTo != "HQ" || d.Town != "" {
		t.Errorf("the customer reads %+v of %+v", d.Interpreter, d.Item)
	}
	if d, err = get(t, s, story.As(story.Ana, noon), job.Ref); err != nil || d.BillTo != "" {
		t.Errorf("the interpreter reads who pays: %q, %v", d.BillTo, err)
	}
	before := len(told.Page)
	told.Do(noon, story.Assigner, job.ID, booking.Unassign{Job: job.ID, Reason: "ill"})
	s.Apply(told.Page[before:])
	d, err = get(t, s, story.As(story.Rita, noon), job.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if d.Interpreter != nil || len(d.Assignments) != 0 || d.Item.Interpreter.LIN != "" {
		t.Errorf("after unassignment the customer reads %+v, %+v", d.Interpreter, d.Assignments)
	}
	if d, err = get(t, s, story.As(story.Sam, noon), job.Ref); err != nil || len(d.Assignments) != 1 || d.Assignments[0].EndedWhy != "unassigned" || d.Assignments[0].Reason != "ill" {
		t.Errorf("staff read the assignment as %+v, %v", d.Assignments, err)
	}
	if d, err = get(t, s, story.As(story.Ana, noon), job.Ref); err != nil || d.Fields["assignedNotes"].First() != "" || len(d.Assignments) != 1 {
		t.Errorf("the former interpreter reads %v, %+v, %v", d.Fields, d.Assignments, err)
	}
}

// three jobs: DTP1001 at the station, DTP1002 at the court with Ana, DTP1003 the hospital's.
func three(t *testing.T) (*story.Schema, *story.Told) {
	told := story.Tell()
	told.Book(noon, story.Requestor, told.Wish("2020-03-26T10:00"))
	court := told.Wish("2020-03-25T10:00")
	court.Location, court.Language = story.Court, "uk"
	court.Fields["nonEnglishSpeaker"], court.Fields["reportTo"], court.Fields["yourReference"] = []string{"Olena Shevchuk"}, []string{"Desk 4"}, []string{"ABC/99"}
	second := told.Book(noon.Add(time.Minute), story.Assigner, court)
	ward := told.Wish("2020-03-27T10:00")
	ward.Customer, ward.Location = story.Hospital, story.Ward
	told.Book(noon.Add(2*time.Minute), domain.Actor{Role: domain.Requestor, ID: story.Omar}, ward)
	told.Do(noon, story.Assigner, second.ID, booking.Assign{Job: second.ID, Interpreter: story.Ana})
	return story.Filled(t, jobs.Projector{}, told.Page), told
}

func TestFiltersSortAndPages(t *testing.T) {
	t.Parallel()
	s, _ := three(t)
	now := noon.Add(time.Hour)
	sam, rita := story.As(story.Sam, now), story.As(story.Rita, now)
	columns := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	const one, two, ward = "DTP1001", "DTP1002", "DTP1003"
	for name, c := range map[string]struct {
		v    access.Viewer
		f    jobs.Filter
		want []string
	}{
		"upcoming by start":                   {sam, jobs.Filter{List: jobs.Upcoming}, []string{two, one, ward}},
		"all, newest first":                   {sam, jobs.Filter{}, []string{ward, one, two}},
		"status":                              {sam, jobs.Filter{Status: domain.Assigned}, []string{two}},
		"language":                            {sam, jobs.Filter{Language: "pl"}, []string{ward, one}},
		"client":                              {rita, jobs.Filter{Client: story.South}, []string{two}},
		"location":                            {sam, jobs.Filter{Location: story.Ward}, []string{ward}},
		"customer":                            {sam, jobs.Filter{Customer: story.Hospital}, []string{ward}},
		"interpreter":                         {rita, jobs.Filter{Interpreter: story.Ana}, []string{two}},
		"service type":                        {sam, jobs.Filter{ServiceType: "remote"}, nil},
		"overlaps a day":                      {sam, jobs.Filter{From: story.At("2020-03-26T10:30"), To: story.At("2020-03-27T10:00")}, []string{one}},
		"ends as the day begins":              {sam, jobs.Filter{From: story.At("2020-03-26T11:00"), To: story.At("2020-03-27T10:01")}, []string{ward}},
		"II-23: status and language by name":  {rita, jobs.Filter{Columns: columns("status", "ASSI", "language", "ukr")}, []string{two}},
		"a customer's own words":              {rita, jobs.Filter{Columns: columns("yourReference", "c/9")}, []string{two}},
		"percent is no wildcard":              {rita, jobs.Filter{Columns: columns("yourReference", "%")}, nil},
		"speaker":                             {rita, jobs.Filter{Columns: columns("nonEnglishSpeaker", "shev")}, []string{two}},
		"address":                             {rita, jobs.Filter{Columns: columns("address1", "park")}, []string{one}},
		"start, as the clock there shows it":  {rita, jobs.Filter{Columns: columns("start", "2020-03-26T10")}, []string{one}},
		"creator of the own organisation":     {rita, jobs.Filter{Columns: columns("createdBy", "rit")}, []string{one}},
		"creator of the agency, a customer":   {rita, jobs.Filter{Columns: columns("createdBy", "sam")}, nil},
		"creator of the agency, staff":        {sam, jobs.Filter{Columns: columns("createdBy", "sam")}, []string{two}},
		"interpreter by LIN or name":          {rita, jobs.Filter{Columns: columns("interpreter", "nowak")}, []string{two}},
		"customer's name":                     {sam, jobs.Filter{Columns: columns("customer", "hosp")}, []string{ward}},
		"sorted":                              {sam, jobs.Filter{Sort: "ref"}, []string{one, two, ward}},
		"sorted down":                         {sam, jobs.Filter{Sort: "-createdAt"}, []string{ward, two, one}},
		"sorted by a joined column":           {sam, jobs.Filter{Sort: "address1"}, []string{one, ward, two}},
		"assigned interpreter, address":       {story.As(story.Ana, now), jobs.Filter{Columns: columns("address1", "hill")}, []string{two}},
		"q: reference":                        {sam, jobs.Filter{Q: "dtp1002"}, []string{two}},
		"q: digits of it":                     {sam, jobs.Filter{Q: "1002"}, []string{two}},
		"q: beginnings of words, all of them": {rita, jobs.Filter{Q: "Olena, sh"}, []string{two}},
		"q: speaker, finance does not read":   {story.As(story.Fay, now), jobs.Filter{Q: "Olena"}, nil},
		"q: reference numbers, finance":       {story.As(story.Fay, now), jobs.Filter{Q: "abc 99"}, []string{two}},
		"q: speaker, an interpreter":          {story.As(story.Ana, now), jobs.Filter{Q: "Olena"}, nil},
		"q: town, an interpreter":             {story.As(story.Ana, now), jobs.Filter{Q: "york"}, []string{two}},
		"q: nothing that could be a word":     {sam, jobs.Filter{Q: "&|!"}, nil},
		"an interpreter asks for another's":   {story.As(story.Ana, now), jobs.Filter{Interpreter: story.Ben}, nil},
		"an interpreter asks by customer":     {story.As(story.Ana, now), jobs.Filter{Customer: story.Police}, nil},
		"an analyst asks by interpreter":      {story.InRole(domain.Analyst, now), jobs.Filter{Interpreter: story.Ana}, nil},
		"an analyst's own columns":            {story.InRole(domain.Analyst, now), jobs.Filter{Columns: columns("costCentre", "", "town", "york")}, []string{}},
	} {
		page, err := list(t, s, c.v, c.f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := refs(page); !slices.Equal(got, c.want) || page.Total != len(c.want) {
			t.Errorf("%s: %v of %d, want %v", name, got, page.Total, c.want)
		}
	}
	page, err := list(t, s, sam, jobs.Filter{List: jobs.Upcoming, Offset: 1, Limit: 1})
	if err != nil || !slices.Equal(refs(page), []string{one}) || page.Total != 3 {
		t.Errorf("the second page of one: %v of %d, %v", refs(page), page.Total, err)
	}
	if page, err = list(t, s, sam, jobs.Filter{List: jobs.Upcoming, Offset: 7}); err != nil || len(page.Items) != 0 || page.Total != 3 {
		t.Errorf("beyond the end: %v of %d, %v", refs(page), page.Total, err)
	}
}

// Whoever could filter or sort by what is hidden would read it.
func TestHiddenColumnsCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	s, _ := three(t)
	now := noon.Add(time.Hour)
	for name, c := range map[string]struct {
		v      access.Viewer
		column string
	}{
		"finance, speaker":      {story.As(story.Fay, now), "nonEnglishSpeaker"},
		"analyst, speaker":      {story.InRole(domain.Analyst, now), "nonEnglishSpeaker"},
		"analyst, interpreter":  {story.InRole(domain.Analyst, now), "interpreter"},
		"analyst, creator":      {story.InRole(domain.Analyst, now), "createdBy"},
		"analyst, address":      {story.InRole(domain.Analyst, now), "address1"},
		"interpreter, creator":  {story.As(story.Ana, now), "createdBy"},
		"interpreter, customer": {story.As(story.Ana, now), "customer"},
		"interpreter, refs":     {story.As(story.Ana, now), "yourReference"},
		"anyone, nonsense":      {story.As(story.Sam, now), "j.ref; drop table jobs"},
	} {
		if _, err := list(t, s, c.v, jobs.Filter{Columns: map[string]string{c.column: "x"}}); !errors.Is(err, projections.ErrUnknownField) {
			t.Errorf("%s as filter: %v", name, err)
		}
		if _, err := list(t, s, c.v, jobs.Filter{Sort: "-" + c.column}); !errors.Is(err, projections.ErrUnknownField) {
			t.Errorf("%s as order: %v", name, err)
		}
	}
	if _, err := list(t, s, story.As(story.Sam, now), jobs.Filter{List: "mine"}); !errors.Is(err, jobs.ErrUnknownList) {
		t.Errorf("an unknown list: %v", err)
	}
	// An interpreter who is no more the one reads nothing through a filter either.
	if page, err := list(t, s, story.As(story.Ben, now), jobs.Filter{Columns: map[string]string{"address1": "hill"}}); err != nil || page.Total != 0 {
		t.Errorf("a stranger finds %v, %v", refs(page), err)
	}
}

// What an erasure leaves cannot be found by what was there.
func TestErasedWordsAreNotFound(t *testing.T) {
	t.Parallel()
	s, told := three(t)
	before := len(told.Page)
	told.Do(noon.Add(time.Hour), story.Assigner, jobID(told, "DTP1002"), booking.ErasePerson{Reason: "subject-request"})
	s.Apply(told.Page[before:])
	now := noon.Add(2 * time.Hour)
	page, err := list(t, s, story.As(story.Rita, now), jobs.Filter{Q: "olena"})
	if err != nil || page.Total != 0 {
		t.Errorf("found %v, %v", refs(page), err)
	}
	d, err := get(t, s, story.As(story.Rita, now), "DTP1002")
	if err != nil || d.NonEnglishSpeaker != domain.Erased || d.Line1 != domain.Erased || d.Town != "York" || d.Fields["offenceCategory"].First() != "theft" {
		t.Errorf("the job reads %+v, %v", d.Item, err)
	}
	if strings.Contains(s.Dump(), "Olena") {
		t.Error("the name is still in a table")
	}
}

func TestOwnOffers(t *testing.T) {
	t.Parallel()
	told := story.Tell()
	job := told.Book(noon, story.Requestor, told.Wish("2020-03-28T10:00"))
	at := noon
	do := func(c booking.Command) {
		at = at.Add(time.Minute)
		told.Do(at, story.Assigner, job.ID, c)
	}
	do(booking.SendOffer{Job: job.ID, Interpreters: []uuid.UUID{story.Ana, story.Ben}})
	do(booking.RevokeOffer{Job: job.ID, Interpreter: story.Ana})
	do(booking.SendOffer{Job: job.ID, Interpreters: []uuid.UUID{story.Ana}})
	do(booking.DeclineOffer{Job: job.ID, Interpreter: story.Cleo, ByStaff: true, Reason: "heard so"})
	s := story.Filled(t, jobs.Projector{}, told.Page)
	offers := func(v access.Viewer) (page jobs.OfferPage, err error) {
		err = s.Ask(func(tx pgx.Tx) error {
			page, err = jobs.Offers(t.Context(), tx, v, projections.ListQuery{})
			return err
		})
		return page, err
	}
	states := func(v access.Viewer) (all []string) {
		page, err := offers(v)
		if err != nil || page.Total != len(page.Items) {
			t.Fatalf("%v: %d of %d, %v", v.LIN, len(page.Items), page.Total, err)
		}
		for _, o := range page.Items {
			all = append(all, o.Ref+" "+o.State)
		}
		return all
	}
	if got := states(story.As(story.Ana, at)); !slices.Equal(got, []string{job.Ref + " open", job.Ref + " revoked"}) {
		t.Errorf("Ana's offers: %v", got)
	}
	if got := states(story.As(story.Ana, at.Add(25*time.Hour))); !slices.Equal(got, []string{job.Ref + " lapsed", job.Ref + " revoked"}) {
		t.Errorf("Ana's offers a day later: %v", got)
	}
	if got := states(story.As(story.Cleo, at)); len(got) != 0 { // recorded by staff; Cleo was never asked and may not know the job
		t.Errorf("Cleo's offers: %v", got)
	}
	if _, err := offers(story.As(story.Rita, at)); !errors.Is(err, &domain.Refusal{Code: "not-permitted"}) {
		t.Errorf("a customer asks for offers: %v", err)
	}
}
