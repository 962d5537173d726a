package domain

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Refusal is a rule's "no": an answer, not a fault. It travels unwrapped to the caller; Code and Status are those of the HTTP contract.
// Texts never repeat what the caller sent.
type Refusal struct {
	Code    string       // stable, kebab-case: already-accepted, wrong-status, double-booked, …
	Status  int          // 403, 404, 409, 412 or 422
	Detail  string       // one plain sentence for a person
	Errors  []FieldError // every faulty input at once
	Choices []string     // what may be sent instead, such as scopes
	Actions []Action     // ready commands that help, such as the admin message that asks for a cancellation (LL-115)
	Until   string       // RFC 3339 instant to which a window was open, if that was the rule
	Changed []Change     // for a stale revision: what happened since
	Trace   []Because    // which rules spoke against it, and from which facts (N-04); kept nowhere else
}

// Change is something that happened meanwhile: by which command, who did it as what, and when.
type Change struct {
	Command string
	Actor   uuid.UUID // the user
	Role    Role
	At      time.Time
	By      string // the user's name, where whoever is told may know it
}

// FieldError names one faulty input by its JSON location, such as "body.fields.nonEnglishSpeaker".
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Action is a command that a refusal offers, ready to be sent.
type Action struct {
	Command string         `json:"command"`
	Body    map[string]any `json:"body"`
}

func (r *Refusal) Error() string {
	s := r.Code + ": " + r.Detail
	for _, e := range r.Errors {
		s += " " + e.Location + ": " + e.Message
	}
	return s
}

// Is lets errors.Is match refusals by code.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Code == r.Code
}

// Unprocessable is a 422 with the given code.
func Unprocessable(code, format string, a ...any) *Refusal {
	return &Refusal{Code: code, Status: 422, Detail: fmt.Sprintf(format, a...)}
}

// Conflict is a 409 with the given code.
func Conflict(code, format string, a ...any) *Refusal {
	return &Refusal{Code: code, Status: 409, Detail: fmt.Sprintf(format, a...)}
}

// Forbidden is a 403 with the given code.
func Forbidden(code, format string, a ...any) *Refusal {
	return &Refusal{Code: code, Status: 403, Detail: fmt.Sprintf(format, a...)}
}

// NotFound is the 404 that does not tell "unknown" from "not yours".
func NotFound(format string, a ...any) *Refusal {
	return &Refusal{Code: "not-found", Status: 404, Detail: fmt.Sprintf(format, a...)}
}

// Invalid is a 422 that lists every faulty field.
func Invalid(errs ...FieldError) *Refusal {
	return &Refusal{Code: "invalid", Status: 422, Detail: "Some values need correcting.", Errors: errs}
}

// Warning is what an accepted command tells the caller besides success (LL-33, LL-35).
type Warning struct {
	Location string `json:"location"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}
