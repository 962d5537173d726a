package jobs

import (
	"context"

	"github.com/dragoman-booking/dragoman/domain/access"
)

// Statements are a list's statement and its count, for looking at their plans.
func Statements(ctx context.Context, q DB, v access.Viewer, f Filter) (page, count string, args []any, err error) {
	l := &listing{v: v, joins: map[string]bool{}}
	if err := l.narrow(f); err != nil {
		return "", "", nil, err
	}
	if err := l.columns(ctx, q, f); err != nil {
		return "", "", nil, err
	}
	return l.sql(30, 0), l.countSQL(), l.args, nil
}
