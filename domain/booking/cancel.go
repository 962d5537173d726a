package booking

import (
	"slices"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// ReasonsCancel is the list in the agency's settings that a cancellation's reason comes from (II-84).
const ReasonsCancel = "cancel"

// Name is the command's name.
func (Cancel) Name() string { return "cancel" }

// Decide ends what is not wanted any more (LL-113..115, II-82..86). Staff are not bound by the window. On a related job a scope says which
// jobs are meant; siblings that the window forbids, or that are over, stay.
//
//	given  requested, new or assigned; more than 72 hours before the start
//	when   Cancel{authorised by Jo}
//	then   Cancelled; offers and assignment end, the reservation is released
//	again  nothing
//	error  too-late with the instant until which it was allowed and the admin message to send instead (LL-115); not-permitted: not enabled;
//	       wrong-status; scope-required; invalid without what the form asks for (LL-114)
func (c Cancel) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	if j.Status == domain.Cancelled && (c.Scope == "" || c.Scope == ScopeThis) {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	meant, err := s.scoped(j, c.Scope, c.Except, env)
	if err != nil {
		return Decision{}, err
	}
	var f faults
	needs := func(what string) bool { return slices.Contains(env.Form.CancelNeeds, what) }
	authorisedBy := f.text("body.authorisedBy", c.AuthorisedBy, needs("authorisedBy") && !s.Erased)
	details := f.text("body.details", c.Details, false)
	reason := f.text("body.reason", c.Reason, needs("reason"))
	reason, details = f.listed(reason, details, env)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(authorisedBy, details); err != nil {
		return Decision{}, err
	}
	var d Decision
	e := Cancelled{
		Key: s.Key, Scope: scopeOf(c.Scope), Reason: reason, AuthorisedBy: domain.Personal(authorisedBy), Details: domain.Personal(details),
		Policy: cancelPolicy(env),
	}
	if c.ByCustomer {
		e.Policy.Window = bound(cancelWindow(j, env))
	}
	var cancelled []Job
	for _, k := range meant.jobs {
		if k.ID != j.ID && c.ByCustomer && !inTime(k, env) {
			meant.left[k.ID] = WhyTooLate
			continue
		}
		e.Jobs = append(e.Jobs, CancelledJob{Job: k.ID, From: k.Status, Reservation: d.free(k), Closed: told(k, env.Now)})
		cancelled = append(cancelled, k)
	}
	d.Skipped = s.skips(meant, c.Scope)
	if len(e.Jobs) == 0 {
		return d, nil // every job was left out
	}
	e.UndoUntil = s.undoUntil(env, cancelled, cancelled)
	d.Events = []Event{e}
	return d, nil
}

func (c Cancel) allowed(_ State, j Job, env Env) error {
	if err := standing(j, "it cannot be cancelled.", domain.Requested, domain.New, domain.Assigned); err != nil {
		return err
	}
	if !c.ByCustomer {
		return nil
	}
	if on := env.Customer.CancelEnabled; on != nil && !*on {
		return domain.Forbidden("not-permitted", "Cancelling is not enabled for you. Please contact the agency.")
	}
	if inTime(j, env) {
		return nil
	}
	r := tooLate(cancelWindow(j, env), j.Begin(), "Job "+j.Ref+" could be cancelled", useAdminMessage)
	r.Actions = askAgency("Please cancel job %s.", j.Ref)
	return r
}

// cancelWindow is until when the customer may cancel a job: by default while more than 72 hours remain before it begins; exactly that many are
// too late, unless the rule includes the edge (LL-113, II-82, D-06).
func cancelWindow(j Job, env Env) windows.Applied {
	return env.window(windows.Cancel, j.Begin(), j.Details.Location)
}

func inTime(j Job, env Env) bool { return cancelWindow(j, env).Open(env.Now) }

// listed takes a reason from the agency's list, by value or label. Without a list a reason is free text, which is kept sealed among the
// details.
func (f *faults) listed(reason, details string, env Env) (code, text string) {
	if reason == "" {
		return "", details
	}
	if len(env.Agency.Reasons[ReasonsCancel]) == 0 {
		return "", strings.TrimSpace(reason + "\n" + details)
	}
	if code = listedReason(ReasonsCancel, reason, env); code == "" {
		f.add("body.reason", "Choose a reason from the list.")
	}
	return code, details
}

// listedReason finds a reason in one of the agency's lists, by value or label.
func listedReason(list, reason string, env Env) string {
	for _, o := range env.Agency.Reasons[list] {
		if reason == o.Value || strings.EqualFold(reason, o.Label) {
			return o.Value
		}
	}
	return ""
}

// told are the interpreters whose offer or assignment ends with a job.
func told(j Job, now time.Time) []Offered {
	var list []Offered
	if j.Assignment != nil {
		list = append(list, j.Assignment.Offered)
	}
	for _, o := range j.Offers {
		if o.alive(now) {
			list = append(list, o.named())
		}
	}
	return list
}
