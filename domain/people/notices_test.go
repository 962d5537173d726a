package people_test

import (
	"strings"
	"testing"

	"github.com/dragoman-booking/dragoman/domain/people"
)

// TestII19_PostNotices: notices and splash are set whole, by themselves or with other settings; what is left out stays.
func TestII19_PostNotices(t *testing.T) {
	t.Parallel()
	here := []people.Event{people.DeploymentCreated{ID: police}, people.AgencyChanged{Version: 1, Settings: people.DefaultAgency()}}
	closed := []people.Notice{
		{Key: "closed", Text: "We are closed on Monday.", From: "2026-08-01", Until: "2026-08-31"},
		{Key: "invoices", Text: "Invoices come by mail now.", Customer: police},
	}
	posted := people.DefaultAgency()
	posted.Notices, posted.Splash = closed, "Fire drill at noon."
	agency(t, here...).then(people.PostNotices{Notices: &closed, Splash: ptr("Fire drill at noon.")}.Decide, people.AgencyChanged{Version: 2, Settings: posted})
	there := append(here, people.AgencyChanged{Version: 2, Settings: posted})

	quiet := posted
	quiet.Splash = ""
	agency(t, there...).then(people.PostNotices{Splash: ptr("")}.Decide, people.AgencyChanged{Version: 3, Settings: quiet})
	renamed := posted
	renamed.Name = "Lingua"
	agency(t, there...).then(people.ChangeAgency{Name: ptr("Lingua")}.Decide, people.AgencyChanged{Version: 3, Settings: renamed})
	agency(t, there...).then(people.PostNotices{}.Decide)

	faulty := []people.Notice{{Key: "a", Text: "A"}, {Key: "a", Text: "B"}, {}, {Key: "b", Text: strings.Repeat("x", 4001), From: "31/12/2026", Until: "soon"},
		{Key: "c", Text: "C", From: "2026-02-02", Until: "2026-02-01"}}
	agency(t, here...).refused(people.PostNotices{Notices: &faulty, Splash: ptr("\x00")}.Decide, "invalid", "notices[1].key", "notices[2].key", "notices[2].text",
		"notices[3].text", "notices[3].from", "notices[3].until", "notices[4].until", "splash")
	many := make([]people.Notice, 101)
	for i := range many {
		many[i] = people.Notice{Key: strings.Repeat("k", 1+i%60) + strings.Repeat("l", i/60), Text: "x"}
	}
	agency(t, here...).refused(people.PostNotices{Notices: &many}.Decide, "invalid", "notices")
	agency(t).refused(people.PostNotices{}.Decide, "not-found")
}

// TestII19_NoticeDays: both its days are included, a day left out bounds nothing.
func TestII19_NoticeDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, until, day string
		on               bool
	}{
		{"2026-08-01", "2026-08-31", "2026-07-31", false}, {"2026-08-01", "2026-08-31", "2026-08-01", true},
		{"2026-08-01", "2026-08-31", "2026-08-31", true}, {"2026-08-01", "2026-08-31", "2026-09-01", false},
		{"", "2026-08-31", "2020-01-01", true}, {"", "2026-08-31", "2026-09-01", false},
		{"2026-08-01", "", "2099-01-01", true}, {"2026-08-01", "", "2026-07-31", false}, {"", "", "2026-07-31", true},
	} {
		if n := (people.Notice{From: c.from, Until: c.until}); n.On(c.day) != c.on {
			t.Errorf("from %q until %q stands on %s: %t", c.from, c.until, c.day, n.On(c.day))
		}
	}
}
