package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/dragoman-booking/dragoman/domain"
)

const (
	lin1 = "LIN/5455/5J71Y" // of interpreter
	lin2 = "LIN/5466/5J71X" // of interpreter2
)

// desk is a demo whose business clock stands, with a customer and an assigner who call the API to make jobs, and browsers for every role.
type desk struct {
	t                  testing.TB
	base               string
	customer, assigner *client
	location           string
	browsers           map[string]*browser
}

func newDesk(t testing.TB, clock string) *desk {
	t.Helper()
	d := &desk{t: t, base: startDemo(t), browsers: map[string]*browser{}}
	d.customer, d.assigner = signIn(t, d.base, "requestor"), signIn(t, d.base, "assigner")
	d.customer.clock(clock)
	d.location = d.customer.get("/locations").items()[0]["id"].(string)
	return d
}

// as is the browser of a demo user.
func (d *desk) as(username string) *browser {
	d.t.Helper()
	if d.browsers[username] == nil {
		d.browsers[username] = browse(d.t, d.base, username)
	}
	return d.browsers[username]
}

// book makes a face-to-face job, with changes to its form's fields, and returns its reference.
func (d *desk) book(start string, minutes int, fields map[string]any) string {
	d.t.Helper()
	body := faceToFace(d.location, start, minutes)
	for k, v := range fields {
		body["fields"].(map[string]any)[k] = v
	}
	made := d.customer.do("POST", "/bookings", body)
	return made.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
}

// settled waits until every read model of a job knows what the API's clients did.
func (d *desk) settled(ref string) {
	d.t.Helper()
	for _, path := range []string{"/jobs/" + ref, "/jobs/" + ref + "/activity", "/jobs/" + ref + "/messages"} {
		d.assigner.get(path, d.customer)
	}
	d.assigner.get("/calendar?from=2020-03-01&to=2020-03-02")
	d.assigner.again("GET", "/api/v1/jobs/"+ref+"/candidates?limit=1", nil) // whether it has any or not: the diaries are there
}

// lands follows an accepted form to the page that shows what became of it: it says so, and the read models know it.
func (d *desk) lands(b *browser, p *page, done string) *page {
	d.t.Helper()
	if p.status != http.StatusSeeOther {
		d.t.Fatalf("POST %s: %d %s", p.path, p.status, p.words())
	}
	to, err := url.Parse(p.location())
	if err != nil {
		d.t.Fatal(err)
	}
	if got := to.Query().Get("done"); got != done {
		d.t.Errorf("POST %s says %q is done, want %q", p.path, got, done)
	}
	if at := to.Query().Get("at"); later(at, d.assigner.position) {
		d.assigner.position = at
	}
	d.settled(strings.Split(to.Path, "/")[2])
	shown := b.see(p.location())
	if toast := shown.byID("toasts"); toast == nil || textOf(toast) == "" {
		d.t.Errorf("%s does not say that %s is done", p.location(), done)
	}
	return shown
}

// refused is a form that came back: with a status, an error summary whose links lead to inputs, and nothing lost.
func refused(t testing.TB, p *page, status int) *html.Node {
	t.Helper()
	if p.status != status {
		t.Fatalf("POST %s: %d, want %d: %s", p.path, p.status, status, p.words())
	}
	summary := p.byID("refusal")
	if summary == nil || attr(summary, "role") != "alert" {
		t.Fatalf("POST %s: no error summary: %s", p.path, p.words())
	}
	for _, a := range every(summary, func(n *html.Node) bool { return n.DataAtom == atom.A }) {
		if id, ok := strings.CutPrefix(attr(a, "href"), "#"); !ok || p.byID(id) == nil {
			t.Errorf("POST %s: the summary leads to %s, which is not on the page", p.path, attr(a, "href"))
		}
	}
	return summary
}

func wants(t testing.TB, p *page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.words(), text) {
			t.Errorf("%s lacks %q:\n%s", p.path, text, p.words())
		}
	}
}

func lacks(t testing.TB, p *page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.text, text) {
			t.Errorf("%s shows %q", p.path, text)
		}
	}
}

// headings are the texts of the page's headings of second order, the panels' titles.
func headings(p *page) (titles []string) {
	for _, n := range every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.H2 }) {
		titles = append(titles, textOf(n))
	}
	return titles
}

func idOf(lin string) string { return domain.InterpreterID(lin).String() }

// TestLL66_LL67_LL68_LL70_LL71_LL72_LL74_LL104_LL132_JobPageByRole: the panels of LL-71 in order, the message of LL-67, and of everything only what each role may read (LL-66..74).
func TestLL66_LL67_LL68_LL70_LL71_LL72_LL74_LL104_LL132_JobPageByRole(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, map[string]any{"jobNotes": "Two people at a time", "assignedNotes": "Ask for the blue door", "agencyNotes": "Please be quick",
		"preferredInterpreter": lin2, "costCentre": "CC-77"})
	d.settled(ref)

	p := d.as("requestor").see("/jobs/" + ref)
	if got := p.heading(); got != ref+" new" {
		t.Errorf("heading is %q", got)
	}
	want := []string{"Linguist details", "Address", "Interpreter(s)", "Appointment details", "Custody cases only", "Contact details", "If relevant", "Timesheets"}
	if diff := cmp.Diff(want, headings(p)); diff != "" {
		t.Errorf("panels (-want +got):\n%s", diff)
	}
	wants(t, p, "We are currently issuing job offers", "This job does not have a linguist assigned to it.", "Castle Hill Custody Suite Castle Hill Road Huddersfield HD4 6TA", "To language Polish", "Tier Common",
		"Your cost centre code CC-77", "Job creation date and time 20/03/2020 09:00", "Date and time required 26/03/2020 14:00", "Estimated duration 1 hr",
		"Notes for the assigned interpreter Not visible to interpreters unless they are assigned", "Ask for the blue door", "No Timesheets", "Edit job details", "Cancel job",
		"More actions", "Activity Notes", "Admin Messages")
	lacks(t, p, "Please be quick", "/assign", "/send-offer", "/history", "asOf=")
	if p.byID("linguist") == nil || first(p.doc, func(n *html.Node) bool { return attr(n, "class") == "silhouette" }) == nil {
		t.Error("there is no silhouette of whom nobody has assigned (LL-72)")
	}

	shown := d.lands(d.as("assigner"), d.as("assigner").submit(d.as("assigner").see("/jobs/"+ref), "take", nil), "take")
	wants(t, shown, "is working on this booking", "Please be quick", "What the customer reads meanwhile An assigner is currently working on this booking", "Release this booking")
	wants(t, d.as("requestor").see("/jobs/"+ref), "An assigner is currently working on this booking")

	for _, stranger := range []string{"requestor2", "interpreter", "interpreter2"} {
		for _, path := range []string{"", "/activity", "/messages", "/timesheet", "/cancel"} {
			if p := d.as(stranger).get("/jobs/" + ref + path); p.status != http.StatusNotFound || strings.Contains(p.text, "Kowalski") {
				t.Errorf("%s gets %d for %s of a job that is not theirs to know", stranger, p.status, path)
			}
		}
	}

	d.assigner.job(ref, "send-offer", map[string]any{"interpreters": []string{lin1}})
	d.settled(ref)
	p = d.as("interpreter").see("/jobs/" + ref)
	wants(t, p, "Your offer", "£28.00", "Accept this job", "Two people at a time", "Huddersfield HD4")
	lacks(t, p, "Kowalski", "Castle Hill", "HD4 6TA", "blue door", "0113", "CC-77", "Admin Messages", "issuing job offers", lin2, "Edit job details")

	for _, reader := range []string{"admin", "finance", "safeguarding", "auditor", "analyst", "customer-admin"} {
		p := d.as(reader).see("/jobs/" + ref)
		if p.heading() != ref+" new" {
			t.Errorf("%s reads the heading %q", reader, p.heading())
		}
		if reader == "analyst" {
			lacks(t, p, "Kowalski", "Sergeant Bell", "Castle Hill Road", "Admin Messages")
		}
		if forms := every(p.doc, func(n *html.Node) bool {
			return n.DataAtom == atom.Form && strings.HasPrefix(attr(n, "action"), "/jobs/") && attr(n, "method") == "post"
		}); len(forms) > 0 {
			t.Errorf("%s, who changes nothing about a new job, is offered %s", reader, attr(forms[0], "action"))
		}
	}

	d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	d.settled(ref)
	p = d.as("requestor").see("/jobs/" + ref)
	wants(t, p, "Ana Nowak "+lin1+" is assigned to this job.", "More details", "Enhanced DBS valid 01/01/2015 to 31/12/2099", "PAIT ID")
	lacks(t, p, "does not have a linguist", "issuing job offers", "interpreter@", "Telephone")
	p = d.as("interpreter").see("/jobs/" + ref)
	wants(t, p, "Castle Hill Road", "Jan Kowalski", "Ask for the blue door", "Reception", "Give this job back")
	lacks(t, p, "0113", "bell@police.example", "CC-77")

	// Whom to call stands on every page of a customer, and beside a job that is due within three hours (LL-132).
	footer := func(p *page) string {
		if n := first(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Footer }); n != nil {
			return textOf(n)
		}
		return ""
	}
	if got := footer(d.as("requestor").see("/account")); !strings.Contains(got, "please call the urgent number") || !strings.Contains(got, "For urgent jobs call 0161 496 0000") {
		t.Errorf("the customer reads below the page: %q", got)
	}
	if got := footer(d.as("interpreter").see("/account")); !strings.Contains(got, "bookings@dragoman.example") || strings.Contains(got, "bookings, and Admin") {
		t.Errorf("the interpreter reads below the page: %q", got)
	}
	if got := footer(d.as("assigner").see("/account")); got != "" {
		t.Errorf("staff read below the page: %q", got)
	}
	for _, c := range []struct {
		clock  string
		urgent bool
	}{{"26/03/2020 11:00", false}, {"26/03/2020 14:00", false}, {"26/03/2020 11:01", true}} {
		d.customer.clock(c.clock)
		if p := d.as("requestor").see("/jobs/" + ref); (p.byID("urgent") != nil) != c.urgent {
			t.Errorf("at %s the job says whom to call: %t", c.clock, !c.urgent)
		}
	}
	if d.as("assigner").see("/jobs/"+ref).byID("urgent") != nil {
		t.Error("staff are told to call themselves")
	}
}

// TestLL76_LL77_LL95_WorkOnAJobByForms plays the fifteen notes of LL-95 with forms alone, as the people concerned would.
func TestLL76_LL77_LL95_WorkOnAJobByForms(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "24/03/2020 15:46")
	ref := d.book("2020-03-26T14:00", 60, nil)
	d.settled(ref)
	staff, ana, ben, customer := d.as("assigner"), d.as("interpreter"), d.as("interpreter2"), d.as("requestor")
	job := "/jobs/" + ref

	// Nobody chosen: refused, and what was typed is still there.
	d.customer.clock("24/03/2020 15:47")
	choose := staff.see(job + "/send-offer")
	again := staff.submit(choose, "send-offer", map[string][]string{"override": {"the only one near"}})
	refused(t, again, http.StatusUnprocessableEntity)
	if again.value("override") != "the only one near" {
		t.Error("what was typed is lost")
	}
	found := staff.see(job + "/send-offer?language=pl&q=wilk")
	wants(t, found, "Benedykt Wilk")
	lacks(t, found, "Ana Nowak")
	d.lands(staff, staff.submit(again, "send-offer", map[string][]string{"interpreters": {idOf(lin1)}}), "send-offer")
	shown := d.lands(staff, staff.submit(staff.see(job), "revoke-"+idOf(lin1), nil), "revoke-offer")
	wants(t, shown, "revoked")
	d.customer.clock("24/03/2020 15:48")
	d.lands(staff, staff.submit(staff.see(job+"/send-offer"), "send-offer", map[string][]string{"interpreters": {idOf(lin1)}}), "send-offer")

	d.customer.clock("24/03/2020 15:58")
	d.lands(ana, ana.submit(ana.see(job), "accept-offer", nil), "accept-offer")
	d.customer.clock("24/03/2020 15:59")
	shown = d.lands(staff, staff.submit(staff.see(job), "assign-"+idOf(lin1), nil), "assign")
	wants(t, shown, "Ana Nowak "+lin1+" is assigned to this job.")

	d.customer.clock("24/03/2020 18:04")
	back := ana.see(job + "/unassign")
	wants(t, back, "Give this job back", "The job goes back to the agency", "Give the job back")
	lacks(t, back, "Unassign")
	wants(t, ana.see(job+"/actions"), "Give this job back")
	wants(t, staff.see(job+"/unassign"), "Unassign the interpreter", "Ana Nowak ("+lin1+") is taken off the job")
	refused(t, ana.submit(back, "unassign", nil), http.StatusUnprocessableEntity)
	d.lands(ana, ana.submit(ana.see(job+"/unassign"), "unassign", map[string][]string{"reason": {"no longer available"}}), "unassign")
	wants(t, customer.see(job), "This job does not have a linguist assigned to it.", "issuing job offers")

	// The second interpreter rings; staff choose him and record it (D-18).
	d.customer.clock("25/03/2020 10:34")
	chosen := staff.submit(staff.see(job+"/accept-offer"), "accept-offer", map[string][]string{"interpreter": {idOf(lin2)}})
	if chosen.status != http.StatusSeeOther {
		t.Fatalf("record an acceptance: %d %s", chosen.status, chosen.words())
	}
	d.lands(staff, chosen, "accept-offer")
	d.customer.clock("25/03/2020 10:40")
	d.lands(staff, staff.submit(staff.see(job), "assign-"+idOf(lin2), nil), "assign")

	d.customer.clock("15/04/2020 08:40")
	moved := staff.submit(staff.see(job+"/change-eta"), "change-eta", map[string][]string{"eta": {"2020-03-26T16:00"}})
	refused(t, moved, http.StatusUnprocessableEntity)
	if moved.value("eta") != "2020-03-26T16:00" {
		t.Error("the typed start is lost")
	}
	shown = d.lands(staff, staff.submit(moved, "change-eta", map[string][]string{"agreedBy": {"Sergeant Bell"}}), "change-eta")
	wants(t, shown, "ETA 26/03/2020 16:00", "Date and time required 26/03/2020 14:00")

	d.customer.clock("01/05/2020 13:17")
	sheet := customer.see(job + "/timesheet")
	if sheet.value("blocks.start") != "2020-03-26T16:00" || sheet.value("blocks.end") != "2020-03-26T17:00" {
		t.Errorf("the first row is %s to %s, not the agreed times (LL-122)", sheet.value("blocks.start"), sheet.value("blocks.end"))
	}
	d.lands(customer, customer.submit(sheet, "submit-timesheet", nil), "submit-timesheet")
	d.customer.clock("01/05/2020 13:18")
	answer := ben.see(job + "/timesheet")
	wants(t, answer, "Hours that wait for your answer", "26/03/2020 16:00", "1 hr")
	shown = d.lands(ben, ben.submit(answer, "accept-timesheet", nil), "accept-timesheet")
	wants(t, shown, "accepted")

	notes := customer.see(job + "/activity")
	if notes.heading() != "Job activity notes" {
		t.Errorf("heading is %q", notes.heading())
	}
	var got []string
	for _, row := range every(notes.doc, func(n *html.Node) bool { return n.DataAtom == atom.Tr }) {
		got = append(got, textOf(row))
	}
	want := []string{
		"Creation Date Note",
		"01/05/2020 13:18 " + ref + " changed from ongoing to complete: success",
		"01/05/2020 13:17 " + ref + " changed from assigned to ongoing",
		"15/04/2020 08:40 " + ref + " ETA has changed to 26/03/2020 16:00:00",
		"25/03/2020 10:40 " + ref + " changed from new to assigned",
		"25/03/2020 10:40 Assigned " + lin2 + " to job " + ref,
		"25/03/2020 10:34 " + lin2 + " accepted job offer for " + ref,
		"24/03/2020 18:04 " + ref + " changed from assigned to new",
		"24/03/2020 18:04 Unassigned " + lin1 + " from job " + ref,
		"24/03/2020 15:59 " + ref + " changed from new to assigned",
		"24/03/2020 15:59 Assigned " + lin1 + " to job " + ref,
		"24/03/2020 15:58 " + lin1 + " accepted job offer for " + ref,
		"24/03/2020 15:48 Sent job offer to " + lin1 + " for job " + ref,
		"24/03/2020 15:47 Revoked job offer to " + lin1 + " for job " + ref,
		"24/03/2020 15:47 Sent job offer to " + lin1 + " for job " + ref,
		"24/03/2020 15:46 " + ref + " Created",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("activity notes (-want +got):\n%s", diff)
	}
	wants(t, customer.see(job), "complete: success", "1 hr")
}

// TestLL28_LL96_OffersAnswered: an interpreter proposes another start and another declines with a reason; the agency asks the customer, who agrees.
func TestLL28_LL96_OffersAnswered(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, nil)
	d.settled(ref)
	staff, ana, ben, customer := d.as("assigner"), d.as("interpreter"), d.as("interpreter2"), d.as("requestor")
	job := "/jobs/" + ref
	d.lands(staff, staff.submit(staff.see(job+"/send-offer"), "send-offer", map[string][]string{"interpreters": {idOf(lin1), idOf(lin2)}}), "send-offer")

	decline := ben.see(job + "/decline-offer")
	wants(t, decline, "Decline the job")
	d.lands(ben, ben.submit(decline, "decline-offer", map[string][]string{"reason": {"Too far"}}), "decline-offer")
	accept := ana.see(job + "/accept-offer")
	wants(t, accept, "Accept the job", "Only if you cannot come at the requested time.")
	wants(t, staff.see(job+"/accept-offer?interpreter="+idOf(lin1)), "Record an acceptance", "Only if the interpreter cannot come at the requested time.")
	past := ana.submit(accept, "accept-offer", map[string][]string{"proposedStart": {"2020-03-19T16:00"}, "reason": {"after my train"}})
	refused(t, past, http.StatusUnprocessableEntity)
	if past.value("reason") != "after my train" || past.value("proposedStart") != "2020-03-19T16:00" {
		t.Error("what the interpreter typed is lost")
	}
	d.lands(ana, ana.submit(past, "accept-offer", map[string][]string{"proposedStart": {"2020-03-26T16:00"}}), "accept-offer")

	shown := staff.see(job)
	wants(t, shown, "Ana Nowak "+lin1+" accepted", "Proposed start 26/03/2020 16:00", "after my train", "Benedykt Wilk "+lin2+" declined", "Too far")

	// Assigning needs the customer's yes to that start: the refusal offers to ask.
	no := staff.submit(shown, "assign-"+idOf(lin1), nil)
	refused(t, no, http.StatusUnprocessableEntity)
	d.lands(staff, staff.submit(no, "ready-propose-eta", nil), "propose-eta")
	wants(t, staff.see(job), "It waits for the customer's answer.")
	asked := customer.see(job)
	wants(t, asked, "The interpreter can come at 26/03/2020 16:00. The requested time was 26/03/2020 14:00.")
	d.lands(customer, customer.submit(asked, "agree-eta", nil), "agree-eta")
	d.lands(staff, staff.submit(staff.see(job), "assign-"+idOf(lin1), nil), "assign")
	wants(t, customer.see(job), "ETA 26/03/2020 16:00")

	// Another proposal is declined; the ETA stays.
	d.lands(staff, staff.submit(staff.see(job+"/propose-eta"), "propose-eta", map[string][]string{"eta": {"2020-03-26T18:00"}}), "propose-eta")
	shown = d.lands(customer, customer.submit(customer.see(job), "decline-eta", nil), "decline-eta")
	wants(t, shown, "ETA 26/03/2020 16:00")
	lacks(t, shown, "18:00")
}

// TestLL38_LL39_PrecludedNeedsAReason: who is precluded stands last and marked, and is assigned only with a reason, which is kept (LL-38, LL-39).
func TestLL38_LL39_PrecludedNeedsAReason(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, map[string]any{"precludedInterpreter": lin1, "preferredInterpreter": lin2})
	d.settled(ref)
	staff, job := d.as("assigner"), "/jobs/"+ref
	p := staff.see(job + "/assign")
	var order []string
	for _, item := range every(p.doc, func(n *html.Node) bool { return has(n, "data-words") }) {
		order = append(order, textOf(item))
	}
	want := []string{"1. Benedykt Wilk " + lin2 + " preferred by the customer Polish, Ukrainian", "Ana Nowak " + lin1 + " precluded by the customer Polish, Ukrainian The customer does not want this interpreter."}
	for i, item := range order {
		if i >= len(want) || !strings.HasPrefix(item, want[i]) || len(order) != len(want) {
			t.Errorf("the list is %q, want %q and the reasons", order, want)
		}
	}
	wants(t, p, "Why Benedykt Wilk", "for The customer prefers this interpreter.", "Who could not, and why (1)")
	no := staff.submit(p, "assign", map[string][]string{"interpreter": {idOf(lin1)}})
	refused(t, no, http.StatusUnprocessableEntity)
	if got := no.value("interpreter"); got != idOf(lin1) {
		t.Errorf("the choice is lost: %q", got)
	}
	shown := d.lands(staff, staff.submit(no, "assign", map[string][]string{"override": {"nobody else is in reach"}}), "assign")
	wants(t, shown, "nobody else is in reach")
	lacks(t, d.as("requestor").see(job), "nobody else is in reach")
}

// TestN04_LL28_FindAnInterpreter: who could do the job stands in order, with the reasons; whoever could come later is offered that in one click.
func TestN04_LL28_FindAnInterpreter(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	busy := d.book("2020-03-26T14:00", 60, nil)
	d.settled(busy)
	staff := d.as("assigner")
	d.lands(staff, staff.submit(staff.see("/jobs/"+busy+"/assign"), "assign", map[string][]string{"interpreter": {idOf(lin1)}}), "assign")
	ref := d.book("2020-03-26T14:00", 60, map[string]any{"flexibility": "2-hours"})
	d.settled(ref)
	p := staff.see("/jobs/" + ref + "/send-offer")
	wants(t, p, "1. Benedykt Wilk", "2. Ana Nowak", "Could begin at 15:00, 1 h later than asked for", "Has 1 h of jobs in that week.")
	button := first(p.doc, func(n *html.Node) bool {
		return n.DataAtom == atom.Button && textOf(n) == "Offer 26/03/2020 15:00 to Ana Nowak"
	})
	if button == nil {
		t.Fatalf("no later start can be chosen: %s", p.words())
	}
	offer := staff.see(attr(button, "formaction") + "?" + url.Values{attr(button, "name"): {attr(button, "value")}, "override": {"typed before"}}.Encode())
	chosen := first(offer.doc, func(n *html.Node) bool { return attr(n, "name") == "interpreters" && has(n, "checked") })
	if offer.value("proposedStart") != "2020-03-26T15:00" || chosen == nil || attr(chosen, "value") != idOf(lin1) || offer.value("override") != "typed before" {
		t.Errorf("the later start is not offered: %q to %v, typed is %q", offer.value("proposedStart"), chosen, offer.value("override"))
	}
	wants(t, d.lands(staff, staff.submit(offer, "send-offer", nil), "send-offer"), "26/03/2020 15:00")
	rigid := d.book("2020-03-26T14:30", 60, nil)
	d.settled(rigid)
	wants(t, staff.see("/jobs/"+rigid+"/assign"), "1. Benedykt Wilk", "Who could not, and why (1)", "Has job "+busy+" from 14:00 to 15:00.")
	found := staff.see("/jobs/" + rigid + "/assign?language=&q=haddad") // looked for by name, with the reasons too
	wants(t, found, "Farah Haddad", "Does not speak Polish.")
}

// TestStaleTabs: two tabs, two people; the second is told what changed, loses nothing and can go on (G-03, G-02).
func TestStaleTabs(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, nil)
	d.settled(ref)
	staff, job := d.as("assigner"), "/jobs/"+ref
	one, two := staff.see(job+"/log-contact"), staff.see(job+"/log-contact")
	d.lands(staff, staff.submit(one, "log-contact", map[string][]string{"kind": {"call"}, "text": {"Rang the desk"}}), "log-contact")
	stale := staff.submit(two, "log-contact", map[string][]string{"kind": {"email"}, "text": {"Wrote to the desk"}})
	summary := refused(t, stale, http.StatusPreconditionFailed)
	if text := textOf(summary); !strings.Contains(text, "a contact was logged – "+"Asha Grant"+" (assigner), 20/03/2020 09:00") {
		t.Errorf("the summary does not say what changed: %s", text)
	}
	if stale.value("text") != "Wrote to the desk" || stale.value("kind") != "email" {
		t.Error("what was typed into the stale page is lost")
	}
	d.lands(staff, staff.submit(stale, "log-contact", nil), "log-contact")
	wants(t, staff.see(job+"/messages"), "Rang the desk", "Wrote to the desk")

	// A customer is told what the agency's people did by what they are, not by their names.
	theirs := d.as("requestor").see(job + "/edit")
	d.lands(staff, staff.submit(staff.see(job+"/messages"), "post-message", map[string][]string{"text": {"Any parking?"}}), "post-message")
	edited := d.as("requestor").submit(theirs, "edit", map[string][]string{"fields.reportTo": {"Back door"}})
	if text := textOf(refused(t, edited, http.StatusPreconditionFailed)); !strings.Contains(text, "an admin message was posted – assigner, 20/03/2020 09:00") || strings.Contains(text, "Asha Grant") {
		t.Errorf("the customer is told: %s", text)
	}
	if edited.value("fields.reportTo") != "Back door" {
		t.Error("what the customer typed is lost")
	}

	// The same form sent twice is done once; both answers lead to the same place.
	form := staff.see(job + "/messages")
	values := map[string][]string{"text": {"Once is enough"}}
	a, b := staff.submit(form, "post-message", values), staff.submit(form, "post-message", values)
	d.lands(staff, a, "post-message")
	if b.status != http.StatusSeeOther || b.location() != a.location() {
		t.Errorf("the second press answers %d %s, the first led to %s", b.status, b.location(), a.location())
	}
	if n := strings.Count(staff.see(job+"/messages").text, "Once is enough"); n != 1 {
		t.Errorf("the message is there %d times", n)
	}

	// Two assigners at once: one wins, the other sees who has it now.
	first, second := staff.see(job+"/assign"), staff.see(job+"/assign")
	d.lands(staff, staff.submit(first, "assign", map[string][]string{"interpreter": {idOf(lin1)}}), "assign")
	late := staff.submit(second, "assign", map[string][]string{"interpreter": {idOf(lin2)}})
	if text := textOf(refused(t, late, http.StatusPreconditionFailed)); !strings.Contains(text, "an interpreter was assigned – "+"Asha Grant"+" (assigner), 20/03/2020 09:00") {
		t.Errorf("the summary does not say what changed: %s", text)
	}
	refused(t, staff.submit(late, "assign", nil), http.StatusConflict)
	wants(t, staff.see(job), "Ana Nowak "+lin1+" is assigned to this job.")
	if gone := staff.get(job + "/assign"); gone.status != http.StatusConflict || gone.heading() != ref+" assigned" {
		t.Errorf("the page of what is no longer possible: %d %q", gone.status, gone.heading())
	}

	// What customer and agency say to each other an interpreter's stale page does not tell.
	d.customer.clock("26/03/2020 16:00")
	ana := d.as("interpreter")
	hours := ana.see(job + "/timesheet")
	d.lands(staff, staff.submit(staff.see(job+"/messages"), "post-message", map[string][]string{"text": {"Was the room free?"}}), "post-message")
	again := ana.submit(hours, "submit-timesheet", map[string][]string{"blocks.end": {"2020-03-26T15:10"}})
	if text := textOf(refused(t, again, http.StatusPreconditionFailed)); strings.Contains(text, "message") || strings.Contains(text, "What changed") {
		t.Errorf("the interpreter is told: %s", text)
	}
	d.lands(ana, ana.submit(again, "submit-timesheet", nil), "submit-timesheet")
}

// TestLL97_LL98_Messages: the thread between customer and agency, in order, which no interpreter finds (LL-97, LL-98).
func TestLL97_LL98_Messages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, nil)
	d.assigner.get("/jobs/"+ref, d.customer)
	d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	d.settled(ref)
	customer, staff, path := d.as("requestor"), d.as("assigner"), "/jobs/"+ref+"/messages"
	empty := customer.see(path)
	if empty.heading() != "Admin Messages" {
		t.Errorf("heading is %q", empty.heading())
	}
	refused(t, customer.submit(empty, "post-message", map[string][]string{"text": {"  "}}), http.StatusUnprocessableEntity)
	d.lands(customer, customer.submit(empty, "post-message", map[string][]string{"text": {"Please bring <b>ID</b>"}}), "post-message")
	d.customer.clock("20/03/2020 09:05")
	shown := d.lands(staff, staff.submit(staff.see(path), "post-message", map[string][]string{"text": {"We shall tell her"}}), "post-message")
	ask, reply := strings.Index(shown.words(), "Please bring <b>ID</b>"), strings.Index(shown.words(), "We shall tell her")
	if ask < 0 || reply < ask {
		t.Errorf("the thread is not in order: %s", shown.words())
	}
	wants(t, shown, "20/03/2020 09:00", "20/03/2020 09:05")
	for user, status := range map[string]int{"interpreter": 404, "requestor2": 404, "finance": 403, "auditor": 200} {
		if p := d.as(user).get(path); p.status != status {
			t.Errorf("%s gets %d for the thread, want %d", user, p.status, status)
		}
		if p := d.as(user).post("/jobs/"+ref+"/post-message", url.Values{"text": {"hello"}}); p.status == http.StatusSeeOther {
			t.Errorf("%s wrote into the thread", user)
		}
	}
	lacks(t, staff.see(path), "hello")
}

// TestII86_LL113_LL114_LL115_CancelByTheCustomer: with a name, in time; after the window the admin message that asks for it (LL-113..115).
func TestII86_LL113_LL114_LL115_CancelByTheCustomer(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	early, late := d.book("2020-03-26T14:00", 60, nil), d.book("2020-03-26T15:00", 60, nil)
	d.settled(late)
	customer := d.as("requestor")

	d.customer.clock("23/03/2020 13:59")
	p := customer.see("/jobs/" + early + "/cancel")
	wants(t, p, "You can cancel until 23/03/2020 14:00. That is in 1 minute.", "Authorised By", "Cancel Job")
	no := customer.submit(p, "cancel", map[string][]string{"details": {"charged this morning"}, "reason": {"no-longer-needed"}})
	refused(t, no, http.StatusUnprocessableEntity)
	if no.value("details") != "charged this morning" || no.value("reason") != "no-longer-needed" {
		t.Error("what was typed is lost")
	}
	shown := d.lands(customer, customer.submit(no, "cancel", map[string][]string{"authorisedBy": {"Inspector Hale"}}), "cancel")
	wants(t, shown, "cancelled", "Authorised By Inspector Hale", "charged this morning")
	lacks(t, shown, "/cancel\"")

	// The form was open before the window closed, and is sent after it: the refusal offers the admin message.
	open := customer.see("/jobs/" + late + "/cancel")
	d.customer.clock("23/03/2020 15:00")
	no = customer.submit(open, "cancel", map[string][]string{"authorisedBy": {"Inspector Hale"}})
	refused(t, no, http.StatusUnprocessableEntity)
	if no.byID("ready-post-message") == nil {
		t.Fatalf("no ready admin message: %s", no.words())
	}
	p = customer.see("/jobs/" + late + "/cancel")
	wants(t, p, "You could cancel this job yourself until 23/03/2020 15:00.")
	if p.byID("cancel") != nil {
		t.Error("the form to cancel is still there after the window")
	}
	d.lands(customer, customer.submit(p, "post-message", nil), "post-message")
	wants(t, d.as("assigner").see("/jobs/"+late+"/messages"), "Please cancel job "+late+".")

	// The agency is bound by no window.
	staff := d.as("assigner")
	wants(t, d.lands(staff, staff.submit(staff.see("/jobs/"+late+"/cancel"), "cancel", map[string][]string{"authorisedBy": {"Sergeant Bell"}}), "cancel"), "cancelled")
}

// TestII04_LL113_CancelSwitchedOff: a customer for whom cancelling is not enabled finds no button (LL-113).
func TestII04_LL113_CancelSwitchedOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, nil)
	admin := signIn(t, d.base, "admin")
	off := false
	me := d.customer.get("/me")
	admin.do("PATCH", fmt.Sprintf("/customers/%s", me.body["customer"]), map[string]any{"settings": map[string]any{"cancelEnabled": &off}})
	admin.get("/jobs/"+ref, d.customer)
	admin.get("/customers")
	p := d.as("requestor").see("/jobs/" + ref)
	lacks(t, p, "Cancel job", "/cancel")
	if p := d.as("requestor").get("/jobs/" + ref + "/cancel"); p.status != http.StatusConflict {
		t.Errorf("the page to cancel answers %d", p.status)
	}
}

// TestLL121_LL123_TimesheetGrid: seven rows at least, more on demand without losing a value, faults beside their rows (LL-121..123).
func TestLL121_LL123_TimesheetGrid(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T09:00", 120, nil)
	d.assigner.get("/jobs/"+ref, d.customer)
	d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	d.customer.clock("27/03/2020 09:00")
	d.settled(ref)
	customer, path := d.as("requestor"), "/jobs/"+ref+"/timesheet"
	p := customer.see(path)
	if n := len(p.named("blocks.start")); n != 7 {
		t.Errorf("the grid has %d rows", n)
	}
	wants(t, p, "Job ref "+ref, "Date and time 26/03/2020 09:00", "Estimated duration 2 hrs", "Submit Timesheets")
	starts := []string{"2020-03-26T09:00", "", "2020-03-26T10:30", "", "", "", ""}
	ends := []string{"2020-03-26T10:00", "", "2020-03-26T11:00", "", "", "", ""}
	typed := url.Values{"blocks.start": starts, "blocks.end": ends, "more": {"1"}, "incidentals.kind": {"parking"}, "incidentals.amount": {"4.50"},
		"incidentals.quantity": {""}, "incidentals.note": {"Two hours"}, "currency": {"GBP"}}
	more := customer.post("/jobs/"+ref+"/submit-timesheet", typed)
	if more.status != http.StatusOK || len(more.named("blocks.start")) != 14 || more.value("incidentals.amount") != "4.50" {
		t.Fatalf("more rows: %d, %d rows, %q", more.status, len(more.named("blocks.start")), more.value("incidentals.amount"))
	}
	values, _ := formValues(more.byID("submit-timesheet"))
	if got := values["blocks.start"]; got[0] != "2020-03-26T09:00" || got[1] != "2020-03-26T10:30" {
		t.Errorf("the rows lost what was typed: %v", got)
	}
	wrong := customer.submit(more, "submit-timesheet", map[string][]string{"blocks.end": {"2020-03-26T08:00", "2020-03-26T11:00"}})
	refused(t, wrong, http.StatusUnprocessableEntity)
	if in := wrong.byID("sheet-blocks-0-end"); in == nil || attr(in, "aria-invalid") != "true" || attr(in, "value") != "2020-03-26T08:00" {
		t.Error("the reversed row is not marked")
	}
	shown := d.lands(customer, customer.submit(more, "submit-timesheet", nil), "submit-timesheet")
	wants(t, shown, "1 hr 30 mins", "Parking: £4.50 – Two hours", "submitted")
	lacks(t, shown, "Submit Timesheets", "Accept these hours")

	// The other side disputes with a reason; staff settle on behalf.
	ana := d.as("interpreter")
	answer := ana.see(path)
	wants(t, answer, "Hours that wait for your answer")
	wants(t, d.as("assigner").see(path), "Hours that wait for the interpreter's answer")
	refused(t, ana.submit(answer, "dispute-timesheet", map[string][]string{"reason": {" "}}), http.StatusUnprocessableEntity)
	shown = d.lands(ana, ana.submit(answer, "dispute-timesheet", map[string][]string{"reason": {"I stayed until noon"}}), "dispute-timesheet")
	wants(t, shown, "disputed", "I stayed until noon")
	staff := d.as("assigner")
	sheet := staff.see(path)
	d.lands(staff, staff.submit(sheet, "submit-timesheet", map[string][]string{"onBehalfOf": {"interpreter"}, "blocks.start": {"2020-03-26T09:00"}, "blocks.end": {"2020-03-26T12:00"}}), "submit-timesheet")
	shown = d.lands(customer, customer.submit(customer.see(path), "accept-timesheet", nil), "accept-timesheet")
	wants(t, shown, "3 hrs", "accepted")
	if p := d.as("requestor2").get(path); p.status != http.StatusNotFound {
		t.Errorf("another customer gets %d", p.status)
	}
}

// TestLL124_LongBreakContinues: a break of more than four hours is refused with the continuation ready; pressing it twice makes one (LL-124).
func TestLL124_LongBreakContinues(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T08:00", 120, nil)
	d.assigner.get("/jobs/"+ref, d.customer)
	d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	d.customer.clock("27/03/2020 09:00")
	d.settled(ref)
	customer, path := d.as("requestor"), "/jobs/"+ref+"/timesheet"
	no := customer.submit(customer.see(path), "submit-timesheet", map[string][]string{
		"blocks.start": {"2020-03-26T08:00", "2020-03-26T14:01", "2020-03-26T20:00"}, "blocks.end": {"2020-03-26T10:00", "2020-03-26T15:00", "2020-03-26T21:00"}})
	refused(t, no, http.StatusUnprocessableEntity)
	if got, _ := formValues(no.byID("submit-timesheet")); !slices.Equal(got["blocks.start"][:3], []string{"2020-03-26T08:00", "2020-03-26T14:01", "2020-03-26T20:00"}) {
		t.Errorf("the grid lost what was typed: %v", got["blocks.start"])
	}
	first, second := customer.submit(no, "continue", nil), customer.submit(no, "continue", nil)
	shown := d.lands(customer, first, "continue")
	if second.status != http.StatusSeeOther || second.location() != first.location() {
		t.Errorf("the second press answers %d %s: %s", second.status, second.location(), second.words())
	}
	wants(t, shown, "26/03/2020 20:00 26/03/2020 21:00", "ongoing", ref, "Ana Nowak "+lin1)
	original := customer.see("/jobs/" + ref)
	wants(t, original, "26/03/2020 08:00 26/03/2020 10:00 2 hrs", "(continues this job)")
	if n := len(d.customer.get("/jobs?status=ongoing", d.assigner).items()); n != 3 {
		t.Errorf("there are %d jobs of those hours, want the job and its two continuations", n)
	}
}

// TestII80_D08_CloseByStaff: a new job whose time has passed is closed as not fulfilled, with a reason (D-08); an admin may too, a customer may not.
func TestII80_D08_CloseByStaff(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T09:00", 60, nil)
	d.customer.clock("27/03/2020 09:00")
	d.settled(ref)
	admin, job := d.as("admin"), "/jobs/"+ref
	p := admin.see(job + "/close")
	no := admin.submit(p, "close", nil)
	refused(t, no, http.StatusUnprocessableEntity)
	shown := d.lands(admin, admin.submit(no, "close", map[string][]string{"reason": {"No interpreter available"}}), "close")
	wants(t, shown, "complete: not fulfilled")
	for user, status := range map[string]int{"requestor": http.StatusConflict, "requestor2": http.StatusNotFound, "finance": http.StatusForbidden, "auditor": http.StatusForbidden} {
		if p := d.as(user).get(job + "/close"); p.status != status {
			t.Errorf("%s gets %d for the page to close, want %d", user, p.status, status)
		}
	}
}

// TestHistoryAndAsOf: the auditor reads every event beside its bytes; staff and auditor move through the job's past; nobody else.
func TestHistoryAndAsOf(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T09:00", 60, nil)
	d.assigner.get("/jobs/"+ref, d.customer)
	d.customer.clock("20/03/2020 10:00")
	d.assigner.job(ref, "send-offer", map[string]any{"interpreters": []string{lin1}})
	d.customer.clock("20/03/2020 11:00")
	d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	d.settled(ref)
	job := "/jobs/" + ref
	auditor := d.as("auditor")
	p := auditor.see(job + "/history")
	if p.heading() != "History" {
		t.Errorf("heading is %q", p.heading())
	}
	wants(t, p, "Booked booking.created.v1", "Offered booking.offer-sent.v1", "Interpreter assigned booking.job-assigned.v1", "20/03/2020 11:00:00")
	stored := every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Pre })
	if len(stored) != 3 || !strings.Contains(textOf(stored[0]), `"$sealed"`) || strings.Contains(textOf(stored[0]), "Kowalski") {
		t.Errorf("%d events show their bytes; sealed values must stay sealed there", len(stored))
	}
	meaning := p.byID("event-0")
	if meaning == nil || !strings.Contains(textOf(meaning), "Jan Kowalski") {
		t.Error("the meaning does not open what is sealed")
	}
	slider := p.byID("moment")
	if slider == nil || attr(slider, "type") != "range" || attr(slider, "max") != "2" || attr(slider, "value") != "2" {
		t.Fatal("there is no slider over the three moments")
	}

	moved := auditor.submit(p, "moments", map[string][]string{"moment": {"1"}})
	if moved.status != http.StatusSeeOther {
		t.Fatalf("the slider answers %d %s", moved.status, moved.words())
	}
	then := auditor.see(moved.location())
	wants(t, then, "You see this job as it stood at 20/03/2020 10:00:00", "This job does not have a linguist assigned to it.", "Ana Nowak "+lin1+" open")
	if then.heading() != ref+" new" || then.byID("take") != nil {
		t.Errorf("the job of then reads %q", then.heading())
	}
	var next string
	for _, a := range every(then.doc, func(n *html.Node) bool { return n.DataAtom == atom.A && attr(n, "rel") == "next" }) {
		next = attr(a, "href")
	}
	wants(t, auditor.see(next), "Ana Nowak "+lin1+" is assigned to this job.")

	staff := d.as("assigner")
	wants(t, staff.see(then.path), "You see this job as it stood at 20/03/2020 10:00:00", "Sent job offer to "+lin1)
	if forms := staff.see(then.path).byID("revoke-" + idOf(lin1)); forms != nil {
		t.Error("the past can be changed")
	}
	for _, user := range []string{"requestor", "interpreter", "analyst"} {
		if p := d.as(user).get(then.path); p.status != http.StatusForbidden {
			t.Errorf("%s gets %d for the past", user, p.status)
		}
	}
	for user, status := range map[string]int{"assigner": 403, "requestor": 403, "requestor2": 403, "interpreter": 403} {
		if p := d.as(user).get(job + "/history"); p.status != status {
			t.Errorf("%s gets %d for the history, want %d", user, p.status, status)
		}
	}
	for _, path := range []string{job + "?moment=99", job + "?asOf=2020-03-19T00:00:00Z"} {
		if p := auditor.get(path); p.status != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, p.status)
		}
	}
}
