package jobs

import (
	"context"

	"github.com/dragoman-booking/dragoman/domain/access"
)

// Statements are a list's statement and its count, for looking at their plans.
func Statements(ctx context.Context, q DB, v access.Viewer, f Filter) (page, count Statement, err error) {
	l := &listing{v: v, joins: map[string]bool{}}
	if err := l.narrow(f); err != nil {
		return page, count, err
	}
	if err := l.columns(ctx, q, f); err != nil {
		return page, count, err
	}
	count.SQL, count.Args = l.countSQL()
	return Statement{l.sql(30, 0), l.args}, count, nil
}

// Statement is one question to the database.
type Statement struct {
	SQL  string
	Args []any
}

// The queue in a transaction.
var (
	Queue      = queue
	QueueItems = queueItems
)

// WaitingCount counts what waits for a viewer, for looking at its plan.
func WaitingCount(v access.Viewer) (Statement, error) {
	l, err := waitingList(v, Filter{})
	return Statement{"select count(*)" + l.from(), l.args}, err
}
