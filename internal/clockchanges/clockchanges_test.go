package clockchanges

import (
	"testing"
	"time"
)

func TestEveryZoneChangesTwiceAYear(t *testing.T) {
	t.Parallel()
	for _, zone := range Zones {
		forward, back := 0, 0
		for _, c := range Of(zone, 2020, 2030) {
			if c.Forward() {
				forward++
			} else {
				back++
			}
		}
		if forward != 10 || back != 10 {
			t.Errorf("%s: %d forward, %d back", zone, forward, back)
		}
	}
	london := Of("Europe/London", 2020, 2021)
	if c := london[0]; !c.Forward() || c.First().Format(time.DateTime) != "2020-03-29 01:00:00" || c.Size() != time.Hour {
		t.Errorf("%+v", c)
	}
	if c := london[1]; c.Forward() || c.First().Format(time.DateTime) != "2020-10-25 01:00:00" || c.Size() != time.Hour {
		t.Errorf("%+v", c)
	}
	if c := Of("Australia/Lord_Howe", 2020, 2021)[0]; c.Forward() || c.First().Format(time.DateTime) != "2020-04-05 01:30:00" || c.Size() != 30*time.Minute {
		t.Errorf("%+v", c)
	}
}
