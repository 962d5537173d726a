package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// formTo is the id of a page's form that posts to a path; a test that asks for one that is not there has failed.
func (p *page) formTo(path string) string {
	p.t.Helper()
	form := first(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Form && attr(n, "action") == path })
	if form == nil {
		p.t.Fatalf("%s has no form to %s: %s", p.path, path, p.words())
	}
	return attr(form, "id")
}

// done follows an accepted form to the page that says so.
func done(b *browser, p *page, key string) *page {
	b.t.Helper()
	if p.status != http.StatusSeeOther {
		b.t.Fatalf("POST %s: %d %s", p.path, p.status, p.words())
	}
	if !strings.Contains(p.location(), "done="+key) {
		b.t.Errorf("POST %s leads to %s, want done=%s", p.path, p.location(), key)
	}
	shown := b.see(p.location())
	if toast := shown.byID("toasts"); toast == nil || textOf(toast) == "" {
		b.t.Errorf("%s does not say that %s is done", p.location(), key)
	}
	return shown
}

// section is the part of a page under a heading with this id.
func (p *page) section(id string) string {
	p.t.Helper()
	found := first(p.doc, func(n *html.Node) bool { return attr(n, "aria-labelledby") == id })
	if found == nil {
		return ""
	}
	return textOf(found)
}

// TestOffersPage: an offer with its fee on the first line, town and outward postcode and no more of the address; accepted it waits for the
// agency, declined it ends with the reason; what happens to the job meanwhile does not stop an answer, but a changed offer is looked at again.
func TestOffersPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 90, map[string]any{"jobNotes": "Bring the consent form", "assignedNotes": "Ring the second bell"})
	d.assigner.job(ref, "send-offer", map[string]any{"interpreters": []string{lin1, lin2}, "expiresAt": "2020-03-21T09:00:00Z"})
	d.settled(ref)
	ana, ben := d.as("interpreter"), d.as("interpreter2")

	shown := ana.see("/offers")
	if shown.heading() != "Offers" {
		t.Errorf("the heading is %q", shown.heading())
	}
	card := shown.section("offer-" + ref)
	first := first(shown.byID("offer-"+ref), func(n *html.Node) bool { return n.DataAtom == atom.H3 })
	if got := textOf(first); got != "Polish · Thu 26 Mar 2020, 14:00–15:30 · Huddersfield HD4 £42.00" {
		t.Errorf("the offer's first line is %q", got)
	}
	for _, text := range []string{"Face to face · 1 hr 30 mins", "Bring the consent form", "answer by 21/03/2020 09:00 (1 day left)"} {
		if !strings.Contains(card, text) {
			t.Errorf("the offer lacks %q: %s", text, card)
		}
	}
	lacks(t, shown, "Jan Kowalski", "Ring the second bell", "0113 496", "bell@police.example", "Benedykt")

	// Meanwhile the other one declines: the job's revision moves on, the offer does not.
	no := ben.see("/offers")
	after := done(ben, ben.submit(no, no.formTo("/offers/"+ref+"/decline"), map[string][]string{"reason": {"Too far"}}), "offer-declined")
	if got := after.section("ended"); !strings.Contains(got, "You declined: Too far") {
		t.Errorf("the declined offer reads %q", got)
	}
	after = done(ana, ana.submit(shown, shown.formTo("/offers/"+ref+"/accept"), nil), "offer-accepted")
	if got := after.section("held"); !strings.Contains(got, "£42.00") || !strings.Contains(got, "accepted 20/03/2020 09:00") {
		t.Errorf("the accepted offer reads %q", got)
	}
	// Pressed twice it is done once, and says the same.
	done(ana, ana.submit(shown, "accept-"+ref, nil), "offer-accepted")
	if notes := d.assigner.get("/jobs/"+ref+"/activity", d.customer).items(); len(notes) != 5 { // created, two offers, declined, accepted
		t.Errorf("%d notes after two presses", len(notes))
	}
	if got := after.section("open"); strings.Contains(got, ref) {
		t.Errorf("it still waits for an answer: %s", got)
	}

	// The acceptance is withdrawn, and the job moved: the offer is another one, and a page that shows the old one accepts nothing.
	withdrawn := ana.submit(after, after.formTo("/offers/"+ref+"/decline"), map[string][]string{"reason": {"Ill"}})
	done(ana, withdrawn, "offer-declined")
	d.assigner.job(ref, "send-offer", map[string]any{"interpreters": []string{lin1}})
	d.settled(ref)
	old := ana.see("/offers")
	d.assigner.job(ref, "edit", map[string]any{"start": "2020-03-27T10:00"})
	d.settled(ref)
	stale := ana.submit(old, "accept-"+ref, nil)
	refused(t, stale, http.StatusPreconditionFailed)
	wants(t, stale, "This offer has changed since you saw it.", "Fri 27 Mar 2020")
	done(ana, ana.submit(stale, "accept-"+ref, nil), "offer-accepted")

	// Nobody else has such a page.
	for _, who := range []string{"requestor", "assigner", "admin", "auditor"} {
		if p := d.as(who).get("/offers"); p.status != http.StatusForbidden || p.heading() == "" {
			t.Errorf("%s opens /offers: %d", who, p.status)
		}
	}
	d.assigner.job(ref, "cancel", map[string]any{"authorisedBy": "Sergeant Bell"})
	d.settled(ref)
	gone := ana.submit(stale, "accept-"+ref, map[string][]string{"key": {"another press"}})
	refused(t, gone, http.StatusPreconditionFailed) // not an offer any more: said above the list
	wants(t, gone, "No offer waits for your answer.")
}

// TestAnOfferHeldByAnother: it cannot be accepted and says so; it is not among those that wait, whose number is that of their cards.
func TestAnOfferHeldByAnother(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	held, free := d.book("2020-03-26T10:00", 60, nil), d.book("2020-03-27T10:00", 60, nil)
	for _, ref := range []string{held, free} {
		d.assigner.job(ref, "send-offer", map[string]any{"interpreters": []string{lin1, lin2}})
	}
	d.settled(free)
	ana, ben := d.as("interpreter"), d.as("interpreter2")
	before := ben.see("/offers")
	shown := ana.see("/offers")
	done(ana, ana.submit(shown, "accept-"+held, nil), "offer-accepted")
	no := ben.submit(before, "accept-"+held, nil)
	refused(t, no, http.StatusConflict)
	if words := no.section("open"); !strings.Contains(words, "Waiting for your answer 1") || !strings.Contains(words, free) || strings.Contains(words, held) {
		t.Errorf("what waits reads %q", words)
	}
	if words := no.section("taken"); !strings.Contains(words, held) || !strings.Contains(words, "Accepted by another interpreter") {
		t.Errorf("what another holds reads %q", words)
	}
	if words := ben.see("/").section("offers"); strings.Contains(words, held) || !strings.Contains(words, free) {
		t.Errorf("on the first page waits %q", words)
	}
	if no.byID("accept-"+held) != nil || no.byID("accept-"+free) == nil {
		t.Error("what may be accepted is not what is offered")
	}
}

// TestMyJobsDiaryAndTimesheets: an assigned job with all that its interpreter needs and nothing more, its time in the diary, its hours to
// enter, to check and with the others.
func TestMyJobsDiaryAndTimesheets(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, map[string]any{"jobNotes": "Bring the consent form", "assignedNotes": "Ring the second bell", "agencyNotes": "Pays late"})
	waiting := d.book("2020-03-27T09:00", 60, nil)
	d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	d.assigner.job(waiting, "send-offer", map[string]any{"interpreters": []string{lin1}})
	d.settled(waiting)
	ana, customer := d.as("interpreter"), d.as("requestor")
	offers := ana.see("/offers")
	done(ana, ana.submit(offers, "accept-"+waiting, nil), "offer-accepted")

	mine := ana.see("/my-jobs")
	wants(t, mine, "Thursday 26 March 2020", "14:00–15:00 · Polish", "Reception", "Jan Kowalski", "Ring the second bell", "Bring the consent form", "I cannot attend")
	lacks(t, mine, "Pays late", "0113 496", "bell@police.example")
	place := d.customer.get("/locations").items()[0]["address"].(map[string]any)
	wants(t, mine, place["line1"].(string), place["postcode"].(string))

	agenda := ana.see("/diary?from=2020-03-25")
	for _, day := range []struct{ id, want string }{{"week-20200323", "Thu 26 Mar 14:00–15:00 " + ref + " Polish, face to face assigned"},
		{"week-20200323", "Fri 27 Mar 09:00–10:00 " + waiting + " Polish accepted, not confirmed"}, {"week-20200330", "nothing reserved"}} {
		if got := agenda.section(day.id); !strings.Contains(got, day.want) {
			t.Errorf("the diary lacks %q: %s", day.want, got)
		}
	}
	lacks(t, ana.see("/diary?from=2020-04-06"), ref)
	if later := ana.see("/diary").links(); !slices.Contains(later, "/diary?from=2020-03-30") {
		t.Errorf("the diary does not lead on: %v", later)
	}
	lacks(t, d.as("interpreter2").see("/diary?from=2020-03-23"), ref)

	// Over: its hours are to be entered; entered by the customer they are to be checked; accepted nothing waits.
	d.customer.clock("26/03/2020 16:00")
	hours := ana.see("/timesheets")
	if got := hours.section("hours-enter"); !strings.Contains(got, ref) || !slices.Contains(hours.links(), "/jobs/"+ref+"/timesheet") {
		t.Errorf("hours to enter: %q", got)
	}
	block := []map[string]any{{"start": "2020-03-26T14:00", "end": "2020-03-26T15:15"}}
	d.customer.job(ref, "submit-timesheet", map[string]any{"blocks": block})
	d.settled(ref)
	if got := ana.see("/timesheets").section("hours-check"); !strings.Contains(got, "Entered by the customer 26/03/2020 14:00 – 15:15 1 hr 15 mins") {
		t.Errorf("hours to check: %q", got)
	}
	worker := signIn(t, d.base, "interpreter")
	worker.job(ref, "dispute-timesheet", map[string]any{"reason": "I left later"})
	d.assigner.get("/jobs", worker)
	if got := ana.see("/timesheets").section("hours-waiting"); !strings.Contains(got, ref) || !strings.Contains(got, "I left later") {
		t.Errorf("hours with the others: %q", got)
	}
	d.customer.job(ref, "submit-timesheet", map[string]any{"blocks": block})
	worker.job(ref, "accept-timesheet", map[string]any{})
	d.assigner.get("/jobs", worker)
	wants(t, ana.see("/timesheets"), "Nothing waits for you.")
	if got := ana.see("/my-jobs").section("past"); !strings.Contains(got, ref) || !strings.Contains(got, "complete: success") {
		t.Errorf("past jobs: %q", got)
	}
	for _, path := range []string{"/my-jobs", "/timesheets", "/diary"} {
		if p := customer.get(path); p.status != http.StatusForbidden {
			t.Errorf("a requestor opens %s: %d", path, p.status)
		}
	}
}

// TestM25_AFeedMadeTwice: pressed twice the button makes one feed, and both pages show its address.
func TestM25_AFeedMadeTwice(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ana := d.as("interpreter")
	form := ana.see("/feeds")
	var addresses []string
	for range 2 {
		made := ana.submit(form, "feeds", map[string][]string{"level": {"place"}})
		if made.status != http.StatusCreated {
			t.Fatalf("make a feed: %d %s", made.status, made.words())
		}
		addresses = append(addresses, textOf(made.byID("address")))
	}
	if addresses[0] != addresses[1] || !strings.HasSuffix(addresses[0], ".ics") {
		t.Errorf("pressed twice it says %q", addresses)
	}
	refused(t, ana.submit(form, "feeds", map[string][]string{"level": {"full"}}), http.StatusUnprocessableEntity)
	if feeds := every(ana.see("/feeds").doc, func(n *html.Node) bool { return strings.HasPrefix(attr(n, "id"), "revoke-") }); len(feeds) != 1 {
		t.Errorf("there are %d feeds", len(feeds))
	}
}
