package booking

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/diary"
)

// rounds of a hundred lives each, which rapid draws and shrinks. A short run takes fewer of both.
const allRounds = 100

// TestPropertyRandomLives sends random commands to random bookings, in step with the diaries, and checks after each that the booking is in
// a state that the design allows. rapid runs a hundred lives a round and prints the seed of one that fails.
func TestPropertyRandomLives(t *testing.T) {
	var tally counts
	rounds := allRounds
	if testing.Short() {
		rounds /= 10
	}
	t.Run("rounds", func(t *testing.T) {
		for range rounds {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				own := counts{}
				rapid.Check(t, func(t *rapid.T) { live(t, &own) })
				tally.add(&own)
			})
		}
	})
	if t.Failed() {
		return
	}
	t.Logf("%d lives of %d commands", tally.lives, tally.steps/tally.lives)
	if rounds == allRounds && tally.lives < 100*rounds {
		t.Errorf("want %d lives", 100*rounds)
	}
	for name, c := range tally.commands {
		if tries := c.accepted + c.refused; rounds == allRounds && (c.accepted*10 < tries || c.refused*10 < tries) {
			t.Errorf("%s: %d tries, %d accepted, %d refused: the property says too little about it", name, tries, c.accepted, c.refused)
		}
		t.Logf("%-20s %6d tries, %2d%% accepted", name, c.accepted+c.refused, c.accepted*100/(c.accepted+c.refused))
	}
	if len(tally.commands) != len(generators) {
		t.Errorf("%d commands tried, want %d", len(tally.commands), len(generators))
	}
}

type counts struct {
	mu       sync.Mutex
	lives    int
	steps    int
	commands map[string]tries
}

type tries struct{ accepted, refused int }

func (c *counts) count(name string, accepted bool) {
	if c.commands == nil {
		c.commands = map[string]tries{}
	}
	c.steps++
	n := c.commands[name]
	if accepted {
		n.accepted++
	} else {
		n.refused++
	}
	c.commands[name] = n
}

func (c *counts) add(o *counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lives += o.lives
	c.steps += o.steps
	for name, n := range o.commands {
		if c.commands == nil {
			c.commands = map[string]tries{}
		}
		have := c.commands[name]
		c.commands[name] = tries{have.accepted + n.accepted, have.refused + n.refused}
	}
}

// world is one random life: a booking, the diaries of its interpreters, and the clock. rapid draws a number for each step, and what the step
// does is drawn from that number: so a life is shrunk by leaving steps out (0 is none), and the draws within a step are even.
type world struct {
	t       *rapid.T
	r       *rand.Rand
	now     time.Time
	env     Env
	states  []State // after each event; the first is empty
	events  []Event
	facts   []Fact
	diaries map[uuid.UUID]diary.State
	step    int
}

func (w *world) state() State { return w.states[len(w.states)-1] }

// job draws one of the booking's jobs, sometimes one that it does not have.
func (w *world) job() Job {
	jobs := w.state().Jobs
	if len(jobs) == 0 || w.chance(1, 20) {
		return Job{ID: eve, Schedule: Schedule{Start: london("2020-03-26T10:00"), Minutes: 60}}
	}
	return oneOf(w, jobs...)
}

// chance is true in n of m cases.
func (w *world) chance(n, m int) bool { return w.r.IntN(m) < n }

// oneOf draws one of the values.
func oneOf[T any](w *world, values ...T) T { return values[w.r.IntN(len(values))] }

// someone draws an interpreter, often the one who has the job, or has an offer.
func (w *world) someone(j Job) uuid.UUID {
	if j.Assignment != nil && w.chance(3, 4) {
		return j.Assignment.Interpreter
	}
	for _, o := range j.Offers {
		if o.alive(w.now) && w.chance(1, 2) {
			return o.Interpreter
		}
	}
	return oneOf(w, ana, ben, ana, ben, eve, sam)
}

// local draws a local time around a moment, a whole number of quarter hours away.
func (w *world) local(m domain.Moment, from, to int) string {
	return m.Add(time.Duration(from+w.r.IntN(to-from+1)) * 15 * time.Minute).Local
}

// text draws a text that is there in most cases.
func (w *world) text() string { return oneOf(w, "x", "y", "z", "") }

func (w *world) blocks(j Job) []BlockIn {
	if w.chance(1, 8) {
		return hours("10:00-09:00")
	}
	start := j.Begin()
	blocks := []BlockIn{{start.Local, start.Add(time.Duration(max(1, j.Schedule.Minutes)) * time.Minute).Local}}
	if w.chance(1, 8) {
		blocks = append(blocks, BlockIn{start.Add(7 * time.Hour).Local, start.Add(8 * time.Hour).Local})
	}
	return blocks
}

func (w *world) side() Side { return oneOf(w, CustomerSide, InterpreterSide) }

// generators draw a command of each kind, good and bad.
type generator struct {
	name string
	make func(w *world) Command
}

var generators = []generator{
	{"create", func(w *world) Command {
		c := booked()
		c.Interpreters = oneOf(w, 1, 1, 2, 3)
		c.JobRefs = []string{"DTP1", "DTP2", "DTP3"}[:c.Interpreters]
		c.Fields = fields("flexibility", oneOf(w, "", "2-hours"), "precludedInterpreter", oneOf(w, "", "", linBen))
		for k, v := range booked().Fields {
			c.Fields[k] = v
		}
		if w.chance(1, 3) {
			delete(c.Fields, "reportTo")
		}
		return c
	}},
	{"edit", func(w *world) Command {
		c := Edit{Job: w.job().ID, Scope: oneOf(w, "", ScopeThis, ScopeAll, ScopeFollowing), ByCustomer: w.chance(1, 3)}
		j, _ := w.state().Job(c.Job)
		if jobs := w.state().Jobs; len(jobs) > 1 && w.chance(1, 5) {
			c.Except = one(oneOf(w, jobs...).Ref)
		}
		if w.chance(1, 3) && j.Schedule.Start.Zone != "" {
			c.Start = str(w.local(j.Schedule.Start, -8, 96))
		}
		if w.chance(1, 4) {
			c.Hours, c.Minutes = num(oneOf(w, 0, 1, 2)), num(oneOf(w, 0, 30))
		}
		if w.chance(1, 5) {
			c.Language = str(oneOf(w, "pl", "uk", "kri", "tlh"))
		}
		if w.chance(1, 6) {
			c.Location = &dublin
		}
		if w.chance(1, 2) {
			c.Fields = fields(oneOf(w, "reportTo", "jobNotes", "costCentre", "precludedInterpreter", "shoeSize"), oneOf(w, linAna, linBen, "Desk 2"))
		}
		return c
	}},
	{"confirm", func(w *world) Command { return Confirm{Job: w.job().ID} }},
	{"take", func(w *world) Command { return Take{Job: w.job().ID} }},
	{"release", func(w *world) Command {
		for _, j := range w.state().Jobs {
			if j.TakenBy != uuid.Nil {
				return LetGo{Job: j.ID}
			}
		}
		return LetGo{Job: w.job().ID}
	}},
	{"send-offer", func(w *world) Command {
		c := SendOffer{Job: w.job().ID, Interpreters: []uuid.UUID{w.someone(Job{})}, Override: oneOf(w, "", "needed")}
		if w.chance(1, 2) {
			c.Interpreters = append(c.Interpreters, oneOf(w, ana, ben))
		}
		if w.chance(1, 5) {
			expires := w.now.Add(oneOf(w, -time.Hour, time.Hour, 12*time.Hour))
			c.ExpiresAt = &expires
		}
		return c
	}},
	{"send-wave", func(w *world) Command {
		j := w.job()
		c := SendWave{Job: j.ID, Number: j.Wave.Number + 1, Look: 10}
		if w.chance(1, 20) {
			c.Number = w.r.IntN(4)
		}
		if due := j.Wave.Due; due.After(w.now) && w.chance(3, 4) {
			w.now = due
		}
		for _, id := range []uuid.UUID{oneOf(w, ana, ben), oneOf(w, ben, eve), sam} {
			c.Found.Ranked = append(c.Found.Ranked, Ranked{Interpreter: id, Start: j.Begin(), InTime: w.chance(1, 2)})
		}
		return c
	}},
	{"revoke-offer", func(w *world) Command { j := w.job(); return RevokeOffer{Job: j.ID, Interpreter: w.someone(j)} }},
	{"accept-offer", func(w *world) Command {
		j := w.job()
		c := AcceptOffer{Job: j.ID, Interpreter: w.someone(j), ByStaff: w.chance(1, 2)}
		if w.chance(1, 4) {
			c.ProposedStart = w.local(j.Schedule.Start, -8, 16)
		}
		return c
	}},
	{"decline-offer", func(w *world) Command {
		j := w.job()
		return DeclineOffer{Job: j.ID, Interpreter: w.someone(j), ByStaff: w.chance(1, 2), Reason: w.text()}
	}},
	{"counter-offer", func(w *world) Command {
		j := w.job()
		c := CounterOffer{Job: j.ID, Interpreter: w.someone(j), Reason: w.text()}
		for _, k := range w.state().Jobs {
			for _, o := range k.Offers {
				if o.State == Open && k.Holder == uuid.Nil && w.chance(3, 4) {
					c.Job, c.Interpreter = k.ID, o.Interpreter
				}
			}
		}
		if w.chance(1, 2) {
			c.ProposedStart = w.local(j.Schedule.Start, -8, 16)
		}
		if w.chance(2, 3) {
			c.Fee = &MoneyIn{"95.50", "GBP"}
		}
		return c
	}},
	{"answer-counter", func(w *world) Command {
		for _, j := range w.state().Jobs {
			for _, o := range j.Offers {
				if o.Counter != nil {
					return AnswerCounter{Job: j.ID, Interpreter: o.Interpreter, Accept: w.chance(1, 2)}
				}
			}
		}
		return AnswerCounter{Job: w.job().ID, Interpreter: ana, Accept: true}
	}},
	{"lapse-offer", func(w *world) Command {
		for _, j := range w.state().Jobs {
			for _, o := range j.Offers {
				if o.State == Open {
					return LapseOffer{Job: j.ID, Interpreter: o.Interpreter}
				}
			}
		}
		return LapseOffer{Job: w.job().ID, Interpreter: ana}
	}},
	{"end-hold", func(w *world) Command {
		j := w.job()
		return EndHold{Job: j.ID, Interpreter: w.someone(j), Elsewhere: oneOf(w, eve, j.ID)}
	}},
	{"assign", func(w *world) Command {
		j := w.job()
		return Assign{Job: j.ID, Interpreter: w.someone(j), Override: oneOf(w, "", "needed")}
	}},
	{"unassign", func(w *world) Command {
		j := w.job()
		return Unassign{Job: j.ID, Interpreter: w.someone(j), Reason: w.text()}
	}},
	{"propose-eta", func(w *world) Command {
		j := w.job()
		return ProposeEta{Job: j.ID, ETA: w.local(j.Schedule.Start, -8, 40)}
	}},
	{"agree-eta", func(w *world) Command { return AgreeEta{Job: w.waiting().ID} }},
	{"decline-eta", func(w *world) Command { return DeclineEta{Job: w.waiting().ID} }},
	{"change-eta", func(w *world) Command {
		j := w.job()
		return ChangeEta{Job: j.ID, ETA: w.local(j.Schedule.Start, -40, 40), AgreedBy: w.text()}
	}},
	{"submit-timesheet", func(w *world) Command {
		j := w.job()
		c := SubmitTimesheet{Job: j.ID, Side: w.side(), Blocks: w.blocks(j)}
		if w.chance(1, 4) {
			c.Incidentals = []IncidentalIn{{Kind: oneOf(w, "mileage", "champagne"), Quantity: "2", Note: w.text()}}
		}
		return c
	}},
	{"accept-timesheet", func(w *world) Command { return AcceptTimesheet{Job: w.job().ID, Side: w.side()} }},
	{"dispute-timesheet", func(w *world) Command { return DisputeTimesheet{Job: w.job().ID, Side: w.side(), Reason: w.text()} }},
	{"close", func(w *world) Command {
		j := w.job()
		c := Close{Job: j.ID, Side: oneOf(w, "", "", CustomerSide, InterpreterSide), Reason: w.text()}
		c.Outcome = oneOf(w, "", domain.Success, domain.NotFulfilled, domain.Aborted, domain.ClientNoShow, domain.Curtailed)
		if w.chance(1, 2) {
			b := w.blocks(j)[0]
			c.Start, c.End = b.Start, b.End
		}
		return c
	}},
	{"cancel", func(w *world) Command {
		return Cancel{Job: w.job().ID, Scope: oneOf(w, "", ScopeThis, ScopeAll), ByCustomer: w.chance(1, 2), AuthorisedBy: w.text(), Details: w.text()}
	}},
	{"undo", func(w *world) Command { return Undo{Job: w.job().ID} }},
	{"continue", func(w *world) Command {
		j := w.job()
		start := j.Begin().Add(6 * time.Hour)
		return Continue{Job: j.ID, Ref: fmt.Sprint("DTPC", w.step), Side: w.side(), Blocks: []BlockIn{{start.Local, start.Add(time.Hour).Local}}}
	}},
	{"follow-up", func(w *world) Command {
		j := w.job()
		c := FollowUp{Job: j.ID, Ref: fmt.Sprint("DTPF", w.step), Overrides: Edit{Hours: num(1), Minutes: num(oneOf(w, 0, 30)), Fields: fields("costCentre", w.text())}}
		c.Overrides.Start = str(london("2020-03-27T10:00").Add(time.Duration(w.r.IntN(400)-48) * time.Hour).Local)
		if w.chance(1, 4) {
			c.Overrides.Location = oneOf(w, &dublin, &eve)
		}
		return c
	}},
	{"make-recurring", func(w *world) Command {
		j := w.job()
		c := MakeRecurring{Job: j.ID, Frequency: oneOf(w, "daily", "weekly", "monthly", "yearly"), Occurrences: num(1 + w.r.IntN(3)), ByCustomer: w.chance(1, 3),
			Fields: fields("costCentre", w.text())}
		for i := range *c.Occurrences {
			c.Refs = append(c.Refs, fmt.Sprintf("DTPR%d-%d", w.step, i))
		}
		if c.Frequency == "weekly" && w.chance(1, 2) {
			c.Weekdays = []string{oneOf(w, "mon", "tue", "wed"), oneOf(w, "thu", "fri", "someday")}
		}
		if j.Schedule.Start.Zone != "" && w.chance(1, 3) { // the original moves
			c.StartsOn = j.Schedule.Start.Add(time.Duration(w.r.IntN(10)-1) * 24 * time.Hour).Local[:10]
			c.Acknowledged = oneOf(w, nil, []string{MovesOriginal})
		}
		return c
	}},
	{"post-message", func(w *world) Command { return PostMessage{Job: w.job().ID, Text: w.text()} }},
	{"log-contact", func(w *world) Command {
		return LogContact{Job: w.job().ID, Kind: oneOf(w, "call", "update", "email", "pigeon"), Text: w.text() + w.text()}
	}},
	{"void-reservation", func(w *world) Command {
		j := w.job()
		c := VoidReservation{Job: j.ID, Reservation: newID("stray")(fmt.Sprint(w.step % 3))}
		if j.Assignment != nil {
			c.Reservation = j.Assignment.Reservation
		}
		return c
	}},
	{"erase", func(w *world) Command { return ErasePerson{Reason: "subject-request"} }},
}

// waiting draws a job with a proposed ETA if there is one.
func (w *world) waiting() Job {
	for _, j := range w.state().Jobs {
		if j.Proposed != nil && w.chance(2, 3) {
			return j
		}
	}
	return w.job()
}

// natural are the commands that a job of this status usually gets.
var natural = map[domain.Status][]string{
	domain.Requested: {"confirm", "confirm", "take", "edit", "follow-up", "make-recurring", "post-message"},
	domain.New:       {"follow-up", "make-recurring", "take", "release", "send-offer", "send-offer", "send-wave", "accept-offer", "accept-offer", "decline-offer", "counter-offer", "assign", "assign", "edit", "revoke-offer", "propose-eta", "agree-eta"},
	domain.Assigned:  {"submit-timesheet", "submit-timesheet", "submit-timesheet", "unassign", "edit", "change-eta", "propose-eta", "agree-eta", "decline-eta", "close"},
	domain.Ongoing:   {"accept-timesheet", "dispute-timesheet", "continue", "submit-timesheet", "close"},
	domain.Complete:  {"continue", "edit", "post-message", "follow-up"},
	domain.Cancelled: {"post-message", "edit"},
}

// rare are the commands that end or change everything: they come seldom, so that lives are long.
var rare = map[string]bool{"create": true, "erase": true, "cancel": true, "close": true}

// draw draws the next command.
func (w *world) draw() Command {
	g := oneOf(w, generators...)
	s := w.state()
	if !s.Exists() {
		switch {
		case w.chance(1, 10):
			return g.make(w)
		case w.chance(1, 10):
			return ErasePerson{Reason: "subject-request"}
		}
		return generators[0].make(w)
	}
	if n := len(s.Undoable); n > 0 && s.Undoable[n-1].Until.After(w.now) && len(s.Undoable[n-1].Changed) == 0 && w.chance(3, 4) {
		u := s.Undoable[n-1]
		return Undo{Job: oneOf(w, u.Before...).ID}
	}
	if w.chance(3, 4) {
		j := oneOf(w, s.Jobs...)
		name := oneOf(w, natural[j.Status]...)
		if slices.ContainsFunc(j.Offers, func(o Offering) bool { return o.Counter != nil }) && w.chance(1, 2) {
			name = "answer-counter"
		}
		if end := j.Begin().Instant.Add(10 * time.Hour); (name == "submit-timesheet" || name == "close") && w.now.Before(end) && w.chance(1, 2) {
			w.now = end
		}
		g = generators[slices.IndexFunc(generators, func(g generator) bool { return g.name == name })]
	}
	for rare[g.name] && w.chance(4, 5) {
		g = oneOf(w, generators...)
	}
	return g.make(w)
}

func live(t *rapid.T, tally *counts) {
	tally.lives++
	w := &world{t: t, now: at("2020-03-24T15:46"), states: []State{{}}, diaries: map[uuid.UUID]diary.State{}}
	w.env = env("2020-03-24T15:46")
	for i, n := range rapid.SliceOfN(rapid.Uint64(), 19, 30).Draw(t, "life") {
		if n == 0 {
			continue // the simplest step is none
		}
		w.step, w.r = i, rand.New(rand.NewPCG(n, uint64(i)))
		if i == 0 { // drawn with the first step
			w.env.Agency.AutoAssign = w.chance(1, 5)
			w.env.Agency.AutoOffer = w.chance(2, 3)
			w.env.Customer.Closing = oneOf(w, "", "customer", "interpreter")
			if w.chance(1, 4) {
				w.env.Form.Initial = string(domain.Requested)
			}
			w.env.Customer.CancelHours = num(oneOf(w, 1, 24))
		}
		w.now = w.now.Add(oneOf(w, time.Minute, time.Minute, 10*time.Minute, 2*time.Hour, 9*time.Hour))
		c := w.draw()
		tally.count(c.Name(), w.try(c))
	}
	w.folds()
}

// try sends a command as the handler does: reserve, append, release.
func (w *world) try(c Command) (accepted bool) {
	e := w.env
	e.Now = w.now
	e.NewID = newID(fmt.Sprint("command/", w.step))
	before := w.state()
	d, err := c.Decide(before, e)
	if err == nil {
		err = w.reserve(d)
	}
	if err != nil {
		var no *domain.Refusal
		if !errors.As(err, &no) {
			w.t.Fatalf("%s: a fault, not a refusal: %v", c.Name(), err)
		}
		if no.Status < 400 || no.Code == "" || no.Detail == "" || no.Code == ErrVoided.Code {
			w.t.Fatalf("%s: %+v", c.Name(), no)
		}
		return false
	}
	for _, ev := range d.Events {
		f := Fact{Revision: uint64(len(w.events)), At: w.now, Actor: e.Actor}
		w.states = append(w.states, Evolve(w.state(), ev, f))
		w.events, w.facts = append(w.events, ev), append(w.facts, f)
	}
	for _, r := range d.Release {
		for _, ev := range diary.Release(w.diaries[r.Interpreter], r.Interpreter, []uuid.UUID{r.Reservation}, r.Why) {
			w.diaries[r.Interpreter] = diary.Evolve(w.diaries[r.Interpreter], ev)
		}
	}
	w.legal(c, before)
	w.again(c, e)
	w.listed(c, before, e, len(d.Events) > 0)
	return true
}

func (w *world) reserve(d Decision) error {
	var given []diary.Event
	var who []uuid.UUID
	for _, r := range d.Reserve {
		if r.Unchecked != !r.End.After(w.now) {
			w.t.Fatalf("a window from %v to %v is unchecked %v at %v", r.Start, r.End, r.Unchecked, w.now)
		}
		events, err := diary.Reserve(w.diaries[r.Interpreter], r.Interpreter, []diary.Reservation{{
			ID: r.ID, Booking: bookingID, Job: r.Job, Start: r.Start, End: r.End, Unchecked: r.Unchecked,
		}}, r.Replaces)
		if err != nil {
			return err // nothing was appended yet: the worlds below are thrown away with it
		}
		for _, e := range events {
			given, who = append(given, e), append(who, r.Interpreter)
		}
	}
	for i, e := range given {
		w.diaries[who[i]] = diary.Evolve(w.diaries[who[i]], e)
	}
	return nil
}

// again: the same command in the state after it is nothing or a refusal, never a second fact. But for one: a job moved before its siblings
// has other jobs following it, so the same edit of what follows means others; and jobs that move by as many days as one that stays move again.
// The handler knows repeats of it by the command's id.
func (w *world) again(c Command, e Env) {
	if c, ok := c.(Edit); ok && c.Start != nil && (c.Scope == ScopeFollowing || len(c.Except) > 0) {
		return
	}
	if d, err := c.Decide(w.state(), e); err == nil && len(d.Events) > 0 {
		w.t.Fatalf("%s again: %v", c.Name(), d.Events)
	}
}

// listed: a command that changed something was among the actions of whoever sent it (LL-69).
func (w *world) listed(c Command, before State, e Env, changed bool) {
	j, who, ours := sender(c)
	if !ours || !changed {
		return
	}
	if names := Actions(before, j, who, e); !slices.Contains(names, c.Name()) {
		w.t.Fatalf("%s was accepted, but not listed among %v", c.Name(), names)
	}
}

// sender is who sends such a command; false if it is none of the contract's.
func sender(c Command) (job uuid.UUID, who Who, ours bool) {
	staff := Who{Staff: true}
	side := func(s Side, j uuid.UUID) (uuid.UUID, Who, bool) {
		switch s {
		case CustomerSide:
			return j, Who{Customer: true}, true
		default:
			return j, staff, true
		}
	}
	switch c := c.(type) {
	case Edit:
		return c.Job, Who{Staff: !c.ByCustomer, Customer: c.ByCustomer}, true
	case Confirm:
		return c.Job, staff, true
	case Take:
		return c.Job, staff, true
	case LetGo:
		return c.Job, staff, true
	case SendOffer:
		return c.Job, staff, true
	case RevokeOffer:
		return c.Job, staff, true
	case AcceptOffer:
		if !c.ByStaff {
			return c.Job, Who{Interpreter: c.Interpreter}, true
		}
		return c.Job, staff, true
	case DeclineOffer:
		if !c.ByStaff {
			return c.Job, Who{Interpreter: c.Interpreter}, true
		}
		return c.Job, staff, true
	case CounterOffer:
		return c.Job, Who{Interpreter: c.Interpreter}, true
	case AnswerCounter:
		return c.Job, staff, true
	case Assign:
		return c.Job, staff, true
	case Unassign:
		return c.Job, Who{Interpreter: c.Interpreter}, true
	case ProposeEta:
		return c.Job, staff, true
	case AgreeEta:
		return c.Job, Who{Customer: true}, true
	case DeclineEta:
		return c.Job, Who{Customer: true}, true
	case ChangeEta:
		return c.Job, staff, true
	case SubmitTimesheet:
		return side(c.Side, c.Job)
	case AcceptTimesheet:
		return side(c.Side, c.Job)
	case DisputeTimesheet:
		return side(c.Side, c.Job)
	case Close:
		if c.Side == InterpreterSide {
			return c.Job, staff, true // staff may what a side may
		}
		return side(c.Side, c.Job)
	case Cancel:
		return c.Job, Who{Staff: !c.ByCustomer, Customer: c.ByCustomer}, true
	case Undo:
		return c.Job, staff, true
	case Continue:
		return c.Job, staff, true
	case FollowUp:
		return c.Job, staff, true
	case MakeRecurring:
		return c.Job, Who{Staff: !c.ByCustomer, Customer: c.ByCustomer}, true
	case PostMessage:
		return c.Job, staff, true
	case LogContact:
		return c.Job, staff, true
	}
	return uuid.Nil, Who{}, false
}

// legal checks what must hold whatever has happened.
func (w *world) legal(c Command, before State) {
	s := w.state()
	fail := func(j Job, what string) {
		w.t.Fatalf("after %s, job %s (%s): %s: %+v", c.Name(), j.Ref, j.Status, what, j)
	}
	refs := map[string]bool{}
	for _, j := range s.Jobs {
		if refs[j.Ref] {
			fail(j, "its ref is not its own")
		}
		refs[j.Ref] = true
		assigned := j.Status == domain.Assigned || j.Status == domain.Ongoing
		switch {
		case assigned && j.Assignment == nil:
			fail(j, "nobody has it")
		case (j.Status == domain.New || j.Status == domain.Cancelled) && j.Assignment != nil:
			fail(j, "somebody has it")
		case (j.Status == domain.Complete) != (j.Outcome != ""):
			fail(j, "outcome "+string(j.Outcome))
		case j.Status == domain.Ongoing && j.Timesheet == nil:
			fail(j, "no hours")
		case j.Holder != uuid.Nil && j.Status != domain.New:
			fail(j, "held")
		case j.Schedule.Minutes < 1 || j.Schedule.Start.Zone == "":
			fail(j, "no time")
		}
		for _, o := range j.Offers {
			if o.State == Accepted && j.Holder != o.Interpreter || j.Holder == o.Interpreter && o.State != Accepted {
				fail(j, "an acceptance that does not hold, or a hold without one")
			}
			if o.State == Open && j.Status != domain.New {
				fail(j, "an open offer")
			}
		}
		if j.Assignment != nil && !slices.Contains(j.Ever, j.Assignment.Interpreter) {
			fail(j, "its interpreter may not know it")
		}
		if assigned {
			if slices.Contains(s.Voided, j.Assignment.Reservation) {
				fail(j, "claims a voided reservation")
			}
			r, held := w.diaries[j.Assignment.Interpreter].Find(j.Assignment.Reservation)
			if start, end := j.Window(); !held || !r.Start.Equal(start) || !r.End.Equal(end) || r.Job != j.ID {
				fail(j, fmt.Sprintf("the diary does not hold its window: %+v", r))
			}
		}
		if old, there := before.Job(j.ID); there {
			_, undone := c.(Undo)
			if (old.Status == domain.Complete || old.Status == domain.Cancelled && !undone) && j.Status != old.Status {
				fail(j, "it came back from "+string(old.Status))
			}
			if changed := !reflect.DeepEqual(old, j); changed && j.Revision <= old.Revision {
				fail(j, "it changed without a new revision")
			}
		}
	}
	switch c := c.(type) {
	case Undo:
		w.restored(c, before)
	case SendWave:
		w.askedOnce(c, before)
	}
	var held int
	for _, d := range w.diaries {
		held += len(d.Held)
	}
	for _, j := range s.Jobs {
		if j.Status == domain.Assigned || j.Status == domain.Ongoing {
			held--
		}
	}
	if held != 0 {
		w.t.Fatalf("after %s: %d reservations more than assigned jobs", c.Name(), held)
	}
}

// askedOnce: a wave asks nobody who is suspended or was asked before, and only for a place that nobody has, holds or works on.
func (w *world) askedOnce(c SendWave, before State) {
	asked := before.Asked(c.Job)
	for _, e := range w.events[before.Revision+1:] {
		sent, ok := e.(OfferSent)
		if !ok {
			continue
		}
		if j, _ := before.Job(sent.Job); !j.open(w.now) {
			w.t.Fatalf("a wave offers job %s, which is %+v", j.Ref, j)
		}
		for _, o := range sent.Offers {
			if asked[o.Interpreter] || o.Interpreter == sam || o.Interpreter == eve {
				w.t.Fatalf("a wave asks %s: asked before are %v", o.LIN, asked)
			}
		}
	}
}

// restored: what an undo brings back is what was there before the change: values, times, status and assignment. Offers are sent anew, and no
// hold is revived.
func (w *world) restored(c Undo, before State) {
	u, _ := before.newest(c.Job)
	s := w.state()
	for _, was := range u.Before {
		j, _ := s.Job(was.ID)
		same := cmp.Equal([]any{was.Details, was.Schedule, was.ETA, was.Proposed, was.Status}, []any{j.Details, j.Schedule, j.ETA, j.Proposed, j.Status}, plain)
		if was.Assignment != nil {
			same = same && j.Assignment != nil && j.Assignment.Offered == was.Assignment.Offered
		}
		if now, _ := before.Job(was.ID); was.Holder != uuid.Nil && j.Holder != now.Holder || !same {
			w.t.Fatalf("undone is not what was: %+v, not %+v", j, was)
		}
	}
}

// folds: the events, written and read again, lead to the same states step by step, and nobody wrote into an older state meanwhile.
func (w *world) folds() {
	again := make([]Event, len(w.events))
	for i, e := range w.events {
		again[i] = reread(w.t, e)
	}
	var s State
	for i, e := range again {
		touched := Touches(e)
		before := s
		s = Evolve(s, e, w.facts[i])
		if i%8 == 0 || i == len(again)-1 {
			if got, want := written(w.t, s), written(w.t, w.states[i+1]); got != want {
				w.t.Fatalf("after event %d, %T, folding again gives\n%s\nnot\n%s", i, e, got, want)
			}
		}
		for _, j := range s.Jobs {
			_, erased := e.(PersonErased)
			old, there := before.Job(j.ID)
			if moved := !there || j.Revision != old.Revision; moved != (erased || slices.Contains(touched, j.ID)) {
				w.t.Fatalf("event %d, %T touches %v, but the revision of %s moved: %v", i, e, touched, j.ID, moved)
			}
		}
	}
	if got := Fold(w.events, func(i int) Fact { return w.facts[i] }); written(w.t, got) != written(w.t, w.state()) {
		w.t.Fatalf("folding at once differs from folding in steps")
	}
}

func reread(t *rapid.T, e Event) Event {
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatalf("write %T: %v", e, err)
	}
	p := reflect.New(reflect.TypeOf(e))
	if err := json.Unmarshal(b, p.Interface()); err != nil {
		t.Fatalf("read %T: %v", e, err)
	}
	return p.Elem().Interface().(Event)
}

// written is a state as text, to compare it with itself later.
func written(t interface{ Fatalf(string, ...any) }, s State) string {
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatalf("write a state: %v", err)
	}
	return string(b)
}
