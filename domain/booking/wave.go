package booking

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/matching"
)

// Wave is how far a job has got with offers in waves (N-03): the number of the last one, and when the next is due; zero: none is.
type Wave struct {
	Number int
	Due    time.Time
}

// Flag tells assigners that a job needs them, and what would help. Flags end when the job is somebody's, cancelled or changed.
type Flag struct {
	Kind  string
	Since time.Time
	Helps []Help
}

// Kinds of flags.
const (
	FlagCustody      = "custody-clock" // nobody is left who could finish before the custody clock ends
	FlagNoCandidates = "no-candidates" // nobody is left to ask
)

// Help is one wish that could be given up, and how many more could do the job then.
type Help = matching.Help

type (
	// SendWave offers a job to the next interpreters in order. A timer sends it; Number is the wave that is due.
	SendWave struct {
		Job    uuid.UUID
		Number int
		Found  Found
		Look   int // how many of those who could be asked are looked at once more before they are
	}
	// Found is what a look for interpreters found: who could do the job, in order, and what stands for the rest.
	Found struct {
		Ranked []Ranked
		Search Search
		Helps  []Help
	}
	// Ranked is one who could do the job: when, and whether before the custody clock ends.
	Ranked struct {
		Interpreter uuid.UUID
		Start       domain.Moment
		InTime      bool
	}
)

// Name is the command's name.
func (SendWave) Name() string { return "send-wave" }

// Decide asks the next interpreters in order, as many as the agency's policy says for the language's tier and the time left (N-03). Of a team each is
// asked once, for whichever place is free. Who has been asked is not asked again until the job changes. Those who can arrive and finish before the
// custody clock ends come first; when none of them is left, and when nobody is, the job is flagged to assigners with what would help.
//
//	given  new, nobody asked, Ana and Ben could do it
//	when   SendWave{1}
//	then   WaveSent{1}, OfferSent{Ana}, the next one due when the policy says
//	again  nothing: wave 1 has gone out
//	error  wrong-status: auto-offer is off, the job is not new, has begun, is held or taken, or the wave is not due yet
func (c SendWave) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	if due, err := c.Due(s, env); err != nil || !due {
		return Decision{}, err // it has gone out, or the job has changed
	}
	open := s.openPlaces(j, env.Now)
	start, _ := j.Window()
	row := env.Agency.WaveFor(j.Details.LanguageTier, start.Sub(env.Now))
	left := s.unasked(j, c.Found.Ranked)
	search := c.Found.Search
	search.Policy = env.AgencyVersion

	var offers []Offer
	taken := 0 // of those left, how many were looked at
	for _, r := range left[:min(len(left), c.Look)] {
		if len(offers) == row.Size {
			break
		}
		taken++
		if o, ok := waveOffer(open[0], r, row.ExpireMinutes, env); ok {
			o.Team = len(s.team(j)) > 1
			offers = append(offers, o)
		}
	}

	if len(offers) == 0 && taken < len(left) {
		return Decision{}, wrongStatus(j, "those who were found have something else to do since.")
	}
	number := 0
	for _, k := range open {
		number = max(number, k.Wave.Number)
	}
	number++
	var d Decision
	flag := func(kind string, next *time.Time) {
		d.Events = append(d.Events, JobFlagged{Jobs: idsOf(open), Flag: kind, Wave: number, Helps: c.Found.Helps, Search: search, Next: next})
	}
	if j.custody(env) && !j.flagged(FlagCustody) && !slices.ContainsFunc(left, func(r Ranked) bool { return r.InTime }) {
		flag(FlagCustody, nil)
	}
	if len(offers) == 0 {
		flag(FlagNoCandidates, nextLook(j, env))
		return d, nil
	}
	next := env.Now.Add(time.Duration(row.WaitMinutes) * time.Minute)
	e := WaveSent{Jobs: idsOf(open), Number: number, Row: row, Left: len(left) - taken, Search: search}
	if next.Before(start) {
		e.Next = &next
	}
	d.Events = append(d.Events, e, OfferSent{Key: s.Key, Job: open[0].ID, Offers: offers, Wave: number, Policy: env.AgencyVersion})
	return d, nil
}

// Due tells whether the wave is to go out now; a refusal says why it may not.
func (c SendWave) Due(s State, env Env) (bool, error) {
	j, err := s.find(c.Job)
	if err != nil || c.Number != j.Wave.Number+1 {
		return false, err
	}
	return true, c.allowed(s, j, env)
}

// Chosen are the interpreters who are looked at once more.
func (c SendWave) Chosen(s State) (ids []uuid.UUID) {
	j, ok := s.Job(c.Job)
	if !ok {
		return nil
	}
	left := s.unasked(j, c.Found.Ranked)
	for _, r := range left[:min(len(left), c.Look)] {
		ids = append(ids, r.Interpreter)
	}
	return ids
}

func (c SendWave) allowed(_ State, j Job, env Env) error {
	if err := standing(j, "offers are sent while it is new.", domain.New); err != nil {
		return err
	}
	switch {
	case !env.Agency.AutoOffer:
		return wrongStatus(j, "offers do not go out by themselves.")
	case begun(j, env.Now):
		return wrongStatus(j, "its time has come.")
	case !j.open(env.Now):
		return wrongStatus(j, "waves wait while somebody works on it or holds it.")
	case j.Wave.Due.IsZero() || env.Now.Before(j.Wave.Due):
		return wrongStatus(j, "no wave is due yet.")
	}
	return nil
}

// open tells whether a wave may look for somebody for the job.
func (j Job) open(now time.Time) bool {
	return j.Status == domain.New && j.Holder == uuid.Nil && j.TakenBy == uuid.Nil && !begun(j, now)
}

// openPlaces are the places of a job's team for which somebody is looked for, the lowest first; of a job by itself that one.
func (s State) openPlaces(j Job, now time.Time) []Job {
	return slices.DeleteFunc(s.team(j), func(k Job) bool { return !k.open(now) })
}

// unasked are those in order who may still be asked for any place of the job's team: before the custody clock ends first.
func (s State) unasked(j Job, ranked []Ranked) []Ranked {
	asked := s.asked(j)
	var inTime, late []Ranked
	for _, r := range ranked {
		if asked[r.Interpreter] {
			continue
		}
		asked[r.Interpreter] = true // each once
		if r.InTime {
			inTime = append(inTime, r)
		} else {
			late = append(late, r)
		}
	}
	return append(inTime, late...)
}

// asked are those whom a wave leaves out: who has an offer or a place of the team, and who declined, was revoked by staff, let the offer lapse or gave
// the job back since it last changed.
func (s State) asked(j Job) map[uuid.UUID]bool {
	out := map[uuid.UUID]bool{}
	for _, k := range s.team(j) {
		for _, id := range k.NotAgain {
			out[id] = true
		}
		for _, o := range k.Offers {
			if o.State == Open || o.State == Accepted {
				out[o.Interpreter] = true
			}
		}
		if k.Assignment != nil {
			out[k.Assignment.Interpreter] = true
		}
	}
	return out
}

// Unasked are those in order whom a wave could still ask, with whether one of them would finish in time: whoever looks for interpreters asks this to
// know whether to look for what would help, too.
func (s State) Unasked(job uuid.UUID, ranked []Ranked) (left []Ranked, inTime bool) {
	j, ok := s.Job(job)
	if !ok {
		return nil, false
	}
	left = s.unasked(j, ranked)
	return left, len(left) > 0 && left[0].InTime
}

// Asked are those whom a wave would leave out, whatever the search finds.
func (s State) Asked(job uuid.UUID) map[uuid.UUID]bool {
	j, ok := s.Job(job)
	if !ok {
		return nil
	}
	return s.asked(j)
}

// waveOffer is an offer to one who was found, if nothing speaks against that as things stand now.
func waveOffer(j Job, r Ranked, minutes int, env Env) (Offer, bool) {
	worker, known := env.Candidates[r.Interpreter]
	if !known || worker.Suspended {
		return Offer{}, false
	}
	as := j // as it would be done
	var proposed *domain.Moment
	if !r.Start.Equal(j.Begin()) {
		if !j.within(r.Start) || !r.Start.Instant.After(env.Now) {
			return Offer{}, false
		}
		proposed, as.ETA = &r.Start, &r.Start
	}
	v := check(as, worker, env)
	if !v.Eligible {
		return Offer{}, false
	}
	expires := expiry(j, env)
	if minutes > 0 {
		expires = soonest(j, minutes, env.Now)
	}
	o := newOffer(j, Offered{Interpreter: worker.ID, LIN: worker.LIN}, &expires, env)
	o.ProposedStart, o.Trace = proposed, kept(v.Trace())
	return o, true
}

// soonest is the end of an offer that stands for so many minutes, but not beyond the start.
func soonest(j Job, minutes int, now time.Time) time.Time {
	start, _ := j.Window()
	if t := now.Add(time.Duration(minutes) * time.Minute); t.Before(start) {
		return t
	}
	return start
}

// nextLook is when to look again after nobody was left to ask: as soon as another row of the policy holds; nil: not by itself.
func nextLook(j Job, env Env) *time.Time {
	start, _ := j.Window()
	next, found := env.Agency.NextWaveRow(j.Details.LanguageTier, start, env.Now)
	if !found || !next.Before(start) {
		return nil
	}
	return &next
}

// custody tells whether the job has a custody clock.
func (j Job) custody(env Env) bool { return j.Wanted(env.Form, env.Geography).CustodyEnds != nil }

func (j Job) flagged(kind string) bool {
	return slices.ContainsFunc(j.Flags, func(f Flag) bool { return f.Kind == kind })
}

func idsOf(jobs []Job) []uuid.UUID {
	ids := make([]uuid.UUID, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	return ids
}

// NextWave is what an event says about the next wave of one of its jobs.
type NextWave struct {
	Due  time.Time // zero: none is due
	Anew bool      // the waves begin again, and those who were asked may be asked again: the job is new, or has changed
	Sent int       // number of the wave that went out; 0: none did
}

// WavesAfter is what an event at a business time says about a job's waves; false: nothing. State and read models go by it.
func WavesAfter(e Event, job uuid.UUID, at time.Time) (NextWave, bool) {
	anew := NextWave{Due: at, Anew: true}
	due := func(next *time.Time, sent int) (NextWave, bool) {
		n := NextWave{Sent: sent}
		if next != nil {
			n.Due = next.UTC()
		}
		return n, true
	}
	switch e := e.(type) {
	case Created:
		return anew, slices.ContainsFunc(e.Jobs, func(n NewJob) bool { return n.ID == job })
	case JobAdded:
		return anew, e.Job.ID == job
	case Edited:
		i := slices.IndexFunc(e.Jobs, func(c JobChange) bool { return c.Job == job })
		if i < 0 || !e.Shared.material() && !e.Jobs[i].Own.material() {
			return NextWave{}, false
		}
		if e.UndoUntil != nil { // a wave would keep its sender from taking it back
			anew.Due = e.UndoUntil.UTC()
		}
		return anew, true
	case ChangeUndone:
		return anew, slices.ContainsFunc(e.Jobs, func(u UndoneJob) bool { return u.Job == job })
	case EtaAgreed:
		return anew, e.Job == job
	case EtaChanged:
		return anew, e.Job == job
	case Unassigned:
		return NextWave{Due: at}, e.Job == job
	case WaveSent:
		if slices.Contains(e.Jobs, job) {
			return due(e.Next, e.Number)
		}
	case JobFlagged:
		if slices.Contains(e.Jobs, job) && e.Flag == FlagNoCandidates {
			return due(e.Next, 0)
		}
	}
	return NextWave{}, false
}

// material tells whether a change concerns who could do the job: time, duration, place or language.
func (c *Change) material() bool {
	return c != nil && (c.Schedule != nil || c.Location != nil || c.Address != nil || c.Language != nil || c.AlternativeLanguages != nil || c.ServiceType != nil)
}

// waves folds what an event says about the waves of the jobs that it touches.
func (s *State) waves(e Event, at Fact) {
	for i := range s.Jobs {
		next, ok := WavesAfter(e, s.Jobs[i].ID, at.At)
		if !ok {
			continue
		}
		j := &s.Jobs[i] // the list is fresh: the event touched this job
		j.Wave.Due = next.Due
		switch {
		case next.Anew:
			j.Wave.Number, j.NotAgain, j.Flags = 0, nil, nil
		case next.Sent > 0:
			j.Wave.Number = next.Sent
			j.unflag(FlagNoCandidates)
		}
	}
}

// notAgain notes that a wave does not ask an interpreter again until the job changes.
func (j *Job) notAgain(interpreter uuid.UUID) {
	if !slices.Contains(j.NotAgain, interpreter) {
		j.NotAgain = slices.Concat(j.NotAgain, []uuid.UUID{interpreter})
	}
}

// flag notes a flag; one of its kind keeps since when it stands.
func (j *Job) flag(e JobFlagged, at time.Time) {
	f := Flag{Kind: e.Flag, Since: at, Helps: e.Helps}
	for _, before := range j.Flags {
		if before.Kind == f.Kind {
			f.Since = before.Since
		}
	}
	j.unflag(e.Flag)
	j.Flags = append(j.Flags, f)
}

// unflag ends the flags of a kind in a fresh list of them.
func (j *Job) unflag(kind string) {
	j.Flags = slices.DeleteFunc(slices.Clone(j.Flags), func(f Flag) bool { return f.Kind == kind })
	if len(j.Flags) == 0 {
		j.Flags = nil
	}
}
