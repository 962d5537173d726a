package esnode_test

import (
	"context"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := esnode.RunT(t, func(c *esnode.Config) { c.Dir = dir })
	c := connect(t, n)
	appendTo(t, c, "s", esdb.Any{}, event("a", "{}"), event("b", "{}"))
	appendTo(t, c, "t", esdb.Any{}, event("c", "{}"))
	if _, err := c.TombstoneStream(deadline(t), "t", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := esnode.Check(context.Background(), dir); err == nil {
		t.Error("checked a folder that a node has open")
	}
	if err := n.Stop(deadline(t)); err != nil {
		t.Fatal(err)
	}
	r, err := esnode.Check(context.Background(), dir)
	if err != nil || r.Events != 4 || r.Streams != 2 || r.Last != 4 || len(r.Faults) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := esnode.Check(context.Background(), t.TempDir()); err == nil {
		t.Error("checked a folder that holds nothing")
	}
}
