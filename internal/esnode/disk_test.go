package esnode_test

import (
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// A node says how much room its data takes, which grows with what is appended, and how much the disk has left.
func TestDisk(t *testing.T) {
	t.Parallel()
	node := esnode.RunT(t)
	before, err := node.Disk()
	if err != nil {
		t.Fatal(err)
	}
	if before.Free == 0 {
		t.Error("the disk has no room, or nobody looked")
	}
	big := event("big", `{"text":"`+strings.Repeat("x", 900<<10)+`"}`)
	if _, err := connect(t, node).AppendToStream(t.Context(), "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, big); err != nil {
		t.Fatal(err)
	}
	after, err := node.Disk()
	if err != nil {
		t.Fatal(err)
	}
	if after.Used <= before.Used {
		t.Errorf("the data takes %d bytes after 900 KiB were appended, %d before", after.Used, before.Used)
	}
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Disk(); err == nil {
		t.Error("a stopped node still answers")
	}
}
