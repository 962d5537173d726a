package postgres

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func dumpOf(t *testing.T, pool *pgxpool.Pool) (version int64, tables []KeptTable, texts map[string][]byte) {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	texts = map[string][]byte{}
	version, tables, err = DumpKept(t.Context(), conn, func(name string, dump func(io.Writer) error) error {
		var text bytes.Buffer
		defer func() { texts[name] = text.Bytes() }()
		return dump(&text)
	})
	if err != nil {
		t.Fatal(err)
	}
	return version, tables, texts
}

// What is loaded equals what was dumped, whichever migrations lie between; and until the restore has ended nobody may use the database.
func TestKeptIsLoadedAsItWasDumped(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	from := TestDB(t)
	if _, err := from.Exec(ctx, `
		insert into kept.deployment (id) values ('018f0000-0000-7000-8000-000000000001');
		insert into kept.credentials (user_id, username, email) values ('018f0000-0000-7000-8000-000000000002', E'a\tsha\\', 'asha@agency.example');
		insert into kept.preferences values ('018f0000-0000-7000-8000-000000000002', '{"theme": "dark"}');
		insert into kept.sessions values ('\x01', '018f0000-0000-7000-8000-000000000002', 'cookie', now(), now(), now());
		insert into kept.personal_keys (key_id, wrapped, state) values ('018f0000-0000-7000-8000-000000000003', '\x00ff5c0a', 'drawn');
		insert into kept.models (model, generation, hash) values ('jobs', 1, 'x')`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	version, tables, texts := dumpOf(t, from)
	load := func(to *pgxpool.Pool, version int64, tables []KeptTable) error {
		return LoadKept(ctx, to, version, tables, func(name string, load func(io.Reader) error) error { return load(bytes.NewReader(texts[name])) })
	}

	to := testPool(t, TestEmptyURL(t))
	if err := load(to, version, tables); err != nil {
		t.Fatal(err)
	}
	if err := Migrate(ctx, to); !errors.Is(err, ErrHalfRestored) {
		t.Errorf("a half restored database: %v, want %v", err, ErrHalfRestored)
	}
	if err := load(to, version, tables); !errors.Is(err, ErrNotEmpty) || !errors.Is(err, ErrHalfRestored) {
		t.Errorf("a restore into a half restored database: %v, want %v", err, ErrHalfRestored)
	}
	if err := pgx.BeginFunc(ctx, to, func(tx pgx.Tx) error { return EndRestore(ctx, tx) }); err != nil {
		t.Fatal(err)
	}
	if err := Migrate(ctx, to); err != nil {
		t.Error(err)
	}
	againVersion, again, loaded := dumpOf(t, to)
	if againVersion != version || len(again) != len(tables) {
		t.Errorf("version %d with %d tables came back as %d with %d", version, len(tables), againVersion, len(again))
	}
	for name, text := range texts {
		if !bytes.Equal(text, loaded[name]) {
			t.Errorf("table %s came back as %q, want %q", name, loaded[name], text)
		}
	}
	for _, table := range []string{"sessions", "models"} {
		var n int
		if err := to.QueryRow(ctx, `select count(*) from kept.`+table).Scan(&n); err != nil || n != 0 || texts[table] != nil {
			t.Errorf("kept.%s is in the backup: %d rows, %v", table, n, err)
		}
	}
	if err := load(to, version, tables); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a restore over a deployment: %v, want %v", err, ErrNotEmpty)
	}

	// A backup of an earlier version, into a database that was migrated already: what that version had is there, in today's form.
	old := testPool(t, TestURL(t))
	var had []KeptTable
	for _, table := range tables {
		if table.Name != "preferences" && table.Name != "pseudonym_key" && table.Name != "form_drafts" && table.Name != "feeds" { // came later
			had = append(had, table)
		}
	}
	if err := load(old, 2, had); err != nil {
		t.Fatal(err)
	}
	if _, _, loaded := dumpOf(t, old); !bytes.Equal(loaded["credentials"], texts["credentials"]) || len(loaded["preferences"]) != 0 {
		t.Errorf("of an earlier version came %q and %q", loaded["credentials"], loaded["preferences"])
	}
	if err := load(testPool(t, TestEmptyURL(t)), version+1, tables); err == nil {
		t.Error("a backup of a newer version is loaded")
	}
	tables[len(tables)-1].Rows++
	if err := load(testPool(t, TestEmptyURL(t)), version, tables); err == nil {
		t.Error("a table with fewer rows than were dumped is loaded")
	}
}
