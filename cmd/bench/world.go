package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
)

// world is what the small demo made, as the generator needs it.
type world struct {
	customers []customerWorld // the demo's three, in its order
	assigner  access.Viewer
}

type customerWorld struct {
	id, location uuid.UUID
	requestor    access.Viewer
}

// page is a list's answer.
type page struct {
	Items []struct {
		ID       uuid.UUID
		Customer uuid.UUID
	}
}

func list(ctx context.Context, c caller, path string) (page, error) {
	var p page
	a, err := c.send(ctx, http.MethodGet, "/api/v1"+path, "", "")
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		return p, fmt.Errorf("read the list of %s: %w", path, err)
	}
	if len(p.Items) == 0 {
		return p, fmt.Errorf("the list of %s is empty: %s", path, a.body)
	}
	return p, nil
}

// explore learns the ids of the demo's customers, places and users.
func explore(ctx context.Context, base string) (*world, error) {
	var callers [3]caller
	for i, name := range []string{"requestor", "requestor2", "assigner"} {
		c, err := signIn(ctx, base, name)
		if err != nil {
			return nil, err
		}
		callers[i] = c
	}
	assigner := callers[2]
	w := &world{assigner: access.Viewer{User: assigner.user, Role: domain.Assigner}}
	places, err := list(ctx, assigner, "/locations?limit=500")
	if err != nil {
		return nil, err
	}
	location := map[uuid.UUID]uuid.UUID{}
	for _, p := range places.Items {
		location[p.Customer] = p.ID
	}
	add := func(id uuid.UUID, v access.Viewer) error {
		if location[id] == uuid.Nil {
			return fmt.Errorf("customer %s has no location", id)
		}
		w.customers = append(w.customers, customerWorld{id, location[id], v})
		return nil
	}
	for _, c := range callers[:2] {
		err := add(c.customer, access.Viewer{User: c.user, Role: domain.Requestor, Customer: c.customer,
			Permissions: []domain.Permission{domain.MayCreate, domain.MayEdit, domain.MayClose, domain.MayCancel}})
		if err != nil {
			return nil, err
		}
	}
	for id := range location {
		if id != callers[0].customer && id != callers[1].customer {
			return w, add(id, w.assigner) // books by telephone, through staff
		}
	}
	return nil, fmt.Errorf("the demo has %d customers with places, not three", len(location))
}
