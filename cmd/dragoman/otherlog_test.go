package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode"
	"github.com/dragoman-booking/dragoman/internal/esnode/escluster"
	"github.com/dragoman-booking/dragoman/internal/esnode/rawclient"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
)

// TestAnOlderLogComesUp puts an older copy in the place of the log under two servers that run, and starts a third one on it. The log ends before the
// checkpoints, which never counts as being up to date: nobody is ready, and a query that must see what the older log has reached is told that it is
// too early. If the right log is back in time everything goes on by itself. If not, each read model stops in every process, and the reaction
// stops, and they say so; nothing of the older log was applied, so a server that starts on the right log goes on where all had been.
func TestAnOlderLogComesUp(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	one := d.start("demo", "--small")
	two := d.start("serve")
	customer, assigner := signIn(t, two.base, "requestor"), signIn(t, two.base, "assigner")
	location := customer.get("/locations").items()[0]["id"].(string)
	book := func() string {
		t.Helper()
		return customer.do("POST", "/bookings", faceToFace(location, "2031-06-03T10:00", 60)).body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	}
	book()
	d.log.stop(t)
	older := d.copyLog()
	d.restartLog()
	for range 10 {
		assigner.job(book(), "take", map[string]any{})
	}
	d.settled(one, two)
	before := d.checkpoints()

	newer := d.swapLog(older)
	d.unready(one, two)
	d.swapLog(newer)
	d.ready(one, two)
	assigner.job(book(), "take", map[string]any{})
	d.settled(one, two)
	if after := d.checkpoints(); slices.Equal(after, before) {
		t.Error("nothing goes on in the right log")
	} else {
		before = after
	}

	newer = d.swapLog(older)
	began := time.Now()
	d.unready(one, two)
	three := d.start("serve")
	started := time.Now() // the last of them has as long as the others
	d.unready(three)
	customer.position = "" // of the other log
	early := book()
	for _, p := range []*process{one, two, three} {
		r := customer.on(p.base).send("GET", "/api/v1/jobs/"+early, nil, nil)
		if r.status != http.StatusServiceUnavailable || r.body["code"] != "read-model-behind" {
			t.Errorf("a query for what the older log has just taken: %d %s", r.status, r.raw)
		}
	}
	d.stopped(assigner, started, 60*time.Second, one, two, three)
	if spent := time.Since(began); spent < projections.Patience {
		t.Errorf("they stopped after %v, though the log may be late", spent)
	}
	d.unready(one, two, three)
	if after := d.checkpoints(); !slices.Equal(after, before) {
		t.Errorf("checkpoints moved from %v to %v", before, after)
	}

	for _, p := range []*process{one, two, three} {
		p.kill()
	}
	d.swapLog(newer)
	last := d.start("serve")
	d.ready(last)
	customer = signIn(t, last.base, "requestor")
	signIn(t, last.base, "assigner").job(book(), "take", map[string]any{})
	d.settled(last)
	if out, err := command(t, d.args("verify")...).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// TestAnotherLogComesUp puts a log of the same deployment with other events at the checkpoints, as after the wrong restore, in the place of the log: that
// is a fault at once, under servers that run and under one that starts. A rebuild fills the read models from the log that is there, and resume has the
// reaction go on in it, both without a new start.
func TestAnotherLogComesUp(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	one := d.start("demo", "--small")
	two := d.start("serve")
	customer, assigner := signIn(t, two.base, "requestor"), signIn(t, two.base, "assigner")
	location := customer.get("/locations").items()[0]["id"].(string)
	d.log.stop(t)
	other := d.copyLog()
	d.restartLog()
	for i := range 5 {
		customer.do("POST", "/bookings", faceToFace(location, "2031-06-0"+strconv.Itoa(i+1)+"T10:00", 60))
	}
	d.settled(one, two)
	before := d.checkpoints()
	d.growOtherwise(other, allEvents(t, argument(two, "--data")))

	d.swapLog(other)
	three := d.start("serve")
	began := time.Now()
	d.stopped(assigner, began, projections.Patience, one, two, three)
	d.unready(one, two, three)
	if after := d.checkpoints(); !slices.Equal(after, before) {
		t.Errorf("checkpoints moved from %v to %v", before, after)
	}
	if out, err := command(t, d.args("rebuild")...).CombinedOutput(); err != nil {
		t.Fatalf("rebuild: %v\n%s", err, out)
	}
	d.ready(one, two, three)
	if out, err := command(t, d.args("verify")...).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	for _, p := range []*process{one, two, three} {
		if slices.Contains(runBy(metricsOf(t, p.base)), "reaction holds") {
			t.Error("the reaction goes on in a log that it has not read")
		}
	}
	for _, says := range []string{"goes on at the log's end", "the log holds its checkpoint"} {
		if out, err := command(t, d.args("resume")...).CombinedOutput(); err != nil || !strings.Contains(string(out), says) {
			t.Errorf("resume: %v\n%s", err, out)
		}
	}
	soon(t, "the reaction goes on", func() bool {
		return slices.ContainsFunc([]*process{one, two, three}, func(p *process) bool {
			return slices.Contains(runBy(metricsOf(t, p.base)), "reaction holds")
		})
	})
}

// TestAClusterRefusesTheCheckpoints starts a server on a cluster whose log is another one in such a way that the stored positions lie in the middle of an
// event: a cluster refuses to read or subscribe there. The read models and the reactions stop all the same, and /status and /metrics say so, by which
// people are called.
func TestAClusterRefusesTheCheckpoints(t *testing.T) {
	t.Parallel()
	cluster := escluster.RunT(t, escluster.Options{})
	d := &deployment{t: t, logURL: cluster.ConnectionString(), database: postgres.TestURL(t), key: filepath.Join(t.TempDir(), "master.key")}
	first := d.start("demo", "--small")
	assigner := signIn(t, first.base, "assigner")
	d.settled(first)
	first.stop(t)
	before := d.checkpoints()
	all := eventsIn(t, openLog(t, d.logURL))

	d.logURL = escluster.RunT(t, escluster.Options{}).ConnectionString()
	other := openLog(t, d.logURL)
	fill := other.Fill()
	for _, e := range all[:len(all)-2] {
		if err := fill.Add(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := fill.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	last := all[len(all)-1]
	large := eventschema.Proposed{ID: uuid.New(), Type: last.Type, Data: last.Data, Metadata: []byte(`{"text":"` + strings.Repeat("x", 100<<10) + `"}`)}
	behind := eventschema.Proposed{ID: uuid.New(), Type: last.Type, Data: last.Data, Metadata: []byte(`{}`)}
	if _, err := other.Append(t.Context(), eventschema.NumberingStream(uuid.NewString()), eventschema.NoStream, []eventschema.Proposed{large, behind}); err != nil {
		t.Fatal(err)
	}
	if err := other.ReadAll(t.Context(), last.Position, func(eventschema.Stored) error { return nil }); err == nil {
		t.Fatal("the cluster does not refuse the position")
	}

	again := d.start("serve")
	began := time.Now()
	d.stopped(assigner, began, 60*time.Second, again)
	d.unready(again)
	for _, p := range projectors() {
		if name := "model " + p.Name(); !slices.Contains(inState(metricsOf(t, again.base), "stopped"), name) {
			t.Errorf("/metrics does not show that the %s has stopped", name)
		}
	}
	if after := d.checkpoints(); !slices.Equal(after, before) {
		t.Errorf("checkpoints moved from %v to %v", before, after)
	}
}

// copyLog copies the folder of the log, which does not run.
func (d *deployment) copyLog() (folder string) {
	d.t.Helper()
	folder = filepath.Join(d.t.TempDir(), "log")
	if err := os.CopyFS(folder, os.DirFS(d.logFolder())); err != nil {
		d.t.Fatal(err)
	}
	return folder
}

func (d *deployment) logFolder() string { return filepath.Join(argument(d.log, "--data"), "log") }

// swapLog kills the log and starts it on a copy of a folder; it answers where the old one lies.
func (d *deployment) swapLog(folder string) (old string) {
	d.t.Helper()
	d.log.kill()
	old = filepath.Join(d.t.TempDir(), "log")
	if err := os.Rename(d.logFolder(), old); err != nil {
		d.t.Fatal(err)
	}
	if err := os.CopyFS(d.logFolder(), os.DirFS(folder)); err != nil {
		d.t.Fatal(err)
	}
	d.restartLog()
	return old
}

// growOtherwise appends to the log of a folder until it reaches beyond another one: events of that one, under other ids and in another stream.
func (d *deployment) growOtherwise(folder string, than []eventschema.Stored) {
	d.t.Helper()
	i := slices.IndexFunc(than, func(e eventschema.Stored) bool { return eventschema.KindOf(e.Stream) == eventschema.Numbering })
	if i < 0 {
		d.t.Fatal("no number was drawn yet")
	}
	node, err := esnode.Start(d.t.Context(), esnode.Config{Dir: folder, Listen: "127.0.0.1:0", MinFreeDisk: -1})
	if err != nil {
		d.t.Fatal(err)
	}
	client, err := rawclient.Open(node.ConnectionString())
	if err != nil {
		d.t.Fatal(err)
	}
	defer client.Close()
	var events []rawclient.Event
	for range len(than) {
		events = append(events, rawclient.Event{Type: than[i].Type, Data: than[i].Data, Metadata: than[i].Metadata})
	}
	if _, err := client.Append(d.t.Context(), eventschema.NumberingStream(uuid.NewString()), -1, events); err != nil {
		d.t.Fatal(err)
	}
	if err := node.Stop(context.WithoutCancel(d.t.Context())); err != nil {
		d.t.Fatal(err)
	}
}

// checkpoints are those of all read models and reactions, as they are stored.
func (d *deployment) checkpoints() (all []string) {
	d.t.Helper()
	for _, p := range projectors() {
		all = append(all, value[string](d, `select concat_ws(' ', '`+p.Name()+`', commit_pos, event_id) from `+d.table(p.Name(), "checkpoint")))
	}
	return append(all, value[string](d, `select string_agg(concat_ws(' ', reaction, commit_pos, event_id), ', ' order by reaction) from kept.reaction_checkpoints`))
}

var positionMetric = regexp.MustCompile(`^dragoman_(read_model|reaction)_position\{`)

// settled waits until all read models and reactions have reached the log's end.
func (d *deployment) settled(all ...*process) {
	d.t.Helper()
	soon(d.t, "all checkpoints are at the log's end", func() bool {
		m := metricsOf(d.t, all[0].base)
		n := 0
		for name, value := range m {
			if positionMetric.MatchString(name) && value == m["dragoman_log_position"] {
				n++
			}
		}
		return n == len(projectors())+reactionsHere
	})
}

// ready and unready wait until processes say so.
func (d *deployment) ready(all ...*process) { d.t.Helper(); d.readiness(http.StatusOK, all) }
func (d *deployment) unready(all ...*process) {
	d.t.Helper()
	d.readiness(http.StatusServiceUnavailable, all)
}

func (d *deployment) readiness(status int, all []*process) {
	d.t.Helper()
	for _, p := range all {
		soon(d.t, "/readyz is "+strconv.Itoa(status), func() bool {
			return (&client{t: d.t, base: p.base}).send("GET", "/readyz", nil, nil).status == status
		})
	}
}

// lostItsLog tells whether /status says so of a reaction.
func lostItsLog(c *client, p *process, reaction string) bool {
	asks := c.on(p.base)
	asks.position = ""
	for _, r := range asks.get("/status").body["reactions"].([]any) {
		if r := r.(map[string]any); r["reaction"] == reaction {
			return r["health"] == "stopped" && r["why"] == "the log is not the one that the reaction has read" && r["lagEvents"] == 0.0
		}
	}
	return false
}

// stopped waits until all read models are stopped at all processes, and the reactions at one, and say why.
func (d *deployment) stopped(c *client, began time.Time, limit time.Duration, all ...*process) {
	d.t.Helper()
	for _, p := range all {
		asks := c.on(p.base)
		asks.position = ""
		for {
			n := 0
			for _, m := range asks.get("/status").items() {
				if m["health"] == "stopped" {
					n++
				}
			}
			reaction := slices.ContainsFunc(all, func(p *process) bool {
				return slices.Contains(inState(metricsOf(d.t, p.base), "stopped"), "reaction holds") && lostItsLog(c, p, "holds")
			})
			if n == len(projectors()) && reaction {
				break
			}
			if time.Since(began) > limit {
				d.t.Fatalf("after %v %d read models have stopped, the reaction: %v", limit, n, reaction)
			}
			<-time.After(50 * time.Millisecond)
		}
	}
}
