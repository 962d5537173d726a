package commands

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Request is what every command brings besides its own values: who sends it, which command it is, and what it was decided on.
type Request struct {
	Viewer      access.Viewer // as the access read model knows the sender at this request
	Name        string        // as in the HTTP contract: assign, cancel, create-booking
	CommandID   uuid.UUID     // from CommandID; zero: a fresh one
	Canonical   []byte        // the request in one canonical form; only its keyed hash is kept
	IfMatch     *uint64       // revision that the sender saw; nil: any
	At          time.Time     // business time at which the command was first received, UTC; zero: the clock's now
	Correlation uuid.UUID     // zero: the command starts its own
	Causation   uuid.UUID     // the event that led to it; zero: the command itself
	Preview     bool          // decide, write nothing, and answer with a *Preview in the place of an error
	Previewed   string        // the token of the preview that the sender saw: done is what it said, or nothing (412)

	// accepts is whose acceptance the command records; zero: nobody's.
	accepts uuid.UUID

	// named: which stream the command is for follows from what was sent, not from the address alone. The same key may have been used for another.
	named bool
}

// keyed tells whether the command's id follows from an idempotency key.
func (r Request) keyed() bool { return r.CommandID.Version() == 5 }

// CommandID derives the id of a command sent under an idempotency key: one actor, method, path and key mean one command, for ever. Without
// a key every call is a command of its own.
func CommandID(actor uuid.UUID, method, path, key string) uuid.UUID {
	if key == "" {
		return uuid.New()
	}
	return derived("command", actor.String(), method, path, key)
}

// derived makes an id from parts; each part's length goes in, so that no two lists of parts make the same name.
func derived(parts ...string) uuid.UUID {
	var name []byte
	for _, p := range parts {
		name = append(name, byte(len(p)>>24), byte(len(p)>>16), byte(len(p)>>8), byte(len(p)))
		name = append(name, p...)
	}
	return uuid.NewSHA1(domain.Namespace, name)
}

// ready fills what the sender may leave out.
func (h *Handler) ready(r Request) Request {
	if r.CommandID == uuid.Nil {
		r.CommandID = uuid.New()
	}
	if r.At.IsZero() {
		r.At = h.clock.Now()
	}
	r.At = r.At.UTC()
	if r.Correlation == uuid.Nil {
		r.Correlation = r.CommandID
	}
	if r.Causation == uuid.Nil {
		r.Causation = r.CommandID
	}
	return r
}

// meta is what the command's events say about who, when and why; recordedAt comes with the bytes.
func (h *Handler) meta(r Request) eventschema.Meta {
	return eventschema.Meta{
		CorrelationID: r.Correlation,
		CausationID:   r.Causation,
		CommandID:     r.CommandID,
		CommandName:   r.Name,
		RequestHash:   h.hash(r.Canonical),
		Actor:         r.Viewer.Actor(),
		At:            r.At,
	}
}

// Secret is a secret that a command tells its sender, and the id of what it opens. Both follow from the command's id and a key that never leaves the
// deployment: a request sent again under its idempotency key gets the same answer, though nobody keeps the secret.
func (h *Handler) Secret(what string, r Request) (id uuid.UUID, secret string) {
	m := hmac.New(sha256.New, h.hashKey)
	m.Write([]byte("secret of " + what + " "))
	m.Write(r.CommandID[:])
	return derived(what, r.CommandID.String()), base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// hash is the keyed hash of a canonical request: without the key nobody can try out what a request held.
func (h *Handler) hash(canonical []byte) []byte {
	m := hmac.New(sha256.New, h.hashKey)
	m.Write(canonical)
	return m.Sum(nil)
}
