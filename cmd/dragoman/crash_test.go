package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/eventlog"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// TestKilledServerLosesNothing kills the server with SIGKILL at random moments under 16 clients, also while it starts and while it rebuilds,
// at least 200 acknowledgements apart. The clients note outside the server what it acknowledged. Then the log is read as any client of it
// would: every acknowledged command is there once, whole and in one piece, and none is there twice; every job stands where its last answer
// said; no diary ever held two jobs at once, or too little; and every read model equals its rebuild. DRAGOMAN_KILLS sets how often.
func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	kills := 20
	if n, err := strconv.Atoi(os.Getenv("DRAGOMAN_KILLS")); err == nil {
		kills = n
	}
	data, database := t.TempDir(), postgres.TestURL(t)
	args := []string{"demo", "--small", "--data", data, "--database-url", database, "--listen", "127.0.0.1:0", "--log-level", "error"}
	server := startProcess(t, args...)
	base := &atomic.Value{}
	base.Store(server.base)
	location := signIn(t, server.base, "requestor").get("/locations").items()[0]["id"].(string)

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	noted := newJournal()
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for n := range 16 {
		clients.Go(func() { newLife(t, base, noted, location, n).live(ctx) })
	}
	defer clients.Wait()
	defer stop()
	for i := range kills {
		noted.wait(t, 200)
		switch i % 5 {
		case 2, 3: // while a rebuild runs
			rebuild := spawn(t, "rebuild", "--data", data, "--database-url", database, "jobs", "diary")
			rebuild.says(t, "jobs: ")
			pause(random, 150)
			rebuild.kill()
		case 4: // while it starts, before it listens
			server.kill()
			server = spawn(t, args...)
			pause(random, 800)
		}
		pause(random, 60)
		server.kill()
		server = startProcess(t, args...)
		base.Store(server.base)
	}
	noted.wait(t, 200)
	stop()
	clients.Wait()

	noted.compareLog(t, allEvents(t, data))
	noted.compareJobs(t, signIn(t, server.base, "assigner"))
	server.stop(t)
	out, err := command(t, "verify", "--data", data, "--database-url", database, "--log-level", "error").CombinedOutput()
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if !regexp.MustCompile(`diaries: \d+ events, \d+ jobs, [1-9]\d* reservations`).Match(out) {
		t.Errorf("verify has seen no reservations: %s", out)
	}
}

// pause waits for a random moment, which is the point of killing.
func pause(random *rand.Rand, upToMS int) {
	<-time.After(time.Duration(random.IntN(upToMS)) * time.Millisecond)
}

// acked is one command that the server acknowledged.
type acked struct {
	command uuid.UUID
	job     string
	event   string // type of the event that it must have left
}

// journal notes acknowledgements outside the server.
type journal struct {
	mu     sync.Mutex
	facts  []acked
	asked  map[uuid.UUID]bool
	others map[string]bool   // streams of bookings that the test makes besides
	status map[string]string // job → as its last command's answer said; absent while a command's answer is not known
	newest string            // position of the last command, so that lists show it
	failed string            // what came of the last attempt that is to be tried again
	seen   int
	more   chan struct{}
}

func newJournal() *journal {
	return &journal{asked: map[uuid.UUID]bool{}, others: map[string]bool{}, status: map[string]string{}, more: make(chan struct{}, 1)}
}

// sending notes that a command may change a job from now on.
func (j *journal) sending(job string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.status, job)
}

// besides notes a booking that the test itself made, by the answer to it.
func (j *journal) besides(made reply) reply {
	j.mu.Lock()
	defer j.mu.Unlock()
	if id, ok := made.body["bookingId"].(string); ok {
		j.others[eventschema.BookingStream(uuid.MustParse(id))] = true
	}
	return made
}

// asking notes a command that is sent.
func (j *journal) asking(command uuid.UUID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked[command] = true
}

// triedInVain notes what came of an attempt that is to be tried again.
func (j *journal) triedInVain(path string, r reply, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed = fmt.Sprintf("%s: %d %s %v", path, r.status, r.raw, err)
}

// answered notes where a job stands now, and the command if it was accepted.
func (j *journal) answered(job, status, position string, fact *acked) {
	j.mu.Lock()
	if later(position, j.newest) {
		j.newest = position
	}
	if status != "" {
		j.status[job] = status
	}
	if fact != nil {
		j.facts = append(j.facts, *fact)
	}
	j.mu.Unlock()
	select {
	case j.more <- struct{}{}:
	default:
	}
}

// wait returns once n more commands were acknowledged than at the last wait.
func (j *journal) wait(t *testing.T, n int) {
	t.Helper()
	limit := time.After(3 * time.Minute)
	for {
		j.mu.Lock()
		enough := len(j.facts) >= j.seen+n
		if enough {
			j.seen = len(j.facts)
		}
		j.mu.Unlock()
		switch {
		case enough:
			return
		case t.Failed():
			t.FailNow()
		}
		select {
		case <-j.more:
		case <-limit:
			j.mu.Lock()
			defer j.mu.Unlock()
			t.Fatalf("%d acknowledgements in three minutes, not %d; the last attempt that was none: %s", len(j.facts)-j.seen, n, j.failed)
		}
	}
}

// compareLog looks in the whole log for every acknowledged command, and for what nobody asked for.
func (j *journal) compareLog(t *testing.T, all []eventschema.Stored) {
	t.Helper()
	type written struct {
		stream string
		last   uint64         // revision
		types  map[string]int // events by type
	}
	next := map[string]uint64{} // stream → revision of its next event
	ids := map[uuid.UUID]bool{}
	found := map[uuid.UUID]*written{}
	for _, e := range all {
		if e.Revision != next[e.Stream] {
			t.Errorf("after event %d of %s comes event %d", int64(next[e.Stream])-1, e.Stream, e.Revision)
		}
		next[e.Stream] = e.Revision + 1
		if ids[e.ID] {
			t.Errorf("event %s is in the log twice", e.ID)
		}
		ids[e.ID] = true
		var meta struct {
			CommandID uuid.UUID `json:"commandId"`
		}
		if err := json.Unmarshal(e.Metadata, &meta); err != nil {
			t.Fatal(err)
		}
		if eventschema.KindOf(e.Stream) != eventschema.Booking {
			continue
		}
		w := found[meta.CommandID]
		switch {
		case w == nil:
			w = &written{stream: e.Stream, types: map[string]int{}}
			found[meta.CommandID] = w
		case w.stream != e.Stream || w.last+1 != e.Revision:
			t.Errorf("command %s was applied twice: events %d of %s and %d of %s", meta.CommandID, w.last, w.stream, e.Revision, e.Stream)
		}
		w.last = e.Revision
		w.types[e.Type]++
	}
	kinds := map[string]int{}
	for _, f := range j.facts {
		kinds[f.event]++
		if w := found[f.command]; w == nil {
			t.Errorf("an acknowledged %s of %s is lost", f.event, f.job)
		} else if w.types[f.event] != 1 {
			t.Errorf("an acknowledged %s of %s is in the log %d times", f.event, f.job, w.types[f.event])
		}
	}
	for command, w := range found {
		for event := range w.types {
			if kinds[event] > 0 && !j.asked[command] && !j.others[w.stream] {
				t.Errorf("nobody asked for a %s in %s", event, w.stream)
			}
		}
	}
	t.Logf("%d acknowledged commands: %v", len(j.facts), kinds)
	if len(kinds) < 8 {
		t.Error("that is not every kind of command")
	}
}

// logOf is the log of the server that runs on a data folder.
func logOf(t *testing.T, data string) *eventlog.Log {
	t.Helper()
	run, ok := running(data)
	if !ok {
		t.Fatal("the server wrote no run.json")
	}
	return openLog(t, run.EventLog)
}

func openLog(t *testing.T, url string) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(t.Context(), url, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close(context.Background()) })
	return log
}

// allEvents is everything of ours in the log of the server that runs on a data folder.
func allEvents(t *testing.T, data string) []eventschema.Stored {
	t.Helper()
	return eventsIn(t, logOf(t, data))
}

func eventsIn(t *testing.T, log *eventlog.Log) (all []eventschema.Stored) {
	t.Helper()
	err := log.ReadAll(t.Context(), eventschema.Position{}, func(e eventschema.Stored) error {
		all = append(all, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// compareJobs looks whether the list of jobs shows what the last answers said.
func (j *journal) compareJobs(t *testing.T, c *client) {
	t.Helper()
	c.position = j.newest
	for offset := 0; ; offset += 500 {
		var page reply
		soon(t, "the list has caught up", func() bool { // what the last clients did may take longer than the second that a query waits
			page = c.send("GET", fmt.Sprintf("/api/v1/jobs?sort=ref&limit=500&offset=%d", offset), nil, nil)
			return page.status != http.StatusServiceUnavailable
		})
		if page.status != http.StatusOK {
			t.Fatalf("list the jobs: %d %s", page.status, page.raw)
		}
		items := page.items()
		for _, item := range items {
			ref := item["ref"].(string)
			if want, known := j.status[ref]; known && item["status"] != want {
				t.Errorf("%s is %v, its last answer said %s", ref, item["status"], want)
			}
			delete(j.status, ref)
		}
		if len(items) < 500 {
			break
		}
	}
	for ref := range j.status {
		t.Errorf("%s is in no list", ref)
	}
}

// life is one client's: it makes jobs and moves them on, each command under a key of its own, sent again until it is answered.
type life struct {
	t                  *testing.T
	base               *atomic.Value
	journal            *journal
	location           string
	n                  int
	customer, assigner *client
	// judge, if set, is told of every answer, and of the want of one. A command once begun is then sent until it is answered.
	judge    func(path string, r reply, err error, took time.Duration)
	patience func() time.Duration // with the next request
}

func newLife(t *testing.T, base *atomic.Value, noted *journal, location string, n int) *life {
	return &life{t: t, base: base, journal: noted, location: location, n: n, customer: &client{t: t}, assigner: &client{t: t},
		// A server that is killed leaves its port to whoever listens next, in whatever test, and that may never answer.
		patience: func() time.Duration { return 30 * time.Second }}
}

// live ends when ctx does, or when an answer is not what it should be. Two clients at a time want the same interpreter at the same hour.
func (l *life) live(ctx context.Context) {
	const lin = "LIN/5455/5J71Y"
	stop := ctx
	if l.judge != nil {
		ctx = l.t.Context()
	}
	for i := 0; stop.Err() == nil || l.judge != nil && i < 4; i++ { // in four rounds comes every kind of command
		day := time.Date(2031, 1, 1, 8+l.n/2, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		at := func(minutes int) string {
			return day.Add(time.Duration(minutes) * time.Minute).Format("2006-01-02T15:04")
		}
		key := fmt.Sprintf("crash-%d-%d", l.n, i)
		r, ok := l.send(ctx, l.customer, "requestor", "", "/api/v1/bookings", faceToFace(l.location, at(0), 30), key, "booking.created.v1")
		if !ok {
			return
		}
		job := r.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
		command := func(name, event string, body map[string]any) bool {
			r, ok = l.send(ctx, l.assigner, "assigner", job, "/api/v1/jobs/"+job+"/"+name, body, key, event)
			return ok
		}
		if !command("take", "booking.job-taken.v1", map[string]any{}) ||
			!command("send-offer", "booking.offer-sent.v1", map[string]any{"interpreters": []string{lin}}) ||
			!command("accept-offer", "booking.offer-accepted.v1", map[string]any{"interpreter": lin}) ||
			!command("assign", "booking.job-assigned.v1", map[string]any{"interpreter": lin}) {
			return
		}
		mine := r.status == http.StatusOK // else the other client was faster
		ok = true
		switch {
		case mine && i%4 == 1:
			ok = command("unassign", "booking.job-unassigned.v1", map[string]any{"interpreter": lin, "reason": "no longer available"})
		case mine && i%4 == 2:
			ok = command("change-eta", "booking.eta-changed.v1", map[string]any{"eta": at(15), "agreedBy": "Sergeant Bell"})
		case i%4 == 3:
			ok = command("cancel", "booking.cancelled.v1", map[string]any{"authorisedBy": "Sergeant Bell"})
		}
		if !ok {
			return
		}
	}
}

// send sends one command until the server answers it; a server that is away or busy is asked again. A refusal is an answer only where another
// client has the interpreter.
func (l *life) send(ctx context.Context, c *client, user, job, path string, body any, key, event string) (reply, bool) {
	if job != "" {
		l.journal.sending(job)
	}
	for ctx.Err() == nil {
		if now := l.base.Load().(string); c.base != now || c.token == "" {
			c.base, c.token = now, ""
			r, err := l.try(c, "/api/v1/sessions", map[string]any{"username": user, "password": "dragoman-demo"}, nil)
			if err != nil || r.status != http.StatusCreated {
				l.journal.triedInVain("/api/v1/sessions", r, err)
				breathe(ctx)
				continue
			}
			c.token, c.user = r.body["token"].(string), uuid.MustParse(r.body["user"].(map[string]any)["id"].(string))
		}
		l.journal.asking(commands.CommandID(c.user, "POST", path, key))
		r, err := l.try(c, path, body, map[string]string{"Idempotency-Key": key})
		switch {
		case err != nil || r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests:
			l.journal.triedInVain(path, r, err)
			breathe(ctx)
		case r.status == http.StatusOK || r.status == http.StatusCreated:
			status, _ := r.body["status"].(string)
			if job == "" {
				made := r.body["jobs"].([]any)[0].(map[string]any)
				job, status = made["ref"].(string), made["status"].(string)
			}
			l.journal.answered(job, status, c.position, &acked{commands.CommandID(c.user, "POST", path, key), job, event})
			return r, true
		case (strings.HasSuffix(path, "/assign") || strings.HasSuffix(path, "/accept-offer")) && r.status == http.StatusConflict && r.body["code"] == "double-booked":
			l.journal.answered(job, "new", c.position, nil)
			return r, true
		case r.status == http.StatusUnauthorized && l.moved(ctx, c.base): // by whoever listens where the server that was killed did
			c.token = ""
		default:
			l.t.Errorf("%s: %d %s", path, r.status, r.raw)
			return r, false
		}
	}
	return reply{}, false
}

// moved waits until the server serves elsewhere than it did, for at most a minute.
func (l *life) moved(ctx context.Context, from string) bool {
	for late := time.Now().Add(time.Minute); ctx.Err() == nil && l.base.Load() == from; breathe(ctx) {
		if time.Now().After(late) {
			return false
		}
	}
	return true
}

func (l *life) try(c *client, path string, body any, header map[string]string) (reply, error) {
	c.patience = l.patience()
	began := time.Now()
	r, err := c.try("POST", path, body, header)
	if l.judge != nil {
		l.judge(path, r, err, time.Since(began))
	}
	return r, err
}

func breathe(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
}
