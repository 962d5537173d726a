package domain

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Coordinates are a point on the earth, WGS 84, in degrees. The zero value means that nobody knows where: no agency works in the Gulf of Guinea.
type Coordinates struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// ErrCoordinates: not a latitude and a longitude.
var ErrCoordinates = errors.New("not coordinates such as 53.7965, -1.5478")

// IsZero tells whether the point is not known.
func (c Coordinates) IsZero() bool { return c == Coordinates{} }

// Valid tells whether such a point exists; the unknown one does not.
func (c Coordinates) Valid() bool {
	return !c.IsZero() && math.Abs(c.Lat) <= 90 && math.Abs(c.Lon) <= 180 // NaN is in no range
}

// Rounded drops what is finer than a metre or so: five decimals of a degree. Whoever stores a point stores it rounded.
func (c Coordinates) Rounded() Coordinates {
	five := func(d float64) float64 { return math.Round(d*1e5) / 1e5 }
	return Coordinates{five(c.Lat), five(c.Lon)}
}

// String is the point as ParseCoordinates reads it, empty if unknown.
func (c Coordinates) String() string {
	if c.IsZero() {
		return ""
	}
	return strconv.FormatFloat(c.Lat, 'f', -1, 64) + "," + strconv.FormatFloat(c.Lon, 'f', -1, 64)
}

// ParseCoordinates reads "53.7965, -1.5478": latitude, longitude. Empty is the unknown point. Whatever else is ErrCoordinates.
func ParseCoordinates(s string) (Coordinates, error) {
	if strings.TrimSpace(s) == "" {
		return Coordinates{}, nil
	}
	north, east, found := strings.Cut(s, ",")
	lat, err1 := strconv.ParseFloat(strings.TrimSpace(north), 64)
	lon, err2 := strconv.ParseFloat(strings.TrimSpace(east), 64)
	c := Coordinates{lat, lon}
	if !found || err1 != nil || err2 != nil || !c.Valid() {
		return Coordinates{}, ErrCoordinates
	}
	return c.Rounded(), nil
}

// earthKm is the mean radius of the earth.
const earthKm = 6371.0088

// Metres is the great-circle distance between two known points, rounded to the metre.
func (c Coordinates) Metres(o Coordinates) int {
	rad := func(d float64) float64 { return d * math.Pi / 180 }
	a, b := rad(c.Lat), rad(o.Lat)
	dLat, dLon := math.Sin((b-a)/2), math.Sin(rad(o.Lon-c.Lon)/2)
	h := dLat*dLat + math.Cos(a)*math.Cos(b)*dLon*dLon
	return int(math.Round(2 * earthKm * 1000 * math.Asin(math.Sqrt(min(h, 1)))))
}
