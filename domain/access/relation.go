package access

import (
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Relation is how a viewer stands to one job. It says nothing about roles within the agency: those are columns of the matrix.
type Relation string

// The relations.
const (
	None     Relation = ""         // may not know that the job exists: every answer is 404
	Own      Relation = "own"      // a customer's user, whose organisation's job it is, within the user's clients and locations
	Offered  Relation = "offered"  // the interpreter holds an offer, open or accepted
	Assigned Relation = "assigned" // the interpreter has the job
	Former   Relation = "former"   // the interpreter once held an offer or the assignment: may know the job, and what it was
	Agency   Relation = "agency"   // staff, auditor, analyst: every job of the deployment
)

// JobFacts is what a relation is found from.
type JobFacts struct {
	Customer  uuid.UUID
	Client    uuid.UUID // zero: none
	Location  uuid.UUID // zero: none, as with a remote job or a typed address
	CreatedBy uuid.UUID
	Offered   []uuid.UUID // interpreters with an open or accepted offer
	Assigned  uuid.UUID   // interpreter who has the job, zero if none
	Ever      []uuid.UUID // interpreters who ever held an offer or assignment
}

// Relate tells how the viewer stands to a job. None is the answer for whatever is not known to be allowed.
func Relate(v Viewer, job JobFacts) Relation {
	switch v.Role {
	case domain.Requestor, domain.CustomerAdmin:
		if InScope(v, job.Customer, job.Client, job.Location, job.CreatedBy) {
			return Own
		}
	case domain.Interpreter:
		switch {
		case v.Interpreter == uuid.Nil:
		case job.Assigned == v.Interpreter:
			return Assigned
		case slices.Contains(job.Offered, v.Interpreter):
			return Offered
		case slices.Contains(job.Ever, v.Interpreter):
			return Former
		}
	case domain.Assigner, domain.Finance, domain.Admin, domain.Safeguarding, domain.Auditor, domain.Analyst, domain.System:
		return Agency
	}
	return None
}

// InScope tells whether something of a customer lies within what a customer's user may know: the own organisation and, if the user is
// narrowed, one of the user's clients and locations (II-12). Something without a client or location, such as a remote job, is within a
// narrowed user's scope only if that user made it.
func InScope(v Viewer, customer, client, location, createdBy uuid.UUID) bool {
	if !v.OfCustomer() || v.Customer == uuid.Nil || customer != v.Customer {
		return false
	}
	mine := createdBy == v.User && v.User != uuid.Nil
	within := func(narrowed []uuid.UUID, id uuid.UUID) bool {
		switch {
		case len(narrowed) == 0:
			return true
		case id == uuid.Nil:
			return mine
		}
		return slices.Contains(narrowed, id)
	}
	return within(v.Clients, client) && within(v.Locations, location)
}
