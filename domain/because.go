package domain

import (
	"time"

	"github.com/google/uuid"
)

// Because is one rule's finding about somebody: which rule, in which version, what it looked at and what follows, in plain words (N-04).
// Together they are the trace behind an offer, an assignment or a refusal.
type Because struct {
	Rule    string  `json:"rule"`
	Version int     `json:"version"`
	Finding Finding `json:"finding"`
	Facts   Facts   `json:"facts"`
	Text    string  `json:"text"`
}

// Finding is what follows from a rule.
type Finding string

// The findings. Against: this alone excludes.
const (
	For     Finding = "for"
	Against Finding = "against"
	Noted   Finding = "noted" // it ranks, or only tells
)

// Facts are what a rule looked at; each rule fills its own.
type Facts struct {
	Asked         []string `json:"asked,omitempty"`   // languages, skills, a service type, a gender
	Has           []string `json:"has,omitempty"`     //
	Missing       []string `json:"missing,omitempty"` //
	Day           string   `json:"day,omitempty"`     // of service, 2006-01-02
	Requested     string   `json:"requested,omitempty"`
	Start         string   `json:"start,omitempty"` // RFC 3339, as Requested
	ShiftMinutes  int      `json:"shiftMinutes,omitempty"`
	Until         string   `json:"until,omitempty"`
	Jobs          []Pair   `json:"jobs,omitempty"`
	Known         bool     `json:"known,omitempty"` // whether a way could be measured
	Minutes       int      `json:"minutes,omitempty"`
	Metres        int      `json:"metres,omitempty"` // great circle
	Method        string   `json:"method,omitempty"`
	FactorPercent int      `json:"factorPercent,omitempty"`
	SpeedKmh      int      `json:"speedKmh,omitempty"`
	From          string   `json:"from,omitempty"` // where each end's coordinates came from
	To            string   `json:"to,omitempty"`
	Postcodes     int      `json:"postcodes,omitempty"` // version of the postcode table, if it was used
	Settings      int      `json:"settings,omitempty"`  // version of the agency's settings
	RadiusKm      int      `json:"radiusKm,omitempty"`
	Week          string   `json:"week,omitempty"` // 2006-W01
	WeekMinutes   int      `json:"weekMinutes,omitempty"`
}

// Pair is the way between a job and its neighbour in the worker's diary (M-03): how long it takes, how long there is, and what is lacking.
type Pair struct {
	Job     uuid.UUID `json:"job"`
	Ref     string    `json:"ref,omitempty"`
	When    string    `json:"when"` // before, after, during
	Known   bool      `json:"known,omitempty"`
	Metres  int       `json:"metres,omitempty"`
	Minutes int       `json:"minutes"`
	Gap     int       `json:"gap"`
	Short   int       `json:"short,omitempty"`
}

// Stamp writes an instant as facts do.
func (m Moment) Stamp() string { return m.In().Format(time.RFC3339) }
