package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// client is a caller of the API as any program would write one.
type client struct {
	t        testing.TB
	base     string
	token    string
	user     uuid.UUID     // whose token it is, where that matters
	position string        // of the last command, so that the next query sees it
	patience time.Duration // after which the caller hangs up; 0: never
	// seen is told every answer, where a test looks at all of them.
	seen func(*http.Request, *http.Response, reply)
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    []byte
}

// signIn makes a client for a user of the demo.
func signIn(t testing.TB, base, username string) *client {
	t.Helper()
	c := &client{t: t, base: base}
	r := c.again("POST", "/api/v1/sessions", map[string]any{"username": username, "password": "dragoman-demo"})
	if r.status != http.StatusCreated {
		t.Fatalf("sign in as %s: %d %s", username, r.status, r.raw)
	}
	c.token = r.body["token"].(string)
	return c
}

// send makes one request and reads the whole answer.
func (c *client) send(method, path string, body any, header map[string]string) reply {
	c.t.Helper()
	r, err := c.try(method, path, body, header)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// again makes a request that may be made several times, as sentAgain does: on a machine that halts, what waits for read models gives up after seconds.
func (c *client) again(method, path string, body any) reply {
	c.t.Helper()
	r, err := sentAgain(func() (reply, error) { return c.try(method, path, body, nil) })
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c *client) try(method, path string, body any, header map[string]string) (reply, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		in = bytes.NewReader(b)
	}
	ctx := context.Background()
	if c.patience > 0 {
		var hangUp context.CancelFunc
		ctx, hangUp = context.WithTimeout(ctx, c.patience)
		defer hangUp()
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, in)
	if err != nil {
		return reply{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if method == http.MethodGet && c.position != "" {
		req.Header.Set("Dragoman-Min-Position", c.position)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: res.StatusCode, header: res.Header, raw: raw}
	if c.seen != nil {
		c.seen(req, res, r)
	}
	if strings.Contains(res.Header.Get("Content-Type"), "json") && len(raw) > 0 {
		if err := json.Unmarshal(raw, &r.body); err != nil {
			return r, fmt.Errorf("answer is not JSON: %w: %s", err, raw)
		}
	}
	// A repeat answers with the position of long ago.
	if p := res.Header.Get("Dragoman-Position"); method != http.MethodGet && res.StatusCode < 300 && later(p, c.position) {
		c.position = p
	}
	return r, nil
}

// do sends a command that must succeed.
func (c *client) do(method, path string, body any) reply {
	c.t.Helper()
	r := c.send(method, "/api/v1"+path, body, nil)
	if r.status >= 300 {
		c.t.Fatalf("%s %s: %d %s", method, path, r.status, r.raw)
	}
	return r
}

// job sends a command on a job that must succeed.
func (c *client) job(ref, command string, body any) reply {
	c.t.Helper()
	return c.do("POST", "/jobs/"+ref+"/"+command, body)
}

// get asks a query that must succeed, after everything that any of the given clients has done. One that comes too early is asked again.
func (c *client) get(path string, after ...*client) reply {
	c.t.Helper()
	for _, a := range after {
		if later(a.position, c.position) {
			c.position = a.position
		}
	}
	r := c.again("GET", "/api/v1"+path, nil)
	if r.status >= 300 {
		c.t.Fatalf("GET %s: %d %s", path, r.status, r.raw)
	}
	return r
}

// later compares two positions of one server; tests know how they are written.
func later(a, b string) bool {
	if a == "" || b == "" {
		return a != ""
	}
	var ac, ap, bc, bp uint64
	_, _ = fmt.Sscanf(a, "%x.%x", &ac, &ap)
	_, _ = fmt.Sscanf(b, "%x.%x", &bc, &bp)
	return ac > bc || ac == bc && ap > bp
}

// clock sets the business clock, London time as a person would say it.
func (c *client) clock(london string) {
	c.t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		c.t.Fatal(err)
	}
	at, err := time.ParseInLocation("02/01/2006 15:04", london, zone)
	if err != nil {
		c.t.Fatal(err)
	}
	r := c.again("PUT", "/dev/clock", map[string]any{"now": at.UTC().Format(time.RFC3339)})
	if r.status != http.StatusNoContent {
		c.t.Fatalf("set the clock to %s: %d %s", london, r.status, r.raw)
	}
}

// items is the list of an answer.
func (r reply) items() []map[string]any {
	list, _ := r.body["items"].([]any)
	out := make([]map[string]any, len(list))
	for i := range list {
		out[i] = list[i].(map[string]any)
	}
	return out
}

// newcomer makes a user who has signed in before: the password that was issued is changed to the demo's (II-03).
func newcomer(t testing.TB, admin *client, body map[string]any) (id string, c *client) {
	t.Helper()
	body["password"] = "issued by the admin"
	id = admin.do("POST", "/users", body).body["id"].(string)
	c = &client{t: t, base: admin.base}
	in := c.send("POST", "/api/v1/sessions", map[string]any{"username": body["username"], "password": body["password"]}, nil)
	if in.status != http.StatusCreated || in.body["mustChangePassword"] != true {
		t.Fatalf("first sign-in of %v: %d %s", body["username"], in.status, in.raw)
	}
	c.token = in.body["token"].(string)
	c.do("PUT", "/me/password", map[string]any{"current": body["password"], "new": "dragoman-demo"})
	return id, c
}

// faceToFace is a complete booking of the face-to-face form; change what the test is about.
func faceToFace(location, start string, minutes int) map[string]any {
	return map[string]any{
		"form": "face-to-face", "location": location, "language": "pl", "serviceType": "face-to-face",
		"start": start, "duration": map[string]any{"hours": minutes / 60, "minutes": minutes % 60},
		"fields": map[string]any{
			"assignmentType": "interview", "offenceCategory": "theft", "nonEnglishSpeaker": "Jan Kowalski", "reportTo": "Reception",
			"requestingOfficer": "Sergeant Bell", "telephone": "0113 496 0000", "officerInCase": "DC Marsh", "primaryEmail": "bell@police.example",
			"collarNumber": "4411", "officerPhone": "0113 496 0001", "secondaryEmail": "desk@police.example",
		},
	}
}
