package booking

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Undoable is an edit or a cancellation of related jobs that may be taken back: by whom, until when, and what the jobs were before it.
type Undoable struct {
	Revision uint64 // of its event
	Command  string // edit, cancel
	By       uuid.UUID
	Until    time.Time
	Before   []Job       // the jobs that it touched, as they stood
	Changed  []uuid.UUID // those of them to which something has happened since
}

// Name is the command's name.
func (Undo) Name() string { return "undo" }

// Decide takes back the newest edit or cancellation of related jobs that concerned this one (N-06): fields, status and assignments come back,
// open offers are sent anew, ended ones are not revived. The diaries hold the old time again, or nothing changes. Only who did it may, before
// the instant that was told then, and while nothing has happened to any of the jobs but messages, contacts and offers whose time was up.
//
//	given  two related jobs, the first assigned to Ana; both cancelled by Jo a minute ago
//	when   Undo by Jo
//	then   ChangeUndone: new and assigned again, Ana's time reserved anew
//	again  nothing-to-undo
//	error  nothing-to-undo; not-permitted: somebody else did it; too-late with the instant; changed-since naming the jobs
func (c Undo) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	u, _ := s.newest(j.ID)
	e := ChangeUndone{Key: s.Key, Undoes: u.Revision, Command: u.Command, Policy: Policy{Version: env.AgencyVersion}}
	var d Decision
	for _, then := range u.Before {
		now, _ := s.Job(then.ID)
		job, err := d.undo(s, now, then, env)
		if err != nil {
			return Decision{}, err
		}
		e.Jobs = append(e.Jobs, job)
	}
	e.share()
	d.Events = []Event{e}
	return d, nil
}

// share tells once what comes back to every job alike.
func (e *ChangeUndone) share() {
	if len(e.Jobs) < 2 || e.Jobs[0].Back == nil {
		return
	}
	shared := maps.Clone(e.Jobs[0].Back.Fields)
	for _, u := range e.Jobs[1:] {
		maps.DeleteFunc(shared, func(key string, v domain.Value) bool {
			if u.Back == nil {
				return true
			}
			own, there := u.Back.Fields[key]
			return !there || !own.Equal(v)
		})
	}
	if len(shared) == 0 {
		return
	}
	e.Shared = shared
	for i, u := range e.Jobs {
		back := *u.Back
		back.Fields = maps.Clone(back.Fields)
		maps.DeleteFunc(back.Fields, func(key string, _ domain.Value) bool { _, told := shared[key]; return told })
		if len(back.Fields) == 0 {
			back.Fields = nil
		}
		e.Jobs[i].Back = nil
		if !back.empty() {
			e.Jobs[i].Back = &back
		}
	}
}

func (c Undo) allowed(s State, j Job, env Env) error {
	u, ok := s.newest(j.ID)
	switch {
	case !ok:
		return domain.Unprocessable("nothing-to-undo", "Of job %s there is nothing to undo.", j.Ref)
	case u.By != env.Actor.ID:
		return domain.Forbidden("not-permitted", "Only who made this change can undo it. Please contact the agency.")
	case !env.Now.Before(u.Until):
		r := domain.Unprocessable("too-late", "This could be undone until %s.", u.Until.In(j.Schedule.Start.In().Location()).Format("02/01/2006 15:04"))
		r.Until = u.Until.Format(time.RFC3339)
		return r
	case len(u.Changed) > 0:
		r := domain.Unprocessable("changed-since", "Something has happened since, so this can no longer be undone.")
		for _, k := range s.known(env).Jobs {
			if slices.Contains(u.Changed, k.ID) {
				r.Errors = append(r.Errors, domain.FieldError{Location: k.Ref, Message: "Job " + k.Ref + " has changed since."})
			}
		}
		return r
	}
	return nil
}

// newest is the newest change that concerned a job and may still be taken back.
func (s State) newest(job uuid.UUID) (Undoable, bool) {
	for _, u := range slices.Backward(s.Undoable) {
		if u.of(job) {
			return u, true
		}
	}
	return Undoable{}, false
}

func (u Undoable) of(job uuid.UUID) bool {
	return slices.ContainsFunc(u.Before, func(j Job) bool { return j.ID == job })
}

// UndoUntil is until when the change that a command has just made to a job may be taken back; zero: it cannot be.
func (s State) UndoUntil(job uuid.UUID) time.Time {
	if u, ok := s.newest(job); ok && u.Revision == s.Revision {
		return u.Until
	}
	return time.Time{}
}

// UndoableUntil is until when this user may take back the newest change that concerned a job; zero if it is somebody else's or there is none.
func (s State) UndoableUntil(job, user uuid.UUID) time.Time {
	if u, ok := s.newest(job); ok && u.By == user {
		return u.Until
	}
	return time.Time{}
}

// undo is what taking a change back means for one job: now is how it stands, then how it stood before.
func (d *Decision) undo(s State, now, then Job, env Env) (UndoneJob, error) {
	after := now
	after.Status, after.Details, after.Schedule, after.ETA, after.Proposed = then.Status, then.Details, then.Schedule, then.ETA, then.Proposed
	out := UndoneJob{Job: now.ID, From: now.Status, Status: then.Status, ETA: then.ETA, Proposed: then.Proposed}
	if back := now.differing(whole(now, then)); !back.empty() {
		out.Back = &back
	}
	d.undoOffers(&out, s, now, then, after, env)
	var err error
	switch {
	case now.Status == domain.Cancelled && then.Assignment != nil:
		out.Assigned = &then.Assignment.Offered
		out.Reservation, out.Unchecked, err = d.reserve(s, after, then.Assignment.Interpreter, uuid.Nil, env)
		if env.Candidates[then.Assignment.Interpreter].Suspended {
			d.Warnings = append(d.Warnings, domain.Warning{Location: "body", Code: "suspended", Message: "The interpreter of job " + now.Ref + " is suspended."})
		}
	case now.Assignment != nil && now.Status == domain.Assigned && !sameWindow(now, after):
		out.Reservation, _, err = d.reserve(s, after, now.Assignment.Interpreter, now.Assignment.Reservation, env)
	}
	return out, err
}

// undoOffers sends open offers anew. After an edit those are the ones that show what the edit had made of the job; after a cancellation those
// that it ended, an acceptance among them: its hold is not revived.
func (d *Decision) undoOffers(out *UndoneJob, s State, now, then, after Job, env Env) {
	if then.Status != domain.New {
		return
	}
	send := func(o Offering) {
		unwanted := slices.Contains(after.Details.Fields["precludedInterpreter"].Items, o.LIN) && o.Override == nil
		if !unwanted && !env.Candidates[o.Interpreter].Suspended && !over(after, env.Now) {
			out.Resent = append(out.Resent, again(o, s, now, after, env))
		}
	}
	if now.Status == domain.Cancelled {
		for _, o := range then.Offers {
			if o.alive(env.Now) {
				send(o)
			}
		}
		return
	}
	if !rescheduled(now, after) && sameWindow(now, after) && !moved(now, after) && now.Details.Language == after.Details.Language {
		return
	}
	for _, o := range now.Offers {
		if o.alive(env.Now) {
			out.Revoked = append(out.Revoked, o.named())
			send(o)
		}
	}
}

func sameWindow(a, b Job) bool {
	aFrom, aTo := a.Window()
	bFrom, bTo := b.Window()
	return aFrom.Equal(bFrom) && aTo.Equal(bTo)
}

// whole is every value that a job had, as a change that brings it back.
func whole(now, then Job) Change {
	d := then.Details
	alternatives := append([]string{}, d.AlternativeLanguages...) // never nil: none is stored as none
	c := Change{
		Schedule: &then.Schedule, Client: &d.Client, Location: &d.Location, Address: d.Address, BillTo: &d.BillTo, Language: &d.Language,
		LanguageTier: &d.LanguageTier, AlternativeLanguages: &alternatives, ServiceType: &d.ServiceType, Fields: map[string]domain.Value{},
	}
	for key := range now.Details.Fields {
		c.Fields[key] = domain.Value{}
	}
	for key, v := range d.Fields {
		c.Fields[key] = v
	}
	return c
}

// undone folds what was taken back.
func (j *Job) undone(u UndoneJob, at Fact) {
	j.apply(u.Back)
	j.ETA, j.Proposed, j.Status = u.ETA, u.Proposed, u.Status
	switch {
	case u.Assigned != nil:
		j.Assignment = &Assignment{Offered: *u.Assigned, Reservation: u.Reservation, Unchecked: u.Unchecked, At: at.At}
	case u.Reservation != uuid.Nil && j.Assignment != nil:
		j.reserved(u.Reservation, at)
	}
	for _, o := range u.Revoked {
		j.offer(o.Interpreter, Revoked)
	}
	for _, o := range u.Resent {
		j.sent(o, at)
	}
}

// undoUntil is until when a change of related jobs may be taken back: as long as the agency leaves for it, and not when the first of the jobs
// begins, before or after the change. Nil: it cannot be.
func (s State) undoUntil(env Env, before, after []Job) *time.Time {
	minutes := env.Agency.UndoFor()
	if len(s.Jobs) < 2 || minutes == 0 {
		return nil
	}
	until := env.Now.Add(time.Duration(minutes) * time.Minute).UTC().Truncate(time.Second)
	for _, j := range slices.Concat(before, after) {
		if start, _ := j.Window(); start.Before(until) {
			until = start
		}
	}
	if !until.After(env.Now) {
		return nil
	}
	return &until
}

// undoable are the changes that may be taken back after an event. A list that others may hold is never written into.
func undoable(before State, e Event, at Fact) []Undoable {
	list := before.Undoable
	switch e := e.(type) {
	case PersonErased:
		return nil // what it would bring back is gone
	case ChangeUndone:
		list = slices.DeleteFunc(slices.Clone(list), func(u Undoable) bool { return u.Revision == e.Undoes })
	case Edited:
		return remembered(marked(list, e), before, e.UndoUntil, Undoable{Command: Edit{}.Name(), Revision: at.Revision, By: at.Actor.ID}, e, at)
	case Cancelled:
		return remembered(marked(list, e), before, e.UndoUntil, Undoable{Command: Cancel{}.Name(), Revision: at.Revision, By: at.Actor.ID}, e, at)
	case MessagePosted, ContactLogged, OfferLapsed, ReservationVoided, JobFlagged:
		return list // nobody did anything to the job
	}
	return marked(list, e)
}

// marked notes the jobs to which an event happens.
func marked(list []Undoable, e Event) []Undoable {
	if len(list) == 0 {
		return list
	}
	list = slices.Clone(list)
	for i, u := range list {
		for _, id := range JobsOf(e) {
			if u.of(id) && !slices.Contains(u.Changed, id) {
				u.Changed = slices.Concat(u.Changed, []uuid.UUID{id})
			}
		}
		list[i] = u
	}
	return list
}

// remembered adds a change that may be taken back, in the place of those whose time is up.
func remembered(list []Undoable, before State, until *time.Time, u Undoable, e Event, at Fact) []Undoable {
	if until == nil {
		return list
	}
	u.Until = *until
	for _, id := range Touches(e) {
		j, _ := before.Job(id)
		u.Before = append(u.Before, j)
	}
	kept := make([]Undoable, 0, len(list)+1)
	for _, old := range list {
		if old.Until.After(at.At) {
			kept = append(kept, old)
		}
	}
	return append(kept, u)
}
