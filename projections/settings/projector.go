// Package settings is the read model of what the agency set: its settings, booking forms and contract terms, every version of them.
package settings

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Name is the read model's name.
const Name = "settings"

//go:embed settings.sql projector.go
var sources embed.FS

//go:embed settings.sql
var tables string

// Projector fills the read model.
type Projector struct{}

// Name implements projections.Projector.
func (Projector) Name() string { return Name }

// SQL implements projections.Projector.
func (Projector) SQL() string { return tables }

// Sources implements projections.Projector.
func (Projector) Sources() fs.FS { return sources }

// Apply implements projections.Projector. These events are rare, so each is a statement of one batch.
func (Projector) Apply(ctx context.Context, tx pgx.Tx, page eventschema.Page) error {
	batch := &pgx.Batch{}
	for _, e := range page {
		switch event := e.Event.(type) {
		case people.AgencyChanged:
			body, err := json.Marshal(event.Settings)
			if err != nil {
				return fmt.Errorf("write the agency's settings as JSON: %w", err)
			}
			batch.Queue(`insert into agency (version, settings) values ($1, $2)
				on conflict (singleton) do update set version = excluded.version, settings = excluded.settings`, event.Version, body)
		case forms.Defined:
			body, err := json.Marshal(event.Form)
			if err != nil {
				return fmt.Errorf("write a form as JSON: %w", err)
			}
			batch.Queue(`insert into forms (form, version, body, defined_at, defined_by) values ($1, $2, $3, $4, $5)`,
				event.Form.ID, event.Form.Version, body, e.Meta.At, e.Meta.Actor.ID)
		case forms.TermsDefined:
			body, err := json.Marshal(event.Terms)
			if err != nil {
				return fmt.Errorf("write terms as JSON: %w", err)
			}
			batch.Queue(`insert into terms (terms, version, body) values ($1, $2, $3)`, event.Terms.ID, event.Terms.Version, body)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, batch).Close()
}
