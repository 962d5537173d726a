package booking

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Scopes of a command on a related job (II-74).
const (
	ScopeThis      = "this"
	ScopeFollowing = "following"
	ScopeAll       = "all"
)

// Why a job is left as it is.
const (
	WhyNothing = "Nothing would change."
	WhyExcept  = "It was left out."
	WhyOver    = "Its time has passed."
	WhyFrozen  = "It is too late to change it: contact the agency."
	WhyTooLate = "It is too late to cancel it: contact the agency."
)

// reach is which of a booking's jobs a command means, and why it leaves the others.
type reach struct {
	jobs    []Job
	left    map[uuid.UUID]string
	outside map[uuid.UUID]string // beyond the scope alone: what spreads by itself reaches them
}

// known is the booking without the jobs that the caller may not know of: to whoever may not see a sibling, there is none.
func (s State) known(env Env) State {
	if env.Knows != nil {
		whole := s
		s.Jobs = slices.DeleteFunc(slices.Clone(s.Jobs), func(j Job) bool { return !env.Knows(whole, j) })
	}
	return s
}

// scoped are the jobs that a command means: the named one first, then its siblings that are requested, new or assigned and whose end lies
// ahead, without those that are to be left out. A related job needs a scope.
func (s State) scoped(j Job, scope string, except []string, env Env) (reach, error) {
	now := env.Now
	s = s.known(env)
	r := reach{left: map[uuid.UUID]string{}, outside: map[uuid.UUID]string{}}
	var f faults
	for i, ref := range except {
		k, ok := s.ByRef(ref)
		if !ok {
			f.add(fmt.Sprintf("body.except[%d]", i), "Name a job of this booking.")
			continue
		}
		r.left[k.ID] = WhyExcept
	}
	switch scope {
	case ScopeThis, ScopeFollowing, ScopeAll:
	case "":
		if len(s.Jobs) > 1 && len(f.list) == 0 {
			return r, scopeRequired()
		}
	default:
		f.add("body.scope", "Choose this, following or all.")
	}
	if err := f.refusal(); err != nil {
		return r, err
	}
	if r.left[j.ID] == "" {
		r.jobs = append(r.jobs, j)
	}
	for _, k := range s.Jobs {
		switch {
		case k.ID == j.ID || r.left[k.ID] != "":
		case !ahead(k, now):
			r.left[k.ID] = behind(k)
		case scope == ScopeAll, scope == ScopeFollowing && k.Schedule.Start.Instant.After(j.Schedule.Start.Instant):
			r.jobs = append(r.jobs, k)
		case scope == ScopeFollowing:
			r.outside[k.ID] = "It does not begin later than job " + j.Ref + "."
		default:
			r.outside[k.ID] = "Only job " + j.Ref + " is meant."
		}
	}
	return r, nil
}

func scopeRequired() error {
	r := domain.Unprocessable("scope-required", "This job has related jobs: say which of them are meant.")
	r.Errors = []domain.FieldError{{Location: "body.scope", Message: "Choose this, following or all."}}
	r.Choices = []string{ScopeThis, ScopeFollowing, ScopeAll}
	return r
}

func (r reach) holds(job uuid.UUID) bool {
	return slices.ContainsFunc(r.jobs, func(j Job) bool { return j.ID == job })
}

// skips tells of the jobs that are left as they are, in the booking's order. Of a command on one job alone it tells nothing about the others.
func (s State) skips(r reach, scope string) []Skip {
	var all []Skip
	for _, j := range s.Jobs {
		why := r.left[j.ID]
		if why == "" && scope != ScopeThis && scope != "" {
			why = r.outside[j.ID]
		}
		if why != "" && (why == WhyExcept || scope != ScopeThis && scope != "") {
			all = append(all, Skip{j.ID, why})
		}
	}
	return all
}

// ahead tells whether an edit or cancellation of a set reaches the job.
func ahead(j Job, now time.Time) bool {
	switch j.Status {
	case domain.Requested, domain.New, domain.Assigned:
		return !over(j, now)
	}
	return false
}

// behind says why a set's edit or cancellation does not reach the job any more.
func behind(j Job) string {
	switch j.Status {
	case domain.Requested, domain.New, domain.Assigned:
		return WhyOver
	}
	return "It is " + string(j.Status) + "."
}

func scopeOf(sent string) string {
	if sent == "" {
		return ScopeThis
	}
	return sent
}
