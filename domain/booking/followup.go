package booking

import (
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// FollowUp makes one more job of the same booking (II-51..54). Ref was drawn before.
type FollowUp struct {
	Job       uuid.UUID
	Ref       string
	Overrides Edit // the schedule, and whatever else is to differ
}

// Name is the command's name.
func (FollowUp) Name() string { return "follow-up" }

// Numbered is the command with the reference of its job.
func (c FollowUp) Numbered(refs []string) Command {
	c.Ref = refs[0]
	return c
}

// Decide adds a job that has of the one it follows what the form copies, on the booking's own form version, and a schedule of its own.
//
//	given  new
//	when   FollowUp{2 April 10:00, an hour}
//	then   JobAdded, with its own values: no job notes, no custody reference
//	again  nothing: the new job's id comes from the command
//	error  as in booking: invalid, too-late; too-many-jobs; erased
func (c FollowUp) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	id := env.NewID("follow-up")
	if _, made := s.Job(id); made {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	wish := copyOf(j, env.Form, nil).with(c.Overrides, env)
	var f faults
	want, zone, warnings := wish.details(&f, env)
	schedule := wish.schedule(&f, zone, env)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	kept, err := wish.inTime(schedule.Start, want, env)
	if err != nil {
		return Decision{}, err
	}
	job := NewJob{ID: id, Ref: c.Ref, Schedule: schedule, Differs: ownValues(j.Details, want)}
	return Decision{Events: []Event{s.added(j, WhyFollowUp, job, kept, env)}, Warnings: warnings}, nil
}

func (c FollowUp) allowed(s State, _ Job, _ Env) error { return s.mayGrow() }

// Duplicate makes a booking of its own from a job of another one (II-63..65, LL-111, D-11). References and key were drawn before.
type Duplicate struct {
	Booking   uuid.UUID
	Key       uuid.UUID
	Ref       string
	JobRefs   []string
	Customer  uuid.UUID
	Original  Job
	Overrides Edit // the schedule, and whatever else is to differ
}

// Name is the command's name.
func (Duplicate) Name() string { return "duplicate" }

// Decide books what the original has, as far as the newest version of the form copies it: values that this form does not ask for are dropped. The
// interpreter who has the original is preferred, unless the wish says otherwise (LL-111). Where the form locks the address it stays (LL-112).
//
//	given  nothing, and a job
//	when   Duplicate{2 April 10:00, an hour}
//	then   Created, with one job
//	again  nothing: the booking's id comes from the command
//	error  as in booking; invalid: another address on a form that locks it
func (c Duplicate) Decide(s State, env Env) (Decision, error) {
	if err := c.allowed(State{}, c.Original, env); err != nil {
		return Decision{}, err
	}
	var f faults
	o := c.Overrides
	if env.Form.AddressLocked {
		c.keepAddress(&f, &o, env)
	}
	wish := copyOf(c.Original, env.Form, func(field forms.Field) bool { return env.Form.AddressLocked && field.Key == env.Form.AddressKey() }).with(o, env)
	if _, said := o.Fields[preferred]; !said {
		wish.prefer(c.Original, env.Form)
	}
	wish.Booking, wish.Key, wish.Ref, wish.JobRefs, wish.Customer = c.Booking, c.Key, c.Ref, c.JobRefs, c.Customer
	for _, n := range env.Form.Notices { // read when the original was booked
		wish.Acknowledged = append(wish.Acknowledged, n.Key)
	}
	d, err := wish.Decide(s, env)
	if len(f.list) == 0 {
		return d, err
	}
	if no := new(domain.Refusal); errors.As(err, &no) {
		f.list = append(f.list, no.Errors...)
	}
	return Decision{}, f.refusal()
}

// The form's fields that name interpreters.
const (
	preferred = "preferredInterpreter"
	precluded = "precludedInterpreter"
)

// prefer wishes for the interpreter who has the original, if the form asks for one.
func (c *Create) prefer(original Job, form forms.Form) {
	if _, asked := form.Field(preferred); !asked || original.Assignment == nil || slices.Contains(c.Fields[precluded], original.Assignment.LIN) {
		return
	}
	c.Fields[preferred] = []string{original.Assignment.LIN}
}

// allowed: the form is still the customer's.
func (c Duplicate) allowed(_ State, _ Job, env Env) error {
	var f faults
	f.bookable(env)
	return f.refusal()
}

// keepAddress notes another address than that of the original. Who pays for a remote job is its address.
func (c Duplicate) keepAddress(f *faults, o *Edit, env Env) {
	const kept = "A duplicate keeps the address."
	d := c.Original.Details
	if o.Location != nil && *o.Location != d.Location {
		f.add("body.location", kept)
	}
	if a := o.Address; a != nil && (d.Location != uuid.Nil || !sameAddress(new(faults).address(*a), d.Address)) {
		f.add("body.address", kept)
	}
	if o.BillTo != nil && env.Form.Address == forms.BillingAddress && *o.BillTo != d.BillTo {
		f.add("body.billTo", kept)
	}
	o.Location, o.Address = nil, nil
}
