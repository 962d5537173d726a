package esnode_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// A node says how much room its data takes, which grows with what is appended, how much the disk has left, and how long its syncs took.
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
	slow, err := node.Syncs()
	if err != nil {
		t.Fatal(err)
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
	switch syncs, err := node.Syncs(); {
	case err != nil:
		t.Fatal(err)
	case syncs.Count <= slow.Count || syncs.Seconds <= slow.Seconds || syncs.Seconds > 60:
		t.Errorf("%d syncs of %v s after an append, %d of %v s before", syncs.Count, syncs.Seconds, slow.Count, slow.Seconds)
	default:
		within := slices.Max(slices.Collect(maps.Keys(syncs.Within)))
		if syncs.Within[within] != syncs.Count {
			t.Errorf("of %d syncs %d took at most %v s", syncs.Count, syncs.Within[within], within)
		}
	}
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Disk(); err == nil {
		t.Error("a stopped node still answers")
	}
	if _, err := node.Syncs(); err == nil {
		t.Error("a stopped node still tells of its syncs")
	}
}
