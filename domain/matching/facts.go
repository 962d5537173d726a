package matching

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// Job is what is wanted, as the rules see it.
type Job struct {
	ID             uuid.UUID
	Language       string
	Alternatives   []string
	ServiceType    string
	Skills         []string // asked for, without what the form presets: everyone can do that (LL-25)
	Gender         string   // female or male; empty: no wish (LL-32)
	GenderRequired bool     // the form says that the wish excludes
	Preferred      []string // LINs (LL-38)
	Precluded      []string // LINs (LL-39)
	Start          domain.Moment
	Minutes        int
	Flexibility    string // empty once another start is agreed (LL-28)
	InPerson       bool   // somebody travels to it
	RemoteToo      bool   // in person was asked for, but remote would do (LL-30)
	Place          Spot
	CustodyEnds    *time.Time  // the custody clock (N-03)
	Accepted       []uuid.UUID // whose acceptance stands: who accepted has said since that the time will do
}

// end is when the job would be over if it began then.
func (j Job) end(start time.Time) time.Time {
	return start.Add(time.Duration(j.Minutes) * time.Minute)
}

// Worker is an interpreter as the rules see one.
type Worker struct {
	ID        uuid.UUID
	Suspended bool // or erased
	people.Profile
	Availability people.Availability // the own word about the time; it is not the diary
	Home         Spot                // where the interpreter sets out from
	Diary        []Entry             // what the diary holds within the job's Horizon, by start; the job's own time is not looked at
}

// Entry is time that a worker's diary holds for a job.
type Entry struct {
	Job        uuid.UUID
	Ref        string
	Start, End time.Time // half-open
	InPerson   bool
	Place      Spot
}

// Spot is a place as far as it is known, and what that knowledge comes from.
type Spot struct {
	At        domain.Coordinates
	Source    string // coordinates, postcode, sector, outward; empty: not known
	Postcodes int    // version of the postcode table, if it came from there
}

// Known tells whether a distance to it can be measured.
func (s Spot) Known() bool { return !s.At.IsZero() }

// Given is the source of coordinates that somebody entered.
const Given = "coordinates"

// Locate finds a place by its own coordinates, else by its postcode.
func Locate(given domain.Coordinates, postcode string, table people.Postcodes) Spot {
	if !given.IsZero() {
		return Spot{At: given, Source: Given}
	}
	if at, by, found := table.Find(postcode); found {
		return Spot{At: at, Source: by, Postcodes: table.Version}
	}
	return Spot{}
}

// LocateJob finds where a job takes place that was booked at one of the customer's locations, or at a typed address. A job keeps the address it
// was booked with, so a location's coordinates count only as long as its postcode is still that one.
func LocateJob(location people.Place, postcode string, table people.Postcodes) Spot {
	if samePostcode(location.Address.Postcode, postcode) {
		return Locate(location.Coordinates, postcode, table)
	}
	return Locate(domain.Coordinates{}, postcode, table)
}

func samePostcode(a, b string) bool {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	return strings.EqualFold(squeeze(a), squeeze(b))
}

// LocateHome finds where an interpreter sets out from.
func LocateHome(p people.Profile, table people.Postcodes) Spot {
	at, err := domain.ParseCoordinates(p.Coordinates.Reveal())
	if err != nil {
		at = domain.Coordinates{} // erased
	}
	return Locate(at, p.Postcode.Reveal(), table)
}

// Method is how ways are measured: great-circle distance times a factor for roads, at one speed. All three are kept with whatever was decided.
const Method = "great-circle"

// Travel is how ways are measured, as the agency set it.
type Travel struct {
	FactorPercent int
	SpeedKmh      int
	Settings      int // version of the agency's settings
}

// TravelOf is how an agency measures ways.
func TravelOf(s people.AgencySettings, version int) Travel {
	t := s.Travel.OrDefault()
	return Travel{t.FactorPercent, t.SpeedKmh, version}
}

// Minutes is how long so many metres, as the crow flies, take; begun minutes count.
func (t Travel) Minutes(metres int) int {
	metresOf, per := metres*t.FactorPercent*60, 100_000*t.SpeedKmh
	if per <= 0 {
		return 0
	}
	return (metresOf + per - 1) / per
}

// way is the distance between two places in metres and minutes; false if it is not known.
func (t Travel) way(a, b Spot) (metres, minutes int, known bool) {
	if !a.Known() || !b.Known() {
		return 0, 0, false
	}
	metres = a.At.Metres(b.At)
	return metres, t.Minutes(metres), true
}

// neighbourly is how far away in time another job still is a neighbour.
const neighbourly = 24 * time.Hour

// Horizon is the time in which a diary matters for a job: its week, for the hours, and wherever it may be shifted to, with its neighbours.
func Horizon(j Job) (from, to time.Time) {
	from, to = week(j.Start)
	early, late := Near(j)
	if early.Before(from) {
		from = early
	}
	if late.After(to) {
		to = late
	}
	return from, to
}

// Near is the part of the horizon in which another job may be a neighbour: of those beyond it nothing matters but how long they take.
func Near(j Job) (from, to time.Time) {
	reach := neighbourly
	if j.Flexibility != "" {
		reach += furthest
	}
	return j.Start.Instant.Add(-reach), j.end(j.Start.Instant).Add(reach)
}

// week is the week, Monday to Sunday, of a local time.
func week(m domain.Moment) (from, to time.Time) {
	local := m.In()
	monday := local.AddDate(0, 0, -(int(local.Weekday())+6)%7)
	from = time.Date(monday.Year(), monday.Month(), monday.Day(), 0, 0, 0, 0, local.Location())
	return from.UTC(), from.AddDate(0, 0, 7).UTC()
}

// Shifts are steps of a quarter of an hour, as far as any flexibility reaches.
const (
	step     = 15 * time.Minute
	furthest = 48 * time.Hour
)

// shifts are the other starts that the customer's flexibility covers and that lie ahead, the nearest first, of two equally near ones the later.
// In custody the job must end before the clock does.
func shifts(j Job, now time.Time) []domain.Moment {
	if j.Flexibility == "" {
		return nil
	}
	var all []domain.Moment
	for d := step; d <= furthest; d += step {
		for _, by := range []time.Duration{d, -d} {
			at := j.Start.Instant.Add(by)
			if !at.After(now) || j.CustodyEnds != nil && j.end(at).After(*j.CustodyEnds) {
				continue
			}
			m, err := domain.MomentAt(at, j.Start.Zone)
			if err == nil && forms.Within(j.Flexibility, j.Start, m) {
				all = append(all, m)
			}
		}
	}
	return all
}

// Words say what codes mean: languages, skills, service types. A code without a word stands for itself.
type Words map[string]string

func (w Words) of(code string) string {
	if word := w[code]; word != "" {
		return word
	}
	return code
}

func (w Words) list(codes []string) string {
	all := make([]string, len(codes))
	for i, c := range codes {
		all[i] = w.of(c)
	}
	return strings.Join(all, ", ")
}

// WordsOf are an agency's words for languages, a form's for skills, and the service types'.
func WordsOf(s people.AgencySettings, form forms.Form) Words {
	w := Words{}
	for _, o := range slices.Concat(forms.ServiceTypes(), forms.SkillOptions()) {
		w[o.Value] = o.Label
	}
	for _, l := range s.Languages {
		w[l.Code] = l.Name
	}
	if f, ok := form.Field("skills"); ok {
		for _, o := range f.Options {
			w[o.Value] = o.Label
		}
	}
	return w
}
