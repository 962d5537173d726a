package commands

import (
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// mayOnJob refuses whoever may not know the job (404) or may not send this command about it (403).
func mayOnJob(r Request, s booking.State, j booking.Job) error {
	return access.May(r.Viewer, access.Relate(r.Viewer, s.Facts(j)), r.Name)
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
