package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/esnode/rawclient"
)

// TestEventstoreCheck: the check says size, growth and that space is never freed; of a flipped byte it says stream, revision and position, and
// ends with an error.
func TestEventstoreCheck(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	folder := filepath.Join(data, "log")
	node := esnode.RunT(t, func(c *esnode.Config) { c.Dir = folder })
	client, err := rawclient.Open(node.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	var events []rawclient.Event
	for range 100 {
		text := make([]byte, 1000)
		_, _ = rand.Read(text) // does not compress, so the table has several blocks
		events = append(events, rawclient.Event{Type: "a", Data: text})
	}
	if _, err := client.Append(t.Context(), "booking-1", -1, events); err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	if _, err := told(t, "", "eventstore", "check", folder); err == nil || !strings.Contains(err.Error(), "another process has this folder open") {
		t.Errorf("check of a folder in use: %v", err)
	}
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{folder}, {data}, {"--data", data}} {
		out := tell(t, "", append([]string{"eventstore", "check"}, args...)...)
		for _, want := range []string{"100 events in 1 streams", "on the disk", "a day", "space is never freed", "nothing is wrong"} {
			if !strings.Contains(out, want) {
				t.Errorf("%v does not say %q:\n%s", args, want, out)
			}
		}
	}
	tables, err := filepath.Glob(filepath.Join(folder, "db", "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	b, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	b[20] ^= 0x10 // within the first block, which holds the first events
	if err := os.WriteFile(tables[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := told(t, "", "eventstore", "check", folder)
	if err == nil || !strings.Contains(err.Error(), "wrong with the event log") {
		t.Errorf("a flipped byte: %v", err)
	}
	for _, want := range []string{filepath.Base(tables[0]), "is damaged", `stream "booking-1", revision 3, position 4: the event cannot be read`} {
		if !strings.Contains(out, want) {
			t.Errorf("of a flipped byte nobody says %q:\n%s", want, out)
		}
	}
}
