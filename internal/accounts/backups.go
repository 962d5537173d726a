package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// NoteBackup remembers that a backup was finished, up to a position of the log.
func (a *Accounts) NoteBackup(ctx context.Context, at eventschema.Position, withLog bool) error {
	_, err := a.db.Exec(ctx, `insert into kept.backups (commit_pos, prepare_pos, with_log) values ($1, $2, $3)`, at.Commit, at.Prepare, withLog)
	if err != nil {
		return fmt.Errorf("note the backup: %w", err)
	}
	return nil
}

// LastBackup is when the last backup was finished, by the machine's clock; zero if there was none.
func (a *Accounts) LastBackup(ctx context.Context) (at time.Time, err error) {
	err = a.db.QueryRow(ctx, `select finished_at from kept.backups order by id desc limit 1`).Scan(&at)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return at, fmt.Errorf("read when the last backup was made: %w", err)
	}
	return at, nil
}
