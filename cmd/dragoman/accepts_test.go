package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/internal/postgres"
)

// worker is an interpreter of a test, signed in.
type worker struct {
	lin string
	id  uuid.UUID
	*client
}

// crew registers interpreters of the rare language, each with a login of their own.
func crew(t *testing.T, h *house, admin *client, n int) []worker {
	t.Helper()
	all := make([]worker, n)
	for i := range all {
		lin := fmt.Sprintf("LIN/CREW/%05d", i)
		made := admin.do("POST", "/interpreters", map[string]any{"lin": lin, "name": fmt.Sprint("Crew ", i), "gender": []string{"female", "male"}[i%2],
			"languages": []string{rareLanguage}, "skills": []string{"spoken-only"}, "serviceTypes": []string{"face-to-face", "remote"},
			"credentials": []any{map[string]any{"kind": "dbs", "validFrom": "2015-01-01", "validTo": "2099-12-31"}}})
		login := fmt.Sprint("crew", i)
		all[i] = worker{lin, domain.InterpreterID(lin), hired(t, h, admin, map[string]any{"username": login, "name": fmt.Sprint("Crew ", i),
			"email": login + "@crew.example", "role": "interpreter", "interpreter": lin})}
		if made.body["id"] != all[i].id.String() {
			t.Fatalf("%s has the id %v", lin, made.body["id"])
		}
	}
	return all
}

// TestLL90_FiveHundredAcceptAtOnce: 100 jobs are offered to five of 20 interpreters each, 25 jobs in each of four hours, so that an interpreter who
// says yes to everything would be at several places at once; all 500 say yes in one moment. Once the agency assigns whoever accepts, once staff assign
// every hold in one moment. By the log, diary by diary and job by job: never two holders of a job, never anybody at two places at once, and no job
// is left over that one of its five could have had. Every answer is a yes or a 409; verify finds nothing.
func TestLL90_FiveHundredAcceptAtOnce(t *testing.T) {
	t.Parallel()
	const jobs, each, people, hours = 100, 5, 20, 4
	data, database := t.TempDir(), postgres.TestURL(t)
	o := &office{t: t, base: startInProcess(t, "demo", "--small", "--data", data, "--database-url", database), people: map[string]*client{}}
	o.clock("2020-03-02T09:00:00Z")
	o.location = o.as("requestor").get("/locations").items()[0]["id"].(string)
	h := stores(t, data, database)
	asked := crew(t, h, o.as("admin"), people)

	type offer struct {
		ref string
		to  worker
	}
	offered := func(month int) (all []offer) {
		t.Helper()
		for i := range jobs {
			ref := o.book(fmt.Sprintf("2020-%02d-%02dT10:%02d", month, 1+i%hours, i/hours), 60, func(b, _ map[string]any) { b["language"] = rareLanguage })
			var lins []string
			for k := range each {
				w := asked[(i*7+k*3)%people]
				lins = append(lins, w.lin)
				all = append(all, offer{ref, w})
			}
			o.do("assigner", ref, "send-offer", map[string]any{"interpreters": lins})
		}
		return all
	}
	// atOnce sends everything in one moment, and counts the answers.
	atOnce := func(what string, all []offer, send func(offer) (reply, error), refusals ...string) (yes []offer) {
		t.Helper()
		answers := make([]reply, len(all))
		begin, senders := make(chan struct{}), sync.WaitGroup{}
		for i, one := range all {
			senders.Go(func() {
				<-begin
				var err error
				if answers[i], err = send(one); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		close(begin)
		senders.Wait()
		told := map[string]int{}
		for i, r := range answers {
			code, _ := r.body["code"].(string)
			switch {
			case r.status == http.StatusOK:
				yes = append(yes, all[i])
			case r.status != http.StatusConflict || !slices.Contains(refusals, code):
				t.Errorf("%s: %d %s", what, r.status, r.raw)
			}
			told[strings.TrimSpace(fmt.Sprint(r.status, " ", code))]++
		}
		t.Logf("%s: %s", what, tallied(told))
		return yes
	}
	// under sends a command under a key, again for as long as the machine has no time for so many at once.
	under := func(key string, c client, path string, body map[string]any) (reply, error) {
		return sentAgain(func() (reply, error) {
			return c.try("POST", path, body, map[string]string{"Idempotency-Key": key})
		})
	}
	accept := func(one offer) (reply, error) {
		return under("accept "+one.ref, *one.to.client, "/api/v1/jobs/"+one.ref+"/accept-offer", map[string]any{})
	}

	o.as("admin").do("PUT", "/settings/agency", map[string]any{"autoAssign": true})
	first := offered(6)
	assigned := atOnce("accepted and assigned", first, accept, "already-assigned", "already-accepted", "double-booked")
	if len(first) != jobs*each || len(assigned) > people*hours {
		t.Errorf("%d of %d were assigned, %d people have %d hours", len(assigned), len(first), people, hours)
	}

	o.as("admin").do("PUT", "/settings/agency", map[string]any{"autoAssign": false})
	second := offered(7)
	holds := atOnce("accepted", second, accept, "already-accepted")
	if len(holds) != jobs {
		t.Errorf("%d of %d jobs are held", len(holds), jobs)
	}
	given := atOnce("holds assigned", holds, func(one offer) (reply, error) {
		return under("assign "+one.ref, *o.as("assigner"), "/api/v1/jobs/"+one.ref+"/assign", map[string]any{"interpreter": one.to.lin})
	}, "double-booked")

	w := readTruth(t, h)
	has := map[string]uuid.UUID{} // job → who has it, by the log
	busy := map[string]bool{}     // interpreter and day
	w.jobs(func(_ booking.State, j booking.Job) {
		if j.Assignment == nil {
			return
		}
		has[j.Ref] = j.Assignment.Interpreter
		busy[j.Assignment.Interpreter.String()+j.Schedule.Start.Instant.Format("2006-01-02")] = true
	})
	for _, one := range append(assigned, given...) {
		if has[one.ref] != one.to.id {
			t.Errorf("%s was told that %s is theirs, the log says %s", one.to.lin, one.ref, has[one.ref])
		}
	}
	if len(has) != len(assigned)+len(given) {
		t.Errorf("%d jobs are assigned in the log, %d answers said so", len(has), len(assigned)+len(given))
	}
	free := func(all []offer) {
		t.Helper()
		w.jobs(func(_ booking.State, j booking.Job) {
			for _, one := range all {
				if one.ref == j.Ref && j.Assignment == nil && !busy[one.to.id.String()+j.Schedule.Start.Instant.Format("2006-01-02")] {
					t.Errorf("%s is nobody's, though %s is free", j.Ref, one.to.lin)
				}
			}
		})
	}
	free(first)
	free(holds)
	w.explains()
	verified(t, data, database)
}
