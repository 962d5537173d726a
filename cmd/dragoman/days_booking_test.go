package main

import (
	"fmt"
	"strings"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
)

// What a requestor types into the face-to-face form, by label; lists and moments as their controls take them.
const (
	faceToFaceName = "Face to Face Assignment Only - NOT Court Bookings"
	bookedFor      = "2030-07-15T00:30"
	bookedAt       = "2030-07-15T00:30:00+01:00"
)

// typed are the texts of the form that its preset values leave open.
var typed = [][2]string{{"Your reference number", "OP-4711"}, {"Name of non-english speaker", "Maria Nowak"}, {"Your telephone number", "0113 496 0000"},
	{"Interpreter should report to", "Reception"}, {"Officer in the case", "Sergeant Bell"}, {"OIC collar number", "4201"}, {"OIC phone number", "0113 496 0001"},
	{"Secondary Contact email address", "duty@police.example"}}

// fillBooking fills the face-to-face form with mouse and keyboard.
func fillBooking(b *tab) {
	b.t.Helper()
	b.choose("Address", "Elland Road Custody Suite, 12 Elland Road, Leeds LS11 8TU")
	b.choose("Offence category", "Theft")
	b.choose("Assignment type", "Interview")
	b.choose("Language required", "Polish")
	b.fill("Date and time required", bookedFor)
	for _, t := range typed {
		b.fill(t[0], t[1])
	}
}

// toForm goes from the first page to the face-to-face form.
func toForm(b *tab) {
	b.t.Helper()
	b.open("/")
	b.leads(func() { b.click("link", "Make a booking") })
	b.leads(func() { b.click("link", faceToFaceName) })
}

// booked is the reference of the job whose page the tab shows.
func (b *tab) booked() string {
	b.t.Helper()
	ref, _, _ := strings.Cut(strings.TrimPrefix(b.path(), "/jobs/"), "?")
	if !strings.HasPrefix(ref, "DTP") {
		b.t.Fatalf("no job was booked: at %s: %s", b.path(), b.text())
	}
	return ref
}

// jobs counts the customer's jobs.
func (d *desk) jobs() int {
	d.t.Helper()
	return int(d.customer.get("/jobs?limit=1").body["total"].(float64))
}

// TestLL45_BookedByKeyboardAlone: from signing in to the job's page without the mouse.
func TestLL45_BookedByKeyboardAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	b := newTab(t, d.base, screen{})
	b.open("/sign-in")
	b.tabTo("textbox", "User name, e-mail or PIN")
	b.types("requestor")
	b.tabTo("textbox", "Password")
	b.types("dragoman-demo")
	b.leads(func() { b.key("Enter") })
	b.tabTo("link", "Make a booking")
	b.leads(func() { b.key("Enter") })
	b.tabTo("link", faceToFaceName)
	b.leads(func() { b.key("Enter") })

	b.tabTo("combobox", "Address")
	b.types("Elland")
	b.tabTo("textbox", "Your reference number")
	b.types("OP-4711")
	for _, choice := range [][2]string{{"Offence category", "Theft"}, {"Assignment type", "Interview"}, {"Language required", "Polish"}} {
		b.tabTo("combobox", choice[0])
		b.types(choice[1])
		var searched bool // a long list is searched by typing and taken with Enter; a short one is the browser's own
		if b.eval(`document.activeElement.matches('input')`, &searched); searched {
			b.find(choice[1], "option")
			b.key("Enter")
		}
	}
	b.tabTo("DateTime", "Date and time required")
	var language string
	b.eval(`navigator.language`, &language)
	day, hour := "15072030", "0030"
	if language == "en-US" { // each browser asks for a moment in its own way
		day, hour = "07152030", "1230A"
	}
	b.types(day)
	b.key("Right")
	b.types(hour)
	for _, field := range typed[1:] {
		b.tabTo("textbox", field[0])
		b.types(field[1])
	}
	b.tabTo("button", "Book")
	b.leads(func() { b.key("Enter") })
	job := d.customer.get("/jobs/" + b.booked()).body
	if job["start"] != bookedAt || job["language"] != "pl" || job["fields"].(map[string]any)["officerInCase"] != "Sergeant Bell" {
		t.Errorf("booked was %v", job)
	}
}

// TestLL46_BookedWithoutScript: the same by a browser whose script is off, first with a fault; nothing typed is lost.
func TestLL46_BookedWithoutScript(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	b := newTab(t, d.base, screen{noScript: true})
	b.signIn("requestor")
	toForm(b)
	fillBooking(b)
	b.fill("OIC collar number", "")
	b.expect(422)
	b.leads(func() { b.click("button", "Book") })
	b.sees("OIC collar number")
	var kept string
	b.eval(`document.querySelector('[name="fields.nonEnglishSpeaker"]').value`, &kept)
	if kept != "Maria Nowak" {
		t.Errorf("after the refusal the speaker is %q", kept)
	}
	b.fill("OIC collar number", "4201")
	b.leads(func() { b.click("button", "Book") })
	if job := d.customer.get("/jobs/" + b.booked()).body; job["start"] != bookedAt {
		t.Errorf("booked was %v", job)
	}
}

// TestLL44_RefreshedWhileBooking: pressing Book twice, or refreshing at once, makes one job, and one reaches it.
func TestLL44_RefreshedWhileBooking(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	b := newTab(t, d.base, screen{})
	b.signIn("requestor")
	for round := range 3 {
		before := d.jobs()
		toForm(b)
		fillBooking(b)
		button := b.find("Book", "button")
		again := map[int]func(){
			0: func() { b.run("refresh", cdppage.Reload()) },
			1: func() { _ = b.tap(button) }, // the job's page may have come
			2: func() { b.key("Enter") },    // the button has the focus
		}[round]
		b.mu.Lock()
		loads := b.loads
		b.mu.Unlock()
		b.press(button)
		b.until("the form is on its way", func() bool { return len(b.asking) > 0 || b.loads > loads })
		if !strings.HasPrefix(b.path(), "/jobs/") {
			again()
		}
		b.await("the job's page is there", `location.pathname.startsWith('/jobs/')`)
		b.still()
		ref := b.booked()
		b.reload()
		if b.booked() != ref {
			t.Errorf("round %d: refreshed, the page of %s is the one of %s", round, ref, b.booked())
		}
		d.customer.get("/jobs/" + ref)
		if after := d.jobs(); after != before+1 {
			t.Errorf("round %d: %d jobs became %d", round, before, after)
		}
	}
}

// TestTwoTabsRace: what one tab changed, the other is told of by name and field, keeps what was typed, and sends again.
func TestTwoTabsRace(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	ref := d.book(bookedFor, 60, nil)
	d.settled(ref)
	first := newTab(t, d.base, screen{})
	first.signIn("requestor")
	second := first.another()
	for _, b := range []*tab{first, second} {
		b.open("/jobs/" + ref + "/edit")
	}
	first.fill("Interpreter should report to", "Custody desk")
	first.leads(func() { first.click("button", "Update") })
	second.fill("Additional venue information", "Park behind the building.")
	second.expect(412)
	second.leads(func() { second.click("button", "Update") })
	second.sees("Somebody changed this while you had it open")
	second.sees("Rosa Whitfield")
	second.sees("Interpreter should report to")
	second.leads(func() { second.click("button", "Update") })
	second.await("both changes are there", fmt.Sprintf(`location.pathname === '/jobs/%s'`, ref))
	fields := d.assigner.get("/jobs/" + ref).body["fields"].(map[string]any)
	if fields["reportTo"] != "Custody desk" || fields["venueInformation"] != "Park behind the building." {
		t.Errorf("after both the job has %v", fields)
	}
}

// TestPagesKnowOnlyTheServersTime: a browser in New York, a business clock of another year, a job in British summer time just after midnight:
// every page has the job's own day and hour, and today is the server's.
func TestPagesKnowOnlyTheServersTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "14/07/2030 23:50")
	ref := d.book(bookedFor, 60, nil)
	d.settled(ref)
	b := newTab(t, d.base, screen{zone: "America/New_York"})
	b.signIn("requestor")
	b.open("/calendar?from=2030-07-01")
	b.await("the job stands on its day", fmt.Sprintf(`document.querySelector('[data-date="2030-07-15"] a[href*="%s"], [data-date="2030-07-15"] [data-ref="%s"]')`, ref, ref))
	b.await("today is the server's", `document.querySelector('.fc-day-today, [data-date="2030-07-14"][aria-current="date"]')?.dataset.date === '2030-07-14'`)
	b.sees("00:30")
	b.open("/jobs/" + ref)
	b.sees("15/07/2030 00:30")
	b.open("/jobs?list=upcoming")
	b.sees("15/07/2030 00:30")

	toForm(b)
	fillBooking(b)
	b.leads(func() { b.click("button", "Book") })
	b.sees("15/07/2030 00:30")
	if got := d.customer.get("/jobs/" + b.booked()).body["start"]; got != bookedAt {
		t.Errorf("typed was %s, booked %v", bookedFor, got)
	}
	b.open("/jobs/" + ref + "/cancel")
	b.sees("2030")
}
