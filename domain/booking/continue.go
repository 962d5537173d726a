package booking

import (
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Why a job was added to its booking: JobAdded.Why.
const (
	WhyContinuation = "continuation"
	WhyFollowUp     = "follow-up"
	WhyRecurrence   = "recurrence"
)

// Name is the command's name.
func (Continue) Name() string { return "continue" }

// Numbered is the command with the reference of its job.
func (c Continue) Numbered(refs []string) Command {
	c.Ref = refs[0]
	return c
}

// Decide makes the hours after a long break a job of their own (LL-124, D-11): of the same booking, at the same address, with the same
// interpreter, whose time is recorded unchecked because it is over. It stands at ongoing until the other side accepts.
//
//	given  assigned, ongoing or complete, and begun
//	when   Continue{15:01–16:00}
//	then   JobAdded, Continued, Assigned and TimesheetSubmitted for the new job
//	again  nothing: the new job's id comes from the command
//	error  wrong-status: nobody has worked on it, or it is continued already; break-too-long; invalid: blocks before the job's own, another address
func (c Continue) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	id := env.NewID("continuation")
	if j.Continued == id {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	if err := s.room(1); err != nil {
		return Decision{}, err
	}
	c.Overrides.Fields = speaker(c.Overrides.Fields, env.Form)
	if err := c.Overrides.editable(j, env.Form, Frozen{}); err != nil {
		return Decision{}, err
	}
	var f faults
	f.side(c.Side)
	blocks := f.blocks(c.Blocks, j, env)
	if t := j.Timesheet; t != nil && len(blocks) > 0 && blocks[0].Start.Instant.Before(t.Blocks[len(t.Blocks)-1].End.Instant) {
		f.add("body.blocks[0].start", "These hours must be later than those of job "+j.Ref+".")
	}
	differs := c.differs(j, &f, env)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if differs != nil && s.Erased {
		return Decision{}, errErased()
	}
	if i := longBreak(blocks); i > 0 {
		return Decision{}, breakTooLong(c.Blocks[i:])
	}

	first, last := blocks[0].Start, blocks[len(blocks)-1].End
	span := last.Instant.Sub(first.Instant)
	added := JobAdded{
		Key: s.Key, From: j.ID, Why: WhyContinuation, Status: domain.New,
		Job: NewJob{
			ID: id, Ref: c.Ref, Differs: differs,
			Schedule: Schedule{Start: first, Minutes: int((span + time.Minute - 1) / time.Minute)},
		},
		Policy: cancelPolicy(env), // no response tier: nobody waits to be called about hours that are over
	}
	added.Policy.Editable = env.Form.Editable()
	var d Decision
	reservation, _, err := d.reserve(s, Job{ID: id, Schedule: added.Job.Schedule}, j.Assignment.Interpreter, uuid.Nil, env)
	if err != nil {
		return Decision{}, err
	}
	d.Reserve[0].Unchecked = true
	d.Events = []Event{
		added,
		Continued{Job: j.ID, In: id, Ref: c.Ref},
		Assigned{Key: s.Key, Job: id, Offered: j.Assignment.Offered, Reservation: reservation, Unchecked: true},
		TimesheetSubmitted{Key: s.Key, Job: id, Side: c.Side, Blocks: blocks, Worked: worked(blocks)},
	}
	return d, nil
}

func (c Continue) allowed(_ State, j Job, env Env) error {
	if err := standing(j, "nobody has worked on it.", domain.Assigned, domain.Ongoing, domain.Complete); err != nil {
		return err
	}
	switch {
	case j.Assignment == nil:
		return wrongStatus(j, "nobody has worked on it.")
	case j.Continued != uuid.Nil:
		return wrongStatus(j, "it is continued already.")
	case !begun(j, env.Now):
		return wrongStatus(j, "it has not begun yet.")
	}
	return nil
}

// differs are the values that were sent over those of the job continued. The address stays, and the time is that of the blocks.
func (c Continue) differs(j Job, f *faults, env Env) *Details {
	o := c.Overrides
	if o.Location != nil || o.Address != nil {
		f.add("body.location", "A continuation keeps the address.")
	}
	if o.Start != nil || o.TimeZone != nil || o.Hours != nil || o.Minutes != nil {
		f.add("body.start", "The blocks say the time.")
	}
	o.Location, o.Address, o.Start, o.TimeZone, o.Hours, o.Minutes = nil, nil, nil, nil, nil, nil
	if len(o.keys()) == 0 {
		return nil
	}
	above, below, _ := o.wish(j, f, env)
	w := j.differing(*union(&above, below))
	after := j
	after.apply(&w)
	f.whole(o, after, env.Form)
	if w.empty() {
		return nil
	}
	return ownValues(j.Details, after.Details)
}
