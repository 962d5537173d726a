// Package projections runs the read models: each lies in a folder of its own (table, projector, queries, test) and is filled from the
// feed, page by page, rows and checkpoint in one transaction. Anything in a read model can be thrown away and comes back identical.
//
// Three things work together. [Models] answers queries: it knows which generation of each model is live and how far it is. [Runner] fills
// the live generations, one process at a time, and builds missing ones. [Runner.Rebuild] fills a new generation beside the live one and
// swaps them; [Runner.Verify] shows that the live rows are what the log says.
package projections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Projector fills one read model. It uses only the page, in order, and its own tables through tx: never another read model, a clock,
// a sequence, randomness or current settings. The runner has set search_path to the generation's schema and moves the checkpoint in the same
// transaction. Rows go out as multi-row statements or COPY after folding the page in memory, never one round trip per event.
// A projector keeps nothing between two pages: a page may be rolled back, and another process may have applied the one before it.
type Projector interface {
	// Name is the read model's name, lower-case letters only, such as "jobs"; its schemas are rm_<name>_<generation>.
	Name() string
	// SQL creates the tables, unqualified, in an empty schema; every column is commented and every table has a primary key. The name
	// checkpoint is taken.
	SQL() string
	// Sources are the .sql and .go files, embedded, that decide which rows an event becomes. Their hash names what filled a generation:
	// a program serves only generations of its own hash, so a changed projector is a new read model.
	Sources() fs.FS
	// Apply turns one page of consecutive events of ours into rows. It sees every event and ignores those that do not concern it.
	// An error that is the event's own fault wraps [ErrEvent]; any other is tried again.
	Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error
}

// Errors that callers match.
var (
	// ErrEvent marks an error of Apply as the event's fault: trying again cannot help, so the read model stops and names the event.
	ErrEvent = errors.New("the event cannot be applied")
	// ErrNotReady: this program's generation of the read model is not built yet, or another version of the program has replaced it.
	ErrNotReady = errors.New("the read model is not built by this version of the program")
	// ErrUnknownModel: no projector has that name.
	ErrUnknownModel = errors.New("no such read model")
	// ErrLogReplaced: the event at the checkpoint is not the one that was applied, so the log was replaced or cut. A rebuild helps.
	ErrLogReplaced = errors.New("the log is not the one that the read model was filled from")
)

// Log is the event log as projections read it; internal/eventlog implements it.
type Log interface {
	// Newest is the position of the newest event of ours, as of the call; zero if there is none.
	Newest(ctx context.Context) (eventschema.Position, error)
	// ReadAll hands the events of ours after a position to f, in order, in pages as large as they come (up to 1,000), up to the log's
	// end or f's first error; eventschema.ErrStop ends it without one.
	ReadAll(ctx context.Context, after eventschema.Position, f func(eventschema.Page) error) error
	// EventAt is the id of the event at a position, as the log's leader says; uuid.Nil if none lies there.
	EventAt(ctx context.Context, at eventschema.Position) (uuid.UUID, error)
}

var nameShape = regexp.MustCompile(`^[a-z]+$`)

// layout is hashed with the sources: it changes when the runner's own tables in a generation do.
const layout = "1"

// hashOf names a projector's rows by what makes them.
func hashOf(p Projector) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%d\n%s", layout, len(p.SQL()), p.SQL())
	err := fs.WalkDir(p.Sources(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(p.Sources(), path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash the sources of %s: %w", p.Name(), err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}
