package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
)

// truth is what the log alone says about bookings and diaries. Nothing in it comes from a read model or from an answer.
type truth struct {
	t        *testing.T
	house    *house
	events   []eventschema.Recorded
	bookings map[string]booking.State // by stream
	diaries  map[string]diary.State   // by stream
	// commands are what each command left in bookings, by its id.
	commands map[uuid.UUID]*left
}

// left is what one command left in a booking's stream.
type left struct {
	stream      string
	first, last uint64
	types       []string
}

// stores opens the stores of a deployment that a server of this process runs on.
func stores(t *testing.T, data, database string) *house {
	t.Helper()
	c := &Config{Data: data, DatabaseURL: database, EventStoreURL: eventLogOf(t, data), MinFreeDisk: "0"}
	h, err := openStores(t.Context(), &stage{ctx: t.Context(), out: io.Discard, errOut: io.Discard, log: slog.New(slog.DiscardHandler)}, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Errorf("close the stores: %v", err)
		}
	})
	if err := h.openCommands(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return h
}

// eventLogOf is the address of the log of the server that runs on a data folder, in whatever process.
func eventLogOf(t *testing.T, data string) string {
	t.Helper()
	r, ok := running(data)
	if !ok {
		t.Fatal("the server wrote no run.json")
	}
	return r.EventLog
}

// atRest waits until the reactions have seen the whole log and add nothing to it any more, as far as the business clock stands still.
func atRest(t *testing.T, h *house) {
	t.Helper()
	soon(t, "the reactions have seen the whole log", func() bool {
		newest, err := h.events.Newest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var behind int
		if err := h.pool.QueryRow(t.Context(), `select count(*) from kept.reaction_checkpoints where commit_pos < $1`, int64(newest.Commit)).Scan(&behind); err != nil {
			t.Fatal(err)
		}
		after, err := h.events.Newest(t.Context())
		return behind == 0 && err == nil && after == newest
	})
}

// readTruth folds the whole log, event by event in its order, and judges every moment of it: no job is held or had by two, and nobody is assigned
// to two places at once, by the diaries and by the bookings.
func readTruth(t *testing.T, h *house) *truth {
	t.Helper()
	atRest(t, h)
	w := &truth{t: t, house: h, bookings: map[string]booking.State{}, diaries: map[string]diary.State{}, commands: map[uuid.UUID]*left{}}
	next, ids := map[string]uint64{}, map[uuid.UUID]bool{}
	err := h.archiveReader().ReadAll(t.Context(), eventschema.Position{}, func(page eventschema.Page) error {
		for _, e := range page {
			if e.Err != nil {
				return fmt.Errorf("event %d of %s: %w", e.Revision, e.Stream, e.Err)
			}
			if e.Revision != next[e.Stream] || ids[e.ID] {
				t.Errorf("event %d of %s is out of order, or twice in the log", e.Revision, e.Stream)
			}
			next[e.Stream]++
			ids[e.ID] = true
			w.events = append(w.events, e)
			w.fold(e)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *truth) fold(e eventschema.Recorded) {
	switch event := e.Event.(type) {
	case booking.Event:
		w.note(e)
		before := w.bookings[e.Stream]
		w.oneHolder(before, e)
		after := booking.Evolve(before, event, booking.Fact{Revision: e.Revision, At: e.Meta.At, Actor: e.Meta.Actor})
		w.bookings[e.Stream] = after
		for _, id := range booking.Touches(event) {
			if j, _ := after.Job(id); j.Assignment != nil {
				w.onePlace(j, e)
			}
		}
	case diary.Event:
		after := diary.Evolve(w.diaries[e.Stream], event)
		w.diaries[e.Stream] = after
		for i, a := range after.Held {
			for _, b := range after.Held[:i] {
				if a.Job != b.Job && !a.Unchecked && !b.Unchecked && diary.Overlap(a, b) {
					w.t.Errorf("after event %d of %s it holds jobs %s and %s at once", e.Revision, e.Stream, a.Job, b.Job)
				}
			}
		}
	}
}

// note keeps what a command left, and that it is in one piece.
func (w *truth) note(e eventschema.Recorded) {
	l := w.commands[e.Meta.CommandID]
	switch {
	case l == nil:
		l = &left{stream: e.Stream, first: e.Revision}
		w.commands[e.Meta.CommandID] = l
	case l.stream != e.Stream || l.last+1 != e.Revision:
		w.t.Errorf("command %s was applied twice: up to event %d of %s, and at event %d of %s", e.Meta.CommandID, l.last, l.stream, e.Revision, e.Stream)
	}
	l.last = e.Revision
	l.types = append(l.types, e.Type)
}

// oneHolder judges an event that gives a job to somebody: before it nobody else may hold the job or have it.
func (w *truth) oneHolder(before booking.State, e eventschema.Recorded) {
	var job, who uuid.UUID
	assigns := false
	switch event := e.Event.(type) {
	case booking.OfferAccepted:
		job, who = event.Job, event.Interpreter
	case booking.CounterOfferAnswered:
		if !event.Accepted {
			return
		}
		job, who = event.Job, event.Interpreter
	case booking.Assigned:
		job, who, assigns = event.Job, event.Interpreter, true
	default:
		return
	}
	j, _ := before.Job(job)
	if !assigns && j.Holder != uuid.Nil && j.Holder != who {
		w.t.Errorf("event %d of %s: %s is accepted by %s while %s holds it", e.Revision, e.Stream, j.Ref, who, j.Holder)
	}
	if j.Assignment != nil && j.Assignment.Interpreter != who {
		w.t.Errorf("event %d of %s: %s is given to %s while %s has it", e.Revision, e.Stream, j.Ref, who, j.Assignment.Interpreter)
	}
}

// onePlace looks whether whoever has a job is assigned elsewhere in its time.
func (w *truth) onePlace(j booking.Job, e eventschema.Recorded) {
	start, end := j.Window()
	for _, s := range w.bookings {
		for _, k := range s.Jobs {
			if k.ID == j.ID || k.Assignment == nil || k.Assignment.Interpreter != j.Assignment.Interpreter || k.Assignment.Unchecked || j.Assignment.Unchecked ||
				k.Status != domain.Assigned || j.Status != domain.Assigned {
				continue
			}
			if from, to := k.Window(); start.Before(to) && from.Before(end) {
				w.t.Errorf("after event %d of %s one interpreter has %s and %s at once", e.Revision, e.Stream, j.Ref, k.Ref)
			}
		}
	}
}

// jobs are all jobs of the log, with their bookings.
func (w *truth) jobs(each func(s booking.State, j booking.Job)) {
	for _, s := range w.bookings {
		for _, j := range s.Jobs {
			each(s, j)
		}
	}
}

// explains holds every read model that shows jobs against the fold of the log, row by row.
func (w *truth) explains() {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.t.Context(), time.Minute)
	defer stop()
	models := w.house.models
	if err := models.WaitFor(ctx, w.events[len(w.events)-1].Position, models.Names()...); err != nil {
		w.t.Fatalf("the read models do not reach the log's end: %v", err)
	}
	id := func(id uuid.UUID) string {
		if id == uuid.Nil {
			return "-"
		}
		return id.String()
	}
	at := func(m *domain.Moment) string {
		if m == nil {
			return "-"
		}
		return fmt.Sprint(m.Instant.Unix())
	}
	ids := func(of func(booking.Offering) bool, j booking.Job) string {
		var all []string
		for _, o := range j.Offers {
			if of(o) {
				all = append(all, o.Interpreter.String())
			}
		}
		return strings.Join(slices.Sorted(slices.Values(all)), ",")
	}
	who := func(j booking.Job) string {
		if j.Assignment == nil {
			return "-"
		}
		return j.Assignment.Interpreter.String()
	}
	window := func(j booking.Job) string {
		start, end := j.Window()
		return fmt.Sprint(start.Unix(), " ", end.Unix())
	}
	stands := func(o booking.Offering) bool { return o.State == booking.Open || o.State == booking.Accepted }
	for _, check := range []struct {
		what, sql string
		want      func(s booking.State, j booking.Job) string // empty: no row
	}{
		{"jobs", `select job::text, concat_ws(' ', ref, booking, status, '/' || outcome, revision, extract(epoch from requested_at)::bigint, zone, minutes,
			coalesce(extract(epoch from eta)::bigint::text, '-'), coalesce(extract(epoch from proposed_eta)::bigint::text, '-'),
			extract(epoch from starts_at)::bigint, extract(epoch from ends_at)::bigint, coalesce(taken_by::text, '-'), coalesce(holder::text, '-'),
			coalesce(interpreter::text, '-'), array_to_string(array(select unnest(offered)::text order by 1), ','), '/' || array_to_string(array(select unnest(countered)::text order by 1), ',')) from {jobs}.jobs`,
			func(s booking.State, j booking.Job) string {
				return fmt.Sprint(j.Ref, " ", s.ID, " ", j.Status, " /", j.Outcome, " ", j.Revision, " ", j.Schedule.Start.Instant.Unix(), " ", j.Schedule.Start.Zone, " ",
					j.Schedule.Minutes, " ", at(j.ETA), " ", at(j.Proposed), " ", window(j), " ", id(j.TakenBy), " ", id(j.Holder), " ", who(j), " ", ids(stands, j), " /",
					ids(func(o booking.Offering) bool { return o.Counter != nil }, j))
			}},
		{"calendar", `select job::text, concat_ws(' ', status, '/' || outcome, extract(epoch from starts_at)::bigint, extract(epoch from ends_at)::bigint, coalesce(interpreter::text, '-'))
			from {calendar}.jobs`,
			func(_ booking.State, j booking.Job) string {
				return fmt.Sprint(j.Status, " /", j.Outcome, " ", window(j), " ", who(j))
			}},
		{"dashboard", `select job::text, concat_ws(' ', status, extract(epoch from starts_at)::bigint, extract(epoch from ends_at)::bigint, completed_at is not null) from {dashboard}.jobs`,
			func(_ booking.State, j booking.Job) string {
				return fmt.Sprint(j.Status, " ", window(j), " ", map[bool]string{true: "t", false: "f"}[j.Status == domain.Complete])
			}},
		{"timers", `select job::text, concat_ws(' ', status, extract(epoch from starts_at)::bigint, extract(epoch from ends_at)::bigint) from {timers}.jobs`,
			func(_ booking.State, j booking.Job) string { return fmt.Sprint(j.Status, " ", window(j)) }},
		{"timers of offers", `select job::text, string_agg(interpreter::text, ',' order by interpreter::text) from {timers}.timers where kind = 'offer-expiry' and not done group by job`,
			func(_ booking.State, j booking.Job) string {
				return ids(func(o booking.Offering) bool { return o.State == booking.Open && o.ExpiresAt != nil }, j)
			}},
		{"diary", `select job::text, concat_ws(' ', live, extract(epoch from coalesce(eta, starts_at))::bigint, minutes, case when live then coalesce(interpreter::text, '-') end,
			case when live then coalesce(reservation::text, '-') end) from {diary}.jobs`,
			func(_ booking.State, j booking.Job) string {
				from, _ := j.Window()
				if !j.Status.Live() {
					return fmt.Sprint("f ", from.Unix(), " ", j.Schedule.Minutes)
				}
				reservation := uuid.Nil
				if j.Assignment != nil {
					reservation = j.Assignment.Reservation
				}
				return fmt.Sprint("t ", from.Unix(), " ", j.Schedule.Minutes, " ", who(j), " ", id(reservation))
			}},
		{"holds", `select job::text, interpreter::text from {diary}.holds`,
			func(_ booking.State, j booking.Job) string {
				if j.Holder == uuid.Nil {
					return ""
				}
				return j.Holder.String()
			}},
		{"refs", `select job::text, ref || ' ' || booking::text from {refs}.jobs`,
			func(s booking.State, j booking.Job) string { return j.Ref + " " + s.ID.String() }},
		{"invoices", `select job::text, concat_ws(' ', '/' || outcome, completed_at is not null, draft) from {invoices}.jobs`,
			func(_ booking.State, j booking.Job) string {
				word := map[bool]string{true: "t", false: "f"}
				return fmt.Sprint("/", j.Outcome, " ", word[j.Status == domain.Complete], " ", word[j.Outcome.Billable()])
			}},
		{"messages", `select job::text, ref from {messages}.jobs`, func(_ booking.State, j booking.Job) string { return j.Ref }},
		{"activity", `select job::text, ref from {activity}.jobs`, func(_ booking.State, j booking.Job) string { return j.Ref }},
	} {
		want := map[string]string{}
		w.jobs(func(s booking.State, j booking.Job) {
			if row := check.want(s, j); row != "" {
				want[j.ID.String()] = row
			}
		})
		w.same(check.what, check.sql, want)
	}
	held := map[string]string{}
	for _, d := range w.diaries {
		for _, r := range d.Held {
			held[r.ID.String()] = fmt.Sprint(d.Interpreter, " ", r.Job, " ", r.Start.Unix(), " ", r.End.Unix())
		}
	}
	w.same("reservations", `select reservation::text, concat_ws(' ', interpreter, job, extract(epoch from starts_at)::bigint, extract(epoch from ends_at)::bigint) from {diary}.reservations`, held)
}

// same holds one table's rows against what the log says they are, by key.
func (w *truth) same(what, sql string, want map[string]string) {
	w.t.Helper()
	type row struct{ Key, Text string }
	rows, err := projections.Collect(w.t.Context(), w.house.models, pgx.RowToStructByPos[row], sql)
	if err != nil {
		w.t.Fatalf("read %s: %v", what, err)
	}
	if len(rows) != len(want) {
		w.t.Errorf("%s has %d rows, the log makes %d", what, len(rows), len(want))
	}
	for _, r := range rows {
		if want[r.Key] != r.Text {
			w.t.Errorf("%s of %s reads\n%q, the log says\n%q", what, r.Key, r.Text, want[r.Key])
		}
	}
	w.noOverlap(what)
}

// noOverlap asks the read model itself whether anybody's diary holds two jobs at once.
func (w *truth) noOverlap(what string) {
	if what != "reservations" {
		return
	}
	n, err := projections.Collect(w.t.Context(), w.house.models, pgx.RowTo[int], `select count(*)::int from {diary}.reservations a join {diary}.reservations b
		on a.interpreter = b.interpreter and a.job < b.job and a.starts_at < b.ends_at and b.starts_at < a.ends_at and not a.unchecked and not b.unchecked`)
	if err != nil || n[0] != 0 {
		w.t.Errorf("%v pairs of jobs at once in the read model of diaries: %v", n, err)
	}
}

// count is how many events of each type the log holds.
func (w *truth) count() map[string]int {
	n := map[string]int{}
	for _, e := range w.events {
		n[e.Type]++
	}
	return n
}

// verified runs verify beside the server and demands that it finds nothing.
func verified(t *testing.T, data, database string) {
	t.Helper()
	var out strings.Builder
	args := []string{"verify", "--data", data, "--database-url", database, "--eventstore-url", eventLogOf(t, data), "--log-level", "error"}
	if err := run(t.Context(), args, &out, io.Discard, func(*slog.Logger) {}); err != nil {
		t.Errorf("verify: %v\n%s", err, out.String())
	}
	if n := strings.Count(out.String(), " 0 differences"); n != len(projectors()) || !strings.Contains(out.String(), " 0 gaps") {
		t.Errorf("verify compared %d read models:\n%s", n, out.String())
	}
}

// hired makes a user who works through a token of the API, as `dragoman token create` makes one.
func hired(t *testing.T, h *house, admin *client, body map[string]any) *client {
	t.Helper()
	id := uuid.MustParse(admin.do("POST", "/users", body).body["id"].(string))
	token, _, err := h.accounts.CreateAPIToken(t.Context(), id, "test", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, base: admin.base, token: token, user: id}
}

// tallied prints counts in order.
func tallied[K cmp.Ordered](n map[K]int) string {
	var out []string
	keys := make([]K, 0, len(n))
	for k := range n {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		out = append(out, fmt.Sprint(k, " ", n[k]))
	}
	return strings.Join(out, ", ")
}
