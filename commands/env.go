package commands

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/recurrence"
)

// needs is what a decision wants to know besides its own stream. All of it is read on at once, side by side: a remembered profile or
// setting could refuse, or allow, what it no longer does.
type needs struct {
	agency       bool
	terms        bool
	customer     uuid.UUID
	form         string
	formVersion  int       // 0: the newest; a given version never changes, so a remembered one will do
	formFor      uuid.UUID // the customer who fills it in (II-41); zero: the one above
	interpreters []uuid.UUID
	numbers      bool // where job numbers stand
	// matching: the diaries of those interpreters for these times of the job, with their neighbouring jobs, and where places are.
	matching uuid.UUID
	times    []span
}

// found is what was read.
type found struct {
	agency       people.Agency
	terms        forms.Terms
	customer     people.Customer
	form         forms.Form
	formKnown    bool
	interpreters map[uuid.UUID]people.Interpreter
	diaries      map[uuid.UUID][]matching.Entry
	postcodes    people.Postcodes
	numbers      people.Numbering
}

func (h *Handler) look(ctx context.Context, n needs) (found, error) {
	var out found
	g, ctx := errgroup.WithContext(ctx)
	if n.agency {
		g.Go(func() error {
			f, err := h.agency.now(ctx, eventschema.Agency)
			out.agency = f.State
			return err
		})
	}
	if n.terms {
		g.Go(func() error {
			f, err := h.terms.now(ctx, eventschema.TermsStream(forms.DefaultTermsID))
			out.terms, _ = f.State.Newest()
			return err
		})
	}
	if n.customer != uuid.Nil {
		g.Go(func() error {
			f, err := h.customers.now(ctx, eventschema.CustomerStream(n.customer))
			out.customer = f.State
			return err
		})
	}
	if n.form != "" {
		g.Go(func() (err error) {
			out.form, out.formKnown, err = h.formVersion(ctx, n.form, n.formVersion)
			out.form = out.form.For(cmp.Or(n.formFor, n.customer))
			return err
		})
	}
	if n.numbers {
		g.Go(func() error {
			f, err := h.numbering.now(ctx, eventschema.NumberingStream(people.NumberingJob))
			out.numbers = f.State
			return err
		})
	}
	if n.matching != uuid.Nil {
		g.Go(func() (err error) {
			out.diaries, out.postcodes, err = h.ways(ctx, n.interpreters, n.matching, n.times)
			return err
		})
	}
	profiles := make([]people.Interpreter, len(n.interpreters))
	for i, id := range n.interpreters {
		g.Go(func() error {
			f, err := h.interpreters.now(ctx, eventschema.InterpreterStream(id))
			profiles[i] = f.State
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return found{}, fmt.Errorf("read what the decision needs: %w", err)
	}
	out.interpreters = make(map[uuid.UUID]people.Interpreter, len(profiles))
	for _, p := range profiles {
		if p.ID != uuid.Nil {
			out.interpreters[p.ID] = p
		}
	}
	return out, nil
}

// formVersion finds a version of a form, 0 for the newest.
func (h *Handler) formVersion(ctx context.Context, id string, version int) (forms.Form, bool, error) {
	stream := eventschema.FormStream(id)
	if version > 0 {
		if f, ok := h.forms.remembered(stream); ok {
			if form, ok := f.State.Version(version); ok {
				return form, true, nil
			}
		}
	}
	f, err := h.forms.now(ctx, stream)
	if err != nil {
		return forms.Form{}, false, err
	}
	form, known := f.State.Newest()
	if version > 0 {
		form, known = f.State.Version(version)
	}
	return form, known, nil
}

// env is what a decider may know.
func (h *Handler) env(r Request, a attempt, f found) booking.Env {
	customer := narrowed(r.Viewer, f.customer)
	e := booking.Env{
		Now: a.at, Actor: r.Viewer.Actor(), NewID: a.newID,
		Form: f.form, Terms: f.terms,
		Agency: f.agency.Settings, AgencyVersion: f.agency.Version,
		Customer: f.customer.Settings, CustomerZone: f.customer.TimeZone,
		Candidates: make(map[uuid.UUID]booking.Candidate, len(f.interpreters)),
		Locations:  customer.Locations, Clients: customer.Clients,
		Geography: booking.Geography{Locations: f.customer.Locations, Postcodes: f.postcodes},
		Days:      recurrence.Days,
		Knows: func(s booking.State, j booking.Job) bool {
			return access.Relate(r.Viewer, s.Facts(j)) != access.None
		},
	}
	for id, p := range f.customer.Locations {
		if p.Nation != "" {
			if e.Nations == nil {
				e.Nations = map[uuid.UUID]string{}
			}
			e.Nations[id] = p.Nation
		}
	}
	for id, p := range f.interpreters {
		e.Candidates[id] = workerOf(p, f.diaries[id], f.postcodes)
	}
	return e
}

// lookToBook reads what booking needs: the customer, the newest version of the form, the agency's settings, where numbers stand.
func (h *Handler) lookToBook(ctx context.Context, customer uuid.UUID, form string) (found, error) {
	f, err := h.look(ctx, needs{agency: true, customer: customer, form: form, numbers: true})
	if err != nil {
		return found{}, err
	}
	var faults []domain.FieldError
	if !f.customer.Exists() {
		faults = append(faults, domain.FieldError{Location: "body.customer", Message: "Name one of the agency's customers."})
	}
	if !f.formKnown {
		faults = append(faults, domain.FieldError{Location: "body.form", Message: "There is no such form."})
	}
	if len(faults) > 0 {
		return found{}, domain.Invalid(faults...)
	}
	return f, nil
}

// needsOf tells what the rules of a command look at besides the booking itself.
func needsOf(s booking.State, c booking.Command) needs {
	form := needs{form: s.Form, formVersion: s.FormVersion, formFor: s.Customer}
	switch c := c.(type) {
	case booking.Confirm, booking.Take, booking.LetGo, booking.RevokeOffer, booking.LapseOffer, booking.EndHold, booking.Unassign,
		booking.ProposeEta, booking.AgreeEta, booking.DeclineEta, booking.AcceptTimesheet, booking.DisputeTimesheet,
		booking.PostMessage, booking.LogContact, booking.VoidReservation, booking.ErasePerson:
		return needs{}
	case booking.SendOffer:
		form.agency, form.terms, form.interpreters = true, true, c.Interpreters
		form.match(s, c.Job, c.ProposedStart)
	case booking.AcceptOffer:
		form.agency, form.interpreters = true, []uuid.UUID{c.Interpreter}
		form.match(s, c.Job, c.ProposedStart)
	case booking.CounterOffer:
		return needs{interpreters: []uuid.UUID{c.Interpreter}}
	case booking.SendWave:
		form.agency, form.terms, form.interpreters = true, true, c.Chosen(s)
		form.match(s, c.Job, "")
	case booking.AnswerCounter:
		form.agency, form.interpreters = true, []uuid.UUID{c.Interpreter}
		form.match(s, c.Job, "")
	case booking.DeclineOffer:
		if j, _ := s.Job(c.Job); !named(j, c.Interpreter) {
			return needs{interpreters: []uuid.UUID{c.Interpreter}}
		}
		return needs{}
	case booking.Assign:
		form.agency, form.interpreters = true, []uuid.UUID{c.Interpreter}
		form.match(s, c.Job, "")
	case booking.SubmitTimesheet:
		return needs{terms: len(c.Incidentals) > 0}
	case booking.Close:
		return needs{agency: true, customer: s.Customer, terms: len(c.Incidentals) > 0}
	case booking.Cancel:
		form.agency, form.customer = true, s.Customer
	case booking.MakeRecurring: // it may move the job
		form.agency, form.terms, form.customer, form.numbers, form.interpreters = true, true, s.Customer, true, concerned(s)
	case booking.Continue, booking.FollowUp:
		form.agency, form.terms, form.customer, form.numbers = true, true, s.Customer, true
	case booking.ChangeEta:
		form.agency, form.interpreters = true, assignee(s, c.Job)
		form.match(s, c.Job, c.ETA)
	case booking.Edit:
		form.agency, form.terms, form.customer, form.interpreters = true, true, s.Customer, concerned(s)
		if moves := c.Start != nil || c.Hours != nil || c.Minutes != nil || c.Location != nil || c.Address != nil; moves && len(assignee(s, c.Job)) > 0 {
			form.match(s, c.Job, or(c.Start))
		}
	case booking.Undo:
		form.agency, form.terms, form.interpreters = true, true, beforehand(s)
	default:
		form.agency, form.terms, form.customer = true, true, s.Customer
	}
	return form
}

func or(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// assignee is the interpreter who has a job; none if nobody has.
func assignee(s booking.State, job uuid.UUID) []uuid.UUID {
	if j, _ := s.Job(job); j.Assignment != nil {
		return []uuid.UUID{j.Assignment.Interpreter}
	}
	return nil
}

// concerned are the interpreters to whom an edit of a booking may matter: their offers are sent again, or the job is theirs.
func concerned(s booking.State) []uuid.UUID {
	var ids []uuid.UUID
	for _, j := range s.Jobs {
		if j.Status == domain.Assigned {
			ids = append(ids, j.Assignment.Interpreter)
		}
		for _, o := range j.Offers {
			if o.State == booking.Open || o.State == booking.Accepted {
				ids = append(ids, o.Interpreter)
			}
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// beforehand are the interpreters to whom it may matter that a change is taken back: as the jobs stand, and as they stood.
func beforehand(s booking.State) []uuid.UUID {
	ids := concerned(s)
	for _, u := range s.Undoable {
		ids = append(ids, concerned(booking.State{Jobs: u.Before})...)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

func named(j booking.Job, interpreter uuid.UUID) bool {
	_, ok := j.Offering(interpreter)
	return ok
}
