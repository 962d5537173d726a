package commands

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// mayOnJob refuses whoever may not know the job (404) or may not send this command about it (403).
func mayOnJob(r Request, s booking.State, j booking.Job) error {
	return access.May(r.Viewer, access.Relate(r.Viewer, s.Facts(j)), r.Name)
}

// MayOnJob refuses whoever may not know the job (404) or may not send this command about it (403), whatever was sent with it. The command asks
// the same again; this is for who finds fault with what was sent before there is a command.
func (h *Handler) MayOnJob(ctx context.Context, v access.Viewer, ref, command string) error {
	t, err := h.find(ctx, ref)
	if err != nil {
		return err
	}
	f, err := h.bookings.now(ctx, eventschema.BookingStream(t.booking))
	if err != nil {
		return err
	}
	j, ok := f.State.Job(t.job)
	if !ok {
		return unknown()
	}
	return mayOnJob(Request{Viewer: v, Name: command}, f.State, j)
}

// MayAtCustomer refuses who may not do this at a customer's: another organisation's is unknown (404).
func (h *Handler) MayAtCustomer(v access.Viewer, area access.Area, customer uuid.UUID) error {
	if err := ofOwn(v, customer); err != nil {
		return err
	}
	return access.MayManage(v, area)
}

// MayAtOwned is MayAtCustomer for a client, location or user.
func (h *Handler) MayAtOwned(ctx context.Context, v access.Viewer, area access.Area, id uuid.UUID) error {
	customer, err := h.owner(ctx, id)
	if err != nil {
		return err
	}
	return h.MayAtCustomer(v, area, customer)
}

// MayAtInterpreter refuses who may not do this with an interpreter; customers and other interpreters know none but on their jobs (404).
func (h *Handler) MayAtInterpreter(v access.Viewer, area access.Area, id uuid.UUID) error {
	if v.OfCustomer() || v.Role == domain.Interpreter && v.Interpreter != id {
		return unknown()
	}
	return access.MayManage(v, area)
}

// mayCreate refuses whoever may not book (403), or not for this customer (404).
func mayCreate(v access.Viewer, customer uuid.UUID) error {
	if err := access.MayBook(v); err != nil {
		return err
	}
	return ofOwn(v, customer)
}

// ofOwn refuses a customer's user what is another organisation's.
func ofOwn(v access.Viewer, customer uuid.UUID) error {
	if v.OfCustomer() && v.Customer != customer {
		return unknown()
	}
	return nil
}

// narrowed leaves of a customer's places and clients those that the viewer may use (II-12).
func narrowed(v access.Viewer, s people.Customer) people.Customer {
	if !v.OfCustomer() || len(v.Clients) == 0 && len(v.Locations) == 0 {
		return s
	}
	clients, places := map[uuid.UUID]string{}, map[uuid.UUID]people.Place{}
	for id, name := range s.Clients {
		if len(v.Clients) == 0 || slices.Contains(v.Clients, id) {
			clients[id] = name
		}
	}
	for id, p := range s.Locations {
		_, client := clients[p.Client]
		if (len(v.Locations) == 0 || slices.Contains(v.Locations, id)) && (p.Client == uuid.Nil || client) {
			places[id] = p
		}
	}
	s.Clients, s.Locations = clients, places
	return s
}
