package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContractHTTP: what is promised of every request whatever its route: signing in and its limits, the cookie and where it may come from,
// request ids, headers, and a query that asks for what is not there yet.
func TestContractHTTP(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	t.Run("LL-03 signing in", func(t *testing.T) { o.in(t).signingIn() })
	t.Run("LL-03 limits of signing in", func(t *testing.T) { o.in(t).signInLimits() })
	t.Run("the cookie", func(t *testing.T) { o.in(t).cookieOrigins() })
	t.Run("headers", func(t *testing.T) { o.in(t).answerHeaders() })
	t.Run("asked too early", func(t *testing.T) { o.in(t).askedTooEarly() })
	t.Run("the test clock", func(t *testing.T) { o.in(t).testClock() })
}

func (o *office) signIn(username, password string) reply {
	o.t.Helper()
	return (&client{t: o.t, base: o.base}).send("POST", "/api/v1/sessions", map[string]any{"username": username, "password": password}, nil)
}

// signingIn by user name, e-mail and PIN leads to one account (LL-03).
func (o *office) signingIn() {
	t := o.t
	id, _ := newcomer(t, o.as("admin"), map[string]any{"username": "pinned", "name": "Pia Pinned", "email": "pia@x.example", "pin": "482913", "role": "requestor",
		"customer": o.read("requestor", "/me").body["customer"]})
	for _, name := range []string{"pinned", "PINNED", "pia@x.example", "482913"} {
		r := o.signIn(name, "dragoman-demo")
		user, _ := r.body["user"].(map[string]any)
		if r.status != http.StatusCreated || r.body["token"] == "" || r.body["expiresAt"] == nil || user["id"] != id || user["role"] != "requestor" || user["name"] != "Pia Pinned" {
			t.Errorf("as %s: %d %s", name, r.status, r.raw)
		}
		hasKeys(t, "who signed in", user, "id", "name", "role", "customer")
	}
	// A wrong name and a wrong password are one answer (ES-26).
	wrong, unknown := o.signIn("pinned", "nope"), o.signIn("nobody-here", "nope")
	problemIs(t, "a wrong password", wrong, 401, "not-signed-in")
	problemIs(t, "a wrong name", unknown, 401, "not-signed-in")
	if got := wrong.header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("a refused sign-in says to authenticate by %q", got)
	}
	if string(wrong.raw) != string(unknown.raw) {
		t.Errorf("a wrong password: %s, a wrong name: %s", wrong.raw, unknown.raw)
	}
	c := &client{t: t, base: o.base, token: o.signIn("pinned", "dragoman-demo").body["token"].(string)}
	if r := c.send("DELETE", "/api/v1/sessions/current", nil, nil); r.status != http.StatusNoContent {
		t.Errorf("signing out: %d %s", r.status, r.raw)
	}
	r := c.send("GET", "/api/v1/me", nil, nil)
	problemIs(t, "signed out", r, 401, "not-signed-in")
	if r.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("a 401 says to authenticate by %q", r.header.Get("WWW-Authenticate"))
	}
	for what, token := range map[string]string{"no token": "", "a token of nobody": "x", "an odd token": strings.Repeat("a", 5000)} {
		problemIs(t, what, (&client{t: t, base: o.base, token: token}).send("GET", "/api/v1/jobs", nil, nil), 401, "not-signed-in")
	}
}

// signInLimits: after some failures even the right password waits, and the answer says how long.
func (o *office) signInLimits() {
	t := o.t
	newcomer(t, o.as("admin"), map[string]any{"username": "guessed", "name": "G", "email": "g@x.example", "role": "requestor", "customer": o.read("requestor", "/me").body["customer"]})
	var limited reply
	tries := 0
	for limited.status != http.StatusTooManyRequests && tries < 30 {
		limited = o.signIn("guessed", "guess "+strconv.Itoa(tries))
		tries++
	}
	problemIs(t, "too many guesses", limited, 429, "too-many-requests")
	if wait, err := strconv.Atoi(limited.header.Get("Retry-After")); err != nil || wait < 1 {
		t.Errorf("Retry-After is %q", limited.header.Get("Retry-After"))
	}
	problemIs(t, "the right password meanwhile", o.signIn("guessed", "dragoman-demo"), 429, "too-many-requests")
	page := stranger(t, o.base).post("/sign-in", url.Values{"username": {"guessed"}, "password": {"dragoman-demo"}})
	if !regexp.MustCompile(`try again in 1[45] minutes`).MatchString(page.words()) || page.status != 429 || page.header.Get("Retry-After") == "" {
		t.Errorf("the portal says %d %v %s", page.status, page.header, page.words())
	}
	if r := o.signIn("requestor2", "dragoman-demo"); r.status != http.StatusCreated {
		t.Errorf("another user meanwhile: %d %s", r.status, r.raw)
	}
}

// cookieOrigins: with the portal's cookie only the portal's own pages may ask for changes.
func (o *office) cookieOrigins() {
	t := o.t
	in := (&client{t: t, base: o.base}).send("POST", "/api/v1/sessions", map[string]any{"username": "requestor", "password": "dragoman-demo", "cookie": true}, nil)
	cookie, err := http.ParseSetCookie(in.header.Get("Set-Cookie"))
	if err != nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || in.body["token"] != nil {
		t.Fatalf("the cookie is %v, %v; the answer %s", cookie, err, in.raw)
	}
	c := &client{t: t, base: o.base}
	with := func(header map[string]string) map[string]string {
		header["Cookie"] = cookie.Name + "=" + cookie.Value
		return header
	}
	if r := c.send("GET", "/api/v1/me", nil, with(map[string]string{})); r.status != 200 || r.body["role"] != "requestor" {
		t.Errorf("by cookie: %d %s", r.status, r.raw)
	}
	body := map[string]any{"columns": []string{"ref"}}
	if r := c.send("PUT", "/api/v1/me/preferences", body, with(map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": o.base})); r.status != 204 {
		t.Errorf("from the portal: %d %s", r.status, r.raw)
	}
	for what, header := range map[string]map[string]string{"another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"a sister site": {"Sec-Fetch-Site": "same-site"}, "an old browser elsewhere": {"Origin": "https://evil.example"}} {
		problemIs(t, "from "+what, c.send("PUT", "/api/v1/me/preferences", body, with(header)), 403, "not-permitted")
	}
}

// answerHeaders: every answer, good or bad, has its request id and says how it may be used.
func (o *office) answerHeaders() {
	t := o.t
	for path, status := range map[string]int{"/api/v1/jobs": 200, "/api/v1/jobs/DTP1": 404, "/api/v1/nothing": 404, "/api/nothing": 404, "/api/openapi.json": 200, "/healthz": 200, "/readyz": 200,
		"/metrics": 200, "/api/docs": 200, "/api/v1/jobs?limit=0": 422} {
		r := o.as("admin").send("GET", path, nil, nil)
		if r.status != status {
			t.Errorf("%s: %d, want %d", path, r.status, status)
		}
		if len(r.header.Get("X-Request-Id")) < 8 {
			t.Errorf("%s has the request id %q", path, r.header.Get("X-Request-Id"))
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin"} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s has %s %q, want %q", path, name, got, want)
			}
		}
		if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || !strings.HasPrefix(policy, "default-src 'none'") && path != "/api/docs" {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if r.header.Get("Cache-Control") != "no-store" && path != "/api/docs" {
			t.Errorf("%s may be stored: %q", path, r.header.Get("Cache-Control"))
		}
	}
	same := o.as("admin").send("GET", "/api/v1/me", nil, map[string]string{"X-Request-Id": "caller-17.a"})
	if got := same.header.Get("X-Request-Id"); got != "caller-17.a" {
		t.Errorf("the caller's own id became %q", got)
	}
	for _, odd := range []string{"short", strings.Repeat("x", 65), "with space and more"} {
		if got := o.as("admin").send("GET", "/api/v1/me", nil, map[string]string{"X-Request-Id": odd}).header.Get("X-Request-Id"); got == odd || len(got) < 8 {
			t.Errorf("the id %q became %q", odd, got)
		}
	}
}

// askedTooEarly: what no read model has reached is 503 after five seconds, with when to ask again.
func (o *office) askedTooEarly() {
	t := o.t
	r := o.as("requestor").send("GET", "/api/v1/jobs", nil, map[string]string{"Dragoman-Min-Position": "7fffffffffffffff.7fffffffffffffff"})
	problemIs(t, "a position that is not there yet", r, 503, "read-model-behind")
	if r.header.Get("Retry-After") == "" {
		t.Error("it does not say when to ask again")
	}
}

// testClock: it answers 204 without sign-in, stands still, may go back, and goes on with the machine's time once it is taken away.
func (o *office) testClock() {
	t := o.t
	nobody := &client{t: t, base: o.base}
	for _, at := range []string{"2020-03-24T15:46:00Z", "2019-01-01T00:00:00Z", "2020-06-01T10:00:00+01:00"} {
		if r := nobody.send("PUT", "/dev/clock", map[string]any{"now": at}, nil); r.status != http.StatusNoContent || len(r.raw) != 0 {
			t.Errorf("set to %s: %d %s", at, r.status, r.raw)
		}
	}
	if got := o.job("requestor", o.book("2020-07-01T10:00", 60))["createdAt"]; got != "2020-06-01T10:00:00+01:00" {
		t.Errorf("booked at %v while the clock stands at ten in London", got)
	}
	for _, body := range []any{map[string]any{}, map[string]any{"now": "tomorrow"}, map[string]any{"now": "2020-03-24T15:46:00Z", "more": 1}, []any{}} {
		problemIs(t, "no time", nobody.send("PUT", "/dev/clock", body, nil), 422, "invalid")
	}
	if r := nobody.send("DELETE", "/dev/clock", nil, nil); r.status != http.StatusNoContent {
		t.Errorf("taken away: %d %s", r.status, r.raw)
	}
	problemIs(t, "in what has become the past", o.send("requestor", "POST", "/bookings", o.booking("2020-07-01T10:00", 60)), 422, "invalid", "body.start")
}
