package matching

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/people"
)

func moment(local string) domain.Moment {
	m, err := domain.ParseMoment(local, "Europe/London")
	if err != nil {
		panic(err)
	}
	return m
}

func given(lat, lon float64) Spot {
	return Spot{At: domain.Coordinates{Lat: lat, Lon: lon}, Source: Given}
}

var (
	leeds    = given(53.7965, -1.5478)
	bradford = given(53.7939, -1.7521) // 13.4 km west of Leeds: 27 minutes
	world    = World{Travel: Travel{FactorPercent: 130, SpeedKmh: 40, Settings: 3}, Words: Words{"pl": "Polish", "uk": "Ukrainian", "npv": "NPV"},
		Now: moment("2020-03-24T09:00").Instant}
)

func wanted() Job {
	return Job{ID: domain.InterpreterID("job"), Language: "pl", ServiceType: "face-to-face", Start: moment("2020-03-26T10:00"), Minutes: 60, InPerson: true, Place: leeds}
}

func worker(lin string) Worker {
	return Worker{ID: domain.InterpreterID(lin), Profile: people.Profile{LIN: lin, Gender: "female", Languages: []string{"PL"},
		Skills: []string{"spoken-only"}, Credentials: []people.Credential{{Kind: "npv", ValidFrom: "2015-01-01", ValidTo: "2099-12-31"}}}, Home: bradford}
}

func busy(ref, start string, minutes int, at Spot) Entry {
	from := moment(start).Instant
	return Entry{Job: domain.InterpreterID(ref), Ref: ref, Start: from, End: from.Add(time.Duration(minutes) * time.Minute), InPerson: true, Place: at}
}

// says finds what a trace says about a rule; empty: nothing.
func says(v Verdict, id string) domain.Because {
	for _, b := range v.Trace() {
		if b.Rule == id {
			return b
		}
	}
	return domain.Because{}
}

// Each rule alone, against a worker and a job of which everything else is in order.
func TestEachRuleAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		job    func(*Job)
		worker func(*Worker)
		rule   string
		want   domain.Finding
		text   string
	}{
		"suspended":                   {nil, func(w *Worker) { w.Suspended = true }, RuleSuspended, domain.Against, "Is suspended."},
		"not suspended":               {nil, nil, RuleSuspended, "", ""},
		"LL-39 precluded":             {func(j *Job) { j.Precluded = []string{"lin/a"} }, nil, RulePrecluded, domain.Against, "does not want"},
		"LL-38 preferred":             {func(j *Job) { j.Preferred = []string{"lin/a"} }, nil, RulePreferred, domain.For, "prefers this"},
		"another is preferred":        {func(j *Job) { j.Preferred = []string{"LIN/B"} }, nil, RulePreferred, "", ""},
		"LL-24 the language":          {nil, nil, RuleLanguage, domain.For, "Speaks Polish, the language asked for."},
		"LL-26 an alternative":        {func(j *Job) { j.Language, j.Alternatives = "uk", []string{"kri", "pl"} }, nil, RuleLanguage, domain.For, "Speaks Polish, an alternative language; not Ukrainian."},
		"no language":                 {func(j *Job) { j.Language, j.Alternatives = "uk", []string{"kri"} }, nil, RuleLanguage, domain.Against, "Does not speak Ukrainian or kri."},
		"LL-25 no skill is asked for": {nil, nil, RuleSkill, "", ""},
		"a skill":                     {func(j *Job) { j.Skills = []string{"spoken-only"} }, nil, RuleSkill, domain.For, "Has the skills"},
		"a skill is missing":          {func(j *Job) { j.Skills = []string{"npv", "spoken-only"} }, nil, RuleSkill, domain.Against, "Lacks: NPV."},
		"LL-32 no wish":               {nil, nil, RuleGender, "", ""},
		"a wish met":                  {func(j *Job) { j.Gender = "female" }, nil, RuleGender, domain.For, "Is female, as wished."},
		"a wish not met":              {func(j *Job) { j.Gender = "male" }, nil, RuleGender, domain.Noted, "Is female; a male interpreter is wished."},
		"a requirement not met":       {func(j *Job) { j.Gender, j.GenderRequired = "male", true }, nil, RuleGender, domain.Against, "the form requires a male"},
		"nobody knows":                {func(j *Job) { j.Gender = "male" }, func(w *Worker) { w.Gender = "unstated" }, RuleGender, domain.Noted, "Has not stated a gender"},
		"any service":                 {nil, nil, RuleServiceType, domain.For, "Offers"},
		"the service":                 {nil, func(w *Worker) { w.ServiceTypes = []string{"remote", "face-to-face"} }, RuleServiceType, domain.For, "Offers"},
		"another service":             {nil, func(w *Worker) { w.ServiceTypes = []string{"remote"} }, RuleServiceType, domain.Against, "Does not offer"},
		"credentials":                 {nil, nil, RuleCredential, domain.For, "valid on 26/03/2020"},
		"no credential":               {nil, func(w *Worker) { w.Credentials = nil }, RuleCredential, domain.Against, "Holds no"},
		"ended the day before":        {nil, func(w *Worker) { w.Credentials[0].ValidTo = "2020-03-25" }, RuleCredential, domain.Against, "Not valid on 26/03/2020: npv."},
		"ends that day":               {nil, func(w *Worker) { w.Credentials[0].ValidTo = "2020-03-26" }, RuleCredential, domain.For, ""},
		"begins the day after":        {nil, func(w *Worker) { w.Credentials[0].ValidFrom = "2020-03-27" }, RuleCredential, domain.Against, ""},
		"renewed": {nil, func(w *Worker) {
			w.Credentials = []people.Credential{{Kind: "npv", ValidFrom: "2010-01-01", ValidTo: "2015-01-01"}, {Kind: "npv", ValidFrom: "2015-01-01"}}
		}, RuleCredential, domain.For, ""},
		"LL-90 a clash":        {nil, func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T10:59", 60, leeds)} }, RuleDiary, domain.Against, "Has job DTP1 from 10:59 to 11:59."},
		"one after the other":  {nil, func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T11:00", 60, leeds)} }, RuleDiary, domain.For, ""},
		"the job's own time":   {nil, func(w *Worker) { w.Diary = []Entry{busy("job", "2020-03-26T10:00", 60, leeds)} }, RuleDiary, domain.For, ""},
		"M-03 no neighbour":    {nil, nil, RuleTravel, "", ""},
		"far off in time":      {nil, func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-25T08:59", 60, bradford)} }, RuleTravel, "", ""},
		"the way just fits":    {nil, func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T08:33", 60, bradford)} }, RuleTravel, domain.For, "The way from job DTP1 takes 27 minutes; there are 27 min."},
		"a minute is lacking":  {nil, func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T08:34", 60, bradford)} }, RuleTravel, domain.Against, "takes 27 minutes and there are 26: 1 too few."},
		"on to the next":       {nil, func(w *Worker) { w.Diary = []Entry{busy("DTP2", "2020-03-26T11:10", 60, bradford)} }, RuleTravel, domain.Against, "The way on to job DTP2 takes 27 minutes and there are 10: 17 too few."},
		"the same place":       {nil, func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T09:00", 60, leeds)} }, RuleTravel, domain.For, "takes 0 minutes"},
		"nobody knows the way": {nil, func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T09:00", 60, Spot{})} }, RuleTravel, domain.Noted, "is not known"},
		"a remote neighbour": {nil, func(w *Worker) {
			e := busy("DTM1", "2020-03-26T09:00", 60, Spot{})
			e.InPerson = false
			w.Diary = []Entry{e}
		}, RuleTravel, "", ""},
		"a remote job":          {func(j *Job) { j.InPerson, j.Place = false, Spot{} }, func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T09:00", 60, bradford)} }, RuleTravel, "", ""},
		"no radius":             {nil, nil, RuleRadius, "", ""},
		"within the radius":     {nil, func(w *Worker) { w.TravelRadiusKm = 14 }, RuleRadius, domain.For, "Within the 14 km"},
		"beyond the radius":     {nil, func(w *Worker) { w.TravelRadiusKm = 13 }, RuleRadius, domain.Against, "13.4 km away"},
		"a radius from nowhere": {nil, func(w *Worker) { w.TravelRadiusKm, w.Home = 13, Spot{} }, RuleRadius, "", ""},
		"minutes of travel":     {nil, nil, RuleDistance, domain.Noted, "About 27 minutes away (13.4 km)."},
		"no home":               {nil, func(w *Worker) { w.Home = Spot{} }, RuleDistance, domain.Noted, "the interpreter has no coordinates"},
		"no place":              {func(j *Job) { j.Place = Spot{} }, nil, RuleDistance, domain.Noted, "the place of the job has no coordinates"},
		"an empty week":         {nil, nil, RuleHours, domain.Noted, "Has no other job in that week."},
		"the week's edges": {nil, func(w *Worker) {
			w.Diary = []Entry{busy("a", "2020-03-22T23:30", 60, leeds), busy("b", "2020-03-29T23:30", 60, leeds), busy("c", "2020-03-24T10:00", 90, leeds)}
		}, RuleHours, domain.Noted, "Has 2 h 30 min of jobs in that week."},
		"N-03 no custody":  {nil, nil, RuleCustody, "", ""},
		"before the clock": {func(j *Job) { at := moment("2020-03-26T12:00").Instant; j.CustodyEnds = &at }, nil, RuleCustody, domain.Noted, "Would finish 1 h before the custody clock ends (12:00)."},
		"after the clock": {func(j *Job) { at := moment("2020-03-26T10:30").Instant; j.CustodyEnds = &at }, nil, RuleCustody, domain.Noted,
			"Would finish 30 min after the custody clock ends (10:30)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, w := wanted(), worker("LIN/A")
			if c.job != nil {
				c.job(&j)
			}
			if c.worker != nil {
				c.worker(&w)
			}
			v := Check(j, w, world)
			got := says(v, c.rule)
			if got.Finding != c.want || !strings.Contains(got.Text, c.text) || (got.Rule != "") != (c.want != "") {
				t.Errorf("finds %q and says %q, want %q and %q", got.Finding, got.Text, c.want, c.text)
			}
			if got.Rule != "" && got.Version < 1 {
				t.Error("a rule without a version")
			}
			want := []string{}
			if c.want == domain.Against {
				want = append(want, c.rule)
			}
			if against := v.Against(); !slices.Equal(against, want) && len(against)+len(want) > 0 || v.Eligible != (len(want) == 0) {
				t.Errorf("against: %v, eligible: %v", against, v.Eligible)
			}
		})
	}
}

// What was measured is told so that whoever pays for the way uses the same figures (M-03, M-41).
func TestWaysAreToldWithTheirSource(t *testing.T) {
	t.Parallel()
	table, err := people.ReadPostcodes(4, "BD1 53.7939 -1.7521\nLS1 53.7965 -1.5478\n")
	if err != nil {
		t.Fatal(err)
	}
	j, w := wanted(), worker("LIN/A")
	j.Place = LocateJob(people.Place{Address: people.PostalAddress{Postcode: "LS1 4AP"}}, "ls14ap", table)
	w.Coordinates, w.Postcode = "", "BD1 1AA"
	w.Home = LocateHome(w.Profile, table)
	w.Diary = []Entry{busy("DTP1", "2020-03-26T09:00", 45, bradford)}
	got := says(Check(j, w, world), RuleTravel).Facts
	want := domain.Pair{Job: w.Diary[0].Job, Ref: "DTP1", When: "before", Known: true, Metres: 13422, Minutes: 27, Gap: 15, Short: 12}
	if got.Method != "great-circle" || got.FactorPercent != 130 || got.SpeedKmh != 40 || got.Settings != 3 || got.Postcodes != 4 || got.To != "outward" ||
		len(got.Jobs) != 1 || got.Jobs[0] != want {
		t.Errorf("the way is told as %+v", got)
	}
	if far := says(Check(j, w, world), RuleDistance).Facts; far.From != "outward" || far.To != "outward" || far.Minutes != 27 || !far.Known {
		t.Errorf("the distance is told as %+v", far)
	}
}

// A location's coordinates count only while its postcode is the one that the job was booked with.
func TestAJobKeepsItsAddress(t *testing.T) {
	t.Parallel()
	moved := people.Place{Address: people.PostalAddress{Postcode: "LS2 1AA"}, Coordinates: leeds.At}
	if s := LocateJob(moved, "LS1 4AP", people.Postcodes{}); s.Known() {
		t.Errorf("a job at the old address lies at %v", s)
	}
	if s := LocateJob(moved, "ls21aa", people.Postcodes{}); s.At != leeds.At || s.Source != Given {
		t.Errorf("a job at the new one lies at %v", s)
	}
}

// LL-34: each optional value brings in a worker who could not do what was asked for, below those who can.
func TestLL34_EachOptionalValueWidensTheSearch(t *testing.T) {
	t.Parallel()
	can := worker("LIN/Z")
	for name, c := range map[string]struct {
		worker func(*Worker)
		widen  func(*Job)
		check  func(Verdict) bool
	}{
		"LL-26 alternative languages": {func(w *Worker) { w.Languages = []string{"uk"} }, func(j *Job) { j.Alternatives = []string{"uk"} },
			func(v Verdict) bool { return v.Language == "uk" }},
		"LL-28 flexibility": {func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T10:00", 60, leeds)} }, func(j *Job) { j.Flexibility = "1-hour" },
			func(v Verdict) bool { return v.Shifted && v.Start.Local == "2020-03-26T11:00:00" }},
		"LL-28 with the way": {func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T09:30", 90, bradford)} }, func(j *Job) { j.Flexibility = "2-hours" },
			func(v Verdict) bool { return v.Start.Local == "2020-03-26T11:30:00" }},
		"LL-28 after a holiday": {func(w *Worker) {
			w.Availability = people.Availability{TimeZone: "Europe/London", Unavailable: []people.Away{{From: moment("2020-03-26T00:00"), To: moment("2020-03-26T12:00")}}}
		}, func(j *Job) { j.Flexibility = "same-day" }, func(v Verdict) bool { return v.Start.Local == "2020-03-26T12:00:00" }},
		"LL-28 on another day": {func(w *Worker) { w.Credentials[0].ValidTo = "2020-03-25" }, func(j *Job) { j.Flexibility = "1-day" },
			func(v Verdict) bool { return v.Start.Local == "2020-03-25T23:45:00" }},
		"LL-30 remote, who does nothing else": {func(w *Worker) { w.ServiceTypes = []string{"remote"} }, func(j *Job) { j.RemoteToo = true },
			func(v Verdict) bool { return v.Remote && !v.Shifted }},
		"LL-30 remote, who cannot get there": {func(w *Worker) { w.Diary = []Entry{busy("DTP1", "2020-03-26T09:00", 60, bradford)} }, func(j *Job) { j.RemoteToo = true },
			func(v Verdict) bool { return v.Remote }},
		"LL-30 remote, who lives too far away": {func(w *Worker) { w.TravelRadiusKm = 1 }, func(j *Job) { j.RemoteToo = true },
			func(v Verdict) bool { return v.Remote }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, w := wanted(), worker("LIN/A")
			c.worker(&w)
			if v := Judge(j, w, world); v.Eligible {
				t.Fatalf("is a candidate without it: %+v", v.Trace())
			}
			c.widen(&j)
			found := Rank(j, []Worker{w, can}, world)
			if found[0].Worker.LIN != can.LIN || !found[1].Eligible || !c.check(found[1]) {
				t.Errorf("found %+v: %+v", found[1], found[1].Trace())
			}
		})
	}
}

// The widened search has its limits: nothing begins in the past, or ends after the custody clock; and what was agreed is not shifted.
func TestShiftsHaveLimits(t *testing.T) {
	t.Parallel()
	j, w := wanted(), worker("LIN/A")
	j.Flexibility = "2-hours"
	w.Diary = []Entry{busy("DTP1", "2020-03-26T10:00", 60, leeds)}
	ends := moment("2020-03-26T11:45").Instant
	j.CustodyEnds = &ends
	if v := Judge(j, w, world); v.Start.Local != "2020-03-26T09:00:00" {
		t.Errorf("in custody it is shifted to %s", v.Start.Local)
	}
	late := world
	late.Now = moment("2020-03-26T09:00").Instant
	if v := Judge(j, w, late); v.Eligible {
		t.Errorf("it is shifted into the past: %s", v.Start.Local)
	}
	if v := Check(j, w, world); v.Eligible {
		t.Error("a check before an assignment shifts")
	}
}

// The order of the issue, step by step: each worker is better than the next in one respect, and worse in every later one.
func TestOrder(t *testing.T) {
	t.Parallel()
	j := wanted()
	j.Alternatives, j.Flexibility, j.RemoteToo, j.Gender, j.Preferred = []string{"uk"}, "2-hours", true, "male", []string{"LIN/9"}
	make := func(lin string, change ...func(*Worker)) Worker {
		w := worker(lin)
		w.Gender, w.Home = "male", leeds
		for _, c := range change {
			c(&w)
		}
		return w
	}
	alternative := func(w *Worker) { w.Languages = []string{"uk"} }
	occupied := func(w *Worker) { w.Diary = append(w.Diary, busy("DTP1", "2020-03-26T10:00", 30, leeds)) }
	remotely := func(w *Worker) { w.ServiceTypes = []string{"remote"} }
	unwished := func(w *Worker) { w.Gender = "female" }
	far := func(w *Worker) { w.Home = bradford }
	nowhere := func(w *Worker) { w.Home = Spot{} }
	worked := func(w *Worker) { w.Diary = append(w.Diary, busy("DTP2", "2020-03-24T10:00", 60, leeds)) }
	want := []Worker{
		make("LIN/9", alternative, occupied, remotely, unwished, nowhere, worked),
		make("LIN/0"),
		make("LIN/8"),
		make("LIN/7", worked),
		make("LIN/6", far),
		make("LIN/5", nowhere),
		make("LIN/4", unwished),
		make("LIN/3", remotely),
		make("LIN/2", occupied),
		make("LIN/1", alternative),
	}
	lins := func(found []Verdict) (all []string) {
		for _, v := range found {
			all = append(all, v.Worker.LIN)
		}
		return all
	}
	var order []string
	for _, w := range want {
		order = append(order, w.LIN)
	}
	if got := lins(Rank(j, slices.Clone(want), world)); !slices.Equal(got, order) {
		t.Errorf("ranked %v, want %v", got, order)
	}
}

// randomWorker draws a worker of whom anything may be true.
func randomWorker(t *rapid.T, n int) Worker {
	w := worker(fmt.Sprintf("LIN/%d", n))
	w.Suspended = rapid.IntRange(0, 9).Draw(t, "suspended") == 0
	w.Languages = rapid.SliceOfN(rapid.SampledFrom([]string{"pl", "uk", "ru"}), 0, 2).Draw(t, "languages")
	w.Gender = rapid.SampledFrom(people.Genders).Draw(t, "gender")
	w.ServiceTypes = rapid.SliceOfN(rapid.SampledFrom([]string{"remote", "face-to-face"}), 0, 2).Draw(t, "services")
	w.Home = rapid.SampledFrom([]Spot{leeds, bradford, {}}).Draw(t, "home")
	w.TravelRadiusKm = rapid.SampledFrom([]int{0, 5, 50}).Draw(t, "radius")
	for i := range rapid.IntRange(0, 4).Draw(t, "entries") {
		start := moment("2020-03-26T10:00").Add(time.Duration(rapid.IntRange(-200, 200).Draw(t, "at")) * 15 * time.Minute)
		e := Entry{Job: uuid.UUID{byte(n), byte(i), 1}, Start: start.Instant, End: start.Instant.Add(time.Hour), InPerson: rapid.Bool().Draw(t, "in person"),
			Place: rapid.SampledFrom([]Spot{leeds, bradford, {}}).Draw(t, "place")}
		w.Diary = append(w.Diary, e)
	}
	return w
}

func randomJob(t *rapid.T) Job {
	j := wanted()
	j.Alternatives = rapid.SampledFrom([][]string{nil, {"uk"}, {"ru", "uk"}}).Draw(t, "alternatives")
	j.Flexibility = rapid.SampledFrom([]string{"", "1-hour", "same-day", "2-days"}).Draw(t, "flexibility")
	j.RemoteToo = rapid.Bool().Draw(t, "remote too")
	j.Gender, j.GenderRequired = rapid.SampledFrom([]string{"", "female"}).Draw(t, "wish"), rapid.Bool().Draw(t, "required")
	j.Preferred = rapid.SampledFrom([][]string{nil, {"LIN/3"}}).Draw(t, "preferred")
	j.Precluded = rapid.SampledFrom([][]string{nil, {"LIN/1"}}).Draw(t, "precluded")
	return j
}

// Whatever the workers: the order is total and does not depend on how they came; a candidate is one against whom nothing speaks; candidates stand
// before the others; the order among them is the issue's; and a verdict of the whole search is that of the worker alone.
func TestPropertyRank(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		j := randomJob(t)
		var workers []Worker
		for n := range rapid.IntRange(0, 8).Draw(t, "workers") {
			workers = append(workers, randomWorker(t, n))
		}
		found := Rank(j, slices.Clone(workers), world)
		for i, v := range found {
			against := 0
			for _, b := range v.Trace() {
				if b.Finding == domain.Against {
					against++
				}
				if b.Text == "" || b.Version == 0 {
					t.Fatalf("a trace without words: %+v", b)
				}
			}
			if v.Eligible != (against == 0) {
				t.Fatalf("%s is a candidate: %v, but %d rules speak against", v.Worker.LIN, v.Eligible, against)
			}
			if i > 0 {
				if before := found[i-1]; !before.Eligible && v.Eligible || compare(before, v) >= 0 {
					t.Fatalf("%s stands behind %s", v.Worker.LIN, before.Worker.LIN)
				}
			}
			alone := Judge(j, *v.Worker, world)
			if fmt.Sprint(alone.Trace()) != fmt.Sprint(v.Trace()) || alone.Eligible != v.Eligible {
				t.Fatalf("alone: %v, among others: %v", alone.Trace(), v.Trace())
			}
		}
		mixed := slices.Clone(workers)
		rand.Shuffle(len(mixed), func(a, b int) { mixed[a], mixed[b] = mixed[b], mixed[a] })
		for i, v := range Rank(j, mixed, world) {
			if v.Worker.LIN != found[i].Worker.LIN {
				t.Fatalf("in another order %s is number %d", v.Worker.LIN, i)
			}
		}
	})
}

// Whatever the diary, a candidate can really do it: the window is free, the ways to the neighbours fit, and a shift is one that the customer allows.
func TestPropertyCandidatesCanDoIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		j := randomJob(t)
		w := randomWorker(t, 1)
		v := Judge(j, w, world)
		if !v.Eligible {
			// And whoever is none cannot do it as asked for.
			if len(Check(j, w, world).Against()) == 0 {
				t.Fatal("is no candidate, and nothing speaks against an assignment")
			}
			return
		}
		start, end := v.Start.Instant, v.Start.Instant.Add(time.Hour)
		for _, e := range w.Diary {
			if e.Start.Before(end) && start.Before(e.End) {
				t.Fatalf("is at two places at once: %v", e)
			}
			_, minutes, _ := world.Travel.way(e.Place, j.Place)
			way := time.Duration(minutes) * time.Minute
			if !v.Remote && e.InPerson && (!e.End.After(start) && e.End.Add(way).After(start) || !e.Start.Before(end) && end.Add(way).After(e.Start)) {
				t.Fatalf("cannot get there in time: %v", e)
			}
		}
		if shifted := v.Start != j.Start; shifted && (j.Flexibility == "" || !start.After(world.Now)) || v.Remote && !j.RemoteToo {
			t.Fatalf("nobody allowed that: %v", v)
		}
	})
}

// Horizon covers whatever a verdict looks at.
func TestPropertyNothingBeyondTheHorizonMatters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		j := randomJob(t)
		w := randomWorker(t, 1)
		from, to := Horizon(j)
		near := w
		near.Diary = slices.DeleteFunc(slices.Clone(w.Diary), func(e Entry) bool { return !e.Start.Before(to) || !from.Before(e.End) })
		if a, b := Judge(j, w, world), Judge(j, near, world); fmt.Sprint(a.Trace()) != fmt.Sprint(b.Trace()) {
			t.Fatalf("%v\n%v", a.Trace(), b.Trace())
		}
	})
}
