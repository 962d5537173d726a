package matching

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

// World is what the rules know besides job and worker.
type World struct {
	Travel Travel
	Words  Words
	Now    time.Time // business time
}

// search is one job with what is computed for it once.
type search struct {
	job              Job
	travel           Travel
	words            Words
	now              time.Time
	shifts           []domain.Moment
	weekFrom, weekTo time.Time
}

func begin(j Job, w World) *search {
	s := &search{job: j, travel: w.Travel, words: w.Words, now: w.Now}
	s.weekFrom, s.weekTo = week(j.Start)
	return s
}

// Verdict is what the rules say about one worker.
type Verdict struct {
	Worker   *Worker
	Eligible bool
	Language string        // which of the wanted ones is spoken, empty: none
	Start    domain.Moment // at which the worker could begin: the requested start, or one that the flexibility covers
	Shifted  bool
	Remote   bool // in person was asked for
	Minutes  int  // of travel
	Known    bool // whether there are such minutes
	Week     int  // minutes of other jobs in that week
	against  int
	wished   bool // preferred by the customer
	other    bool // another language than the required one
	unwished bool // of another gender than is wished
	way      option
	s        *search
}

// Against are the rules that speak against the worker, in the order of the trace.
func (v Verdict) Against() []string {
	var ids []string
	v.each(func(r rule, f domain.Finding) {
		if f == domain.Against {
			ids = append(ids, r.id)
		}
	})
	return ids
}

// Overridable tells whether staff may go past all that speaks against the worker, with a reason.
func (v Verdict) Overridable() bool {
	ids := v.Against()
	return len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return id == RuleSuspended || id == RuleDiary })
}

func (v Verdict) question() question { return question{v.s, v.Worker, v.way} }

func (v Verdict) each(f func(rule, domain.Finding)) {
	q := v.question()
	for _, r := range rules {
		if found := r.find(q); found != "" {
			f(r, found)
		}
	}
}

// Trace says why, rule by rule (N-04).
func (v Verdict) Trace() []domain.Because {
	var all []domain.Because
	q := v.question()
	v.each(func(r rule, found domain.Finding) {
		facts, text := r.say(q, found)
		all = append(all, domain.Because{Rule: r.id, Version: r.version, Finding: found, Facts: facts, Text: text})
	})
	return all
}

// against counts what some of the rules have against an option.
func against(q question, of []rule) (n int) {
	for _, r := range of {
		if r.find(q) == domain.Against {
			n++
		}
	}
	return n
}

// judge looks for the best way in which a worker can do the job: as asked for; else remotely, if that will do; else shifted, in person before
// remotely. A worker who can do it in no way is judged by what was asked for.
func (s *search) judge(w *Worker, shifted bool) Verdict {
	asked := option{start: s.job.Start}
	verdict := func(way option, speak int) Verdict {
		q := question{s, w, way}
		v := Verdict{Worker: w, Language: Spoken(s.job, w), Start: way.start, Shifted: !way.start.Instant.Equal(s.job.Start.Instant), Remote: way.remote,
			Week: s.weekMinutes(w), way: way, s: s, against: speak}
		if q.travels() {
			_, v.Minutes, v.Known = s.travel.way(w.Home, s.job.Place)
		} else {
			v.Known = true
		}
		v.Eligible = v.against == 0
		v.wished, v.other = preferred(q) == domain.For, !strings.EqualFold(v.Language, s.job.Language)
		found := gender(q)
		v.unwished = found == domain.Noted || found == domain.Against
		return v
	}
	self, then := against(question{s, w, asked}, rules[:firstOfOption]), against(question{s, w, asked}, rules[firstOfOption:])
	if self > 0 || then == 0 {
		return verdict(asked, self+then)
	}
	possible := func(way option) bool { return against(question{s, w, way}, rules[firstOfOption:]) == 0 }
	ways := []bool{false}
	if s.job.InPerson && s.job.RemoteToo {
		ways = append(ways, true)
		if way := (option{s.job.Start, true}); possible(way) {
			return verdict(way, 0)
		}
	}
	if shifted {
		for _, remotely := range ways {
			for _, start := range s.shifts {
				if way := (option{start, remotely}); possible(way) {
					return verdict(way, 0)
				}
			}
		}
	}
	return verdict(asked, then)
}

// Judge says what a search for the job finds out about one worker.
func Judge(j Job, w Worker, world World) Verdict {
	s := begin(j, world)
	s.shifts = shifts(j, world.Now)
	return s.judge(&w, true)
}

// Check judges a worker for the job's very start, before an offer or an assignment: nothing is shifted.
func Check(j Job, w Worker, world World) Verdict { return begin(j, world).judge(&w, false) }

// Rank judges workers and puts them in order: candidates first, then the others, those against whom least speaks before the rest. The order is
// total: it does not depend on the order in which the workers came.
func Rank(j Job, workers []Worker, world World) []Verdict {
	s := begin(j, world)
	s.shifts = shifts(j, world.Now)
	all := make([]Verdict, len(workers))
	for i := range workers {
		all[i] = s.judge(&workers[i], true)
	}
	slices.SortFunc(all, compare)
	return all
}

func compare(a, b Verdict) int {
	return cmp.Or(
		a.against-b.against,
		last(!a.wished, !b.wished),
		last(a.other, b.other),
		last(a.Shifted, b.Shifted),
		last(a.Remote, b.Remote),
		last(a.unwished, b.unwished),
		last(!a.Known, !b.Known),
		a.Minutes-b.Minutes,
		a.Week-b.Week,
		strings.Compare(a.Worker.LIN, b.Worker.LIN),
		bytes.Compare(a.Worker.ID[:], b.Worker.ID[:]),
	)
}

// last puts whom something is true of behind whom it is not.
func last(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
