package story

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Random tells a story of a few bookings by so many random commands, good and bad: what was accepted is in the log. Some of it is about people
// who are erased.
func Random(t *rapid.T, commands int) *Told {
	w := &random{Told: Tell(), t: t, now: At("2020-03-24T09:00")}
	w.Closing = pick(w, "", "", "customer", "interpreter")
	for range commands {
		w.now = w.now.Add(pick(w, time.Minute, time.Minute, 10*time.Minute, time.Hour, 2*time.Hour, 9*time.Hour))
		w.step()
	}
	return w.Told
}

type random struct {
	*Told
	t   *rapid.T
	now time.Time
	all []uuid.UUID // bookings

	drawn int // references of jobs made from jobs
}

func pick[T any](w *random, values ...T) T { return rapid.SampledFrom(values).Draw(w.t, "one of") }

func (w *random) chance(n, m int) bool { return rapid.IntRange(1, m).Draw(w.t, "chance") <= n }

func (w *random) someone() uuid.UUID { return pick(w, Ana, Ben, Cleo) }

func (w *random) local(m domain.Moment, from, to int) string {
	return m.Add(time.Duration(rapid.IntRange(from, to).Draw(w.t, "quarters")) * 15 * time.Minute).Local
}

func (w *random) step() {
	if len(w.all) == 0 || len(w.all) < 3 && w.chance(1, 12) {
		w.book()
		return
	}
	s := w.State(pick(w, w.all...))
	if n := len(s.Undoable); n > 0 && w.chance(1, 2) {
		u := s.Undoable[n-1]
		by := Requestor
		if u.By == Assigner.ID {
			by = Assigner
		}
		_ = w.Try(w.now, by, u.Before[0].ID, booking.Undo{Job: u.Before[0].ID}) // refused where something has happened since
		return
	}
	j := rapid.SampledFrom(s.Jobs).Draw(w.t, "job")
	if start, end := j.Window(); j.Status == domain.Assigned && w.now.Before(end) && w.chance(1, 4) {
		w.now = end // hours can be entered
	} else if j.Status == domain.New && w.now.After(start) && w.chance(2, 3) {
		j = s.Jobs[0]
	}
	for range 4 { // a refused command is no event: try some more
		before := len(w.Page)
		if _ = w.Try(w.now, pick(w, Requestor, Assigner), j.ID, w.command(j)); len(w.Page) > before {
			return
		}
	}
}

func (w *random) book() {
	start, _ := domain.MomentAt(w.now.Add(time.Duration(rapid.IntRange(1, 60).Draw(w.t, "hours"))*time.Hour).Truncate(15*time.Minute), Zone)
	c := w.Wish(start.Local)
	switch pick(w, "station", "court", "typed", "remote") {
	case "court":
		c.Location = Court
	case "typed":
		c.Location, c.Address = uuid.Nil, &booking.Address{Line1: "Flat 3", Town: "Hull", Postcode: "HU1 1AA"}
	case "remote":
		c = w.RemoteWish(start.Local)
	}
	if w.chance(1, 3) {
		c.Interpreters, c.JobRefs = 2, append(c.JobRefs, c.JobRefs[0]+"7")
	}
	if w.chance(1, 3) {
		c.Fields["flexibility"] = []string{"2-hours"}
	}
	w.Begins = string(pick(w, domain.New, domain.New, domain.Requested))
	w.Book(w.now, pick(w, Requestor, Assigner), c)
	w.all = append(w.all, c.Booking)
}

// command draws a command that often fits the job's status.
func (w *random) command(j booking.Job) booking.Command {
	hour, none := 1, 30
	text := func() string { return pick(w, "x", "") }
	side := pick(w, booking.CustomerSide, booking.InterpreterSide)
	start := j.Begin()
	blocks := []booking.BlockIn{{Start: start.Local, End: start.Add(time.Hour).Local}}
	always := []booking.Command{
		booking.PostMessage{Job: j.ID, Text: "hello"},
		booking.LogContact{Job: j.ID, Kind: pick(w, "call", "update"), Text: "told", NextUpdateMinutes: pick(w, 0, 30)},
		booking.Edit{Job: j.ID, Scope: pick(w, "this", "all"), Fields: map[string][]string{
			pick(w, "reportTo", "assignedNotes", "costCentre", "nonEnglishSpeaker"): {pick(w, "Desk 2", "N/A", "Gate", "")}}},
		booking.Edit{Job: j.ID, Scope: "this", Start: ref(w.local(j.Schedule.Start, -4, 60)), Hours: &hour, Minutes: &none},
		booking.Edit{Job: j.ID, Scope: "all", Language: ref(pick(w, "pl", "uk", "kri")), Location: pick(w, nil, &Court, &Station)},
	}
	fitting := map[domain.Status][]booking.Command{
		domain.Requested: {booking.Confirm{Job: j.ID}, booking.Confirm{Job: j.ID}, booking.Take{Job: j.ID}, w.followUp(j)},
		domain.New: {
			booking.Take{Job: j.ID}, booking.LetGo{Job: j.ID},
			booking.SendOffer{Job: j.ID, Interpreters: []uuid.UUID{w.someone(), w.someone()}},
			booking.SendOffer{Job: j.ID, Interpreters: []uuid.UUID{w.someone()}},
			w.wave(j), w.wave(j),
			booking.RevokeOffer{Job: j.ID, Interpreter: w.someone()},
			booking.AcceptOffer{Job: j.ID, Interpreter: w.someone(), ByStaff: true, Reason: text(), ProposedStart: pick(w, "", w.local(j.Schedule.Start, 0, 8))},
			booking.DeclineOffer{Job: j.ID, Interpreter: w.someone(), ByStaff: true, Reason: text()},
			booking.LapseOffer{Job: j.ID, Interpreter: w.someone()},
			booking.Assign{Job: j.ID, Interpreter: w.someone()}, booking.Assign{Job: j.ID, Interpreter: w.someone()},
			booking.Close{Job: j.ID, Outcome: pick(w, domain.NotFulfilled, domain.Aborted), Reason: "nobody"},
			w.followUp(j), w.repeated(j),
		},
		domain.Assigned: {
			booking.Unassign{Job: j.ID, Reason: "ill"}, booking.Unassign{Job: j.ID, Reason: "ill"},
			booking.SubmitTimesheet{Job: j.ID, Side: side, Blocks: blocks, Incidentals: []booking.IncidentalIn{{Kind: "mileage", Quantity: "12.5", Note: text()}}},
			booking.SubmitTimesheet{Job: j.ID, Side: side, Blocks: blocks},
			booking.Close{Job: j.ID, Side: pick(w, "", side), Outcome: pick(w, "", domain.Success, domain.ClientNoShow, domain.WorkerNoShow),
				Start: start.Local, End: start.Add(time.Hour).Local, Reason: text()},
		},
		domain.Ongoing: {
			booking.AcceptTimesheet{Job: j.ID, Side: side},
			booking.SubmitTimesheet{Job: j.ID, Side: side, Blocks: blocks}, booking.SubmitTimesheet{Job: j.ID, Side: side, Blocks: blocks},
			booking.Continue{Job: j.ID, Ref: "DTC" + uuid.NewSHA1(j.ID, nil).String()[:6], Side: side,
				Blocks: []booking.BlockIn{{Start: start.Add(6 * time.Hour).Local, End: start.Add(7 * time.Hour).Local}}},
			booking.Close{Job: j.ID, Outcome: domain.Curtailed, Reason: text()},
		},
	}[j.Status]
	if j.Status == domain.New || j.Status == domain.Assigned {
		fitting = append(fitting,
			booking.ProposeEta{Job: j.ID, ETA: w.local(j.Schedule.Start, 1, 20)}, booking.ProposeEta{Job: j.ID, ETA: w.local(j.Schedule.Start, 1, 20)},
			booking.ChangeEta{Job: j.ID, ETA: w.local(j.Schedule.Start, -8, 20), AgreedBy: "Jo"})
		if w.chance(1, 14) {
			return booking.Cancel{Job: j.ID, Scope: pick(w, "this", "all"), AuthorisedBy: "Jo", Details: text()}
		}
	}
	if w.chance(1, 60) {
		return booking.VoidReservation{Job: j.ID, Reservation: w.someone()}
	}
	if j.Proposed != nil && w.chance(1, 2) {
		return pick[booking.Command](w, booking.AgreeEta{Job: j.ID}, booking.DeclineEta{Job: j.ID})
	}
	if j.Status == domain.New && j.Wave.Number == 0 && j.From == uuid.Nil && w.chance(1, 3) {
		return w.wave(j)
	}
	for _, o := range j.Offers {
		if o.State == booking.Open && o.Team && w.chance(1, 2) {
			return pick[booking.Command](w, booking.AcceptOffer{Job: j.ID, Interpreter: o.Interpreter}, booking.Assign{Job: j.ID, Interpreter: w.someone()})
		}
		if o.State == booking.Open && w.chance(1, 2) {
			return pick[booking.Command](w, booking.RevokeOffer{Job: j.ID, Interpreter: o.Interpreter}, booking.LapseOffer{Job: j.ID, Interpreter: o.Interpreter},
				booking.AcceptOffer{Job: j.ID, Interpreter: o.Interpreter, Reason: text()}, booking.DeclineOffer{Job: j.ID, Interpreter: o.Interpreter, Reason: text()},
				booking.CounterOffer{Job: j.ID, Interpreter: o.Interpreter, Reason: text(), ProposedStart: pick(w, "", w.local(j.Schedule.Start, 0, 8)),
					Fee: pick(w, nil, &booking.MoneyIn{Amount: "95.50", Currency: "GBP"})},
				booking.AnswerCounter{Job: j.ID, Interpreter: o.Interpreter, Accept: w.chance(2, 3)})
		}
	}
	if j.Status == domain.Ongoing && !j.Timesheet.Disputed && w.chance(1, 2) {
		return booking.DisputeTimesheet{Job: j.ID, Side: map[booking.Side]booking.Side{booking.CustomerSide: booking.InterpreterSide,
			booking.InterpreterSide: booking.CustomerSide}[j.Timesheet.Side], Reason: "too long"}
	}
	if j.Holder != uuid.Nil && w.chance(1, 4) {
		return booking.EndHold{Job: j.ID, Interpreter: j.Holder, Elsewhere: w.someone()}
	}
	if w.chance(1, 100) {
		return booking.ErasePerson{Reason: "subject-request"}
	}
	if w.chance(1, 40) {
		w.erase(pick(w, Ana, Rita))
	}
	if len(fitting) == 0 || w.chance(1, 5) {
		return rapid.SampledFrom(always).Draw(w.t, "command")
	}
	return rapid.SampledFrom(fitting).Draw(w.t, "command")
}

// wave draws the next wave of a job, of two whom a search found.
func (w *random) wave(j booking.Job) booking.Command {
	c := booking.SendWave{Job: j.ID, Number: j.Wave.Number + 1, Look: 10}
	for range 2 {
		c.Found.Ranked = append(c.Found.Ranked, booking.Ranked{Interpreter: w.someone(), Start: j.Begin()})
	}
	c.Found.Helps = []booking.Help{{Wish: "remote", More: 2}}
	return c
}

// ref is a job reference that no other job has.
func (w *random) ref(prefix string) string {
	w.drawn++
	return fmt.Sprint(prefix, w.drawn)
}

// followUp draws a follow-up, somewhere else now and then.
func (w *random) followUp(j booking.Job) booking.Command {
	hour, none := 1, 0
	return booking.FollowUp{Job: j.ID, Ref: w.ref("DTF"), Overrides: booking.Edit{Start: ref(w.local(j.Schedule.Start, 96, 400)), Hours: &hour, Minutes: &none,
		Location: pick(w, nil, &Court), Language: pick(w, nil, ref("uk")), BillTo: pick(w, nil, ref(""))}}
}

// repeated draws a recurring set, which may move its original.
func (w *random) repeated(j booking.Job) booking.Command {
	n := 2
	c := booking.MakeRecurring{Job: j.ID, Frequency: pick(w, domain.Daily, domain.Weekly), Occurrences: &n, Refs: []string{w.ref("DTR"), w.ref("DTR")}}
	if w.chance(1, 3) {
		c.StartsOn, c.Acknowledged = j.Schedule.Start.Add(48 * time.Hour).Local[:10], []string{booking.MovesOriginal}
	}
	return c
}

// erase erases an interpreter or a user.
func (w *random) erase(who uuid.UUID) {
	stream := eventschema.InterpreterStream(who)
	if who == Rita {
		stream = eventschema.CustomerStream(Police)
	}
	w.Add(stream, w.now, Assigner, people.PersonErased{Subject: who, Keys: []uuid.UUID{KeyOf(who)}, Reason: "subject-request"})
}

func ref(s string) *string { return &s }
