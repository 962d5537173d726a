package commands_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
)

// dying are keys of a process that ends before it destroys any.
type dying struct{ *accounts.Keys }

func (dying) Erase(context.Context, []uuid.UUID) error { return errKilled }

// TestErasureFinishedAfterTheEvent: a process ends between the event and the destruction of the key, of a booking, an interpreter and a user.
// Another one finishes it from what the event says, twice, and what the key sealed reads [erased].
func TestErasureFinishedAfterTheEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := w.book("2026-07-01T10:00")
	bookingID := w.refs.jobs[job.Ref][0]
	ana := w.interpreter("LIN/5455/5J71Y")
	made, err := w.h.AddUser(t.Context(), w.by(w.admin, "create-user"), commands.UserIn{Username: "rita", Password: "a good password", Account: people.Account{
		Name: "Rita", Email: "rita@police.example", Role: domain.Requestor, Customer: w.customer}})
	if err != nil {
		t.Fatal(err)
	}
	w.refs.owner = map[uuid.UUID]uuid.UUID{made.ID: w.customer}
	mortal := w.processWith(dying{w.keys})
	for stream, erase := range map[string]func() (commands.Changed, error){
		eventschema.BookingStream(bookingID): func() (commands.Changed, error) {
			return mortal.EraseBooking(t.Context(), w.by(w.admin, "erase"), bookingID, "asked")
		},
		eventschema.InterpreterStream(ana): func() (commands.Changed, error) {
			return mortal.EraseInterpreter(t.Context(), w.by(w.admin, "erase"), ana, "asked")
		},
		eventschema.CustomerStream(w.customer): func() (commands.Changed, error) {
			return mortal.EraseUser(t.Context(), w.by(w.admin, "erase"), made.ID, "asked")
		},
	} {
		if _, err := erase(); !errors.Is(err, errKilled) {
			t.Fatalf("%s: killed, it answered %v", stream, err)
		}
		all := w.events(stream)
		last := all[len(all)-1]
		keys := eventschema.ErasedKeys(last.Event)
		if len(keys) != 1 {
			t.Fatalf("the last event of %s is %T", stream, last.Event)
		}
		if _, err := w.keys.Key(t.Context(), keys[0]); err != nil {
			t.Fatalf("%s: the key was destroyed before anybody finished: %v", stream, err)
		}
		user := uuid.Nil
		if stream == eventschema.CustomerStream(w.customer) {
			user = made.ID
		}
		for range 2 {
			if err := w.process(w.log).FinishErasing(t.Context(), stream, user, keys); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.keys.Key(t.Context(), keys[0]); !errors.Is(err, eventschema.ErrErased) {
			t.Errorf("%s: the key is still there: %v", stream, err)
		}
	}
	w.codec.Forget([]uuid.UUID{w.state(bookingID).Key})
	created := w.events(eventschema.BookingStream(bookingID))[0].Event.(booking.Created)
	if speaker := created.Shared.Fields["nonEnglishSpeaker"].Items; !slices.Equal(speaker, []string{domain.Erased}) {
		t.Errorf("the speaker reads %q", speaker)
	}
}
