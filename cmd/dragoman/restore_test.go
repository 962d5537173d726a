package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestRestoreIsRefusedByName: a deployment with everything private to its data folder is backed up and restored, after every way in which that must
// be refused: each says what is wrong, and writes nothing.
func TestRestoreIsRefusedByName(t *testing.T) {
	t.Parallel()
	data := postgres.TestDataDir(t)
	server := startProcess(t, "demo", "--small", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "error")
	d := &source{t: t, server: server, data: data, admin: signIn(t, server.base, "admin"), books: signIn(t, server.base, "requestor")}
	d.location = d.books.get("/locations").items()[0]["id"].(string)
	late := d.person(0, "late")
	into := filepath.Join(t.TempDir(), "backup")

	// A killed backup is none, and nobody waits for it.
	killed := filepath.Join(t.TempDir(), "killed")
	half := spawn(t, "backup", killed, "--data", data, "--log-level", "error")
	soon(t, "the backup has begun", func() bool { held, err := os.ReadDir(killed); return err == nil && len(held) > 0 })
	half.kill()
	if err := os.Remove(filepath.Join(killed, "manifest.json")); err != nil && !os.IsNotExist(err) { // it may have been quick
		t.Fatal(err)
	}
	d.erase(d.person(0, "early"))

	tell(t, "", "backup", into, "--data", data)
	if _, err := told(t, "", "backup", into, "--data", data); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a second backup into the same folder: %v", err)
	}
	for why, args := range map[string][]string{"lies in the data folder": {filepath.Join(data, "files", "backup"), "--data", data},
		"no data folder": {filepath.Join(t.TempDir(), "none"), "--data", filepath.Join(data, "typo")}} {
		if _, err := told(t, "", append([]string{"backup"}, args...)...); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("backup %v: %v, want %q", args, err, why)
		}
	}
	for _, name := range []string{"files", "typo"} {
		if _, err := os.Stat(filepath.Join(data, name)); err == nil {
			t.Errorf("a refused backup has made %s", name)
		}
	}
	d.erase(late)
	server.stop(t)
	tell(t, "", "backup", filepath.Join(t.TempDir(), "offline"), "--data", data) // without a server

	place := func() string { return filepath.Join(postgres.TestDataDir(t), "house") }
	key, err := os.ReadFile(filepath.Join(data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	putKey := func(house string, key []byte) {
		t.Helper()
		if err := os.MkdirAll(house, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(house, "master.key"), key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := []string{"--erasure-list-file", data + ".erasures"}
	refused := func(what, why, from, house string, args ...string) {
		t.Helper()
		_, err := told(t, "", append([]string{"restore", from, "--data", house}, args...)...)
		if err == nil || !strings.Contains(err.Error(), why) || lineCount(err.(*refusedStart).said) != 1 {
			t.Errorf("%s: %v, want one line with %q", what, err, why)
		}
		if _, err := os.Stat(filepath.Join(house, restoringName)); err == nil {
			t.Errorf("%s: the restore has begun", what)
		}
	}
	house := place()
	putKey(house, key)
	refused("half a backup", "not finished", killed, house, list...)
	refused("no backup at all", "no such file", filepath.Join(t.TempDir(), "nowhere"), house, list...)
	refused("without the erasure list", "erasure list", into, house)
	refused("a damaged log", "log.jsonl.gz", damaged(t, into, "log.jsonl.gz"), house, list...)
	refused("a damaged table", "kept/personal_keys.copy.gz", damaged(t, into, "kept/personal_keys.copy.gz"), house, list...)
	if err := os.Remove(filepath.Join(house, "master.key")); err != nil {
		t.Fatal(err)
	}
	refused("without the master key", "master key is not in a backup", into, house, list...)
	other := append([]byte{^key[0]}, key[1:]...)
	putKey(house, other)
	refused("with another master key", "does not open", into, house, list...)
	putKey(house, key)
	if err := os.WriteFile(filepath.Join(house, "something"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("into a folder that holds something", "something", into, house, list...)
	if err := os.Remove(filepath.Join(house, "something")); err != nil {
		t.Fatal(err)
	}
	refused("into a database in use", "not empty", into, house, append(list, "--database-url", usedDatabase(t))...)
	strange := postgres.TestEmptyURL(t)
	if _, err := query[string](t, strange, `create schema rm_jobs_1`); !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	refused("into a database with read models", "rm_jobs_1", into, house, append(list, "--database-url", strange)...)
	if there, err := query[bool](t, strange, `select to_regnamespace('kept') is not null`); err != nil || there {
		t.Errorf("a refused restore has made schema kept: %v, %v", there, err)
	}
	store := startProcess(t, "eventstore", "--data", data, "--listen", esnode.FixedAddress(t), "--log-level", "error")
	full := append(list, "--database-url", postgres.TestEmptyURL(t), "--eventstore-url", store.base)
	refused("into an event store in use", "the event log is not empty", into, house, full...)
	store.stop(t)

	if err := os.WriteFile(filepath.Join(house, "postgres.lock"), nil, 0o600); err != nil { // as a try without PostgreSQL leaves it
		t.Fatal(err)
	}
	noted, err := accounts.NewErasureList(data + ".erasures").Read()
	if err != nil {
		t.Fatal(err)
	}
	said := tell(t, "", append([]string{"restore", into, "--data", house}, list...)...)
	// Whoever was erased before the backup stands in the log and in the list, and counts once.
	if want := fmt.Sprintf("; %d keys of erased people destroyed, %d of them known from the erasure list alone;", len(noted), len(noted)/2); !strings.Contains(said, want) {
		t.Errorf("restore says %q, want %q", said, want)
	}
	again := [][]string{{"erase", "booking", late.booking}, {"erase", "user", late.user}}
	for _, one := range again {
		if !strings.Contains(said, "dragoman "+strings.Join(one, " ")+"\n") || strings.Count(said, "dragoman erase ") != len(again) {
			t.Errorf("restore does not ask for %v alone: %s", again, said)
		}
		tell(t, "", append(one, "--data", house)...)
	}
	r := &restored{t: t, from: into, data: house, key: filepath.Join(house, "master.key"), erasures: house + ".erasures"}
	r.compareErased(late)
	if _, err := told(t, "", append([]string{"restore", into, "--data", house}, list...)...); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a restore over a restored deployment: %v", err)
	}
	r.serve(late)

	// Only an explicit no does without the list, and then whoever was erased since can be read again.
	careless := place()
	putKey(careless, key)
	said = tell(t, "", "restore", into, "--data", careless, "--no-erasure-list")
	if want := fmt.Sprintf("; %d keys of erased people destroyed, 0 of them", len(noted)/2); !strings.Contains(said, want) { // the log names them too
		t.Errorf("restore without the list says %q, want %q", said, want)
	}
	if said := tell(t, "", "token", "create", late.username, "again", "--data", careless); !strings.Contains(said, "token ") {
		t.Errorf("without the list the erased user has no login: the test above proves nothing: %s", said)
	}

	// What was begun and not finished is used by nobody, until it is emptied.
	if err := os.WriteFile(filepath.Join(careless, restoringName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"serve", "verify", "eventstore"} {
		if _, err := told(t, "", what, "--data", careless, "--listen", "127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "not finished") {
			t.Errorf("%s on half a restore: %v", what, err)
		}
	}
}

// damaged is a copy of a backup in which one byte of one file is another.
func damaged(t *testing.T, from, name string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "damaged")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(to, filepath.FromSlash(name))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 0x10
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// query asks a database once.
func query[T any](t *testing.T, url, sql string) (answer T, err error) {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, postgres.PoolOptions{MaxConns: 1})
	if err != nil {
		return answer, err
	}
	defer pool.Close()
	err = pool.QueryRow(t.Context(), sql, pgx.QueryExecModeSimpleProtocol).Scan(&answer)
	return answer, err
}

// usedDatabase is one in which a row of kept lies.
func usedDatabase(t *testing.T) string {
	t.Helper()
	url := postgres.TestURL(t)
	pool, err := postgres.Open(t.Context(), url, postgres.PoolOptions{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `insert into kept.deployment (id) values (gen_random_uuid())`); err != nil {
		t.Fatal(err)
	}
	return url
}

// A name of the erasure list that is relative is made whole at once: run.json tells it to programs that run elsewhere.
func TestErasureListIsNamedWhole(t *testing.T) {
	t.Parallel()
	r := &restored{t: t, data: filepath.Join(postgres.TestDataDir(t), "house"), database: postgres.TestURL(t), erasures: "people.erasures"}
	h := r.open()
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	if said := h.runFile("").Erasures; !filepath.IsAbs(said) || filepath.Base(said) != "people.erasures" {
		t.Errorf("run.json says %q", said)
	}
}
