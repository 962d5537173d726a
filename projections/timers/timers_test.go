package timers_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobrow/jobtest"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/timers"
)

func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	jobtest.SameRows(t, timers.Projector{})
}

// desk is an assigner's view of the clock: a log that grows, and what is due by then.
type desk struct {
	t *testing.T
	w *jobtest.Writer
	b *projtest.Bench
	q timers.Queries
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	log := projtest.NewLog(0)
	w := jobtest.NewWriter(log)
	jobtest.People(w)
	b := projtest.Start(t, log, timers.Projector{})
	return &desk{t, w, b, timers.Queries{Models: b.Models}}
}

// due checks which timers are open up to an instant after the clock's begin: "kind+minutes".
func (d *desk) due(when string, within time.Duration, want ...string) {
	d.t.Helper()
	d.b.Await(d.t, d.w.Log.Events().Last().Position, timers.Name)
	all, err := d.q.Due(d.t.Context(), jobtest.Clock.Add(within), 100)
	if err != nil {
		d.t.Fatal(err)
	}
	got := []string{}
	for _, one := range all {
		got = append(got, fmt.Sprintf("%s+%d", one.Kind, int(one.DueAt.Sub(jobtest.Clock).Minutes())))
	}
	if !slices.Equal(got, want) && len(got)+len(want) > 0 {
		d.t.Errorf("%s: due within %v: %v, want %v", when, within, got, want)
	}
}

func (d *desk) log(minutes int) {
	d.w.On(1, booking.ContactLogged{Job: jobtest.Job(1), ID: uuid.New(), Kind: booking.ContactCall, Text: "x", NextUpdateMinutes: minutes})
}

func (d *desk) unassign() {
	d.w.On(1, booking.Unassigned{Job: jobtest.Job(1), Offered: jobtest.Ana, Reason: "ill"})
}

const year = 365 * 24 * time.Hour

// Due within 3 hours: a call within the hour, updates every half hour until somebody is assigned.
func TestLL60And61DueWithin3Hours(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.w.On(1, jobtest.Book(1, booking.Within3Hours, jobtest.Wanted(1, "2020-03-24T11:59", 60)))
	d.due("booked, early", 29*time.Minute)
	d.due("booked", 30*time.Minute, "update+30")
	d.due("booked", year, "update+30", "first-contact+60")
	d.w.After(20 * time.Minute)
	d.log(0)
	d.due("called after 20 minutes", year, "update+50")
	d.w.After(40 * time.Minute)
	d.log(45) // an agreement cannot stretch the half hour
	d.due("called late", year, "update+90")
	d.w.After(time.Minute)
	d.log(10)
	d.due("sooner was agreed", year, "update+71")
	d.w.After(time.Minute).On(1, jobtest.Assign(1, jobtest.Ana))
	d.due("assigned", year)
	d.w.After(8 * time.Minute)
	d.unassign()
	d.due("unassigned after 70 minutes", year, "update+80")
	d.w.On(1, booking.Cancelled{Jobs: []booking.CancelledJob{{Job: jobtest.Job(1), From: domain.New}}})
	d.due("cancelled", year)
}

// Due within 24 hours: a call within two hours, also if somebody is assigned before; updates as agreed.
func TestLL62And63DueWithin24Hours(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.w.On(1, jobtest.Book(1, booking.Within24Hours, jobtest.Wanted(1, "2020-03-24T12:01", 60)))
	d.due("booked", year, "first-contact+120")
	d.w.After(10*time.Minute).On(1, jobtest.Assign(1, jobtest.Ana))
	d.due("assigned at once", year, "first-contact+120")
	d.w.After(10 * time.Minute)
	d.unassign()
	d.w.After(40 * time.Minute)
	d.log(0)
	d.due("called, no interval agreed", year)
	d.log(90)
	d.due("an interval agreed after an hour", year, "update+150")
	d.w.After(80 * time.Minute)
	d.log(0)
	d.due("told after 140 minutes: the interval stands", year, "update+230")
	d.log(15)
	d.due("another interval", year, "update+155")
	d.w.On(1, jobtest.Assign(1, jobtest.Ana))
	d.due("assigned", year)
	d.w.On(1, jobtest.Submit(1, 60), jobtest.Settle(1, 60))
	d.due("complete", year)
}

// Due later: contact 48 hours before if nobody is assigned by then, or two hours after the booking if that is later (D-05).
func TestLL64DueLater(t *testing.T) {
	t.Parallel()
	const day = 24 * 60
	d := newDesk(t)
	d.w.On(1, jobtest.Book(1, booking.Over24Hours, jobtest.Wanted(1, "2020-04-03T10:00", 60))) // ten times 24 hours ahead: summer time begins between
	d.due("booked ten days ahead", year, fmt.Sprintf("contact+%d", 8*day))
	d.w.On(1, jobtest.Assign(1, jobtest.Ana))
	d.due("assigned first", year)
	d.unassign()
	d.due("unassigned", year, fmt.Sprintf("contact+%d", 8*day))
	eta := jobtest.Local("2020-04-02T10:00")
	d.w.On(1, booking.EtaAgreed{Job: jobtest.Job(1), ETA: eta})
	d.due("moved a day nearer", year, fmt.Sprintf("contact+%d", 7*day))
	near := booking.Schedule{Start: jobtest.Local("2020-03-25T12:00"), Minutes: 60}
	d.w.On(1, booking.Edited{Scope: booking.ScopeThis, Jobs: []booking.JobChange{{Job: jobtest.Job(1), Own: &booking.Change{Schedule: &near}}}})
	d.due("moved to less than 48 hours after the booking (D-05)", year, "contact+120")
	d.log(60)
	d.due("contacted, and an update agreed", year, "update+60")
}

func TestContinuationsPromiseNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.w.On(1, jobtest.Book(1, "", jobtest.Wanted(1, "2020-03-24T08:00", 60)))
	d.log(30)
	d.due("over already", year)
}

// An offer's end is due once, as long as nobody has answered.
func TestOffersLapse(t *testing.T) {
	t.Parallel()
	expires := jobtest.Clock.Add(time.Hour)
	offer := func(d *desk) {
		d.w.On(1, booking.OfferSent{Job: jobtest.Job(1), Offers: []booking.Offer{jobtest.Offer(jobtest.Ana, &expires), jobtest.Offer(jobtest.Ben, nil)}})
	}
	ana := jobtest.Ana
	for name, answer := range map[string]booking.Event{
		"accepted": jobtest.Accept(1, ana), "declined": booking.OfferDeclined{Job: jobtest.Job(1), Offered: ana},
		"revoked": booking.OfferRevoked{Job: jobtest.Job(1), Offered: ana}, "lapsed": booking.OfferLapsed{Job: jobtest.Job(1), Offered: ana},
		"someone else assigned": jobtest.Assign(1, jobtest.Ben),
		"closed":                booking.Closed{Job: jobtest.Job(1), Outcome: domain.NotFulfilled},
		"cancelled":             booking.Cancelled{Jobs: []booking.CancelledJob{{Job: jobtest.Job(1)}}},
		"edited":                booking.Edited{Jobs: []booking.JobChange{{Job: jobtest.Job(1), Revoked: []booking.Offered{ana}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.w.On(1, jobtest.Book(1, "", jobtest.Wanted(1, "2020-03-27T10:00", 60)))
			offer(d)
			d.due("a moment before", 59*time.Minute)
			d.due("offered", time.Hour, "offer-expiry+60")
			d.w.On(1, answer)
			d.due(name, year)
			d.b.Await(t, d.w.Log.Events().Last().Position, timers.Name)
			if got, err := d.q.LapseDue(t.Context(), jobtest.Clock.Add(year), 10); err != nil || len(got) != 0 {
				t.Errorf("offers to lapse: %v %v", got, err)
			}
		})
	}

	t.Run("sent again", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.w.On(1, jobtest.Book(1, booking.Within3Hours, jobtest.Wanted(1, "2020-03-27T10:00", 60)))
		offer(d)
		lapsing := func() timers.Timer {
			t.Helper()
			d.b.Await(t, d.w.Log.Events().Last().Position, timers.Name)
			got, err := d.q.LapseDue(t.Context(), expires, 10)
			if err != nil || len(got) != 1 {
				t.Fatalf("offers to lapse: %v %v", got, err)
			}
			return got[0]
		}
		first := lapsing()
		want := timers.Timer{ID: first.ID, Job: jobtest.Job(1), Booking: jobtest.Booking(1), Ref: jobtest.Ref(1), Kind: timers.OfferExpiry, DueAt: expires, Interpreter: ana.Interpreter}
		if first != want {
			t.Errorf("the offer's end is %+v", first)
		}
		if again := lapsing(); again != first {
			t.Error("the same timer read twice is not the same value")
		}
		offer(d) // lapsing that one is another command, even at the same instant
		if second := lapsing(); second.ID == first.ID {
			t.Error("the second offer's end would be taken for a repeat of the first's")
		}
	})
}

func TestTheBoard(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	expires := jobtest.Clock.Add(time.Minute)
	d.w.On(1, jobtest.Book(1, booking.Within3Hours, jobtest.Wanted(1, "2020-03-24T11:00", 60)),
		booking.OfferSent{Job: jobtest.Job(1), Offers: []booking.Offer{jobtest.Offer(jobtest.Ana, &expires)}})
	at := d.w.On(2, jobtest.Book(2, booking.Over24Hours, jobtest.Wanted(2, "2020-03-30T10:00", 60)))
	d.b.Await(t, at, timers.Name)
	now := jobtest.Clock.Add(45 * time.Minute)
	page, err := d.q.Board(t.Context(), jobtest.When(jobtest.Assigner, now), projections.ListQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range page.Items {
		page.Items[i].ID = uuid.Nil
	}
	urgent := timers.Promise{Ref: jobtest.Ref(1), Customer: jobtest.Police, StartsAt: jobtest.Local("2020-03-24T11:00").In(), Zone: "Europe/London", Status: domain.New, ResponseTier: booking.Within3Hours}
	update, call := urgent, urgent
	update.Kind, update.DueAt, update.Overdue = timers.Update, jobtest.Clock.Add(30*time.Minute), true
	call.Kind, call.DueAt = timers.FirstContact, jobtest.Clock.Add(time.Hour)
	later := timers.Promise{Ref: jobtest.Ref(2), Customer: jobtest.Police, Kind: timers.Contact, DueAt: jobtest.Local("2020-03-28T09:00").Instant,
		StartsAt: jobtest.Local("2020-03-30T10:00").In(), Zone: "Europe/London", Status: domain.New, ResponseTier: booking.Over24Hours}
	if diff := cmp.Diff([]timers.Promise{update, call, later}, page.Items); diff != "" {
		t.Errorf("the board (-want +got):\n%s", diff)
	}
	if only, err := d.q.Board(t.Context(), jobtest.When(jobtest.Assigner, now), projections.ListQuery{Filter: map[string]string{"kind": "call"}}); err != nil || only.Total != 0 {
		t.Errorf("filtered: %+v %v", only, err)
	}
	if after, err := d.q.Board(t.Context(), jobtest.When(jobtest.Assigner, jobtest.Local("2020-03-24T12:00").Instant), projections.ListQuery{}); err != nil || after.Total != 1 {
		t.Errorf("the urgent job is over, nothing is left to keep: %+v %v", after, err)
	}
	for name, v := range map[string]access.Viewer{"requestor": jobtest.Requestor, "finance": jobtest.Finance, "worker": jobtest.Worker, "analyst": jobtest.Analyst, "guest": jobtest.Guest} {
		if _, err := d.q.Board(t.Context(), v, projections.ListQuery{}); !errors.Is(err, &domain.Refusal{Code: "not-permitted"}) {
			t.Errorf("%s asks for the board: %v", name, err)
		}
	}
	if _, err := d.q.Board(t.Context(), jobtest.Auditor, projections.ListQuery{}); err != nil {
		t.Errorf("the auditor: %v", err)
	}
}

// What is due is found by an index however many timers are done.
func TestPlansUseAnIndex(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.b.Await(t, d.w.Log.Events().Last().Position, timers.Name)
	var schema string
	if err := d.b.Pool.QueryRow(t.Context(), `select format('rm_%s_%s', model, generation) from kept.models where model = $1`, timers.Name).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	if _, err := d.b.Pool.Exec(t.Context(), `insert into `+schema+`.timers
		select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'DTP' || n, case n % 2 when 0 then 'offer-expiry' else 'update' end,
			'2020-01-01'::timestamptz + n * interval '1 minute', null, n % 100 <> 0 from generate_series(1, 20000) n`); err != nil {
		t.Fatal(err)
	}
	if _, err := d.b.Pool.Exec(t.Context(), `analyze `+schema+`.timers`); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"", " and kind = 'offer-expiry'"} {
		found, err := d.b.Pool.Query(t.Context(), `explain select * from `+schema+`.timers where not done`+kind+` and due_at <= $1 order by due_at, id limit $2`, jobtest.Clock, 100)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(found, pgx.RowTo[string])
		if plan := strings.Join(lines, "\n"); err != nil || strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") {
			t.Errorf("%v\n%s", err, plan)
		}
	}
}
