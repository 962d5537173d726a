package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestM06_WindowsPages: an admin sets until when customers may book, change and cancel, for all and for one, and the days that are no working
// days; what is wrong is said beside its input, and what was typed stays.
func TestM06_WindowsPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	admin := d.as("admin")
	no := admin.submit(admin.see("/settings/windows"), "windows", map[string][]string{"create.unit": {"hours"}, "create.span": {"soon"}, "edit.unit": {"working-days"}, "edit.span": {"2"}})
	summary := textOf(refused(t, no, http.StatusUnprocessableEntity))
	if !strings.Contains(summary, "Enter a whole number.") || no.value("create.span") != "soon" || no.value("edit.span") != "2" {
		t.Errorf("a faulty window: %s", summary)
	}
	no = admin.submit(no, "windows", map[string][]string{"create.unit": {"day-before"}, "create.span": {"25:00"}})
	if summary := textOf(refused(t, no, http.StatusUnprocessableEntity)); !strings.Contains(summary, "Send the time of the working day before") {
		t.Errorf("a faulty time: %s", summary)
	}
	wants(t, done(admin, admin.submit(no, "windows", map[string][]string{"create.span": {"10:00"}, "edit.inclusive": {"yes"}}), "set-policies"),
		"before 10:00 on the working day before the start", "until the same time of day, 2 working days before the start, that moment included",
		"while more than 72 hours remain before the start")

	me := d.customer.get("/me").body["customer"].(string)
	police := "/customers/" + me
	wants(t, done(admin, admin.submit(admin.see(police+"/windows"), "windows", map[string][]string{"create.unit": {"off"}, "cancel.unit": {"hours"}, "cancel.span": {"24"}}), "set-policies"),
		"while more than 24 hours remain before the start (agreed)", "no limit (agreed)")
	form := admin.see(police + "/windows")
	if form.value("edit.unit") != "agency" || form.value("cancel.span") != "24" || form.value("create.unit") != "off" {
		t.Errorf("the form holds %q, %q, %q", form.value("edit.unit"), form.value("cancel.span"), form.value("create.unit"))
	}
	wants(t, done(admin, admin.submit(form, "windows", map[string][]string{"cancel.unit": {"agency"}, "cancel.span": {""}}), "set-policies"), "while more than 72 hours remain before the start")

	wants(t, admin.see("/settings/holidays?year=2022"), "19/09/2022", "Queen Elizabeth's Funeral Day", "everywhere", "30/11/2022", "Scotland")
	no = admin.submit(admin.see("/settings/holidays"), "holidays", map[string][]string{"holidays.date": {"2020-03-25", "2020-13-01", ""}, "holidays.name": {"", "Nothing", ""}})
	summary = textOf(refused(t, no, http.StatusUnprocessableEntity))
	if !strings.Contains(summary, "This field is required.") || !strings.Contains(summary, "Enter a day such as") {
		t.Errorf("faulty days: %s", summary)
	}
	wants(t, done(admin, admin.submit(admin.see("/settings/holidays"), "holidays", map[string][]string{"holidays.date": {"2020-03-25", "", ""},
		"holidays.name": {"The office moves", "", ""}, "holidays.nation": {"", "", ""}, "holidays.working": {"false", "false", "false"}}), "set-holidays"), "The office moves", "25/03/2020", "added")
	wants(t, admin.see("/settings"), "1 day is added.")
}

// TestII70_II71_II72_PagesCountDown: the pages of a job, of its form and of a booking say until when they may be used; after that the admin message
// that asks the agency is ready. An assigned job's time and place are read-only where that was agreed.
func TestII70_II71_II72_PagesCountDown(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	admin, customer := d.as("admin"), d.as("requestor")
	me := d.customer.get("/me").body["customer"].(string)
	done(admin, admin.submit(admin.see("/customers/"+me+"/windows"), "windows", map[string][]string{"create.unit": {"hours"}, "create.span": {"24"}, "edit.unit": {"hours"},
		"edit.span": {"24"}}), "set-policies")
	ref := d.book("2020-03-26T14:00", 60, nil)
	d.settled(ref)
	wants(t, customer.see("/jobs/"+ref), "You can change this job until 25/03/2020 14:00. That is in 5 days 5 hours.", "You can cancel until 23/03/2020 14:00. That is in 3 days 5 hours.")
	d.customer.clock("25/03/2020 13:30")
	open := customer.see("/jobs/" + ref + "/edit")
	wants(t, open, "You can change this job until 25/03/2020 14:00. That is in 30 minutes.")
	d.customer.clock("25/03/2020 14:00")
	no := customer.submit(open, "edit", map[string][]string{"fields.reportTo": {"The side door"}})
	refused(t, no, http.StatusUnprocessableEntity)
	if no.value("fields.reportTo") != "The side door" || no.byID("ready-post-message") == nil {
		t.Errorf("after the window: %s", no.words())
	}
	late := customer.see("/jobs/" + ref + "/edit")
	wants(t, late, "You could change this job yourself until 25/03/2020 14:00.")
	if late.byID("edit") != nil {
		t.Error("the form is still there after the window")
	}
	d.lands(customer, customer.submit(late, "post-message", map[string][]string{"text": {"Please change job " + ref + ": use the side door."}}), "post-message")
	wants(t, d.as("assigner").see("/jobs/"+ref+"/edit"), "Update")

	form := customer.see(customer.get("/book/face-to-face").location())
	wants(t, form, "while more than 24 hours remain before the start")
	to, err := url.Parse(form.path)
	if err != nil {
		t.Fatal(err)
	}
	typed := to.Query()
	typed.Set("start", "2020-03-26T15:00")
	wants(t, customer.see("/book/face-to-face?"+typed.Encode()), "This start can be booked here until 25/03/2020 15:00. That is in 1 hour.")
	typed.Set("start", "2020-03-26T14:00")
	wants(t, customer.see("/book/face-to-face?"+typed.Encode()), "This start could be booked here until 25/03/2020 14:00. Please contact the agency.")
}
