package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// attemptLife is how long an attempt may be under way. One that is not over by then is given up, so a process that died
// has counted against nobody for longer.
const attemptLife = 10 * time.Second

// counted runs one check of a password. It counts against who is to be let in, and against where it came from ("" if
// unknown), before it runs, so guesses sent at once count each. Refused with RateLimitError it has cost nothing: nothing
// was guessed, and an office does not get locked out because one of its clients keeps on asking.
func (a *Accounts) counted(ctx context.Context, who, from string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, attemptLife)
	defer cancel()
	keys := []string{who}
	if from != "" {
		keys = append(keys, from)
	}
	slices.Sort(keys) // all take their rows in one order, so no two wait for each other
	began, err := a.beginAttempt(ctx, keys)
	if err != nil {
		return err
	}
	checked := check(ctx)
	if checked != nil && !errors.Is(checked, ErrWrongCredentials) {
		return checked // nothing was told; it counts until its life is over
	}
	if err := a.endAttempt(ctx, keys, began, checked != nil, who); err != nil {
		return err // what could not be counted is not told either
	}
	return checked
}

// countKey names a counter without telling whose it is.
func countKey(kind, value string) string {
	sum := sha256.Sum256([]byte(kind + " " + value))
	return kind + ":" + hex.EncodeToString(sum[:])
}

// network is the address that one subscriber is likely to have: all of an IPv4 address, the first half of an IPv6 one.
func network(from netip.Addr) string {
	from = from.Unmap().WithZone("")
	if from.Is6() {
		if half, err := from.Prefix(64); err == nil {
			return half.String()
		}
	}
	return from.String()
}

// beginAttempt notes an attempt under each key, and tells when it began. It is refused while one of them has had too many
// failures within the window, those under way counted among them.
func (a *Accounts) beginAttempt(ctx context.Context, keys []string) (time.Time, error) {
	now := a.now().Truncate(time.Microsecond) // as the database keeps it
	err := pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			insert into kept.sign_in_attempts as had (key, window_start, failures, under_way)
			select key, $2, 0, array[$2::timestamptz] from unnest($1::text[]) key
			on conflict (key) do update set
				window_start = case when had.window_start <= $3 then $2 else had.window_start end,
				failures     = case when had.window_start <= $3 then 0 else had.failures end,
				under_way    = array(select began from unnest(had.under_way) began where began > $4) || $2::timestamptz
			returning key, window_start, failures, cardinality(under_way)`,
			keys, now, now.Add(-a.o.Window), now.Add(-attemptLife))
		if err != nil {
			return err
		}
		var (
			wait               time.Duration
			key                string
			start              time.Time
			failures, underWay int
		)
		_, err = pgx.ForEachRow(rows, []any{&key, &start, &failures, &underWay}, func() error {
			limit := a.o.PerName
			if strings.HasPrefix(key, "address:") {
				limit = a.o.PerAddress
			}
			switch {
			case failures >= limit:
				wait = max(wait, start.Add(a.o.Window).Sub(now), time.Second)
			case failures+underWay > limit: // those may turn out right
				wait = max(wait, time.Second)
			}
			return nil
		})
		if err == nil && wait > 0 {
			err = &RateLimitError{RetryAfter: wait} // and nothing is noted
		}
		return err
	})
	var limited *RateLimitError
	if err != nil && !errors.As(err, &limited) {
		err = fmt.Errorf("count a sign-in: %w", err)
	}
	return now, err
}

// endAttempt takes back what beginAttempt noted. A failure is counted instead; after a success who was let in starts anew,
// and the address keeps its other failures.
func (a *Accounts) endAttempt(ctx context.Context, keys []string, began time.Time, failed bool, who string) error {
	batch := new(pgx.Batch) // a transaction of its own
	for _, key := range keys {
		batch.Queue(`
			update kept.sign_in_attempts set
				failures     = case when $3 then failures + 1 when key = $4 then 0 else failures end,
				window_start = case when $3 and failures = 0 then $2 else window_start end,
				under_way    = under_way[:coalesce(array_position(under_way, $2), 0) - 1] || under_way[coalesce(array_position(under_way, $2), 0) + 1:]
			where key = $1`, key, began, failed, who)
	}
	if err := a.db.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("count a sign-in that is over: %w", err)
	}
	return nil
}
