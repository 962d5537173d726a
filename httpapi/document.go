package httpapi

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// complete says in the OpenAPI document what the registration of a route cannot: that a list filters by its columns, that it comes as a table
// too, which headers an error carries, and what of an answer may be null.
func (a *API) complete() {
	nullable(a.huma.OpenAPI().Components.Schemas)
	text := &huma.Schema{Type: huma.TypeString}
	for _, path := range a.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete} {
			if op == nil {
				continue
			}
			if a.filtered[op.OperationID] {
				op.Parameters = append(op.Parameters, &huma.Param{Name: "filter", In: "query", Style: "deepObject",
					Description: "filter[column]=text: the column contains the text, whatever the case. Several hold together.",
					Schema:      &huma.Schema{Type: huma.TypeObject, AdditionalProperties: text}})
			}
			if a.orders[op.OperationID] {
				a.describePreview(op)
			}
			if a.tables[op.OperationID] {
				op.Responses["200"].Content["text/csv"] = &huma.MediaType{Schema: text}
			}
			errorHeader(op, 401, "WWW-Authenticate", text)
			errorHeader(op, 429, "Retry-After", text)
			errorHeader(op, 503, "Retry-After", text)
		}
	}
}

func errorHeader(op *huma.Operation, status int, name string, schema *huma.Schema) {
	if r := op.Responses[strconv.Itoa(status)]; r != nil {
		r.Headers = map[string]*huma.Param{name: {Schema: schema}}
	}
}

// nullable says of every value behind a pointer that is always there that it may be null. Types
// that answers embed have exported names, or the document would not hold their fields.
func nullable(schemas huma.Registry) {
	for name, schema := range schemas.Map() {
		t := schemas.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		for _, field := range reflect.VisibleFields(t) {
			key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			property := schema.Properties[key]
			if field.Type.Kind() != reflect.Pointer || strings.Contains(options, "omitempty") || property == nil {
				continue
			}
			if property.Ref == "" {
				property.Nullable = true
				continue
			}
			schema.Properties[key] = &huma.Schema{AnyOf: []*huma.Schema{{Ref: property.Ref}, {Type: "null"}}, Description: property.Description}
		}
	}
}
