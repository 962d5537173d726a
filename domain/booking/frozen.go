package booking

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// Frozen is what keeps a caller from changing a job now: the edit window, which closes the whole job (II-70), and the lock on assignment, which
// closes some of its fields (II-72). Nothing keeps staff; the zero value keeps nobody from anything.
type Frozen struct {
	Window *windows.Applied // the edit window, if it is over
	Locked bool             // time, duration, service type and place are read-only: LockedKeys
	By     string           // the assigned job that locks: this one, or another of its team; empty if the caller may not know of that one
}

// locker names the job that locks.
func (f Frozen) locker() string {
	if f.By == "" {
		return "A related job"
	}
	return "Job " + f.By
}

// LockedKeys are the keys that the lock on assignment closes, as the forms call them. Language is not among them (II-72).
var LockedKeys = []string{"start", "duration", "serviceType", "location"}

// Why something is frozen, for previews and refusals.
const (
	FrozenByWindow = "too-late"
	FrozenByLock   = "locked"
)

// Frozen tells what the caller cannot change of a job now, and why.
func (s State) Frozen(j Job, byCustomer bool, env Env) Frozen {
	var f Frozen
	if !byCustomer {
		return f
	}
	if w := env.window(windows.Edit, j.Begin(), j.Details.Location); !w.Open(env.Now) {
		f.Window = &w
	}
	if env.Customer.LockOnAssignment {
		f.By, f.Locked = s.lockedBy(j)
		if _, ok := s.known(env).ByRef(f.By); !ok {
			f.By = ""
		}
	}
	return f
}

// Why tells why a value cannot be changed, by its key on the form; empty: it can.
func (f Frozen) Why(key string) string {
	switch {
	case f.Window != nil:
		return FrozenByWindow
	case f.Locked && slices.Contains(LockedKeys, key):
		return FrozenByLock
	}
	return ""
}

// Closing is when the customer's windows to edit and to cancel a job close, or closed, in the job's zone; zero where there is no window, or
// nothing left to do.
func (s State) Closing(j Job, env Env) (edit, cancel time.Time) {
	switch j.Status {
	case domain.Requested, domain.New, domain.Assigned:
		cancel = cancelWindow(j, env).Until
	case domain.Cancelled, domain.Complete:
		return time.Time{}, time.Time{}
	}
	if w := env.window(windows.Edit, j.Begin(), j.Details.Location); !w.Rule.Off {
		edit = w.Until
	}
	in := func(t time.Time) time.Time {
		if t.IsZero() {
			return t
		}
		return t.In(j.Begin().In().Location())
	}
	return in(edit), in(cancel)
}

// lockedBy is the assigned job that locks this one: in a team booking one assigned job locks all (II-72). The team are the jobs that came into
// being with the booking; a job that was made from another stands by itself.
func (s State) lockedBy(j Job) (ref string, locked bool) {
	if j.assigned() {
		return j.Ref, true
	}
	if j.From != uuid.Nil {
		return "", false
	}
	for _, k := range s.Jobs {
		if k.From == uuid.Nil && k.assigned() {
			return k.Ref, true
		}
	}
	return "", false
}

// assigned tells whether somebody has the job, or had it when it was done.
func (j Job) assigned() bool {
	switch j.Status {
	case domain.Assigned, domain.Ongoing, domain.Complete:
		return j.Assignment != nil
	}
	return false
}

// window is the rule for one command, applied to a job that starts then. Bank holidays are those of the place's nation, else the customer's.
func (env Env) window(command string, start domain.Moment, location uuid.UUID) windows.Applied {
	rule := people.Window(env.Agency, env.Customer, command)
	if rule.Off && command == windows.Cancel { // there must be something left to cancel
		rule = windows.Rule{Unit: windows.Hours}
	}
	return rule.Apply(command, start, windows.With(env.Agency.Holidays), windows.Nation(env.Nations[location], env.Customer.Nation))
}

// thawed is the part of a change that the job is not locked against, and what the job keeps instead: its own values where the change, shared
// with other jobs, sets others.
func (f Frozen) thawed(c Change, j Job) (free Change, keeps Change) {
	if !f.Locked {
		return c, Change{}
	}
	if c.Schedule != nil {
		c.Schedule, keeps.Schedule = nil, &j.Schedule
	}
	if c.Location != nil {
		if c.Client != nil { // the place is the client's
			c.Client, keeps.Client = nil, &j.Details.Client
		}
		c.Location, c.Address = nil, nil
		keeps.Location, keeps.Address = &j.Details.Location, j.Details.Address
	}
	if c.ServiceType != nil {
		c.ServiceType, keeps.ServiceType = nil, &j.Details.ServiceType
	}
	return c, keeps
}

// tooLate is the refusal of what a closed window forbids: until when it was open, in the zone of the job that it is about.
func tooLate(w windows.Applied, start domain.Moment, what, advice string) *domain.Refusal {
	r := domain.Unprocessable("too-late", "%s until %s. %s", what, w.Until.In(start.In().Location()).Format("02/01/2006 15:04"), advice)
	r.Until = w.Until.UTC().Format(time.RFC3339)
	return r
}

// askAgency is the admin message that asks the agency for what the caller may not do, ready to be sent (LL-115).
func askAgency(format string, a ...any) []domain.Action {
	return []domain.Action{{Command: "post-message", Body: map[string]any{"text": fmt.Sprintf(format, a...)}}}
}

const useAdminMessage = "Ask the agency with an admin message."

// bound is a window as a decision stores it; nil if there was none.
func bound(w windows.Applied) *windows.Applied {
	if w.Rule.Off {
		return nil
	}
	return &w
}
