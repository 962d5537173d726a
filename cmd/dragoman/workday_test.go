package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// workday is a day of an agency: its customers book, its assigners offer, assign, move and cancel, its interpreters answer and agree their hours, all
// at the same time, each a user of their own with a plan of their own.
type workday struct {
	t       *testing.T
	base    string
	crew    []worker
	players []*player

	now time.Time // by the business clock

	mu       sync.Mutex
	board    []string           // every job's reference
	newest   string             // position of the last command that was acknowledged: what was on the board then can be read from there
	asked    map[uuid.UUID]bool // every command that was sent
	facts    []acknowledged
	answers  map[string]int // by command and answer
	previews int
}

// acknowledged is what a command that was accepted answered.
type acknowledged struct {
	command  uuid.UUID
	name     string
	by       *player
	ref      string
	revision uint64
	body     map[string]any
}

// player is one user at work. Everything that they choose comes from their own random numbers.
type player struct {
	*client
	day    *workday
	name   string
	random *rand.Rand
	sent   int
	own    []string // jobs that a requestor booked
	book   func(start string, minutes, interpreters int) map[string]any
	lin    string
}

// The day's hours. The clock stands still within each, and nobody begins the next one before everybody is through.
var hoursOfTheDay = []string{"2020-03-02T07:00:00Z", "2020-03-02T09:00:00Z", "2020-03-02T11:00:00Z", "2020-03-02T13:00:00Z", "2020-03-02T15:00:00Z", "2020-03-02T17:00:00Z",
	"2020-03-02T19:30:00Z"}

// bookingHours is in how many of them the customers book.
const bookingHours = 4

// TestAWorkingDay is a day of five customers and 40 interpreters: jobs are booked singly, in teams and in recurring sets, offered, countered, accepted,
// assigned, moved, previewed, undone, cancelled and closed by a dozen users and more at once, each by the plan that a seed gives them. What they do they
// choose from the actions that the job's page offers them, as people do; somebody else is often faster. Afterwards: every answer was a yes, a conflict
// or a refusal with a reason; every acknowledged command is in the log once, in one piece, at the revision that it answered with, or found its work done;
// nobody ever was in two places; every row of every read model that shows a job is what the log alone says of it; verify finds nothing. DRAGOMAN_WORKDAY
// sets how many jobs are booked (`make torture`: 300), DRAGOMAN_SEED repeats a day's plans.
func TestAWorkingDay(t *testing.T) {
	t.Parallel()
	jobs, people, turns := 50, 12, 4
	if n, err := strconv.Atoi(os.Getenv("DRAGOMAN_WORKDAY")); err == nil {
		jobs, people, turns = n, 40, 6
	}
	seed := rand.Uint64()
	if n, err := strconv.ParseUint(os.Getenv("DRAGOMAN_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("seed %d: %d jobs, %d interpreters", seed, jobs, people)
	data, database := t.TempDir(), postgres.TestURL(t)
	base := startInProcess(t, "demo", "--small", "--data", data, "--database-url", database)
	h := stores(t, data, database)
	d := &workday{t: t, base: base, asked: map[uuid.UUID]bool{}, answers: map[string]int{}}
	d.hire(h, seed, people)

	clock := func(at string) {
		t.Helper()
		r := (&client{t: t, base: base}).again(http.MethodPut, "/dev/clock", map[string]any{"now": at})
		if r.status != http.StatusNoContent {
			t.Fatalf("set the clock to %s: %d %s", at, r.status, r.raw)
		}
	}
	for hour, at := range hoursOfTheDay {
		clock(at)
		d.now, _ = time.Parse(time.RFC3339, at)
		var all sync.WaitGroup
		for _, p := range d.players {
			all.Go(func() { p.hour(hour, jobs/5, turns) })
		}
		all.Wait()
	}
	d.mu.Lock()
	t.Logf("%d jobs, %d commands acknowledged, %d previews", len(d.board), len(d.facts), d.previews)
	t.Logf("answers: %s", tallied(d.answers))
	d.mu.Unlock()
	if len(d.board) < jobs {
		t.Errorf("only %d jobs were booked", len(d.board))
	}

	w := readTruth(t, h)
	d.acknowledgedOnce(w)
	w.explains()
	verified(t, data, database)
	ends := map[string]int{}
	w.jobs(func(_ booking.State, j booking.Job) { ends[string(j.Status)]++ })
	t.Logf("%d events; the jobs end %s", len(w.events), tallied(ends))
	for _, kind := range []string{"created", "job-added", "offer-sent", "offer-accepted", "offer-declined", "counter-offer-made", "counter-offer-answered", "job-assigned",
		"job-unassigned", "edited", "change-undone", "cancelled", "timesheet-submitted", "timesheet-accepted", "job-closed", "eta-proposed", "eta-agreed", "eta-changed"} {
		if n := w.count()["booking."+kind+".v1"]; n == 0 {
			t.Errorf("in the whole day there was no %s", kind)
		}
	}
}

// hire makes five customers with a requestor each, of whom two book by the standard form, four assigners and the interpreters.
func (d *workday) hire(h *house, seed uint64, people int) {
	d.t.Helper()
	admin := signIn(d.t, d.base, "admin")
	plan := func(name string, c *client) *player {
		p := &player{client: c, day: d, name: name, random: rand.New(rand.NewPCG(seed, uint64(len(d.players))))}
		d.players = append(d.players, p)
		return p
	}
	for i := range 5 {
		form := []string{"face-to-face", "standard"}[i%2]
		customer := admin.do("POST", "/customers", map[string]any{"name": fmt.Sprint("Customer ", i), "timeZone": "Europe/London",
			"settings": map[string]any{"forms": []string{form}, "billTo": "Ledger", "closing": map[string]string{"standard": "customer"}[form]}}).body["id"]
		place := admin.do("POST", "/locations", map[string]any{"customer": customer, "name": "Office", "address": map[string]any{"line1": "1 High Street", "town": "Leeds", "postcode": "LS1 1AA"}}).
			body["id"].(string)
		name := fmt.Sprint("requestor", i)
		p := plan(name, hired(d.t, h, admin, map[string]any{"username": "day-" + name, "name": "Re Questor", "email": name + "@day.example", "role": "requestor",
			"customer": customer, "permissions": []string{"create", "edit", "cancel", "close"}}))
		p.book = func(start string, minutes, interpreters int) map[string]any {
			body := faceToFace(place, start, minutes)
			if form == "standard" {
				body["fields"] = map[string]any{"requestedBy": "Mo Lee", "notificationEmail": "mo@day.example", "consumer": "Jan Kowalski"}
			}
			body["form"], body["language"], body["interpretersRequested"] = form, rareLanguage, interpreters
			return body
		}
	}
	for i := range 4 {
		name := fmt.Sprint("assigner", i)
		plan(name, hired(d.t, h, admin, map[string]any{"username": "day-" + name, "name": "As Signer", "email": name + "@day.example", "role": "assigner"}))
	}
	d.crew = crew(d.t, h, admin, people)
	for i, w := range d.crew {
		p := plan(fmt.Sprint("interpreter", i), w.client)
		p.lin = w.lin
	}
}

// hour is what the player does in one hour of the day.
func (p *player) hour(hour, jobs, turns int) {
	if p.book != nil && hour < bookingHours {
		for want := len(p.own) + (jobs-len(p.own)+bookingHours-hour-1)/(bookingHours-hour); len(p.own) < want; {
			before := len(p.own)
			p.makeBooking(hour)
			if len(p.own) == before {
				return // what was wrong is told
			}
		}
	}
	if p.book == nil && p.lin == "" {
		turns *= 4 // there are few of them, and they have most to do
	}
	for range turns {
		if p.day.t.Failed() {
			return
		}
		p.turn()
	}
}

// makeBooking books one job, a team, or a recurring set; every second is for today.
func (p *player) makeBooking(hour int) {
	day, from := 3+p.random.IntN(9), 8
	if p.random.IntN(2) == 0 {
		day, from = 2, 8+2*hour
	}
	minutes := 30 * (1 + p.random.IntN(4))
	start := fmt.Sprintf("2020-03-%02dT%02d:%02d", day, from+p.random.IntN(max(1, 17-from)), 15*p.random.IntN(4))
	interpreters := 1
	if p.random.IntN(5) == 0 {
		interpreters = 3
	}
	r := p.send("book", "/bookings", "", p.book(start, minutes, interpreters))
	made := p.take(r)
	if len(made) == 1 && p.random.IntN(4) == 0 {
		p.take(p.send("make-recurring", "/jobs/"+made[0]+"/make-recurring", made[0], map[string]any{"frequency": "daily", "occurrences": 3}))
	}
}

// take puts the jobs of an answer on everybody's board.
func (p *player) take(r reply) (refs []string) {
	for _, job := range objectsOf(r.body["jobs"]) {
		refs = append(refs, job["ref"].(string))
	}
	p.own = append(p.own, refs...)
	p.day.mu.Lock()
	defer p.day.mu.Unlock()
	p.day.board = append(p.day.board, refs...)
	return refs
}

// turn is one look at a job and one thing done about it.
func (p *player) turn() {
	ref, wanted := p.pick()
	if ref == "" {
		return
	}
	r, err := p.ask(http.MethodGet, "/api/v1/jobs/"+ref, nil, nil)
	if err != nil || r.status != http.StatusOK {
		p.day.t.Errorf("%s reads %s: %v %d %s", p.name, ref, err, r.status, r.raw)
		return
	}
	var may []string
	can, _ := r.body["actions"].([]any)
	for _, a := range can {
		for range weights[a.(string)] {
			may = append(may, a.(string))
		}
	}
	if len(may) == 0 {
		return
	}
	command := may[p.random.IntN(len(may))]
	if slices.Contains(may, wanted) {
		command = wanted
		if wanted == "accept-offer" && slices.Contains(may, "counter-offer") && p.random.IntN(3) == 0 {
			command = "counter-offer"
		}
	}
	body := p.body(command, r.body)
	if body == nil {
		return
	}
	related, _ := r.body["related"].([]any)
	if command == "edit" || command == "cancel" {
		if len(related) > 0 {
			body["scope"] = []string{"this", "following", "all"}[p.random.IntN(3)]
		}
		if p.random.IntN(3) == 0 {
			seen, err := p.ask(http.MethodPost, "/api/v1/jobs/"+ref+"/"+command+"?preview=true", body, nil)
			p.day.preview(p, command, seen, err)
			if token, _ := seen.body["previewed"].(string); token != "" {
				body["previewed"] = token
			}
		}
	}
	done := p.send(command, "/jobs/"+ref+"/"+command, ref, body, r.header.Get("ETag"))
	if done.body["undoUntil"] != nil && p.random.IntN(2) == 0 { // that was a mistake
		p.send("undo", "/jobs/"+ref+"/undo", ref, map[string]any{})
	}
}

// weights are how often the players do what they may.
var weights = map[string]int{"take": 1, "release": 1, "send-offer": 8, "revoke-offer": 1, "accept-offer": 8, "decline-offer": 3, "counter-offer": 8, "answer-counter": 8, "assign": 6,
	"unassign": 1, "propose-eta": 3, "agree-eta": 6, "decline-eta": 2, "change-eta": 1, "submit-timesheet": 8, "accept-timesheet": 12, "dispute-timesheet": 2, "close": 3, "cancel": 1,
	"edit": 3, "undo": 8, "post-message": 1, "log-contact": 1}

// pick is the job that the player looks at next, and what is to be done about it, if anything: every second time one that waits for them, else one of
// the own, one that they were asked for, any.
func (p *player) pick() (ref, wanted string) {
	if p.random.IntN(2) == 0 {
		if all := p.list("/waiting-for-me?limit=100"); len(all) > 0 {
			one := all[p.random.IntN(len(all))]
			return one["ref"].(string), one["step"].(string)
		}
	}
	var from []string
	switch {
	case p.book != nil:
		from = p.own
	case p.lin != "":
		for _, i := range p.list("/offers?limit=100") {
			from = append(from, i["job"].(string))
		}
		for _, i := range p.list("/jobs?limit=100") {
			from = append(from, i["ref"].(string))
		}
	default:
		p.day.mu.Lock()
		from = slices.Clone(p.day.board)
		if later(p.day.newest, p.position) {
			p.position = p.day.newest
		}
		p.day.mu.Unlock()
	}
	if len(from) == 0 {
		return "", ""
	}
	return from[p.random.IntN(len(from))], ""
}

// ask sends a request, again for as long as the server is behind or busy.
func (p *player) ask(method, path string, body any, header map[string]string) (reply, error) {
	return sentAgain(func() (reply, error) { return p.try(method, path, body, header) })
}

// list is what a query answers.
func (p *player) list(path string) []map[string]any {
	r, err := p.ask(http.MethodGet, "/api/v1"+path, nil, nil)
	if err != nil || r.status != http.StatusOK {
		p.day.t.Errorf("%s reads %s: %v %d %s", p.name, path, err, r.status, r.raw)
	}
	return r.items()
}

// body is what the player sends with a command about a job as they saw it; nil: nothing comes to mind.
func (p *player) body(command string, job map[string]any) map[string]any {
	start, _ := time.Parse(time.RFC3339, job["start"].(string))
	if eta, agreed := job["eta"].(string); agreed {
		start, _ = time.Parse(time.RFC3339, eta)
	}
	minutes := int(job["durationMinutes"].(float64))
	local := func(t time.Time) string { return t.Format("2006-01-02T15:04") }
	moved := start.Add(time.Duration(15*(1+p.random.IntN(6))) * time.Minute)
	shifted := local(moved)
	side := map[string]any{}
	if p.book == nil && p.lin == "" {
		side["onBehalfOf"] = []string{"customer", "interpreter"}[p.random.IntN(2)]
	}
	staff := len(side) > 0
	// among is one of the interpreters whose offer stands so.
	among := func(states ...string) map[string]any {
		var all []string
		for _, o := range objectsOf(job["offers"]) {
			counter, _ := o["counter"].(map[string]any)
			if slices.Contains(states, o["state"].(string)) || counter["state"] == "open" && slices.Contains(states, "countered") {
				all = append(all, o["interpreter"].(map[string]any)["lin"].(string))
			}
		}
		if len(all) == 0 {
			return nil
		}
		return map[string]any{"interpreter": all[p.random.IntN(len(all))], "reason": "As told on the telephone."}
	}
	switch command {
	case "propose-eta", "edit":
		if !moved.After(p.day.now) {
			return nil
		}
	case "submit-timesheet", "close":
		// Actions are the log's, the status is the read model's: one that is still new there may be assigned by now, with hours to enter.
		closedUnserved := command == "close" && job["status"] == "new"
		if !closedUnserved && start.Add(time.Duration(minutes)*time.Minute).After(p.day.now) {
			return nil
		}
	}
	switch command {
	case "send-offer":
		var lins []string
		for _, i := range p.random.Perm(len(p.day.crew))[:4] {
			lins = append(lins, p.day.crew[i].lin)
		}
		return map[string]any{"interpreters": lins}
	case "revoke-offer":
		who := among("open", "accepted")
		delete(who, "reason")
		return who
	case "accept-offer", "decline-offer":
		if staff {
			return among("open")
		}
	case "counter-offer":
		return map[string]any{"fee": map[string]any{"amount": fmt.Sprintf("%d.00", 90+p.random.IntN(50)), "currency": "GBP"}}
	case "answer-counter":
		who := among("countered")
		if who != nil {
			delete(who, "reason")
			who["accept"] = p.random.IntN(3) > 0
		}
		return who
	case "assign":
		if who := among("accepted"); who != nil {
			delete(who, "reason")
			return who
		}
		return map[string]any{"interpreter": p.day.crew[p.random.IntN(len(p.day.crew))].lin}
	case "unassign":
		if !staff {
			return map[string]any{"reason": "Ill."}
		}
		for _, a := range objectsOf(job["assignments"]) {
			if a["endedAt"] == nil {
				return map[string]any{"interpreter": a["interpreter"].(map[string]any)["lin"], "reason": "Ill."}
			}
		}
		return nil
	case "propose-eta":
		return map[string]any{"eta": shifted}
	case "change-eta":
		return map[string]any{"eta": shifted, "agreedBy": "Sergeant Bell"}
	case "submit-timesheet":
		side["blocks"] = blocksOf(local(start), local(start.Add(time.Duration(minutes)*time.Minute)))["blocks"]
		return side
	case "accept-timesheet":
		return side
	case "dispute-timesheet":
		side["reason"] = "It was shorter."
		return side
	case "close":
		if job["status"] == "new" {
			return map[string]any{"outcome": "not-fulfilled", "reason": "no-interpreter"}
		}
		return map[string]any{"start": local(start), "end": local(start.Add(time.Duration(minutes) * time.Minute))}
	case "cancel":
		return map[string]any{"authorisedBy": "Sergeant Bell", "reason": "other"}
	case "edit":
		if staff && p.random.IntN(2) == 0 {
			return map[string]any{"start": shifted}
		}
		key := "reportTo"
		if fields, _ := job["fields"].(map[string]any); fields["requestedBy"] != nil {
			key = "requestedBy"
		}
		return map[string]any{"fields": map[string]any{key: fmt.Sprintf("Desk %s %d", p.name, p.sent)}}
	case "post-message":
		if p.random.IntN(4) > 0 {
			return nil
		}
		return map[string]any{"text": fmt.Sprintf("Message %d of %s", p.sent, p.name)}
	case "log-contact":
		return map[string]any{"kind": "call", "text": fmt.Sprintf("Call %d of %s", p.sent, p.name)}
	}
	return map[string]any{}
}

// send sends one command under a key of its own, notes what became of it, and demands an answer that a person can use.
func (p *player) send(name, path, ref string, body map[string]any, match ...string) reply {
	p.sent++
	key := fmt.Sprint(p.name, "-", p.sent)
	header := map[string]string{"Idempotency-Key": key}
	if len(match) > 0 && p.random.IntN(3) == 0 {
		header["If-Match"] = match[0] // as the portal does
	}
	command := commands.CommandID(p.user, http.MethodPost, "/api/v1"+path, key)
	d := p.day
	d.mu.Lock()
	d.asked[command] = true
	d.mu.Unlock()
	r, err := p.ask(http.MethodPost, "/api/v1"+path, body, header)
	d.mu.Lock()
	defer d.mu.Unlock()
	code, _ := r.body["code"].(string)
	d.answers[strings.TrimSpace(fmt.Sprint(name, " ", r.status, " ", code))]++
	switch {
	case err != nil:
		d.t.Errorf("%s of %s: %v", name, p.name, err)
	case r.status < 300:
		revision, _ := r.body["revision"].(float64)
		d.facts = append(d.facts, acknowledged{command, name, p, ref, uint64(revision), body})
		if later(p.position, d.newest) {
			d.newest = p.position
		}
	case !refusable(r.status, code):
		d.t.Errorf("%s of %s at %s with %v: %d %s", name, p.name, path, body, r.status, r.raw)
	}
	return r
}

// refusable tells whether an answer is one that concurrency or a rule explains: none that says that the request was malformed, unknown or too much.
func refusable(status int, code string) bool {
	switch status {
	case http.StatusConflict, http.StatusPreconditionFailed:
		return true
	case http.StatusForbidden:
		return code == "not-permitted" || code == "not-editable"
	case http.StatusUnprocessableEntity:
		return slices.Contains([]string{"wrong-status", "too-late", "changed-since", "nothing-to-undo", "eta-not-agreed", "not-qualified", "unavailable", "scope-required"}, code)
	}
	return false
}

func (d *workday) preview(p *player, command string, r reply, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.previews++
	code, _ := r.body["code"].(string)
	if err != nil || r.status != http.StatusOK && !refusable(r.status, code) {
		d.t.Errorf("a preview of %s by %s: %v %d %s", command, p.name, err, r.status, r.raw)
	}
}

// acknowledgedOnce looks for every acknowledged command in the log: its events are there once, in one piece, and the last of them is the one whose number
// it answered with. A command that left no event must have found its work done. And no user's command is there that nobody sent.
func (d *workday) acknowledgedOnce(w *truth) {
	d.t.Helper()
	number := map[string]eventschema.Recorded{} // stream and number
	for _, e := range w.events {
		number[fmt.Sprint(e.Stream, " ", e.Revision)] = e
		if _, ours := e.Event.(booking.Event); ours && e.Meta.Actor.Role != domain.System && !d.asked[e.Meta.CommandID] {
			d.t.Errorf("nobody asked for event %d of %s, %s", e.Revision, e.Stream, e.Type)
		}
	}
	streams := map[string]string{}
	w.jobs(func(s booking.State, j booking.Job) { streams[j.Ref] = eventschema.BookingStream(s.ID) })
	idle := map[string]int{}
	for _, f := range d.facts {
		l := w.commands[f.command]
		if l == nil {
			idle[f.name]++
			if !f.done(w, streams[f.ref]) {
				d.t.Errorf("%s of %s about %s was acknowledged, is not in the log, and was not done before", f.name, f.by.name, f.ref)
			}
			continue
		}
		if f.ref != "" && l.stream != streams[f.ref] {
			d.t.Errorf("%s of %s about %s is in %s", f.name, f.by.name, f.ref, l.stream)
		}
		if f.revision < l.first || f.revision > l.last {
			d.t.Errorf("%s of %s about %s answered with revision %d, its events are %d to %d", f.name, f.by.name, f.ref, f.revision, l.first, l.last)
		}
	}
	if len(idle) > 0 {
		d.t.Logf("found their work done: %s", tallied(idle))
	}
}

// done tells whether the job was as the command wants it at the revision that it answered with.
func (f acknowledged) done(w *truth, stream string) bool {
	var s booking.State
	for _, e := range w.events {
		if event, ok := e.Event.(booking.Event); ok && e.Stream == stream && e.Revision <= f.revision {
			s = booking.Evolve(s, event, booking.Fact{Revision: e.Revision, At: e.Meta.At, Actor: e.Meta.Actor})
		}
	}
	j, ok := s.ByRef(f.ref)
	if !ok || j.Revision != f.revision {
		return false
	}
	lin, _ := f.body["interpreter"].(string)
	if f.by.lin != "" {
		lin = f.by.lin
	}
	who := domain.InterpreterID(lin)
	o, _ := j.Offering(who)
	switch f.name {
	case "take":
		return j.TakenBy == f.by.user
	case "send-offer":
		return !slices.ContainsFunc(f.body["interpreters"].([]string), func(lin string) bool {
			o, _ := j.Offering(domain.InterpreterID(lin))
			return o.State != booking.Open && o.State != booking.Accepted
		})
	case "revoke-offer":
		return o.State == booking.Revoked
	case "accept-offer":
		return j.Holder == who || j.Assignment != nil && j.Assignment.Interpreter == who
	case "decline-offer":
		return o.State == booking.Declined
	case "answer-counter":
		return o.CounterAnswer != ""
	case "counter-offer":
		return o.Counter != nil
	case "assign":
		return j.Assignment != nil && j.Assignment.Interpreter == who
	case "propose-eta", "change-eta":
		m := j.Begin() // nothing need be proposed or changed to what holds already
		if j.Proposed != nil {
			m = *j.Proposed
		}
		return m.In().Format("2006-01-02T15:04") == f.body["eta"]
	case "cancel":
		return j.Status == domain.Cancelled
	case "edit":
		start, moved := f.body["start"].(string)
		return moved && j.Schedule.Start.In().Format("2006-01-02T15:04") == start
	case "submit-timesheet", "dispute-timesheet", "accept-timesheet":
		return j.Timesheet != nil
	}
	return false
}
