package people

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Wave is one row of the policy by which offers go out in waves (N-03): so many at once, so long until the next. The language's tier and the time
// left to the start choose the row, and nothing else.
type Wave struct {
	Tier          string `json:"tier,omitempty"`          // a tier of languages; empty: every tier without a row of its own
	UnderHours    int    `json:"underHours,omitempty"`    // it holds while less than so many hours are left; 0: however many
	Size          int    `json:"size"`                    // how many are asked at once
	WaitMinutes   int    `json:"waitMinutes"`             // until the next wave
	ExpireMinutes int    `json:"expireMinutes,omitempty"` // how long an offer stands; 0: as the agency has it otherwise
}

// DefaultWaves is the policy of an agency that has set none.
func DefaultWaves() []Wave {
	return []Wave{
		{Tier: TierRare, UnderHours: 24, Size: 10, WaitMinutes: 15, ExpireMinutes: 60},
		{Tier: TierRare, Size: 10, WaitMinutes: 240, ExpireMinutes: 48 * 60},
		{UnderHours: 3, Size: 8, WaitMinutes: 5, ExpireMinutes: 20},
		{UnderHours: 24, Size: 5, WaitMinutes: 20, ExpireMinutes: 120},
		{UnderHours: 7 * 24, Size: 4, WaitMinutes: 120, ExpireMinutes: 24 * 60},
		{Size: 3, WaitMinutes: 240, ExpireMinutes: 48 * 60},
	}
}

// WavePolicy are the rows that the agency has set, else the built-in ones.
func (s AgencySettings) WavePolicy() []Wave {
	if len(s.Waves) > 0 {
		return s.Waves
	}
	return DefaultWaves()
}

// WaveFor is the row that holds for a job of a language of this tier while so much time is left to its start: of those that the agency has set; where
// none of them does, of the built-in ones. A tier's own rows come before those of every tier, and of several the one with the least hours.
func (s AgencySettings) WaveFor(tier string, lead time.Duration) Wave {
	if w, found := waveFor(s.Waves, tier, lead); found {
		return w
	}
	w, _ := waveFor(DefaultWaves(), tier, lead)
	return w
}

func waveFor(rows []Wave, tier string, lead time.Duration) (best Wave, found bool) {
	for _, w := range rows {
		if !w.holds(tier, lead) {
			continue
		}
		if !found || narrower(w, best) {
			best, found = w, true
		}
	}
	return best, found
}

func (w Wave) holds(tier string, lead time.Duration) bool {
	return (w.Tier == "" || strings.EqualFold(w.Tier, tier)) && (w.UnderHours == 0 || lead < time.Duration(w.UnderHours)*time.Hour)
}

// narrower tells which of two rows that hold goes before the other.
func narrower(a, b Wave) bool { return compareWaves(a, b) < 0 }

// compareWaves is the order in which rows are looked through and listed: tiers with rows of their own first, then by hours, without end last.
func compareWaves(a, b Wave) int {
	last := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	return cmp.Or(last(a.Tier == "")-last(b.Tier == ""), cmp.Compare(strings.ToLower(a.Tier), strings.ToLower(b.Tier)),
		last(a.UnderHours == 0)-last(b.UnderHours == 0), a.UnderHours-b.UnderHours)
}

// LargestWave is the greatest size of a wave.
func (s AgencySettings) LargestWave() (size int) {
	for _, w := range slices.Concat(s.Waves, DefaultWaves()) {
		size = max(size, w.Size)
	}
	return size
}

// NextWaveRow is when, later than now, another row begins to hold for a job with that start; false: none does before it.
func (s AgencySettings) NextWaveRow(tier string, start, now time.Time) (next time.Time, found bool) {
	holds := s.WaveFor(tier, start.Sub(now))
	for _, w := range slices.Concat(s.Waves, DefaultWaves()) {
		if w.UnderHours == 0 || w.Tier != "" && !strings.EqualFold(w.Tier, tier) {
			continue
		}
		// The row holds while less than its hours are left: from the moment after.
		at := start.Add(-time.Duration(w.UnderHours) * time.Hour).Add(time.Second)
		if !at.After(now) || found && !at.Before(next) {
			continue
		}
		if s.WaveFor(tier, start.Sub(at)) != holds {
			next, found = at, true
		}
	}
	return next, found
}

// OfferMinutes is how long an offer stands that is sent while so much time is left to the start, if a row of the agency's own says so; 0: none does.
func (s AgencySettings) OfferMinutes(tier string, lead time.Duration) int {
	w, _ := waveFor(s.Waves, tier, lead)
	return w.ExpireMinutes
}

// Bounds of a wave's figures.
const (
	maxWaves       = 100
	maxWaveSize    = 200
	maxWaveMinutes = 31 * 24 * 60
)

// SetWaves sets the policy of waves, whole; an empty one means the built-in rows.
type SetWaves struct {
	Rows []Wave
}

// Decide answers with the settings' next version; nothing if this is the policy already.
//
//	given  the built-in rows
//	when   SetWaves{3 at once, 60 minutes}
//	then   AgencyChanged with the rows, narrowest first
//	again  nothing
//	error  invalid, every fault named
func (c SetWaves) Decide(s Agency) ([]Event, error) {
	if s.Deployment == uuid.Nil {
		return nil, unknown("deployment")
	}
	tiers := map[string]bool{"": true}
	for _, l := range s.Settings.Languages {
		tiers[strings.ToLower(l.Tier)] = true
	}
	var f faults
	f.waves(c.Rows) // by the places in which they were sent
	for i, w := range c.Rows[:min(len(c.Rows), maxWaves)] {
		f.check(tiers[strings.ToLower(strings.TrimSpace(w.Tier))], at("body.waves", i)+".tier", "No language of the list has this tier.")
	}
	if err := f.refusal(); err != nil {
		return nil, err
	}
	rows := make([]Wave, len(c.Rows))
	for i, w := range c.Rows {
		w.Tier = strings.TrimSpace(w.Tier)
		rows[i] = w
	}
	slices.SortStableFunc(rows, compareWaves)
	n := s.Settings
	if n.Waves = rows; len(rows) == 0 {
		n.Waves = nil
	}
	return s.changedTo(n)
}

func (f *faults) waves(rows []Wave) {
	if len(rows) > maxWaves { // each is compared with those before it
		f.add("body.waves", "At most 100 rows.")
		return
	}
	for i, w := range rows {
		location := at("body.waves", i)
		f.text(location+".tier", w.Tier, maxWord)
		f.check(w.UnderHours >= 0 && w.UnderHours <= maxHours, location+".underHours", "Send hours from 0 to 8784; 0: however much time is left.")
		f.check(w.Size >= 1 && w.Size <= maxWaveSize, location+".size", "Send a number from 1 to 200.")
		f.check(w.WaitMinutes >= 1 && w.WaitMinutes <= maxWaveMinutes, location+".waitMinutes", "Send minutes from 1 to 44640.")
		f.check(w.ExpireMinutes >= 0 && w.ExpireMinutes <= maxWaveMinutes, location+".expireMinutes", "Send minutes from 0 to 44640; 0: as otherwise.")
		if slices.ContainsFunc(rows[:i], func(b Wave) bool { return compareWaves(w, b) == 0 }) {
			f.add(location+".underHours", "There is a row for this tier and this time already.")
		}
	}
}
