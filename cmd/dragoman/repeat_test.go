package main

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// TestOneKeyManySenders sends one key 50 times at once, half with one body and half with another: one booking, its senders get equal
// answers, the others 422 (G-02).
func TestOneKeyManySenders(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	customer := signIn(t, base, "requestor")
	location := customer.get("/locations").items()[0]["id"].(string)
	before := customer.get("/jobs").body["total"].(float64)
	bodies := []map[string]any{faceToFace(location, "2031-03-01T10:00", 60), faceToFace(location, "2031-03-01T11:00", 60)}
	var (
		mu      sync.Mutex
		answers = map[string]int{}
		sent    [2]map[int]int
		all     sync.WaitGroup
	)
	sent[0], sent[1] = map[int]int{}, map[int]int{}
	for i := range 50 {
		all.Go(func() {
			c := &client{t: t, base: base, token: customer.token}
			r, err := c.try("POST", "/api/v1/bookings", bodies[i%2], map[string]string{"Idempotency-Key": "one"})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			sent[i%2][r.status]++
			if r.status == http.StatusCreated {
				answers[fmt.Sprint(r.body["bookingId"], r.body["jobs"], r.body["revision"], r.header.Get("ETag"))]++
			} else if r.body["code"] != "idempotency-key-reused" {
				t.Errorf("refused with %d %s", r.status, r.raw)
			}
		})
	}
	all.Wait()
	won, lost := sent[0], sent[1]
	if won[http.StatusCreated] == 0 {
		won, lost = lost, won
	}
	if won[http.StatusCreated] != 25 || lost[http.StatusUnprocessableEntity] != 25 || len(answers) != 1 {
		t.Errorf("answers by status: %v and %v, %d different acknowledgements", sent[0], sent[1], len(answers))
	}
	again := customer.send("POST", "/api/v1/bookings", nil, map[string]string{"Idempotency-Key": "two"})
	if again.status < 400 {
		t.Errorf("a booking without a body answers %d", again.status)
	}
	customer.do("POST", "/bookings", faceToFace(location, "2031-03-02T10:00", 60)) // its position lies behind all the others
	if after := customer.get("/jobs").body["total"].(float64); after != before+2 {
		t.Errorf("%v jobs more, want 2", after-before)
	}
}
