package httpapi

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
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
	row := items.Type().Elem()
	var names []string
	var fields [][]int
	for _, f := range reflect.VisibleFields(row) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" || name == "" {
			continue
		}
		names, fields = append(names, name), append(fields, f.Index)
	}
	if err := out.Write(names); err != nil {
		return err
	}
	record := make([]string, len(fields))
	for i := range items.Len() {
		for c, index := range fields {
			record[c] = csvCell(items.Index(i).FieldByIndex(index))
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// csvCell prints one value. A text that a spreadsheet would run as a formula is quoted with an apostrophe.
func csvCell(v reflect.Value) string {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
			return "'" + s
		}
		return s
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
