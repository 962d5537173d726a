package domain

import "github.com/google/uuid"

// Role is what a signed-in person or program is to the agency (design, section 6).
type Role string

// The roles.
const (
	Requestor     Role = "requestor"
	CustomerAdmin Role = "customer-admin"
	Assigner      Role = "assigner"
	Finance       Role = "finance"
	Admin         Role = "admin"
	Safeguarding  Role = "safeguarding"
	Interpreter   Role = "interpreter"
	Auditor       Role = "auditor"
	Analyst       Role = "analyst"
	Guest         Role = "guest"
	System        Role = "system" // reactions, timers, the demo: never signs in
)

// Permission is what a customer's user may do besides reading.
type Permission string

// The permissions of a customer's user (II-01, II-46).
const (
	MayCreate        Permission = "create"
	MayEdit          Permission = "edit"
	MayClose         Permission = "close"
	MayCancel        Permission = "cancel"
	MayReports       Permission = "reports"
	MayFinancials    Permission = "financials"
	MayEditLocations Permission = "edit-locations"
)

// Actor is who did it, by id only: events hold no actor's name.
type Actor struct {
	Role      Role      `json:"role"`
	ID        uuid.UUID `json:"id"`
	ActingFor uuid.UUID `json:"actingFor,omitzero"` // the interpreter or user on whose behalf staff acted
}

// Namespace is the UUID namespace of ids derived from names: interpreters by LIN, forms and series by id, commands by their keys.
var Namespace = uuid.MustParse("6d3f0f0a-55c4-4f0e-9f5c-0c5d1d1f7a11")

// InterpreterID derives the id of the interpreter with this LIN.
func InterpreterID(lin string) uuid.UUID { return uuid.NewSHA1(Namespace, []byte("interpreter:"+lin)) }
