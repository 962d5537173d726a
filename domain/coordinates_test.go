package domain_test

import (
	"testing"

	"github.com/dragoman-booking/dragoman/domain"
)

func TestCoordinates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]domain.Coordinates{
		"":                      {},
		" 53.7965 , -1.5478 ":   {Lat: 53.7965, Lon: -1.5478},
		"-90,180":               {Lat: -90, Lon: 180},
		"53.796512345,-1.54781": {Lat: 53.79651, Lon: -1.54781},
	} {
		got, err := domain.ParseCoordinates(text)
		if err != nil || got != want {
			t.Errorf("%q reads %v, %v", text, got, err)
		}
		if again, err := domain.ParseCoordinates(got.String()); err != nil || again != got {
			t.Errorf("%q written and read again is %v, %v", text, again, err)
		}
	}
	for _, text := range []string{"53.7965", "90.1,0", "0,181", "NaN,1", "Inf,1", "here,there", "0,0", "1,2,3"} {
		if got, err := domain.ParseCoordinates(text); err == nil {
			t.Errorf("%q reads %v", text, got)
		}
	}
	// Leeds to London, 272 km by the haversine formula of any table; there and back the same; nowhere is no way at all.
	leeds, london := domain.Coordinates{Lat: 53.7965, Lon: -1.5478}, domain.Coordinates{Lat: 51.5074, Lon: -0.1278}
	if there, back := leeds.Metres(london), london.Metres(leeds); there != back || there < 271_500 || there > 272_500 || leeds.Metres(leeds) != 0 {
		t.Errorf("%d m there, %d m back", there, back)
	}
	if opposite := (domain.Coordinates{Lat: 10, Lon: 20}).Metres(domain.Coordinates{Lat: -10, Lon: -160}); opposite < 20_000_000 || opposite > 20_030_000 {
		t.Errorf("the other side of the earth is %d m away", opposite)
	}
}
