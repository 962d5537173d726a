// Package rows turns what a projector folded in memory into the columns of a multi-row statement: insert … select from unnest.
package rows

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// Column is one column of a multi-row statement: one value a row.
func Column[R, V any](all []R, of func(R) V) pgtype.FlatArray[V] {
	column := make(pgtype.FlatArray[V], len(all))
	for i, r := range all {
		column[i] = of(r)
	}
	return column
}

// ID is an id as the database takes it; the nil id is null.
func ID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: id != uuid.Nil} }

// Time is an instant as the database takes it; the zero time is null.
func Time(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }

// IDs is a list of ids as a text that casts to uuid[]: unnest takes no list of lists.
func IDs(ids []uuid.UUID) string {
	b := make([]byte, 0, 2+37*len(ids))
	b = append(b, '{')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, id.String()...)
	}
	return string(append(b, '}'))
}

// Texts is a list of texts as a text that casts to text[].
func Texts(list []string) string {
	b := []byte{'{'}
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		for _, c := range []byte(s) {
			if c == '"' || c == '\\' {
				b = append(b, '\\')
			}
			b = append(b, c)
		}
		b = append(b, '"')
	}
	return string(append(b, '}'))
}

// Sorted are a map's keys in one order, so that rows are written, and locked, alike in every run.
func Sorted[V any](m map[uuid.UUID]V) []uuid.UUID {
	return slices.SortedFunc(maps.Keys(m), Compare)
}

// Keys are the same as the database takes them, without asking each for its text.
func Keys[V any](m map[uuid.UUID]V) pgtype.FlatArray[pgtype.UUID] { return Column(Sorted(m), Valid) }

// Compare orders ids as the database does.
func Compare(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// Valid is an id as the database takes it where it must be there: the nil id is a value like any other.
func Valid(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }
