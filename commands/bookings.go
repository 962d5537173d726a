package commands

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// BookingAnswer is what POST /bookings and the commands that make further jobs answer.
type BookingAnswer struct {
	BookingID  uuid.UUID
	BookingRef string
	Jobs       []JobMade // the jobs that this command made
	Revision   uint64
	Position   eventschema.Position
	Warnings   []domain.Warning
}

// JobMade is a job that a command made.
type JobMade struct {
	ID       uuid.UUID
	Ref      string
	Status   domain.Status
	Revision uint64
}

// JobAnswer is what a command on a job answers: the job as it stands after the command.
type JobAnswer struct {
	Job      string // its reference
	Status   domain.Status
	Outcome  domain.Outcome
	Revision uint64 // the job's: what ETag and If-Match mean
	// UndoUntil is the instant before which the sender may take the change back; zero: there is nothing to undo.
	UndoUntil time.Time
	Position  eventschema.Position
	Warnings  []domain.Warning
}

// decide asks the decider and puts its answer into the loop's words.
func decide(c booking.Command, s booking.State, env booking.Env) (plan, error) {
	d, err := c.Decide(s, env)
	if err != nil {
		return plan{}, err
	}
	p := plan{reserve: d.Reserve, free: d.Free, release: d.Release, warnings: d.Warnings, skipped: d.Skipped, env: &env, events: make([]any, len(d.Events))}
	for i, e := range d.Events {
		p.events[i] = e
	}
	return p, nil
}

// papers are what a new booking is given before it is decided: its references and its personal-data key.
type papers struct {
	key  uuid.UUID
	ref  string
	jobs []string
}

// blank papers let a booking be decided before anything is drawn: one that is refused takes neither numbers nor a key.
func blank(jobs int) papers {
	return papers{key: domain.Namespace, ref: "-", jobs: make([]string, jobs)}
}

func (p papers) fill(c booking.Create) booking.Create {
	c.Key, c.Ref, c.JobRefs = p.key, p.ref, p.jobs
	return c
}

// draw takes numbers for a booking's jobs, and a key. A booking is called after its first job's number, which no other booking has.
func (h *Handler) draw(ctx context.Context, now people.Numbering, prefix string, jobs int) (papers, error) {
	drawn, err := h.drawNumbers(ctx, now, jobs)
	if err != nil {
		return papers{}, err
	}
	p := papers{ref: bookingPrefix + strconv.FormatInt(drawn[0], 10), jobs: refsOf(prefix, drawn)}
	if p.key, err = h.keys.Draw(ctx); err != nil {
		return papers{}, fmt.Errorf("draw a personal-data key: %w", err)
	}
	return p, nil
}

// bookingPrefix starts every Booking #; forms' prefixes start Job #s (D-12).
const bookingPrefix = "BK"

// CreateBooking books: one booking with its jobs, on the newest version of the form, under references drawn from the number series. Its id
// derives from the command's.
func (h *Handler) CreateBooking(ctx context.Context, r Request, form string, c booking.Create) (BookingAnswer, error) {
	r = h.ready(r)
	c.Booking = derived("booking", r.CommandID.String())
	jobs := max(c.Interpreters, 1)
	var drawn *papers
	res, err := execute(ctx, h, h.bookings, r, wish[booking.State]{
		stream:  eventschema.BookingStream(c.Booking),
		create:  true,
		booking: c.Booking,
		allow:   func(booking.State) error { return mayCreate(r.Viewer, c.Customer) },
		claims:  claims,
		ref:     refOf,
		decide: func(ctx context.Context, s booking.State, a attempt) (plan, error) {
			f, err := h.lookToBook(ctx, c.Customer, form)
			if err != nil {
				return plan{}, err
			}
			env := h.env(r, a, f)
			if drawn == nil {
				p, err := decide(blank(jobs).fill(c), s, env)
				if err != nil || a.dry {
					return p, err
				}
				given, err := h.draw(ctx, f.numbers, env.Form.Prefix, jobs)
				if err != nil {
					return plan{}, err
				}
				drawn = &given
			}
			return decide(drawn.fill(c), s, env)
		},
	})
	if err != nil {
		return BookingAnswer{}, err
	}
	return h.bookingAnswer(res, res.folded.State.Jobs), nil
}

// Booked is the booking that a request to create one has made; false: none, or not yet.
func (h *Handler) Booked(ctx context.Context, r Request) (BookingAnswer, bool, error) {
	f, err := h.bookings.now(ctx, eventschema.BookingStream(derived("booking", r.CommandID.String())))
	if err != nil {
		return BookingAnswer{}, false, fmt.Errorf("look for the booking of a request: %w", err)
	}
	made, ok := f.seen(r.CommandID)
	if !ok {
		return BookingAnswer{}, false, nil
	}
	return h.bookingAnswer(result[booking.State]{folded: f, position: made.Position}, f.State.Jobs), true, nil
}

func (h *Handler) bookingAnswer(res result[booking.State], jobs []booking.Job) BookingAnswer {
	s := res.folded.State
	a := BookingAnswer{BookingID: s.ID, BookingRef: s.Ref, Revision: uint64(res.folded.Revision), Position: res.position, Warnings: res.warnings}
	for _, j := range jobs {
		a.Jobs = append(a.Jobs, JobMade{j.ID, j.Ref, j.Status, j.Revision})
		h.made.jobs.Add(j.Ref, target{s.ID, j.ID})
	}
	return a
}

// Job carries out one command on a job. build makes it from the job as it stands; it is called again for every try.
func (h *Handler) Job(ctx context.Context, r Request, ref string, build func(booking.Job) (booking.Command, error)) (JobAnswer, error) {
	r = h.ready(r)
	res, id, err := h.onJob(ctx, r, ref, func(ctx context.Context, s booking.State, j booking.Job, a attempt) (plan, error) {
		c, err := build(j)
		if err != nil {
			return plan{}, err
		}
		if c.Name() != r.Name {
			return plan{}, fmt.Errorf("the request is to %s, the command is to %s: what was permitted is not what would be done", r.Name, c.Name())
		}
		f, err := h.look(ctx, needsOf(s, c))
		if err != nil {
			return plan{}, err
		}
		env := h.env(r, a, f)
		env.Actor.ActingFor = actingFor(r.Viewer, j, c)
		if accept, ok := c.(booking.AcceptOffer); ok {
			r.accepts = accept.Interpreter
		}
		if !a.dry {
			c = h.searched(ctx, c, s, a)
		}
		p, err := decide(c, s, env)
		if err == nil {
			err = h.free(ctx, s, p.free)
		}
		p.acting = env.Actor.ActingFor
		return p, err
	})
	if err != nil {
		return JobAnswer{}, err
	}
	j, _ := res.folded.State.Job(taken(r, res.folded.State, id))
	return JobAnswer{Job: j.Ref, Status: j.Status, Outcome: j.Outcome, Revision: j.Revision, UndoUntil: undoUntil(r, res.folded.State, id),
		Position: res.position, Warnings: res.warnings}, nil
}

// taken is the job that a command was about in the end: an acceptance of a team's offer takes the lowest place that is free.
func taken(r Request, s booking.State, named uuid.UUID) uuid.UUID {
	if r.Name != (booking.AcceptOffer{}).Name() {
		return named
	}
	return s.Accepted(named, r.accepts)
}

// undoUntil is until when what a command has just done may be taken back.
func undoUntil(r Request, s booking.State, job uuid.UUID) time.Time {
	if r.Name == (booking.Edit{}).Name() || r.Name == (booking.Cancel{}).Name() {
		return s.UndoUntil(job)
	}
	return time.Time{}
}

// actingFor is the interpreter on whose behalf staff send a command; zero: none.
func actingFor(v access.Viewer, j booking.Job, c booking.Command) uuid.UUID {
	if !v.Staff() || v.Role == domain.System {
		return uuid.Nil
	}
	side := booking.CustomerSide
	switch c := c.(type) {
	case booking.AcceptOffer:
		return c.Interpreter
	case booking.DeclineOffer:
		return c.Interpreter
	case booking.SubmitTimesheet:
		side = c.Side
	case booking.AcceptTimesheet:
		side = c.Side
	case booking.DisputeTimesheet:
		side = c.Side
	}
	if side == booking.InterpreterSide && j.Assignment != nil {
		return j.Assignment.Interpreter
	}
	return uuid.Nil
}

// Continue puts the hours after a long break into a job of their own (LL-124), under a number of its own.
func (h *Handler) Continue(ctx context.Context, r Request, ref string, build func(booking.Job) (booking.Continue, error)) (BookingAnswer, error) {
	return h.AddJobs(ctx, r, ref, func(j booking.Job) (booking.Adding, error) { return build(j) })
}

// AddJobs carries out a command that makes further jobs of a job's booking: all of them or none, under references drawn once it is known how many.
func (h *Handler) AddJobs(ctx context.Context, r Request, ref string, build func(booking.Job) (booking.Adding, error)) (BookingAnswer, error) {
	r = h.ready(r)
	var drawn []string
	res, id, err := h.onJob(ctx, r, ref, func(ctx context.Context, s booking.State, j booking.Job, a attempt) (plan, error) {
		c, err := build(j)
		if err != nil {
			return plan{}, err
		}
		if c.Name() != r.Name {
			return plan{}, fmt.Errorf("the request is to %s, the command is to %s: what was permitted is not what would be done", r.Name, c.Name())
		}
		f, err := h.look(ctx, needsOf(s, c))
		if err != nil {
			return plan{}, err
		}
		env := h.env(r, a, f)
		p, err := decide(c, s, env)
		if err == nil && edits(p) {
			err = access.May(r.Viewer, access.Relate(r.Viewer, s.Facts(j)), "edit")
		}
		jobs := adds(p)
		if err != nil || a.dry || jobs == 0 {
			return p, err
		}
		if more := jobs - len(drawn); more > 0 {
			numbers, err := h.drawNumbers(ctx, f.numbers, more)
			if err != nil {
				return plan{}, err
			}
			drawn = append(drawn, refsOf(env.Form.Prefix, numbers)...)
		}
		return decide(c.Numbered(drawn[:jobs]), s, env)
	})
	if err != nil {
		return BookingAnswer{}, err
	}
	var made []booking.Job
	for _, j := range res.folded.State.Jobs {
		if j.From == id && int64(j.Revision) >= res.first { // the fold ends with this command
			made = append(made, j)
		}
	}
	return h.bookingAnswer(res, made), nil
}

// adds is how many jobs a plan makes.
func adds(p plan) (jobs int) {
	for _, e := range p.events {
		if _, ok := e.(booking.JobAdded); ok {
			jobs++
		}
	}
	return jobs
}

// edits tells whether a plan changes a job that is there already.
func edits(p plan) bool {
	for _, e := range p.events {
		if _, ok := e.(booking.Edited); ok {
			return true
		}
	}
	return false
}

func refsOf(prefix string, numbers []int64) []string {
	refs := make([]string, len(numbers))
	for i, n := range numbers {
		refs[i] = prefix + strconv.FormatInt(n, 10)
	}
	return refs
}

// Duplicate makes a booking of its own from a job of another one, on the newest version of its form (II-63, LL-111). If-Match means the original.
func (h *Handler) Duplicate(ctx context.Context, r Request, ref string, build func(booking.Job) (booking.Duplicate, error)) (BookingAnswer, error) {
	r = h.ready(r)
	o, err := h.original(ctx, r, ref)
	if err != nil {
		return BookingAnswer{}, err
	}
	id := derived("booking", r.CommandID.String())
	var drawn *papers
	anew := r
	anew.IfMatch = nil // a new booking has no revision
	res, err := execute(ctx, h, h.bookings, anew, wish[booking.State]{
		stream:  eventschema.BookingStream(id),
		create:  true,
		booking: id,
		claims:  claims,
		ref:     refOf,
		decide: func(ctx context.Context, s booking.State, a attempt) (plan, error) {
			if err := o.unchanged(ctx, h, r); err != nil {
				return plan{}, err
			}
			c, err := build(o.job)
			if err != nil {
				return plan{}, err
			}
			f, err := h.lookToBook(ctx, o.folded.State.Customer, o.folded.State.Form)
			if err != nil {
				return plan{}, err
			}
			env := h.env(r, a, f)
			c.Booking, c.Original, c.Customer = id, o.job, o.folded.State.Customer
			if drawn == nil {
				c.Key, c.Ref, c.JobRefs = domain.Namespace, "-", blank(1).jobs
				p, err := decide(c, s, env)
				if p.rests = o.at(); err != nil || a.dry {
					return p, err
				}
				given, err := h.draw(ctx, f.numbers, env.Form.Prefix, 1)
				if err != nil {
					return plan{}, err
				}
				drawn = &given
			}
			c.Key, c.Ref, c.JobRefs = drawn.key, drawn.ref, drawn.jobs
			p, err := decide(c, s, env)
			p.rests = o.at()
			return p, err
		},
	})
	if err != nil {
		return BookingAnswer{}, err
	}
	return h.bookingAnswer(res, res.folded.State.Jobs), nil
}

// original is a job that a booking of its own is made from, as it stood when the command came.
type original struct {
	folded Folded[booking.State]
	job    booking.Job
}

// original reads the job that a reference names, for a command that writes elsewhere, and asks whether the sender may send it.
func (h *Handler) original(ctx context.Context, r Request, ref string) (original, error) {
	t, err := h.find(ctx, ref)
	if err != nil {
		return original{}, err
	}
	f, err := h.bookings.now(ctx, eventschema.BookingStream(t.booking))
	if err != nil {
		return original{}, err
	}
	j, ok := f.State.Job(t.job)
	if !ok {
		h.made.jobs.Remove(ref) // of another log: it is looked for anew next time
		return original{}, unknown()
	}
	return original{f, j}, mayOnJob(r, f.State, j)
}

// at names the original at its revision.
func (o original) at() []string { return []string{fmt.Sprintf("%s@%d", o.job.ID, o.job.Revision)} }

// unchanged compares the original with the revision that the sender saw.
func (o original) unchanged(ctx context.Context, h *Handler, r Request) error {
	if r.IfMatch == nil || *r.IfMatch == o.job.Revision {
		return nil
	}
	return stale(ctx, h.bookings, r.Viewer, wish[booking.State]{
		stream: eventschema.BookingStream(o.folded.State.ID),
		revision: func(f Folded[booking.State]) uint64 {
			j, _ := f.State.Job(o.job.ID)
			return j.Revision
		},
	}, o.folded, *r.IfMatch)
}

// onJob carries out a command on the job that a reference names.
func (h *Handler) onJob(ctx context.Context, r Request, ref string,
	decide func(context.Context, booking.State, booking.Job, attempt) (plan, error)) (result[booking.State], uuid.UUID, error) {
	t, err := h.find(ctx, ref)
	if err != nil {
		return result[booking.State]{}, uuid.Nil, err
	}
	res, err := execute(ctx, h, h.bookings, r, wish[booking.State]{
		stream:  eventschema.BookingStream(t.booking),
		booking: t.booking,
		about:   t.job,
		claims:  claims,
		ref:     refOf,
		allow: func(s booking.State) error {
			j, ok := s.Job(t.job)
			if !ok {
				h.made.jobs.Remove(ref) // of another log: it is looked for anew next time
				return unknown()
			}
			return mayOnJob(r, s, j)
		},
		revision: func(f Folded[booking.State]) uint64 {
			j, _ := f.State.Job(t.job)
			return j.Revision
		},
		decide: func(ctx context.Context, s booking.State, a attempt) (plan, error) {
			j, _ := s.Job(t.job)
			return decide(ctx, s, j, a)
		},
	})
	return res, t.job, err
}

// refOf names a job in a refusal, if the booking has more than one.
func refOf(s booking.State, job uuid.UUID) string {
	if len(s.Jobs) < 2 {
		return ""
	}
	j, _ := s.Job(job)
	return j.Ref
}

// claims tells whether the booking counts on a reservation. A complete job has let go of its own.
func claims(s booking.State, reservation uuid.UUID) bool {
	for _, j := range s.Jobs {
		if j.Status != domain.Complete && j.Assignment != nil && j.Assignment.Reservation == reservation {
			return true
		}
	}
	return false
}
