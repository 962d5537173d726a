package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// processes are what a measurement's work is spread over; their CPU time is added up.
type processes struct {
	server   int // dragoman, or the event log alone; 0: none
	postgres int // the postmaster, all of whose children count; 0: none
}

// cpu is CPU time, user and system, by who spent it.
type cpu struct{ server, postgres, client time.Duration }

func (c cpu) since(before cpu) cpu {
	return cpu{c.server - before.server, c.postgres - before.postgres, c.client - before.client}
}

func (c cpu) plus(more cpu) cpu {
	return cpu{c.server + more.server, c.postgres + more.postgres, c.client + more.client}
}

func (c cpu) total() time.Duration { return c.server + c.postgres + c.client }

// spent reads the CPU time so far; the client is this process.
func (p processes) spent() cpu {
	var self syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &self) // cannot fail for oneself
	c := cpu{client: time.Duration(self.Utime.Nano() + self.Stime.Nano())}
	if p.server != 0 {
		c.server = statOf(p.server).own
	}
	if p.postgres != 0 {
		// A backend that has ended is in its parent's account of ended children.
		main := statOf(p.postgres)
		c.postgres = main.own + main.ended
		for _, s := range allStats() {
			if s.parent == p.postgres {
				c.postgres += s.own
			}
		}
	}
	return c
}

// stat is a process as /proc/<pid>/stat tells it.
type stat struct {
	parent     int
	own, ended time.Duration // user and system; of itself, and of children that were waited for
}

// tick is the unit of /proc/<pid>/stat: the kernel shows hundredths of a second on every architecture that Go runs on.
const tick = 10 * time.Millisecond

func statOf(pid int) stat {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{} // it has ended; what it spent is in its parent's account
	}
	// The name stands in brackets and may hold anything; the fields after it are numbers, the first of them the state.
	rest := string(text)
	rest = rest[strings.LastIndexByte(rest, ')')+1:]
	f := strings.Fields(rest)
	if len(f) < 15 {
		return stat{}
	}
	n := func(i int) time.Duration { v, _ := strconv.ParseInt(f[i], 10, 64); return time.Duration(v) * tick }
	parent, _ := strconv.Atoi(f[1])
	return stat{parent: parent, own: n(11) + n(12), ended: n(13) + n(14)}
}

func allStats() []stat {
	found, _ := filepath.Glob("/proc/[0-9]*")
	all := make([]stat, 0, len(found))
	for _, dir := range found {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			all = append(all, statOf(pid))
		}
	}
	return all
}

// postmaster is the process that all backends of a database are children of.
func postmaster(ctx context.Context, pool *pgxpool.Pool) (int, error) {
	var backend int
	if err := pool.QueryRow(ctx, `select pg_backend_pid()`).Scan(&backend); err != nil {
		return 0, fmt.Errorf("ask for the database's process: %w", err)
	}
	parent := statOf(backend).parent
	if parent == 0 {
		return 0, fmt.Errorf("process %d of the database is not on this machine", backend)
	}
	return parent, nil
}
