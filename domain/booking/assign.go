package booking

import (
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// Rules that an override may go past, as Override.Rules names them.
const (
	RulePrecluded   = matching.RulePrecluded
	RuleLanguage    = matching.RuleLanguage
	RuleSkill       = matching.RuleSkill
	RuleServiceType = matching.RuleServiceType
	RuleCredential  = matching.RuleCredential
	RuleTravel      = matching.RuleTravel
	// The interpreter's own word, which the interpreter's own acceptance goes past.
	RuleUnavailable  = people.RuleUnavailable
	RuleWorkingHours = people.RuleWorkingHours
)

// The names of the commands about assignment.
func (Assign) Name() string   { return "assign" }
func (Unassign) Name() string { return "unassign" }

// Decide gives the job to one interpreter, offered it or not. The diary must hold its time: nothing overrides a double booking. A time that
// is over already is recorded unchecked. If the interpreter accepted for another start that the customer's flexibility covers, that start
// becomes the ETA (LL-28).
//
//	given  new
//	when   Assign{Ana}
//	then   Assigned{Ana} with her reservation; the other open offers and the hold end (D-23)
//	again  nothing
//	error  already-assigned: someone else has it; wrong-status; eta-not-agreed; suspended; precluded, not-qualified, unavailable without an
//	       override reason
func (c Assign) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	if j.Status == domain.Assigned && j.Assignment.Interpreter == c.Interpreter {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	var f faults
	override := f.text("body.override", c.Override, false)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(override); err != nil {
		return Decision{}, err
	}
	return assign(s, j, c.Interpreter, override, env)
}

func (c Assign) allowed(_ State, j Job, _ Env) error {
	if j.Status == domain.Assigned {
		return domain.Conflict("already-assigned", "Job %s is assigned to another interpreter.", j.Ref)
	}
	return standing(j, "a job is assigned while it is new.", domain.New)
}

// assign decides the assignment of a new job.
func assign(s State, j Job, id uuid.UUID, override string, env Env) (Decision, error) {
	var d Decision
	if o, ok := j.Offering(id); ok && o.State == Accepted && o.ProposedStart != nil && (j.ETA == nil || !j.ETA.Equal(*o.ProposedStart)) {
		if !j.within(*o.ProposedStart) {
			r := domain.Unprocessable("eta-not-agreed", "This interpreter proposed another start, to which the customer has not agreed.")
			r.Actions = []domain.Action{{Command: "propose-eta", Body: map[string]any{"eta": o.ProposedStart.Local}}}
			return Decision{}, r
		}
		d.Events = append(d.Events, EtaAgreed{Job: j.ID, ETA: *o.ProposedStart})
		j.ETA = o.ProposedStart
	}
	went, trace, err := qualify(j, id, override, env)
	if err != nil {
		return Decision{}, err
	}
	reservation, unchecked, err := d.reserve(s, j, id, uuid.Nil, env)
	if err != nil {
		return Decision{}, err
	}
	e := Assigned{
		Key: s.Key, Job: j.ID, Offered: Offered{Interpreter: id, LIN: env.Candidates[id].LIN},
		Reservation: reservation, Unchecked: unchecked, Override: went, Trace: trace,
	}
	moved, some := s.movedTo(j, id, env)
	if some {
		d.Events = append(d.Events, moved)
	}
	for _, o := range j.Offers {
		if o.Interpreter != id && o.alive(env.Now) && !slices.ContainsFunc(moved.Offers, func(m Offer) bool { return some && m.Interpreter == o.Interpreter }) {
			e.Closed = append(e.Closed, o.named())
		}
	}
	d.Events = append(d.Events, e)
	return d, nil
}

// byItself notes that an assignment followed from the agency's setting.
func (d *Decision) byItself(env Env) {
	for i, e := range d.Events {
		if a, ok := e.(Assigned); ok {
			a.Policy = env.AgencyVersion
			d.Events[i] = a
		}
	}
}

// BySystem tells that nobody assigned the job: the agency's setting did.
func (e Assigned) BySystem() bool { return e.Policy > 0 }

func errSuspended() *domain.Refusal {
	return domain.Unprocessable("suspended", "This interpreter is suspended.")
}

// Decide takes the job away from its interpreter; it is new again and assigning resumes (LL-92). The agreed ETA stays.
//
//	given  assigned to Ana
//	when   Unassign{Ana, reason}
//	then   Unassigned{Ana}; her reservation is released
//	again  wrong-status
//	error  wrong-status: not assigned, or not to Ana; invalid without a reason
func (c Unassign) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	var f faults
	reason := f.text("body.reason", c.Reason, !s.Erased)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(reason); err != nil {
		return Decision{}, err
	}
	var d Decision
	d.Events = []Event{Unassigned{
		Key: s.Key, Job: j.ID, Offered: j.Assignment.Offered, Reservation: d.free(j), Reason: domain.Personal(reason),
	}}
	return d, nil
}

func (c Unassign) allowed(_ State, j Job, _ Env) error {
	if err := standing(j, "nobody can be unassigned.", domain.Assigned); err != nil {
		return err
	}
	if c.Interpreter != uuid.Nil && c.Interpreter != j.Assignment.Interpreter {
		return wrongStatus(j, "not to this interpreter.")
	}
	return nil
}

// isRefusal tells an answer from a fault.
func isRefusal(err error) bool {
	var r *domain.Refusal
	return errors.As(err, &r)
}
