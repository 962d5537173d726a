package httpapi

import (
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// What a job looks like over HTTP. What the viewer may not read is absent, never emptied by this layer: the queries masked it.

type named struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

func namedOf(n jobs.Named) *named {
	if n.ID == uuid.Nil && n.Name == "" {
		return nil
	}
	return &named{n.ID, n.Name}
}

// PersonItem is someone who is named.
type PersonItem struct {
	ID   uuid.UUID `json:"id"`
	LIN  string    `json:"lin,omitempty"`
	Name string    `json:"name"`
}

func personOf(p jobs.Person) *PersonItem {
	if p == (jobs.Person{}) {
		return nil
	}
	return &PersonItem{p.ID, p.LIN, p.Name}
}

func whenSet(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// JobItem is a job in a list.
type JobItem struct {
	Ref               string          `json:"ref"`
	BookingRef        string          `json:"bookingRef"`
	Status            domain.Status   `json:"status"`
	Outcome           *domain.Outcome `json:"outcome"`
	Start             time.Time       `json:"start" doc:"As asked for, in the job's zone."`
	End               time.Time       `json:"end" doc:"From the ETA if there is one."`
	TimeZone          string          `json:"timeZone"`
	ETA               *time.Time      `json:"eta"`
	DurationMinutes   int             `json:"durationMinutes"`
	Language          string          `json:"language"`
	LanguageName      string          `json:"languageName"`
	ServiceType       string          `json:"serviceType"`
	Address1          string          `json:"address1"`
	Town              string          `json:"town"`
	Outward           string          `json:"outward" doc:"Outward half of the postcode."`
	ReportTo          string          `json:"reportTo"`
	NonEnglishSpeaker string          `json:"nonEnglishSpeaker,omitempty"`
	Customer          *named          `json:"customer"`
	Client            *named          `json:"client"`
	Location          *named          `json:"location"`
	Interpreter       *PersonItem     `json:"interpreter"`
	CreatedBy         *PersonItem     `json:"createdBy"`
	CreatedAt         *time.Time      `json:"createdAt"`
	WaitingOn         string          `json:"waitingOn" doc:"customer, interpreter or agency; empty: nobody."`
	NextStep          string          `json:"nextStep"`
	Overdue           bool            `json:"overdue"`
	HappeningNow      bool            `json:"happeningNow"`
	Revision          uint64          `json:"revision"`
	Flags             []flagItem      `json:"flags,omitempty" doc:"What assigners are told of the job (N-03)."`
}

func jobItemOf(i jobs.Item) JobItem {
	return JobItem{Ref: i.Ref, BookingRef: i.BookingRef, Status: i.Status, Outcome: outcomeOf(i.Outcome), Start: i.Start, End: i.End, TimeZone: i.TimeZone,
		ETA: whenSet(i.ETA), DurationMinutes: i.DurationMinutes, Language: i.Language, LanguageName: i.LanguageName, ServiceType: i.ServiceType,
		Address1: i.Address1, Town: i.Town, Outward: i.Outward, ReportTo: i.ReportTo, NonEnglishSpeaker: i.NonEnglishSpeaker,
		Customer: namedOf(i.Customer), Client: namedOf(i.Client), Location: namedOf(i.Location), Interpreter: personOf(i.Interpreter),
		CreatedBy: personOf(i.CreatedBy), CreatedAt: whenSet(i.CreatedAt), WaitingOn: i.WaitingOn, NextStep: i.NextStep, Overdue: i.Overdue,
		HappeningNow: i.HappeningNow, Revision: i.Revision, Flags: flagsOf(i.Flags, nil)}
}

func outcomeOf(o domain.Outcome) *domain.Outcome {
	if o == "" {
		return nil
	}
	return &o
}

type waitingItem struct {
	JobItem
	Step string `json:"step" doc:"The command that is waited for."`
}

type offerItem struct {
	Job             string       `json:"job"`
	Interpreter     *PersonItem  `json:"interpreter"`
	State           string       `json:"state" doc:"open, accepted, declined, revoked, lapsed, assigned or ended."`
	SentAt          time.Time    `json:"sentAt"`
	Since           time.Time    `json:"since"`
	Language        string       `json:"language"`
	Start           time.Time    `json:"start"`
	TimeZone        string       `json:"timeZone"`
	DurationMinutes int          `json:"durationMinutes"`
	Fee             *moneyBody   `json:"fee"`
	ExpiresAt       *time.Time   `json:"expiresAt"`
	ProposedStart   *time.Time   `json:"proposedStart"`
	Reason          string       `json:"reason,omitempty"`
	Unasked         bool         `json:"unasked,omitempty" doc:"Recorded by staff though no offer was open (D-18)."`
	EndedWhy        string       `json:"endedWhy,omitempty" doc:"Of an ended offer: assigned-to-another, assigned-elsewhere (to you, in an overlapping time), moved (to another place of the team), cancelled or closed."`
	Counter         *counterItem `json:"counter,omitempty" doc:"The newest counter-offer."`
	OverrideReason  string       `json:"overrideReason,omitempty"`
	OverrideRules   []string     `json:"overrideRules,omitempty"`
}

// counterItem is a counter-offer.
type counterItem struct {
	State         string     `json:"state" enum:"open,accepted,declined,ended" doc:"ended: its offer did before it was answered."`
	At            time.Time  `json:"at"`
	ProposedStart *time.Time `json:"proposedStart" doc:"Null: as offered."`
	Fee           *moneyBody `json:"fee" doc:"Null: as offered."`
	Reason        string     `json:"reason,omitempty"`
}

func counterOf(c *jobs.CounterOffer) *counterItem {
	if c == nil {
		return nil
	}
	return &counterItem{State: c.State, At: c.At, ProposedStart: whenSet(c.Start), Fee: moneyOf(c.Fee), Reason: c.Reason}
}

func moneyOf(m domain.Money) *moneyBody {
	if m.Currency == "" {
		return nil
	}
	out := money(m)
	return &out
}

func offerOf(o jobs.Offer) offerItem {
	return offerItem{Job: o.Ref, Interpreter: personOf(o.Interpreter), State: o.State, SentAt: o.SentAt, Since: o.Since, Language: o.Language,
		Start: o.Start, TimeZone: o.TimeZone, DurationMinutes: o.DurationMinutes, Fee: moneyOf(o.Fee), ExpiresAt: whenSet(o.ExpiresAt),
		ProposedStart: whenSet(o.ProposedStart), Reason: o.Reason, Unasked: o.Unasked, OverrideReason: o.OverrideReason, OverrideRules: o.OverrideRules,
		EndedWhy: o.EndedWhy, Counter: counterOf(o.Counter)}
}

type linguistItem struct {
	PersonItem
	Clearances []clearanceItem `json:"clearances"`
	PaitID     string          `json:"paitId,omitempty"`
	Telephone  string          `json:"telephone,omitempty"`
	Email      string          `json:"email,omitempty"`
	Photo      *string         `json:"photo" doc:"Null until photos are built."`
}

type clearanceItem struct {
	Kind      string `json:"kind"`
	ValidFrom string `json:"validFrom"`
	ValidTo   string `json:"validTo"`
}

type assignmentItem struct {
	Interpreter    *PersonItem `json:"interpreter"`
	AssignedAt     time.Time   `json:"assignedAt"`
	EndedAt        *time.Time  `json:"endedAt"`
	EndedWhy       string      `json:"endedWhy,omitempty"`
	Reason         string      `json:"reason,omitempty"`
	Unchecked      bool        `json:"unchecked,omitempty"`
	OverrideReason string      `json:"overrideReason,omitempty"`
	OverrideRules  []string    `json:"overrideRules,omitempty"`
}

type blockItem struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

type incidentalItem struct {
	Kind     string     `json:"kind"`
	Quantity string     `json:"quantity,omitempty"`
	Amount   *moneyBody `json:"amount,omitempty"`
	Note     string     `json:"note,omitempty"`
}

type timesheetItem struct {
	Side          string           `json:"side"`
	State         string           `json:"state" doc:"submitted, accepted, disputed or settled."`
	At            time.Time        `json:"at"`
	Since         time.Time        `json:"since"`
	WorkedMinutes int              `json:"workedMinutes"`
	Blocks        []blockItem      `json:"blocks"`
	Incidentals   []incidentalItem `json:"incidentals"`
	Documents     []uuid.UUID      `json:"documents"`
	DisputeReason string           `json:"disputeReason,omitempty"`
	DisputeBlocks []blockItem      `json:"disputeBlocks,omitempty"`
}

func blockItems(in []jobs.Block) []blockItem {
	out := make([]blockItem, 0, len(in))
	for _, b := range in {
		out = append(out, blockItem(b))
	}
	return out
}

func timesheetOf(t jobs.Timesheet) timesheetItem {
	out := timesheetItem{Side: t.Side, State: t.State, At: t.At, Since: t.Since, WorkedMinutes: t.WorkedMinutes, Blocks: blockItems(t.Blocks),
		Incidentals: []incidentalItem{}, Documents: append([]uuid.UUID{}, t.Documents...), DisputeReason: t.DisputeReason}
	if len(t.DisputeBlocks) > 0 {
		out.DisputeBlocks = blockItems(t.DisputeBlocks)
	}
	for _, i := range t.Incidentals {
		item := incidentalItem{Kind: i.Kind, Note: i.Note}
		if i.Quantity != 0 {
			item.Quantity = domain.FormatHundredths(i.Quantity)
		}
		if i.Amount != nil {
			item.Amount = moneyOf(*i.Amount)
		}
		out.Incidentals = append(out.Incidentals, item)
	}
	return out
}

type endingItem struct {
	Kind          string     `json:"kind" doc:"cancelled or closed."`
	At            time.Time  `json:"at"`
	By            *uuid.UUID `json:"by,omitempty"`
	Reason        string     `json:"reason,omitempty"`
	AuthorisedBy  string     `json:"authorisedBy,omitempty"`
	Details       string     `json:"details,omitempty"`
	Start         *time.Time `json:"start,omitempty"`
	End           *time.Time `json:"end,omitempty"`
	WorkedMinutes int        `json:"workedMinutes,omitempty"`
}

func endingOf(e *jobs.Ending) *endingItem {
	if e == nil {
		return nil
	}
	out := &endingItem{Kind: e.Kind, At: e.At, Reason: e.Reason, AuthorisedBy: e.AuthorisedBy, Details: e.Details, Start: whenSet(e.Start), End: whenSet(e.End),
		WorkedMinutes: e.WorkedMinutes}
	if e.By != uuid.Nil {
		out.By = &e.By
	}
	return out
}

type relatedItem struct {
	ID       uuid.UUID      `json:"id"`
	Ref      string         `json:"ref"`
	Status   domain.Status  `json:"status"`
	Outcome  domain.Outcome `json:"outcome,omitempty"`
	Start    time.Time      `json:"start"`
	TimeZone string         `json:"timeZone"`
}

type jobDetail struct {
	JobItem
	ID                   uuid.UUID        `json:"id"`
	BookingID            uuid.UUID        `json:"bookingId"`
	Form                 string           `json:"form"`
	FormVersion          int              `json:"formVersion"`
	Remote               bool             `json:"remote"`
	Address              *addressBody     `json:"address" doc:"Town and outward postcode alone before you may read the rest."`
	BillTo               string           `json:"billTo,omitempty"`
	LanguageTier         string           `json:"languageTier,omitempty"`
	AlternativeLanguages []string         `json:"alternativeLanguages"`
	Fields               map[string]any   `json:"fields"`
	ProposedETA          *time.Time       `json:"proposedEta"`
	Progress             string           `json:"progress,omitempty" doc:"requested (it waits for confirmation), offering or taken, while nobody is assigned (LL-67)."`
	Message              string           `json:"message,omitempty" doc:"The agency's words for that."`
	ResponseTier         string           `json:"responseTier,omitempty"`
	CancelUntil          *time.Time       `json:"cancelUntil,omitempty" doc:"When the customer's window to cancel closes, as agreed now (II-82, LL-113)."`
	EditUntil            *time.Time       `json:"editUntil,omitempty" doc:"When the customer's window to edit closes; absent: there is none (II-70)."`
	Frozen               *frozenItem      `json:"frozen,omitempty" doc:"What you cannot change here now."`
	Linguist             *linguistItem    `json:"linguist"`
	Actions              []string         `json:"actions" doc:"Commands that you may send now (LL-69)."`
	Assignments          []assignmentItem `json:"assignments"`
	Offers               []offerItem      `json:"offers"`
	Waves                *wavesItem       `json:"waves,omitempty" doc:"How far the job has got with offers in waves; absent before the first (N-03)."`
	Timesheets           []timesheetItem  `json:"timesheets"`
	Ending               *endingItem      `json:"ending,omitempty"`
	Related              []relatedItem    `json:"related"`
	MadeFrom             string           `json:"madeFrom,omitempty"`
	ContinuedIn          string           `json:"continuedIn,omitempty"`
}

func (d jobDetail) revision() uint64 { return d.Revision }

func fieldValues(in map[string]domain.Value) map[string]any {
	out := make(map[string]any, len(in))
	for key, v := range in {
		switch {
		case v.NotApplicable:
			out[key] = "N/A"
		case len(v.Items) == 1:
			out[key] = v.Items[0]
		default:
			out[key] = v.Items
		}
	}
	return out
}

// frozenItem is what the caller cannot change: everything, or some fields.
type frozenItem struct {
	Why    string   `json:"why" doc:"too-late: the window to edit is over; locked: a job is assigned (II-72)."`
	Fields []string `json:"fields,omitempty" doc:"Absent: all of them."`
	By     string   `json:"by,omitempty" doc:"The assigned job that locks."`
}

func frozenOf(f booking.Frozen) *frozenItem {
	switch {
	case f.Window != nil:
		return &frozenItem{Why: booking.FrozenByWindow}
	case f.Locked:
		return &frozenItem{Why: booking.FrozenByLock, Fields: booking.LockedKeys, By: f.By}
	}
	return nil
}

func jobDetailOf(d jobs.Detail, now commands.Standing, s people.AgencySettings) jobDetail {
	out := jobDetail{JobItem: jobItemOf(d.Item), ID: d.ID, BookingID: d.BookingID, Form: d.Form, FormVersion: d.FormVersion, Remote: d.Remote,
		BillTo: d.BillTo, LanguageTier: d.LanguageTier, AlternativeLanguages: append([]string{}, d.AlternativeLanguages...), Fields: fieldValues(d.Fields),
		ProposedETA: whenSet(d.ProposedETA), ResponseTier: d.ResponseTier, Actions: append([]string{}, now.Actions...),
		CancelUntil: whenSet(now.CancelUntil), EditUntil: whenSet(now.EditUntil), Frozen: frozenOf(now.Frozen),
		Assignments: []assignmentItem{}, Offers: []offerItem{}, Timesheets: []timesheetItem{}, Related: []relatedItem{}, Ending: endingOf(d.Ending),
		MadeFrom: d.MadeFrom, ContinuedIn: d.ContinuedIn, Waves: wavesItemOf(d.Waves)}
	out.Flags = flagsOf(d.Flags, s.Languages)
	if !d.Remote {
		out.Address = &addressBody{Line1: d.Line1, Line2: d.Line2, Town: d.Town, Postcode: d.Postcode}
	}
	switch {
	case d.Customer.ID == uuid.Nil: // progress is not this viewer's to read
	case d.BeingWorkedOn:
		out.Progress, out.Message = "taken", s.Texts[people.TextAssignerOnIt]
	case d.Status == domain.Requested: // nobody is offered it yet
		out.Progress = "requested"
	case d.Status == domain.New:
		out.Progress, out.Message = "offering", s.Texts[people.TextIssuingOffers]
	}
	if l := d.Interpreter; l != nil {
		out.Linguist = &linguistItem{PersonItem: PersonItem{l.ID, l.LIN, l.Name}, Clearances: []clearanceItem{}, PaitID: l.PaitID, Telephone: l.Telephone, Email: l.Email}
		for _, c := range l.Clearances {
			out.Linguist.Clearances = append(out.Linguist.Clearances, clearanceItem(c))
		}
	}
	for _, a := range d.Assignments {
		out.Assignments = append(out.Assignments, assignmentItem{personOf(a.Interpreter), a.AssignedAt, whenSet(a.EndedAt), a.EndedWhy, a.Reason,
			a.Unchecked, a.OverrideReason, a.OverrideRules})
	}
	for _, o := range d.Offers {
		out.Offers = append(out.Offers, offerOf(o))
	}
	for _, t := range d.Timesheets {
		out.Timesheets = append(out.Timesheets, timesheetOf(t))
	}
	for _, r := range d.Related {
		out.Related = append(out.Related, relatedItem(r))
	}
	return out
}

type lineItem struct {
	Job          string      `json:"job"`
	Kind         string      `json:"kind" doc:"time, or an incidental's kind."`
	Quantity     int64       `json:"quantity" doc:"Minutes for time, hundredths of a unit for an incidental."`
	UnitPrice    *moneyBody  `json:"unitPrice"`
	Amount       *moneyBody  `json:"amount"`
	Revision     uint64      `json:"revision" doc:"Of the job when it was priced."`
	Events       []uuid.UUID `json:"events" doc:"The events that the amount came from."`
	TermsVersion int         `json:"termsVersion"`
}

func lineOf(l billing.Line) lineItem {
	return lineItem{Job: l.Ref, Kind: l.Kind, Quantity: l.Quantity, UnitPrice: moneyOf(l.UnitPrice), Amount: moneyOf(l.Amount), Revision: l.Revision,
		Events: l.Events, TermsVersion: l.TermsVersion}
}
