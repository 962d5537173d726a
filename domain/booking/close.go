package booking

import (
	"cmp"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

// Who may close a customer's jobs alone (D-09, II-75), as CustomerSettings.Closing says; everything else means both parties.
const (
	ClosingByCustomer    = "customer"
	ClosingByInterpreter = "interpreter"
)

// ReasonsUnfulfilled is the list in the agency's settings that reports count by (II-90). A reason that is not in it stands as text.
const ReasonsUnfulfilled = "unfulfilled"

// Name is the command's name.
func (Close) Name() string { return "close" }

// Decide ends a job with an outcome: by one party where the customer's agreement has that (II-75), by staff with any outcome. The actual
// times are stored beside the booked ones (II-77).
//
//	given  assigned or ongoing, and begun
//	when   Close{14:00–15:00, success}
//	then   Closed{success, 60 minutes}; the reservation is released
//
//	given  new, its time passed (D-08)
//	when   Close by staff with a reason
//	then   Closed{not-fulfilled}
//
//	again  wrong-status
//	error  wrong-status; not-permitted: this side does not close alone; invalid
func (c Close) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	var f faults
	outcome := c.outcome(j)
	c.judge(outcome, j, &f)
	reason := f.text("body.reason", c.Reason, outcome == domain.NotFulfilled && !s.Erased)
	code := listedReason(ReasonsUnfulfilled, reason, env)
	if code != "" {
		reason = ""
	}
	start, end := c.times(j, outcome, &f, env)
	incidentals := f.incidentals(c.Incidentals, env)
	documents := c.Documents
	f.documents(documents, env)
	minutes := 0
	switch {
	case start != nil && end != nil:
		minutes = int(end.Instant.Sub(start.Instant) / time.Minute)
	case j.Timesheet != nil && attended(outcome):
		// Staff settle hours that one side entered: those hold.
		start, end = &j.Timesheet.Blocks[0].Start, &j.Timesheet.Blocks[len(j.Timesheet.Blocks)-1].End
		minutes = j.Timesheet.Worked
	}
	if j.Timesheet != nil && attended(outcome) {
		if incidentals == nil {
			incidentals = j.Timesheet.Incidentals
		}
		if documents == nil {
			documents = j.Timesheet.Documents
		}
	}
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if s.Erased && incidentals != nil {
		incidentals = withoutNotes(incidentals)
	}
	if err := s.keyless(reason, notes(incidentals)); err != nil {
		return Decision{}, err
	}
	var d Decision
	d.Events = []Event{Closed{
		Key: s.Key, Job: j.ID, From: j.Status, Outcome: outcome, Start: start, End: end, Worked: minutes,
		Incidentals: incidentals, Documents: documents, Reason: domain.Personal(reason), ReasonCode: code,
		Reservation: d.free(j),
	}}
	return d, nil
}

func (c Close) allowed(_ State, j Job, env Env) error {
	if c.Side != "" && string(c.Side) != env.Customer.Closing {
		return domain.Forbidden("not-permitted", "Closing is not enabled for you. Please contact the agency.")
	}
	switch j.Status {
	case domain.New:
		if c.Side != "" {
			return wrongStatus(j, "nobody has worked on it.")
		}
		if !over(j, env.Now) {
			return wrongStatus(j, "it is closed once its time has passed.")
		}
	case domain.Assigned, domain.Ongoing:
		if !begun(j, env.Now) {
			return wrongStatus(j, "it has not begun yet.")
		}
	default:
		return wrongStatus(j, "it cannot be closed.")
	}
	return nil
}

// outcome is the one sent, else the usual one: success, or not fulfilled where nobody was assigned.
func (c Close) outcome(j Job) domain.Outcome {
	if j.Status == domain.New {
		return cmp.Or(c.Outcome, domain.NotFulfilled)
	}
	return cmp.Or(c.Outcome, domain.Success)
}

// judge notes what does not fit: a side closes with success only, a job that nobody had cannot have been worked on.
func (c Close) judge(o domain.Outcome, j Job, f *faults) {
	switch {
	case !o.Known():
		f.add("body.outcome", "Choose an outcome from the list.")
	case c.Side != "" && o != domain.Success:
		f.add("body.outcome", "Another outcome than success is recorded by the agency.")
	case j.Status == domain.New && o != domain.NotFulfilled && o != domain.Aborted:
		f.add("body.outcome", "Nobody was assigned: choose not-fulfilled or aborted.")
	}
}

// attended tells whether someone worked, so that there are hours.
func attended(o domain.Outcome) bool { return o == domain.Success || o == domain.Curtailed }

// times reads the actual times. Success and curtailed need them, unless a submitted timesheet says them; they may be sent for a client who
// did not show, whom the interpreter waited for.
func (c Close) times(j Job, o domain.Outcome, f *faults, env Env) (start, end *domain.Moment) {
	if strings.TrimSpace(c.Start) == "" && strings.TrimSpace(c.End) == "" {
		if !attended(o) || c.Side == "" && j.Timesheet != nil {
			return nil, nil
		}
	}
	if j.Status == domain.New {
		f.add("body.start", "Nobody was assigned: there are no times.")
		return nil, nil
	}
	zone := j.Schedule.Start.Zone
	from, ok := f.moment("body.start", c.Start, zone)
	to, ok2 := f.moment("body.end", c.End, zone)
	if !ok || !ok2 {
		return nil, nil
	}
	switch {
	case !to.Instant.After(from.Instant):
		f.add("body.end", "The end must be later than the start.")
	case to.Instant.Sub(from.Instant) > 48*time.Hour:
		f.add("body.end", "A job lasts at most 48 hours.")
	case to.Instant.After(env.Now):
		f.add("body.end", "This time has not come yet.")
	}
	return &from, &to
}

func withoutNotes(list []Incidental) []Incidental {
	out := make([]Incidental, len(list))
	for i, c := range list {
		c.Note = ""
		out[i] = c
	}
	return out
}
