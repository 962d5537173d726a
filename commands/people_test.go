package commands_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
)

const password = "correct horse battery"

func (w *world) signIn(name string) error {
	_, err := w.accounts.Authenticate(w.t.Context(), name, password, netip.MustParseAddr("192.0.2.1"))
	return err
}

// TestUsers: the login is there before the user, a name is given once, and a disabled user is out at once.
func TestUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boss := w.requestor
	boss.Role, boss.User = domain.CustomerAdmin, uuid.New()
	in := commands.UserIn{Username: "rita", Password: password, Account: people.Account{Name: "Rita", Email: "rita@police.example", Role: domain.Requestor}}
	r := w.keyed(boss, "create-user", "/users", "k", "body")
	made, err := w.h.AddUser(t.Context(), r, in)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.refs.waits) == 0 {
		t.Error("answered before access knew the user")
	}
	if again, err := w.process(w.log).AddUser(t.Context(), r, in); err != nil || again != made {
		t.Errorf("again: %v %v, want %v", again, err, made)
	}
	if err := w.signIn("rita"); err != nil {
		t.Errorf("sign in: %v", err)
	}
	in.Account.Email = "other@police.example"
	_, err = w.h.AddUser(t.Context(), w.by(boss, "create-user"), in)
	refused(t, err, "invalid") // the name is taken

	_, err = w.h.AddUser(t.Context(), w.by(w.requestor, "create-user"), in)
	refused(t, err, "not-permitted")
	in.Account.Customer = uuid.New()
	_, err = w.h.AddUser(t.Context(), w.by(boss, "create-user"), in)
	refused(t, err, "not-found")

	name, disabled, enabled := "margarita", true, false
	if _, err := w.h.ChangeUser(t.Context(), w.by(boss, "change-user"), &name, people.ChangeUser{User: made.ID}); err != nil {
		t.Fatal(err)
	}
	if err := w.signIn("margarita"); err != nil {
		t.Errorf("sign in under the new name: %v", err)
	}
	off := w.keyed(boss, "change-user", "/users/rita", "k", "off")
	if _, err := w.h.ChangeUser(t.Context(), off, nil, people.ChangeUser{User: made.ID, Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	if err := w.signIn("margarita"); !errors.Is(err, accounts.ErrWrongCredentials) {
		t.Errorf("a disabled user signs in: %v", err)
	}
	if _, err := w.h.ChangeUser(t.Context(), w.by(boss, "change-user"), nil, people.ChangeUser{User: made.ID, Disabled: &enabled}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.h.ChangeUser(t.Context(), off, nil, people.ChangeUser{User: made.ID, Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	if err := w.signIn("margarita"); err != nil {
		t.Errorf("a repeat undid what came after it: %v", err)
	}
	_, err = w.h.ChangeUser(t.Context(), w.by(w.staff, "change-user"), nil, people.ChangeUser{User: made.ID, Disabled: &disabled})
	refused(t, err, "not-permitted")
}

// TestRefusedUserLeavesNoLogin: the interpreter is erased between the login and the event, so the user is refused and the name is free.
func TestRefusedUserLeavesNoLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.interpreter("LIN/5455/5J71Y")
	in := commands.UserIn{Username: "ana", Password: password, Account: people.Account{Name: "Ana", Email: "ana@lin.example", Role: domain.Interpreter, Interpreter: ana}}
	raced := false
	h := w.process(&observed{Log: w.log, before: func(stream string) {
		if stream != eventschema.Agency || raced {
			return
		}
		raced = true
		if err := w.signIn("ana"); err != nil {
			t.Errorf("the login is not there before the event: %v", err)
		}
		if _, err := w.h.EraseInterpreter(t.Context(), w.by(w.admin, "erase"), ana, "asked"); err != nil {
			t.Error(err)
		}
		hours := 48
		if _, err := w.h.ChangeSettings(t.Context(), w.by(w.admin, "change-settings"), people.ChangeAgency{CancelHours: &hours}); err != nil {
			t.Error(err) // moves the stream on, so the command is decided again
		}
	}})
	_, err := h.AddUser(t.Context(), w.by(w.admin, "create-user"), in)
	refused(t, err, "invalid")
	if err := w.signIn("ana"); !errors.Is(err, accounts.ErrWrongCredentials) {
		t.Errorf("a refused user signs in: %v", err)
	}
}

// TestErasingIsFinished: whoever asks and hangs up at the worst moment, when the event is being written, leaves no key behind.
func TestErasingIsFinished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.interpreter("LIN/5455/5J71Y")
	ctx, hangUp := context.WithCancel(t.Context())
	h := w.process(&observed{Log: w.log, before: func(string) { hangUp() }})
	if _, err := h.EraseInterpreter(ctx, w.by(w.admin, "erase"), ana, "asked"); err != nil {
		t.Error(err)
	}
	for _, e := range w.events(eventschema.InterpreterStream(ana)) {
		if e, ok := e.Event.(people.InterpreterRegistered); ok && e.Profile.Name.Reveal() != domain.Erased {
			t.Errorf("the name reads %q", e.Profile.Name.Reveal())
		}
	}
}

// TestSetup: the one-time link of an empty deployment makes its first admin, once.
func TestSetup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token, err := w.accounts.CreateSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made, err := w.h.Setup(t.Context(), commands.Request{Name: "setup"}, commands.SetupIn{Token: token, Username: "ada", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.signIn("ada"); err != nil {
		t.Errorf("sign in: %v", err)
	}
	events := w.events(eventschema.Agency)
	added, ok := events[len(events)-1].Event.(people.UserAdded)
	if !ok || added.User != made.ID || added.Role != domain.Admin || added.Name.Reveal() != "ada" {
		t.Errorf("the agency's last event is %T %v", events[len(events)-1].Event, added.User)
	}
	if _, err := w.h.Setup(t.Context(), commands.Request{Name: "setup"}, commands.SetupIn{Token: token, Username: "eve", Password: password}); err == nil {
		t.Error("the link worked twice")
	}
}

// TestBeginAgain: a log begun is not begun again, however many processes start.
func TestBeginAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.events(eventschema.Agency)[0].Event.(people.DeploymentCreated)
	id, err := w.process(w.log).EnsureDeployment(t.Context(), true)
	if err != nil || id != first.ID {
		t.Errorf("begun again: %v %v, want %v", id, err, first.ID)
	}
	if n := len(w.events(eventschema.FormStream("face-to-face"))); n != 1 {
		t.Errorf("the built-in form is there in %d versions", n)
	}
}

// TestErasures: what was sealed reads [erased] in every process, also where it was remembered, and nothing more can be written about it.
func TestErasures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.interpreter("LIN/5455/5J71Y")
	job := w.book("2026-07-01T10:00")
	target := w.refs.jobs[job.Ref][0]
	other := w.process(w.log)
	if _, err := other.Job(t.Context(), w.by(w.requestor, "post-message"), job.Ref, say("he is ill")); err != nil {
		t.Fatal(err)
	}
	_, err := w.h.EraseBooking(t.Context(), w.by(w.staff, "erase"), target, "asked")
	refused(t, err, "not-permitted")
	_, err = w.h.EraseBooking(t.Context(), w.by(w.admin, "erase"), uuid.New(), "asked")
	refused(t, err, "not-found")
	for range 2 { // again is nothing, and destroys keys that a crash left
		if _, err := w.h.EraseBooking(t.Context(), w.by(w.admin, "erase"), target, "Jan Kowalski asked"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = other.Job(t.Context(), w.by(w.requestor, "post-message"), job.Ref, say("more"))
	refused(t, err, "erased")
	erased := 0
	for _, e := range w.events(eventschema.BookingStream(target)) {
		switch e := e.Event.(type) {
		case booking.Created:
			if got := e.Shared.Fields["nonEnglishSpeaker"].First(); got != domain.Erased {
				t.Errorf("the speaker reads %q", got)
			}
		case booking.MessagePosted:
			if e.Text.Reveal() != domain.Erased {
				t.Errorf("the message reads %q", e.Text.Reveal())
			}
		case booking.PersonErased:
			erased++
			if e.Reason != "other" {
				t.Errorf("the reason %q stands in clear", e.Reason)
			}
		}
	}
	if erased != 1 {
		t.Errorf("erased %d times", erased)
	}
	// The job itself lives on.
	if _, err := other.Job(t.Context(), w.by(w.staff, "assign"), job.Ref, assignTo(ana)); err != nil {
		t.Errorf("assign after the erasure: %v", err)
	}

	if _, err := w.h.EraseInterpreter(t.Context(), w.by(w.admin, "erase"), ana, "asked"); err != nil {
		t.Fatal(err)
	}
	for _, e := range w.events(eventschema.InterpreterStream(ana)) {
		if r, ok := e.Event.(people.InterpreterRegistered); ok && r.Name.Reveal() != domain.Erased {
			t.Errorf("the interpreter reads %q", r.Name.Reveal())
		}
	}
	second := w.book("2026-07-02T10:00")
	_, err = other.Job(t.Context(), w.by(w.staff, "assign"), second.Ref, assignTo(ana))
	refused(t, err, "suspended")
}

// TestErasedUserIsOut: an erased user's login is gone, and the name free.
func TestErasedUserIsOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.h.AddUser(t.Context(), w.by(w.admin, "create-user"), commands.UserIn{Username: "rita", Password: password,
		Account: people.Account{Customer: w.customer, Name: "Rita", Email: "rita@police.example", Role: domain.Requestor}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.h.EraseUser(t.Context(), w.by(w.admin, "erase"), made.ID, "asked"); err != nil {
		t.Fatal(err)
	}
	if err := w.signIn("rita"); !errors.Is(err, accounts.ErrWrongCredentials) {
		t.Errorf("an erased user signs in: %v", err)
	}
	for _, e := range w.events(eventschema.CustomerStream(w.customer)) {
		if a, ok := e.Event.(people.UserAdded); ok && a.Name.Reveal() != domain.Erased {
			t.Errorf("the user reads %q", a.Name.Reveal())
		}
	}
	name := "Rita again"
	_, err = w.h.ChangeUser(t.Context(), w.by(w.admin, "change-user"), nil, people.ChangeUser{User: made.ID, Name: &name})
	refused(t, err, "erased")
}

// TestPlaces: whose a thing is decides before whether there is one.
func TestPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := w.requestor
	stranger.Customer = uuid.New()
	name := "Cells"
	if _, err := w.h.ChangeLocation(t.Context(), w.by(w.requestor, "change-location"), people.ChangeLocation{Location: w.location, Name: &name}); err != nil {
		t.Fatal(err)
	}
	_, err := w.h.ChangeLocation(t.Context(), w.by(stranger, "change-location"), people.ChangeLocation{Location: w.location, Name: &name})
	refused(t, err, "not-found")
	_, err = w.h.ChangeLocation(t.Context(), w.by(w.admin, "change-location"), people.ChangeLocation{Location: uuid.New(), Name: &name})
	refused(t, err, "not-found")
	poor := w.requestor
	poor.Permissions = nil
	_, err = w.h.AddLocation(t.Context(), w.by(poor, "create-location"), uuid.Nil, people.Place{})
	refused(t, err, "not-permitted")
	_, err = w.h.AddLocation(t.Context(), w.by(w.requestor, "create-location"), uuid.Nil, people.Place{})
	refused(t, err, "invalid")

	client, err := w.h.AddClient(t.Context(), w.by(w.admin, "create-client"), w.customer, "Custody")
	if err != nil {
		t.Fatal(err)
	}
	narrow := w.requestor
	narrow.Clients = []uuid.UUID{client.ID}
	narrow.Locations = []uuid.UUID{uuid.New()}
	_, err = w.h.CreateBooking(t.Context(), w.by(narrow, "create"), "face-to-face", w.wanted("2026-07-01T10:00"))
	refused(t, err, "invalid") // the location is not among this user's
	_, err = w.h.CreateBooking(t.Context(), w.by(stranger, "create"), "face-to-face", w.wanted("2026-07-01T10:00"))
	refused(t, err, "not-found")
}
