package booking

import "github.com/google/uuid"

// PersonKey names the key that seals the event's personal values: the booking's own, for its speaker, contacts and free texts together.
func (e Created) PersonKey() uuid.UUID            { return e.Key }
func (e JobAdded) PersonKey() uuid.UUID           { return e.Key }
func (e Edited) PersonKey() uuid.UUID             { return e.Key }
func (e OfferSent) PersonKey() uuid.UUID          { return e.Key }
func (e OfferMoved) PersonKey() uuid.UUID         { return e.Key }
func (e OfferAccepted) PersonKey() uuid.UUID      { return e.Key }
func (e OfferDeclined) PersonKey() uuid.UUID      { return e.Key }
func (e Assigned) PersonKey() uuid.UUID           { return e.Key }
func (e Unassigned) PersonKey() uuid.UUID         { return e.Key }
func (e EtaChanged) PersonKey() uuid.UUID         { return e.Key }
func (e TimesheetSubmitted) PersonKey() uuid.UUID { return e.Key }
func (e TimesheetDisputed) PersonKey() uuid.UUID  { return e.Key }
func (e Closed) PersonKey() uuid.UUID             { return e.Key }
func (e Cancelled) PersonKey() uuid.UUID          { return e.Key }
func (e ChangeUndone) PersonKey() uuid.UUID       { return e.Key }
func (e MessagePosted) PersonKey() uuid.UUID      { return e.Key }
func (e ContactLogged) PersonKey() uuid.UUID      { return e.Key }
func (e CounterOfferMade) PersonKey() uuid.UUID   { return e.Key }
