package commands

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
)

const (
	// maxTries is how often a command that loses against others is decided again before the caller is asked to come back.
	maxTries = 8
	// stepsTimeout bounds the steps of one try, with what the log tries again. It does not end with the caller's patience.
	stepsTimeout = 40 * time.Second
)

// wish is one command on one stream.
type wish[S any] struct {
	stream string
	// create: the stream's id derives from the command id, so nobody else writes there and nothing need be read before the first try.
	create bool
	// allow refuses whoever may not know the thing (404) or may not do this to it (403).
	allow func(S) error
	// revision is what If-Match is compared with; nil: the stream's own.
	revision func(Folded[S]) uint64
	// decide asks the domain. Each call gets an attempt of its own.
	decide func(ctx context.Context, s S, a attempt) (plan, error)
	// booking is whose windows a plan reserves; zero: the command reserves nothing.
	booking uuid.UUID
	// about is the job, of several in the stream, that the command names; zero: it names none.
	about uuid.UUID
	// ref names a job of the state in a refusal; needed where a plan reserves.
	ref func(S, uuid.UUID) string
	// makes: the command makes something in a stream that is there already.
	makes bool
	// elsewhere refuses a command whose key was used for another stream; nil: the address alone says which stream is meant.
	elsewhere func() error
	// claims tells whether the state holds on to a diary reservation; nil: the stream names none.
	claims func(S, uuid.UUID) bool
}

// attempt is one try to decide a command.
type attempt struct {
	id  uuid.UUID // of this try alone, in whichever process: nobody else makes ids from it
	at  time.Time // business time at which the command was first received
	dry bool      // nothing will be written: draw no numbers and no keys
}

// newID derives ids that belong to this attempt.
func (a attempt) newID(name string) uuid.UUID { return uuid.NewSHA1(a.id, []byte(name)) }

// plan is a decision in the loop's words.
type plan struct {
	events   []any
	reserve  []booking.Reserve
	free     []booking.Reserve // windows that must be free, though none is reserved
	release  []booking.Release
	warnings []domain.Warning
	skipped  []booking.Skip
	env      *booking.Env // what it was decided on besides the stream; nil: nothing
	rests    []string     // what else it was decided on, at its revision
	acting   uuid.UUID    // the interpreter on whose behalf staff act; zero: nobody
}

// result is the answer to an accepted command.
type result[S any] struct {
	folded   Folded[S] // as it stood after the command's last event; as it stands, if there was nothing to do
	position eventschema.Position
	warnings []domain.Warning
	first    int64 // number of the command's first event
}

// carryOut takes one command through: who may (404, 403), repeat, If-Match (412), the rules, the append. A conflict is decided again; attempts
// are how often it was decided.
func carryOut[S any](ctx context.Context, h *Handler, st *streams[S], r Request, w wish[S], attempts *int) (result[S], error) {
	if r.named && r.keyed() {
		done, err := h.keyed.enter(ctx, r.CommandID.String())
		if err != nil {
			return result[S]{}, fmt.Errorf("wait for another command under the same key: %w", err)
		}
		defer done()
		w.elsewhere = func() error { return h.elsewhere(ctx, r, w.stream) }
	}
	leave, err := st.turns.enter(ctx, w.stream)
	if err != nil {
		return result[S]{}, fmt.Errorf("wait for other commands on %s: %w", w.stream, err)
	}
	defer leave()

	f, known := st.remembered(w.stream)
	fresh := false // f is what the stream held after the command came
	look := func(ctx context.Context) (err error) {
		f, err = st.now(ctx, w.stream)
		fresh = true
		return err
	}
	foreseeing := r.Preview || r.Previewed != ""
	switch {
	case known && !foreseeing:
	case w.create:
		f = st.none()
	default:
		if err := look(ctx); err != nil {
			return result[S]{}, err
		}
	}
	meta := h.meta(r)
	for tries := 1; ; {
		began := time.Now()
		*attempts++
		answer, p, err := consider(ctx, st, r, meta, w, f, fresh, foreseeing)
		if r.Preview && (err == nil || fresh || away(err)) {
			if err != nil {
				return result[S]{}, err
			}
			preview, err := foresee(ctx, h, st, r, meta, w, f, p)
			if err != nil {
				return result[S]{}, err
			}
			return result[S]{}, preview
		}
		if _, again := f.seen(r.CommandID); r.Previewed != "" && !again && !errors.Is(err, errLook) {
			if err = held(ctx, h, st, r, meta, w, f, p, err); err == nil && answer == nil {
				// Numbers are drawn only now. What was read for the decision may have moved meanwhile, so the whole is compared again.
				answer, p, err = consider(ctx, st, r, meta, w, f, fresh, false)
				err = held(ctx, h, st, r, meta, w, f, p, err)
			}
		}
		var next Folded[S]
		var proposed []eventschema.Proposed
		if err == nil && answer == nil {
			next, proposed, err = st.encode(ctx, w.stream, f, p.events, h.stamped(meta, p.acting, f.LastRecordedAt))
		}
		// A remembered fold may only lead to an append, and only to the log that it was read from: before anything else, look.
		if !fresh && !away(err) && (err != nil || answer != nil || f.epoch != h.log.Epoch()) {
			if err := look(ctx); err != nil {
				return result[S]{}, err
			}
			continue
		}
		switch {
		case err != nil:
			return result[S]{}, err
		case answer != nil:
			return *answer, nil
		}

		// From here on the caller's hanging up must not tear the steps apart.
		steps, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepsTimeout)
		defer cancel()
		if err := h.reserve(steps, r, w.booking, p.reserve, func(job uuid.UUID) string { return w.ref(f.State, job) }); err != nil {
			// Refused on what a remembered booking wanted: does it still want that? Or the preview found the time free, and it is taken now: then
			// the preview is out of date.
			if away(err) || fresh && (r.Previewed == "" || tries >= maxTries) {
				return result[S]{}, err
			}
			if err := look(steps); err != nil {
				return result[S]{}, err
			}
			tries++
			continue
		}
		appended, err := h.log.Append(steps, w.stream, f.Revision, proposed)
		switch {
		case err == nil:
			done := st.acknowledge(w.stream, next, meta, f.Revision+1, appended)
			at := appended.Position
			if released := h.release(steps, r, p.release); released.After(at) {
				at = released // a query that waits for it sees whose time is free again
			}
			return result[S]{folded: done, position: at, warnings: p.warnings, first: f.Revision + 1}, nil
		case !errors.Is(err, eventschema.ErrConflict):
			st.forget(w.stream) // whether it was written is not known; nor is, then, whether what was reserved is claimed
			return result[S]{}, fmt.Errorf("append %s to %s: %w", r.Name, w.stream, err)
		}
		if err := look(steps); err != nil {
			return result[S]{}, err
		}
		h.release(steps, r, abandoned(p.reserve, f.State, w.claims))
		if tries++; tries > maxTries {
			return result[S]{}, fmt.Errorf("%s on %s lost %d times: %w", r.Name, w.stream, maxTries, eventschema.ErrConflict)
		}
		if err := pause(ctx, tries, time.Since(began)); err != nil {
			return result[S]{}, err
		}
	}
}

// errLook: the answer would not be an append, so a remembered fold is not enough to find it.
var errLook = errors.New("the stream has to be read on first")

// consider judges a command on one fold. A result answers without an append; otherwise the plan says what to append. dry: nothing is drawn.
func consider[S any](ctx context.Context, st *streams[S], r Request, meta eventschema.Meta, w wish[S], f Folded[S], fresh, dry bool) (*result[S], plan, error) {
	if w.allow != nil {
		if err := w.allow(f.State); err != nil {
			return nil, plan{}, err
		}
	}
	if before, ok := f.seen(r.CommandID); ok {
		if !fresh {
			return nil, plan{}, errLook
		}
		if !hmac.Equal(before.Hash, meta.RequestHash) {
			return nil, plan{}, keyReused()
		}
		res, err := repeated(ctx, st, w, f, before)
		return res, plan{}, err
	}
	if w.elsewhere != nil {
		if err := w.elsewhere(); err != nil {
			return nil, plan{}, err
		}
	}
	if r.IfMatch != nil {
		if now := w.revisionOf(f); now != *r.IfMatch {
			if !fresh {
				return nil, plan{}, errLook
			}
			return nil, plan{}, stale(ctx, st, r.Viewer, w, f, *r.IfMatch)
		}
	}
	p, err := w.decide(ctx, f.State, attempt{id: uuid.New(), at: r.At, dry: dry})
	if err == nil && len(p.events) == 0 {
		return &result[S]{folded: f, position: f.Position, warnings: p.warnings}, p, nil // nothing to do
	}
	return nil, p, err
}

func keyReused() error {
	return domain.Unprocessable("idempotency-key-reused", "This idempotency key was used for another request before. Use a new key.")
}

// elsewhere refuses a command that is found in another stream than the one it is for now: the key belongs to what was sent first, for ever.
// Whoever sends both in the same instant through two processes is not found out.
func (h *Handler) elsewhere(ctx context.Context, r Request, stream string) error {
	end, err := h.log.Newest(ctx)
	if err != nil {
		return fmt.Errorf("look for the log's end: %w", err)
	}
	if err := h.refs.Reach(ctx, end); err != nil {
		return fmt.Errorf("wait for what was sent just now: %w", err)
	}
	before, known, err := h.refs.CommandStream(ctx, r.CommandID)
	if err == nil && known && before != stream {
		return keyReused()
	}
	return err
}

func (w wish[S]) revisionOf(f Folded[S]) uint64 {
	if w.revision != nil {
		return w.revision(f)
	}
	return uint64(max(f.Revision, 0))
}

// repeated is the answer that a command got when it was accepted: the stream is folded up to its last event. Warnings are not stored; they
// come from deciding once more on what the command found then.
func repeated[S any](ctx context.Context, st *streams[S], w wish[S], f Folded[S], before repeat) (*result[S], error) {
	found, at := st.none(), time.Time{}
	then, err := st.upTo(ctx, w.stream, before.Last, func(g Folded[S], e eventschema.Recorded) {
		switch {
		case int64(e.Revision) < before.First:
			found = g
			found.State = st.own(g.State)
		case int64(e.Revision) == before.First:
			at = e.Meta.At
		}
	})
	if err != nil {
		return nil, err
	}
	res := &result[S]{folded: then, position: before.Position, first: before.First}
	if p, err := w.decide(ctx, found.State, attempt{id: uuid.New(), at: at, dry: true}); err == nil {
		res.warnings = p.warnings
	}
	return res, nil
}

// untold are commands of which an interpreter learns no other's: who else was asked, and what customer and agency say to each other.
var untold = []string{"take", "release", "send-offer", "send-wave", "revoke-offer", "accept-offer", "decline-offer", "counter-offer", "answer-counter", "lapse-offer", "post-message", "log-contact"}

// stale is the 412 that names what changed since the revision that the sender saw.
func stale[S any](ctx context.Context, st *streams[S], v access.Viewer, w wish[S], f Folded[S], seen uint64) error {
	var changed []domain.Change
	last, before := uuid.Nil, seen
	_, err := st.upTo(ctx, w.stream, f.Revision, func(g Folded[S], e eventschema.Recorded) {
		now := w.revisionOf(g)
		if now > before && e.Meta.CommandID != last && (v.Role != domain.Interpreter || e.Meta.Actor.ID == v.User || !slices.Contains(untold, e.Meta.CommandName)) {
			changed = append(changed, domain.Change{Command: e.Meta.CommandName, Actor: e.Meta.Actor.ID, Role: e.Meta.Actor.Role, At: e.Meta.At})
			last = e.Meta.CommandID
		}
		before = max(before, now)
	})
	if err != nil {
		return err
	}
	return &domain.Refusal{Code: "stale-revision", Status: 412, Detail: "This has changed since you last saw it. Look again, then decide.", Changed: changed}
}

// stamped puts on the events about to be made on whose behalf staff act, and the machine's time, never earlier than the event before them.
func (h *Handler) stamped(m eventschema.Meta, acting uuid.UUID, before time.Time) eventschema.Meta {
	m.Actor.ActingFor = acting
	m.RecordedAt = h.machine().UTC()
	if m.RecordedAt.Before(before) {
		m.RecordedAt = before
	}
	return m
}

// encode makes the bytes of a decision, once, and folds them back from those bytes: what could not be read again is never written.
func (s *streams[S]) encode(ctx context.Context, stream string, f Folded[S], events []any, meta eventschema.Meta) (Folded[S], []eventschema.Proposed, error) {
	proposed := make([]eventschema.Proposed, len(events))
	f.State = s.own(f.State)
	for i, event := range events {
		m := meta
		if e, ok := event.(interface{ BySystem() bool }); ok && e.BySystem() {
			m.Actor = systemViewer().Actor() // what followed by itself nobody did
		}
		p, err := s.codec.Encode(ctx, stream, event, m, i)
		if errors.Is(err, eventschema.ErrUnstorable) {
			return f, nil, domain.Invalid(domain.FieldError{Location: "body", Message: "A text contains characters that cannot be stored."})
		}
		if err != nil {
			return f, nil, fmt.Errorf("encode %T for %s: %w", event, stream, err)
		}
		stored := eventschema.Stored{Stream: stream, Revision: uint64(f.Revision + 1), ID: p.ID, Type: p.Type, Data: p.Data, Metadata: p.Metadata}
		e, err := s.decode(ctx, stored)
		if err != nil {
			return f, nil, fmt.Errorf("read back what would be written to %s: %w", stream, err)
		}
		f = f.after(e, s.evolve)
		proposed[i] = p
	}
	if eventschema.Size(proposed) > eventschema.MaxAppend {
		return f, nil, domain.Unprocessable("too-large", "This changes more at once than can be stored in one step. Leave some jobs out, or shorten the texts.")
	}
	return f, proposed, nil
}

// acknowledge remembers what the log has taken.
func (s *streams[S]) acknowledge(stream string, f Folded[S], meta eventschema.Meta, first int64, a eventschema.Appended) Folded[S] {
	f.Position = a.Position
	f.Repeats.mu.Lock()
	f.Repeats.byID[meta.CommandID] = repeat{First: first, Last: f.Revision, Hash: meta.RequestHash, Position: a.Position}
	f.Repeats.mu.Unlock()
	s.remember(stream, f)
	return f
}

// abandoned are the reservations of an attempt that the booking does not hold on to.
func abandoned[S any](reserved []booking.Reserve, s S, claims func(S, uuid.UUID) bool) []booking.Release {
	var give []booking.Release
	for _, r := range reserved {
		if claims == nil || !claims(s, r.ID) {
			give = append(give, booking.Release{Interpreter: r.Interpreter, Reservation: r.ID, Why: "refused"})
		}
	}
	return give
}

// away tells whether an error says nothing about the rules, so that looking again would not help.
func away(err error) bool {
	return errors.Is(err, eventschema.ErrUnavailable) || errors.Is(err, eventschema.ErrBehind) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// pause waits a while before a try is repeated: longer each time, in proportion to how long a try takes here and now, and never equally
// long, so that rivals do not meet again.
func pause(ctx context.Context, try int, took time.Duration) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(min(max(took, time.Millisecond), 50*time.Millisecond)) << min(try, 4))))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// complain logs what a later repair will put right; detail is a constant text.
func (h *Handler) complain(ctx context.Context, detail string, r Request, err error) {
	h.logger.WarnContext(ctx, "a command left something to be repaired", slog.String("detail", detail), slog.String("command", r.Name), slog.String("correlation", r.Correlation.String()), slog.Any("cause", err))
}
