package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
)

type jobAnswer struct {
	Job      string         `json:"job"`
	Status   domain.Status  `json:"status"`
	Outcome  domain.Outcome `json:"outcome,omitempty"`
	Revision uint64         `json:"revision"`
	// UndoUntil comes with edits and cancellations of related jobs.
	UndoUntil *time.Time       `json:"undoUntil,omitempty" doc:"Until then the change can be taken back with undo, by who made it."`
	Warnings  []domain.Warning `json:"warnings,omitempty"`
}

type newJobAnswer struct {
	ID       uuid.UUID     `json:"id"`
	Ref      string        `json:"ref"`
	Status   domain.Status `json:"status"`
	Revision uint64        `json:"revision"`
}

type bookingAnswer struct {
	BookingID  uuid.UUID        `json:"bookingId"`
	BookingRef string           `json:"bookingRef"`
	Jobs       []newJobAnswer   `json:"jobs"`
	Revision   uint64           `json:"revision"`
	Warnings   []domain.Warning `json:"warnings,omitempty"`
}

// someTime is an instant that may not be there.
func someTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func bookingAnswerOf(b commands.BookingAnswer) bookingAnswer {
	out := bookingAnswer{BookingID: b.BookingID, BookingRef: b.BookingRef, Revision: b.Revision, Warnings: b.Warnings}
	for _, j := range b.Jobs {
		out.Jobs = append(out.Jobs, newJobAnswer{j.ID, j.Ref, j.Status, j.Revision})
	}
	return out
}

// onJob registers POST /jobs/{ref}/{name}: it parses, and leaves every decision to the command.
func onJob[B any](a *API, name, summary string, build func(v access.Viewer, job uuid.UUID, body B) (booking.Command, error)) {
	op := a.operation(http.MethodPost, "/jobs/{ref}/"+name, summary, http.StatusOK)
	huma.Register(a.huma, a.mayOnJob(op, name), func(ctx context.Context, in *jobOrder[B]) (*commandAnswer[jobAnswer], error) {
		req, err := a.request(ctx, name, in.Ordering, in.RawBody)
		if err != nil {
			return nil, a.wrong(ctx, err)
		}
		done, err := a.commands.Job(ctx, req, in.Ref, func(job booking.Job) (booking.Command, error) {
			return build(viewer(ctx), job.ID, in.Body)
		})
		if err != nil {
			return nil, a.answerTo(ctx, err)
		}
		return positioned(done.Position, &done.Revision, jobAnswer{done.Job, done.Status, done.Outcome, done.Revision, someTime(done.UndoUntil), done.Warnings}), nil
	})
}

func (a *API) jobCommands() {
	onJob(a, "confirm", "Take up a request: the job is new (ES-20)", func(_ access.Viewer, job uuid.UUID, _ noBody) (booking.Command, error) {
		return booking.Confirm{Job: job}, nil
	})
	onJob(a, "take", "An assigner works on the job (LL-67)", func(_ access.Viewer, job uuid.UUID, _ noBody) (booking.Command, error) {
		return booking.Take{Job: job}, nil
	})
	onJob(a, "release", "Nobody works on the job any more", func(_ access.Viewer, job uuid.UUID, _ noBody) (booking.Command, error) {
		return booking.LetGo{Job: job}, nil
	})
	onJob(a, "send-offer", "Offer the job to interpreters (LL-90)", func(_ access.Viewer, job uuid.UUID, b sendOfferBody) (booking.Command, error) {
		who, err := interpreters(b.Interpreters)
		return booking.SendOffer{Job: job, Interpreters: who, ExpiresAt: b.ExpiresAt, ProposedStart: b.ProposedStart, Override: b.Override}, err
	})
	onJob(a, "revoke-offer", "Take an offer back (LL-91)", func(_ access.Viewer, job uuid.UUID, b interpreterBody) (booking.Command, error) {
		who, err := interpreter(b.Interpreter, "body.interpreter")
		return booking.RevokeOffer{Job: job, Interpreter: who}, err
	})
	onJob(a, "accept-offer", "Accept: this holds the job (D-23, D-18)", func(v access.Viewer, job uuid.UUID, b answerOfferBody) (booking.Command, error) {
		who, err := self(v, b.Interpreter)
		return booking.AcceptOffer{Job: job, Interpreter: who, ByStaff: v.Staff(), ProposedStart: b.ProposedStart, Reason: b.Reason}, err
	})
	onJob(a, "decline-offer", "Decline", func(v access.Viewer, job uuid.UUID, b answerOfferBody) (booking.Command, error) {
		who, err := self(v, b.Interpreter)
		return booking.DeclineOffer{Job: job, Interpreter: who, ByStaff: v.Staff(), Reason: b.Reason}, err
	})
	onJob(a, "counter-offer", "Offer to come at another start or for another fee; holds nothing (N-14)", func(v access.Viewer, job uuid.UUID, b counterOfferBody) (booking.Command, error) {
		c := booking.CounterOffer{Job: job, Interpreter: v.Interpreter, ProposedStart: b.ProposedStart, Reason: b.Reason}
		if b.Fee != nil {
			c.Fee = &booking.MoneyIn{Amount: b.Fee.Amount, Currency: b.Fee.Currency}
		}
		return c, nil
	})
	onJob(a, "answer-counter", "Say yes or no to a counter-offer; yes holds the job at its start and fee (N-14)", func(_ access.Viewer, job uuid.UUID, b answerCounterBody) (booking.Command, error) {
		who, err := interpreter(b.Interpreter, "body.interpreter")
		return booking.AnswerCounter{Job: job, Interpreter: who, Accept: b.Accept}, err
	})
	onJob(a, "assign", "Give the job to one interpreter", func(_ access.Viewer, job uuid.UUID, b assignBody) (booking.Command, error) {
		who, err := interpreter(b.Interpreter, "body.interpreter")
		return booking.Assign{Job: job, Interpreter: who, Override: b.Override}, err
	})
	onJob(a, "unassign", "Take the job from its interpreter (LL-92)", func(v access.Viewer, job uuid.UUID, b unassignBody) (booking.Command, error) {
		who, err := self(v, b.Interpreter)
		return booking.Unassign{Job: job, Interpreter: who, Reason: b.Reason}, err
	})
	onJob(a, "propose-eta", "Propose another start (LL-96)", func(_ access.Viewer, job uuid.UUID, b etaBody) (booking.Command, error) {
		return booking.ProposeEta{Job: job, ETA: b.ETA}, nil
	})
	onJob(a, "agree-eta", "Agree to the proposed start", func(_ access.Viewer, job uuid.UUID, _ noBody) (booking.Command, error) {
		return booking.AgreeEta{Job: job}, nil
	})
	onJob(a, "decline-eta", "Decline the proposed start", func(_ access.Viewer, job uuid.UUID, _ noBody) (booking.Command, error) {
		return booking.DeclineEta{Job: job}, nil
	})
	onJob(a, "change-eta", "Record a start that was agreed (LL-87)", func(_ access.Viewer, job uuid.UUID, b changeEtaBody) (booking.Command, error) {
		return booking.ChangeEta{Job: job, ETA: b.ETA, AgreedBy: b.AgreedBy}, nil
	})
	onJob(a, "submit-timesheet", "Say which hours were worked (LL-121..124)", func(v access.Viewer, job uuid.UUID, b submitTimesheetBody) (booking.Command, error) {
		side, err := sideOf(v, b.OnBehalfOf)
		return booking.SubmitTimesheet{Job: job, Side: side, Blocks: blocks(b.Blocks), Incidentals: incidentals(b.Incidentals), Documents: b.Documents}, err
	})
	onJob(a, "accept-timesheet", "Agree to the hours (LL-94)", func(v access.Viewer, job uuid.UUID, b acceptTimesheetBody) (booking.Command, error) {
		side, err := sideOf(v, b.OnBehalfOf)
		return booking.AcceptTimesheet{Job: job, Side: side}, err
	})
	onJob(a, "dispute-timesheet", "Disagree with the hours (LL-94)", func(v access.Viewer, job uuid.UUID, b disputeTimesheetBody) (booking.Command, error) {
		side, err := sideOf(v, b.OnBehalfOf)
		return booking.DisputeTimesheet{Job: job, Side: side, Reason: b.Reason, Blocks: blocks(b.Blocks)}, err
	})
	onJob(a, "close", "End the job with an outcome (II-75..79, D-08)", func(v access.Viewer, job uuid.UUID, b closeBody) (booking.Command, error) {
		side := booking.Side("")
		if !v.Staff() {
			side, _ = sideOf(v, "")
		}
		return booking.Close{Job: job, Side: side, Start: b.Start, End: b.End, Incidentals: incidentals(b.Incidentals), Documents: b.Documents,
			Outcome: domain.Outcome(b.Outcome), Reason: b.Reason}, nil
	})
	onJob(a, "cancel", "The job is not wanted any more (LL-113..115)", func(v access.Viewer, job uuid.UUID, b cancelBody) (booking.Command, error) {
		return booking.Cancel{Job: job, Scope: b.Scope, Except: b.Except, Reason: b.Reason, AuthorisedBy: b.AuthorisedBy, Details: b.Details, ByCustomer: !v.Staff()}, nil
	})
	onJob(a, "edit", "Change values of the job (LL-108)", func(v access.Viewer, job uuid.UUID, b EditBody) (booking.Command, error) {
		return editOf(v, job, b)
	})
	onJob(a, "undo", "Take back an edit or a cancellation of related jobs (N-06)", func(_ access.Viewer, job uuid.UUID, _ noBody) (booking.Command, error) {
		return booking.Undo{Job: job}, nil
	})
	onJob(a, "post-message", "Write in the job's admin thread (LL-97)", func(_ access.Viewer, job uuid.UUID, b messageBody) (booking.Command, error) {
		return booking.PostMessage{Job: job, Text: b.Text}, nil
	})
	onJob(a, "log-contact", "Record that the customer was contacted (LL-60..64)", func(_ access.Viewer, job uuid.UUID, b contactBody) (booking.Command, error) {
		return booking.LogContact{Job: job, Kind: b.Kind, Text: b.Text, NextUpdateMinutes: b.NextUpdateMinutes}, nil
	})

	addsJobs(a, "follow-up", "Make one more job of the same booking (II-51..54)", func(v access.Viewer, job uuid.UUID, b madeFromBody) (booking.Adding, error) {
		values, err := valuesOf(v, job, b.ValuesBody)
		return booking.FollowUp{Job: job, Overrides: values}, err
	})
	addsJobs(a, "make-recurring", "Make further jobs of the same booking on a fixed schedule (II-56..62)", func(v access.Viewer, job uuid.UUID, b recurringBody) (booking.Adding, error) {
		fields, faults := fieldTexts(b.Fields)
		if len(faults) > 0 {
			return nil, domain.Invalid(faults...)
		}
		return booking.MakeRecurring{Job: job, Frequency: b.Frequency, Interval: b.Interval, Weekdays: b.Weekdays, StartsOn: b.StartsOn, Occurrences: b.Occurrences,
			Until: b.Until, Except: b.Except, Acknowledged: b.Acknowledged, Fields: fields, ByCustomer: !v.Staff()}, nil
	})
	addsJobs(a, "continue", "Put hours after a long break into a job of their own (LL-124)", func(v access.Viewer, job uuid.UUID, b continueBody) (booking.Adding, error) {
		edit, err := editOf(v, job, b.EditBody)
		return booking.Continue{Job: job, Blocks: blocks(b.Blocks), Side: booking.CustomerSide, Overrides: edit}, err
	})

	op := a.operation(http.MethodPost, "/jobs/{ref}/duplicate", "Make a booking of its own from the job (II-63..65, LL-111)", http.StatusCreated)
	huma.Register(a.huma, a.mayOnJob(op, "duplicate"), func(ctx context.Context, in *jobOrder[madeFromBody]) (*commandAnswer[bookingAnswer], error) {
		req, err := a.request(ctx, "duplicate", in.Ordering, in.RawBody)
		if err != nil {
			return nil, a.wrong(ctx, err)
		}
		done, err := a.commands.Duplicate(ctx, req, in.Ref, func(original booking.Job) (booking.Duplicate, error) {
			values, err := valuesOf(viewer(ctx), original.ID, in.Body.ValuesBody)
			return booking.Duplicate{Overrides: values}, err
		})
		if err != nil {
			return nil, a.answerTo(ctx, err)
		}
		return positioned(done.Position, &done.Revision, bookingAnswerOf(done)), nil
	})
}

// addsJobs registers POST /jobs/{ref}/{name} for a command that makes further jobs of the booking.
func addsJobs[B any](a *API, name, summary string, build func(v access.Viewer, job uuid.UUID, body B) (booking.Adding, error)) {
	op := a.operation(http.MethodPost, "/jobs/{ref}/"+name, summary, http.StatusCreated)
	huma.Register(a.huma, a.mayOnJob(op, name), func(ctx context.Context, in *jobOrder[B]) (*commandAnswer[bookingAnswer], error) {
		req, err := a.request(ctx, name, in.Ordering, in.RawBody)
		if err != nil {
			return nil, a.wrong(ctx, err)
		}
		done, err := a.commands.AddJobs(ctx, req, in.Ref, func(job booking.Job) (booking.Adding, error) {
			return build(viewer(ctx), job.ID, in.Body)
		})
		if err != nil {
			return nil, a.answerTo(ctx, err)
		}
		return positioned(done.Position, &done.Revision, bookingAnswerOf(done)), nil
	})
}

// interpreter reads a LIN or an id. A LIN leads to its id without asking anyone; whether there is such an interpreter the command says.
func interpreter(s, location string) (uuid.UUID, error) {
	if s == "" {
		return uuid.Nil, domain.Invalid(domain.FieldError{Location: location, Message: "Name the interpreter by LIN or id."})
	}
	if id, err := uuid.Parse(s); err == nil {
		return id, nil
	}
	return domain.InterpreterID(s), nil
}

func interpreters(in []string) ([]uuid.UUID, error) {
	out := make([]uuid.UUID, 0, len(in))
	for _, s := range in {
		id, err := interpreter(s, "body.interpreters")
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// self is the interpreter who asks, or for staff the one named.
func self(v access.Viewer, named string) (uuid.UUID, error) {
	if v.Role != domain.Interpreter {
		return interpreter(named, "body.interpreter")
	}
	if named != "" {
		if id, err := interpreter(named, "body.interpreter"); err != nil || id != v.Interpreter {
			return uuid.Nil, domain.Forbidden("not-permitted", "You can answer only for yourself. Contact the agency.")
		}
	}
	return v.Interpreter, nil
}

// sideOf is the side that the caller speaks for; staff say which.
func sideOf(v access.Viewer, onBehalfOf string) (booking.Side, error) {
	switch {
	case v.Role == domain.Interpreter:
		return booking.InterpreterSide, nil
	case v.OfCustomer():
		return booking.CustomerSide, nil
	case onBehalfOf == "customer" || onBehalfOf == "interpreter":
		return booking.Side(onBehalfOf), nil
	}
	return "", domain.Invalid(domain.FieldError{Location: "body.onBehalfOf", Message: "Say for whom: customer or interpreter."})
}

func blocks(in []blockBody) []booking.BlockIn {
	out := make([]booking.BlockIn, 0, len(in))
	for _, b := range in {
		out = append(out, booking.BlockIn{Start: b.Start, End: b.End})
	}
	return out
}

func incidentals(in []incidentalBody) []booking.IncidentalIn {
	out := make([]booking.IncidentalIn, 0, len(in))
	for _, i := range in {
		line := booking.IncidentalIn{Kind: i.Kind, Quantity: i.Quantity, Note: i.Note}
		if i.Amount != nil {
			line.Amount = &booking.MoneyIn{Amount: i.Amount.Amount, Currency: i.Amount.Currency}
		}
		out = append(out, line)
	}
	return out
}

func addressOf(b *addressBody) *booking.Address {
	if b == nil {
		return nil
	}
	return &booking.Address{Line1: domain.Personal(b.Line1), Line2: domain.Personal(b.Line2), Town: b.Town,
		Postcode: domain.Personal(b.Postcode), Outward: outward(b.Postcode)}
}

func editOf(v access.Viewer, job uuid.UUID, b EditBody) (booking.Edit, error) {
	e, err := valuesOf(v, job, b.ValuesBody)
	e.Scope, e.Except = b.Scope, b.Except
	return e, err
}

// valuesOf reads what was sent of a job's values.
func valuesOf(v access.Viewer, job uuid.UUID, b ValuesBody) (booking.Edit, error) {
	fields, faults := fieldTexts(b.Fields)
	e := booking.Edit{Job: job, Address: addressOf(b.Address), BillTo: b.BillTo, Language: b.Language,
		Alternatives: b.AlternativeLanguages, ServiceType: b.ServiceType, Start: b.Start, TimeZone: b.TimeZone, ByCustomer: !v.Staff()}
	if len(fields) > 0 {
		e.Fields = fields
	}
	if b.Duration != nil {
		e.Hours, e.Minutes = b.Duration.Hours, b.Duration.Minutes
	}
	e.Client = optionalID(b.Client, "body.client", &faults)
	e.Location = optionalID(b.Location, "body.location", &faults)
	if len(faults) > 0 {
		return e, domain.Invalid(faults...)
	}
	return e, nil
}

func optionalID(s *string, location string, faults *[]domain.FieldError) *uuid.UUID {
	if s == nil {
		return nil
	}
	if *s == "" {
		return &uuid.Nil
	}
	id, err := uuid.Parse(*s)
	if err != nil {
		*faults = append(*faults, domain.FieldError{Location: location, Message: "Send an id."})
		return nil
	}
	return &id
}
