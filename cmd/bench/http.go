package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// keepAlive is one set of connections for all callers, as a program of a customer's would hold.
var keepAlive = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}, Timeout: time.Minute}

// caller is a signed-in user.
type caller struct {
	base     string
	token    string
	user     uuid.UUID
	customer uuid.UUID
}

type answer struct {
	body     []byte
	position string
}

func signIn(ctx context.Context, base, username string) (caller, error) {
	c := caller{base: base}
	a, err := c.send(ctx, http.MethodPost, "/api/v1/sessions", fmt.Sprintf(`{"username":%q,"password":"dragoman-demo"}`, username), "")
	if err != nil {
		return c, fmt.Errorf("sign in as %s: %w", username, err)
	}
	var session struct {
		Token string
		User  struct {
			ID       uuid.UUID
			Customer *uuid.UUID
		}
	}
	if err := json.Unmarshal(a.body, &session); err != nil {
		return c, fmt.Errorf("sign in as %s: %w", username, err)
	}
	c.token, c.user = session.Token, session.User.ID
	if session.User.Customer != nil {
		c.customer = *session.User.Customer
	}
	return c, nil
}

// send makes one request; any other answer than a success is an error. after: a position that the answer must have seen.
func (c caller) send(ctx context.Context, method, path, body, after string) (answer, error) {
	var in io.Reader
	if body != "" {
		in = bytes.NewReader([]byte(body))
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, in)
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
		if method == http.MethodPost {
			r.Header.Set("Idempotency-Key", uuid.NewString())
		}
	}
	if after != "" {
		r.Header.Set("Dragoman-Min-Position", after)
	}
	response, err := keepAlive.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{position: response.Header.Get("Dragoman-Position")}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		return a, err
	}
	if response.StatusCode >= 300 {
		return a, fmt.Errorf("%s %s: %d %s", method, path, response.StatusCode, a.body)
	}
	return a, nil
}

// crew are the callers of the load.
type crew struct {
	customer, assigner caller
	location           uuid.UUID
}

// httpLife is the life of fifteen notes (LL-95) over HTTP. Its commands fall in two parts: what is done before the job, and, after the clock
// has moved, what is done when it is over.
type httpLife struct {
	crew     *crew
	date     string // of the job
	one, two string // LINs
	ref      string
	position string
	steps    int
}

// Its commands before and after the job.
const (
	stepsBefore = 9
	stepsAfter  = 3
)

// next does the life's next command.
func (l *httpLife) next(ctx context.Context) error {
	n := l.steps
	l.steps++
	if n == 0 {
		start, err := time.Parse(localLayout, l.date+"T14:00")
		if err != nil {
			return err
		}
		l.ref, l.position, err = l.crew.book(ctx, "pl", start, nil)
		return err
	}
	one, two := fmt.Sprintf(`{"interpreter":%q}`, l.one), fmt.Sprintf(`{"interpreter":%q}`, l.two)
	offer := fmt.Sprintf(`{"interpreters":[%q]}`, l.one)
	staff, customer := l.crew.assigner, l.crew.customer
	commands := [stepsBefore + stepsAfter]struct {
		by            caller
		command, body string
	}{
		1:  {staff, "send-offer", offer},
		2:  {staff, "revoke-offer", one},
		3:  {staff, "send-offer", offer},
		4:  {staff, "accept-offer", one},
		5:  {staff, "assign", one},
		6:  {staff, "unassign", fmt.Sprintf(`{"interpreter":%q,"reason":"no longer available"}`, l.one)},
		7:  {staff, "accept-offer", two},
		8:  {staff, "assign", two},
		9:  {staff, "change-eta", fmt.Sprintf(`{"eta":"%sT16:00","agreedBy":"Sergeant Bell"}`, l.date)},
		10: {customer, "submit-timesheet", fmt.Sprintf(`{"blocks":[{"start":"%[1]sT16:00","end":"%[1]sT17:00"}]}`, l.date)},
		11: {staff, "accept-timesheet", `{"onBehalfOf":"interpreter"}`},
	}
	c := commands[n]
	a, err := c.by.send(ctx, http.MethodPost, "/api/v1/jobs/"+l.ref+"/"+c.command, c.body, "")
	l.position = a.position
	return err
}

// era is a year of the business clock in which one measurement plays its lives; each has its own, so no two want the same diary hours.
type era struct{ year int }

func (e era) lives(crew *crew, clients, each int) [][]*httpLife {
	all := make([][]*httpLife, clients)
	for c := range all {
		for i := range each {
			date := time.Date(e.year, 1, 2, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i)
			all[c] = append(all[c], &httpLife{crew: crew, date: date.Format(time.DateOnly), one: lin(2 * c), two: lin(2*c + 1)})
		}
	}
	return all
}

// before and after are when the clock stands while the lives' two parts are played.
func (e era) before() time.Time { return time.Date(e.year, 1, 1, 9, 0, 0, 0, time.UTC) }
func (e era) after() time.Time  { return time.Date(e.year, 12, 31, 9, 0, 0, 0, time.UTC) }

// setClock moves the business clock; it answers once the read models and timers have followed.
func setClock(ctx context.Context, base string, at time.Time) error {
	_, err := caller{base: base}.send(ctx, http.MethodPut, "/dev/clock", fmt.Sprintf(`{"now":%q}`, at.Format(time.RFC3339)), "")
	return err
}

// caughtUp waits until no read model is behind the log.
func caughtUp(ctx context.Context, base string) error {
	admin, err := signIn(ctx, base, "admin")
	if err != nil {
		return err
	}
	for {
		a, err := admin.send(ctx, http.MethodGet, "/api/v1/status", "", "")
		if err != nil {
			return err
		}
		var models struct{ Items []struct{ LagEvents int } }
		if err := json.Unmarshal(a.body, &models); err != nil {
			return fmt.Errorf("read the read models' status: %w", err)
		}
		behind := 0
		for _, m := range models.Items {
			behind = max(behind, m.LagEvents)
		}
		if behind == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// play has every client play its lives, one after the other, steps commands of each, and returns the time of each command.
func play(ctx context.Context, clients [][]*httpLife, steps int) (times []time.Duration, wall time.Duration, err error) {
	var (
		all    = make([][]time.Duration, len(clients))
		group  sync.WaitGroup
		failed atomic.Pointer[error]
	)
	began := time.Now()
	for c, lives := range clients {
		group.Go(func() {
			for _, l := range lives {
				for range steps {
					if failed.Load() != nil {
						return
					}
					start := time.Now()
					if err := l.next(ctx); err != nil {
						failed.Store(&err)
						return
					}
					all[c] = append(all[c], time.Since(start))
				}
			}
		})
	}
	group.Wait()
	wall = time.Since(began)
	if e := failed.Load(); e != nil {
		return nil, 0, *e
	}
	for _, t := range all {
		times = append(times, t...)
	}
	return times, wall, nil
}
