package matching

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// InTime tells whether the worker can arrive and finish before the custody clock ends (N-03). Without a clock everybody can.
func (v Verdict) InTime() bool {
	ends := v.s.job.CustodyEnds
	return ends == nil || !v.s.job.end(v.question().arrives()).After(*ends)
}

// InTimeAt is the start, of those that the flexibility covers, at which the worker could do the job and finish before the custody clock ends: the one of
// the verdict, else the nearest other; false: there is none. Without a clock it is the verdict's.
func (v Verdict) InTimeAt() (domain.Moment, bool) {
	if v.InTime() {
		return v.Start, true
	}
	way, found := v.s.inTime(v.Worker)
	return way.start, found
}

// inTime looks for a way in which a worker could do the job and finish before the custody clock ends.
func (s *search) inTime(w *Worker) (option, bool) {
	if against(question{s, w, option{start: s.job.Start}}, rules[:firstOfOption]) > 0 {
		return option{}, false
	}
	ways := []bool{false}
	if s.job.InPerson && s.job.RemoteToo {
		ways = append(ways, true)
	}
	for _, start := range append([]domain.Moment{s.job.Start}, s.shifts...) {
		for _, remotely := range ways {
			q := question{s, w, option{start, remotely}}
			late := s.job.CustodyEnds != nil && s.job.end(q.arrives()).After(*s.job.CustodyEnds)
			if !late && against(q, rules[firstOfOption:]) == 0 {
				return q.option, true
			}
		}
	}
	return option{}, false
}

// Versions are the rules with their versions: what a search went by.
func Versions() map[string]int {
	all := make(map[string]int, len(rules))
	for _, r := range rules {
		all[r.id] = r.version
	}
	return all
}

// Survey is what a look for workers read: those who speak a wanted language, judged, in order, and how many others there are.
type Survey struct {
	Job       Job
	World     World
	Ranked    []Verdict
	Strangers int      // who speak none of the wanted languages
	Others    []Worker // some of those, to know what another language would bring; only if that was asked
}

// Eligible are those of the survey who could do the job, in order.
func (s Survey) Eligible() []Verdict {
	n := 0
	for n < len(s.Ranked) && s.Ranked[n].Eligible {
		n++
	}
	return s.Ranked[:n]
}

// Against counts against how many of those who could not do the job each rule speaks.
func (s Survey) Against() map[string]int {
	all := map[string]int{}
	for _, v := range s.Ranked[len(s.Eligible()):] {
		v.each(func(r rule, f domain.Finding) {
			if f == domain.Against {
				all[r.id]++
			}
		})
	}
	if s.Strangers > 0 {
		all[RuleLanguage] += s.Strangers
	}
	return all
}

// Help is one wish that could be given up, and how many more could do the job then: before the custody clock ends, if there is one.
type Help struct {
	Wish     string `json:"wish"`
	Language string `json:"language,omitempty"` // of another language: which
	More     int    `json:"more"`
}

// Wishes that could be given up.
const (
	HelpRemote      = "remote"      // to have the interpreter there in person
	HelpFlexibility = "flexibility" // the very start, instead of any on that day
	HelpGender      = "gender"      // a required gender
	HelpSkills      = "skills"      // every skill
	HelpPrecluded   = "precluded"   // whom the customer does not want
	HelpLanguage    = "language"    // the language: one that the person speaks, too
)

// languagesNamed is how many other languages are named as a help, those that would bring most.
const languagesNamed = 3

// Helps are the wishes that stand in the way of somebody, one at a time, those that would bring most first. Whom leftOut names does not count.
func (s Survey) Helps(leftOut map[uuid.UUID]bool) []Help {
	could := func(j Job, w *Worker) bool {
		in := begin(j, s.World)
		in.shifts = shifts(j, s.World.Now)
		_, found := in.inTime(w)
		return found
	}
	can := make(map[uuid.UUID]bool, len(s.Ranked))
	for _, v := range s.Ranked {
		can[v.Worker.ID] = could(s.Job, v.Worker)
	}
	var helps []Help
	without := func(wish string, there bool, relax func(*Job)) {
		if !there {
			return
		}
		j, more := s.Job, 0
		relax(&j)
		for _, v := range s.Ranked {
			if id := v.Worker.ID; !can[id] && !leftOut[id] && could(j, v.Worker) {
				more++
			}
		}
		if more > 0 {
			helps = append(helps, Help{Wish: wish, More: more})
		}
	}
	without(HelpRemote, s.Job.InPerson && !s.Job.RemoteToo, func(j *Job) { j.RemoteToo = true })
	without(HelpFlexibility, !forms.DayOrMore(s.Job.Flexibility), func(j *Job) { j.Flexibility = forms.SameDay })
	without(HelpGender, s.Job.GenderRequired, func(j *Job) { j.GenderRequired = false })
	without(HelpSkills, len(s.Job.Skills) > 0, func(j *Job) { j.Skills = nil })
	without(HelpPrecluded, len(s.Job.Precluded) > 0, func(j *Job) { j.Precluded = nil })
	helps = append(helps, s.languages(leftOut, could)...)
	slices.SortStableFunc(helps, func(a, b Help) int { return b.More - a.More })
	return helps
}

// languages are those other languages whose speakers could do the job, the most of them first.
func (s Survey) languages(leftOut map[uuid.UUID]bool, could func(Job, *Worker) bool) []Help {
	speakers := map[string]int{}
	for i := range s.Others {
		w := &s.Others[i]
		if leftOut[w.ID] {
			continue
		}
		j := s.Job
		j.Alternatives = append(slices.Clone(j.Alternatives), w.Languages...)
		if could(j, w) {
			for _, l := range w.Languages {
				speakers[strings.ToLower(l)]++
			}
		}
	}
	all := make([]Help, 0, len(speakers))
	for language, n := range speakers {
		all = append(all, Help{Wish: HelpLanguage, Language: language, More: n})
	}
	slices.SortFunc(all, func(a, b Help) int { return cmp.Or(b.More-a.More, strings.Compare(a.Language, b.Language)) })
	return all[:min(len(all), languagesNamed)]
}
