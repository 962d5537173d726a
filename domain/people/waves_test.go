package people_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

func TestN03TheNarrowestRowOfTheWavesHolds(t *testing.T) {
	s := people.AgencySettings{Waves: []people.Wave{
		{Size: 1, WaitMinutes: 60},
		{UnderHours: 24, Size: 2, WaitMinutes: 30, ExpireMinutes: 40},
		{UnderHours: 3, Size: 3, WaitMinutes: 5},
		{Tier: "Rare", UnderHours: 12, Size: 4, WaitMinutes: 10},
	}}
	for _, c := range []struct {
		tier string
		lead time.Duration
		size int
	}{
		{"", 48 * time.Hour, 1},
		{"", 24 * time.Hour, 1}, // exactly 24 hours are not less than 24
		{"", 24*time.Hour - time.Second, 2},
		{"Common", 2 * time.Hour, 3},
		{"rare", 11 * time.Hour, 4}, // the tier's own row, though another one has fewer hours
		{"Rare", 2 * time.Hour, 4},
		{"Rare", 13 * time.Hour, 2},
	} {
		if w := s.WaveFor(c.tier, c.lead); w.Size != c.size {
			t.Errorf("%q with %v left: %+v, want a size of %d", c.tier, c.lead, w, c.size)
		}
	}
	if got := s.OfferMinutes("", 23*time.Hour); got != 40 {
		t.Errorf("an offer stands for %d minutes", got)
	}
	if got := (people.AgencySettings{}).OfferMinutes("", 23*time.Hour); got != 0 {
		t.Errorf("without rows of the agency's own an offer stands for %d minutes", got)
	}
	start := time.Date(2020, 3, 26, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct{ tier, now, want string }{
		{"", "2020-03-20T10:00:00Z", "2020-03-25T10:00:01Z"},
		{"", "2020-03-25T12:00:00Z", "2020-03-26T07:00:01Z"},
		{"Rare", "2020-03-25T12:00:00Z", "2020-03-25T22:00:01Z"},
		{"", "2020-03-26T08:00:00Z", ""},
	} {
		now, _ := time.Parse(time.RFC3339, c.now)
		next, found := s.NextWaveRow(c.tier, start, now)
		if got := next.Format(time.RFC3339); found != (c.want != "") || found && got != c.want {
			t.Errorf("%q at %s: the next row holds from %s %t, want %s", c.tier, c.now, got, found, c.want)
		}
	}
	some := people.AgencySettings{Waves: []people.Wave{{UnderHours: 24, Size: 2, WaitMinutes: 30}}}
	if w := some.WaveFor("", 300*time.Hour); w != people.DefaultWaves()[len(people.DefaultWaves())-1] {
		t.Errorf("no row of the agency's own holds, so the built-in one does, not %+v", w)
	}
}

func TestN03EveryTierHasBuiltInWaves(t *testing.T) {
	for _, tier := range []string{"", people.TierCommon, people.TierStandard, people.TierRare} {
		for _, lead := range []time.Duration{time.Minute, 5 * time.Hour, 3 * 24 * time.Hour, 90 * 24 * time.Hour} {
			if w := (people.AgencySettings{}).WaveFor(tier, lead); w.Size < 1 || w.WaitMinutes < 1 {
				t.Errorf("%q, %v before: %+v", tier, lead, w)
			}
		}
	}
}

func TestN03SettingWavesNamesEveryFault(t *testing.T) {
	founded := []people.Event{people.DeploymentCreated{ID: police}, people.AgencyChanged{Version: 1, Settings: people.DefaultAgency()}}
	sent := func(rows ...people.Wave) func(people.Agency) ([]people.Event, error) {
		return people.SetWaves{Rows: rows}.Decide
	}
	agency(t, founded...).refused(sent(
		people.Wave{Size: 0, WaitMinutes: 0},
		people.Wave{Tier: "Nobody's", UnderHours: -1, Size: 1, WaitMinutes: 1},
		people.Wave{UnderHours: 5, Size: 201, WaitMinutes: 44641, ExpireMinutes: -1},
		people.Wave{UnderHours: 5, Size: 1, WaitMinutes: 1},
	), "invalid", "waves[0].size", "waves[0].waitMinutes", "waves[1].tier", "waves[1].underHours", "waves[2].size", "waves[2].waitMinutes",
		"waves[2].expireMinutes", "waves[3].underHours")

	all, rare := people.Wave{Size: 3, WaitMinutes: 60}, people.Wave{Tier: "Rare", Size: 9, WaitMinutes: 10}
	changed := people.DefaultAgency()
	changed.Waves = []people.Wave{rare, all} // narrowest first
	agency(t, founded...).then(sent(all, people.Wave{Tier: " Rare ", Size: 9, WaitMinutes: 10}), people.AgencyChanged{Version: 2, Settings: changed})
	agency(t, append(founded, people.AgencyChanged{Version: 2, Settings: changed})...).then(sent(), people.AgencyChanged{Version: 3, Settings: people.DefaultAgency()})
	on := people.DefaultAgency()
	on.AutoOffer = true
	agency(t, founded...).then(people.ChangeAgency{AutoOffer: ptr(true)}.Decide, people.AgencyChanged{Version: 2, Settings: on})
}

// A list that is far too long is refused for that alone, and not looked through.
func TestN03TooManyRowsAndDays(t *testing.T) {
	t.Parallel()
	s := people.Agency{Deployment: uuid.UUID{1}}
	if _, err := (people.SetWaves{Rows: make([]people.Wave, 20_000)}).Decide(s); err == nil || strings.Count(err.Error(), "body.waves") != 1 {
		t.Errorf("twenty thousand rows: %.300v", err)
	}
	if _, err := (people.SetHolidays{Days: make([]windows.Day, 20_000)}).Decide(s); err == nil || strings.Count(err.Error(), "body.holidays") != 1 {
		t.Errorf("twenty thousand days: %.300v", err)
	}
}
