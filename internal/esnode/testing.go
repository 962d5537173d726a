package esnode

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// Option changes the configuration of a node that RunT starts.
type Option func(*Config)

// RunT starts a node for a test, by default in a folder of the test's own, and stops it when the test ends.
func RunT(t testing.TB, options ...Option) *Node {
	t.Helper()
	c := Config{MinFreeDisk: -1, Logger: slog.New(slog.DiscardHandler)}
	for _, o := range options {
		o(&c)
	}
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	n, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil && n.log.Failure() == nil {
			t.Errorf("stop event store: %v", err)
		}
	})
	return n
}
