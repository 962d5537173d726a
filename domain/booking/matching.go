package booking

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// Candidate is an interpreter as the rules of offering and assigning see one.
type Candidate = matching.Worker

// Geography is what places are found from.
type Geography struct {
	Locations map[uuid.UUID]people.Place // of the booking's customer
	Postcodes people.Postcodes
}

// Wanted is the job as the rules of matching see it: from the ETA if there is one, else the requested start.
func (j Job) Wanted(form forms.Form, g Geography) matching.Job {
	field := func(key string) []string { return j.Details.Fields[key].Items }
	w := matching.Job{
		ID: j.ID, Language: j.Details.Language, Alternatives: j.Details.AlternativeLanguages, ServiceType: j.Details.ServiceType,
		Preferred: field("preferredInterpreter"), Precluded: field("precludedInterpreter"),
		Start: j.Begin(), Minutes: j.Schedule.Minutes, InPerson: j.InPerson(), Place: j.Spot(g),
	}
	skills, _ := form.Field("skills")
	for _, s := range field("skills") {
		if s != skills.Default {
			w.Skills = append(w.Skills, s)
		}
	}
	if wish := j.Details.Fields["gender"].First(); wish == "female" || wish == "male" {
		asked, _ := form.Field("gender")
		w.Gender, w.GenderRequired = wish, asked.Required
	}
	if j.ETA == nil {
		w.Flexibility = j.flexibility()
	}
	for _, o := range j.Offers {
		if o.State == Accepted {
			w.Accepted = append(w.Accepted, o.Interpreter)
		}
	}
	w.RemoteToo = w.InPerson && forms.RemoteWillDo(j.Details.Fields["remoteOption"].First())
	if m, err := domain.ParseMoment(j.Details.Fields["custodyClock"].First(), j.Schedule.Start.Zone); err == nil {
		w.CustodyEnds = &m.Instant
	}
	return w
}

// InPerson tells whether somebody travels to the job.
func (j Job) InPerson() bool {
	return j.Details.Address != nil && j.Details.ServiceType != forms.ServiceRemote
}

// Spot is where the job takes place, as far as it is known.
func (j Job) Spot(g Geography) matching.Spot {
	if j.Details.Address == nil {
		return matching.Spot{}
	}
	postcode := j.Details.Address.Postcode.Reveal()
	if postcode == domain.Erased {
		postcode = j.Details.Address.Outward
	}
	return matching.LocateJob(g.Locations[j.Details.Location], postcode, g.Postcodes)
}

// world is what the rules of matching know besides job and worker.
func (e Env) world() matching.World {
	return matching.World{Travel: matching.TravelOf(e.Agency, e.AgencyVersion), Words: matching.WordsOf(e.Agency, e.Form), Now: e.Now}
}

// check judges an interpreter for the job as it stands.
func check(j Job, c Candidate, env Env) matching.Verdict {
	return matching.Check(j.Wanted(env.Form, env.Geography), c, env.world())
}

// unmet lists the rules that speak against an interpreter and that staff may go past, precluded first.
func unmet(v matching.Verdict) (rules []string) {
	for _, id := range v.Against() {
		if matching.Overridable(id) {
			rules = append(rules, id)
		}
	}
	return rules
}

// kept is a trace as an event keeps it: without the custody clock, and without how far exactly a home is; both stand sealed elsewhere.
func kept(trace []domain.Because) []domain.Because {
	out := make([]domain.Because, 0, len(trace))
	for _, b := range trace {
		if b.Rule != matching.RuleCustody {
			out = append(out, matching.Coarse(b))
		}
	}
	return out
}

// qualify tells whether the job may be offered or given to an interpreter. It answers with the override that was needed, nil if none was, and
// with the trace; a suspended interpreter is refused whatever the reason (LL-130), the other rules ask for one (LL-39). A refusal carries the
// trace, which is kept nowhere else.
func qualify(j Job, id uuid.UUID, reason string, env Env) (*Override, []domain.Because, error) {
	c, ok := env.Candidates[id]
	if !ok {
		return nil, nil, domain.NotFound("There is no such interpreter.")
	}
	v := check(j, c, env)
	trace := v.Trace()
	if c.Suspended {
		return nil, nil, because(errSuspended(), trace)
	}
	rules := unmet(v)
	switch {
	case len(rules) == 0:
		return nil, kept(trace), nil
	case reason != "":
		return &Override{Reason: domain.Personal(reason), Rules: rules}, kept(trace), nil
	case rules[0] == RulePrecluded:
		return nil, nil, because(domain.Unprocessable("precluded", "The customer does not want this interpreter. Give a reason to go past that."), trace)
	case rules[0] == RuleUnavailable || rules[0] == RuleWorkingHours:
		return nil, nil, because(domain.Unprocessable("unavailable", "This interpreter is not available at that time. Give a reason to go past that."), trace)
	}
	return nil, nil, because(domain.Unprocessable("not-qualified", "%s Give a reason to go past that.", sentences(trace, rules)), trace)
}

func because(r *domain.Refusal, trace []domain.Because) *domain.Refusal {
	r.Trace = trace
	return r
}

// sentences are what a trace says about some of its rules.
func sentences(trace []domain.Because, rules []string) string {
	var said []string
	for _, b := range trace {
		for _, id := range rules {
			if b.Rule == id {
				said = append(said, b.Text)
			}
		}
	}
	return strings.Join(said, " ")
}

// DiarySpan is the time in which an interpreter's diary matters for a command on the job, wherever the command may put its start.
func (j Job) DiarySpan() (from, to time.Time) {
	return matching.Horizon(matching.Job{Start: j.Begin(), Minutes: j.Schedule.Minutes, Flexibility: "any"})
}

// warn tells staff what speaks against the interpreter who has a job once it is moved, and did not before: the time off, the hours of the week, the
// way between jobs (M-03), a credential that has run out by then. It is granted all the same, for who asks for it may know more.
func (d *Decision) warn(location string, before, after Job, env Env) {
	switch env.Actor.Role {
	case domain.Assigner, domain.Admin, domain.System:
	default:
		return
	}
	if before.Assignment == nil || before.Status != domain.Assigned || over(after, env.Now) {
		return
	}
	c, ok := env.Candidates[before.Assignment.Interpreter]
	if !ok {
		return
	}
	was := check(before, c, env).Against()
	now := check(after, c, env)
	for _, b := range now.Trace() {
		if b.Finding == domain.Against && matching.Overridable(b.Rule) && !slices.Contains(was, b.Rule) && b.Rule != matching.RuleLanguage {
			d.Warnings = append(d.Warnings, domain.Warning{Location: location, Code: b.Rule, Message: c.LIN + ", who has job " + before.Ref + ": " + b.Text})
		}
	}
}

// speaks: the language asked for, or one of the alternatives (LL-26).
func speaks(c Candidate, d Details) bool {
	return matching.Spoken(matching.Job{Language: d.Language, Alternatives: d.AlternativeLanguages}, &c) != ""
}
