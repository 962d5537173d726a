package httpapi

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dragoman-booking/dragoman/domain"
)

// List is one page of a list: items, how many there are in all, and which page this is.
type List[T any] struct {
	Items  []T `json:"items"`
	Total  int `json:"total"`
	Offset int `json:"offset"`
	Limit  int `json:"limit"`
}

func (l List[T]) csvRows() any { return l.Items }

// All is a list that is never cut into pages.
type All[T any] struct {
	Items []T `json:"items"`
}

func (l All[T]) csvRows() any { return l.Items }

// all makes a list of items; none is an empty list, never null.
func all[T any](items []T) All[T] {
	if items == nil {
		items = []T{}
	}
	return All[T]{Items: items}
}

// Paging is the query of every list.
type Paging struct {
	Offset int `query:"offset" minimum:"0" doc:"How many to skip."`
	Limit  int `query:"limit" minimum:"1" maximum:"500" default:"30"`
}

// csvFormat writes the items of a list as comma-separated values, one column a field, nested values as JSON.
var csvFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		rows, ok := v.(interface{ csvRows() any })
		if !ok {
			return jsonEncode(w, v) // a problem, or something that is no list
		}
		return writeCSV(w, reflect.ValueOf(rows.csvRows()))
	},
	Unmarshal: func([]byte, any) error { return fmt.Errorf("bodies are JSON") },
}

func writeCSV(w io.Writer, items reflect.Value) error {
	out := csv.NewWriter(w)
	columns := columnsOf(items.Type().Elem())
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	if err := out.Write(names); err != nil {
		return err
	}
	record := make([]string, len(columns))
	for i := range items.Len() {
		for n, c := range columns {
			record[n] = csvCell(items.Index(i).FieldByIndex(c.index))
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// column is a field of a list's items, by its name in the contract.
type column struct {
	name  string
	index []int
}

func columnsOf(row reflect.Type) (all []column) {
	for _, f := range reflect.VisibleFields(row) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" || name == "" {
			continue
		}
		all = append(all, column{name, f.Index})
	}
	return all
}

// partOf is the part of a list that is asked for, where the list is so short that it is made whole: those whose columns contain the filters'
// texts, sorted, from the offset on.
func partOf[T any](l *Listing, items []T) (List[T], error) {
	columns := columnsOf(reflect.TypeFor[T]())
	find := func(name string) (column, bool) {
		i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		if i < 0 {
			return column{}, false
		}
		return columns[i], true
	}
	value := func(item *T, c column) reflect.Value {
		v := reflect.ValueOf(item).Elem().FieldByIndex(c.index)
		for v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		}
		return v
	}
	kept := slices.Clone(items)
	for name, text := range l.filter {
		c, known := find(name)
		if !known {
			return List[T]{}, noSuchColumn()
		}
		kept = slices.DeleteFunc(kept, func(item T) bool {
			return !strings.Contains(strings.ToLower(cell(value(&item, c))), strings.ToLower(text))
		})
	}
	if l.Sort != "" {
		name, descending := strings.CutPrefix(l.Sort, "-")
		c, known := find(name)
		if !known {
			return List[T]{}, noSuchColumn()
		}
		slices.SortStableFunc(kept, func(x, y T) int {
			a, b := value(&x, c), value(&y, c)
			switch none := func(v reflect.Value) bool { return v.Kind() == reflect.Pointer }; {
			case none(a) || none(b): // what is null stands last either way
				return cmp.Compare(btoi(none(a)), btoi(none(b)))
			case descending:
				return compareCells(b, a)
			}
			return compareCells(a, b)
		})
	}
	from := min(l.Offset, len(kept))
	page := kept[from:min(from+l.Limit, len(kept))]
	if page == nil {
		page = []T{}
	}
	return List[T]{Items: page, Total: len(kept), Offset: l.Offset, Limit: l.Limit}, nil
}

func compareCells(a, b reflect.Value) int {
	if a.CanInt() {
		return cmp.Compare(a.Int(), b.Int())
	}
	return cmp.Compare(strings.ToLower(cell(a)), strings.ToLower(cell(b)))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func noSuchColumn() error {
	return domain.Invalid(domain.FieldError{Location: "query", Message: "This list has no such column to sort or filter by."})
}

// csvCell prints one value. A text that a spreadsheet would run as a formula is quoted with an apostrophe.
func csvCell(v reflect.Value) string {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if s := cell(v); v.Kind() != reflect.String || s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	return "'" + v.String()
}

// cell is a value as text: nested ones as JSON, null as nothing.
func cell(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return cell(v.Elem())
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Bool:
		return fmt.Sprint(v.Interface())
	}
	b, err := json.Marshal(v.Interface())
	if err != nil {
		return ""
	}
	s := strings.Trim(string(b), `"`)
	if s == "null" {
		return ""
	}
	return s
}
