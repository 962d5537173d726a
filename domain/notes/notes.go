// Package notes holds the texts of the activity notes (LL-75..89; design, section 7): what every action on a job is stamped with. A preview
// tells them before, the read model keeps them after. No note holds a name, a reason or a message's text.
package notes

import (
	"embed"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
)

// Source is this file: a read model filled by other texts is another read model.
//
//go:embed notes.go
var Source embed.FS

// Kinds of notes.
const (
	Created            = "created"
	Edited             = "edited"
	Taken              = "taken"
	Released           = "released"
	OfferSent          = "offer-sent"
	OfferRevoked       = "offer-revoked"
	OfferAccepted      = "offer-accepted"
	OfferDeclined      = "offer-declined"
	CounterOfferMade   = "counter-offer-made"
	CounterAnswered    = "counter-offer-answered"
	Assigned           = "assigned"
	Unassigned         = "unassigned"
	StatusChanged      = "status-changed"
	EtaProposed        = "eta-proposed"
	EtaDeclined        = "eta-declined"
	EtaChanged         = "eta-changed"
	TimesheetSubmitted = "timesheet-submitted"
	TimesheetDisputed  = "timesheet-disputed"
	ChangeUndone       = "change-undone"
	Continued          = "continued"
	MessagePosted      = "message-posted"
	ContactLogged      = "contact-logged"
)

// EtaLayout is the only stamp with seconds (LL-87).
const EtaLayout = "02/01/2006 15:04:05"

// Subject is what a note needs to know of its job: the reference, and whether hours were entered before.
type Subject struct {
	Ref   string
	Hours bool
}

// Param is a part of a note by itself.
type Param struct{ Name, Value string }

// Note is one note about a job. LIN is the interpreter whom it names, empty for none.
type Note struct {
	Job    uuid.UUID
	Kind   string
	LIN    string
	Text   string
	Params []Param // besides the job's reference and the LIN
}

// Of tells the notes of an event to say, in order: a status change stands after what caused it, so that it is listed above it (LL-84, LL-86).
// of finds the jobs that the event is about, as they stood before it; its error ends the telling. An event without a case is an error.
func Of(event booking.Event, of func(job uuid.UUID) (Subject, error), say func(Note)) error {
	t := telling{of: of, say: say}
	t.event(event)
	return t.err
}

type telling struct {
	of  func(uuid.UUID) (Subject, error)
	say func(Note)
	err error
}

// about is one job being told of.
type about struct {
	*telling
	Subject
	job uuid.UUID
}

func (t *telling) on(id uuid.UUID, tell func(about)) {
	if t.err != nil {
		return
	}
	var s Subject
	if s, t.err = t.of(id); t.err == nil {
		tell(about{t, s, id})
	}
}

func (a about) note(kind, lin, text string, params ...Param) {
	a.say(Note{Job: a.job, Kind: kind, LIN: lin, Text: text, Params: params})
}

func (t *telling) event(event booking.Event) {
	switch e := event.(type) {
	case booking.Created:
		for _, n := range e.Jobs {
			t.on(n.ID, about.created)
		}
	case booking.JobAdded:
		t.on(e.Job.ID, about.created)
	case booking.Edited:
		for _, c := range e.Jobs {
			t.on(c.Job, func(a about) {
				a.note(Edited, "", a.Ref+" edited")
				a.offers(c.Revoked, c.Resent)
			})
		}
	case booking.Confirmed:
		t.on(e.Job, func(a about) { a.changed(domain.Requested, domain.New) })
	case booking.Taken:
		t.on(e.Job, func(a about) { a.note(Taken, "", a.Ref+" taken") })
	case booking.Released:
		t.on(e.Job, func(a about) { a.note(Released, "", a.Ref+" released") })
	case booking.OfferSent:
		t.on(e.Job, func(a about) { a.offers(nil, e.Offers) })
	case booking.OfferMoved:
		t.on(e.To, func(a about) { a.offers(nil, e.Offers) })
	case booking.OfferRevoked:
		t.on(e.Job, func(a about) { a.revoked(e.LIN) })
	case booking.OfferAccepted:
		t.on(e.Job, func(a about) { a.note(OfferAccepted, e.LIN, e.LIN+" accepted job offer for "+a.Ref) })
	case booking.OfferDeclined:
		t.on(e.Job, func(a about) { a.note(OfferDeclined, e.LIN, e.LIN+" declined job offer for "+a.Ref) })
	case booking.CounterOfferMade:
		t.on(e.Job, func(a about) { a.note(CounterOfferMade, e.LIN, e.LIN+" made a counter-offer for "+a.Ref) })
	case booking.CounterOfferAnswered:
		answer := "declined"
		if e.Accepted {
			answer = "accepted"
		}
		t.on(e.Job, func(a about) { a.note(CounterAnswered, e.LIN, "Counter-offer of "+e.LIN+" "+answer+" for "+a.Ref) })
	case booking.Assigned:
		t.on(e.Job, func(a about) {
			a.note(Assigned, e.LIN, "Assigned "+e.LIN+" to job "+a.Ref)
			a.changed(domain.New, domain.Assigned)
		})
	case booking.Unassigned:
		t.on(e.Job, func(a about) {
			a.note(Unassigned, e.LIN, "Unassigned "+e.LIN+" from job "+a.Ref)
			a.changed(domain.Assigned, domain.New)
		})
	case booking.EtaProposed:
		t.on(e.Job, func(a about) {
			eta := e.ETA.In().Format(EtaLayout)
			a.note(EtaProposed, "", "ETA "+eta+" proposed for "+a.Ref, Param{"eta", eta})
		})
	case booking.EtaAgreed:
		t.on(e.Job, func(a about) { a.eta(e.ETA) })
	case booking.EtaChanged:
		t.on(e.Job, func(a about) {
			if e.InPast {
				a.eta(e.ETA, Param{"inPast", "true"})
				return
			}
			a.eta(e.ETA)
		})
	case booking.EtaDeclined:
		t.on(e.Job, func(a about) { a.note(EtaDeclined, "", "Proposed ETA declined for "+a.Ref) })
	case booking.TimesheetSubmitted:
		t.on(e.Job, about.submitted)
	case booking.TimesheetAccepted:
		t.on(e.Job, func(a about) { a.completed(domain.Ongoing, e.Outcome) })
	case booking.TimesheetDisputed:
		t.on(e.Job, func(a about) { a.note(TimesheetDisputed, "", "Timesheet disputed for "+a.Ref) })
	case booking.Closed:
		t.on(e.Job, func(a about) { a.completed(e.From, e.Outcome) })
	case booking.Cancelled:
		for _, c := range e.Jobs {
			t.on(c.Job, func(a about) { a.changed(c.From, domain.Cancelled) })
		}
	case booking.ChangeUndone:
		for _, u := range e.Jobs {
			t.on(u.Job, func(a about) {
				a.note(ChangeUndone, "", a.Ref+" change undone")
				a.offers(u.Revoked, u.Resent)
			})
		}
	case booking.Continued:
		t.on(e.Job, func(a about) { a.note(Continued, "", a.Ref+" continued in "+e.Ref, Param{"in", e.Ref}) })
	case booking.MessagePosted:
		t.on(e.Job, func(a about) { a.note(MessagePosted, "", "Admin message posted for "+a.Ref) })
	case booking.ContactLogged:
		t.on(e.Job, func(a about) { a.note(ContactLogged, "", "Contact logged for "+a.Ref) })
	case booking.OfferLapsed, booking.HoldEnded, booking.ReservationVoided, booking.PersonErased, booking.WaveSent, booking.JobFlagged:
		// nobody did anything to the job: no note. Nobody but staff is told of waves and flags.
	default:
		t.err = fmt.Errorf("no note for %T", event)
	}
}

func (a about) created() { a.note(Created, "", a.Ref+" Created") }

// offers tells of offers taken back, each followed by the one that took its place, and then of those that are new.
func (a about) offers(revoked []booking.Offered, sent []booking.Offer) {
	for _, o := range revoked {
		a.revoked(o.LIN)
		if again := slices.IndexFunc(sent, func(s booking.Offer) bool { return s.Interpreter == o.Interpreter }); again >= 0 {
			a.sent(sent[again].LIN)
		}
	}
	for _, o := range sent {
		if !slices.ContainsFunc(revoked, func(r booking.Offered) bool { return r.Interpreter == o.Interpreter }) {
			a.sent(o.LIN)
		}
	}
}

func (a about) sent(lin string) {
	a.note(OfferSent, lin, "Sent job offer to "+lin+" for job "+a.Ref)
}

func (a about) revoked(lin string) {
	a.note(OfferRevoked, lin, "Revoked job offer to "+lin+" for job "+a.Ref)
}

func (a about) eta(eta domain.Moment, more ...Param) {
	stamp := eta.In().Format(EtaLayout)
	a.note(EtaChanged, "", a.Ref+" ETA has changed to "+stamp, append([]Param{{"eta", stamp}}, more...)...)
}

// submitted: the first hours make the job ongoing (LL-88); hours entered again after a dispute change no status.
func (a about) submitted() {
	if a.Hours {
		a.note(TimesheetSubmitted, "", "Timesheet submitted for "+a.Ref)
		return
	}
	a.changed(domain.Assigned, domain.Ongoing)
}

func (a about) completed(from domain.Status, o domain.Outcome) {
	a.note(StatusChanged, "", a.Ref+" changed from "+string(from)+" to complete: "+o.Words(),
		Param{"from", string(from)}, Param{"to", string(domain.Complete)}, Param{"outcome", string(o)})
}

func (a about) changed(from, to domain.Status) {
	a.note(StatusChanged, "", a.Ref+" changed from "+string(from)+" to "+string(to), Param{"from", string(from)}, Param{"to", string(to)})
}
