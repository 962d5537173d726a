package commands

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/notes"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Preview is what a command would do to each job, decided as the command itself is, with nothing written and nothing drawn (D-10, N-06). It
// comes in the place of an error, so that nothing of a command that follows its append can happen.
type Preview struct {
	// Token stands for all that the decision rests on: the booking, the diaries concerned, settings, the request itself. A command that carries
	// it does what the preview says, or is refused with a new one.
	Token    string
	Changes  []PreviewChange
	Problem  *domain.Refusal // what the command would be refused with as it was sent; nil: it would be accepted
	Warnings []domain.Warning
}

func (*Preview) Error() string { return "this is a preview: nothing was written" }

// What becomes of a job.
const (
	WouldCreate = "created"
	WouldChange = "changed"
	WouldSkip   = "skipped" // it stays as it is, and Why says why
	WouldRefuse = "refused" // and with it the whole command, unless the job is left out
)

// PreviewChange is what would become of one job.
type PreviewChange struct {
	Ref    string // of the job; empty: it is still to be made, or the command is not about jobs
	Result string
	Why    string
	Status domain.Status // afterwards
	Start  domain.Moment // afterwards: the ETA if set, else the requested start
	Clash  *PreviewClash
	Offers []PreviewOffer
	Notes  []string // the activity notes that the viewer will read
}

// PreviewClash is time that the diary would not give. What the interpreter has then is told to staff alone.
type PreviewClash struct {
	LIN        string
	Job        string // that has the time
	Start, End domain.Moment
}

// PreviewOffer is what would become of one interpreter's offer: revoked, sent anew (which revokes the one before), sent, or closed.
type PreviewOffer struct {
	LIN    string
	Result string
	Fee    *domain.Money // of an offer that would be sent, to whoever may see it
}

// What becomes of an offer.
const (
	OfferRevoked = "revoked"
	OfferSent    = "sent"
	OfferResent  = "sent-again"
	OfferClosed  = "closed"
)

// StalePreview refuses a command whose preview is out of date; Now is what it would do as things stand.
type StalePreview struct{ Now *Preview }

func (e *StalePreview) Error() string { return e.refusal().Error() }

// Unwrap is the refusal as the contract writes it.
func (e *StalePreview) Unwrap() error { return e.refusal() }

func (e *StalePreview) refusal() *domain.Refusal {
	return &domain.Refusal{Code: "stale-preview", Status: http.StatusPreconditionFailed,
		Detail: "Something has changed since this was previewed, and nothing was done. Look at what would happen now, then decide."}
}

// noRef stands in previews where a job that is still to be made will be named.
const noRef = "(new)"

// held compares what a command would do now with what its preview said. Faults of what was sent stay what they are; every other refusal was not
// in the preview.
func held[S any](ctx context.Context, h *Handler, st *streams[S], r Request, meta eventschema.Meta, w wish[S], f Folded[S], p plan, err error) error {
	var no *domain.Refusal
	switch {
	case err == nil:
	case errors.As(err, &no) && (no.Status == http.StatusConflict || no.Status == http.StatusUnprocessableEntity && len(no.Errors) == 0):
		change := PreviewChange{Result: WouldRefuse, Why: no.Detail}
		if s, ok := any(f.State).(booking.State); ok {
			if j, there := s.Job(w.about); there {
				change.Ref, change.Status, change.Start = j.Ref, j.Status, j.Begin()
			}
		}
		return &StalePreview{Now: &Preview{Changes: []PreviewChange{change}, Problem: no}}
	default:
		return err
	}
	now, err := foresee(ctx, h, st, r, meta, w, f, p)
	switch {
	case err != nil:
		return err
	case !hmac.Equal([]byte(now.Token), []byte(r.Previewed)):
		return &StalePreview{Now: now}
	case now.Problem != nil:
		return now.Problem
	}
	return nil
}

// foresee tells what a plan would do.
func foresee[S any](ctx context.Context, h *Handler, st *streams[S], r Request, meta eventschema.Meta, w wish[S], f Folded[S], p plan) (*Preview, error) {
	out := &Preview{Warnings: p.warnings}
	var diaries []string
	switch before := any(f.State).(type) {
	case booking.State:
		if !w.create && len(p.events) > 0 { // what could not be stored is refused now, as it would be then
			if _, _, err := st.encode(ctx, w.stream, f, p.events, h.stamped(meta, p.acting, f.LastRecordedAt)); err != nil {
				return nil, err
			}
		}
		clashes, seen, err := h.clashes(ctx, r.Viewer, w.booking, before, p.reserve)
		if err != nil {
			return nil, err
		}
		diaries = append(seen, p.rests...)
		out.Changes = bookingChanges(r.Viewer, before, w.about, p, f.Revision, meta, clashes)
		if len(clashes) > 0 {
			jobs := make([]uuid.UUID, 0, len(clashes))
			for _, want := range p.reserve {
				if _, no := clashes[want.Job]; no {
					jobs = append(jobs, want.Job)
				}
			}
			errors.As(doubleBooked(jobs, func(job uuid.UUID) string { return refOf(before, job) }), &out.Problem)
		}
	default:
		change := PreviewChange{Result: WouldChange}
		switch {
		case len(p.events) == 0:
			change = PreviewChange{Result: WouldSkip, Why: booking.WhyNothing}
		case w.create || w.makes:
			change.Result = WouldCreate
		}
		out.Changes = []PreviewChange{change}
	}
	token, err := h.token(r, w.create, w.stream, w.about, f.Revision, p.env, diaries, out.Changes)
	out.Token = token
	return out, err
}

// token names everything that a decision rests on, so that nobody can make one and nothing can be read from it.
func (h *Handler) token(r Request, create bool, stream string, about uuid.UUID, revision int64, env *booking.Env, diaries []string, changes []PreviewChange) (string, error) {
	if create {
		stream = "" // it derives from the command, and a preview is another
	}
	named, err := json.Marshal(struct {
		User     uuid.UUID
		Name     string
		Asked    []byte
		Stream   string
		About    uuid.UUID
		Revision int64
		Env      *booking.Env
		Diaries  []string
		Changes  []PreviewChange
	}{r.Viewer.User, r.Name, r.Canonical, stream, about, revision, env, diaries, changes})
	if err != nil {
		return "", fmt.Errorf("write down what a preview rests on: %w", err)
	}
	key := hmac.New(sha256.New, h.hashKey)
	key.Write([]byte("preview"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write(named)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// clashes asks the diaries for windows without taking them: the jobs that would not get theirs, and at which revision each diary was read.
func (h *Handler) clashes(ctx context.Context, v access.Viewer, bookingID uuid.UUID, s booking.State, wanted []booking.Reserve) (map[uuid.UUID]*PreviewClash, []string, error) {
	out := map[uuid.UUID]*PreviewClash{}
	var seen []string
	for _, mine := range byWorker(wanted, func(w booking.Reserve) uuid.UUID { return w.Interpreter }) {
		f, err := h.diaries.now(ctx, eventschema.DiaryStream(mine[0].Interpreter))
		if err != nil {
			return nil, nil, fmt.Errorf("look into the diary of %s: %w", mine[0].Interpreter, err)
		}
		seen = append(seen, mine[0].Interpreter.String()+"@"+strconv.FormatInt(f.Revision, 10))
		want, replaced := windows(bookingID, mine)
		_, err = diary.Reserve(f.State, mine[0].Interpreter, want, replaced...)
		var booked *diary.DoubleBooked
		if !errors.As(err, &booked) {
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		for _, c := range booked.Clashes {
			if out[c.Job] != nil {
				continue
			}
			clash := &PreviewClash{}
			if j, there := s.Job(c.Job); there && j.Assignment != nil {
				clash.LIN = j.Assignment.LIN
			}
			if v.Staff() {
				if err := h.occupied(ctx, f.State, want, c, clash); err != nil {
					return nil, nil, err
				}
			}
			out[c.Job] = clash
		}
	}
	return out, seen, nil
}

// occupied names the job that has the time, and its time.
func (h *Handler) occupied(ctx context.Context, s diary.State, wanted []diary.Reservation, c diary.Clash, clash *PreviewClash) error {
	for _, held := range slices.Concat(s.Held, wanted) {
		if held.Job != c.With {
			continue
		}
		f, err := h.bookings.now(ctx, eventschema.BookingStream(held.Booking))
		if err != nil {
			return fmt.Errorf("look for the job that has the time: %w", err)
		}
		other, there := f.State.Job(held.Job)
		if !there {
			return nil
		}
		clash.Job = other.Ref
		zone := other.Schedule.Start.Zone
		if clash.Start, err = domain.MomentAt(held.Start, zone); err == nil {
			clash.End, err = domain.MomentAt(held.End, zone)
		}
		return err
	}
	return nil
}

// bookingChanges are what the events of a plan do to each job that the viewer may know, in the booking's order.
func bookingChanges(v access.Viewer, before booking.State, about uuid.UUID, p plan, revision int64, meta eventschema.Meta, clashes map[uuid.UUID]*PreviewClash) []PreviewChange {
	after, found := before, map[uuid.UUID]*PreviewChange{}
	at := func(job uuid.UUID) *PreviewChange {
		if found[job] == nil {
			found[job] = &PreviewChange{}
		}
		return found[job]
	}
	lins := func(j booking.Job) string {
		if o, ok := j.Offering(v.Interpreter); ok {
			return o.LIN
		}
		if j.Assignment != nil && j.Assignment.Interpreter == v.Interpreter {
			return j.Assignment.LIN
		}
		return ""
	}
	for i, e := range p.events {
		event := e.(booking.Event)
		if c, ok := event.(booking.Continued); ok {
			c.Ref = noRef
			event = c
		}
		then := after
		after = booking.Evolve(after, event, booking.Fact{Revision: uint64(revision + 1 + int64(i)), At: meta.At, Actor: meta.Actor})
		touched := booking.Touches(event)
		if _, all := event.(booking.PersonErased); all {
			for _, j := range after.Jobs {
				touched = append(touched, j.ID)
			}
		}
		for _, id := range touched {
			c, j := at(id), jobIn(after, id)
			c.Result = WouldChange
			if _, there := before.Job(id); !there {
				c.Result = WouldCreate
			}
			c.Offers = append(c.Offers, offersIn(v, before, j, event)...)
		}
		subject := func(id uuid.UUID) (notes.Subject, error) {
			if _, there := before.Job(id); !there {
				return notes.Subject{Ref: noRef, Hours: jobIn(then, id).Timesheet != nil}, nil
			}
			j := jobIn(then, id)
			return notes.Subject{Ref: j.Ref, Hours: j.Timesheet != nil}, nil
		}
		_ = notes.Of(event, subject, func(n notes.Note) { // every event has its notes: a test walks them
			if v.Role != domain.Interpreter || n.LIN != "" && n.LIN == lins(jobIn(after, n.Job)) {
				at(n.Job).Notes = append(at(n.Job).Notes, n.Text)
			}
		})
	}
	for _, s := range p.skipped {
		if c := at(s.Job); c.Result == "" {
			c.Result, c.Why = WouldSkip, s.Why
		}
	}
	if len(p.events) == 0 && about != uuid.Nil {
		if c := at(about); c.Result == "" {
			c.Result, c.Why = WouldSkip, booking.WhyNothing
		}
	}
	var out []PreviewChange
	for _, j := range after.Jobs {
		c := found[j.ID]
		if c == nil {
			continue
		}
		if was, there := before.Job(j.ID); there {
			if access.Relate(v, before.Facts(was)) == access.None {
				continue
			}
			c.Ref = j.Ref
		}
		c.Status, c.Start = j.Status, j.Begin()
		if clash := clashes[j.ID]; clash != nil {
			c.Result, c.Why, c.Clash = WouldRefuse, "The interpreter has another job at that time.", clash
			if clash.LIN == "" && j.Assignment != nil {
				clash.LIN = j.Assignment.LIN
			}
		}
		out = append(out, *c)
	}
	return out
}

func jobIn(s booking.State, id uuid.UUID) booking.Job {
	j, _ := s.Job(id)
	return j
}

// offersIn are what an event does to a job's offers, as far as the viewer may know them.
func offersIn(v access.Viewer, s booking.State, j booking.Job, e booking.Event) []PreviewOffer {
	rel := access.Relate(v, s.Facts(j))
	if was, there := s.Job(j.ID); there {
		rel = access.Relate(v, s.Facts(was))
	}
	all, fee := access.CanSee(v, rel, false, access.Offers), access.CanSee(v, rel, false, access.Fee)
	var out []PreviewOffer
	add := func(o booking.Offered, result string, paid *domain.Money) {
		if !all && (v.Interpreter == uuid.Nil || o.Interpreter != v.Interpreter) {
			return
		}
		if !fee {
			paid = nil
		}
		out = append(out, PreviewOffer{LIN: o.LIN, Result: result, Fee: paid})
	}
	ended := func(list []booking.Offered, result string, sent []booking.Offer) {
		for _, o := range list {
			if !slices.ContainsFunc(sent, func(s booking.Offer) bool { return s.Interpreter == o.Interpreter }) {
				add(o, result, nil)
			}
		}
	}
	fresh := func(list []booking.Offer, revoked []booking.Offered) {
		for _, o := range list {
			result := OfferSent
			if slices.ContainsFunc(revoked, func(r booking.Offered) bool { return r.Interpreter == o.Interpreter }) {
				result = OfferResent
			}
			add(booking.Offered{Interpreter: o.Interpreter, LIN: o.LIN}, result, &o.Fee)
		}
	}
	switch e := e.(type) {
	case booking.Edited:
		for _, c := range e.Jobs {
			if c.Job == j.ID {
				ended(c.Revoked, OfferRevoked, c.Resent)
				fresh(c.Resent, c.Revoked)
			}
		}
	case booking.ChangeUndone:
		for _, u := range e.Jobs {
			if u.Job == j.ID {
				ended(u.Revoked, OfferRevoked, u.Resent)
				fresh(u.Resent, u.Revoked)
			}
		}
	case booking.OfferSent:
		fresh(e.Offers, nil)
	case booking.OfferRevoked:
		add(e.Offered, OfferRevoked, nil)
	case booking.Assigned:
		ended(e.Closed, OfferClosed, nil)
	case booking.Cancelled:
		for _, c := range e.Jobs {
			if c.Job == j.ID {
				ended(c.Closed, OfferClosed, nil)
			}
		}
	}
	return out
}
