package commands

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// span is a time in which a diary matters, half-open.
type span struct {
	from, to    time.Time
	early, late time.Time // in which other jobs may be neighbours
}

func spans(jobs ...matching.Job) []span {
	all := make([]span, 0, len(jobs))
	for _, j := range jobs {
		from, to := matching.Horizon(j)
		early, late := matching.Near(j)
		all = append(all, span{from, to, early, late})
	}
	return all
}

// match asks for what the rules of matching look at before an offer or an assignment: at the job's own start, at those that acceptances of it
// proposed, and at the one that the command proposes.
func (n *needs) match(s booking.State, job uuid.UUID, proposed string) {
	j, ok := s.Job(job)
	if !ok {
		return
	}
	starts := []domain.Moment{j.Begin()}
	for _, o := range j.Offers {
		for _, m := range []*domain.Moment{o.ProposedStart, o.Offer.ProposedStart} {
			if m != nil {
				starts = append(starts, *m)
			}
		}
		if o.Counter != nil && o.Counter.ProposedStart != nil {
			starts = append(starts, *o.Counter.ProposedStart)
		}
	}
	if m, err := domain.ParseMoment(proposed, j.Schedule.Start.Zone); err == nil {
		starts = append(starts, m)
	}
	var jobs []matching.Job
	for _, m := range starts {
		jobs = append(jobs, matching.Job{Start: m, Minutes: j.Schedule.Minutes})
	}
	n.matching, n.times, n.customer = job, spans(jobs...), s.Customer
}

// past reads streams for questions about them: as they stand now, or as they stood.
type past interface {
	diary(ctx context.Context, interpreter uuid.UUID) (diary.State, error)
	booking(ctx context.Context, id uuid.UUID) (booking.State, error)
	customer(ctx context.Context, id uuid.UUID) (people.Customer, error)
	interpreter(ctx context.Context, id uuid.UUID) (people.Interpreter, error)
	agency(ctx context.Context) (people.Agency, error)
	postcodes(ctx context.Context) (people.Postcodes, error)
}

// present is how streams stand now.
type present struct{ h *Handler }

func stateNow[S any](ctx context.Context, s *streams[S], stream string) (S, error) {
	f, err := s.now(ctx, stream)
	return f.State, err
}

func (p present) diary(ctx context.Context, id uuid.UUID) (diary.State, error) {
	return stateNow(ctx, p.h.diaries, eventschema.DiaryStream(id))
}
func (p present) booking(ctx context.Context, id uuid.UUID) (booking.State, error) {
	return stateNow(ctx, p.h.bookings, eventschema.BookingStream(id))
}
func (p present) customer(ctx context.Context, id uuid.UUID) (people.Customer, error) {
	return stateNow(ctx, p.h.customers, eventschema.CustomerStream(id))
}
func (p present) interpreter(ctx context.Context, id uuid.UUID) (people.Interpreter, error) {
	return stateNow(ctx, p.h.interpreters, eventschema.InterpreterStream(id))
}
func (p present) agency(ctx context.Context) (people.Agency, error) {
	return stateNow(ctx, p.h.agency, eventschema.Agency)
}
func (p present) postcodes(ctx context.Context) (people.Postcodes, error) {
	f, err := p.h.postcodes.recent(ctx, eventschema.PostcodeTable, tableAge)
	return f.State, err
}

// tableAge is for how long a process goes on with a postcode table that another one may have replaced: it is long, and the event that holds it would
// be read again before every offer. A trace says which version it used.
const tableAge = time.Minute

// AsOf names a moment of the past: of the business clock, or a position of the log. The zero AsOf is now.
type AsOf struct {
	At       time.Time
	Position eventschema.Position
}

func (a AsOf) isNow() bool { return a.At.IsZero() && a.Position == (eventschema.Position{}) }

// before tells whether an event had happened.
func (a AsOf) before(e eventschema.Recorded) bool {
	if a.At.IsZero() {
		return !e.Position.After(a.Position)
	}
	return !e.Meta.At.After(a.At)
}

// asOf is how streams stood after the last event, in stream order, that had happened.
type asOf struct {
	h  *Handler
	at AsOf
	// last is the business time of the last event folded: what "now" was at a position.
	mu   *sync.Mutex
	last *time.Time
}

func stateAsOf[S any](ctx context.Context, a asOf, s *streams[S], stream string) (S, error) {
	var all []eventschema.Recorded
	last := -1
	err := s.log.ReadStream(ctx, stream, 0, func(e eventschema.Stored) error {
		r, err := s.decode(ctx, e)
		if err != nil {
			return err
		}
		all = append(all, r)
		if a.at.before(r) {
			last = len(all) - 1
		}
		return nil
	})
	f := s.none()
	if err != nil {
		return f.State, fmt.Errorf("read %s as it stood: %w", stream, err)
	}
	for _, e := range all[:last+1] {
		f = f.after(e, s.evolve)
		a.mu.Lock()
		if e.Meta.At.After(*a.last) {
			*a.last = e.Meta.At
		}
		a.mu.Unlock()
	}
	return f.State, nil
}

func (a asOf) diary(ctx context.Context, id uuid.UUID) (diary.State, error) {
	return stateAsOf(ctx, a, a.h.diaries, eventschema.DiaryStream(id))
}
func (a asOf) booking(ctx context.Context, id uuid.UUID) (booking.State, error) {
	return stateAsOf(ctx, a, a.h.bookings, eventschema.BookingStream(id))
}
func (a asOf) customer(ctx context.Context, id uuid.UUID) (people.Customer, error) {
	return stateAsOf(ctx, a, a.h.customers, eventschema.CustomerStream(id))
}
func (a asOf) interpreter(ctx context.Context, id uuid.UUID) (people.Interpreter, error) {
	return stateAsOf(ctx, a, a.h.interpreters, eventschema.InterpreterStream(id))
}
func (a asOf) agency(ctx context.Context) (people.Agency, error) {
	return stateAsOf(ctx, a, a.h.agency, eventschema.Agency)
}
func (a asOf) postcodes(ctx context.Context) (people.Postcodes, error) {
	return stateAsOf(ctx, a, a.h.postcodes, eventschema.PostcodeTable)
}

// ways are what the diaries of interpreters hold at those times, with the places of these jobs, and the postcode table.
func (h *Handler) ways(ctx context.Context, interpreters []uuid.UUID, job uuid.UUID, at []span) (map[uuid.UUID][]matching.Entry, people.Postcodes, error) {
	return waysFrom(ctx, present{h}, interpreters, job, at)
}

func waysFrom(ctx context.Context, from past, interpreters []uuid.UUID, job uuid.UUID, at []span) (map[uuid.UUID][]matching.Entry, people.Postcodes, error) {
	table, err := from.postcodes(ctx)
	if err != nil {
		return nil, table, err
	}
	all := make([][]matching.Entry, len(interpreters))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsAtOnce)
	for i, id := range interpreters {
		g.Go(func() (err error) {
			all[i], err = entries(ctx, from, id, job, at, table)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, table, err
	}
	out := make(map[uuid.UUID][]matching.Entry, len(interpreters))
	for i, id := range interpreters {
		out[id] = all[i]
	}
	return out, table, nil
}

// entries are what one diary holds at those times for other jobs.
func entries(ctx context.Context, from past, interpreter, job uuid.UUID, at []span, table people.Postcodes) ([]matching.Entry, error) {
	d, err := from.diary(ctx, interpreter)
	if err != nil {
		return nil, err
	}
	var all []matching.Entry
	for _, r := range d.Held {
		if r.Job == job || !slices.ContainsFunc(at, func(s span) bool { return r.Start.Before(s.to) && s.from.Before(r.End) }) {
			continue
		}
		e := matching.Entry{Job: r.Job, Start: r.Start, End: r.End}
		if !slices.ContainsFunc(at, func(s span) bool { return r.Start.Before(s.late) && s.early.Before(r.End) }) {
			all = append(all, e) // no neighbour: only its hours count
			continue
		}
		s, err := from.booking(ctx, r.Booking)
		if err != nil {
			return nil, err
		}
		if j, ok := s.Job(r.Job); ok {
			e.Ref, e.InPerson = j.Ref, j.InPerson()
			if e.InPerson {
				customer, err := from.customer(ctx, s.Customer)
				if err != nil {
					return nil, err
				}
				e.Place = j.Spot(booking.Geography{Locations: customer.Locations, Postcodes: table})
			}
		}
		all = append(all, e)
	}
	return all, nil
}

// workerOf is an interpreter as the rules see one.
func workerOf(p people.Interpreter, held []matching.Entry, table people.Postcodes) matching.Worker {
	return matching.Worker{ID: p.ID, Suspended: p.Suspended || p.Erased, Profile: p.Profile, Availability: p.Availability,
		Home: matching.LocateHome(p.Profile, table), Diary: held}
}

// Search is a job that a worker is looked for, with all that the rules know besides the workers.
type Search struct {
	Job       matching.Job
	World     matching.World
	Postcodes people.Postcodes
	relation  access.Relation
}

// Trace is what the viewer may read of why a worker is a candidate, or is not.
func (s Search) Trace(v access.Viewer, found matching.Verdict) []domain.Because {
	return access.SeeTrace(v, s.relation, !s.Job.InPerson, found.Trace())
}

// Search reads what a job wants, for whoever may read candidates.
func (h *Handler) Search(ctx context.Context, v access.Viewer, ref string) (Search, error) {
	at, s, err := h.mayMatch(ctx, v, ref)
	if err != nil {
		return Search{}, err
	}
	return h.searchFrom(ctx, present{h}, v, at, s, v.Now)
}

// mayMatch reads the job's booking as it stands, and refuses whoever may not know the job (404) or not read candidates (403).
func (h *Handler) mayMatch(ctx context.Context, v access.Viewer, ref string) (target, booking.State, error) {
	at, s, _, err := h.knownJob(ctx, v, ref)
	if err != nil {
		return at, s, err
	}
	return at, s, access.MayManage(v, access.ReadCandidates)
}

// knownJob reads a job as it stands, and refuses whoever may not know it (404).
func (h *Handler) knownJob(ctx context.Context, v access.Viewer, ref string) (target, booking.State, booking.Job, error) {
	at, err := h.find(ctx, ref)
	if err != nil {
		return at, booking.State{}, booking.Job{}, err
	}
	f, err := h.bookings.now(ctx, eventschema.BookingStream(at.booking))
	if err != nil {
		return at, booking.State{}, booking.Job{}, err
	}
	j, there := f.State.Job(at.job)
	if !there || access.Relate(v, f.State.Facts(j)) == access.None {
		return at, booking.State{}, booking.Job{}, unknown()
	}
	return at, f.State, j, nil
}

func (h *Handler) searchFrom(ctx context.Context, from past, v access.Viewer, at target, s booking.State, now time.Time) (Search, error) {
	j, there := s.Job(at.job)
	if !there {
		return Search{}, unknown() // not yet
	}
	out := Search{relation: access.Relate(v, s.Facts(j))}
	var agency people.Agency
	var customer people.Customer
	var form forms.Form
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { agency, err = from.agency(ctx); return err })
	g.Go(func() (err error) { customer, err = from.customer(ctx, s.Customer); return err })
	g.Go(func() (err error) { out.Postcodes, err = from.postcodes(ctx); return err })
	g.Go(func() (err error) { form, _, err = h.formVersion(ctx, s.Form, s.FormVersion); return err })
	if err := g.Wait(); err != nil {
		return Search{}, fmt.Errorf("read what the search needs: %w", err)
	}
	out.Job = j.Wanted(form, booking.Geography{Locations: customer.Locations, Postcodes: out.Postcodes})
	out.World = matching.World{Travel: matching.TravelOf(agency.Settings, agency.Version), Words: matching.WordsOf(agency.Settings, form), Now: now}
	return out, nil
}

// Candidate says what a search for a job finds out about one interpreter: from the streams, as they stand now or as they stood. The ranks of others
// are not looked at.
func (h *Handler) Candidate(ctx context.Context, v access.Viewer, ref string, interpreter uuid.UUID, moment AsOf) (Search, matching.Verdict, error) {
	at, s, err := h.mayMatch(ctx, v, ref)
	if err != nil {
		return Search{}, matching.Verdict{}, err
	}
	var from past = present{h}
	now := v.Now
	if !moment.isNow() {
		var last time.Time
		from, now = asOf{h, moment, &sync.Mutex{}, &last}, moment.At
		if s, err = from.booking(ctx, at.booking); err != nil {
			return Search{}, matching.Verdict{}, err
		}
		if now.IsZero() {
			now = last // what happened last to the job, up to that position
		}
	}
	search, err := h.searchFrom(ctx, from, v, at, s, now)
	if err != nil {
		return search, matching.Verdict{}, err
	}
	p, err := from.interpreter(ctx, interpreter)
	if err != nil {
		return search, matching.Verdict{}, err
	}
	if !p.Exists() {
		return search, matching.Verdict{}, unknown()
	}
	held, err := entries(ctx, from, interpreter, at.job, spans(search.Job), search.Postcodes)
	if err != nil {
		return search, matching.Verdict{}, err
	}
	return search, matching.Judge(search.Job, workerOf(p, held, search.Postcodes), search.World), nil
}

// ImportPostcodes replaces the table of where postcodes lie (admin).
func (h *Handler) ImportPostcodes(ctx context.Context, r Request, c people.ImportPostcodes) (Changed, error) {
	r = h.ready(r)
	res, err := execute(ctx, h, h.postcodes, r, wish[people.Postcodes]{
		stream:   eventschema.PostcodeTable,
		revision: func(f Folded[people.Postcodes]) uint64 { return uint64(f.State.Version) },
		allow:    func(people.Postcodes) error { return access.MayManage(r.Viewer, access.ManageSettings) },
		decide:   func(_ context.Context, s people.Postcodes, _ attempt) (plan, error) { return planned(c.Decide(s)) },
	})
	if err != nil {
		return Changed{}, err
	}
	done := changed(res)
	done.Revision = uint64(res.folded.State.Version)
	return done, nil
}

// Postcodes is the agency's table as it stands now.
func (h *Handler) Postcodes(ctx context.Context, v access.Viewer) (people.Postcodes, error) {
	if err := access.MayManage(v, access.ReadSettings); err != nil {
		return people.Postcodes{}, err
	}
	return stateNow(ctx, h.postcodes, eventschema.PostcodeTable)
}
