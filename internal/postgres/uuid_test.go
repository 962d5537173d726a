package postgres_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// UUIDs travel both ways in every shape in which ours do: alone, null, in lists, as text, in documents.
func TestUUIDsTravel(t *testing.T) {
	t.Parallel()
	db := postgres.TestDB(t)
	ctx := context.Background()
	id, other := uuid.New(), uuid.New()

	var one uuid.UUID
	var null, there *uuid.UUID
	var list []uuid.UUID
	var text string
	err := db.QueryRow(ctx, `select $1::uuid, null::uuid, $1::uuid, $2::uuid[], $1::uuid::text`, id, []uuid.UUID{id, other}).
		Scan(&one, &null, &there, &list, &text)
	if err != nil {
		t.Fatal(err)
	}
	if one != id || null != nil || there == nil || *there != id || !slices.Equal(list, []uuid.UUID{id, other}) || text != id.String() {
		t.Errorf("sent %v and %v, read %v %v %v %v %v", id, other, one, null, there, list, text)
	}

	var none *uuid.UUID
	var absent bool
	if err := db.QueryRow(ctx, `select $1::uuid is null`, none).Scan(&absent); err != nil || !absent {
		t.Errorf("a nil pointer is not null: %v %v", absent, err)
	}
	if err := db.QueryRow(ctx, `select $1::text`, id).Scan(&text); err != nil || text != id.String() {
		t.Errorf("as text: %q %v", text, err)
	}
	if err := db.QueryRow(ctx, `select $1::text`, id.String()).Scan(&one); err != nil || one != id {
		t.Errorf("from text: %v %v", one, err)
	}

	type row struct {
		ID    uuid.UUID
		Other *uuid.UUID
		All   []uuid.UUID
	}
	rows, _ := db.Query(ctx, `select $1::uuid as id, $2::uuid as other, array[$1, $2]::uuid[] as all`, id, &other)
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if err != nil || got.ID != id || got.Other == nil || *got.Other != other || !slices.Equal(got.All, []uuid.UUID{id, other}) {
		t.Errorf("%+v %v", got, err)
	}
}

// BenchmarkUUIDColumn sends a column of 1,000 UUIDs, as a page of events does several times.
func BenchmarkUUIDColumn(b *testing.B) {
	db := postgres.TestDB(b)
	ids := make([]uuid.UUID, 1000)
	for i := range ids {
		ids[i] = uuid.New()
	}
	b.ReportAllocs()
	for b.Loop() {
		var n int
		if err := db.QueryRow(context.Background(), `select cardinality($1::uuid[])`, ids).Scan(&n); err != nil || n != len(ids) {
			b.Fatal(n, err)
		}
	}
}
