package esnode_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// TestNodeClients: both official Node clients see what a real server shows them. suite.mjs says what that is.
func TestNodeClients(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("Node.js is missing, so the official Node clients cannot be played: install Node.js 20 or newer (Debian: apt-get install nodejs npm)")
	}
	folder := filepath.Join("testdata", "nodeclients")
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal("the official Node clients are not installed: run make nodeclients")
	}
	for _, client := range []string{"@eventstore/db-client", "@kurrent/kurrentdb-client"} {
		t.Run(filepath.Base(client), func(t *testing.T) {
			t.Parallel()
			n := esnode.RunT(t)
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, program, "suite.mjs", client, n.ConnectionString())
			cmd.Dir = folder
			out, err := cmd.CombinedOutput()
			if held := strings.Count(string(out), "held: "); err != nil || held < 13 {
				t.Errorf("%v, %d parts held\n%s", err, held, out)
			}
		})
	}
}
