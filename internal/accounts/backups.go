package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// NoteBackup remembers that a backup was finished.
func (a *Accounts) NoteBackup(ctx context.Context, withLog bool) error {
	_, err := a.db.Exec(ctx, `insert into kept.backups (with_log) values ($1)`, withLog)
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
