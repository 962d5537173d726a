package booking

import (
	"fmt"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
	"github.com/dragoman-booking/dragoman/internal/clockchanges"
)

// in is the usual world, with the station in that zone.
func in(zone string, now time.Time) Env {
	e := env("2020-03-20T09:00")
	e.Now = now
	e.Locations[station] = people.Place{Name: "Station", TimeZone: zone, Address: people.PostalAddress{Line1: "1 Park St", Town: "Leeds", Postcode: "LS1 4AP"}}
	return e
}

// TestM05_EveryClockChange goes over every change of ten years in four zones: bookings at, before and after it have one instant or are refused;
// an edit that moves jobs keeps the local time; a window in working days ends at that local time; a night worked across it is paid by what
// elapsed, whatever the wall shows.
func TestM05_EveryClockChange(t *testing.T) {
	t.Parallel()
	for _, c := range clockchanges.All() {
		t.Run(fmt.Sprintf("%s %s", c.Zone, c.At.Format(time.DateOnly)), func(t *testing.T) {
			t.Parallel()
			loc, err := time.LoadLocation(c.Zone)
			if err != nil {
				t.Fatal(err)
			}
			now := c.At.AddDate(0, 0, -20)
			local := func(wall time.Time) string { return wall.Format("2006-01-02T15:04") }
			book := func(wall time.Time) Create {
				w := booked()
				w.Start = local(wall)
				return w
			}
			for _, offset := range []time.Duration{-time.Minute, 0, c.Size() - time.Minute, c.Size()} {
				wall := c.First().Add(offset)
				inside := offset >= 0 && offset < c.Size()
				e := in(c.Zone, now)
				e.NewID = newID("create")
				d, err := book(wall).Decide(State{}, e)
				switch {
				case inside && c.Forward():
					tried{tell(t), book(wall), e, d, err}.refused("nonexistent-local-time", "body.start")
				case inside:
					no := tried{tell(t), book(wall), e, d, err}.refused("doubled-local-time", "body.start")
					for i, choice := range no.Choices {
						w := book(wall)
						w.Start += choice
						made := event[Created](tried{tell(t), w, e, decided(t, w, State{}, e), nil}).Jobs[0].Schedule.Start
						if want := wall.Add(-[]time.Duration{c.Before, c.After}[i]); !made.Instant.Equal(want) || made.Local != wall.Format(domain.LocalLayout) {
							t.Errorf("%s%s is %+v, want %s", local(wall), choice, made, want)
						}
					}
				default:
					made := event[Created](tried{tell(t), book(wall), e, d, err}).Jobs[0].Schedule.Start
					off := c.Before
					if !made.Instant.Before(c.At) {
						off = c.After
					}
					if !made.Instant.Equal(wall.Add(-off)) || made.Local != wall.Format(domain.LocalLayout) || made.Zone != c.Zone {
						t.Errorf("%s became %+v", local(wall), made)
					}
				}
			}

			// Two jobs of a booking, a day before the change and the day after it, are moved together: each keeps one local time.
			noon := time.Date(c.First().Year(), c.First().Month(), c.First().Day(), 12, 0, 0, 0, time.UTC)
			w := book(noon.AddDate(0, 0, -1))
			w.Interpreters, w.JobRefs = 2, []string{"DTP1", "DTP2"}
			e := in(c.Zone, now)
			e.NewID = newID("create")
			s := tell(t).does(w, e)
			e = in(c.Zone, now)
			e.NewID = newID("apart")
			s.does(Edit{Job: s.state.Jobs[1].ID, Scope: ScopeThis, Start: str(local(noon.AddDate(0, 0, 1)))}, e)
			e.NewID = newID("together")
			s.does(Edit{Job: s.state.Jobs[0].ID, Scope: ScopeAll, Start: str(local(noon.AddDate(0, 0, -1).Add(3 * time.Hour)))}, e)
			for i, day := range []int{-1, 1} {
				start := s.state.Jobs[i].Schedule.Start
				want := noon.AddDate(0, 0, day).Add(3 * time.Hour)
				if shown := start.Instant.In(loc).Format(domain.LocalLayout); start.Local != want.Format(domain.LocalLayout) || shown != start.Local {
					t.Errorf("job %d begins at %s, shown as %s", i, start.Local, shown)
				}
			}

			// The window of two working days ends at the job's local time, and the customer's edit is open just until then.
			job := s.state.Jobs[1]
			e.Customer.Policies = map[string]windows.Rule{windows.Edit: {Unit: windows.WorkingDays, Span: 2}}
			e.Customer.Nation = windows.NoNation
			until := e.window(windows.Edit, job.Schedule.Start, job.Details.Location).Until
			if got := until.In(loc).Format("15:04"); got != "15:00" {
				t.Errorf("the window ends at %s", until.In(loc))
			}
			change := Edit{Job: job.ID, ByCustomer: true, Scope: ScopeThis, Fields: fields("reportTo", "Desk 2")}
			e.Now = until.Add(-time.Second)
			if _, err := change.Decide(s.state, e); err != nil {
				t.Errorf("a second before the window ends: %v", err)
			}
			e.Now = until
			if _, err := change.Decide(s.state, e); err == nil {
				t.Error("the window did not end")
			}

			// A night across the change: from four hours before to four hours after, by the wall.
			from, to := c.At.Add(-4*time.Hour), c.At.Add(4*time.Hour)
			night := s.state.Jobs[0]
			e = in(c.Zone, to.Add(time.Hour))
			e.NewID = newID("assign")
			s.does(Assign{Job: night.ID, Interpreter: ana}, e)
			e.NewID = newID("hours")
			block := BlockIn{Start: from.In(loc).Format("2006-01-02T15:04-07:00"), End: to.In(loc).Format("2006-01-02T15:04-07:00")}
			hours := SubmitTimesheet{Job: night.ID, Side: InterpreterSide, Blocks: []BlockIn{block}}
			sheet := event[TimesheetSubmitted](tried{s, hours, e, decided(t, hours, s.state, e), nil})
			if sheet.Worked != 8*60 {
				t.Errorf("%s to %s is paid as %d minutes", block.Start, block.End, sheet.Worked)
			}
			if b := sheet.Blocks[0]; !b.Start.Instant.Equal(from) || !b.End.Instant.Equal(to) || b.Start.Local != from.In(loc).Format(domain.LocalLayout) || b.End.Local != to.In(loc).Format(domain.LocalLayout) {
				t.Errorf("the block is stored as %+v", b)
			}
		})
	}
}

func decided(t *testing.T, c Command, s State, e Env) Decision {
	t.Helper()
	d, err := c.Decide(s, e)
	if err != nil {
		t.Fatalf("%s: %v", c.Name(), explain(err))
	}
	return d
}
