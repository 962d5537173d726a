package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// FormDraft is a booking form that a user is changing and has not published.
type FormDraft struct {
	BasedOn int             // the version that it was made from; 0: the form is new
	Body    json.RawMessage // the form, whole
	Added   []string        // what was added to it, by the mark of the request: sent twice it is added once
}

// FormDrafts are a user's drafts by the form's id. They outlive the session in which they were begun.
func (a *Accounts) FormDrafts(ctx context.Context, user uuid.UUID) (map[string]FormDraft, error) {
	rows, err := a.db.Query(ctx, `select form, based_on, body, added from kept.form_drafts where user_id = $1`, user)
	if err != nil {
		return nil, fmt.Errorf("list drafts of forms: %w", err)
	}
	drafts := map[string]FormDraft{}
	var form string
	var d FormDraft
	if _, err := pgx.ForEachRow(rows, []any{&form, &d.BasedOn, &d.Body, &d.Added}, func() error {
		drafts[form] = FormDraft{d.BasedOn, append(json.RawMessage{}, d.Body...), slices.Clone(d.Added)}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("list drafts of forms: %w", err)
	}
	return drafts, nil
}

// FormDraft is one of them; false: there is none.
func (a *Accounts) FormDraft(ctx context.Context, user uuid.UUID, form string) (FormDraft, bool, error) {
	var d FormDraft
	err := a.db.QueryRow(ctx, `select based_on, body, added from kept.form_drafts where user_id = $1 and form = $2`, user, form).
		Scan(&d.BasedOn, &d.Body, &d.Added)
	if errors.Is(err, pgx.ErrNoRows) {
		return FormDraft{}, false, nil
	}
	if err != nil {
		return FormDraft{}, false, fmt.Errorf("read a draft of a form: %w", err)
	}
	return d, true, nil
}

// ChangeFormDraft lets change make the draft's next state from the one that stands, or from start if there is none. Changes of one draft come one
// after the other, so that two windows of a user do not undo each other.
func (a *Accounts) ChangeFormDraft(ctx context.Context, user uuid.UUID, form string, start FormDraft, change func(FormDraft) (FormDraft, error)) error {
	err := pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `insert into kept.form_drafts (user_id, form, based_on, body) values ($1, $2, $3, $4) on conflict do nothing`,
			user, form, start.BasedOn, start.Body); err != nil {
			return err
		}
		var d FormDraft
		if err := tx.QueryRow(ctx, `select based_on, body, added from kept.form_drafts where user_id = $1 and form = $2 for update`, user, form).
			Scan(&d.BasedOn, &d.Body, &d.Added); err != nil {
			return err
		}
		next, err := change(d)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update kept.form_drafts set based_on = $3, body = $4, added = $5, changed_at = now() where user_id = $1 and form = $2`,
			user, form, next.BasedOn, next.Body, append([]string{}, next.Added...))
		return err
	})
	if err != nil {
		return fmt.Errorf("change a draft of a form: %w", err)
	}
	return nil
}

// FormPublished ends a draft whose body became a version of the form. A draft that was changed meanwhile stays; it is still based on the version
// that it was made from.
func (a *Accounts) FormPublished(ctx context.Context, user uuid.UUID, form string, body json.RawMessage) error {
	if _, err := a.db.Exec(ctx, `delete from kept.form_drafts where user_id = $1 and form = $2 and body = $3`, user, form, body); err != nil {
		return fmt.Errorf("end the draft of a published form: %w", err)
	}
	return nil
}

// RemoveFormDraft ends a draft; one that is gone already is no error.
func (a *Accounts) RemoveFormDraft(ctx context.Context, user uuid.UUID, form string) error {
	if _, err := a.db.Exec(ctx, `delete from kept.form_drafts where user_id = $1 and form = $2`, user, form); err != nil {
		return fmt.Errorf("remove a draft of a form: %w", err)
	}
	return nil
}
