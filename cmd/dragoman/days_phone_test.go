package main

import (
	"strings"
	"testing"
)

// fits judges the page that the phone shows: nothing scrolls sideways, and fingers find their targets of 24 pixels and more.
func (b *tab) fits() {
	b.t.Helper()
	b.faultsOf(b.path(), phoneFaults)
}

// TestN04_N14_M25_TheInterpretersDayOnAPhone: an interpreter with a phone of 390 by 844 pixels signs in, sees the offers, reads why she is asked and
// nothing of what customers say of interpreters, counters one, accepts one, marks a time away that holds a job, which is named, looks at the week,
// agrees hours, and gets the address of a calendar feed. Every page on the way fits the phone and its fingers.
func TestN04_N14_M25_TheInterpretersDayOnAPhone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	countered := d.book("2020-03-26T10:00", 60, map[string]any{"preferredInterpreter": lin1, "precludedInterpreter": lin2, "gender": "female"})
	accepted, had := d.book("2020-03-27T14:00", 90, nil), d.book("2020-03-24T09:00", 60, nil)
	for _, ref := range []string{countered, accepted} {
		d.assigner.job(ref, "send-offer", map[string]any{"interpreters": []string{lin1}})
	}
	d.assigner.job(had, "assign", map[string]any{"interpreter": lin1})
	d.settled(had)

	b := newTab(t, d.base, screen{phone: true})
	b.open("/sign-in")
	b.fits()
	b.enter("interpreter")
	b.fits()
	menu := func(link string) {
		t.Helper()
		b.press(b.beginning("summary", "Menu"))
		b.follow(link)
		b.fits()
	}

	// The offers, and why she is asked.
	menu("Offers")
	for _, said := range []string{countered, accepted, "Polish", "Thu 26 Mar 2020, 10:00–11:00", "£28.00"} {
		b.sees(said)
	}
	b.follow(countered)
	b.fits()
	b.click("summary", "Why you were asked")
	b.sees("Speaks Polish")
	b.fits()
	for _, secret := range []string{"prefer", "does not want", "preclude", "wished", lin2} {
		if text := b.text(); strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
			t.Errorf("the offer tells %q: %s", secret, text)
		}
	}

	// One is countered, one accepted.
	b.follow("Make a counter-offer")
	b.fits()
	b.fill("For a fee of", "45.00")
	b.send("Send the counter-offer")
	b.sees("£45.00")
	b.fits()
	menu("Offers")
	b.send("Accept " + accepted)
	b.sees("Accepted. The agency will confirm.")
	b.fits()
	job := d.assigner.get("/jobs/" + accepted)
	if offer := objectsOf(job.body["offers"])[0]; offer["state"] != "accepted" {
		t.Errorf("the accepted offer stands %v", offer)
	}
	counter, _ := objectsOf(d.assigner.get("/jobs/" + countered).body["offers"])[0]["counter"].(map[string]any)
	if counter["state"] != "open" || counter["fee"].(map[string]any)["amount"] != "45.00" {
		t.Errorf("the counter-offer stands %v", counter)
	}

	// Away at a time that holds a job: it stays hers and is named. Then the week.
	menu("Diary")
	b.sees(had)
	b.sees("09:00–10:00")
	b.sees("accepted, not confirmed")
	b.fits()
	b.follow("Later")
	b.sees("30 March")
	b.fits()
	b.follow("This week")
	b.follow("When I can work")
	b.fits()
	b.fill("First day", "2020-03-24")
	b.fill("Last day", "2020-03-25")
	b.send("Save")
	b.sees("You have jobs at times when you are not available")
	b.sees(had)
	b.sees("They stay yours.")
	b.fits()
	b.follow("To the diary")
	b.sees("not available")
	if status := d.assigner.get("/jobs/" + had).body["status"]; status != "assigned" {
		t.Errorf("the job in the time away is %v", status)
	}

	// After the job the customer enters the hours, and she agrees them.
	d.customer.clock("24/03/2020 12:00")
	d.customer.job(had, "submit-timesheet", blocksOf("2020-03-24T09:00", "2020-03-24T10:15"))
	d.settled(had)
	menu("Timesheets")
	b.sees("1 hr 15 mins")
	b.follow("Check the hours " + had)
	b.fits()
	b.send("Accept these hours")
	b.sees("The timesheet is accepted.")
	b.fits()
	if now := d.assigner.get("/jobs/"+had, d.customer).body; now["status"] != "complete" {
		t.Errorf("after the hours are agreed the job is %v", now["status"])
	}

	// The feed's address, which opens the calendar without a sign-in.
	menu("Diary")
	b.follow("Calendar feeds")
	b.fits()
	b.click("radio", "Only that I am busy")
	b.send("Make a feed")
	b.sees("Your feed is ready")
	b.fits()
	var address string
	b.eval(`document.getElementById('address').value`, &address)
	_, path, _ := strings.Cut(address, "/api/")
	feed := (&client{t: t, base: d.base}).send("GET", "/api/"+path, nil, nil)
	if feed.status != 200 || !strings.Contains(string(feed.raw), "BEGIN:VCALENDAR") {
		t.Errorf("the feed at %s answers %d %s", address, feed.status, feed.raw)
	}
	menu("My jobs")
	b.sees("complete: success")
}
