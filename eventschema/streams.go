package eventschema

import (
	"slices"
	"strings"

	"github.com/google/uuid"
)

// The kinds of stream (design, section 3). A stream's name is its kind, a dash and its id.
const (
	Booking     = "booking"
	Diary       = "diary"
	Interpreter = "interpreter"
	Customer    = "customer"
	Form        = "form"
	Terms       = "terms"
	Agency      = "agency" // one stream, without an id
	Billing     = "billing"
	Numbering   = "numbering"
	Postcodes   = "postcodes"
)

// PostcodeTable is the one stream that holds the agency's postcode tables.
const PostcodeTable = Postcodes + "-table"

// Kinds are all stream kinds of ours; the feed's filter is made of them.
var Kinds = []string{Booking, Diary, Interpreter, Customer, Form, Terms, Agency, Billing, Numbering, Postcodes}

// BookingStream names a booking's stream; the others likewise.
func BookingStream(id uuid.UUID) string     { return Booking + "-" + id.String() }
func DiaryStream(id uuid.UUID) string       { return Diary + "-" + id.String() }
func InterpreterStream(id uuid.UUID) string { return Interpreter + "-" + id.String() }
func CustomerStream(id uuid.UUID) string    { return Customer + "-" + id.String() }
func BillingStream(id uuid.UUID) string     { return Billing + "-" + id.String() }
func FormStream(id string) string           { return Form + "-" + id }
func TermsStream(id string) string          { return Terms + "-" + id }
func NumberingStream(series string) string  { return Numbering + "-" + series }

// KindOf is the part of a stream's name before its first dash.
func KindOf(stream string) string {
	kind, _, _ := strings.Cut(stream, "-")
	return kind
}

// IDOf is the part after it, as a UUID; false if it is none.
func IDOf(stream string) (uuid.UUID, bool) {
	_, id, _ := strings.Cut(stream, "-")
	u, err := uuid.Parse(id)
	return u, err == nil
}

// Ours tells whether a stream is one of ours: its name is a kind of ours, a dash and an id, or the agency's.
func Ours(stream string) bool {
	kind, _, dashed := strings.Cut(stream, "-")
	return dashed != (kind == Agency) && slices.Contains(Kinds, kind)
}

// Prefixes are what the names of our streams begin with, for a filter on the server; Ours is exact.
func Prefixes() []string {
	var all []string
	for _, kind := range Kinds {
		if kind != Agency {
			kind += "-"
		}
		all = append(all, kind)
	}
	return all
}
