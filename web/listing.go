package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/dragoman-booking/dragoman/projections"
)

// listAsk is what the address of a list asks for: filter[column]=text, sort, page.
type listAsk struct {
	Filters map[string]string // by column: only those that the list has and that hold something
	Sort    string
	Page    int // from 1

	path string
	own  url.Values // the address without what is empty or unknown
}

// listAskOf reads the address of a list that may be narrowed and sorted by these columns. Further are parameters of the list's own.
func listAskOf(r *http.Request, columns []string, further ...string) listAsk {
	q := r.URL.Query()
	a := listAsk{Filters: map[string]string{}, Page: pageNumber(q), path: r.URL.Path, own: url.Values{}}
	for _, name := range columns {
		key := "filter[" + name + "]"
		if text := strings.TrimSpace(q.Get(key)); text != "" {
			a.Filters[name] = text
			a.own.Set(key, text)
		}
		if sort := q.Get("sort"); sort == name || sort == "-"+name {
			a.Sort = sort
			a.own.Set("sort", sort)
		}
	}
	for _, name := range further {
		if text := q.Get(name); text != "" {
			a.own.Set(name, text)
		}
	}
	return a
}

// query is the question to a read model.
func (a listAsk) query() projections.ListQuery {
	return projections.ListQuery{Offset: (a.Page - 1) * pageSize, Limit: pageSize, Sort: a.Sort, Filter: a.Filters}
}

// pager is which part of the list is shown.
func (a listAsk) pager(shown, total int) pager {
	return pageOf(a.path, a.own, a.Page, shown, total)
}

// SortHref is where a header leads: the same list, sorted by it, or the other way round if it is.
func (a listAsk) SortHref(column string) string {
	q := url.Values{}
	for name, values := range a.own {
		q[name] = values
	}
	q.Set("sort", column)
	if a.Sort == column {
		q.Set("sort", "-"+column)
	}
	return a.path + "?" + q.Encode()
}

// Sorted says how the list is sorted by a column, in the words of aria-sort; empty: not.
func (a listAsk) Sorted(column string) string {
	switch a.Sort {
	case column:
		return "ascending"
	case "-" + column:
		return "descending"
	}
	return ""
}

// Path is the list without filters.
func (a listAsk) Path() string { return a.path }

// Narrowed tells whether something narrows the list.
func (a listAsk) Narrowed() bool {
	for name := range a.own {
		if name != "sort" {
			return true
		}
	}
	return false
}
