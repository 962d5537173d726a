package matching

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// Ids of the rules, as traces and overrides name them.
const (
	RuleSuspended    = "suspended"
	RulePrecluded    = "precluded"
	RuleLanguage     = "language"
	RuleSkill        = "skill"
	RuleGender       = "gender"
	RuleServiceType  = "service-type"
	RuleCredential   = "credential"
	RuleUnavailable  = people.RuleUnavailable
	RuleWorkingHours = people.RuleWorkingHours
	RuleDiary        = "diary"
	RuleTravel       = "travel"
	RuleRadius       = "travel-radius"
	RulePreferred    = "preferred"
	RuleShift        = "shift"
	RuleRemote       = "remote"
	RuleDistance     = "distance"
	RuleHours        = "hours"
	RuleCustody      = "custody-clock"
)

// rule is one reason for or against a worker. find answers at once, for thousands of workers; say puts it into facts and words, for those that
// somebody reads. An empty finding: the rule has nothing to say here, and stands in no trace.
type rule struct {
	id       string
	version  int  // counts changes of what it finds or says
	override bool // staff may go past it with a reason
	find     func(q question) domain.Finding
	say      func(q question, f domain.Finding) (domain.Facts, string)
}

// question is one worker and one way to do the job.
type question struct {
	s *search
	w *Worker
	option
}

// option is a way to do a job.
type option struct {
	start  domain.Moment
	remote bool // though it was asked for in person
}

// travels tells whether anybody goes anywhere.
func (q question) travels() bool { return q.s.job.InPerson && !q.remote }

func (q question) window() (start, end time.Time) {
	return q.start.Instant, q.s.job.end(q.start.Instant)
}

// rules in the order of a trace: who, what, when, where. The first ones look at the worker alone, those from firstOfOption on at the way to do it.
var rules = []rule{
	{RuleSuspended, 1, false, suspended, saySuspended},
	{RulePrecluded, 1, true, precluded, sayPrecluded},
	{RulePreferred, 1, false, preferred, sayPreferred},
	{RuleLanguage, 1, true, language, sayLanguage},
	{RuleSkill, 1, true, skill, saySkill},
	{RuleGender, 1, false, gender, sayGender},
	{RuleServiceType, 1, true, serviceType, sayServiceType},
	{RuleRemote, 1, false, remote, sayRemote},
	{RuleCredential, 1, true, credential, sayCredential},
	{RuleUnavailable, 1, true, unavailable, sayUnavailable},
	{RuleWorkingHours, 1, true, workingHours, sayWorkingHours},
	{RuleShift, 1, false, shift, sayShift},
	{RuleDiary, 1, false, diary, sayDiary},
	{RuleTravel, 1, true, travel, sayTravel},
	{RuleRadius, 1, false, radius, sayRadius},
	{RuleDistance, 1, false, distance, sayDistance},
	{RuleHours, 1, false, hours, sayHours},
	{RuleCustody, 1, false, custody, sayCustody},
}

const firstOfOption = 6

// Overridable tells whether staff may go past a rule with a reason. Nothing overrides a double booking or a suspension; what only keeps a worker
// out of a search (a required gender, the worker's own radius) needs none.
func Overridable(id string) bool {
	return slices.ContainsFunc(rules, func(r rule) bool { return r.id == id && r.override })
}

func judged(okay bool) domain.Finding {
	if okay {
		return domain.For
	}
	return domain.Against
}

// LL-130: a suspended interpreter gets nothing.
func suspended(q question) domain.Finding {
	if q.w.Suspended {
		return domain.Against
	}
	return ""
}

func saySuspended(question, domain.Finding) (domain.Facts, string) {
	return domain.Facts{}, "Is suspended."
}

func named(lins []string, lin string) bool {
	return slices.ContainsFunc(lins, func(l string) bool { return strings.EqualFold(l, lin) })
}

// LL-39: whom the customer does not want.
func precluded(q question) domain.Finding {
	if named(q.s.job.Precluded, q.w.LIN) {
		return domain.Against
	}
	return ""
}

func sayPrecluded(question, domain.Finding) (domain.Facts, string) {
	return domain.Facts{}, "The customer does not want this interpreter."
}

// LL-38: whom the customer would like best.
func preferred(q question) domain.Finding {
	if named(q.s.job.Preferred, q.w.LIN) {
		return domain.For
	}
	return ""
}

func sayPreferred(question, domain.Finding) (domain.Facts, string) {
	return domain.Facts{}, "The customer prefers this interpreter."
}

// Spoken is which of the wanted languages the worker speaks: the required one, else the first alternative (LL-26); empty: none.
func Spoken(j Job, w *Worker) string {
	speaks := func(want string) bool {
		return slices.ContainsFunc(w.Languages, func(l string) bool { return strings.EqualFold(l, want) })
	}
	if speaks(j.Language) {
		return j.Language
	}
	for _, alternative := range j.Alternatives {
		if speaks(alternative) {
			return alternative
		}
	}
	return ""
}

// LL-24, LL-26: the language asked for, or one of the alternatives.
func language(q question) domain.Finding { return judged(Spoken(q.s.job, q.w) != "") }

func sayLanguage(q question, _ domain.Finding) (domain.Facts, string) {
	j, w := q.s.job, q.s.words
	f := domain.Facts{Asked: append([]string{j.Language}, j.Alternatives...)}
	switch found := Spoken(j, q.w); {
	case found == "":
		f.Missing = []string{j.Language}
		return f, "Does not speak " + strings.Join(strings.Split(w.list(f.Asked), ", "), " or ") + "."
	case strings.EqualFold(found, j.Language):
		f.Has = []string{found}
		return f, "Speaks " + w.of(found) + ", the language asked for."
	default:
		f.Has, f.Missing = []string{found}, []string{j.Language}
		return f, "Speaks " + w.of(found) + ", an alternative language; not " + w.of(j.Language) + "."
	}
}

// lacking are the skills asked for that the worker does not have.
func lacking(j Job, w *Worker) (missing []string) {
	for _, s := range j.Skills {
		if !slices.Contains(w.Skills, s) {
			missing = append(missing, s)
		}
	}
	return missing
}

// LL-25: every skill asked for.
func skill(q question) domain.Finding {
	if len(q.s.job.Skills) == 0 {
		return ""
	}
	return judged(len(lacking(q.s.job, q.w)) == 0)
}

func saySkill(q question, found domain.Finding) (domain.Facts, string) {
	f := domain.Facts{Asked: q.s.job.Skills, Missing: lacking(q.s.job, q.w)}
	if found == domain.For {
		return f, "Has the skills asked for: " + q.s.words.list(f.Asked) + "."
	}
	return f, "Lacks: " + q.s.words.list(f.Missing) + "."
}

// LL-32: a wish ranks; it excludes only where the form says that it is required.
func gender(q question) domain.Finding {
	switch j := q.s.job; {
	case j.Gender == "":
		return ""
	case j.Gender == q.w.Gender:
		return domain.For
	case j.GenderRequired:
		return domain.Against
	}
	return domain.Noted
}

func sayGender(q question, found domain.Finding) (domain.Facts, string) {
	want, has := q.s.job.Gender, q.w.Gender
	f := domain.Facts{Asked: []string{want}}
	if has != "" && has != "unstated" {
		f.Has = []string{has}
	}
	wished := "a " + want + " interpreter is wished"
	if q.s.job.GenderRequired {
		wished = "the form requires a " + want + " interpreter"
	}
	switch {
	case found == domain.For:
		return f, "Is " + has + ", as wished."
	case len(f.Has) == 0:
		return f, "Has not stated a gender; " + wished + "."
	}
	return f, "Is " + has + "; " + wished + "."
}

// service is the type of service that the worker would give.
func (q question) service() string {
	if q.remote {
		return forms.ServiceRemote
	}
	return q.s.job.ServiceType
}

// II-38: who has named types of service does these only.
func serviceType(q question) domain.Finding {
	return judged(len(q.w.ServiceTypes) == 0 || slices.Contains(q.w.ServiceTypes, q.service()))
}

func sayServiceType(q question, found domain.Finding) (domain.Facts, string) {
	f := domain.Facts{Asked: []string{q.service()}, Has: q.w.ServiceTypes}
	if found == domain.For {
		return f, "Offers: " + q.s.words.of(q.service()) + "."
	}
	return f, "Does not offer: " + q.s.words.of(q.service()) + "."
}

// LL-30: remotely, though in person was asked for, because the customer would take that too.
func remote(q question) domain.Finding {
	if q.remote {
		return domain.Noted
	}
	return ""
}

func sayRemote(question, domain.Finding) (domain.Facts, string) {
	return domain.Facts{}, "Could do it remotely, which the customer would accept; not in person."
}

// expired are the kinds of credentials of which none is valid on a day, both ends included.
func expired(w *Worker, day string) (kinds []string) {
	for i, c := range w.Credentials {
		first := slices.IndexFunc(w.Credentials, func(o people.Credential) bool { return o.Kind == c.Kind }) == i
		if first && !slices.ContainsFunc(w.Credentials, func(o people.Credential) bool {
			return o.Kind == c.Kind && o.ValidFrom <= day && (o.ValidTo == "" || day <= o.ValidTo)
		}) {
			kinds = append(kinds, c.Kind)
		}
	}
	return kinds
}

// Of every kind of credential that the worker has, one is valid on the day of service; and there is at least one.
func credential(q question) domain.Finding {
	return judged(len(q.w.Credentials) > 0 && len(expired(q.w, q.day())) == 0)
}

func (q question) day() string { return q.start.Local[:len(time.DateOnly)] }

func sayCredential(q question, found domain.Finding) (domain.Facts, string) {
	f := domain.Facts{Day: q.day(), Missing: expired(q.w, q.day())}
	day := q.start.In().Format("02/01/2006")
	switch {
	case found == domain.For:
		return f, "Every credential is valid on " + day + "."
	case len(q.w.Credentials) == 0:
		return f, "Holds no qualification or vetting."
	}
	return f, "Not valid on " + day + ": " + strings.Join(f.Missing, ", ") + "."
}

// recorded tells whether the window is over already: what is recorded afterwards is no plan that a time could speak against.
func (q question) recorded() bool {
	_, end := q.window()
	return !end.After(q.s.now)
}

// obstacle is what the worker said about the own time that speaks against it. Who accepted the job for its very start has said the contrary since.
func obstacle(q question) *people.Obstacle {
	asked := q.start.Instant.Equal(q.s.job.Start.Instant)
	if q.recorded() || asked && slices.Contains(q.s.job.Accepted, q.w.ID) {
		return nil
	}
	return q.w.Availability.Against(q.window())
}

// A time that the worker marked.
func unavailable(q question) domain.Finding {
	if o := obstacle(q); o != nil && o.Rule == people.RuleUnavailable {
		return domain.Against
	}
	return ""
}

func sayUnavailable(q question, _ domain.Finding) (domain.Facts, string) {
	away := obstacle(q).Away
	written := func(m domain.Moment) string { return m.In().Format("02/01/2006 15:04") }
	return domain.Facts{Start: away.From.Stamp(), Until: away.To.Stamp()},
		"Is not available from " + written(away.From) + " to " + written(away.To) + "."
}

// The worker's week.
func workingHours(q question) domain.Finding {
	if o := obstacle(q); o != nil && o.Rule == people.RuleWorkingHours {
		return domain.Against
	}
	return ""
}

func sayWorkingHours(question, domain.Finding) (domain.Facts, string) {
	return domain.Facts{}, "Does not work at these hours of the week."
}

// LL-28: at another start, which the customer's flexibility covers.
func shift(q question) domain.Finding {
	if q.start.Instant.Equal(q.s.job.Start.Instant) {
		return ""
	}
	return domain.Noted
}

func sayShift(q question, _ domain.Finding) (domain.Facts, string) {
	j := q.s.job
	by := int(q.start.Instant.Sub(j.Start.Instant) / time.Minute)
	word := "later"
	if by < 0 {
		word = "earlier"
	}
	at := q.start.In().Format("15:04")
	if q.day() != j.Start.Local[:len(time.DateOnly)] {
		at = q.start.In().Format("02/01/2006 15:04")
	}
	return domain.Facts{Requested: j.Start.Stamp(), Start: q.start.Stamp(), ShiftMinutes: by},
		fmt.Sprintf("Could begin at %s, %s %s than asked for, which the customer's flexibility covers.", at, span(max(by, -by)), word)
}

// span says minutes as a person does.
func span(minutes int) string {
	h, m := minutes/60, minutes%60
	switch {
	case h == 0:
		return fmt.Sprintf("%d min", m)
	case m == 0:
		return fmt.Sprintf("%d h", h)
	}
	return fmt.Sprintf("%d h %d min", h, m)
}

// clash is the first entry of another job that shares an instant with the window; nil if there is none.
func clash(q question) *Entry {
	start, end := q.window()
	for i := range q.w.Diary {
		if e := &q.w.Diary[i]; e.Job != q.s.job.ID && e.Start.Before(end) && start.Before(e.End) {
			return e
		}
	}
	return nil
}

// LL-90: nobody is at two places at once. Nothing overrides it.
func diary(q question) domain.Finding { return judged(clash(q) == nil) }

func sayDiary(q question, found domain.Finding) (domain.Facts, string) {
	if found == domain.For {
		return domain.Facts{}, "The diary is free then."
	}
	e := clash(q)
	clock := func(t time.Time) string { return t.In(q.start.In().Location()).Format("15:04") }
	return domain.Facts{Jobs: []domain.Pair{{Job: e.Job, Ref: e.Ref, When: "during"}}},
		fmt.Sprintf("Has %s from %s to %s.", jobName(e), clock(e.Start), clock(e.End))
}

func jobName(e *Entry) string {
	if e.Ref == "" {
		return "another job"
	}
	return "job " + e.Ref
}

// neighbours are the jobs in person that end last before the window and begin first after it, within a day.
func neighbours(q question) (before, after *Entry) {
	start, end := q.window()
	for i := range q.w.Diary {
		e := &q.w.Diary[i]
		switch {
		case e.Job == q.s.job.ID || !e.InPerson:
		case !e.End.After(start) && start.Sub(e.End) < neighbourly && (before == nil || e.End.After(before.End)):
			before = e
		case !e.Start.Before(end) && e.Start.Sub(end) < neighbourly && (after == nil || e.Start.Before(after.Start)):
			after = e
		}
	}
	return before, after
}

// pairs measures the ways from and to the neighbours (M-03).
func pairs(q question) []domain.Pair {
	start, end := q.window()
	before, after := neighbours(q)
	var all []domain.Pair
	measure := func(e *Entry, when string, gap time.Duration) {
		if e == nil {
			return
		}
		p := domain.Pair{Job: e.Job, Ref: e.Ref, When: when, Gap: int(gap / time.Minute)}
		p.Metres, p.Minutes, p.Known = q.s.travel.way(e.Place, q.s.job.Place)
		p.Short = max(0, p.Minutes-p.Gap)
		all = append(all, p)
	}
	if before != nil {
		measure(before, "before", start.Sub(before.End))
	}
	if after != nil {
		measure(after, "after", after.Start.Sub(end))
	}
	return all
}

// M-03: the way between neighbouring jobs must fit between them. Jobs that nobody travels to are no neighbours, and a way that cannot be
// measured excludes nobody.
func travel(q question) domain.Finding {
	if !q.travels() || q.recorded() {
		return ""
	}
	found := domain.Finding("")
	for _, p := range pairs(q) {
		switch {
		case p.Short > 0:
			return domain.Against
		case !p.Known:
			found = domain.Noted
		case found == "":
			found = domain.For
		}
	}
	return found
}

func sayTravel(q question, found domain.Finding) (domain.Facts, string) {
	f := q.measured()
	f.Jobs = pairs(q)
	var said []string
	for _, p := range f.Jobs {
		ref := "the job " + p.When
		if p.Ref != "" {
			ref = "job " + p.Ref
		}
		way := "from " + ref
		if p.When == "after" {
			way = "on to " + ref
		}
		switch {
		case p.Short > 0:
			said = append(said, fmt.Sprintf("The way %s takes %d minutes and there are %d: %d too few.", way, p.Minutes, p.Gap, p.Short))
		case found == domain.Against:
		case !p.Known:
			said = append(said, fmt.Sprintf("How long the way %s takes is not known; there are %s.", way, span(p.Gap)))
		default:
			said = append(said, fmt.Sprintf("The way %s takes %d minutes; there are %s.", way, p.Minutes, span(p.Gap)))
		}
	}
	return f, strings.Join(said, " ")
}

// measured is how ways are measured.
func (q question) measured() domain.Facts {
	t := q.s.travel
	return domain.Facts{Method: Method, FactorPercent: t.FactorPercent, SpeedKmh: t.SpeedKmh, Settings: t.Settings, To: q.s.job.Place.Source,
		Postcodes: q.s.job.Place.Postcodes}
}

// The worker's own radius, as the crow flies. It keeps the worker out of a search in person; staff may still ask.
func radius(q question) domain.Finding {
	if !q.travels() || q.w.TravelRadiusKm == 0 || !q.w.Home.Known() || !q.s.job.Place.Known() {
		return ""
	}
	return judged(q.w.Home.At.Metres(q.s.job.Place.At) <= q.w.TravelRadiusKm*1000)
}

func sayRadius(q question, found domain.Finding) (domain.Facts, string) {
	f := domain.Facts{RadiusKm: q.w.TravelRadiusKm, Metres: q.w.Home.At.Metres(q.s.job.Place.At)}
	if found == domain.For {
		return f, fmt.Sprintf("Within the %d km that this interpreter travels.", f.RadiusKm)
	}
	return f, fmt.Sprintf("%.1f km away; this interpreter travels at most %d km.", float64(f.Metres)/1000, f.RadiusKm)
}

// Minutes of travel rank, unknown last.
func distance(q question) domain.Finding {
	if !q.travels() {
		return ""
	}
	return domain.Noted
}

func sayDistance(q question, _ domain.Finding) (domain.Facts, string) {
	f := q.measured()
	f.From = q.w.Home.Source
	f.Postcodes = max(f.Postcodes, q.w.Home.Postcodes)
	f.Metres, f.Minutes, f.Known = q.s.travel.way(q.w.Home, q.s.job.Place)
	switch {
	case f.Known:
		return f, fmt.Sprintf("About %d minutes away (%.1f km).", f.Minutes, float64(f.Metres)/1000)
	case q.w.Home.Known():
		return f, "How far away is not known: the place of the job has no coordinates."
	}
	return f, "How far away is not known: the interpreter has no coordinates."
}

// coarseMinutes is the step in which an event tells how far somebody lives from a job: events are for ever, and from a few exact ways anybody
// could work out a home, which is sealed.
const coarseMinutes = 15

// Coarse is a finding as an event may keep it: of the way from a worker's home only how long it takes at most, in quarters of an hour.
func Coarse(b domain.Because) domain.Because {
	switch f := &b.Facts; b.Rule {
	case RuleRadius:
		f.Metres = 0
		if b.Finding == domain.Against {
			b.Text = fmt.Sprintf("Further away than the %d km that this interpreter travels.", f.RadiusKm)
		}
	case RuleDistance:
		if f.Metres = 0; f.Known {
			f.Minutes = (f.Minutes/coarseMinutes + 1) * coarseMinutes
			b.Text = fmt.Sprintf("Less than %d minutes away.", f.Minutes)
		}
	}
	return b
}

// Hours already assigned in the job's week rank, fewer first.
func hours(question) domain.Finding { return domain.Noted }

func sayHours(q question, _ domain.Finding) (domain.Facts, string) {
	year, number := q.s.job.Start.In().ISOWeek()
	f := domain.Facts{Week: fmt.Sprintf("%d-W%02d", year, number), WeekMinutes: q.s.weekMinutes(q.w)}
	if f.WeekMinutes == 0 {
		return f, "Has no other job in that week."
	}
	return f, "Has " + span(f.WeekMinutes) + " of jobs in that week."
}

// weekMinutes is how long other jobs of the job's week take.
func (s *search) weekMinutes(w *Worker) int {
	var sum time.Duration
	for i := range w.Diary {
		e := &w.Diary[i]
		start, end := e.Start, e.End
		if e.Job == s.job.ID || !start.Before(s.weekTo) || !s.weekFrom.Before(end) {
			continue
		}
		if start.Before(s.weekFrom) {
			start = s.weekFrom
		}
		if end.After(s.weekTo) {
			end = s.weekTo
		}
		sum += end.Sub(start)
	}
	return int(sum / time.Minute)
}

// arrives is when the job could begin at the earliest: its start, or later if the worker, setting out now, is not there by then.
func (q question) arrives() time.Time {
	at := q.start.Instant
	if _, minutes, known := q.s.travel.way(q.w.Home, q.s.job.Place); known && q.travels() {
		if there := q.s.now.Add(time.Duration(minutes) * time.Minute); there.After(at) {
			return there
		}
	}
	return at
}

// N-03: whether the job can be over before the custody clock is. It tells, and excludes nobody: a person may be held longer.
func custody(q question) domain.Finding {
	if q.s.job.CustodyEnds == nil {
		return ""
	}
	return domain.Noted
}

func sayCustody(q question, _ domain.Finding) (domain.Facts, string) {
	ends := *q.s.job.CustodyEnds
	clock := ends.In(q.start.In().Location())
	done := q.s.job.end(q.arrives())
	f := domain.Facts{Until: clock.Format(time.RFC3339), Start: q.arrives().In(clock.Location()).Format(time.RFC3339)}
	if late := done.Sub(ends); late > 0 {
		return f, fmt.Sprintf("Would finish %s after the custody clock ends (%s).", span(int((late+time.Minute-1)/time.Minute)), clock.Format("15:04"))
	}
	return f, fmt.Sprintf("Would finish %s before the custody clock ends (%s).", span(int(ends.Sub(done)/time.Minute)), clock.Format("15:04"))
}
