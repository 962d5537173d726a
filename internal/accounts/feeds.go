package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Feed is a calendar feed of a user (M-25). The secret of its address is told to the request that made it; only its hash is kept.
type Feed struct {
	ID        uuid.UUID
	Level     string
	CreatedAt time.Time
	FetchedAt *time.Time // last; nil: never
	Fetches   int64
}

// MostFeeds is how many feeds one user may have at a time.
const MostFeeds = 10

// Errors of feeds.
var (
	ErrNoFeed       = errors.New("there is no such feed")
	ErrTooManyFeeds = errors.New("this user has as many feeds as one may have")
	ErrOtherFeed    = errors.New("a feed that tells something else was made under this id")
)

// CreateFeed makes a feed that a secret opens. Id and secret follow from the request that asks for it: asked again it is the same feed, as it was when
// it was made, also if it has been revoked since. Errors: ErrNoLogin, ErrTooManyFeeds, ErrOtherFeed.
func (a *Accounts) CreateFeed(ctx context.Context, userID, id uuid.UUID, secret, level string) (Feed, error) {
	f := Feed{ID: id, Level: level, CreatedAt: a.now()}
	err := pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select from kept.credentials where user_id = $1 for update`, userID); err != nil { // so that two are counted one after the other
			return err
		}
		var before string
		switch err := tx.QueryRow(ctx, `select level, created_at from kept.feeds where id = $1 and user_id = $2`, id, userID).Scan(&before, &f.CreatedAt); {
		case err == nil && before != level:
			return ErrOtherFeed
		case !errors.Is(err, pgx.ErrNoRows):
			return err // none: it was made before
		}
		var have int
		if err := tx.QueryRow(ctx, `select count(*) from kept.feeds where user_id = $1 and revoked_at is null`, userID).Scan(&have); err != nil {
			return err
		}
		if have >= MostFeeds {
			return ErrTooManyFeeds
		}
		made, err := tx.Exec(ctx, `
			insert into kept.feeds (id, secret_hash, user_id, level, created_at)
			select $1, $2, user_id, $4, $5 from kept.credentials where user_id = $3`, f.ID, hashToken(secret), userID, level, f.CreatedAt)
		if err != nil {
			return err
		}
		return orNoLogin(made)
	})
	if err != nil {
		return Feed{}, fmt.Errorf("create a feed: %w", err)
	}
	return f, nil
}

// Feeds lists a user's feeds that are not revoked, oldest first.
func (a *Accounts) Feeds(ctx context.Context, userID uuid.UUID) ([]Feed, error) {
	rows, _ := a.db.Query(ctx, `
		select id, level, created_at, fetched_at, fetches from kept.feeds where user_id = $1 and revoked_at is null order by created_at, id`, userID)
	feeds, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Feed]) // reports the query's error too
	if err != nil {
		return nil, fmt.Errorf("list feeds: %w", err)
	}
	return feeds, nil
}

// RevokeFeed ends a user's feed at once. ErrNoFeed if that user has no such feed; again is fine.
func (a *Accounts) RevokeFeed(ctx context.Context, userID, id uuid.UUID) error {
	done, err := a.db.Exec(ctx, `update kept.feeds set revoked_at = coalesce(revoked_at, $3) where id = $2 and user_id = $1`, userID, id, a.now())
	if err != nil {
		return fmt.Errorf("revoke a feed: %w", err)
	}
	if done.RowsAffected() == 0 {
		return ErrNoFeed
	}
	return nil
}

// FetchFeed finds whose feed a secret opens and what it tells, and notes the fetch. ErrNoFeed: none, a revoked one, or its user may not sign in.
func (a *Accounts) FetchFeed(ctx context.Context, secret string) (userID uuid.UUID, level string, err error) {
	err = a.db.QueryRow(ctx, `
		update kept.feeds f set fetched_at = $2, fetches = fetches + 1 from kept.credentials c
		where f.secret_hash = $1 and f.revoked_at is null and c.user_id = f.user_id and c.state = 'active'
		returning f.user_id, f.level`, hashToken(secret), a.now()).Scan(&userID, &level)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, "", ErrNoFeed
	}
	if err != nil {
		return uuid.Nil, "", fmt.Errorf("look for a feed: %w", err)
	}
	return userID, level, nil
}
