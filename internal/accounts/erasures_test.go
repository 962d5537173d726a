package accounts

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/eventschema"
)

func TestErasureList(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "beside", "data.erasures")
	list := NewErasureList(path)
	if _, err := list.Read(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a list that was never made reads %v", err)
	}
	if err := list.Add(); err != nil {
		t.Fatal(err)
	}
	if ids, err := list.Read(); err != nil || len(ids) != 0 {
		t.Errorf("a new list reads %v, %v", ids, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the list's mode: %v, %v", info.Mode(), err)
	}

	var want []uuid.UUID
	var writing sync.WaitGroup
	other := NewErasureList(path) // as another process has it
	first := uuid.New()
	for i := range 100 {
		id := uuid.New()
		if i == 0 {
			id = first
		}
		want = append(want, id)
		to := []*ErasureList{list, other}[i%2]
		writing.Go(func() {
			if err := to.Add(id, first); err != nil {
				t.Error(err)
			}
		})
	}
	writing.Wait()
	got, err := list.Read()
	if err != nil || len(got) != 101 && len(got) != 100 { // each of the two may note the first one
		t.Fatalf("the list holds %d ids, %v", len(got), err)
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			t.Errorf("%s is not in the list", id)
		}
	}

	// A crash cuts a line short: it is no erasure, and the next one takes its place.
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(uuid.NewString()[:20]); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if cut, err := list.Read(); err != nil || len(cut) != len(got) {
		t.Errorf("a torn list reads %d ids, %v", len(cut), err)
	}
	last := uuid.New()
	if err := NewErasureList(path).Add(last); err != nil {
		t.Fatal(err)
	}
	if ids, err := list.Read(); err != nil || len(ids) != len(got)+1 || ids[len(got)] != last {
		t.Errorf("after a torn line the list reads %d ids, %v", len(ids), err)
	}

	if err := os.WriteFile(path, []byte("this is not a list of the ids of keys, but it is long enough for two of them\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := list.Read(); err == nil {
		t.Error("a file that is no list is read as one")
	}
}

// Destroyed keys are on the list before they are destroyed, and those of other processes after a look into the database.
func TestErasuresAreListed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, _ := countingPool(t)
	wrapper := testWrapper(t)
	list := NewErasureList(filepath.Join(t.TempDir(), "list"))
	keys, err := NewKeys(db, wrapper, KeyOptions{Erasures: list})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := NewKeys(db, wrapper, KeyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := draw(t, keys), draw(t, elsewhere)
	if err := keys.Erase(ctx, []uuid.UUID{mine}); err != nil {
		t.Fatal(err)
	}
	if err := elsewhere.Erase(ctx, []uuid.UUID{theirs}); err != nil {
		t.Fatal(err)
	}
	if ids, err := list.Read(); err != nil || !slices.Equal(ids, []uuid.UUID{mine}) {
		t.Errorf("the list holds %v, %v, want %v", ids, err, mine)
	}
	if err := keys.NoteErasures(ctx); err != nil {
		t.Fatal(err)
	}
	if ids, err := list.Read(); err != nil || !slices.Equal(ids, []uuid.UUID{mine, theirs}) {
		t.Errorf("the completed list holds %v, %v, want %v and %v", ids, err, mine, theirs)
	}

	// Without a list that can be written nothing is destroyed.
	if err := os.Remove(list.path); err != nil {
		t.Fatal(err)
	}
	kept := draw(t, keys)
	if err := keys.Erase(ctx, []uuid.UUID{kept}); err == nil {
		t.Error("a key is destroyed without a note")
	}
	if _, err := elsewhere.Key(ctx, kept); err != nil {
		t.Errorf("the key that could not be noted: %v", err)
	}
}

func TestErasingWaitsForBackups(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, _ := countingPool(t)
	keys, err := NewKeys(db, testWrapper(t), KeyOptions{EraseWait: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	patient, err := NewKeys(db, testWrapper(t), KeyOptions{EraseWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	// Erasures do not wait for one another, but a backup does for all of them.
	one, err := keys.BeginErasing(ctx)
	if err != nil {
		t.Fatal(err)
	}
	two, err := patient.BeginErasing(ctx)
	if err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, _, err := HoldErasing(brief, db.Config().ConnConfig); err == nil {
		t.Fatal("a backup begins while somebody is being erased")
	}
	one()
	two()
	for free := false; !free; { // the server takes a moment to let go of the lock for which the backup that gave up was waiting
		if err := db.QueryRow(ctx, `select not exists (select from pg_locks l join pg_database d on d.oid = l.database
			where l.locktype = 'advisory' and d.datname = current_database())`).Scan(&free); err != nil {
			t.Fatal(err)
		}
	}
	session, release, err := HoldErasing(ctx, db.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := HoldErasing(ctx, db.Config().ConnConfig); !errors.Is(err, ErrOtherBackup) {
		t.Errorf("a second backup: %v, want %v", err, ErrOtherBackup)
	}
	if _, err := keys.BeginErasing(ctx); !errors.Is(err, ErrBackup) || !errors.Is(err, eventschema.ErrUnavailable) {
		t.Errorf("erasing while a backup is made: %v, want %v", err, ErrBackup)
	}

	// A backup that is killed takes its lock along: who waits for it goes on.
	pid := session.PgConn().PID()
	waited := make(chan error, 1)
	go func() {
		end, err := patient.BeginErasing(ctx)
		if err == nil {
			end()
		}
		waited <- err
	}()
	if _, err := db.Exec(ctx, `select pg_terminate_backend($1)`, pid); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Errorf("after the backup was killed: %v", err)
	}
	release()
}

// Whoever is not among the users of the log loses the login, also when the log holds no user at all.
func TestLoginsOfUsersWhomNoLogHolds(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, _ := countingPool(t)
	a := New(db, Options{})
	stays := uuid.New()
	for _, l := range []Login{{UserID: stays, Username: "stays", Password: "a long enough phrase"}, {UserID: uuid.New(), Username: "goes", Password: "a long enough phrase"}} {
		if err := a.AddLogin(ctx, l); err != nil {
			t.Fatal(err)
		}
	}
	left := func(users ...uuid.UUID) (names []string) {
		t.Helper()
		if err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { return KeepLoginsOf(ctx, tx, users) }); err != nil {
			t.Fatal(err)
		}
		rows, _ := db.Query(ctx, `select username from kept.credentials`)
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	if names := left(stays); !slices.Equal(names, []string{"stays"}) {
		t.Errorf("of one user are left %v", names)
	}
	if names := left(); len(names) != 0 {
		t.Errorf("of no user are left %v", names)
	}
}
