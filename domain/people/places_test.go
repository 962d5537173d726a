package people

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// A postcode table is read whatever its columns are called; what is wrong with it is said line by line; the finest code wins.
func TestPostcodes(t *testing.T) {
	t.Parallel()
	read := func(csv string) (Postcodes, error) {
		events, err := ImportPostcodes{CSV: csv}.Decide(Postcodes{Version: 3})
		if err != nil {
			return Postcodes{}, err
		}
		return EvolvePostcodes(Postcodes{}, events[0]), nil
	}
	table, err := read("\ufeffname,Lat,Long,Postcode\nx,53.7965,-1.5478,ls1\ny, 53.80 ,-1.55,LS1 4\nz,53.81,-1.56,\"LS1 4AP\"\n")
	if err != nil || table.Version != 4 || table.Len() != 3 {
		t.Fatalf("%+v, %v", table, err)
	}
	for postcode, want := range map[string]string{"ls1 4ap": ByPostcode, "LS14AQ": BySector, "LS1 9ZZ": ByOutward, "LS1": ByPostcode} {
		if _, by, found := table.Find(postcode); !found || by != want {
			t.Errorf("%s is found by %q (%v), want %q", postcode, by, found, want)
		}
	}
	for _, postcode := range []string{"", "LS2 4AP", "D01", "LS1 AAA"} {
		if at, by, found := table.Find(postcode); found {
			t.Errorf("%s is found at %v by %s", postcode, at, by)
		}
	}
	if again, err := (ImportPostcodes{CSV: "LS1,53.7965,-1.5478\nLS14AP,53.81,-1.56\nLS14,53.8,-1.55"}).Decide(table); err != nil || len(again) != 0 {
		t.Errorf("the same places again make %v, %v", again, err)
	}
	for what, csv := range map[string]string{"nothing": " \n", "a head alone": "postcode,lat,lon\n", "two columns": "LS1,53.8\n", "no postcode": "LS/1,53.8,-1.5\n",
		"no point": "LS1,53.8,W1.5\n", "beyond the pole": "LS1,93.8,-1.5\n", "the sea off Ghana": "LS1,0,0\n", "a broken line": "LS1,\"53.8,-1.5\n"} {
		if _, err := read(csv); err == nil || !strings.Contains(err.Error(), "body.csv") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := read(`a "b`); err == nil || !strings.Contains(err.Error(), "Line 1: this is not CSV.") {
		t.Errorf("a stray quote: %v", err)
	}
	many := strings.Repeat("X,1,1\n", 30)
	if _, err := read(strings.ReplaceAll(many, "X", "?")); err == nil || strings.Count(err.Error(), "body.csv") != shownFaults+1 || !strings.Contains(err.Error(), "And 10 more lines.") {
		t.Errorf("thirty faulty lines: %v", err)
	}
	var long strings.Builder
	for i := range MaxPostcodes + 1 {
		fmt.Fprintf(&long, "A%d,53.8,-1.5\n", i)
	}
	if _, err := read(long.String()); err == nil || !strings.Contains(err.Error(), "At most 20000 codes") {
		t.Errorf("a table that is too long: %v", err)
	}
}

// Where places and people are is checked with everything else, and what cannot be is refused.
func TestCoordinatesOfPlacesAndPeople(t *testing.T) {
	t.Parallel()
	for _, at := range []domain.Coordinates{{Lat: 91}, {Lat: 1, Lon: -181}} {
		if err := checkPlace(Customer{}, Place{Name: "A", Address: PostalAddress{Line1: "1", Town: "B", Postcode: "C"}, Coordinates: at}); err == nil || !strings.Contains(err.Error(), "body.coordinates") {
			t.Errorf("a place at %v: %v", at, err)
		}
		if err := checkProfile(Profile{LIN: "LIN/1234/ABCDE", Name: "A", Gender: "female", Languages: []string{"pl"}, Coordinates: HomeAt(at), TravelRadiusKm: -1}); err == nil ||
			!strings.Contains(err.Error(), "body.coordinates") || !strings.Contains(err.Error(), "body.travelRadiusKm") {
			t.Errorf("a home at %v: %v", at, err)
		}
	}
	if p := (Place{Coordinates: domain.Coordinates{Lat: 53.79651234, Lon: -1.5}}).trimmed(); p.Coordinates.Lat != 53.79651 {
		t.Errorf("kept as %v", p.Coordinates)
	}
	s := EvolveInterpreter(Interpreter{}, InterpreterRegistered{Interpreter: domain.InterpreterID("LIN/1234/ABCDE"), Profile: Profile{LIN: "LIN/1234/ABCDE", Name: "A", Gender: "female",
		Languages: []string{"pl"}, Coordinates: HomeAt(domain.Coordinates{Lat: 53, Lon: -1})}})
	unknown, radius := domain.Coordinates{}, 25
	events, err := ChangeInterpreter{Coordinates: &unknown, TravelRadiusKm: &radius}.Decide(s)
	if err != nil || len(events) != 1 || events[0].(InterpreterChanged).Coordinates != "" || events[0].(InterpreterChanged).TravelRadiusKm != 25 {
		t.Errorf("taken away: %+v, %v", events, err)
	}
}

// Who moves without saying where to lives at no known point: the old one would be measured from for years.
func TestM03_AnotherPostcodeForgetsTheOldPoint(t *testing.T) {
	t.Parallel()
	lin := domain.InterpreterID("LIN/1234/ABCDE")
	home := EvolveInterpreter(Interpreter{}, InterpreterRegistered{Interpreter: lin, Profile: Profile{LIN: "LIN/1234/ABCDE", Name: "A", Gender: "female",
		Languages: []string{"pl"}, Postcode: "LS1 4AP", Coordinates: HomeAt(domain.Coordinates{Lat: 53, Lon: -1})}.tidy()})
	same, other, there := "LS1 4AP", "YO1 7HH", domain.Coordinates{Lat: 54, Lon: -1}
	if events, err := (ChangeInterpreter{Postcode: &same}).Decide(home); err != nil || len(events) > 0 {
		t.Errorf("the same postcode: %v, %v", events, err)
	}
	events, err := ChangeInterpreter{Postcode: &other}.Decide(home)
	if err != nil || len(events) != 1 || events[0].(InterpreterChanged).Coordinates != "" {
		t.Errorf("another postcode: %+v, %v", events, err)
	}
	if events, err = (ChangeInterpreter{Postcode: &other, Coordinates: &there}).Decide(home); err != nil || events[0].(InterpreterChanged).Coordinates != HomeAt(there) {
		t.Errorf("another postcode and a point: %+v, %v", events, err)
	}

	at := uuid.New()
	place := Place{Name: "A", Address: PostalAddress{Line1: "1", Town: "B", Postcode: "LS1 4AP"}, Coordinates: domain.Coordinates{Lat: 53, Lon: -1}}
	c := Customer{ID: uuid.New(), Locations: map[uuid.UUID]Place{at: place}}
	to := place.Address
	to.Postcode = "YO1 7HH"
	moved, err := ChangeLocation{Location: at, Address: &to}.Decide(c)
	if err != nil || !moved[0].(LocationChanged).Coordinates.IsZero() {
		t.Errorf("a location that moves: %+v, %v", moved, err)
	}
	if moved, err = (ChangeLocation{Location: at, Address: &to, Coordinates: &there}).Decide(c); err != nil || moved[0].(LocationChanged).Coordinates != there {
		t.Errorf("a location that moves to a point: %+v, %v", moved, err)
	}
}

// A line of an address is one line: it stands in calendars and files of others.
func TestAPlaceIsWrittenOnOneLine(t *testing.T) {
	t.Parallel()
	err := checkPlace(Customer{}, Place{Name: "A\r\nB", Address: PostalAddress{Line1: "1\n2", Line2: "a\tb", Town: "B\x00", Postcode: "C\n"}})
	for _, location := range []string{"body.name", "body.address.line1", "body.address.line2", "body.address.town", "body.address.postcode"} {
		if err == nil || !strings.Contains(err.Error(), location) {
			t.Errorf("%s is not named: %v", location, err)
		}
	}
}
