package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
)

// zone is where the demo's world is.
const zone = "Europe/London"

// The generated jobs lie in 2035 and later, the jobs made over HTTP before that, so that moving the clock for the latter makes no timer of the
// former due.
var (
	loadYear     = time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC)
	calendarYear = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
)

// calendars are the months whose jobs a customer looks at: how many jobs each has.
var calendars = []int{50, 500, 2700}

func calendarMonth(i int) time.Time { return calendarYear.AddDate(0, i, 0) }

// interpreterCount is how many interpreters there are besides the demo's.
const interpreterCount = 600

func lin(i int) string { return fmt.Sprintf("LIN/7%03d/1A%02dX", i, i%100) }

// generator makes jobs by the real command handler, as fast as the log can be written: the events are those that the same commands make over
// HTTP. Lives run interleaved, so that neighbouring events belong to different jobs, as they do in an agency.
type generator struct {
	world    *world
	log      *bulkLog
	commands *commands.Handler
	jobs     int // made so far
}

// interleaved is how many lives run at once.
const interleaved = 4000

func newGenerator(w *world, log *eventlog.Log, codec *eventschema.Codec, keys commands.PersonKeys) (*generator, error) {
	g := &generator{world: w, log: newBulkLog(log, 32)}
	var err error
	g.commands, err = commands.New(commands.Config{
		Log: g.log, Codec: codec, PersonKeys: keys, Refs: noRefs{}, Models: noModels{}, Accounts: noAccounts{}, Clock: machineClock{},
		HashKey: make([]byte, 32), Cache: 3 * interleaved,
	})
	return g, err
}

// close waits until all is written.
func (g *generator) close() (uint64, error) { return g.log.close() }

// interpreters registers those that the jobs need.
func (g *generator) interpreters(ctx context.Context) error {
	held := []people.Credential{{Kind: "dbs-enhanced", Reference: "DBS", ValidFrom: "2015-01-01", ValidTo: "2099-12-31"}}
	for i := range interpreterCount {
		_, err := g.commands.RegisterInterpreter(ctx, g.request(access.Viewer{Role: domain.System}, "register-interpreter", time.Now()), people.Profile{
			LIN: lin(i), Name: domain.Personal(fmt.Sprintf("Worker %d", i)), Gender: "female", Languages: []string{"pl", "uk"}, Credentials: held,
			Skills: []string{"spoken-only", "spoken-and-written"}, ServiceTypes: []string{"face-to-face", "remote"},
			Telephone: domain.Personal(fmt.Sprintf("07700 900%03d", i)), Email: domain.Personal(fmt.Sprintf("worker%d@dragoman.example", i)),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) request(v access.Viewer, name string, at time.Time) commands.Request {
	v.Zone, v.Now = zone, at
	return commands.Request{Viewer: v, Name: name, At: at, Canonical: []byte(name)}
}

// kind is how far a life gets.
type kind int

const (
	offered  kind = iota // created, offered
	assigned             // and accepted, assigned
	done                 // and its hours submitted and accepted
	fifteen              // the fifteen notes of LL-95
)

// mix is how often each kind comes, of ten.
var mix = [10]kind{fifteen, done, offered, assigned, done, offered, assigned, done, offered, assigned}

// life is one job on its way.
type life struct {
	kind     kind
	customer *customerWorld
	start    time.Time // of the job, local to the zone
	one, two uuid.UUID // its interpreters
	ref      string
	stream   string
	steps    int // done so far
}

// add makes n jobs of the load, spread over customers and days.
func (g *generator) add(ctx context.Context, n int) error {
	first := g.jobs
	g.jobs += n
	return g.run(ctx, n, func(i int) *life {
		k := first + i
		day := k / (interpreterCount / 2)
		return g.life(mix[k%10], &g.world.customers[k%2*2], k, loadYear.AddDate(0, 0, 1+day))
	})
}

// addCalendars makes the months that one customer looks at.
func (g *generator) addCalendars(ctx context.Context) error {
	for m, n := range calendars {
		err := g.run(ctx, n, func(i int) *life {
			return g.life(mix[i%10], &g.world.customers[1], i, calendarMonth(m).AddDate(0, 0, 1+i/(interpreterCount/2)))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) life(k kind, c *customerWorld, n int, day time.Time) *life {
	pair := n % (interpreterCount / 2)
	return &life{kind: k, customer: c, start: day.Add(time.Duration(8+n%10) * time.Hour),
		one: domain.InterpreterID(lin(2 * pair)), two: domain.InterpreterID(lin(2*pair + 1))}
}

// run plays lives: a number of them at once, each a step at a time.
func (g *generator) run(ctx context.Context, n int, make func(int) *life) error {
	const workers = 4
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		group.Go(func() error {
			var active []*life
			next := w
			for next < n || len(active) > 0 {
				for len(active) < interleaved/workers && next < n {
					active = append(active, make(next))
					next += workers
				}
				left := active[:0]
				for _, l := range active {
					more, err := g.step(ctx, l)
					if err != nil {
						return fmt.Errorf("step %d of a life: %w", l.steps, err)
					}
					if more {
						left = append(left, l)
					}
				}
				active = left
			}
			return nil
		})
	}
	return group.Wait()
}

// step does a life's next command and tells whether there is another.
func (g *generator) step(ctx context.Context, l *life) (more bool, err error) {
	n := l.steps
	l.steps++
	if n == 0 {
		return true, g.book(ctx, l)
	}
	steps := stepsOf[l.kind]
	s := steps[n-1]
	by := map[string]access.Viewer{"customer": l.customer.requestor, "assigner": g.world.assigner,
		"one": self(l.one), "two": self(l.two)}[s.by]
	at := l.start.Add(s.after)
	_, err = g.commands.Job(ctx, g.request(by, s.name, at), l.ref, func(j booking.Job) (booking.Command, error) { return s.build(l, j.ID), nil })
	if err != nil {
		return false, fmt.Errorf("%s: %w", s.name, err)
	}
	if more = n < len(steps); !more {
		g.log.forget(l.stream)
	}
	return more, nil
}

func self(interpreter uuid.UUID) access.Viewer {
	return access.Viewer{User: interpreter, Role: domain.Interpreter, Interpreter: interpreter}
}

// localLayout is a local time as a person sends it.
const localLayout = "2006-01-02T15:04"

func (l *life) local(after time.Duration) string { return l.start.Add(after).Format(localLayout) }

func (g *generator) book(ctx context.Context, l *life) error {
	one, zero := 1, 0
	wish := booking.Create{Customer: l.customer.id, Language: "pl", ServiceType: "face-to-face", Location: l.customer.location, Start: l.local(0),
		Hours: &one, Minutes: &zero, Fields: map[string][]string{}}
	for key, value := range fields {
		wish.Fields[key] = []string{value}
	}
	made, err := g.commands.CreateBooking(ctx, g.request(l.customer.requestor, "create", l.start.Add(-48*time.Hour)), "face-to-face", wish)
	if err != nil {
		return fmt.Errorf("book: %w", err)
	}
	l.ref, l.stream = made.Jobs[0].Ref, eventschema.BookingStream(made.BookingID)
	return nil
}

// fields are what every booking here says besides time and place; over HTTP too.
var fields = map[string]string{
	"assignmentType": "interview", "offenceCategory": "theft", "nonEnglishSpeaker": "Jan Kowalski", "reportTo": "Reception",
	"requestingOfficer": "Sergeant Bell", "telephone": "0113 496 0000", "officerInCase": "DC Marsh", "primaryEmail": "bell@police.example",
	"collarNumber": "4411", "officerPhone": "0113 496 0001", "secondaryEmail": "desk@police.example",
}

// move is one command after the booking, with its business time counted from the job's start.
type move struct {
	by    string
	name  string
	after time.Duration
	build func(l *life, job uuid.UUID) booking.Command
}

var (
	offerOne = move{"assigner", "send-offer", -47 * time.Hour, func(l *life, job uuid.UUID) booking.Command {
		return booking.SendOffer{Job: job, Interpreters: []uuid.UUID{l.one}}
	}}
	revokeOne = move{"assigner", "revoke-offer", -47 * time.Hour, func(l *life, job uuid.UUID) booking.Command {
		return booking.RevokeOffer{Job: job, Interpreter: l.one}
	}}
	acceptOne = move{"one", "accept-offer", -46 * time.Hour, func(l *life, job uuid.UUID) booking.Command {
		return booking.AcceptOffer{Job: job, Interpreter: l.one}
	}}
	assignOne = move{"assigner", "assign", -45 * time.Hour, func(l *life, job uuid.UUID) booking.Command {
		return booking.Assign{Job: job, Interpreter: l.one}
	}}
	unassignOne = move{"assigner", "unassign", -30 * time.Hour, func(l *life, job uuid.UUID) booking.Command {
		return booking.Unassign{Job: job, Interpreter: l.one, Reason: "no longer available"}
	}}
	acceptTwo = move{"assigner", "accept-offer", -29 * time.Hour, func(l *life, job uuid.UUID) booking.Command {
		return booking.AcceptOffer{Job: job, Interpreter: l.two, ByStaff: true}
	}}
	assignTwo = move{"assigner", "assign", -28 * time.Hour, func(l *life, job uuid.UUID) booking.Command {
		return booking.Assign{Job: job, Interpreter: l.two}
	}}
	changeEta = move{"assigner", "change-eta", 24 * time.Hour, func(l *life, job uuid.UUID) booking.Command {
		return booking.ChangeEta{Job: job, ETA: l.local(2 * time.Hour), AgreedBy: "Sergeant Bell"}
	}}
	submit = move{"customer", "submit-timesheet", 48 * time.Hour, func(l *life, job uuid.UUID) booking.Command {
		return booking.SubmitTimesheet{Job: job, Side: booking.CustomerSide,
			Blocks: []booking.BlockIn{{Start: l.local(2 * time.Hour), End: l.local(3 * time.Hour)}}}
	}}
	agreeOne = move{"one", "accept-timesheet", 49 * time.Hour, agree}
	agreeTwo = move{"two", "accept-timesheet", 49 * time.Hour, agree}
)

func agree(_ *life, job uuid.UUID) booking.Command {
	return booking.AcceptTimesheet{Job: job, Side: booking.InterpreterSide}
}

// stepsOf are the commands of each kind of life after the booking.
var stepsOf = map[kind][]move{
	offered:  {offerOne},
	assigned: {offerOne, acceptOne, assignOne},
	done:     {offerOne, acceptOne, assignOne, submit, agreeOne},
	fifteen:  {offerOne, revokeOne, offerOne, acceptOne, assignOne, unassignOne, acceptTwo, assignTwo, changeEta, submit, agreeTwo},
}

// The generator's commands ask for nothing that these would know.

type noRefs struct{}

var errNotHere = errors.New("the generator keeps what it made in memory")

func (noRefs) Resolve(context.Context, string) (b, j uuid.UUID, known bool, err error) {
	return b, j, false, errNotHere
}
func (noRefs) Owner(context.Context, uuid.UUID) (c uuid.UUID, known bool, err error) {
	return c, false, errNotHere
}
func (noRefs) CommandStream(context.Context, uuid.UUID) (stream string, known bool, err error) {
	return "", false, errNotHere
}
func (noRefs) Reach(context.Context, eventschema.Position) error { return errNotHere }

type noModels struct{}

func (noModels) WaitFor(context.Context, eventschema.Position, ...string) error { return nil }

type noAccounts struct{}

func (noAccounts) AddLogin(context.Context, commands.Login) error     { return errNotHere }
func (noAccounts) ChangeLogin(context.Context, commands.Login) error  { return errNotHere }
func (noAccounts) RemoveLogin(context.Context, uuid.UUID) error       { return errNotHere }
func (noAccounts) SetDisabled(context.Context, uuid.UUID, bool) error { return errNotHere }
func (noAccounts) FinishSetup(context.Context) error                  { return errNotHere }
func (noAccounts) BeginSetup(context.Context, string, commands.Login) (uuid.UUID, error) {
	return uuid.Nil, errNotHere
}

type machineClock struct{}

func (machineClock) Now() time.Time { return time.Now() }
