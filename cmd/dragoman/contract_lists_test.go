package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestContractLists: what is promised of every list, of the lists that are made whole and of what waits for the caller, of the columns that
// depend on the time, and that an address which is read by GET answers HEAD.
func TestContractLists(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	t.Run("what is waited for", func(t *testing.T) { o.in(t).waitedFor() })
	t.Run("what waits for me", func(t *testing.T) { o.in(t).waitingForMe() })
	t.Run("short lists", func(t *testing.T) { o.in(t).shortLists() })
	t.Run("every column", func(t *testing.T) { o.in(t).everyColumn() })
	t.Run("numbers of invoices", func(t *testing.T) { o.in(t).invoiceNumbers() })
	t.Run("the calendar as a list", func(t *testing.T) { o.in(t).calendarAsList() })
	t.Run("HEAD", func(t *testing.T) { o.in(t).heads() })
	t.Run("other methods", func(t *testing.T) { o.in(t).otherMethods() })
}

// waitedFor: the job list is filtered and sorted by whom and what it waits for; also where more jobs than a page holds are counted.
func (o *office) waitedFor() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	var refs []string
	for i := range 6 {
		refs = append(refs, o.book(fmt.Sprintf("2020-10-0%dT10:00", 1+i), 60))
	}
	o.do("assigner", refs[0], "send-offer", map[string]any{"interpreters": []string{anaLIN}})
	o.do("assigner", refs[1], "accept-offer", map[string]any{"interpreter": anaLIN})
	o.do("assigner", refs[2], "assign", map[string]any{"interpreter": anaLIN})
	o.do("assigner", refs[3], "propose-eta", map[string]any{"eta": "2020-10-04T11:00"})
	o.do("assigner", refs[4], "cancel", map[string]any{"authorisedBy": "Hale"})
	// refs[5] waits for an offer.
	const ours = "from=2020-10-01&to=2020-10-08&"
	for filter, want := range map[string][]string{"waitingOn=INTERP": {refs[0], refs[2]}, "waitingOn=agency": {refs[1], refs[5]}, "waitingOn=customer": {refs[3]}, "nextStep=accept": {refs[0]},
		"nextStep=assign": {refs[1]}, "nextStep=attend": {refs[2]}, "nextStep=agree-eta": {refs[3]}, "nextStep=offer": {refs[0], refs[5]}, "nextStep=zzz": {}} {
		name, text, _ := strings.Cut(filter, "=")
		got := refsOf(o.read("assigner", "/jobs?"+ours+"filter["+name+"]="+text))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("where %s: %v, want %v", filter, got, want)
		}
	}
	for sort, want := range map[string][]string{
		"waitingOn":  {refs[1], refs[5], refs[3], refs[0], refs[2], refs[4]},
		"-waitingOn": {refs[0], refs[2], refs[3], refs[1], refs[5], refs[4]},
		"nextStep":   {refs[0], refs[3], refs[1], refs[2], refs[5], refs[4]},
		"-nextStep":  {refs[5], refs[2], refs[1], refs[3], refs[0], refs[4]},
	} {
		if got := refsOf(o.read("assigner", "/jobs?"+ours+"sort="+sort)); !slices.Equal(got, want) {
			t.Errorf("by %s: %v, want %v", sort, got, want)
		}
		var parts []string
		for offset := range 3 {
			page := o.read("assigner", fmt.Sprintf("/jobs?%ssort=%s&limit=2&offset=%d", ours, sort, 2*offset))
			if page.body["total"] != float64(len(want)) {
				t.Errorf("by %s from %d: %v in all", sort, 2*offset, page.body["total"])
			}
			parts = append(parts, refsOf(page)...)
		}
		if !slices.Equal(parts, want) {
			t.Errorf("by %s in pages: %v, want %v", sort, parts, want)
		}
	}
	// A list that is longer than a page is counted, whatever it is sorted by.
	for _, column := range jobKeys {
		all := o.read("assigner", "/jobs?"+ours+"limit=2&sort="+column)
		if all.body["total"] != float64(len(refs)) || len(all.items()) != 2 {
			t.Errorf("by %s: %s", column, all.raw)
		}
	}
	// Nothing stands behind the end, however far.
	for _, sort := range []string{"", "start", "waitingOn", "-nextStep"} {
		far := o.read("assigner", "/jobs?"+ours+"limit=2&offset=9223372036854775807&sort="+sort)
		if far.body["total"] != float64(len(refs)) || len(far.items()) != 0 {
			t.Errorf("far behind the end by %q: %s", sort, far.raw)
		}
	}
	// Whoever does not read it neither sorts nor filters by it.
	for _, query := range []string{"sort=waitingOn", "filter[nextStep]=attend"} {
		problemIs(t, "an interpreter's jobs, "+query, o.ask("interpreter", "/jobs?"+query), 422, "invalid")
	}
	// What is waited for changes with the time alone.
	o.clock("2020-10-05T09:00:00Z")
	if got := refsOf(o.read("assigner", "/jobs?"+ours+"filter[nextStep]=submit-timesheet")); !slices.Equal(got, refs[2:3]) {
		t.Errorf("after its end %v wait for hours, want %s", got, refs[2])
	}
	if got := o.job("assigner", refs[0]); got["waitingOn"] != "agency" || got["nextStep"] != "close" {
		t.Errorf("after its end %s waits for %v to %v", refs[0], got["waitingOn"], got["nextStep"])
	}
	o.clock("2020-03-02T09:00:00Z")
}

// waitingForMe is a list like the others: in pages, sorted and filtered by the columns of jobs and by the step.
func (o *office) waitingForMe() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	var mine []string
	for i := range 5 {
		ref := o.book(fmt.Sprintf("2020-11-0%dT10:00", 1+i), 60+15*i)
		mine = append(mine, ref)
		o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN}})
	}
	const path = "/waiting-for-me?filter[start]=2020-11&"
	all := o.read("interpreter", path)
	hasKeys(t, "what waits", all.body, "items", "total", "offset", "limit")
	if got := refsOf(all); !slices.Equal(got, mine) || all.body["total"] != float64(5) {
		t.Errorf("for the interpreter wait %v, want %v", got, mine)
	}
	for query, want := range map[string][]string{"limit=2&offset=2": mine[2:4], "sort=-start&limit=1": mine[4:], "sort=-durationMinutes&limit=2&offset=3": {mine[1], mine[0]},
		"filter[durationMinutes]=75": mine[1:2], "filter[step]=ACCEPT": mine, "filter[step]=submit": {}, "sort=step": mine, "offset=7": {}, "language=uk": {}} {
		got := o.read("interpreter", path+query)
		if !slices.Equal(refsOf(got), want) {
			t.Errorf("where %s: %v, want %v", query, refsOf(got), want)
		}
	}
	if got := o.read("interpreter", path+"limit=2"); got.body["total"] != float64(5) || got.body["limit"] != float64(2) {
		t.Errorf("a page of two: %s", got.raw)
	}
	for _, bad := range []string{"sort=bogus", "filter[bogus]=x", "limit=0", "limit=501", "offset=-1"} {
		problemIs(t, "what waits, "+bad, o.ask("interpreter", "/waiting-for-me?"+bad), 422, "invalid")
	}
	problemIs(t, "the step of a job list", o.ask("assigner", "/jobs?sort=step"), 422, "invalid")
	o.table("interpreter", path+"limit=500", 5)
	for _, user := range []string{"analyst", "auditor", "finance"} { // nothing ever waits for them
		if got := o.read(user, "/waiting-for-me"); got.body["total"] != float64(0) || len(got.items()) != 0 {
			t.Errorf("for %s wait %s", user, got.raw)
		}
	}
	for _, user := range []string{"requestor", "assigner"} {
		got := o.read(user, "/waiting-for-me?limit=500&sort=step")
		steps := valuesInOrder(got, "step")
		if len(steps) == 0 || !slices.IsSorted(steps) {
			t.Errorf("for %s wait the steps %v", user, steps)
		}
	}
}

// table asks for a list as comma-separated values.
func (o *office) table(user, path string, items int) {
	o.t.Helper()
	table := o.as(user).send("GET", "/api/v1"+path, nil, map[string]string{"Accept": "text/csv"})
	rows, err := csv.NewReader(bytes.NewReader(table.raw)).ReadAll()
	if err != nil || table.status != 200 || !strings.HasPrefix(table.header.Get("Content-Type"), "text/csv") || len(rows) != items+1 {
		o.t.Errorf("%s as a table: %d %s, %d rows, want %d and a head, %v", path, table.status, table.header.Get("Content-Type"), len(rows), items, err)
	}
}

// valuesInOrder are a column's texts as the items come.
func valuesInOrder(r reply, column string) []string {
	var out []string
	for _, i := range r.items() {
		out = append(out, strings.ToLower(fmt.Sprint(i[column])))
	}
	return out
}

// shortLists: languages, reasons, forms and notices page, sort and filter like the long ones.
func (o *office) shortLists() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	var notices []any
	for _, key := range []string{"b", "c", "a"} {
		notices = append(notices, map[string]any{"key": key, "text": "Notice " + key, "from": "2020-03-01", "until": "2020-03-31"})
	}
	o.as("assigner").do("PUT", "/settings/notices", map[string]any{"splash": "Snow.", "notices": notices})
	for path, columns := range map[string][]string{
		"/languages?":           {"code", "name", "tier"},
		"/reasons?kind=cancel&": {"value", "label"},
		"/forms?":               {"id", "version", "name", "prefix", "serviceType"},
		"/notices?":             {"key", "text", "from", "until"},
	} {
		all := o.read("requestor", path+"limit=500")
		total := len(all.items())
		hasKeys(t, path, all.body, "items", "total", "offset", "limit")
		if total < 2 || all.body["total"] != float64(total) {
			t.Fatalf("%s: %d items, total %v", path, total, all.body["total"])
		}
		if got := o.read("requestor", path); got.body["limit"] != float64(30) || got.body["offset"] != float64(0) || len(got.items()) != min(30, total) {
			t.Errorf("%s by default: %s", path, got.raw)
		}
		if got := o.read("requestor", fmt.Sprintf("%slimit=1&offset=%d", path, total-1)); got.body["total"] != float64(total) || len(got.items()) != 1 ||
			fmt.Sprint(got.items()[0]) != fmt.Sprint(all.items()[total-1]) {
			t.Errorf("%s: the last page is %s", path, got.raw)
		}
		if got := o.read("requestor", fmt.Sprintf("%soffset=%d", path, total+5)); got.body["total"] != float64(total) || len(got.items()) != 0 {
			t.Errorf("%s past the end: %s", path, got.raw)
		}
		for _, column := range columns {
			up := valuesInOrder(o.read("requestor", path+"limit=500&sort="+column), column)
			down := valuesInOrder(o.read("requestor", path+"limit=500&sort=-"+column), column)
			slices.Reverse(down)
			if len(up) != total || !slices.IsSorted(up) || !slices.Equal(up, down) {
				t.Errorf("%s by %s: %v, downwards from its end %v", path, column, up, down)
			}
			first := strings.ToUpper(fmt.Sprint(all.items()[0][column]))
			got := o.read("requestor", path+"limit=500&filter["+column+"]="+url.QueryEscape(first))
			if n := len(got.items()); n == 0 || got.body["total"] != float64(n) || !slices.ContainsFunc(got.items(), func(i map[string]any) bool {
				return fmt.Sprint(i) == fmt.Sprint(all.items()[0])
			}) {
				t.Errorf("%s where %s contains %s: %s", path, column, first, got.raw)
			}
			if got := o.read("requestor", path+"filter["+column+"]=zzzzz"); got.body["total"] != float64(0) || len(got.items()) != 0 {
				t.Errorf("%s where %s contains zzzzz: %s", path, column, got.raw)
			}
		}
		for _, bad := range []string{"sort=bogus", "sort=-bogus", "filter[bogus]=x", "limit=0", "limit=501", "offset=-1"} {
			problemIs(t, path+bad, o.ask("requestor", path+bad), 422, "invalid")
		}
		o.table("requestor", path+"limit=500", total)
	}
	if got := o.read("requestor", "/notices?limit=1"); got.body["splash"] != "Snow." {
		t.Errorf("a page of notices says the splash %v", got.body["splash"])
	}
	o.as("assigner").do("PUT", "/settings/notices", map[string]any{"splash": "", "notices": []any{}})
}

// everyColumn: what an item of a list shows can be sorted and filtered by.
func (o *office) everyColumn() {
	t := o.t
	for path, l := range map[string]struct {
		user   string
		except []string // ids, lists of ids, places on the map, and what is said in full of one thing
	}{
		"/customers":    {"admin", []string{"id", "settings", "revision"}},
		"/clients":      {"admin", []string{"id", "revision"}},
		"/locations":    {"admin", []string{"id", "coordinates", "revision"}},
		"/users":        {"admin", []string{"id", "interpreter", "clients", "locations", "revision"}},
		"/interpreters": {"admin", []string{"id", "credentials", "coordinates", "photo", "revision"}},
		"/jobs":         {"assigner", []string{"overdue", "happeningNow", "revision"}},
	} {
		items := o.read(l.user, path).items()
		if len(items) == 0 {
			t.Fatalf("%s is empty", path)
		}
		for column, value := range items[0] {
			if slices.Contains(l.except, column) {
				continue
			}
			if got := o.ask(l.user, path+"?sort=-"+column); got.status != 200 || len(got.items()) != len(items) {
				t.Errorf("%s by %s: %d %s", path, column, got.status, got.raw)
			}
			text, isText := value.(string)
			if text == "" || !isText || strings.Contains(column, "At") || column == "start" || column == "end" || column == "eta" || column == "customer" || column == "client" {
				text = "zzzzz" // another form than the answer's: that it can be asked is enough
			}
			got := o.as(l.user).send("GET", "/api/v1"+path+"?filter["+column+"]="+url.QueryEscape(strings.ToUpper(text)), nil, nil)
			if found := len(got.items()) > 0; got.status != 200 || found != (text != "zzzzz") {
				t.Errorf("%s where %s contains %q: %d %s", path, column, text, got.status, got.raw)
			}
		}
	}
	// A location belongs to a client, by whose name it is found.
	place := o.read("requestor", "/locations").items()[0]
	client := o.read("requestor", "/clients").items()[0]
	o.as("admin").do("PATCH", "/locations/"+place["id"].(string), map[string]any{"client": client["id"]})
	found := o.read("admin", "/locations?filter[client]="+url.QueryEscape(client["name"].(string))).items()
	if !slices.ContainsFunc(found, func(l map[string]any) bool {
		return l["id"] == place["id"] && l["client"] == client["id"] && l["clientName"] == client["name"]
	}) {
		t.Errorf("of the client %v there are the locations %v", client, found)
	}
	o.as("admin").do("PATCH", "/locations/"+place["id"].(string), map[string]any{"client": place["client"]})
}

// invoiceNumbers: a draft's number is null; an issued invoice's is its own, and the list is sorted and filtered by it.
func (o *office) invoiceNumbers() {
	t := o.t
	o.clock("2020-04-01T09:00:00Z")
	for i := range 2 {
		ref := o.assigned(fmt.Sprintf("2020-04-1%dT10:00", i), 60)
		o.clock(fmt.Sprintf("2020-04-2%dT09:00:00Z", i))
		o.do("assigner", ref, "close", map[string]any{"start": fmt.Sprintf("2020-04-1%dT10:00", i), "end": fmt.Sprintf("2020-04-1%dT11:00", i), "outcome": "success"})
		draft := o.read("finance", "/invoices?filter[jobs]="+ref).items()[0]
		if n, there := draft["number"]; !there || n != nil {
			t.Errorf("a draft's number is %v", n)
		}
		order := map[string]any{"customer": draft["customer"], "jobs": draft["jobs"], "expectedTotal": draft["total"]}
		issued := o.as("finance").do("POST", "/invoices", order)
		got := o.read("finance", "/invoices?filter[jobs]="+ref).items()[0]
		if got["number"] != issued.body["number"] || got["number"] != float64(i+1) {
			t.Errorf("invoice %v is listed as %v", issued.body["number"], got["number"])
		}
		o.clock("2020-04-01T09:00:00Z")
	}
	numbers := func(query string) (all []any) {
		for _, i := range o.read("finance", "/invoices?limit=500&"+query).items() {
			all = append(all, i["number"])
		}
		return all
	}
	o.book("2020-05-20T10:00", 60)
	if up, down := numbers("sort=number"), numbers("sort=-number"); len(up) < 2 || up[0] != float64(1) || up[1] != float64(2) || down[0] != float64(2) || down[1] != float64(1) {
		t.Errorf("by number: %v, downwards %v", up, down)
	}
	if got := numbers("filter[number]=2"); !slices.Equal(got, []any{float64(2)}) {
		t.Errorf("where the number contains 2: %v", got)
	}
}

// calendarAsList: the calendar takes every filter of the job list.
func (o *office) calendarAsList() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	free, taken := o.book("2020-12-01T10:00", 60), o.assigned("2020-12-02T10:00", 60)
	for query, want := range map[string][]string{"list=unassigned": {free}, "list=assigned": {taken}, "list=completed": {}, "filter[status]=ASSI": {taken}, "filter[waitingOn]=agency": {free},
		"customer=" + o.read("requestor", "/me").body["customer"].(string): {free, taken}} {
		if got := refsOf(o.read("assigner", "/calendar?from=2020-12-01&to=2020-12-08&"+query)); !slices.Equal(got, want) {
			t.Errorf("the calendar where %s: %v, want %v", query, got, want)
		}
	}
	for _, bad := range []string{"list=bogus", "filter[bogus]=x"} {
		problemIs(t, "the calendar where "+bad, o.ask("assigner", "/calendar?from=2020-12-01&to=2020-12-08&"+bad), 422, "invalid")
	}
}

// heads: every address that answers GET answers HEAD as GET, without the body.
func (o *office) heads() {
	t := o.t
	o.clock("2020-03-02T09:00:00Z")
	ref := o.book("2020-12-10T10:00", 60)
	customer := o.read("requestor", "/me").body["customer"].(string)
	asset := ""
	page := (&client{t: t, base: o.base}).send("GET", "/sign-in", nil, nil)
	if _, rest, found := strings.Cut(string(page.raw), `"/assets/`); found {
		asset, _, _ = strings.Cut(rest, `"`)
	}
	if asset == "" {
		t.Fatal("the sign-in page names no asset")
	}
	o.read("admin", "/jobs/"+ref)
	for path, status := range map[string]int{"/api/v1/jobs": 200, "/api/v1/jobs/" + ref: 200, "/api/v1/me": 200, "/api/v1/customers/" + customer: 200, "/api/v1/jobs/DTP1": 404, "/api/v1/jobs?limit=0": 422,
		"/api/v1/nothing": 404, "/api/openapi.json": 200, "/api/docs": 200, "/healthz": 200, "/readyz": 200, "/metrics": 200, "/sign-in": 200, "/": 303, "/jobs": 303, "/nothing": 303,
		"/assets/" + asset: 200, "/assets/nothing": 404, "/look.css": 200, "/api/v1/offers": 403} {
		get, head := o.plain("GET", path), o.plain("HEAD", path)
		if get.status != status || head.status != status || len(head.raw) != 0 {
			t.Errorf("%s: GET %d, HEAD %d with %d bytes, want %d", path, get.status, head.status, len(head.raw), status)
		}
		for _, name := range []string{"Content-Type", "ETag", "Cache-Control", "Location", "X-Content-Type-Options"} {
			if get.header.Get(name) != head.header.Get(name) {
				t.Errorf("%s: GET has %s %q, HEAD %q", path, name, get.header.Get(name), head.header.Get(name))
			}
		}
		if strings.HasPrefix(path, "/api/v1/") && status == 200 && path != "/api/v1/me/preferences" && head.header.Get("Dragoman-Position") == "" {
			t.Errorf("HEAD %s does not tell how far the read models were", path)
		}
	}
	nobody := (&client{t: t, base: o.base}).send("HEAD", "/api/v1/jobs", nil, nil)
	if nobody.status != http.StatusUnauthorized || nobody.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("HEAD by nobody: %d %v", nobody.status, nobody.header)
	}
}

// plain is one request of the admin's that follows no redirect.
func (o *office) plain(method, path string) reply {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.base+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.as("admin").token)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		o.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(res.Body); err != nil {
		o.t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{status: res.StatusCode, header: res.Header, raw: raw.Bytes()}
}

// otherMethods: an address says which methods it takes, and answers no JSON under the name of a table.
func (o *office) otherMethods() {
	t := o.t
	for accept, status := range map[string]int{"text/csv": 406, "text/csv, application/json": 200, "text/csv;q=0.5, */*": 200, "application/json": 200, "*/*": 200, "": 200} {
		if r := o.as("admin").send("GET", "/api/v1/me", nil, map[string]string{"Accept": accept}); r.status != status || !strings.Contains(r.header.Get("Content-Type"), "json") {
			t.Errorf("what I am as %q: %d %s %s", accept, r.status, r.header.Get("Content-Type"), r.raw)
		}
	}
	problemIs(t, "a command's answer as a table", o.as("admin").send("POST", "/api/v1/customers", map[string]any{"name": "Tables"}, map[string]string{"Accept": "text/csv"}), 406, "not-acceptable")
	for request, want := range map[string]string{"DELETE /api/v1/jobs": "GET, HEAD", "GET /api/v1/bookings": "POST", "HEAD /api/v1/bookings": "POST", "POST /api/v1/languages": "GET, HEAD",
		"DELETE /api/v1/customers": "GET, HEAD, POST", "PUT /api/v1/customers/" + o.location: "GET, HEAD, PATCH", "PATCH /api/v1/me/preferences": "GET, HEAD, PUT", "POST /healthz": "GET, HEAD"} {
		method, path, _ := strings.Cut(request, " ")
		r := o.plain(method, path)
		if r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != want || r.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d, Allow %q, want %q", request, r.status, r.header.Get("Allow"), want)
		}
	}
}
