package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
)

// size is one number of jobs at which everything is measured.
type size struct {
	*bench
	jobs   int
	events int
	rows   []row
	aims   []aim
	pages  []visit // of the portal, slowest first
	space  string  // on disk

	place
	world *world
}

func (s *size) add(r row) row {
	s.rows = append(s.rows, r)
	s.say("%-52s %s a second", r.name, thousands(int(r.rate))+" "+r.unit)
	return r
}

func (s *size) aim(a aim) { s.aims = append(s.aims, a) }

// measure makes a deployment of this size and measures everything on it.
func (s *size) measure(ctx context.Context) (err error) {
	remove, err := s.settle(ctx)
	defer func() { err = errors.Join(err, remove()) }()
	if err != nil {
		return err
	}
	if s.only != commandsOnly && s.only != portalOnly {
		if err := s.logged(ctx, s.projections); err != nil || s.only == modelsOnly {
			return err
		}
	}
	if s.beside != "" {
		return s.withAnother(ctx, func(other string) error {
			return s.served(ctx, s.binary, s.place, func(base string, p processes) error { return s.portal(ctx, base, other, p) })
		})
	}
	var single, many []batch
	if err := s.served(ctx, s.binary, s.place, func(base string, p processes) (err error) {
		if s.only != portalOnly {
			single, many, err = s.http(ctx, base, p)
		}
		if err != nil || s.only == commandsOnly {
			return err
		}
		if err := loadedInterpreter(ctx, base); err != nil {
			return err
		}
		return s.portal(ctx, base, "", p)
	}); err != nil || s.only == portalOnly {
		return err
	}
	return s.logged(ctx, func(ctx context.Context, url string, p processes) error { return s.raw(ctx, url, p, single, many) })
}

// served runs a build of the server on a deployment while f works.
func (s *size) served(ctx context.Context, binary string, at place, f func(base string, p processes) error) (err error) {
	server, err := start(ctx, binary, []string{"BENCH_PROFILES=" + s.profiles}, "demo", "--small", "--data", at.data, "--database-url", at.database,
		"--listen", "127.0.0.1:0", "--log-level", "warn")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if binary == s.binary {
		s.server = server
	}
	return f(server.address, processes{server: server.pid(), postgres: s.postmaster})
}

// logged runs the event log alone on the data folder while f works.
func (s *size) logged(ctx context.Context, f func(ctx context.Context, url string, p processes) error) (err error) {
	node, err := start(ctx, s.binary, nil, "eventstore", "--data", s.data, "--listen", "127.0.0.1:0", "--log-level", "warn")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.stop()) }()
	return f(ctx, node.address, processes{server: node.pid(), postgres: s.postmaster})
}

// projections measures the feed and the read models.
func (s *size) projections(ctx context.Context, url string, p processes) (err error) {
	return s.withStores(ctx, url, func(st *stores) error {
		if err := s.feed(ctx, st, p); err != nil {
			return err
		}
		return s.models(ctx, st, p)
	})
}

func (s *size) withStores(ctx context.Context, url string, f func(*stores) error) error {
	st, err := openStores(ctx, s.database, s.data, url)
	if err != nil {
		return err
	}
	return errors.Join(f(st), st.close())
}

func (s *size) fill(ctx context.Context, st *stores, p processes) error {
	g, err := newGenerator(s.world, st.log, st.codec, st.keys)
	if err != nil {
		return err
	}
	var written uint64
	wall, spent, err := stopwatch(p, func() (err error) {
		err = g.interpreters(ctx)
		if err == nil {
			err = g.addCalendars(ctx)
		}
		if err == nil {
			err = g.add(ctx, s.jobs)
		}
		n, closed := g.close()
		written = n
		return errors.Join(err, closed)
	})
	if err != nil {
		return fmt.Errorf("fill the log: %w", err)
	}
	s.add(measured("writing the log by commands, in bulk", "events", int(written), wall, spent, nil))
	return nil
}

// feed reads the whole log as a rebuild does: read, decoded, opened.
func (s *size) feed(ctx context.Context, st *stores, p processes) error {
	n := 0
	wall, spent, err := stopwatch(p, func() error {
		return s.profile("feed", func() error {
			return st.reader.ReadAll(ctx, eventschema.Position{}, func(page eventschema.Page) error {
				n += len(page)
				for _, e := range page {
					if e.Err != nil {
						return e.Err
					}
				}
				return nil
			})
		})
	})
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	s.events = n
	s.add(measured("feed: read and decoded", "events", n, wall, spent, nil))
	return nil
}

// tailJobs are made after the read models were built, for the live runner to catch up with.
func (s *size) tailJobs() int { return min(2000, 2*s.jobs) }

func (s *size) models(ctx context.Context, st *stores, p processes) error {
	deployment, err := deploymentOf(ctx, st)
	if err != nil {
		return err
	}
	every, err := everyModel(ctx, st.pool)
	if err != nil {
		return err
	}
	if err := throwAway(ctx, st.pool); err != nil {
		return err
	}
	other, err := newDatabase(ctx, s.database, fmt.Sprintf("two_%d", s.jobs), "")
	if err != nil {
		return err
	}
	two, err := postgres.Open(ctx, other, postgres.PoolOptions{MaxConns: 20, Name: "bench"})
	if err != nil {
		return err
	}
	defer two.Close()
	if err := postgres.Migrate(ctx, two); err != nil {
		return err
	}

	allBuilt, err := s.built(ctx, st, p, st.pool, deployment, fmt.Sprintf("all %d read models together: rebuilt", len(every)), every)
	if err != nil {
		return err
	}
	twoBuilt, err := s.built(ctx, st, p, two, deployment, "jobs and activity notes: rebuilt", twoModels())
	if err != nil {
		return err
	}
	copied, err := s.copied(ctx, p, two)
	if err != nil {
		return err
	}

	tables, err := tablesOf(ctx, two, "jobs", "activity")
	if err != nil {
		return err
	}
	if err := preparePlain(ctx, two, tables, true); err != nil {
		return err
	}
	if err := s.weigh(ctx, st); err != nil {
		return err
	}
	end, err := st.log.Newest(ctx)
	if err != nil {
		return err
	}
	if err := s.extend(ctx, st); err != nil {
		return err
	}
	pages, n, err := tailOf(ctx, st, end)
	if err != nil {
		return err
	}
	twoLive, err := s.caughtUp(ctx, st, p, two, deployment, n, "jobs and activity notes: live, catching up", twoModels())
	if err != nil {
		return err
	}
	plainly, err := s.upserted(ctx, p, two, tables, pages, n)
	if err != nil {
		return err
	}
	allLive, err := s.caughtUp(ctx, st, p, st.pool, deployment, n, fmt.Sprintf("all %d read models together: live, catching up", len(every)), every)
	if err != nil {
		return err
	}
	s.aim(atLeast("two read models live, of the same rows upserted plainly", twoLive.rate/plainly.rate, 0.5, "%"))
	s.aim(atLeast("two read models rebuilt, of the same rows copied plainly", twoBuilt.rate/copied.rate, 0.6, "%"))
	s.aim(atLeast("all read models together, rebuilt", allBuilt.rate, 10000, " events/s"))
	s.aim(atLeast("all read models together, live", allLive.rate, 10000, " events/s"))
	return nil
}

// weigh tells how much space the log and the read models take.
func (s *size) weigh(ctx context.Context, st *stores) error {
	var database, kept int64
	err := st.pool.QueryRow(ctx, `
		select pg_database_size(current_database()), coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
		from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'kept' and c.relkind = 'r'`).Scan(&database, &kept)
	if err != nil {
		return fmt.Errorf("weigh the database: %w", err)
	}
	log, err := weighed(filepath.Join(s.data, "log"))
	if err != nil {
		return fmt.Errorf("weigh the log: %w", err)
	}
	all := int64(s.jobs)
	for _, n := range calendars {
		all += int64(n)
	}
	s.space = fmt.Sprintf("on disk: log %d MiB, %d bytes an event; read models %d MiB, %d bytes a job; keys and accounts %d MiB, %d bytes a job",
		log>>20, log/int64(s.events), (database-kept)>>20, (database-kept)/all, kept>>20, kept/all)
	return nil
}

// weighed is the size of a folder's files.
func weighed(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the storage has put it together with others
		}
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}

func deploymentOf(ctx context.Context, st *stores) (id uuid.UUID, err error) {
	err = st.log.ReadStream(ctx, eventschema.Agency, 0, func(e eventschema.Stored) error {
		first, err := st.codec.Decode(ctx, e)
		if err != nil {
			return err
		}
		id = first.Event.(people.DeploymentCreated).ID
		return eventschema.ErrStop
	})
	return id, err
}

// built fills the generations of models from the log's beginning.
func (s *size) built(ctx context.Context, st *stores, p processes, pool *pgxpool.Pool, deployment uuid.UUID, name string, models []projections.Projector) (row, error) {
	r, err := st.run(ctx, pool, deployment, models...)
	if err != nil {
		return row{}, err
	}
	wall, spent, err := stopwatch(p, func() error {
		return s.profile("rebuild", func() error { return r.runner.Ensure(ctx, nil) })
	})
	if err = errors.Join(err, r.close(false)); err != nil {
		return row{}, fmt.Errorf("build read models: %w", err)
	}
	return s.add(measured(name, "events", s.events, wall, spent, nil)), nil
}

// copied writes the two models' rows by COPY.
func (s *size) copied(ctx context.Context, p processes, pool *pgxpool.Pool) (row, error) {
	tables, err := tablesOf(ctx, pool, "jobs", "activity")
	if err != nil {
		return row{}, err
	}
	if err := preparePlain(ctx, pool, tables, false); err != nil {
		return row{}, err
	}
	var wall time.Duration
	var spent cpu
	err = copyPlainly(ctx, pool, tables, func(write func() error) error {
		w, c, err := stopwatch(p, write)
		wall, spent = wall+w, spent.plus(c)
		return err
	})
	if err != nil {
		return row{}, err
	}
	return s.add(measured("  their rows by COPY", "events", s.events, wall, spent, nil)), nil
}

// extend makes further jobs.
func (s *size) extend(ctx context.Context, st *stores) error {
	g, err := newGenerator(s.world, st.log, st.codec, st.keys)
	if err != nil {
		return err
	}
	g.jobs = s.made
	s.made += s.tailJobs()
	err = g.add(ctx, s.tailJobs())
	_, closed := g.close()
	return errors.Join(err, closed)
}

// tailOf tells page by page what the events after a position touch, and how many they are.
func tailOf(ctx context.Context, st *stores, after eventschema.Position) (pages []pageOfTail, n int, err error) {
	jobOf := map[string]uuid.UUID{}
	err = st.reader.ReadAll(ctx, after, func(page eventschema.Page) error {
		t := pageOfTail{first: page[0].Position.Commit, last: page.Last().Position.Commit}
		seen := map[uuid.UUID]bool{}
		for _, e := range page {
			if eventschema.KindOf(e.Stream) != eventschema.Booking {
				continue
			}
			if made, ok := e.Event.(booking.Created); ok {
				jobOf[e.Stream] = made.Jobs[0].ID
				t.born = append(t.born, made.Jobs[0].ID)
			}
			job := jobOf[e.Stream]
			if !seen[job] {
				seen[job] = true
				t.touched = append(t.touched, job)
			}
			t.of, t.revisions = append(t.of, job), append(t.revisions, int64(e.Revision))
		}
		n += len(page)
		pages = append(pages, t)
		return nil
	})
	return pages, n, err
}

// caughtUp runs models live until they have reached the log's end.
func (s *size) caughtUp(ctx context.Context, st *stores, p processes, pool *pgxpool.Pool, deployment uuid.UUID, n int, name string,
	models []projections.Projector) (out row, err error) {
	r, err := st.run(ctx, pool, deployment, models...)
	if err != nil {
		return row{}, err
	}
	end, err := st.log.Newest(ctx)
	if err != nil {
		return row{}, err
	}
	before, err := databaseWork(ctx, pool)
	if err != nil {
		return row{}, err
	}
	wall, spent, err := stopwatch(p, func() error {
		return s.profile("live", func() error {
			if err := r.runner.Start(ctx); err != nil {
				return err
			}
			for {
				err := r.models.WaitFor(ctx, end, r.models.Names()...)
				if !errors.Is(err, eventschema.ErrBehind) {
					return err
				}
			}
		})
	})
	if err = errors.Join(err, r.close(true)); err != nil {
		return row{}, fmt.Errorf("run read models: %w", err)
	}
	out = measured(name, "events", n, wall, spent, nil)
	if out.note, err = before.since(ctx, pool, n); err != nil {
		return row{}, err
	}
	return s.add(out), nil
}

// upserted writes the rows of the tail plainly.
func (s *size) upserted(ctx context.Context, p processes, pool *pgxpool.Pool, tables []table, pages []pageOfTail, n int) (row, error) {
	all, rows, err := portions(ctx, pool, tables, pages)
	if err != nil {
		return row{}, err
	}
	before, err := databaseWork(ctx, pool)
	if err != nil {
		return row{}, err
	}
	wall, spent, err := stopwatch(p, func() error { return upsertPlainly(ctx, pool, all) })
	if err != nil {
		return row{}, err
	}
	out := measured(fmt.Sprintf("  their rows by batched upserts, %.1f an event", float64(rows)/float64(n)), "events", n, wall, spent, nil)
	if out.note, err = before.since(ctx, pool, n); err != nil {
		return row{}, err
	}
	return s.add(out), nil
}

// http measures commands, how soon they are visible, and calendars. It answers with the appends of the two runs.
func (s *size) http(ctx context.Context, base string, p processes) (single, many []batch, err error) {
	c := &crew{location: s.world.customers[0].location}
	if c.customer, err = signIn(ctx, base, "requestor"); err != nil {
		return nil, nil, err
	}
	if c.assigner, err = signIn(ctx, base, "assigner"); err != nil {
		return nil, nil, err
	}
	if err := caughtUp(ctx, base); err != nil {
		return nil, nil, err
	}
	s.say("warming up")
	if _, _, _, err = s.lives(ctx, base, p, c, era{2022}, clientCount, 1); err != nil {
		return nil, nil, err
	}
	s.begin()
	times, wall, spent, single, err := s.recorded(ctx, base, p, c, era{2023}, 1, s.livesOfOne)
	s.end()
	if err != nil {
		return nil, nil, err
	}
	one := s.add(measured("HTTP commands, 1 client", "commands", len(times), wall, spent, times))
	s.appends(one, len(single), wall, spent)

	s.begin()
	times, wall, spent, many, err = s.recorded(ctx, base, p, c, era{2024}, clientCount, s.livesOfMany)
	s.end()
	if err != nil {
		return nil, nil, err
	}
	all := s.add(measured(fmt.Sprintf("HTTP commands, %d clients", clientCount), "commands", len(times), wall, spent, times))
	s.httpAppends = s.appends(all, len(many), wall, spent)
	s.aim(atMost(fmt.Sprintf("HTTP commands, %d clients, p99", clientCount), ms(all.quantile(0.99)), 30, "ms"))
	s.aim(atMost("HTTP commands, 1 client, p50", ms(one.quantile(0.5)), 1.2, "ms"))

	if err := s.visible(ctx, base, p, c); err != nil {
		return nil, nil, err
	}
	return single, many, s.calendars(ctx, base, p)
}

// appends shows a run of commands counted in appends.
func (s *size) appends(r row, n int, wall time.Duration, spent cpu) row {
	return s.add(measured("  counted in appends", "appends", n, wall, spent, nil))
}

// lives plays a number of lives for each client. The time of moving the clock does not count; the CPU time of the read models does.
func (s *size) lives(ctx context.Context, base string, p processes, c *crew, e era, clients, each int) (times []time.Duration, wall time.Duration, spent cpu, err error) {
	all := e.lives(c, clients, each)
	for _, part := range []struct {
		clock time.Time
		steps int
	}{{e.before(), stepsBefore}, {e.after(), stepsAfter}} {
		if err := setClock(ctx, base, part.clock); err != nil {
			return nil, 0, cpu{}, err
		}
		before := p.spent()
		t, w, err := play(ctx, all, part.steps)
		if err != nil {
			return nil, 0, cpu{}, err
		}
		if err := s.settled(ctx, c, all); err != nil {
			return nil, 0, cpu{}, err
		}
		more := p.spent().since(before)
		spent = spent.plus(more)
		times, wall = append(times, t...), wall+w
	}
	return times, wall, spent, nil
}

// settled waits until the read models that lists and notes come from have seen every life's last command.
func (s *size) settled(ctx context.Context, c *crew, all [][]*httpLife) error {
	for _, lives := range all {
		last := lives[len(lives)-1]
		for _, path := range []string{"/api/v1/jobs/" + last.ref, "/api/v1/jobs/" + last.ref + "/activity"} {
			if _, err := c.assigner.send(ctx, "GET", path, "", last.position); err != nil {
				return err
			}
		}
	}
	return nil
}

// recorded plays lives and reads back what they appended.
func (s *size) recorded(ctx context.Context, base string, p processes, c *crew, e era, clients, each int) (times []time.Duration, wall time.Duration, spent cpu, made []batch, err error) {
	url, err := runningLog(s.data)
	if err != nil {
		return nil, 0, cpu{}, nil, err
	}
	err = s.withStores(ctx, url, func(st *stores) error {
		from, err := st.log.Newest(ctx)
		if err != nil {
			return err
		}
		if times, wall, spent, err = s.lives(ctx, base, p, c, e, clients, each); err != nil {
			return err
		}
		made, err = appendsAfter(ctx, st.log, st.codec, from)
		return err
	})
	return times, wall, spent, made, err
}

// visibleRate is how many commands a second are sent while it is measured how soon they are visible.
const visibleRate = 100

// visible sends commands at a steady rate, and right after each answer asks, as of it, for the job's activity notes, where the command's own note
// stands, or every second time for the job's page, which many more statements make.
func (s *size) visible(ctx context.Context, base string, p processes, c *crew) error {
	e := era{2025}
	if err := setClock(ctx, base, e.before()); err != nil {
		return err
	}
	n := int(visibleRate * s.visibleFor.Seconds())
	clients := e.lives(c, clientCount, n/clientCount/stepsBefore+1)
	ticks := make(chan struct{}, n)
	results := make(chan error, clientCount)
	paths := [2]string{"/activity", ""}
	var waits [clientCount][len(paths)][]time.Duration
	s.begin()
	defer s.end()
	before, began := p.spent(), time.Now()
	for i, lives := range clients {
		go func() {
			results <- func() error {
				for _, l := range lives {
					for range stepsBefore {
						if _, more := <-ticks; !more {
							return nil
						}
						if err := l.next(ctx); err != nil {
							return err
						}
						answered := time.Now()
						which := (len(waits[i][0]) + len(waits[i][1])) % len(paths)
						if _, err := c.customer.send(ctx, "GET", "/api/v1/jobs/"+l.ref+paths[which], "", l.position); err != nil {
							return err
						}
						waits[i][which] = append(waits[i][which], time.Since(answered))
					}
				}
				return nil
			}()
		}()
	}
	ticker := time.NewTicker(time.Second / visibleRate)
	for range n {
		<-ticker.C
		ticks <- struct{}{}
	}
	ticker.Stop()
	close(ticks)
	var failed error
	for range clients {
		failed = errors.Join(failed, <-results)
	}
	if failed != nil {
		return fmt.Errorf("see what was done: %w", failed)
	}
	var times [len(paths)][]time.Duration
	for _, w := range waits {
		for which := range paths {
			times[which] = append(times[which], w[which]...)
		}
	}
	wall, spent := time.Since(began), p.spent().since(before)
	note := s.add(measured(fmt.Sprintf("from the answer to its note, at %d commands/s", visibleRate), "commands", n, wall, spent, times[0]))
	s.add(measured("  to the job's page", "commands", n, wall, spent, times[1]))
	s.aim(atMost("from the answer to visible, p50", ms(note.quantile(0.5)), 3, "ms"))
	s.aim(atMost("from the answer to visible, p99", ms(note.quantile(0.99)), 15, "ms"))
	return nil
}

// calendars asks for months with more and more jobs.
func (s *size) calendars(ctx context.Context, base string, p processes) error {
	c, err := signIn(ctx, base, "requestor2")
	if err != nil {
		return err
	}
	for m, jobs := range calendars {
		path := fmt.Sprintf("/api/v1/calendar?from=%s&to=%s", calendarMonth(m).Format(time.DateOnly), calendarMonth(m+1).Format(time.DateOnly))
		first, err := c.send(ctx, "GET", path, "", "")
		if err != nil {
			return err
		}
		if found := countRefs(first.body); found != jobs {
			return fmt.Errorf("the calendar of %d jobs shows %d", jobs, found)
		}
		n := max(10, 20000/(jobs+50))
		var times []time.Duration
		wall, spent, err := stopwatch(p, func() error {
			for range n {
				began := time.Now()
				if _, err := c.send(ctx, "GET", path, "", ""); err != nil {
					return err
				}
				times = append(times, time.Since(began))
			}
			return nil
		})
		if err != nil {
			return err
		}
		s.add(measured(fmt.Sprintf("calendar of %s jobs, %d KiB", thousands(jobs), len(first.body)>>10), "requests", n, wall, spent, times))
	}
	return nil
}

// raw appends what the HTTP runs appended, through the official client alone.
func (s *size) raw(ctx context.Context, url string, p processes, single, many []batch) error {
	p.postgres = 0
	for _, run := range []struct {
		clients int
		batches []batch
	}{{1, single}, {clientCount, many}} {
		var times []time.Duration
		var wall time.Duration
		before := p.spent()
		times, wall, err := replay(ctx, url, split(run.batches, run.clients))
		if err != nil {
			return err
		}
		name := fmt.Sprintf("raw appends of the same bytes, %d clients", run.clients)
		if run.clients == 1 {
			name = "raw appends of the same bytes, 1 client"
		}
		r := s.add(measured(name, "appends", len(times), wall, p.spent().since(before), times))
		if run.clients > 1 {
			s.aims = append([]aim{atLeast(fmt.Sprintf("HTTP commands in appends, of raw appends, %d clients", clientCount), s.httpAppends.rate/r.rate, 0.4, "%")}, s.aims...)
		}
	}
	return nil
}

func countRefs(body []byte) (n int) {
	const mark = `"ref":`
	for i := 0; i+len(mark) <= len(body); i++ {
		if string(body[i:i+len(mark)]) == mark {
			n++
		}
	}
	return n
}

func (s *size) path(name string) string {
	return filepath.Join(s.profiles, fmt.Sprintf("%s-%d.pprof", name, s.jobs))
}
