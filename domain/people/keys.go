package people

import "github.com/google/uuid"

// PersonKey names the key that seals the event's personal values: the user's or the interpreter's own.
func (a Account) PersonKey() uuid.UUID              { return a.Key }
func (p Profile) PersonKey() uuid.UUID              { return p.Key }
func (e InterpreterSuspended) PersonKey() uuid.UUID { return e.Key }
func (e AvailabilitySet) PersonKey() uuid.UUID      { return e.Key }
