package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/dragoman-booking/dragoman/demo"
	"github.com/dragoman-booking/dragoman/httpapi"
	"github.com/dragoman-booking/dragoman/internal/clock"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
	"github.com/dragoman-booking/dragoman/web"
)

type serveCmd struct{}

// Run serves until it is asked to stop.
func (serveCmd) Run(s *stage, c *Config) error {
	return serve(s, c, false, func(ctx context.Context, h *house, address string) error {
		has, err := h.accounts.HasLogins(ctx)
		if err != nil || has {
			return err
		}
		token, err := h.accounts.CreateSetupToken(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "nobody can sign in yet; make the first admin once with:\n  curl -X POST %s/api/v1/setup -H 'Content-Type: application/json' "+
			"-d '{\"token\":\"%s\",\"username\":\"…\",\"password\":\"…\"}'\n", address, token)
		return nil
	})
}

type demoCmd struct {
	Small bool `help:"Make only people and places, no jobs."`
}

// Run fills an empty deployment once, then serves; the test clock is open as with --dev.
func (d demoCmd) Run(s *stage, c *Config) error {
	host, _, err := net.SplitHostPort(c.address(portalAddress))
	if err != nil || !loopback(host) {
		return fmt.Errorf("the demo's logins are published, so it listens on a loopback address only, not on %s", c.Listen)
	}
	dev := *c
	dev.Dev = true
	return serve(s, &dev, true, func(ctx context.Context, h *house, address string) error {
		if err := d.fill(ctx, s, h); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "demo users, all with the password %s:\n", demo.Password)
		for _, login := range demo.Logins {
			fmt.Fprintf(s.out, "  %s\n", login)
		}
		fmt.Fprintf(s.out, "the API to browse: %s/api/docs\n", address)
		return nil
	})
}

// fill makes the demo's world unless it is there. A fill that was cut short goes on where it stopped: its commands have the same ids.
func (d demoCmd) fill(ctx context.Context, s *stage, h *house) error {
	filled, err := h.accounts.DemoFilled(ctx)
	if err != nil || filled {
		return err
	}
	size := demo.Full
	if d.Small {
		size = demo.Small
	}
	start := time.Now()
	if err := demo.Fill(ctx, h.commands, h.began, size, func(what string) { fmt.Fprintf(s.out, "demo data: %s\n", what) }); err != nil {
		return err
	}
	newest, err := h.events.Newest(ctx)
	if err != nil {
		return err
	}
	if err := h.models.WaitFor(ctx, newest, h.models.Names()...); err != nil {
		return fmt.Errorf("wait for the demo's read models: %w", err)
	}
	fmt.Fprintf(s.out, "demo data made in %.1f s\n", time.Since(start).Seconds())
	return h.accounts.MarkDemoFilled(ctx)
}

// serve opens the house, does what ready does, says where it listens and serves until the stage's context ends or a part fails.
func serve(s *stage, c *Config, isDemo bool, ready func(context.Context, *house, string) error) (err error) {
	release, err := holdFolder(c.Data)
	if err != nil {
		return err
	}
	defer release()
	if err := os.Remove(filepath.Join(c.Data, "run.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove what a killed server left: %w", err) // its addresses lead nowhere
	}
	listen := c.address(portalAddress)
	listener, err := net.Listen("tcp", listen) // before anything is started: a busy port ends it at once
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("the address %s is in use; choose another with --listen", listen)
		}
		return fmt.Errorf("listen on %s: %w", listen, err)
	}
	defer listener.Close()

	h, err := openStores(s.ctx, s, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if c.Dev {
		if h.clock, err = clock.StartDev(s.ctx, h.pool); err != nil {
			return err
		}
		h.closing("the test clock", func(context.Context) error { h.clock.Stop(); return nil })
	}
	if err := h.openCommands(s.ctx, isDemo); err != nil {
		return err
	}
	if err := h.keys.NoteErasures(s.ctx); err != nil {
		return fmt.Errorf("%w; another file can be named with ERASURE_LIST_FILE", err)
	}
	if isDemo {
		h.isDemo = true
		if err := h.accounts.MarkDemo(s.ctx); err != nil {
			return fmt.Errorf("the data folder holds a real deployment, not a demo: %w", err)
		}
	} else if err := h.refusePublicDemo(s.ctx, listen); err != nil {
		return err
	}
	if err := h.openRunner(s.ctx); err != nil {
		return err
	}
	if err := h.openReactions(s.ctx); err != nil {
		return err
	}
	handler, err := h.handler(c)
	if err != nil {
		return err
	}
	address := "http://" + listener.Addr().String()
	if err := ready(s.ctx, h, address); err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := h.runFile(address).write(c.Data); err != nil {
		return err
	}
	defer os.Remove(filepath.Join(c.Data, "run.json"))
	fmt.Fprintf(s.out, "listening on %s\n", address)

	var nodeFailed <-chan error
	if h.node != nil {
		nodeFailed = h.node.Failed()
	}
	select {
	case <-s.ctx.Done():
	case err := <-nodeFailed:
		return fmt.Errorf("the event log failed and took no more appends: %w", err)
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	}
	drain, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return fmt.Errorf("finish open requests: %w", err)
	}
	return nil
}

// runFile tells other subcommands what this server stands on.
func (h *house) runFile(address string) runFile {
	r := runFile{PID: os.Getpid(), HTTP: address, EventLog: h.logURL, Database: h.config.DatabaseURL, Embedded: h.node != nil, Erasures: h.erasures}
	if h.config.MasterKeyFile != "" {
		r.MasterKey, _ = filepath.Abs(h.config.MasterKeyFile) // without a working directory: the one in the data folder is looked for
	}
	return r
}

// refusePublicDemo keeps the demo's data on this machine, whichever subcommand serves it: everybody knows its passwords.
func (h *house) refusePublicDemo(ctx context.Context, listen string) error {
	demo, err := h.accounts.IsDemo(ctx)
	if err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(listen); demo && !loopback(host) { // Validate has split it before
		return fmt.Errorf("this deployment is a demo, whose logins are published, so it is served on a loopback address only, not on %s", listen)
	}
	return nil
}

// handler is the HTTP face of the house.
func (h *house) handler(c *Config) (http.Handler, error) {
	h.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &houseMetrics{house: h})
	requests, err := telemetry.NewRequests(h.traces, h.log, h.metrics)
	if err != nil {
		return nil, err
	}
	config := httpapi.Config{Commands: h.commands, Accounts: h.accounts, Models: h.models, Queries: h.queries(), Status: h.runner.Status, Reactions: h.reactions.Status,
		Ready: h.ready, Clock: h.clock, Metrics: h.metrics, Requests: requests, Log: h.log}
	if c.Dev {
		config.Dev = &httpapi.Dev{Settle: h.settle}
	}
	api, err := httpapi.New(config)
	if err != nil {
		return nil, err
	}
	portal, err := h.portal(requests)
	if err != nil {
		return nil, err
	}
	root := http.NewServeMux()
	for _, path := range []string{"/api/", "/dev/", "/healthz", "/readyz", "/metrics"} {
		root.Handle(path, api)
	}
	root.Handle("/", portal)
	return limited(root), nil
}

// requestLimit is how long a request may wait for database and log: what has lost its network says nothing. Then the answer is 503. A command that
// has begun to write goes on for up to 40 s more, so that its steps are not torn apart.
const requestLimit = 20 * time.Second

func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestLimit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// portal is the pages; in the demo its sign-in page offers the roles with one click.
func (h *house) portal(requests *telemetry.Requests) (http.Handler, error) {
	config := web.Config{Commands: h.commands, Accounts: h.accounts, Models: h.models, Status: h.runner.Status, Reactions: h.reactions.Status, Clock: h.clock, Requests: requests,
		Log: h.log, Queries: web.QueriesOn(h.models, h.history(), h.substitute),
		Rebuild: h.runner.Rebuild}
	if h.isDemo {
		config.Demo = &web.Demo{Logins: demo.Logins, Password: demo.Password}
	}
	return web.New(config)
}

// ready tells whether requests can be served: the database answers, the log answers, no read model has stopped.
func (h *house) ready(ctx context.Context) error {
	if err := h.pool.Ping(ctx); err != nil {
		return fmt.Errorf("the database: %w", err)
	}
	if _, err := h.events.Newest(ctx); err != nil {
		return fmt.Errorf("the event log: %w", err)
	}
	if stopped := h.runner.Unhealthy(); len(stopped) > 0 {
		return fmt.Errorf("read models stopped: %v", stopped)
	}
	if doubtful := h.runner.Doubtful(); len(doubtful) > 0 {
		return fmt.Errorf("read models whose last event is not found in the log yet: %v", doubtful)
	}
	return nil
}

// settle returns once everything that is due by the business clock has run and the read models show it.
func (h *house) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := h.offers.FireDue(ctx); err != nil { // before the waves: whose offer has lapsed is not asked again
		return err
	}
	if _, err := h.waves.FireDue(ctx); err != nil {
		return err
	}
	newest, err := h.events.Newest(ctx)
	if err != nil {
		return err
	}
	return h.models.WaitFor(ctx, newest, h.models.Names()...)
}
