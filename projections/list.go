package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ListQuery is which part of a list is asked for: the offset, limit, sort and filters of the HTTP contract.
type ListQuery struct {
	Offset int
	Limit  int               // 0: 30; at most 500
	Sort   string            // a field's name, -name for descending; "" for the list's own order
	Filter map[string]string // by field's name: contains this text, whatever the case; all must hold
	// Uncounted: nobody looks at how many entries there are in all, so Total is how many the page holds.
	Uncounted bool
}

// ErrUnknownField: a list has no field of the asked name to sort or filter by.
var ErrUnknownField = errors.New("the list has no such field")

// Fields are what a list may be sorted and filtered by: the name in the contract → an SQL expression of the list's statement.
type Fields map[string]string

// ListPage is one part of a list, and how many entries it has in all.
type ListPage[T any] struct {
	Items []T
	Total int
}

// List asks one page of a list. The statement is a select without order and limit, its tables in braces as for Collect, its rows those that
// the viewer may see; order is its own order, an SQL list that ends in a unique column, so that pages neither repeat nor miss a row.
func List[T any](ctx context.Context, m *Models, q ListQuery, fields Fields, order, sql string, args ...any) (page ListPage[T], err error) {
	s, err := q.Statements(fields, order, sql, args...)
	if err != nil {
		return page, err
	}
	if page.Items, err = Collect(ctx, m, pgx.RowToStructByName[T], s.Page, s.Args...); err != nil {
		return page, err
	}
	if q.Uncounted || s.Whole(len(page.Items)) {
		page.Total = len(page.Items)
		return page, nil
	}
	page.Total, _, err = One(ctx, m, pgx.RowTo[int], s.Count, s.Args...)
	return page, err
}

// ListStatements ask for one page of a list and for how many entries it has in all; both take the same arguments.
type ListStatements struct {
	Page, Count   string
	Args          []any
	offset, limit int
}

// Whole tells whether a page of n entries is all of the list, so that nobody needs to count.
func (s ListStatements) Whole(n int) bool { return s.offset == 0 && n < s.limit }

// Statements are those of List, for who runs them in a transaction of its own.
func (q ListQuery) Statements(fields Fields, order, sql string, args ...any) (s ListStatements, err error) {
	where, args, err := q.where(fields, args)
	if err != nil {
		return s, err
	}
	if q.Sort != "" {
		name, descending := strings.CutPrefix(q.Sort, "-")
		column, known := fields[name]
		if !known {
			return s, fmt.Errorf("%w: sort %s", ErrUnknownField, name)
		}
		if descending {
			column += " desc nulls last"
		}
		order = column + ", " + order
	}
	limit := q.Limit
	if limit == 0 {
		limit = 30
	}
	s = ListStatements{Args: args, offset: max(0, q.Offset), limit: max(1, min(limit, 500))}
	from := fmt.Sprintf("from (%s) as list where %s", sql, where)
	s.Page = fmt.Sprintf("select * %s order by %s limit %d offset %d", from, order, s.limit, s.offset)
	s.Count = "select count(*) " + from
	return s, nil
}

// Sums asks for figures over all entries of a list that the query's filters leave, whatever part of it is shown: selected are aggregates and
// what they are grouped by, which also orders them.
func Sums[T any](ctx context.Context, m *Models, q ListQuery, fields Fields, selected, by, sql string, args ...any) ([]T, error) {
	where, args, err := q.where(fields, args)
	if err != nil {
		return nil, err
	}
	return Collect(ctx, m, pgx.RowToStructByName[T], fmt.Sprintf("select %s from (%s) as list where %s group by %s order by %[4]s", selected, sql, where, by), args...)
}

// where is the filters as a condition; args grow by the texts that it looks for.
func (q ListQuery) where(fields Fields, args []any) (string, []any, error) {
	where := []string{"true"}
	for _, name := range sortedKeys(q.Filter) {
		column, known := fields[name]
		if !known {
			return "", nil, fmt.Errorf("%w: filter %s", ErrUnknownField, name)
		}
		args = append(args, q.Filter[name])
		where = append(where, fmt.Sprintf("position(lower($%d) in lower((%s)::text)) > 0", len(args), column))
	}
	return strings.Join(where, " and "), args, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
