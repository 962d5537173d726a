package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// errScratch rolls a scratch transaction back.
var errScratch = errors.New("scratch work is not kept")

// Scratch answers a question about another moment than now: it fills empty copies of some of a model's tables from a page of events, by the
// model's own projector, and runs f where those copies are found by the tables' names and all other tables are the live ones. Nothing of it is
// kept, and nobody else sees it. It is for a single stream's events, not for many.
func (m *Models) Scratch(ctx context.Context, model string, tables []string, page eventschema.Page, f func(tx pgx.Tx) error) error {
	err := m.fresh(ctx, func(p *pointers) error {
		g, err := p.generation(m, model)
		if err != nil {
			return err
		}
		var copies strings.Builder
		for _, table := range tables {
			fmt.Fprintf(&copies, "create temp table %[2]s (like %[1]s.%[2]s including all) on commit drop;", g.schema(), table)
		}
		begin := "begin; " + copies.String() + " set local search_path to pg_temp, " + g.schema()
		return pgx.BeginTxFunc(ctx, m.pool, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
			if err := m.projectors[model].Apply(ctx, tx, page); err != nil {
				return fmt.Errorf("replay into scratch tables: %w", err)
			}
			if err := f(tx); err != nil {
				return err
			}
			return errScratch
		})
	})
	if errors.Is(err, errScratch) {
		return nil
	}
	return err
}
