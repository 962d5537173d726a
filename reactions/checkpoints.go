package reactions

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Checkpoint is how far a reaction has got, with the id of the event there; uuid.Nil while the log was empty.
type Checkpoint struct {
	Reaction string
	Position eventschema.Position
	Event    uuid.UUID
}

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Checkpoints are those of all reactions that ever ran.
func Checkpoints(ctx context.Context, db querier) ([]Checkpoint, error) {
	rows, err := db.Query(ctx, `select reaction, commit_pos, prepare_pos, event_id from kept.reaction_checkpoints order by reaction`)
	if err != nil {
		return nil, fmt.Errorf("read the reactions' checkpoints: %w", err)
	}
	var all []Checkpoint
	var c Checkpoint
	if _, err := pgx.ForEachRow(rows, []any{&c.Reaction, &c.Position.Commit, &c.Position.Prepare, &c.Event}, func() error {
		all = append(all, c)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read the reactions' checkpoints: %w", err)
	}
	return all, nil
}

// SetCheckpoint moves a reaction that does not run: the log was restored or moved, so its event lies elsewhere.
func SetCheckpoint(ctx context.Context, tx pgx.Tx, c Checkpoint) error {
	_, err := tx.Exec(ctx, `update kept.reaction_checkpoints set commit_pos = $2, prepare_pos = $3, event_id = $4, moved_at = now() where reaction = $1`,
		c.Reaction, c.Position.Commit, c.Position.Prepare, c.Event)
	if err != nil {
		return fmt.Errorf("move the checkpoint of %s: %w", c.Reaction, err)
	}
	return nil
}
