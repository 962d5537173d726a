package esnode

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
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

// FixedAddress is an address that nobody listens on, for a server that must come back where it was. It lies below the range that outgoing
// connections take their ports from, so none of them has it meanwhile.
func FixedAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}
