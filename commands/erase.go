package commands

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Erasing a person comes in two steps: the subject's stream says which keys are about to be destroyed, then they are. A crash between the
// two is put right by FinishErasing, which a reaction calls for every such event, by sending the command again, and by whoever applies the
// log's erasures after a restore.

// EraseBooking erases what a booking knows of its speaker and contacts (admin). reason should be a code: it is stored in clear,
// so free text becomes "other".
func (h *Handler) EraseBooking(ctx context.Context, r Request, id uuid.UUID, reason string) (Changed, error) {
	r = h.ready(r)
	r.named = true
	if err := access.MayManage(r.Viewer, access.Erase); err != nil {
		return Changed{}, err
	}
	ctx, end, err := h.beginErasing(ctx)
	if err != nil {
		return Changed{}, err
	}
	defer end()
	stream := eventschema.BookingStream(id)
	res, err := execute(ctx, h, h.bookings, r, wish[booking.State]{
		stream: stream,
		allow: func(s booking.State) error {
			if err := access.MayManage(r.Viewer, access.Erase); err != nil {
				return err
			}
			if !s.Exists() {
				return unknown()
			}
			return nil
		},
		decide: func(_ context.Context, s booking.State, a attempt) (plan, error) {
			return decide(booking.ErasePerson{Reason: reason}, s, h.env(r, a, found{}))
		},
	})
	if err != nil {
		return Changed{}, err
	}
	return changed(res), h.destroy(ctx, stream, res.folded.State.Key)
}

// EraseInterpreter erases an interpreter's name, contacts and photo (admin).
func (h *Handler) EraseInterpreter(ctx context.Context, r Request, id uuid.UUID, reason string) (Changed, error) {
	r = h.ready(r)
	r.named = true
	if err := h.MayAtInterpreter(r.Viewer, access.Erase, id); err != nil {
		return Changed{}, err
	}
	ctx, end, err := h.beginErasing(ctx)
	if err != nil {
		return Changed{}, err
	}
	defer end()
	var key uuid.UUID
	done, err := h.onInterpreter(ctx, r, id, access.Erase, func(s people.Interpreter) ([]people.Event, error) {
		key = s.Profile.Key
		return people.EraseInterpreter{Reason: reason}.Decide(s)
	})
	if err != nil {
		return Changed{}, err
	}
	return done, h.destroy(ctx, eventschema.InterpreterStream(id), key)
}

// EraseUser erases a user's name and contacts, and ends the login (admin).
func (h *Handler) EraseUser(ctx context.Context, r Request, id uuid.UUID, reason string) (Changed, error) {
	r = h.ready(r)
	r.named = true
	if err := access.MayManage(r.Viewer, access.Erase); err != nil {
		return Changed{}, err
	}
	asked := ctx
	ctx, end, err := h.beginErasing(ctx)
	if err != nil {
		return Changed{}, err
	}
	defer end()
	customer, err := h.owner(ctx, id)
	if err != nil {
		return Changed{}, err
	}
	stream := usersOf(customer)
	var key uuid.UUID
	done, err := h.onUsers(ctx, r, at(customer, id), func(_ context.Context, o people.Organisation, _ attempt) ([]people.Event, error) {
		key = o.Users[id].Key
		return people.EraseUser{User: id, Reason: reason}.Decide(o)
	})
	if err != nil {
		return Changed{}, err
	}
	if err := h.accounts.RemoveLogin(ctx, id); err != nil {
		return Changed{}, fmt.Errorf("end an erased user's login: %w", err)
	}
	if err := h.destroy(ctx, stream, key); err != nil {
		return Changed{}, err
	}
	return done, h.models.WaitFor(asked, done.Position, accessModel)
}

// FinishErasing does what follows from an erasure that the log tells of: an erased user's login ends, the keys are destroyed. Done again it
// changes nothing. user is uuid.Nil where the erased person is none.
func (h *Handler) FinishErasing(ctx context.Context, stream string, user uuid.UUID, keys []uuid.UUID) error {
	ctx, end, err := h.beginErasing(ctx)
	if err != nil {
		return err
	}
	defer end()
	if user != uuid.Nil {
		if err := h.accounts.RemoveLogin(ctx, user); err != nil {
			return fmt.Errorf("end an erased user's login: %w", err)
		}
	}
	return h.destroy(ctx, stream, keys...)
}

// beginErasing keeps backups away until end. From then on nobody's hanging up ends the work between the event and the destruction of the keys.
func (h *Handler) beginErasing(ctx context.Context) (context.Context, func(), error) {
	end, err := h.keys.BeginErasing(ctx)
	return context.WithoutCancel(ctx), end, err
}

// destroy ends keys for ever, and drops what this process remembers of the stream: its folds hold what the keys sealed.
func (h *Handler) destroy(ctx context.Context, stream string, keys ...uuid.UUID) error {
	h.Forget(stream)
	keys = slices.DeleteFunc(slices.Clone(keys), func(key uuid.UUID) bool { return key == uuid.Nil })
	if len(keys) == 0 {
		return nil
	}
	if err := h.keys.Erase(ctx, keys); err != nil {
		return fmt.Errorf("destroy the erased person's key: %w", err)
	}
	h.Forget(stream) // also a fold that was read before the key was gone
	return nil
}
