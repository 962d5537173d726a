package commands_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// now is the business time of all tests unless they move the clock.
var now = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

// world is one deployment: a log, a database with keys and accounts, and what the read models would know.
type world struct {
	t        testing.TB
	log      commands.Log
	codec    *eventschema.Codec
	keys     *accounts.Keys
	accounts *accounts.Accounts
	clock    *settable
	refs     *refs
	h        *commands.Handler // of the first process

	customer, location uuid.UUID
	admin, staff       access.Viewer
	requestor          access.Viewer
}

type settable struct{ at atomic.Pointer[time.Time] }

func (c *settable) Now() time.Time          { return *c.at.Load() }
func (c *settable) set(t time.Time)         { c.at.Store(&t) }
func at(t time.Time) (c *settable)          { c = &settable{}; c.set(t); return c }
func viewer(role domain.Role) access.Viewer { return access.Viewer{User: uuid.New(), Role: role} }

// newWorld begins a deployment with a customer, a location and a requestor.
func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, newLog(t))
}

func newWorldOn(t testing.TB, log commands.Log) *world {
	t.Helper()
	pool := postgres.TestDB(t)
	wrapper, err := accounts.OpenMasterKey(t.Context(), pool, filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := accounts.NewKeys(pool, wrapper, accounts.KeyOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close(context.Background()) })
	w := &world{
		t: t, log: log, codec: eventschema.NewCodec(keys), keys: keys, clock: at(now), refs: &refs{},
		accounts: accounts.NewForTest(t, pool, accounts.Options{}),
		admin:    viewer(domain.Admin), staff: viewer(domain.Assigner), requestor: viewer(domain.Requestor),
	}
	w.h = w.process(w.log)
	if _, err := w.h.EnsureDeployment(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	made, err := w.h.CreateCustomer(t.Context(), w.by(w.admin, "create-customer"), people.CreateCustomer{Name: "Police"})
	if err != nil {
		t.Fatal(err)
	}
	w.customer = made.ID
	made, err = w.h.AddLocation(t.Context(), w.by(w.admin, "add-location"), w.customer, people.Place{Name: "Custody suite",
		Address: people.PostalAddress{Line1: "1 High Street", Town: "Leeds", Postcode: "LS1 4AP"}})
	if err != nil {
		t.Fatal(err)
	}
	w.location = made.ID
	w.requestor.Customer = w.customer
	w.requestor.Permissions = people.Permissions
	return w
}

// process is a command handler of its own on the same log, with nothing in its memory.
func (w *world) process(log commands.Log) *commands.Handler {
	w.t.Helper()
	return w.processAt(log, time.Now)
}

// processAt has a machine clock of its own.
func (w *world) processAt(log commands.Log, machine func() time.Time) *commands.Handler {
	w.t.Helper()
	return w.processOn(log, machine, w.keys)
}

// processWith has personal-data keys of its own.
func (w *world) processWith(keys commands.PersonKeys) *commands.Handler {
	w.t.Helper()
	return w.processOn(w.log, time.Now, keys)
}

func (w *world) processOn(log commands.Log, machine func() time.Time, keys commands.PersonKeys) *commands.Handler {
	w.t.Helper()
	key, err := w.keys.HashKey(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	h, err := commands.New(commands.Config{
		Log: log, Codec: w.codec, PersonKeys: keys, Refs: w.refs, Models: w.refs, Accounts: logins{w.accounts}, Clock: w.clock,
		HashKey: key, Machine: machine, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// in is the same world for a subtest.
func (w *world) in(t testing.TB) *world {
	sub := *w
	sub.t = t
	return &sub
}

// by is a request without an idempotency key.
func (w *world) by(v access.Viewer, name string) commands.Request {
	return commands.Request{Viewer: v, Name: name, Canonical: []byte(name)}
}

// keyed is a request under an idempotency key.
func (w *world) keyed(v access.Viewer, name, path, key, body string) commands.Request {
	return commands.Request{Viewer: v, Name: name, Canonical: []byte(body), CommandID: commands.CommandID(v.User, "POST", path, key)}
}

// interpreter registers one who can take every job of these tests.
func (w *world) interpreter(lin string) uuid.UUID {
	w.t.Helper()
	made, err := w.h.RegisterInterpreter(w.t.Context(), w.by(w.admin, "register-interpreter"), people.Profile{
		LIN: lin, Name: "Ana", Gender: "female", Languages: []string{"pl"}, Skills: []string{"spoken-only"},
		Credentials: []people.Credential{{Kind: "vetting", ValidFrom: "2015-01-01", ValidTo: "2099-12-31"}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return made.ID
}

// wanted is a booking that the face-to-face form accepts.
func (w *world) wanted(start string) booking.Create {
	hours, minutes := 1, 0
	fields := map[string][]string{}
	for key, value := range map[string]string{
		"assignmentType": "interview", "offenceCategory": "theft", "nonEnglishSpeaker": "Jan Kowalski", "reportTo": "Reception",
		"requestingOfficer": "PC Smith", "telephone": "0113 496 0000", "officerInCase": "DS Jones", "primaryEmail": "a@police.example",
		"collarNumber": "1234", "officerPhone": "0113 496 0001", "secondaryEmail": "b@police.example",
	} {
		fields[key] = []string{value}
	}
	return booking.Create{Customer: w.customer, Location: w.location, Language: "pl", Start: start, Hours: &hours, Minutes: &minutes, Fields: fields}
}

// book makes a job and tells the other processes' read models of it.
func (w *world) book(start string) commands.JobMade {
	w.t.Helper()
	made, err := w.h.CreateBooking(w.t.Context(), w.by(w.requestor, "create"), forms.FaceToFaceID, w.wanted(start))
	if err != nil {
		w.t.Fatalf("book: %v", err)
	}
	w.refs.add(made)
	return made.Jobs[0]
}

func assignTo(interpreter uuid.UUID) func(booking.Job) (booking.Command, error) {
	return func(j booking.Job) (booking.Command, error) {
		return booking.Assign{Job: j.ID, Interpreter: interpreter}, nil
	}
}

func unassign(j booking.Job) (booking.Command, error) {
	return booking.Unassign{Job: j.ID, Reason: "ill"}, nil
}

func say(text string) func(booking.Job) (booking.Command, error) {
	return func(j booking.Job) (booking.Command, error) { return booking.PostMessage{Job: j.ID, Text: text}, nil }
}

// state folds a booking from the log.
func (w *world) state(id uuid.UUID) booking.State {
	w.t.Helper()
	var s booking.State
	for _, e := range w.events(eventschema.BookingStream(id)) {
		s = booking.Evolve(s, e.Event.(booking.Event), booking.Fact{Revision: e.Revision, At: e.Meta.At, Actor: e.Meta.Actor})
	}
	return s
}

// diary folds a diary from the log.
func (w *world) diary(interpreter uuid.UUID) diary.State {
	w.t.Helper()
	var s diary.State
	for _, e := range w.events(eventschema.DiaryStream(interpreter)) {
		s = diary.Evolve(s, e.Event.(diary.Event))
	}
	return s
}

func (w *world) events(stream string) []eventschema.Recorded {
	w.t.Helper()
	var out []eventschema.Recorded
	err := w.log.ReadStream(context.Background(), stream, 0, func(e eventschema.Stored) error {
		r, err := w.codec.Decode(context.Background(), e)
		out = append(out, r)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// covered fails unless the diary holds every window that these bookings' jobs are assigned (the diary's promise), read in an order that
// cannot excuse a gap: the bookings first, then the diary would show a later release, so each suspect is looked at again.
func (w *world) covered(interpreter uuid.UUID, bookings ...uuid.UUID) {
	w.t.Helper()
	for _, id := range bookings {
		for _, j := range w.state(id).Jobs {
			if j.Assignment == nil || j.Assignment.Interpreter != interpreter || !j.Status.Live() {
				continue
			}
			r, held := w.diary(interpreter).Find(j.Assignment.Reservation)
			start, end := j.Window()
			if !held || r.Start.After(start) || r.End.Before(end) {
				again, _ := w.state(id).Job(j.ID)
				if again.Assignment != nil && again.Assignment.Reservation == j.Assignment.Reservation && again.Status.Live() {
					w.t.Errorf("job %s is assigned from %s to %s, and the diary does not hold that", j.Ref, start, end)
				}
			}
		}
	}
}

// insist sends a command again as long as it lost against others too often, as a client does with a 503.
func insist(send func() error) error {
	for {
		if err := send(); !errors.Is(err, eventschema.ErrConflict) {
			return err
		}
	}
}

// refused fails unless err is a refusal with this code.
func refused(t *testing.T, err error, code string) *domain.Refusal {
	t.Helper()
	var no *domain.Refusal
	if !errors.As(err, &no) || no.Code != code {
		t.Fatalf("got %v, want the refusal %s", err, code)
	}
	return no
}

// refs stands in for the read models of refs and access, which live in other rooms: it knows what a test tells it.
type refs struct {
	mu      sync.Mutex
	jobs    map[string][2]uuid.UUID
	owner   map[uuid.UUID]uuid.UUID
	streams map[uuid.UUID]string // of commands
	waits   []eventschema.Position
}

func (r *refs) add(b commands.BookingAnswer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.jobs == nil {
		r.jobs = map[string][2]uuid.UUID{}
	}
	for _, j := range b.Jobs {
		r.jobs[j.Ref] = [2]uuid.UUID{b.BookingID, j.ID}
	}
}

func (r *refs) Resolve(_ context.Context, ref string) (uuid.UUID, uuid.UUID, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.jobs[ref]
	return t[0], t[1], ok, nil
}

func (r *refs) Owner(_ context.Context, id uuid.UUID) (uuid.UUID, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.owner[id]
	return c, ok, nil
}

func (r *refs) CommandStream(_ context.Context, id uuid.UUID) (string, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.streams[id]
	return s, ok, nil
}

func (r *refs) Reach(ctx context.Context, p eventschema.Position) error {
	return r.WaitFor(ctx, p, "refs")
}

func (r *refs) WaitFor(_ context.Context, p eventschema.Position, _ ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waits = append(r.waits, p)
	return nil
}

// logins is the accounts room as commands see it, as the program wires it.
type logins struct{ a *accounts.Accounts }

func (l logins) AddLogin(ctx context.Context, in commands.Login) error {
	return l.refusal(l.a.AddLogin(ctx, accounts.Login{UserID: in.User, Username: in.Username, Email: in.Email, PIN: in.PIN, Password: in.Password}))
}

func (l logins) ChangeLogin(ctx context.Context, in commands.Login) error {
	return l.refusal(l.a.ChangeNames(ctx, in.User, in.Username, in.Email, in.PIN))
}

func (l logins) RemoveLogin(ctx context.Context, user uuid.UUID) error {
	return l.a.RemoveLogin(ctx, user)
}

func (l logins) SetDisabled(ctx context.Context, user uuid.UUID, disabled bool) error {
	if disabled {
		return l.a.SuspendLogin(ctx, user)
	}
	return l.a.ReinstateLogin(ctx, user)
}

func (l logins) BeginSetup(ctx context.Context, token string, in commands.Login) (uuid.UUID, error) {
	id, err := l.a.BeginSetup(ctx, token, accounts.Login{Username: in.Username, Email: in.Email, Password: in.Password})
	return id, l.refusal(err)
}

func (l logins) FinishSetup(ctx context.Context) error { return l.a.FinishSetup(ctx) }

func (l logins) refusal(err error) error {
	var taken *accounts.TakenError
	if errors.As(err, &taken) {
		return domain.Invalid(domain.FieldError{Location: "body." + taken.Field, Message: "taken"})
	}
	return err
}

// errKilled is what a killed process sees of its log.
var errKilled = errors.New("the process was killed")

// mortal is a log as a process sees it that dies at its n-th append: before it reaches the log, or after, before the answer comes back.
type mortal struct {
	commands.Log
	mu     sync.Mutex
	left   int // appends until death
	after  bool
	dead   bool
	writes []string // streams, in order
}

// wrote tells whether an append to a stream of this kind was acknowledged.
func (m *mortal) wrote(kind string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.writes, func(stream string) bool { return eventschema.KindOf(stream) == kind })
}

func (m *mortal) alive() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errKilled
	}
	return nil
}

func (m *mortal) Append(ctx context.Context, stream string, expected int64, events []eventschema.Proposed) (eventschema.Appended, error) {
	m.mu.Lock()
	if m.dead {
		m.mu.Unlock()
		return eventschema.Appended{}, errKilled
	}
	m.left--
	m.dead = m.left <= 0
	now, after := m.dead, m.after
	m.mu.Unlock()
	if now && !after {
		return eventschema.Appended{}, errKilled
	}
	done, err := m.Log.Append(ctx, stream, expected, events)
	if now {
		return eventschema.Appended{}, errKilled
	}
	if err == nil {
		m.mu.Lock()
		m.writes = append(m.writes, stream)
		m.mu.Unlock()
	}
	return done, err
}

func (m *mortal) ReadStream(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error {
	if err := m.alive(); err != nil {
		return err
	}
	return m.Log.ReadStream(ctx, stream, from, f)
}
