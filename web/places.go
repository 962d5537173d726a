package web

import (
	"context"
	"net/url"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/people"
)

// places are the drop-downs that narrow by client and location, filled left to right: locations are offered once there is a client, or where
// the customer has no clients (II-12, II-13). Interpreters have none: whom a job is for is not theirs to choose by.
type places struct {
	Shown            bool
	Clients          []placeGroup
	Locations        []people.Location
	Client, Location uuid.UUID
	Ready            bool // locations may be chosen
}

// placeGroup are the clients of one customer.
type placeGroup struct {
	Customer string
	Clients  []people.Client
}

func (p *Portal) places(ctx context.Context, v access.Viewer, client, location uuid.UUID) (places, error) {
	out := places{Client: client, Location: location}
	if v.Role == domain.Interpreter || access.MayManage(v, access.ReadCustomers) != nil {
		return out, nil
	}
	clients, err := p.Queries.People.Clients(ctx, v, uuid.Nil, projections.ListQuery{Limit: 500, Sort: "customer"})
	if err != nil {
		return out, err
	}
	customer := v.Customer
	for _, c := range clients.Items {
		if c.ID == client {
			customer, out.Ready = c.Customer, true
		}
		if n := len(out.Clients); n == 0 || out.Clients[n-1].Customer != c.CustomerName {
			out.Clients = append(out.Clients, placeGroup{Customer: c.CustomerName})
		}
		last := &out.Clients[len(out.Clients)-1]
		last.Clients = append(last.Clients, c)
	}
	out.Ready = out.Ready || v.OfCustomer() && len(clients.Items) == 0
	out.Location = uuid.Nil // until it is found among those of the client
	if out.Ready {
		found, err := p.Queries.People.Locations(ctx, v, customer, projections.ListQuery{Limit: 500})
		if err != nil {
			return out, err
		}
		for _, l := range found.Items {
			if l.Client != nil && client != uuid.Nil && *l.Client != client {
				continue
			}
			out.Locations = append(out.Locations, l)
			if l.ID == location {
				out.Location = location
			}
		}
	}
	out.Shown = len(out.Clients)+len(out.Locations) > 0
	return out, nil
}

// Set tells whether something is chosen.
func (p places) Set() bool { return p.Client != uuid.Nil || p.Location != uuid.Nil }

// Query is what is chosen, as an address has it.
func (p places) Query() string { return p.values().Encode() }

func (p places) values() url.Values {
	q := url.Values{}
	if p.Client != uuid.Nil {
		q.Set("client", p.Client.String())
	}
	if p.Location != uuid.Nil {
		q.Set("location", p.Location.String())
	}
	return q
}
