// Package access says who may see what and who may do what: one visibility matrix and one table of commands, pure functions of a viewer
// and of how that viewer stands to a job. Commands, queries, pages and exports all ask here; nobody masks by itself.
package access

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Viewer is who asks, as the access read model knows that person at this request. Every query takes one.
type Viewer struct {
	User        uuid.UUID
	Name        string
	Role        domain.Role
	Customer    uuid.UUID // requestor, customer-admin
	Interpreter uuid.UUID // interpreter
	LIN         string
	Clients     []uuid.UUID // empty: all of the customer's
	Locations   []uuid.UUID
	Permissions []domain.Permission
	Zone        string    // the customer's for customers, the agency's for staff: months and "today"
	Now         time.Time // business time of the request
}

// Staff tells whether the viewer works for the agency and may act on jobs.
func (v Viewer) Staff() bool {
	switch v.Role {
	case domain.Assigner, domain.Finance, domain.Admin, domain.Safeguarding, domain.System:
		return true
	}
	return false
}

// OfCustomer tells whether the viewer belongs to a customer's organisation.
func (v Viewer) OfCustomer() bool {
	return v.Role == domain.Requestor || v.Role == domain.CustomerAdmin
}

// May tells whether a customer's user has a permission; a customer-admin manages users and books only as far as permitted too.
func (v Viewer) May(p domain.Permission) bool { return slices.Contains(v.Permissions, p) }

// Actor is the viewer as events name them.
func (v Viewer) Actor() domain.Actor { return domain.Actor{Role: v.Role, ID: v.User} }
