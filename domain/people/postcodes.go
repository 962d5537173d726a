package people

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dragoman-booking/dragoman/domain"
)

// MaxPostcodes is how many codes a table may hold: all outward codes and sectors of the United Kingdom are some 14,000. It keeps a table within
// one append of the log (docs/adr/0013).
const MaxPostcodes = 20_000

// maxTableBytes is how long a table may be as it is stored.
const maxTableBytes = 800 << 10

// PostcodesImported: the agency's table of where postcodes lie, whole. Version counts the imports. Table is one line a code: the code without
// spaces, latitude and longitude, separated by single spaces, in order of the codes.
type PostcodesImported struct {
	Version int    `json:"version"`
	Source  string `json:"source,omitempty"` // what the agency says about where it has it from
	Codes   int    `json:"codes"`
	Table   string `json:"table"`
}

func (PostcodesImported) isEvent() {}

// Postcodes is a table of where postcodes lie. It may hold whole postcodes (LS14AP), sectors (LS14) and outward codes (LS1), side by side. The
// zero table knows nothing.
type Postcodes struct {
	Version int
	Source  string
	Table   string `json:"-"` // as in the event; its version names it
	places  map[string]domain.Coordinates
}

// Len is how many codes it knows.
func (p Postcodes) Len() int { return len(p.places) }

// What a postcode was found by.
const (
	ByPostcode = "postcode"
	BySector   = "sector"
	ByOutward  = "outward"
)

// Find tells where a postcode lies, and by which part of it that was found: the whole, else its sector, else its outward code; the finest first.
func (p Postcodes) Find(postcode string) (at domain.Coordinates, by string, found bool) {
	code := bare(postcode)
	if at, found = p.places[code]; found {
		return at, ByPostcode, true
	}
	if len(code) < 5 || code[len(code)-3] < '0' || code[len(code)-3] > '9' { // the inward half is a digit and two letters
		return at, "", false
	}
	if at, found = p.places[code[:len(code)-2]]; found {
		return at, BySector, true
	}
	if at, found = p.places[code[:len(code)-3]]; found {
		return at, ByOutward, true
	}
	return at, "", false
}

// bare is a postcode in capitals without spaces.
func bare(postcode string) string {
	return strings.ToUpper(strings.Join(strings.Fields(postcode), ""))
}

// ReadPostcodes reads the table of an event, or of a row made from one.
func ReadPostcodes(version int, table string) (Postcodes, error) {
	p := Postcodes{Version: version, Table: table, places: map[string]domain.Coordinates{}}
	lines := bufio.NewScanner(strings.NewReader(table))
	for lines.Scan() {
		parts := strings.Split(lines.Text(), " ")
		if len(parts) != 3 {
			return Postcodes{}, errors.New("a line of the postcode table has not three parts")
		}
		lat, err1 := strconv.ParseFloat(parts[1], 64)
		lon, err2 := strconv.ParseFloat(parts[2], 64)
		if err1 != nil || err2 != nil {
			return Postcodes{}, errors.New("a line of the postcode table has no coordinates")
		}
		p.places[parts[0]] = domain.Coordinates{Lat: lat, Lon: lon}
	}
	return p, lines.Err()
}

// EvolvePostcodes returns the table after e. It never refuses.
func EvolvePostcodes(s Postcodes, e Event) Postcodes {
	i, ok := e.(PostcodesImported)
	if !ok {
		panic(fmt.Sprintf("people.EvolvePostcodes: no case for %T", e)) // our bug, not bad data
	}
	next, err := ReadPostcodes(i.Version, i.Table)
	if err != nil {
		panic(fmt.Sprintf("people.EvolvePostcodes: %v", err)) // it was written by ImportPostcodes
	}
	next.Source = i.Source
	return next
}

// ImportPostcodes replaces the agency's postcode table by a CSV of three columns: code, latitude, longitude. A first line that names the columns
// may stand before it: postcode (or outward, sector, code), latitude (lat), longitude (lon, lng), in any order and among others.
//
//	given  any table
//	when   ImportPostcodes{csv}
//	then   PostcodesImported under the next version
//	again  nothing, as for whatever holds the same codes at the same places
type ImportPostcodes struct {
	CSV    string
	Source string
}

// shownFaults is how many faulty lines are named; nobody mends thousands one by one.
const shownFaults = 20

// Decide refuses a table with lines that cannot be read, naming the first of them.
func (c ImportPostcodes) Decide(s Postcodes) ([]Event, error) {
	var f faults
	f.text("body.source", c.Source, maxName)
	places := f.postcodes(c.CSV)
	table := tableOf(places)
	f.check(len(table) <= maxTableBytes, "body.csv", "This table is too long. Leave out whole postcodes, or those far from where you work.")
	if err := f.refusal(); err != nil {
		return nil, err
	}
	source := strings.TrimSpace(c.Source)
	if table == s.Table && source == s.Source {
		return nil, nil
	}
	return []Event{PostcodesImported{Version: s.Version + 1, Source: source, Codes: len(places), Table: table}}, nil
}

func tableOf(places map[string]domain.Coordinates) string {
	var b strings.Builder
	for _, code := range slices.Sorted(maps.Keys(places)) {
		at := places[code]
		fmt.Fprintf(&b, "%s %s %s\n", code, strconv.FormatFloat(at.Lat, 'f', -1, 64), strconv.FormatFloat(at.Lon, 'f', -1, 64))
	}
	return b.String()
}

// columns are where code, latitude and longitude stand in a line.
type columns struct{ code, lat, lon int }

// headed finds the columns that a first line names; false if it is no such line.
func headed(line []string) (c columns, yes bool) {
	c = columns{-1, -1, -1}
	for i, name := range line {
		switch strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))) {
		case "postcode", "outward", "sector", "code", "pcd", "pcds":
			c.code = i
		case "latitude", "lat":
			c.lat = i
		case "longitude", "lon", "lng", "long":
			c.lon = i
		}
	}
	return c, c.code >= 0 && c.lat >= 0 && c.lon >= 0
}

// postcodes reads a CSV and notes what is wrong with it, line by line.
func (f *faults) postcodes(text string) map[string]domain.Coordinates {
	const where = "body.csv"
	places := map[string]domain.Coordinates{}
	if strings.TrimSpace(text) == "" {
		f.add(where, "This field is required.")
		return places
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	at, wrong := columns{0, 1, 2}, 0
	fault := func(line int, message string) {
		if wrong++; wrong <= shownFaults {
			f.add(where, fmt.Sprintf("Line %d: %s", line, message))
		}
	}
	for first := true; ; first = false {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			fault(broken.Line, "this is not CSV.")
			break // where the next line begins is not known
		}
		line, _ := r.FieldPos(0)
		if c, yes := headed(record); first && yes {
			at = c
			continue
		}
		if len(record) <= max(at.code, at.lat, at.lon) {
			fault(line, "send a code, a latitude and a longitude.")
			continue
		}
		code := bare(record[at.code])
		point, err := domain.ParseCoordinates(record[at.lat] + "," + record[at.lon])
		switch {
		case !isCode(code):
			fault(line, "this is no postcode.")
		case err != nil || point.IsZero():
			fault(line, "these are no coordinates such as 53.7965 and -1.5478.")
		default:
			places[code] = point
		}
	}
	switch {
	case wrong > shownFaults:
		f.add(where, fmt.Sprintf("And %d more lines.", wrong-shownFaults))
	case wrong == 0 && len(places) == 0:
		f.add(where, "There are no lines in this table.")
	case len(places) > MaxPostcodes:
		f.add(where, fmt.Sprintf("At most %d codes. Leave out whole postcodes where their sector or outward code will do.", MaxPostcodes))
	}
	return places
}

// isCode tells whether a text may be a postcode or the beginning of one: letters and digits only.
func isCode(s string) bool {
	if len(s) < 1 || len(s) > 10 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' })
}
