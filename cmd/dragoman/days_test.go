package main

import (
	"fmt"
	"strings"
	"testing"
)

// beginning finds what the page has of a role and whose name begins so.
func (b *tab) beginning(role, with string) thing {
	b.t.Helper()
	var found thing
	things, err := b.things(role)
	for _, one := range things {
		if err == nil && found == (thing{}) && strings.HasPrefix(one.name, with) && b.shown(one) {
			found = one
		}
	}
	if found == (thing{}) {
		b.t.Fatalf("there is no %s that begins %q at %s: %+v %v", role, with, b.path(), things, err)
	}
	return found
}

// follow presses a link and waits for its page; send does so with a button.
func (b *tab) follow(link string) { b.t.Helper(); b.leads(func() { b.click("link", link) }) }
func (b *tab) send(button string) { b.t.Helper(); b.leads(func() { b.click("button", button) }) }

// enter signs in by one press, as a demo offers it.
func (b *tab) enter(user string) {
	b.t.Helper()
	b.open("/sign-in")
	b.send(user)
}

// TestTheDayOfAJob is a job's whole life by the people who have to do with it, each in a browser of their own: a requestor at a desk, an assigner,
// an interpreter with a phone, and finance; the auditor reads it all afterwards.
func TestTheDayOfAJob(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	requestor, assigner, interpreter := newTab(t, d.base, screen{}), newTab(t, d.base, screen{}), newTab(t, d.base, screen{phone: true})

	// Booking: a form that lacks something is shown again with what was typed, and where the faults are.
	requestor.enter("requestor")
	for _, tile := range []string{"New bookings this month", "Jobs due this month", "Jobs completed this month", "Jobs requiring closure"} {
		requestor.sees(tile)
	}
	requestor.follow("Make a booking")
	requestor.sees("READ BEFORE YOU BOOK!")
	requestor.follow(faceToFaceName)
	fillBooking(requestor)
	requestor.fill("OIC collar number", "")
	requestor.expect(422)
	requestor.send("Book")
	requestor.press(requestor.beginning("link", "OIC collar number"))
	if on := requestor.focused(); on.name != "OIC collar number" {
		t.Errorf("the summary leads to %q", on.name)
	}
	requestor.types("4201")
	requestor.send("Book")
	requestor.sees("Booked. The agency has it now.")
	ref := requestor.booked()
	requestor.sees("Maria Nowak")

	// Afterwards: found by its reference, changed, seen in calendar and lists, talked about.
	requestor.fill("Job Reference", ref)
	requestor.send("Find")
	requestor.follow("Edit job details")
	requestor.fill("Additional venue information", "Park behind the building.")
	requestor.send("Update")
	requestor.sees("The job is updated.")
	requestor.sees("Park behind the building.")
	requestor.open("/calendar?date=2030-07-15&view=agenda")
	requestor.sees("00:30")
	requestor.open("/jobs?list=upcoming")
	requestor.follow(ref)
	requestor.click("summary", "More actions ▾")
	requestor.follow("Admin Messages")
	requestor.fill("Message", "Please send somebody who knows Bradford.")
	requestor.send("Send message")
	requestor.sees("Your message is sent.")

	// The agency: the queue has it; two are asked.
	assigner.enter("assigner")
	assigner.follow("Work queue")
	assigner.follow(ref)
	assigner.send("Work on this booking")
	assigner.sees("Asha Grant is working on this booking.")
	assigner.click("summary", "More actions ▾")
	assigner.follow("Admin Messages")
	assigner.sees("Please send somebody who knows Bradford.")
	assigner.open("/jobs/" + ref)
	assigner.follow("Send job offers")
	for _, name := range []string{"1. Ana Nowak", "2. Benedykt Wilk"} { // as they are ranked
		assigner.press(assigner.beginning("checkbox", name))
	}
	assigner.send("Send the offers")
	assigner.sees("The offers are sent.")

	// The interpreter, on the phone.
	interpreter.enter("interpreter")
	interpreter.open("/offers")
	for _, said := range []string{"Polish", "Mon 15 Jul 2030", "00:30", "Leeds"} {
		interpreter.sees(said)
	}
	if text := interpreter.text(); strings.Contains(text, "Maria Nowak") || strings.Contains(text, "12 Elland Road") {
		t.Errorf("who is only asked reads more than that: %s", text)
	}
	interpreter.send("Accept " + ref)
	interpreter.sees("Accepted. The agency will confirm.")

	// Assigned, and another start is proposed and agreed.
	assigner.open("/jobs/" + ref)
	assigner.send("Assign " + lin1)
	assigner.sees("The interpreter is assigned.")
	assigner.follow("Propose another start")
	assigner.fill("New start", "2030-07-15T01:00")
	assigner.send("Propose")
	assigner.sees("The new start is proposed.")
	requestor.open("/jobs/" + ref)
	requestor.send("Agree to this time")
	requestor.sees("The new start is agreed.")
	interpreter.open("/my-jobs")
	interpreter.sees(ref)
	interpreter.sees("01:00")
	interpreter.open("/diary")
	interpreter.follow("Later")
	interpreter.sees(ref)

	// The work is done: the customer enters the hours with a break that is too long, which makes a job of the later ones.
	d.customer.clock("15/07/2030 23:00")
	requestor.open("/jobs/" + ref + "/timesheet")
	requestor.fillNth("Start", 0, "2030-07-15T01:00")
	requestor.fillNth("End", 0, "2030-07-15T02:00")
	requestor.fillNth("Start", 1, "2030-07-15T08:00")
	requestor.fillNth("End", 1, "2030-07-15T09:00")
	requestor.send("Submit Timesheets")
	requestor.sees("The hours before the break are submitted for this job")
	requestor.send("Create the continuation")
	requestor.sees("The later hours are a job of their own: this one.")
	interpreter.open("/timesheets")
	interpreter.follow("Check the hours " + ref)
	interpreter.send("Accept these hours")
	interpreter.sees("The timesheet is accepted.")

	// Finance bills it, and the customer reads the invoice.
	finance := newTab(t, d.base, screen{})
	finance.enter("finance")
	finance.follow("Invoices")
	finance.leads(func() { finance.press(finance.beginning("link", "Choose jobs")) })
	finance.sees("Issue an invoice")
	finance.send("Check the total")
	finance.leads(func() { finance.press(finance.beginning("button", "Issue the invoice for")) })
	finance.sees("The invoice is issued.")
	requestor.open("/invoices")
	requestor.sees(ref)

	// The auditor replays it.
	auditor := newTab(t, d.base, screen{})
	auditor.enter("auditor")
	auditor.open("/jobs/" + ref + "/history")
	auditor.press(auditor.beginning("summary", "Event 0"))
	auditor.sees("booking.created.v1")
	auditor.sees("Stored bytes")
	auditor.follow("Earlier")
	auditor.sees("You see this job as it stood at")
}

// fillNth puts a moment into the n-th input with a label.
func (b *tab) fillNth(label string, n int, value string) {
	b.t.Helper()
	var done bool
	b.eval(fmt.Sprintf(`(() => { const all = [...document.querySelectorAll('input')].filter((i) => (i.labels?.[0]?.textContent ?? i.getAttribute('aria-label') ?? '').trim() === %s)
		if (!all[%d]) return false
		all[%[2]d].value = %s
		for (const e of ['input', 'change']) all[%[2]d].dispatchEvent(new Event(e, { bubbles: true }))
		return true })()`, quoted(label), n, quoted(value)), &done)
	if !done {
		b.t.Fatalf("there is no input %q number %d at %s", label, n, b.path())
	}
}

// TestTheDayOfTheOffice: an admin takes on a customer with client, location and user, an interpreter, and another name for the agency; the newcomer
// chooses a password of their own and books for the place; a read model is built anew.
func TestTheDayOfTheOffice(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	admin := newTab(t, base, screen{})
	admin.enter("admin")
	admin.click("summary", "Manage")
	admin.follow("Customers")
	admin.follow("Add a customer")
	admin.fill("Name", "Wharfe Hospital")
	admin.fill("Time zone", "Europe/London")
	admin.send("Add the customer")
	admin.sees("The customer is added.")
	admin.follow("Add a client")
	admin.fill("Name of the client", "Maternity")
	admin.send("Save")
	admin.sees("The client is added.")
	admin.follow("Add a location")
	for label, text := range map[string]string{"Name": "Ward 3", "Address line 1": "1 Moor Road", "Town": "Ilkley", "Postcode": "LS29 8QX"} {
		admin.fill(label, text)
	}
	admin.send("Save")
	admin.sees("The location is added.")

	admin.open("/users/new")
	admin.choose("Organisation", "Wharfe Hospital")
	admin.send("Choose")
	for label, text := range map[string]string{"Name": "Ines Blake", "User name": "ines", "E-mail": "ines@wharfe.example", "Issued password": "a first password"} {
		admin.fill(label, text)
	}
	admin.choose("Role", "requestor")
	admin.press(admin.beginning("checkbox", "make bookings"))
	admin.press(admin.beginning("radio", "I issue one"))
	admin.send("Add the user")
	admin.sees("The user is added.")

	admin.open("/interpreters/new")
	admin.fill("Linguist ID (LIN)", "LIN/7711/8K33B")
	admin.fill("Name", "Noor Haddad")
	admin.press(admin.beginning("checkbox", "Arabic"))
	admin.send("Register")
	admin.sees("The interpreter is registered.")

	admin.open("/settings/agency")
	admin.fill("Name of the agency", "Aire Interpreting")
	admin.send("Save")
	admin.sees("The settings are changed.")
	admin.find("Aire Interpreting", "link")

	admin.open("/status")
	admin.send("Rebuild jobs")
	admin.await("the new generation is live", `[...document.querySelectorAll('#models tr')].some((row) => row.cells[0].textContent.trim() === 'jobs' && row.cells[4].textContent.trim() === '2')`)

	// The newcomer.
	ines := newTab(t, base, screen{})
	ines.open("/sign-in")
	ines.fill("User name, e-mail or PIN", "ines")
	ines.fill("Password", "a first password")
	ines.send("Sign in")
	ines.sees("Choose one of your own before you go on.")
	ines.fill("Current password", "a first password")
	ines.fill("New password", "horses by the river")
	ines.fill("New password again", "horses by the river")
	ines.send("Change password")
	ines.sees("Your password is changed.")
	ines.open("/book")
	ines.follow(faceToFaceName)
	ines.sees("Wharfe Hospital")
	ines.sees("Ward 3, 1 Moor Road, Ilkley LS29 8QX")
}

// TestTheDaysOfWhoWatches: a customer-admin looks after the own users; safeguarding and analyst read what their roles may, and are offered nothing else.
func TestTheDaysOfWhoWatches(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	ref := d.book(bookedFor, 60, nil)
	d.settled(ref)

	manager := newTab(t, d.base, screen{})
	manager.enter("customer-admin")
	manager.click("summary", "Manage")
	manager.follow("Users")
	manager.follow("Add a user")
	for label, text := range map[string]string{"Name": "Kit Moss", "User name": "kit", "E-mail": "kit@police.example"} {
		manager.fill(label, text)
	}
	manager.choose("Role", "requestor")
	manager.send("Add the user")
	manager.sees("The user is added.")
	manager.open("/users")
	manager.follow("Kit Moss")
	manager.send("Disable")
	manager.sees("The user is disabled.")

	for _, role := range []string{"safeguarding", "analyst"} {
		b := newTab(t, d.base, screen{})
		b.enter(role)
		b.sees("Upcoming jobs")
		b.open("/jobs")
		b.follow(ref)
		for _, one := range []string{"Edit job details", "Cancel job", "Work on this booking", "Send job offers"} {
			if found, err := b.things("button"); err != nil || named(found, one) {
				t.Errorf("%s is offered to press %q: %v", role, one, err)
			}
			if found, err := b.things("link"); err != nil || named(found, one) {
				t.Errorf("%s is offered to follow %q: %v", role, one, err)
			}
		}
		if text := b.text(); strings.Contains(text, "Maria Nowak") && role == "analyst" {
			t.Errorf("an analyst reads the speaker's name: %s", text)
		}
	}
}

func named(things []thing, name string) bool {
	for _, one := range things {
		if one.name == name {
			return true
		}
	}
	return false
}

// TestTheDayOfARequestor: jobs looked for in the tabular view with columns of one's own, which stay, and one cancelled in time.
func TestTheDayOfARequestor(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/07/2030 09:00")
	first, second := d.book(bookedFor, 60, nil), d.book("2030-07-16T10:00", 60, map[string]any{"nonEnglishSpeaker": "Maria Nowak"})
	d.settled(first)
	d.settled(second)
	b := newTab(t, d.base, screen{})
	b.enter("requestor")
	b.open("/jobs")
	b.click("summary", "Columns")
	b.click("checkbox", "To language")
	b.send("Show these")
	b.fill("Filter by Name of non-english speaker", "nowa")
	b.key("Enter")
	b.await("the one is left", fmt.Sprintf(`(() => { const text = document.querySelector('#grid-rows').textContent; return text.includes(%q) && !text.includes(%q) })()`, second, first))
	b.open("/jobs")
	if found, err := b.things("columnheader"); err != nil || named(found, "To language") {
		t.Errorf("the column that was taken away is there again: %+v %v", found, err)
	}

	b.open("/jobs/" + second)
	b.follow("Cancel job")
	b.sees("You can cancel until 13/07/2030 10:00.")
	b.sees("That is in 12 days")
	b.fill("Authorised By", "Sergeant Bell")
	b.send("Cancel Job")
	b.sees("The job is cancelled.")
	b.open("/jobs?filter[status]=cancelled")
	b.sees(second)
}
