package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestHostileInput: whatever is sent, the answer is a problem that names the fault and repeats nothing, nothing breaks, and everything still
// works for everybody else afterwards.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-03T09:00:00Z")
	t.Run("bodies", func(t *testing.T) { o.in(t).hostileBodies() })
	t.Run("texts", func(t *testing.T) { o.in(t).hostileTexts() })
	t.Run("addresses", func(t *testing.T) { o.in(t).hostileAddresses() })
	t.Run("times", func(t *testing.T) { o.in(t).hostileTimes() })
	t.Run("the rest still works", func(t *testing.T) {
		o.in(t)
		o.book("2020-06-01T10:00", 60)
		for _, m := range o.read("admin", "/status").items() {
			if m["health"] != "running" {
				t.Errorf("read model %v is %v: %v", m["model"], m["health"], m["why"])
			}
		}
		if total := o.read("admin", "/jobs?limit=500").body["total"]; total == float64(0) {
			t.Error("no jobs are listed")
		}
	})
}

// raw sends bytes as they are.
func (o *office) raw(user, method, path, contentType string, body io.Reader) reply {
	o.t.Helper()
	req, err := http.NewRequest(method, o.base+path, body)
	if err != nil {
		o.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Authorization", "Bearer "+o.as(user).token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	r := reply{status: res.StatusCode, header: res.Header}
	if r.raw, err = io.ReadAll(res.Body); err != nil {
		o.t.Fatal(err)
	}
	_ = json.Unmarshal(r.raw, &r.body)
	return r
}

func (o *office) hostileBodies() {
	t := o.t
	const jsonType = "application/json"
	good, err := json.Marshal(o.booking("2020-06-01T10:00", 60))
	if err != nil {
		t.Fatal(err)
	}
	big := []byte(`{"form":"` + strings.Repeat("a", 10<<20) + `"}`)
	for what, c := range map[string]struct {
		contentType string
		body        []byte
		status      int
		code        string
	}{
		"not JSON":       {jsonType, []byte(`{nope`), 400, "not-json"},
		"nothing":        {jsonType, nil, 400, "not-json"},
		"two documents":  {jsonType, append(bytes.Clone(good), ` {}`...), 400, "not-json"},
		"another type":   {"text/plain", good, 400, "not-json"},
		"a form":         {"application/x-www-form-urlencoded", []byte("form=remote"), 400, "not-json"},
		"not UTF-8":      {jsonType, bytes.Replace(good, []byte("Reception"), []byte("R\xffception"), 1), 400, "not-json"},
		"an array":       {jsonType, []byte(`[]`), 422, "invalid"},
		"null":           {jsonType, []byte(`null`), 422, "invalid"},
		"a text":         {jsonType, []byte(`"x"`), 422, "invalid"},
		"10 MB":          {jsonType, big, 413, "too-large"},
		"a little large": {jsonType, big[:1<<20+1], 413, "too-large"},
	} {
		problemIs(t, what, o.raw("requestor", "POST", "/api/v1/bookings", c.contentType, bytes.NewReader(c.body)), c.status, c.code)
	}
	// A body whose length is not told is read no further either.
	problemIs(t, "10 MB in chunks", o.raw("requestor", "POST", "/api/v1/bookings", jsonType, io.MultiReader(bytes.NewReader(big))), 413, "too-large")

	with := func(key string, value any) map[string]any {
		body := o.booking("2020-06-01T10:00", 60)
		body[key] = value
		return body
	}
	field := func(key string, value any) map[string]any {
		return o.booking("2020-06-01T10:00", 60, func(_, f map[string]any) { f[key] = value })
	}
	for what, c := range map[string]struct {
		body map[string]any
		at   string
	}{
		"an unknown field":          {with("bogus", 1), "body.bogus"},
		"an unknown field of forms": {field("bogus", "1"), "body.fields.bogus"},
		"a number for a text":       {with("language", 5), "body.language"},
		"a text for an object":      {with("duration", "1h"), "body.duration"},
		"a number in a form":        {field("reportTo", 5), "body.fields.reportTo"},
		"an object in a form":       {field("reportTo", map[string]any{"a": 1}), "body.fields.reportTo"},
		"half hours":                {with("duration", map[string]any{"hours": 1.5, "minutes": 0}), "body.duration.hours"},
		"an integer beyond all":     {with("duration", map[string]any{"hours": 1e30, "minutes": 0}), "body"},
		"no interpreters":           {with("interpretersRequested", 0), "body.interpretersRequested"},
		"too long a text":           {field("nonEnglishSpeaker", strings.Repeat("x", 201)), "body.fields.nonEnglishSpeaker"},
	} {
		r := o.send("requestor", "POST", "/bookings", c.body)
		problemIs(t, what, r, 422, "invalid", c.at)
		for _, echoed := range []string{"bogus1", "1h", "1e+30", "1000000", "Go struct", "json:"} {
			if strings.Contains(string(r.raw), echoed) {
				t.Errorf("%s: the answer repeats or tells %q: %s", what, echoed, r.raw)
			}
		}
	}
	// Every fault at once.
	body := o.booking("2020-01-01T10:00", 0, func(_, f map[string]any) {
		delete(f, "reportTo")
		f["primaryEmail"] = "x"
		f["assignmentType"] = "court"
	})
	body["language"] = "xx"
	problemIs(t, "many faults", o.send("requestor", "POST", "/bookings", body), 422, "invalid", "body.start", "body.duration", "body.language",
		"body.fields.reportTo", "body.fields.primaryEmail", "body.fields.assignmentType")
}

// hostileTexts: NUL, which no database column takes, and other control characters are refused wherever they stand; everything that people
// write is kept to the letter.
func (o *office) hostileTexts() {
	t := o.t
	book := func(change func(body, fields map[string]any)) reply {
		return o.send("requestor", "POST", "/bookings", o.booking("2020-06-01T10:00", 60, change))
	}
	for _, bad := range []string{"a\x00b", "a\x07b", "a\x1b[2Jb"} {
		for what, c := range map[string]struct {
			r  reply
			at string
		}{
			"speaker":  {book(func(_, f map[string]any) { f["nonEnglishSpeaker"] = bad }), "body.fields.nonEnglishSpeaker"},
			"notes":    {book(func(_, f map[string]any) { f["jobNotes"] = bad }), "body.fields.jobNotes"},
			"bill to":  {book(func(b, _ map[string]any) { b["billTo"] = bad }), "body.billTo"},
			"language": {book(func(b, _ map[string]any) { b["language"] = bad }), "body.language"},
			"town": {book(func(b, _ map[string]any) {
				delete(b, "location")
				b["address"] = map[string]any{"line1": "1 High St", "town": bad, "postcode": "LS1 4AP"}
			}), "body.address.town"},
			"a customer's name": {o.send("admin", "POST", "/customers", map[string]any{"name": bad}), "body.name"},
			"a label": {o.send("admin", "PUT", "/settings/agency", map[string]any{"texts": map[string]any{"issuingOffers": bad}}),
				"body.texts.issuingOffers"},
		} {
			problemIs(t, what, c.r, 422, "invalid", c.at)
		}
	}
	ref := o.book("2020-06-01T10:00", 60)
	for what, c := range map[string]reply{
		"message":       o.try("requestor", ref, "post-message", map[string]any{"text": "a\x00b"}),
		"edit":          o.try("requestor", ref, "edit", map[string]any{"fields": map[string]any{"reportTo": "a\x00"}}),
		"cancel":        o.try("requestor", ref, "cancel", map[string]any{"authorisedBy": "a\x00"}),
		"preferences":   o.send("requestor", "PUT", "/me/preferences", map[string]any{"a": "\x00"}),
		"their key":     o.send("requestor", "PUT", "/me/preferences", map[string]any{"\x00": "a"}),
		"a label's key": o.send("admin", "PUT", "/settings/agency", map[string]any{"texts": map[string]any{"a\x00": "b"}}),
		"sign-in":       (&client{t: t, base: o.base}).send("POST", "/api/v1/sessions", map[string]any{"username": "a\x00", "password": "b"}, nil),
		"set-up":        (&client{t: t, base: o.base}).send("POST", "/api/v1/setup", map[string]any{"token": "t\x00", "username": "a", "password": "b"}, nil),
	} {
		problemIs(t, what, c, 422, "invalid")
	}
	for _, fine := range []string{"Zażółć gęślą jaźń", "محمد \u202eعلي", "李 😀👩‍👩‍👧", `\u0000 "quoted" \\ <b>&amp;`, "a\tb\nc\r\nd", strings.Repeat("漢", 4000)} {
		ref := o.book("2020-06-01T10:00", 60, func(_, f map[string]any) { f["jobNotes"] = fine })
		if got := o.read("requestor", "/jobs/"+ref).body["fields"].(map[string]any)["jobNotes"]; got != fine {
			t.Errorf("%q came back as %q", fine, got)
		}
		o.do("requestor", ref, "post-message", map[string]any{"text": fine})
		if got := o.read("assigner", "/jobs/"+ref+"/messages").items()[0]["text"]; got != fine {
			t.Errorf("message %q came back as %q", fine, got)
		}
	}
}

// hostileAddresses: paths and queries that nothing is called.
func (o *office) hostileAddresses() {
	t := o.t
	get := func(path string) reply { return o.raw("admin", "GET", "/api/v1"+path, "", nil) }
	for _, path := range []string{"/nothing", "/jobs/x", "/jobs/%00", "/jobs/%ff", "/jobs/%2e%2e", "/jobs/" + strings.Repeat("x", 500), "/jobs/x/activity",
		"/invoices/x", "/invoices/00000000-0000-4000-8000-000000000000", "/forms/x", "/forms/face-to-face?version=99"} {
		problemIs(t, path, get(path), 404, "not-found")
	}
	for _, thing := range []string{"customers", "clients", "locations", "interpreters", "users"} {
		for _, id := range []string{"x", "00000000-0000-4000-8000-000000000000"} {
			problemIs(t, thing, o.send("admin", "PATCH", "/"+thing+"/"+id, map[string]any{"name": "A"}), 404, "not-found")
		}
	}
	for _, path := range []string{"/jobs?q=%00", "/jobs?language=%00", "/jobs?filter[ref]=%00", "/jobs?q=%ff", "/jobs?q=%zz", "/calendar?from=2020-01-01&to=2020-02-01&language=%00",
		"/customers?filter[name]=%00", "/jobs?limit=0", "/jobs?limit=501", "/jobs?limit=x", "/jobs?offset=-1", "/jobs?sort=bogus", "/jobs?filter[bogus]=1", "/jobs?list=bogus",
		"/jobs?status=bogus", "/jobs?from=x", "/jobs?from=2020-05-02&to=2020-05-01", "/jobs?client=x", "/calendar", "/calendar?from=2020-05-01", "/calendar?from=x&to=y",
		"/reasons", "/reasons?kind=x"} {
		problemIs(t, path, get(path), 422, "invalid")
	}
	for _, q := range []string{"a&b|c!():*", "'; drop table jobs; --", "😀", "%", "_", `\`} {
		if r := get("/jobs?q=" + url.QueryEscape(q) + "&filter[ref]=" + url.QueryEscape(q)); r.status != 200 {
			t.Errorf("search for %q: %d %s", q, r.status, r.raw)
		}
	}
	before := o.read("requestor", "/jobs").body["total"]
	problemIs(t, "a preview or not", o.send("requestor", "POST", "/bookings?preview=perhaps", o.booking("2020-06-01T10:00", 60)), 422, "invalid", "query.preview")
	problemIs(t, "a preview of signing out", o.send("requestor", "DELETE", "/sessions/current?preview=true", nil), 422, "invalid", "query.preview")
	if r := o.send("requestor", "POST", "/bookings?preview=true", o.booking("2020-06-01T10:00", 60)); r.status != 200 {
		t.Errorf("a preview: %d %s", r.status, r.raw)
	}
	if after := o.read("requestor", "/jobs").body["total"]; after != before {
		t.Errorf("a preview made a job: %v, then %v", before, after)
	}
	problemIs(t, "another method", o.raw("admin", "DELETE", "/api/v1/jobs", "", nil), 405, "method-not-allowed")
	problemIs(t, "a position that is none", o.as("admin").send("GET", "/api/v1/jobs", nil, map[string]string{"Dragoman-Min-Position": "zz"}), 422, "invalid")
	ref := o.book("2020-06-01T10:00", 60)
	problemIs(t, "a revision that is none", o.as("requestor").send("POST", "/api/v1/jobs/"+ref+"/edit", map[string]any{}, map[string]string{"If-Match": "x"}), 422, "invalid")
	problemIs(t, "a key too long", o.as("requestor").send("POST", "/api/v1/jobs/"+ref+"/edit", map[string]any{},
		map[string]string{"Idempotency-Key": strings.Repeat("k", 201)}), 422, "invalid")
}

// hostileTimes: a job of the year 9999 would end in a year that RFC 3339 cannot write.
func (o *office) hostileTimes() {
	t := o.t
	for _, start := range []string{"", "tomorrow", "2020-06-01", "2020-06-01T10:00Z", "2021-02-30T10:00", "0001-01-01T00:00", "9999-12-31T23:00", "99999-01-01T00:00"} {
		problemIs(t, "start "+start, o.send("requestor", "POST", "/bookings", o.booking(start, 120)), 422, "invalid", "body.start")
	}
	ref := o.book("2020-06-01T10:00", 60)
	problemIs(t, "an offer for ever", o.try("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}, "expiresAt": "9999-12-31T23:59:59Z"}), 422, "invalid",
		"body.expiresAt")
	problemIs(t, "an ETA in the year 9999", o.try("assigner", ref, "change-eta", map[string]any{"eta": "9999-12-31T23:00", "agreedBy": "Bell"}), 422, "invalid", "body.eta")
	for _, zone := range []string{"Mars/Base", "Local", "../../etc/passwd"} {
		problemIs(t, "zone "+zone, o.send("requestor", "POST", "/bookings", o.booking("2020-06-01T10:00", 60, func(b, _ map[string]any) { b["timeZone"] = zone })), 422, "invalid",
			"body.timeZone")
	}
}
