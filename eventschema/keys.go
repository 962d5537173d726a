package eventschema

import (
	"context"
	"errors"

	"github.com/google/uuid"
)

// Keys opens personal-data keys by id. The accounts room implements it.
type Keys interface {
	// Key returns the key's 32 bytes; ErrErased if its person was erased, ErrKeyMissing (a fault) if it is unknown.
	Key(ctx context.Context, id uuid.UUID) ([]byte, error)
	// Prefetch loads many keys in one round trip before a page is opened. Missing and erased ones are found later, by Key.
	Prefetch(ctx context.Context, ids []uuid.UUID) error
	// Forget drops keys from memory: their person was erased.
	Forget(ids []uuid.UUID)
}

// Errors of Keys.
var (
	ErrErased     = errors.New("personal-data key was erased")
	ErrKeyMissing = errors.New("personal-data key is missing")
)

// Keyed is an event with personal values: PersonKey names the key that seals them.
type Keyed interface{ PersonKey() uuid.UUID }
