package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
	"github.com/dragoman-booking/dragoman/internal/lease"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/access"
	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/calendar"
	"github.com/dragoman-booking/dragoman/projections/dashboard"
	"github.com/dragoman-booking/dragoman/projections/diary"
	"github.com/dragoman-booking/dragoman/projections/invoices"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/messages"
	"github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/refs"
	"github.com/dragoman-booking/dragoman/projections/settings"
	"github.com/dragoman-booking/dragoman/projections/timers"
)

// known are the read models that can be measured.
func known() []projections.Projector {
	return []projections.Projector{access.Projector{}, refs.Projector{}, people.Projector{}, settings.Projector{}, jobs.Projector{}, calendar.Projector{},
		activity.Projector{}, dashboard.Projector{}, messages.Projector{}, timers.Projector{}, diary.Projector{}, invoices.Projector{}}
}

// everyModel are the read models that the server ran on this database.
func everyModel(ctx context.Context, pool *pgxpool.Pool) (all []projections.Projector, err error) {
	rows, err := pool.Query(ctx, `select model from kept.models order by model`)
	if err != nil {
		return nil, fmt.Errorf("ask which read models the server runs: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("ask which read models the server runs: %w", err)
	}
	for _, name := range names {
		i := slices.IndexFunc(known(), func(p projections.Projector) bool { return p.Name() == name })
		if i < 0 {
			return nil, fmt.Errorf("the server runs a read model %s that cmd/bench does not know: add it to its list", name)
		}
		all = append(all, known()[i])
	}
	return all, nil
}

// twoModels are those whose rows are written plainly beside them.
func twoModels() []projections.Projector {
	return []projections.Projector{jobs.Projector{}, activity.Projector{}}
}

// stores are the log and the keys as a process of ours opens them.
type stores struct {
	pool   *pgxpool.Pool // of the server's database
	keys   *accounts.Keys
	codec  *eventschema.Codec
	log    *eventlog.Log
	reader eventlog.Reader
}

func openStores(ctx context.Context, database, data, logURL string) (s *stores, err error) {
	s = &stores{}
	if s.pool, err = postgres.Open(ctx, database, postgres.PoolOptions{MaxConns: 40, Name: "bench"}); err != nil {
		return nil, err
	}
	wrapper, err := accounts.OpenMasterKey(ctx, s.pool, filepath.Join(data, "master.key"))
	if err != nil {
		return nil, err
	}
	if s.keys, err = accounts.NewKeys(s.pool, wrapper, accounts.KeyOptions{}); err != nil {
		return nil, err
	}
	s.codec = eventschema.NewCodec(s.keys)
	if s.log, err = eventlog.Open(ctx, logURL, eventlog.Options{}); err != nil {
		return nil, err
	}
	s.reader = eventlog.Reader{Log: s.log, Codec: s.codec}
	return s, nil
}

func (s *stores) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := errors.Join(s.log.Close(ctx), s.keys.Close(ctx))
	s.pool.Close()
	return err
}

// modelRun is some read models on a database of their own, filled from the stores' log.
type modelRun struct {
	stores *stores
	pool   *pgxpool.Pool
	models *projections.Models
	leases *lease.Holder
	feed   *eventlog.Feed
	runner *projections.Runner
}

func (s *stores) run(ctx context.Context, pool *pgxpool.Pool, deployment uuid.UUID, projectors ...projections.Projector) (r *modelRun, err error) {
	r = &modelRun{stores: s, pool: pool}
	if r.models, err = projections.NewModels(pool, projectors...); err != nil {
		return nil, err
	}
	if err := r.models.Start(ctx); err != nil {
		return nil, err
	}
	r.leases = lease.New(pool, 0)
	r.leases.Start()
	r.feed = eventlog.NewFeed(eventlog.FeedConfig{Log: s.log, Codec: s.codec})
	if err := r.feed.Start(ctx); err != nil {
		return nil, err
	}
	r.runner, err = projections.NewRunner(projections.Options{Pool: pool, Models: r.models, Log: s.reader, PageOf: eventlog.PageOf, Leases: r.leases,
		Deployment: deployment, Feed: func(_ string, after eventschema.Position) message.Subscriber { return r.feed.After(after) }})
	return r, err
}

// close ends everything; started tells whether the runner was.
func (r *modelRun) close(started bool) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if started {
		err = r.runner.Stop()
	}
	err = errors.Join(err, r.feed.Close())
	r.leases.Stop(ctx)
	r.models.Stop()
	return err
}

// throwAway drops all read models of a database, so that they are built from the log again.
func throwAway(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, `
		do $$
		declare s text;
		begin
			for s in select nspname from pg_namespace where nspname like 'rm\_%' loop
				execute format('drop schema %I cascade', s);
			end loop;
			delete from kept.models;
		end $$`)
	if err != nil {
		return fmt.Errorf("throw the read models away: %w", err)
	}
	return nil
}

// newDatabase makes a database beside another one, empty or a copy of template, in place of one that an earlier run left, and answers with its
// address.
func newDatabase(ctx context.Context, beside, name, template string) (string, error) {
	admin, err := postgres.Open(ctx, beside, postgres.PoolOptions{MaxConns: 1})
	if err != nil {
		return "", err
	}
	defer admin.Close()
	if template != "" {
		template = " template " + template
	}
	for _, sql := range []string{`drop database if exists ` + name, `create database ` + name + template} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return "", fmt.Errorf("make a database: %w", err)
		}
	}
	u, err := url.Parse(beside)
	if err != nil {
		return "", fmt.Errorf("read the database's address: %w", err)
	}
	u.Path = "/" + name
	return u.String(), nil
}
