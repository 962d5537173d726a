package commands_test

import (
	"context"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
)

// newLog starts an event store for one test and connects to it as the program does.
func newLog(t testing.TB) commands.Log { return connect(t, esnode.RunT(t)) }

func connect(t testing.TB, node *esnode.Node) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(t.Context(), node.ConnectionString(), eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := log.Close(ctx); err != nil {
			t.Errorf("close the log: %v", err)
		}
	})
	return log
}
