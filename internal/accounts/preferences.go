package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SetPreferences stores how a user likes the portal, whole; body is a JSON object.
func (a *Accounts) SetPreferences(ctx context.Context, user uuid.UUID, body json.RawMessage) error {
	_, err := a.db.Exec(ctx, `insert into kept.preferences (user_id, body) values ($1, $2)
		on conflict (user_id) do update set body = excluded.body`, user, body)
	if err != nil {
		return fmt.Errorf("store preferences: %w", err)
	}
	return nil
}

// Preferences are what SetPreferences stored; an empty object if nothing was.
func (a *Accounts) Preferences(ctx context.Context, user uuid.UUID) (json.RawMessage, error) {
	var body json.RawMessage
	err := a.db.QueryRow(ctx, `select body from kept.preferences where user_id = $1`, user).Scan(&body)
	if errors.Is(err, pgx.ErrNoRows) {
		return json.RawMessage(`{}`), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read preferences: %w", err)
	}
	return body, nil
}
