package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// cells are the texts of a table's body, row by row; a table that says it has no jobs has no rows.
func cells(p *page) (rows [][]string) {
	for _, tr := range every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Tr && has(n, "data-href") }) {
		var row []string
		for _, td := range every(tr, func(n *html.Node) bool { return n.DataAtom == atom.Td }) {
			row = append(row, textOf(td))
		}
		rows = append(rows, row)
	}
	return rows
}

// rowRefs are the references of a table's jobs, in order.
func rowRefs(p *page) (found []string) {
	for _, tr := range every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Tr && has(n, "data-href") }) {
		found = append(found, strings.TrimPrefix(attr(tr, "data-href"), "/jobs/"))
	}
	return found
}

// heads are the texts of a table's headers.
func heads(p *page) (found []string) {
	for _, th := range every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Th }) {
		found = append(found, textOf(th))
	}
	return found
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s are %q, want %q", what, got, want)
	}
}

var nine = []string{"Job ref", "Address 1", "Date and time required", "ETA", "Estimated duration", "Interpreter should report to",
	"Name of non-english speaker", "To language", "Job status"}

// tile is the count of a tile of the first page.
func tile(p *page, name string) string {
	card := first(p.doc, func(n *html.Node) bool {
		return attr(n, "class") == "card-body" && strings.Contains(textOf(n), name)
	})
	if card == nil {
		return ""
	}
	return strings.Fields(textOf(card))[0]
}

// TestII05_II20_LL08_LL09_LL10_LL11_LL12_FirstPage: the tiles, the nine columns, where a booking starts, the quick actions, and what each role finds (LL-08..12, II-05, II-19).
func TestII05_II20_LL08_LL09_LL10_LL11_LL12_FirstPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "25/03/2020 09:00")
	wants(t, d.as("requestor").see("/"), "No jobs")
	later := d.book("2020-03-27T10:00", 60, nil)
	next := d.book("2020-04-02T10:00", 90, nil)
	soon := d.book("2020-03-26T08:30", 30, map[string]any{"reportTo": "Front desk"})
	missed := d.book("2020-03-25T10:00", 30, nil)
	d.assigner.job(soon, "send-offer", map[string]any{"interpreters": []string{lin1}})
	d.assigner.job(later, "assign", map[string]any{"interpreter": lin1})
	d.assigner.do("PUT", "/settings/notices", map[string]any{"notices": []any{map[string]any{"key": "a", "text": "Closed on Friday"}}, "splash": "Clocks change"})
	d.customer.clock("25/03/2020 12:00")
	d.settled(soon)

	home := d.as("requestor").see("/")
	if got := home.heading(); got != "Your interpreter jobs" {
		t.Errorf("the heading is %q", got)
	}
	for name, want := range map[string]string{"New bookings this month": "4", "Jobs due this month": "3", "Jobs completed this month": "0", "Jobs requiring closure": "1"} {
		if got := tile(home, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	same(t, "headers", heads(home), nine)
	same(t, "upcoming jobs", rowRefs(home), []string{soon, later, next})
	row := cells(home)[0]
	if row[2] != "26/03/2020 08:30" || row[4] != "30 mins" || row[5] != "Front desk" || row[6] != "Jan Kowalski" || row[7] != "Polish" || row[8] != "new" {
		t.Errorf("the first job reads %q", row)
	}
	wants(t, home, "Clocks change", "Messages and Alerts", "Closed on Friday", "Make a booking", "Create New Booking", "Amend a booking", "Cancel a booking")
	if strings.Index(home.text, "Clocks change") > strings.Index(home.text, "Closed on Friday") {
		t.Error("the splash stands below the notices (II-20)")
	}
	if !slices.Contains(home.links(), "/jobs?list=requiring-closure") {
		t.Error("the tile leads nowhere (LL-09)")
	}
	for _, c := range []struct{ query, want string }{
		{"ref=" + strings.ToLower(soon), "/jobs/" + soon}, {"to=edit&ref=" + soon, "/jobs/" + soon + "/edit"},
		{"to=cancel&ref=+" + soon + "+", "/jobs/" + soon + "/cancel"}, {"to=%2F%2Fx&ref=" + soon, "/jobs/" + soon},
	} {
		if p := d.as("requestor").get("/job?" + c.query); p.status != http.StatusSeeOther || p.location() != c.want {
			t.Errorf("/job?%s leads to %d %s", c.query, p.status, p.location())
		}
	}
	same(t, "lists of the menu", slices.DeleteFunc(home.links(), func(l string) bool { return !strings.HasPrefix(l, "/jobs?list=") })[:7],
		[]string{"/jobs?list=unassigned", "/jobs?list=assigned", "/jobs?list=today", "/jobs?list=upcoming", "/jobs?list=in-progress",
			"/jobs?list=requiring-closure", "/jobs?list=completed"})

	mine := d.as("interpreter").see("/")
	wants(t, mine, "Offers waiting for your answer", soon, "Your next jobs", later)
	lacks(t, mine, next, missed, "Airedale", "/queue")
	queue := d.as("assigner").see("/")
	wants(t, queue, "Work queue", "All unassigned 2", "Nobody on it 2")
	if p := d.as("finance").see("/"); !slices.Contains(p.links(), "/invoices") || p.byID("drafts") == nil {
		t.Errorf("finance finds no drafts: %s", p.words())
	}
	for _, role := range []string{"customer-admin", "admin", "safeguarding", "auditor", "analyst"} {
		if p := d.as(role).see("/"); p.heading() != "Your interpreter jobs" || !strings.Contains(p.words(), soon) {
			t.Errorf("%s finds no upcoming jobs: %s", role, p.words())
		}
	}
	lacks(t, d.as("analyst").see("/"), "Jan Kowalski", "Amend a booking")
	lacks(t, d.as("auditor").see("/"), "Make a booking", "Amend a booking", `href="/book"`)
	if p := d.as("requestor2").see("/"); len(rowRefs(p)) != 0 || !strings.Contains(p.words(), "No jobs") {
		t.Errorf("another customer sees %q", rowRefs(p))
	}
	for _, path := range []string{"/", "/jobs?list=today", "/jobs", "/calendar", "/queue"} {
		marked := every(d.as("assigner").see(path).doc, func(n *html.Node) bool {
			return attr(n, "aria-current") == "page" && strings.HasPrefix(attr(n, "href"), path)
		})
		if len(marked) != 2 && path != "/queue" || len(marked) == 0 { // once in the bar, once in the phone's menu
			t.Errorf("%s is marked %d times in the header", path, len(marked))
		}
	}
}

// TestLL13_LL117_LL119_SevenLists: each list holds the jobs of its definition, 30 a page with the pager's text, and is sorted by its headers (LL-13, LL-117..120).
func TestLL13_LL117_LL119_SevenLists(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	var past []string
	for i := range 33 {
		past = append(past, d.book(fmt.Sprintf("2020-03-21T%02d:%02d", 8+i/6, i%6*10), 30, nil))
	}
	d.assigner.job(past[0], "assign", map[string]any{"interpreter": lin1})
	d.assigner.job(past[1], "assign", map[string]any{"interpreter": lin2})
	today := d.book("2020-03-23T18:00", 30, nil)
	d.assigner.job(today, "assign", map[string]any{"interpreter": lin1})
	open := d.book("2020-03-25T18:00", 30, nil)
	d.customer.clock("23/03/2020 12:00")
	d.customer.job(past[1], "submit-timesheet", map[string]any{"blocks": []any{map[string]any{"start": "2020-03-21T08:10", "end": "2020-03-21T08:40"}}})
	d.assigner.job(past[2], "close", map[string]any{"outcome": "not-fulfilled", "reason": "nobody"})
	d.settled(past[2])
	due := slices.Concat([]string{past[0]}, past[3:])

	b := d.as("requestor")
	ways := map[bool]int{} // in the menu or not
	for _, a := range every(b.see("/").doc, func(n *html.Node) bool {
		return n.DataAtom == atom.A && attr(n, "href") == "/jobs?list=requiring-closure"
	}) {
		ways[within(a, atom.Nav) != nil]++
	}
	if ways[true] == 0 || ways[false] == 0 {
		t.Errorf("LL-117: %d ways lead to what requires closure by the menu, %d by the tile", ways[true], ways[false])
	}
	page := b.see("/jobs?list=requiring-closure")
	if got := page.heading(); got != "Jobs requiring closure" {
		t.Errorf("the heading is %q", got)
	}
	same(t, "headers", heads(page), nine)
	same(t, "the first page", rowRefs(page), due[:30])
	wants(t, page, "Displaying 1 to 30 of 31.", "Next", "overdue")
	if slices.ContainsFunc(page.links(), func(l string) bool { return strings.Contains(l, "page=0") }) || strings.Contains(page.words(), "Previous") {
		t.Error("the first page has one before it")
	}
	second := b.see("/jobs?list=requiring-closure&page=2")
	same(t, "the second page", rowRefs(second), due[30:])
	wants(t, second, "Displaying 31 to 31 of 31.", "Previous")
	for _, column := range []string{"reportTo", "nonEnglishSpeaker", "language", "address1"} { // also by what a form decides who reads it
		wants(t, b.see("/jobs?list=requiring-closure&sort="+column), "Displaying 1 to 30 of 31.")
	}
	sorted := b.see("/jobs?list=requiring-closure&sort=-start")
	if got := rowRefs(sorted)[0]; got != past[32] {
		t.Errorf("sorted backwards it begins with %s", got)
	}
	head := first(sorted.doc, func(n *html.Node) bool { return n.DataAtom == atom.Th && attr(n, "aria-sort") == "descending" })
	if head == nil || textOf(head) != "Date and time required ▼" {
		t.Error("the header does not say how the list is sorted")
	}
	if !slices.Contains(sorted.links(), "/jobs?list=requiring-closure&page=2&sort=-start") {
		t.Errorf("the next page is sorted otherwise: %q", sorted.links())
	}
	for list, want := range map[string][]string{"unassigned": {open}, "assigned": {today}, "today": {today}, "upcoming": {today, open}, "in-progress": {past[1]},
		"completed": {past[2]}} {
		same(t, list, rowRefs(b.see("/jobs?list="+list)), want)
	}
	wants(t, b.see("/jobs?list=completed"), "complete: not fulfilled")
	wants(t, d.as("requestor2").see("/jobs?list=unassigned"), "No jobs")
	for _, path := range []string{"/jobs?list=everything", "/jobs?list=today&sort=secrets", "/jobs?sort=interpreter'"} {
		if p := b.get(path); p.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	same(t, "an interpreter's completed jobs", rowRefs(d.as("interpreter").see("/jobs?list=requiring-closure")), []string{past[0]})
	file := rowsOf(t, b.see("/jobs.csv?list=requiring-closure"))
	if len(file) != 32 || file[0][0] != "Job ref" || file[31][0] != past[32] || file[1][2] != "2020-03-21 08:00" || file[1][9] != "Europe/London" {
		t.Errorf("the list's file has %d rows: %q", len(file), file[:2])
	}
}

// rowsOf reads a CSV file.
func rowsOf(t testing.TB, p *page) [][]string {
	t.Helper()
	if got := p.header.Get("Content-Type"); !strings.HasPrefix(got, "text/csv") {
		t.Fatalf("%s is %s", p.path, got)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(p.text, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestII23_II24_II25_TabularView: filters in every column that hold together, columns kept per user, the file, the menu of actions (II-22..26).
func TestII23_II24_II25_TabularView(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	polish := d.book("2020-03-25T10:00", 60, map[string]any{"nonEnglishSpeaker": "=1+1"})
	taken := d.book("2020-03-26T14:00", 60, map[string]any{"nonEnglishSpeaker": "Ola Lis"})
	body := faceToFace(d.location, "2020-04-03T10:00", 60)
	body["language"] = "uk"
	ukrainian := d.customer.do("POST", "/bookings", body).body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	d.assigner.job(taken, "assign", map[string]any{"interpreter": lin1})
	d.settled(taken)

	b := d.as("requestor")
	if p := b.post("/jobs/columns", url.Values{"column": {"ref", "start", "location", "language", "serviceType", "nonEnglishSpeaker", "waitingOn", "nextStep", "status"}}); p.status != http.StatusSeeOther {
		t.Fatalf("choosing the columns: %d", p.status)
	}
	all := b.see("/jobs")
	wants(t, all, "Waiting on", "Next step", "Send offers", "Attend the job")
	same(t, "jobs by what they wait for", rowRefs(b.see("/jobs?sort=-waitingOn")), []string{taken, polish, ukrainian})
	same(t, "all jobs", rowRefs(all), []string{ukrainian, taken, polish})
	for _, c := range []struct {
		asked map[string]string
		want  []string
	}{
		{map[string]string{"filter[language]": "pol"}, []string{taken, polish}},
		{map[string]string{"filter[language]": "pol", "filter[status]": "assigned"}, []string{taken}},
		{map[string]string{"filter[start]": "3/4"}, []string{ukrainian}},
		{map[string]string{"filter[start]": "26/03/2020"}, []string{taken}},
		{map[string]string{"filter[nonEnglishSpeaker]": "LIS"}, []string{taken}},
		{map[string]string{"q": "kow"}, []string{ukrainian}},
		{map[string]string{"from": "2020-03-26", "to": "2020-03-26"}, []string{taken}},
		{map[string]string{"filter[serviceType]": "remote"}, nil},
		{map[string]string{"filter[waitingOn]": "interpreter"}, []string{taken}},
		{map[string]string{"filter[nextStep]": "send-offer"}, []string{ukrainian, polish}},
	} {
		changes := map[string][]string{}
		asked := url.Values{}
		for name, value := range c.asked {
			asked.Set(name, value)
			if name != "q" && name != "from" && name != "to" {
				if attr(all.named(name)[0], "form") != "grid" {
					t.Errorf("%s is no part of the form", name)
				}
				continue
			}
			changes[name] = []string{value}
		}
		found := b.see("/jobs?" + asked.Encode())
		same(t, fmt.Sprint("jobs with ", c.asked), rowRefs(found), c.want)
		for name, value := range c.asked {
			if got := found.value(name); got != value {
				t.Errorf("after filtering by %s=%s its control holds %q", name, value, got)
			}
		}
		if len(changes) == len(c.asked) {
			if p := b.submit(all, "grid", changes); p.status != http.StatusOK || !slices.Equal(rowRefs(p), c.want) {
				t.Errorf("the form with %v gives %d %q", c.asked, p.status, rowRefs(p))
			}
		}
	}
	for _, n := range all.named("filter[language]") {
		label := first(all.doc, func(l *html.Node) bool { return l.DataAtom == atom.Label && attr(l, "for") == attr(n, "id") })
		if label == nil || textOf(label) != "Filter by To language" {
			t.Error("a filter has no label")
		}
	}
	same(t, "jobs sorted by a header's button", rowRefs(b.see("/jobs?sort=-start&sort=start")), []string{polish, taken, ukrainian})

	// Columns.
	if p := b.post("/jobs/columns", url.Values{"reset": {"yes"}}); p.status != http.StatusSeeOther {
		t.Fatalf("the columns at first: %d", p.status)
	}
	all = b.see("/jobs")
	if !slices.Contains(heads(all), "Location") || slices.Contains(heads(all), "Created By") {
		t.Errorf("the columns at first are %q", heads(all))
	}
	chosen := url.Values{"column": {"ref", "createdBy", "status", "nonsense"}, "back": {"/jobs?filter%5Bstatus%5D=new"}}
	if p := b.post("/jobs/columns", chosen); p.status != http.StatusSeeOther || p.location() != "/jobs?filter%5Bstatus%5D=new" {
		t.Errorf("choosing columns: %d %s", p.status, p.location())
	}
	same(t, "columns after signing in again", heads(browse(t, d.base, "requestor").see("/jobs")), []string{"Job ref", "Created By", "Job status", "Actions"})
	if p := b.post("/jobs/columns", url.Values{"back": {"//elsewhere.example"}, "reset": {"yes"}}); p.location() != "/jobs" {
		t.Errorf("it leads to %s", p.location())
	}
	same(t, "columns after the reset", heads(b.see("/jobs")), heads(all))
	if p := b.post("/jobs/columns", url.Values{}); p.status != http.StatusUnprocessableEntity {
		t.Errorf("no column at all: %d", p.status)
	}

	// The file.
	file := rowsOf(t, b.see("/jobs.csv?filter%5Blanguage%5D=pol&sort=start"))
	speaker := slices.Index(file[0], "Name of non-english speaker")
	if len(file) != 3 || file[1][0] != polish || file[1][speaker] != "'=1+1" || file[2][speaker] != "Ola Lis" {
		t.Errorf("the file is %q", file)
	}

	// Actions, and who reads what.
	menu := b.see("/jobs/" + polish + "/actions?part=menu")
	lacks(t, menu, "<html", "/assign")
	wants(t, menu, "Edit job details", "Cancel job", "Admin Message")
	wants(t, d.as("assigner").see("/jobs/"+polish+"/actions"), "Take", "Send offers", "Assign an interpreter")
	lacks(t, d.as("auditor").see("/jobs/"+polish+"/actions?part=menu"), "<form", "/edit")
	for who, path := range map[string]string{"requestor2": "/jobs/" + polish + "/actions", "analyst": "/jobs?sort=nonEnglishSpeaker", "interpreter2": "/jobs/" + taken + "/actions?part=menu"} {
		if p := d.as(who).get(path); p.status != http.StatusNotFound {
			t.Errorf("%s, %s: %d", who, path, p.status)
		}
	}
	seen := d.as("analyst").see("/jobs?filter%5BnonEnglishSpeaker%5D=lis")
	if len(rowRefs(seen)) != 3 {
		t.Error("an analyst filters by a column that is pseudonymised")
	}
	lacks(t, seen, "Ola Lis")
	same(t, "an interpreter's jobs", rowRefs(d.as("interpreter").see("/jobs")), []string{taken})
	if p := stranger(t, d.base).get("/jobs.csv"); p.status != http.StatusSeeOther || !strings.HasPrefix(p.location(), "/sign-in") {
		t.Errorf("a stranger gets %d", p.status)
	}
}

// TestWorkQueue: custody first, then what is overdue; offers, who holds and who took; taken by a button.
func TestWorkQueue(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	far := d.book("2020-03-30T10:00", 60, nil)
	near := d.book("2020-03-21T08:00", 60, nil)
	custody := d.book("2020-03-26T10:00", 60, map[string]any{"custodyReference": "CU/1", "custodyClock": "2020-03-26T18:00"})
	d.assigner.job(far, "send-offer", map[string]any{"interpreters": []string{lin1, lin2}})
	signIn(t, d.base, "interpreter").do("POST", "/jobs/"+far+"/accept-offer", map[string]any{})
	d.customer.clock("20/03/2020 11:30")
	d.settled(near)

	b := d.as("assigner")
	queue := b.see("/queue")
	same(t, "the queue", rowRefs(queue), []string{custody, near, far})
	rows := cells(queue)
	if !strings.Contains(rows[0][0], "custody") || !strings.Contains(rows[1][1], "overdue First contact 20/03/2020 11:00 Booked under 24 hours ahead") ||
		!strings.Contains(rows[2][5], "held by") || rows[1][5] != "none out" || !strings.HasPrefix(rows[1][2], "21/03/2020 08:00 in 20 hrs") {
		t.Errorf("the queue reads %q", rows)
	}
	for show, want := range map[string][]string{"custody": {custody}, "due": {near}, "held": {far}, "mine": nil, "untaken": {custody, near, far}} {
		same(t, show, rowRefs(b.see("/queue?show="+show)), want)
	}
	// Nothing is found under what no database can look for.
	for _, path := range []string{"/jobs?filter[ref]=%00", "/jobs?filter[address1]=%ff", "/jobs/%00", "/interpreters?filter[name]=a%00&x=%zz"} {
		for _, who := range []*browser{b, stranger(t, d.base)} {
			if p := who.get(path); p.status != http.StatusNotFound {
				t.Errorf("%s: %d", path, p.status)
			}
		}
	}
	if p := b.get("/queue?show=all-of-it"); p.status != http.StatusNotFound {
		t.Errorf("an unknown part of the queue: %d", p.status)
	}
	form := first(queue.doc, func(n *html.Node) bool { return attr(n, "action") == "/jobs/"+near+"/take" })
	if form == nil {
		t.Fatal("a job cannot be taken")
	}
	values, _ := formValues(form)
	d.lands(b, b.post("/jobs/"+near+"/take", values), "take")
	same(t, "my jobs", rowRefs(b.see("/queue?show=mine")), []string{near})
	if row := cells(b.see("/queue?show=mine"))[0]; row[6] != "you" {
		t.Errorf("it is taken by %q", row[6])
	}
	lacks(t, d.as("auditor").see("/queue"), "/take")
	for _, who := range []string{"requestor", "interpreter", "finance", "analyst"} {
		if p := d.as(who).get("/queue"); p.status != http.StatusForbidden {
			t.Errorf("%s gets the queue: %d", who, p.status)
		}
	}
	closing := signIn(t, d.base, "assigner")
	closing.job(custody, "assign", map[string]any{"interpreter": lin2})
	d.assigner.get("/jobs/"+custody, closing)
	same(t, "the queue once one is assigned", rowRefs(b.see("/queue")), []string{near, far})
}

// TestCalendar: every view by links alone, filters from left to right, what the script draws, and jobs in other zones (II-08..16).
func TestCalendar(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "25/03/2020 09:00")
	admin := signIn(t, d.base, "admin")
	london := d.customer.get("/locations").items()[0]
	paris := admin.do("POST", "/locations", map[string]any{"customer": london["customer"], "name": "Rue de Rome", "timeZone": "Europe/Paris",
		"address": map[string]any{"line1": "1 Rue de Rome", "town": "Paris", "postcode": "75008"}}).body["id"].(string)
	d.customer.get("/locations", admin)
	here := d.book("2020-03-26T10:00", 90, nil)
	body := faceToFace(paris, "2020-03-26T15:00", 60)
	there := d.customer.do("POST", "/bookings", body).body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	next := d.book("2020-04-02T10:00", 60, nil)
	d.assigner.job(here, "assign", map[string]any{"interpreter": lin1})
	for _, path := range []string{"/calendar?from=2020-03-01&to=2020-05-01", "/jobs/" + here} {
		d.assigner.get(path, d.customer)
	}

	b := d.as("requestor")
	jobsOf := func(p *page) (found []string) {
		for _, a := range every(p.byID("cal-agenda"), func(n *html.Node) bool { return n.DataAtom == atom.A && attr(n, "class") == "fw-bold" }) {
			found = append(found, textOf(a))
		}
		return found
	}
	title := func(p *page) string { return textOf(p.byID("cal-title")) }
	month := b.see("/calendar")
	if month.heading() != "Calendar" || title(month) != "March 2020" {
		t.Errorf("it opens on %q", title(month))
	}
	same(t, "March", jobsOf(month), []string{here, there})
	wants(t, month, "14:00 to 15:00", "15:00 to 16:00 Europe/Paris", "Thursday 26 March 2020", "Created by")
	if !slices.Contains(month.links(), "/calendar?date=2020-02-01") || !slices.Contains(month.links(), "/calendar?date=2020-04-01") {
		t.Errorf("its neighbours are not there: %q", month.links())
	}
	for path, want := range map[string]string{"view=week": "23 – 29 March 2020", "view=week&date=2020-03-30": "30 March – 5 April 2020", "view=day": "Wednesday 25 March 2020",
		"view=agenda&date=2020-04-11": "April 2020", "view=week&date=2020-12-31": "28 December 2020 – 3 January 2021", "view=nonsense": "March 2020"} {
		if got := title(b.see("/calendar?" + path)); got != want {
			t.Errorf("%s shows %q, want %q", path, got, want)
		}
	}
	same(t, "next week", jobsOf(b.see("/calendar?view=week&date=2020-04-01")), []string{next})
	wants(t, b.see("/calendar?view=day"), "No jobs")
	for _, status := range []string{"requested", "new", "assigned", "ongoing", "complete", "cancelled"} {
		if !strings.Contains(textOf(first(month.doc, func(n *html.Node) bool { return strings.Contains(attr(n, "class"), "cal-legend") })), status) {
			t.Errorf("the legend lacks %s (II-09)", status)
		}
	}
	if p := b.get("/calendar?date=tomorrow"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a day that is none: %d", p.status)
	}

	// Client before location (II-13).
	location := month.byID("location")
	if !has(location, "disabled") {
		t.Error("a location may be chosen before a client")
	}
	var client string
	for _, o := range every(month.byID("client"), func(n *html.Node) bool { return n.DataAtom == atom.Option && attr(n, "value") != "" }) {
		client = attr(o, "value")
	}
	if client == "" {
		t.Fatal("no client may be chosen")
	}
	if chosen := b.submit(month, "cal-form", map[string][]string{"client": {client}}); chosen.status != http.StatusOK || has(chosen.byID("location"), "disabled") {
		t.Errorf("with a client no location may be chosen: %d", chosen.status)
	}
	same(t, "a location without its client", jobsOf(b.see("/calendar?location="+paris)), []string{here, there})

	// What is drawn.
	var drawn struct {
		Items []struct{ Ref, Language, Start, End, Status, StatusText, Service, CreatedBy, When, Own string }
		Cut   bool
	}
	answer := b.see("/calendar.json?from=2020-03-23&to=2020-03-30")
	if err := json.Unmarshal([]byte(answer.text), &drawn); err != nil || len(drawn.Items) != 2 {
		t.Fatalf("drawn is %s", answer.text)
	}
	if i := drawn.Items[1]; i.Ref != there || i.Start != "2020-03-26T14:00:00" || i.End != "2020-03-26T15:00:00" || i.Own != "15:00 to 16:00 Europe/Paris" ||
		i.Language != "Polish" || i.CreatedBy == "" || i.When != "26/03/2020 14:00 to 26/03/2020 15:00" {
		t.Errorf("the job in Paris is drawn as %+v", i)
	}
	if i := drawn.Items[0]; i.Status != "assigned" || i.Own != "" {
		t.Errorf("the job here is drawn as %+v", i)
	}
	for _, query := range []string{"", "from=2020-03-01", "from=2020-03-01&to=2020-03-01", "from=2020-01-01&to=2021-01-01", "from=x&to=2020-03-01"} {
		if p := b.get("/calendar.json?" + query); p.status != http.StatusUnprocessableEntity {
			t.Errorf("/calendar.json?%s: %d", query, p.status)
		}
	}
	if got := d.as("requestor2").see("/calendar.json?from=2020-03-23&to=2020-03-30").text; !strings.HasPrefix(got, `{"items":[]`) {
		t.Errorf("another customer is drawn %s", got)
	}
	same(t, "an interpreter's calendar", jobsOf(d.as("interpreter").see("/calendar")), []string{here})
	lacks(t, d.as("interpreter").see("/calendar"), `name="client"`, "Created by")
}

// TestLook: the agency's name, colours and logo are settings that an admin changes on a page; each page asks for them by their version.
func TestLook(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "25/03/2020 09:00")
	admin, b := d.as("admin"), d.as("requestor")
	sheet := func(p *page) string {
		return attr(first(p.doc, func(n *html.Node) bool { return strings.HasPrefix(attr(n, "href"), "/look.css?v=") }), "href")
	}
	before := sheet(b.see("/"))
	form := admin.see("/settings/look")
	no := admin.submit(form, "set", map[string][]string{"look.logoText": {"Speak Easy"}, "look.primary": {"#ffee00"}, "look.header": {"red"}})
	if text := textOf(refused(t, no, http.StatusUnprocessableEntity)); !strings.Contains(text, "send a darker one") || !strings.Contains(text, "Send a colour such as") || no.value("look.logoText") != "Speak Easy" {
		t.Errorf("pale colours: %s", text)
	}
	wants(t, done(admin, admin.submit(no, "set", map[string][]string{"look.primary": {"#7a1f5c"}, "look.header": {"#20304a"}}), "change-settings"), "Speak Easy", "#7a1f5c", "#20304a")
	home := b.see("/")
	if brand := first(home.doc, func(n *html.Node) bool { return attr(n, "class") == "navbar-brand" }); textOf(brand) != "Speak Easy" {
		t.Errorf("the header says %q", textOf(brand))
	}
	css := b.see(sheet(home))
	if sheet(home) == before || !strings.Contains(css.text, "--tblr-primary: #7a1f5c") || !strings.Contains(css.text, ".site-header { background: #20304a") ||
		!strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
		t.Errorf("the colours at %s are %s", sheet(home), css.text)
	}

	// A logo: what is no picture is refused; a picture stands in the header, under the name for those who cannot see it.
	if p := b.get("/logo"); p.status != http.StatusNotFound {
		t.Errorf("there is a logo before there is one: %d", p.status)
	}
	for name, content := range map[string]string{"": "", "logo.svg": "<svg onload=alert(1)>"} {
		refused(t, admin.upload(form, "logo", "picture", name, []byte(content)), http.StatusUnprocessableEntity)
	}
	done(admin, admin.upload(form, "logo", "picture", "logo.png", pictureOf(t, 120, 40)), "change-settings")
	home = b.see("/")
	picture := first(home.doc, func(n *html.Node) bool { return n.DataAtom == atom.Img })
	if picture == nil || attr(picture, "alt") != "Speak Easy" {
		t.Fatal("the header has no logo")
	}
	if got := stranger(t, d.base).see(attr(picture, "src")); got.text != string(pictureOf(t, 120, 40)) || got.header.Get("Content-Type") != "image/png" {
		t.Errorf("the logo is %d bytes of %s", len(got.text), got.header.Get("Content-Type"))
	}
	if css := b.see(sheet(home)); !strings.Contains(css.text, "#7a1f5c") {
		t.Error("the logo took the colours away")
	}
	// Nor does it when the colours change in the same moment, which no page shows yet.
	second := browse(t, d.base, "admin")
	for round := range 10 {
		colour := fmt.Sprintf("#1020%02d", round+10)
		colours, logo := admin.see("/settings/look"), second.see("/settings/look")
		changed := make(chan *page)
		go func() {
			changed <- admin.submit(colours, "set", map[string][]string{"look.primary": {colour}})
		}()
		uploaded := second.upload(logo, "logo", "picture", "logo.png", pictureOf(t, 100+round, 40))
		if p := <-changed; p.status != http.StatusSeeOther {
			t.Fatalf("new colours: %d %s", p.status, p.words())
		} else {
			admin.see(p.location())
		}
		done(second, uploaded, "change-settings")
		if now := admin.see("/settings/look").value("look.primary"); now != colour {
			t.Fatalf("round %d: a logo put %s in place of %s", round, now, colour)
		}
		if got := b.get("/logo"); got.text != string(pictureOf(t, 100+round, 40)) {
			t.Fatalf("round %d: the colours took the logo away", round)
		}
	}
	done(admin, admin.post("/settings/look/logo", url.Values{"remove": {"yes"}, "key": {"k"}}), "change-settings")
	if p := b.get("/logo"); p.status != http.StatusNotFound {
		t.Errorf("the logo is still there: %d", p.status)
	}
}
