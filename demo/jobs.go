package demo

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
)

const (
	pastDays  = 91
	aheadDays = 42
	jobCount  = 400
	today     = 8
)

// fate is how far a job gets.
type fate int

const (
	waits     fate = iota // new, nobody asked yet
	offered               // offers are out
	held                  // an acceptance holds it
	assigned              // somebody has it
	submitted             // hours entered, not agreed
	disputed              // hours disputed
	succeeded             // hours agreed
	cancelled             // not wanted any more
	noShow                // the client was not there
	unfilled              // nobody was found
)

type plan struct {
	booked, start time.Time
	minutes       int
	fate          fate
	custody       bool
	inPerson      bool
}

// plans are the jobs to make: eight today, one custody job due within three hours, one dispute, the rest spread over the past and ahead.
func (w *world) plans() []plan {
	var all []plan
	zone, err := time.LoadLocation(Zone)
	if err != nil {
		panic(err) // zones are embedded
	}
	local := w.now.In(zone)
	day := func(offset int) time.Time {
		d := local.AddDate(0, 0, offset)
		return time.Date(d.Year(), d.Month(), d.Day(), 8+w.random.IntN(10), 15*w.random.IntN(4), 0, 0, zone)
	}
	add := func(start time.Time, lead time.Duration, f fate) {
		booked := start.Add(-lead)
		if booked.After(w.now) {
			booked = w.now.Add(-time.Duration(1+w.random.IntN(48*60)) * time.Minute)
		}
		all = append(all, plan{booked: booked, start: start, minutes: 30 * (1 + w.random.IntN(6)), fate: f})
	}
	lead := func() time.Duration { return time.Duration(30+w.random.IntN(14*24*60)) * time.Minute }
	for range today {
		start := day(0)
		f := fate(w.random.IntN(int(assigned) + 1))
		if start.Before(w.now) {
			f = []fate{assigned, submitted, succeeded}[w.random.IntN(3)]
		}
		add(start, lead(), f)
	}
	all = append(all, plan{booked: w.now.Add(-20 * time.Minute), start: w.now.Add(2*time.Hour + 30*time.Minute).Truncate(15 * time.Minute),
		minutes: 90, fate: offered, custody: true})
	all = append(all, plan{booked: w.now.AddDate(0, 0, -9), start: day(-3), minutes: 120, fate: disputed})
	past := []fate{succeeded, succeeded, succeeded, succeeded, succeeded, succeeded, succeeded, succeeded, cancelled, noShow, unfilled, submitted, assigned}
	ahead := []fate{waits, offered, held, assigned, assigned, assigned, cancelled}
	for len(all) < jobCount {
		if w.random.IntN(3) > 0 {
			f := past[w.random.IntN(len(past))]
			back := 1 + w.random.IntN(pastDays)
			if back > 10 && (f == submitted || f == assigned) {
				f = succeeded // old hours are settled by now
			}
			add(day(-back), lead(), f)
		} else {
			add(day(1+w.random.IntN(aheadDays)), lead(), ahead[w.random.IntN(len(ahead))])
		}
	}
	return all
}

func (w *world) jobs(say func(string)) error {
	all := w.plans()
	for i, p := range all {
		if i%100 == 0 {
			say(fmt.Sprintf("%d of %d jobs", i, len(all)))
		}
		if err := w.life(p); err != nil {
			return err
		}
	}
	w.at = w.now
	return nil
}

// life makes one job and takes it as far as it goes.
func (w *world) life(p plan) error {
	c := w.customers[w.random.IntN(len(w.customers))]
	if p.custody || p.fate == disputed {
		c = w.customers[0] // where the demo's requestor finds it
	}
	language, worker := w.worker(p)
	w.at = p.booked
	ref, err := w.book(c, p, language)
	if err != nil || p.fate == waits {
		return err
	}
	if p.fate == unfilled {
		w.at = p.start.Add(26 * time.Hour)
		return w.job(w.assigner, ref, "close", func(j booking.Job) booking.Command {
			return booking.Close{Job: j.ID, Outcome: domain.NotFulfilled, Reason: "Nobody was available in time."}
		})
	}
	step := p.start.Sub(p.booked) / 20
	w.at = w.at.Add(min(step, 9*time.Minute))
	if err := w.job(w.assigner, ref, "take", func(j booking.Job) booking.Command { return booking.Take{Job: j.ID} }); err != nil {
		return err
	}
	var asked []uuid.UUID
	for _, lin := range w.lins[language] {
		asked = append(asked, domain.InterpreterID(lin))
	}
	w.at = w.at.Add(min(step, 7*time.Minute))
	if err := w.job(w.assigner, ref, "send-offer", func(j booking.Job) booking.Command {
		return booking.SendOffer{Job: j.ID, Interpreters: asked}
	}); err != nil || p.fate == offered {
		return err
	}
	w.at = w.at.Add(min(step, 50*time.Minute))
	self := access.Viewer{User: worker, Role: domain.Interpreter, Interpreter: worker, Zone: Zone}
	err = w.job(self, ref, "accept-offer", func(j booking.Job) booking.Command {
		return booking.AcceptOffer{Job: j.ID, Interpreter: worker}
	})
	if errors.Is(err, &domain.Refusal{Code: "double-booked"}) {
		return nil // busy then: the offer stays open, as such offers do
	}
	if err != nil || p.fate == held {
		return err
	}
	w.at = w.at.Add(min(step, 12*time.Minute))
	err = w.job(w.assigner, ref, "assign", func(j booking.Job) booking.Command {
		return booking.Assign{Job: j.ID, Interpreter: worker}
	})
	if errors.Is(err, &domain.Refusal{Code: "double-booked"}) {
		return nil // busy then: the job stays as it is, as such jobs do
	}
	if err != nil || p.fate == assigned {
		return err
	}
	return w.finish(c, p, ref, self)
}

// finish is what follows an assignment.
func (w *world) finish(c customer, p plan, ref string, self access.Viewer) error {
	if p.fate == cancelled {
		w.at = w.at.Add(30 * time.Minute)
		return w.job(w.assigner, ref, "cancel", func(j booking.Job) booking.Command {
			return booking.Cancel{Job: j.ID, Reason: "no-longer-needed", AuthorisedBy: w.pick(officers)}
		})
	}
	end := p.start.Add(time.Duration(p.minutes) * time.Minute)
	w.at = end.Add(time.Duration(10+w.random.IntN(600)) * time.Minute)
	if w.at.After(w.now) {
		w.at = w.now
	}
	if end.After(w.at) {
		return nil // it is still running: nothing can be said about its hours
	}
	local := func(t time.Time) string { m, _ := domain.MomentAt(t, Zone); return m.Local }
	if p.fate == noShow {
		return w.job(w.assigner, ref, "close", func(j booking.Job) booking.Command {
			return booking.Close{Job: j.ID, Outcome: domain.ClientNoShow, Start: local(p.start), End: local(p.start.Add(30 * time.Minute)),
				Reason: "The client was not there."}
		})
	}
	side := c.requestor
	if side.Role == domain.Assigner {
		side = w.assigner
	}
	if err := w.job(side, ref, "submit-timesheet", func(j booking.Job) booking.Command {
		return booking.SubmitTimesheet{Job: j.ID, Side: booking.CustomerSide, Blocks: []booking.BlockIn{{Start: local(p.start), End: local(end)}}}
	}); err != nil || p.fate == submitted {
		return err
	}
	w.at = w.at.Add(45 * time.Minute)
	if w.at.After(w.now) {
		w.at = w.now
	}
	if p.fate == disputed {
		return w.job(self, ref, "dispute-timesheet", func(j booking.Job) booking.Command {
			return booking.DisputeTimesheet{Job: j.ID, Side: booking.InterpreterSide, Reason: "I was released half an hour later.",
				Blocks: []booking.BlockIn{{Start: local(p.start), End: local(end.Add(30 * time.Minute))}}}
		})
	}
	return w.job(self, ref, "accept-timesheet", func(j booking.Job) booking.Command {
		return booking.AcceptTimesheet{Job: j.ID, Side: booking.InterpreterSide}
	})
}

// worker chooses a language and somebody who speaks it.
func (w *world) worker(plan) (language string, worker uuid.UUID) {
	p := interpreters[w.random.IntN(len(interpreters))]
	return p.languages[0], domain.InterpreterID(p.lin)
}

func (w *world) pick(list []string) string { return list[w.random.IntN(len(list))] }

func (w *world) book(c customer, p plan, language string) (string, error) {
	hours, minutes := p.minutes/60, p.minutes%60
	m, err := domain.MomentAt(p.start, Zone)
	if err != nil {
		return "", err
	}
	fields := map[string][]string{
		"nonEnglishSpeaker": {w.pick(speakers)}, "requestingOfficer": {w.pick(officers)}, "telephone": {"0113 496 0000"},
		"officerInCase": {w.pick(officers)}, "primaryEmail": {"desk@customer.example"}, "collarNumber": {fmt.Sprint(1000 + w.random.IntN(9000))},
		"officerPhone": {"0113 496 0001"}, "secondaryEmail": {"duty@customer.example"},
	}
	form := "face-to-face"
	wish := booking.Create{Customer: c.id, Language: language, Start: m.Local, Hours: &hours, Minutes: &minutes, Fields: fields}
	if !p.custody && !p.inPerson && w.random.IntN(6) == 0 {
		form = "remote"
		wish.ServiceType, wish.BillTo = "remote", "Accounts Payable"
		fields["invoiceReference"], fields["reasonForBooking"] = []string{fmt.Sprintf("INV-%04d", w.random.IntN(10000))}, []string{"interview"}
		fields["platform"], fields["assignedNotes"] = []string{"ms-teams"}, []string{"Join at https://meet.customer.example/" + fmt.Sprint(w.random.IntN(1_000_000))}
	} else {
		wish.ServiceType, wish.Location = "face-to-face", c.locations[w.random.IntN(len(c.locations))]
		fields["offenceCategory"], fields["assignmentType"] = []string{"theft"}, []string{"interview"}
		fields["reportTo"] = []string{"Reception"}
	}
	if p.custody {
		clock, err := domain.MomentAt(w.now.Add(9*time.Hour), Zone)
		if err != nil {
			return "", err
		}
		fields["custodyReference"], fields["custodyClock"] = []string{"CR/4471/20"}, []string{clock.Local[:16]}
		fields["assignmentType"] = []string{"custody"}
	}
	made, err := w.commands.CreateBooking(w.ctx, w.by(c.requestor, "create"), form, wish)
	if err != nil {
		return "", fmt.Errorf("book for %s: %w", m.Local, err)
	}
	return made.Jobs[0].Ref, nil
}
