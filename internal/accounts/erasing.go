package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Locks of Postgres, which belong to a session and so end with its process.
const (
	erasingLock = 0x6472616765726173 // erasures share it, a backup has it alone
	backupLock  = 0x647261676261636b // one backup at a time
)

// ErrBackup: a backup is being made, and erasing waits for its end. HTTP answers 503 with Retry-After.
var ErrBackup = fmt.Errorf("%w: a backup is being made, and nobody is erased meanwhile", eventschema.ErrUnavailable)

// ErrOtherBackup: one backup of a deployment at a time.
var ErrOtherBackup = errors.New("another backup of this deployment is being made")

// BeginErasing keeps backups from starting until end is called: the event and the destruction of the keys are both in a backup, or neither. It
// waits for a backup that runs, but no longer than KeyOptions.EraseWait: ErrBackup.
func (k *Keys) BeginErasing(ctx context.Context) (end func(), err error) {
	conn, err := lockConn(ctx, k.db.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf(`set lock_timeout to %d`, k.eraseWait.Milliseconds())); err != nil {
		return nil, errors.Join(fmt.Errorf("wait for backups: %w", err), conn.Close(ctx))
	}
	if _, err := conn.Exec(ctx, `select pg_advisory_lock_shared($1)`, int64(erasingLock)); err != nil {
		conn.Close(context.WithoutCancel(ctx))
		var answer *pgconn.PgError
		if errors.As(err, &answer) && answer.Code == "55P03" { // lock_not_available
			return nil, ErrBackup
		}
		return nil, fmt.Errorf("wait for backups: %w", err)
	}
	return func() { closeLocked(ctx, conn) }, nil
}

// HoldErasing keeps everybody from erasing until release is called, once erasures under way have ended. Its session is also the one to read the
// database in: as long as that works, the lock is held. ErrOtherBackup.
func HoldErasing(ctx context.Context, config *pgx.ConnConfig) (conn *pgx.Conn, release func(), err error) {
	if conn, err = lockConn(ctx, config); err != nil {
		return nil, nil, err
	}
	release = func() { closeLocked(ctx, conn) }
	var alone bool
	if err = conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, int64(backupLock)).Scan(&alone); err == nil && !alone {
		err = ErrOtherBackup
	}
	if err == nil {
		_, err = conn.Exec(ctx, `select pg_advisory_lock($1)`, int64(erasingLock))
	}
	if err != nil {
		release()
		return nil, nil, fmt.Errorf("keep erasures waiting: %w", err)
	}
	return conn, release, nil
}

// lockConn is a connection of its own, which stays however long nothing is asked.
func lockConn(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if _, err := conn.Exec(ctx, `set idle_session_timeout to 0`); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to the database: %w", err), conn.Close(ctx))
	}
	return conn, nil
}

// closeLocked gives the locks back at once; closing alone would do so a moment later.
func closeLocked(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = conn.Exec(ctx, `select pg_advisory_unlock_all()`)
	_ = conn.Close(ctx)
}

// EraseIn destroys keys as Keys.Erase does, in a transaction of the caller's: for a restore, which brings back what was destroyed since.
func EraseIn(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) error {
	if _, err := tx.Exec(ctx, destroyKeys, ids); err != nil {
		return fmt.Errorf("erase personal-data keys: %w", err)
	}
	return nil
}

// KeepLoginsOf takes away the logins of all other users, in a transaction of the caller's: those who were erased since a backup, and those whom its
// log does not know yet, whose names would be taken for ever.
func KeepLoginsOf(ctx context.Context, tx pgx.Tx, users []uuid.UUID) error {
	if _, err := tx.Exec(ctx, `delete from kept.credentials where user_id <> all(coalesce($1::uuid[], '{}'))`, users); err != nil {
		return fmt.Errorf("remove the logins of users who are no more: %w", err)
	}
	return nil
}
