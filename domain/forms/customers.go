package forms

import (
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// For tells whether the field is asked of a customer (II-41).
func (f Field) For(customer uuid.UUID) bool {
	return len(f.Customers) == 0 || slices.Contains(f.Customers, customer)
}

// For is the form as one customer fills it in: without the fields that are for others, and without saying whom any of them is for (II-41).
func (f Form) For(customer uuid.UUID) Form {
	return f.keeping(func(field Field) bool { return field.For(customer) })
}

// General is the form without what is for chosen customers: as it is shown to whom the agency's customers are no concern.
func (f Form) General() Form {
	return f.keeping(func(field Field) bool { return len(field.Customers) == 0 })
}

// Holding is the form for a reader who does not learn whose job it is: of the fields for chosen customers it has those that hold a value.
func (f Form) Holding(values map[string]domain.Value) Form {
	return f.keeping(func(field Field) bool {
		v := values[field.Key]
		return len(field.Customers) == 0 || v.NotApplicable || v.First() != ""
	})
}

func (f Form) keeping(keep func(Field) bool) Form {
	fields := make([]Field, 0, len(f.Fields))
	for _, field := range f.Fields {
		if keep(field) {
			field.Customers = nil
			fields = append(fields, field)
		}
	}
	f.Fields = fields
	return f
}
