// Package projections runs the read models: each lies in a folder of its own (table, projector, queries, test) and is filled from the
// feed, page by page, rows and checkpoint in one transaction. Anything in a read model can be thrown away and comes back identical.
package projections

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Projector fills one read model. It uses only the page, in order, and its own tables through tx: never another read model, a clock,
// a sequence, randomness or current settings. The runner has set search_path to the generation's schema and moves the checkpoint in the same
// transaction. Rows go out as multi-row statements or COPY after folding the page in memory, never one round trip per event.
type Projector interface {
	// Name is the read model's name, such as "jobs"; its schemas are rm_<name>_<generation>.
	Name() string
	// SQL creates the tables, unqualified, in an empty schema; every column is commented.
	SQL() string
	// Apply turns one page of consecutive events of ours into rows. It sees every event and ignores those that do not concern it.
	Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error
}
