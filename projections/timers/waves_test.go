package timers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/jobrow/jobtest"
	"github.com/dragoman-booking/dragoman/projections/timers"
)

// auto tells whether offers go out by themselves.
func (d *desk) auto(version int, on bool) {
	d.w.Append(eventschema.Agency, people.AgencyChanged{Version: version, Settings: people.AgencySettings{TimeZone: "Europe/London", AutoOffer: on}})
}

// wave is the wave that is due so long after the clock's begin, of which there is one at most; zero: none.
func (d *desk) wave(when string, after time.Duration, number int) uuid.UUID {
	d.t.Helper()
	d.b.Await(d.t, d.w.Log.Events().Last().Position, timers.Name)
	all, err := d.q.WavesDue(d.t.Context(), jobtest.Clock.Add(after), 10)
	if err != nil || len(all) > 1 || (len(all) == 1) != (number > 0) {
		d.t.Fatalf("%s: due are %+v (%v), want number %d", when, all, err, number)
	}
	if number == 0 {
		return uuid.Nil
	}
	if all[0].Number != number || all[0].Job != jobtest.Job(1) || all[0].Booking != jobtest.Booking(1) {
		d.t.Errorf("%s: due is %+v, want number %d", when, all[0], number)
	}
	return all[0].ID
}

func TestN03WavesWaitAndGoOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	job := jobtest.Job(1)
	d.w.On(1, jobtest.Book(1, booking.Over24Hours, jobtest.Wanted(1, "2020-03-27T10:00", 60)))
	d.wave("switched off", time.Hour, 0)
	d.auto(2, true)
	first := d.wave("switched on, after it was booked", 0, 1)
	d.w.On(1, booking.Taken{Job: job, By: jobtest.Sam})
	d.wave("taken", time.Hour, 0)
	d.w.On(1, booking.Released{Job: job, By: jobtest.Sam})
	if again := d.wave("released", time.Hour, 1); again != first {
		t.Error("the wave that waited is another one")
	}
	next := jobtest.Clock.Add(time.Hour)
	d.w.On(1, booking.WaveSent{Jobs: []uuid.UUID{job}, Number: 1, Next: &next}, booking.OfferSent{Job: job, Offers: []booking.Offer{jobtest.Offer(jobtest.Ana, nil)}, Wave: 1})
	d.wave("before it is due", 59*time.Minute, 0)
	second := d.wave("an hour later", time.Hour, 2)
	d.w.On(1, jobtest.Accept(1, jobtest.Ana))
	d.wave("held", 2*time.Hour, 0)
	d.w.On(1, booking.HoldEnded{Job: job, Offered: jobtest.Ana})
	if again := d.wave("the hold has ended", 2*time.Hour, 2); again != second || again == first {
		t.Error("the second wave is not the one that waited")
	}
	near := booking.Schedule{Start: jobtest.Local("2020-03-26T12:00"), Minutes: 60}
	d.w.On(1, booking.Edited{Scope: booking.ScopeThis, Jobs: []booking.JobChange{{Job: job, Own: &booking.Change{Schedule: &near}}}})
	if anew := d.wave("moved", 0, 1); anew == first {
		t.Error("the first wave of the moved job would be taken for a repeat")
	}
	d.wave("its time has come", near.Start.Instant.Sub(jobtest.Clock), 0)
	d.w.On(1, jobtest.Assign(1, jobtest.Ana))
	d.wave("assigned", time.Hour, 0)
	d.unassign()
	d.wave("given back", time.Hour, 1)
	d.w.On(1, booking.JobFlagged{Jobs: []uuid.UUID{job}, Flag: booking.FlagNoCandidates, Wave: 1})
	d.wave("nobody is left", 2*time.Hour, 0)
	d.w.On(1, booking.EtaChanged{Job: job, ETA: jobtest.Local("2020-03-26T13:00")})
	d.wave("another start was agreed", time.Hour, 1)
	d.auto(3, false)
	d.wave("switched off again", time.Hour, 0)
}

// However many jobs wait, nothing is looked at while offers do not go out by themselves; and only what lies ahead once they do.
func TestN03WavesThatAreOffCostNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.auto(2, false)
	d.b.Await(t, d.w.Log.Events().Last().Position, timers.Name)
	var schema string
	if err := d.b.Pool.QueryRow(t.Context(), `select format('rm_%s_%s', model, generation) from kept.models where model = $1`, timers.Name).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	if _, err := d.b.Pool.Exec(t.Context(), `insert into `+schema+`.jobs
		select gen_random_uuid(), 'DTP' || n, gen_random_uuid(), gen_random_uuid(), case n % 50 when 0 then 'new' else 'complete' end, '', '2020-01-01', '2020-01-01',
			'2020-01-01'::timestamptz + n * interval '1 minute', '2020-01-01'::timestamptz + n * interval '2 minutes', 'Europe/London', false, '2020-01-01', 0,
			gen_random_uuid(), 0, '2020-01-01', false, null from generate_series(1, 50000) n`); err != nil {
		t.Fatal(err)
	}
	if _, err := d.b.Pool.Exec(t.Context(), `analyze `+schema+`.jobs`); err != nil {
		t.Fatal(err)
	}
	found, err := d.b.Pool.Query(t.Context(), `explain (analyze, costs off, timing off, summary off) `+strings.ReplaceAll(timers.WavesDueSQL, "{timers}", schema), jobtest.Clock, 100)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(found, pgx.RowTo[string])
	plan := strings.Join(lines, "\n")
	if err != nil || !strings.Contains(plan, "One-Time Filter") || !strings.Contains(plan, "never executed") || !strings.Contains(plan, "jobs_wave") || strings.Contains(plan, "Seq Scan on jobs") {
		t.Errorf("%v\n%s", err, plan)
	}
}
