package booking

import (
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// The names of the commands about another start than the requested one (LL-96). The requested one stays.
func (ProposeEta) Name() string { return "propose-eta" }
func (AgreeEta) Name() string   { return "agree-eta" }
func (DeclineEta) Name() string { return "decline-eta" }
func (ChangeEta) Name() string  { return "change-eta" }

// Decide asks the customer whether the interpreter may come at another time.
//
//	given  new or assigned
//	when   ProposeEta{16:00}
//	then   EtaProposed{16:00}; nothing has moved yet
//	again  nothing, as for a time that is agreed already
//	error  wrong-status; invalid: a time that has passed
func (c ProposeEta) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	var f faults
	eta, ok := f.moment("body.eta", c.ETA, j.Schedule.Start.Zone)
	if ok && !eta.Instant.After(env.Now) {
		f.add("body.eta", "This time has passed: record what was agreed with change-eta.")
	}
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if j.Proposed != nil && j.Proposed.Equal(eta) || j.Proposed == nil && j.Begin().Equal(eta) {
		return Decision{}, nil
	}
	return decide(EtaProposed{Job: j.ID, ETA: eta}), nil
}

func (c ProposeEta) allowed(_ State, j Job, _ Env) error { return movable(j) }

func movable(j Job) error {
	return standing(j, "its time can move while it is new or assigned.", domain.New, domain.Assigned)
}

func answerable(j Job) error {
	if err := movable(j); err != nil {
		return err
	}
	if j.Proposed == nil {
		return wrongStatus(j, "no other start is proposed.")
	}
	return nil
}

// Decide is the customer's yes: the proposed start becomes the ETA, and the diary holds that time if the job is assigned.
//
//	given  new or assigned, 16:00 proposed
//	when   AgreeEta
//	then   EtaAgreed{16:00}, with a new reservation in place of the old one
//	again  wrong-status: nothing is proposed any more
//	error  wrong-status
func (c AgreeEta) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	eta := *j.Proposed
	reservation, err := d.move(s, j, eta, env)
	if err != nil {
		return Decision{}, err
	}
	d.Events = []Event{EtaAgreed{Job: j.ID, ETA: eta, Reservation: reservation}}
	return d, nil
}

func (c AgreeEta) allowed(_ State, j Job, _ Env) error { return answerable(j) }

// move reserves the time from another start on for an assigned job; for any other there is nothing to reserve.
func (d *Decision) move(s State, j Job, eta domain.Moment, env Env) (uuid.UUID, error) {
	if j.Assignment == nil {
		return uuid.Nil, nil
	}
	j.ETA = &eta
	id, _, err := d.reserve(s, j, j.Assignment.Interpreter, j.Assignment.Reservation, env)
	return id, err
}

// Decide is the customer's no.
//
//	given  new or assigned, 16:00 proposed
//	when   DeclineEta
//	then   EtaDeclined{16:00}
//	again  wrong-status: nothing is proposed any more
//	error  wrong-status
func (c DeclineEta) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	return decide(EtaDeclined{Job: j.ID, ETA: *j.Proposed}), nil
}

func (c DeclineEta) allowed(_ State, j Job, _ Env) error { return answerable(j) }

// Decide is staff recording a start that was agreed outside, with whom it was agreed. It may lie in the past: recorded afterwards, and
// flagged as such (D-21).
//
//	given  new or assigned
//	when   ChangeEta{16:00, agreed by Jo}
//	then   EtaChanged{16:00}, with a new reservation in place of the old one if assigned
//	again  nothing
//	error  wrong-status; invalid without who agreed
func (c ChangeEta) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	var f faults
	eta, _ := f.moment("body.eta", c.ETA, j.Schedule.Start.Zone)
	agreedBy := f.text("body.agreedBy", c.AgreedBy, !s.Erased)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(agreedBy); err != nil {
		return Decision{}, err
	}
	if j.Begin().Equal(eta) && j.Proposed == nil {
		return Decision{}, nil
	}
	var d Decision
	reservation, err := d.move(s, j, eta, env)
	if err != nil {
		return Decision{}, err
	}
	moved := j
	moved.ETA = &eta
	d.warn("body.eta", j, moved, env)
	d.Events = []Event{EtaChanged{
		Key: s.Key, Job: j.ID, ETA: eta, AgreedBy: domain.Personal(agreedBy), Reservation: reservation,
		InPast: !eta.Instant.After(env.Now),
	}}
	return d, nil
}

func (c ChangeEta) allowed(_ State, j Job, _ Env) error { return movable(j) }
