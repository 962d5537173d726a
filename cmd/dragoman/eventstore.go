package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

type eventstoreCmd struct {
	Serve  eventstoreServeCmd  `cmd:"" default:"withargs" help:"Run the embedded event log alone (also without this word)."`
	Export eventstoreExportCmd `cmd:"" help:"Move the deployment's event log from the embedded node to an EventStoreDB node or cluster."`
	Import eventstoreImportCmd `cmd:"" help:"Move the deployment's event log from an EventStoreDB node or cluster to the embedded node."`
	Check  eventstoreCheckCmd  `cmd:"" help:"Read an event log's folder to the end and list all that is wrong with it."`
}

type eventstoreServeCmd struct {
	Advertise string `help:"Address that gossip tells clients, where they come through a proxy or a tunnel. Not set: the one listened on." placeholder:"HOST:PORT"`
}

// Run serves the embedded event log alone, until it is asked to stop.
func (e eventstoreServeCmd) Run(s *stage, c *Config) (err error) {
	if err := refuseHalfRestored(c.Data); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		esnode.TuneCollector()
	}
	node, err := esnode.Start(s.ctx, esnode.Config{Dir: filepath.Join(c.Data, "log"), Listen: c.address(nodeAddress), Advertise: e.Advertise, Logger: s.log,
		MinFreeDisk: int64(c.minFreeDisk())})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if stopErr := node.Stop(ctx); err == nil {
			err = stopErr // a node that failed says so once
		}
	}()
	fmt.Fprintf(s.out, "listening on %s\n", node.ConnectionString())
	select {
	case <-s.ctx.Done():
		return nil
	case err := <-node.Failed():
		return fmt.Errorf("the event log failed and took no more appends: %w", err)
	}
}

type eventstoreCheckCmd struct {
	Dir string `arg:"" optional:"" help:"The log's folder, or the data folder around it; none: the one of --data." placeholder:"DIR"`
}

// Run reads a folder that no node has open, changes nothing in it, and says how large it is, how it grows and what is wrong with it.
func (e eventstoreCheckCmd) Run(s *stage, c *Config) error {
	dir := e.Dir
	if dir == "" {
		dir = c.Data
	}
	if _, err := os.Stat(filepath.Join(dir, "db")); err != nil { // the log's folder always has it, the data folder never
		if _, err := os.Stat(filepath.Join(dir, "log")); err == nil {
			dir = filepath.Join(dir, "log")
		}
	}
	report, err := esnode.Check(s.ctx, dir)
	if err != nil {
		return err
	}
	sayReport(s.out, report)
	for _, fault := range report.Faults {
		fmt.Fprintln(s.out, fault)
	}
	switch n := len(report.Faults); n {
	case 0:
		fmt.Fprintln(s.out, "nothing is wrong")
		return nil
	case 1:
		return fmt.Errorf("1 thing is wrong with the event log in %s", dir)
	default:
		return fmt.Errorf("%d things are wrong with the event log in %s", n, dir)
	}
}

func sayReport(w io.Writer, r esnode.Report) {
	fmt.Fprintf(w, "%d events in %d streams, the last at position %d, take %s on the disk\n", r.Events, r.Streams, r.Last, size(r.Bytes))
	if r.Events > 0 {
		fmt.Fprintf(w, "growth: %s of events, before compression, in the %d days up to the newest of %s, which is %s a day\n",
			size(r.RecentBytes), esnode.RecentDays, r.Newest.Format(time.DateOnly), size(r.RecentBytes/esnode.RecentDays))
	}
	fmt.Fprintln(w, "space is never freed: what is deleted, truncated or expired is hidden from readers and stays on the disk")
}

// size is a number of bytes as people say it.
func size(n uint64) string {
	for _, unit := range []struct {
		name  string
		bytes uint64
	}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}} {
		if n >= unit.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.bytes), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
