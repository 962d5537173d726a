package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestRefusedStarts: whatever does not belong together, or is not there, is said in one sentence that names it, with an exit code that is not
// zero, and within a bounded time; and nothing is written by the refused start.
func TestRefusedStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	file := func(name, content string, mode os.FileMode) string {
		t.Helper()
		if err := os.WriteFile(in(name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return in(name)
	}
	// A demo and a real deployment, both stopped.
	demo, demoDatabase := in("demo"), postgres.TestURL(t)
	startProcess(t, "demo", "--small", "--data", demo, "--database-url", demoDatabase, "--listen", "127.0.0.1:0", "--log-level", "error").stop(t)
	other, otherDatabase := in("other"), postgres.TestURL(t)
	real := startProcess(t, "serve", "--data", other, "--database-url", otherDatabase, "--listen", "127.0.0.1:0", "--log-level", "error")
	if made := setUp(t, real, "boss", "correct horse battery"); made["id"] == nil {
		t.Fatalf("the first admin: %v", made)
	}
	real.stop(t)

	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	nobody := esnode.FixedAddress(t)
	if err := os.Mkdir(in("s6"), 0o700); err != nil {
		t.Fatal(err)
	}
	file("s6/log", "this is a file", 0o600)
	var all sync.WaitGroup
	for name, c := range map[string]struct {
		args  []string
		names string // what the sentence must hold
	}{
		"another master key": {[]string{"serve", "--data", demo, "--database-url", demoDatabase, "--master-key-file", file("other.key", strings.Repeat("k", 32), 0o600)},
			"master key"},
		"a master key that is gone": {[]string{"serve", "--data", demo, "--database-url", demoDatabase, "--master-key-file", in("gone.key")}, "gone.key is missing"},
		"a master key of another length": {[]string{"serve", "--data", demo, "--database-url", demoDatabase, "--master-key-file", file("short.key", "short", 0o600)},
			"short.key holds 5 bytes"},
		"a master key that all can read": {[]string{"serve", "--data", demo, "--database-url", demoDatabase, "--master-key-file", file("open.key", strings.Repeat("k", 32), 0o644)},
			"open.key is open to others"},
		"another deployment's database": {[]string{"serve", "--data", demo, "--database-url", otherDatabase, "--master-key-file", filepath.Join(other, "master.key")},
			"another deployment than the event log"},
		"an empty log under a database that knows another": {[]string{"serve", "--data", in("empty"), "--database-url", otherDatabase, "--master-key-file", filepath.Join(other, "master.key")},
			"the event log is empty"},
		"an empty database under a log that has users": {[]string{"serve", "--data", demo, "--database-url", postgres.TestURL(t)}, "the database is empty"},
		"a demo over a real deployment":                {[]string{"demo", "--small", "--data", other, "--database-url", otherDatabase}, "holds a real deployment, not a demo"},
		"a demo's folder served to everybody":          {[]string{"serve", "--data", demo, "--database-url", demoDatabase, "--listen", "0.0.0.0:0"}, "loopback"},
		"a demo for everybody":                         {[]string{"demo", "--data", in("public"), "--database-url", demoDatabase, "--listen", "0.0.0.0:0"}, "loopback"},
		"no event store (waits)":                       {[]string{"serve", "--data", in("s1"), "--database-url", postgres.TestURL(t), "--eventstore-url", "esdb://" + nobody + "?tls=false"}, "EVENTSTORE_URL"},
		"an event store that is silent (waits)":        {[]string{"serve", "--data", in("s2"), "--database-url", postgres.TestURL(t), "--eventstore-url", "esdb://" + silent.Addr().String() + "?tls=false"}, "EVENTSTORE_URL"},
		"no database (waits)":                          {[]string{"serve", "--data", in("s3"), "--database-url", "postgres://dragoman:secret@" + nobody + "/dragoman"}, "open the database"},
		"verify of an empty database":                  {[]string{"verify", "--data", demo, "--database-url", postgres.TestURL(t)}, "the database is empty"},
		"a database that is silent (waits)":            {[]string{"serve", "--data", in("s4"), "--database-url", "postgres://dragoman:secret@" + silent.Addr().String() + "/dragoman"}, "open the database"},
		"a broken event store URL":                     {[]string{"serve", "--data", in("s5"), "--eventstore-url", "http://127.0.0.1:2113"}, "EVENTSTORE_URL"},
		"a log that is no log":                         {[]string{"serve", "--data", in("s6"), "--database-url", postgres.TestURL(t)}, "log"},
	} {
		refused := func() {
			began := time.Now()
			args := c.args
			if !slices.Contains(args, "--listen") {
				args = append(args, "--listen", "127.0.0.1:0")
			}
			out, err := told(t, "", args...)
			var end *refusedStart
			if !errors.As(err, &end) {
				t.Errorf("%s: it started: %s", name, out)
				return
			}
			said := strings.TrimSpace(end.said)
			if lineCount(said) != 1 || !strings.HasPrefix(said, "dragoman: ") || !strings.Contains(said, c.names) || strings.Contains(said, "secret") {
				t.Errorf("%s: it said:\n%s", name, said)
			}
			if took := time.Since(began); took > 90*time.Second {
				t.Errorf("%s: it took %s", name, took)
			}
			if strings.Contains(out, "listening") {
				t.Errorf("%s: it listened: %s", name, out)
			}
		}
		if strings.HasSuffix(name, "(waits)") {
			all.Go(refused) // half a minute for what does not come; each has a folder of its own
		} else {
			refused()
		}
	}
	all.Wait()
	// Both deployments are as they were.
	startProcess(t, "demo", "--small", "--data", demo, "--database-url", demoDatabase, "--listen", "127.0.0.1:0", "--log-level", "error").stop(t)
	startProcess(t, "serve", "--data", other, "--database-url", otherDatabase, "--listen", "127.0.0.1:0", "--log-level", "error").stop(t)
}
