package booking

import (
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// team are the places of a team: the jobs that a booking asked for together and that still ask for the same, the lowest first. A job by itself is a
// team of one.
func (s State) team(j Job) []Job {
	if j.From != uuid.Nil {
		return []Job{j}
	}
	var all []Job
	for _, k := range s.Jobs {
		if k.ID == j.ID || k.From == uuid.Nil && asksTheSame(j, k) {
			all = append(all, k)
		}
	}
	return all
}

// wishes are the fields of a form that the search for interpreters looks at.
var wishes = []string{"skills", "gender", "flexibility", "remoteOption", "custodyClock", "preferredInterpreter", "precludedInterpreter"}

func asksTheSame(a, b Job) bool {
	x, y := a.Details, b.Details
	return a.Begin().Equal(b.Begin()) && a.Schedule.Start.Equal(b.Schedule.Start) && a.Schedule.Minutes == b.Schedule.Minutes &&
		x.Language == y.Language && slices.Equal(x.AlternativeLanguages, y.AlternativeLanguages) && x.ServiceType == y.ServiceType &&
		x.Location == y.Location && sameAddress(x.Address, y.Address) &&
		!slices.ContainsFunc(wishes, func(key string) bool { return !slices.Equal(x.Fields[key].Items, y.Fields[key].Items) })
}

// places are where an interpreter's acceptance of a team's offer leads: from the job that holds the offer to the lowest place that is free. Of any
// other offer both are the job that was named; so they are if no place is free.
func (c AcceptOffer) places(s State, named Job, env Env) (from, to Job) {
	team := s.team(named)
	at := slices.IndexFunc(team, func(k Job) bool {
		o, ok := k.Offering(c.Interpreter)
		return ok && o.Team && o.OpenAt(env.Now) && k.Status == domain.New
	})
	if o, ok := named.Offering(c.Interpreter); at < 0 || !ok || !o.Team {
		return named, named
	}
	free := slices.IndexFunc(team, func(k Job) bool { return k.Status == domain.New && k.Holder == uuid.Nil && !over(k, env.Now) })
	if free < 0 {
		return named, named
	}
	return team[at], team[free]
}

// leadsOn tells whether somebody's acceptance of a team's offer of this job would take another place.
func (c AcceptOffer) leadsOn(s State, j Job, env Env) bool {
	return slices.ContainsFunc(j.Offers, func(o Offering) bool {
		if c.Interpreter != uuid.Nil && o.Interpreter != c.Interpreter || s.has(j, o.Interpreter) {
			return false
		}
		_, to := AcceptOffer{Job: c.Job, Interpreter: o.Interpreter, ByStaff: c.ByStaff}.places(s, j, env)
		return to.ID != j.ID
	})
}

// has tells whether the interpreter holds or has a place of the job's team that a team's offer led to.
func (s State) has(j Job, interpreter uuid.UUID) bool {
	if interpreter == uuid.Nil {
		return false
	}
	named, ok := j.Offering(interpreter)
	return slices.ContainsFunc(s.team(j), func(k Job) bool {
		mine := k.Holder == interpreter || k.Status == domain.Assigned && k.Assignment.Interpreter == interpreter
		o, there := k.Offering(interpreter)
		return mine && (k.ID == j.ID || ok && named.Team || there && o.Team)
	})
}

// Accepted is the place of a job's team that an interpreter's acceptance took: the job itself unless the team's offer led elsewhere.
func (s State) Accepted(job, interpreter uuid.UUID) uuid.UUID {
	j, ok := s.Job(job)
	if !ok || j.Holder == interpreter || j.Assignment != nil && j.Assignment.Interpreter == interpreter {
		return job
	}
	for _, k := range s.team(j) {
		if o, there := k.Offering(interpreter); there && o.Team && (k.Holder == interpreter || k.Assignment != nil && k.Assignment.Interpreter == interpreter) {
			return k.ID
		}
	}
	return job
}

// movedTo are the team's offers of a place that is taken now, as they stand for the lowest place that is free; false: there is none, or no such offer.
func (s State) movedTo(j Job, except uuid.UUID, env Env) (OfferMoved, bool) {
	team := s.team(j)
	free := slices.IndexFunc(team, func(k Job) bool {
		return k.ID != j.ID && k.Status == domain.New && k.Holder == uuid.Nil && !over(k, env.Now)
	})
	if free < 0 {
		return OfferMoved{}, false
	}
	to := team[free]
	e := OfferMoved{Key: s.Key, Job: j.ID, To: to.ID}
	for _, o := range j.Offers {
		if has, ok := to.Offering(o.Interpreter); o.Team && o.Interpreter != except && o.OpenAt(env.Now) && !(ok && has.alive(env.Now)) {
			e.Offers = append(e.Offers, o.Offer)
		}
	}
	return e, len(e.Offers) > 0
}
