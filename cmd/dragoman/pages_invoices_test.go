package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// billed makes a finished job and returns its reference.
func (d *desk) billed(day, minutes int) string {
	d.t.Helper()
	d.customer.clock("01/03/2020 09:00")
	ref := d.book(fmt.Sprintf("2020-03-%02dT10:00", day), 60, nil)
	d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	d.customer.clock("20/03/2020 09:00")
	d.customer.job(ref, "submit-timesheet", map[string]any{"blocks": []map[string]any{{"start": fmt.Sprintf("2020-03-%02dT10:00", day),
		"end": fmt.Sprintf("2020-03-%02dT%02d:%02d", day, 10+minutes/60, minutes%60)}}, "incidentals": []map[string]any{{"kind": "mileage", "quantity": "12.5"}}})
	worker := signIn(d.t, d.base, "interpreter")
	worker.job(ref, "accept-timesheet", map[string]any{})
	d.assigner.get("/jobs", worker)
	d.settled(ref)
	return ref
}

// TestII95_II96_II97_II98_InvoicesPages: drafts by job, chosen and issued at the total that was shown and no other, once; printed with quantities, prices, terms
// and events; a customer's users with financials read the own ones only (II-94..98).
func TestII95_II96_II97_II98_InvoicesPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "01/03/2020 09:00")
	one, two, three := d.billed(10, 75), d.billed(11, 30), d.billed(12, 60)
	finance, requestor := d.as("finance"), d.as("requestor")
	reached := signIn(t, d.base, "finance")
	reached.get("/invoices", d.assigner, d.customer)

	list := finance.see("/invoices")
	// 75 min at 48.00 and 12.5 miles at 0.45; at least an hour otherwise.
	if got := list.section("ready"); !strings.Contains(got, "Airedale Constabulary 3 £172.89") {
		t.Errorf("ready to bill: %s", got)
	}
	wants(t, list, "Drafts (3) £172.89", "£65.63", "£53.63")
	if got := finance.submit(list, "filters", map[string][]string{"filter[jobs]": {one}}); len(got.rows("/invoices/")) != 1 || !strings.Contains(got.words(), "Drafts (1) £65.63") {
		t.Errorf("by job: %s", got.words())
	}
	if got := finance.submit(list, "filters", map[string][]string{"standing": {"overdue"}}); !strings.Contains(got.words(), "No invoices") {
		t.Errorf("overdue: %s", got.words())
	}
	draft := finance.see(finance.submit(list, "filters", map[string][]string{"filter[jobs]": {one}}).rows("/invoices/")[0])
	wants(t, draft, "Draft for "+one, "Time worked", "1 hr 15 mins", "£48.00 an hour", "£60.00", "12.5", "£0.45", "£5.63", "Total, net £65.63", "Terms version 1", "10/03/2020 10:00", "Polish")

	// Choosing: without any it is said; then the total of the chosen ones, to be confirmed.
	issue := list.links()[slices.IndexFunc(list.links(), func(to string) bool { return strings.HasPrefix(to, "/invoices/issue?customer=") })]
	choose := finance.see(issue)
	wants(t, choose, one, two, three, "£172.89")
	none := finance.submit(choose, "issue", map[string][]string{"jobs": nil})
	refused(t, none, http.StatusUnprocessableEntity)
	check := finance.submit(choose, "issue", map[string][]string{"jobs": {one, two}})
	wants(t, check, "£119.26", one, two, "Issue the invoice for £119.26")
	lacks(t, check, three)

	// Another total than shown is refused and shown anew.
	changed := finance.submit(check, "issue", map[string][]string{"expectedTotal.amount": {"100.00"}})
	refused(t, changed, http.StatusConflict)
	wants(t, changed, "These jobs come to 119.26 GBP.", "Issue the invoice for £119.26")
	issued := done(finance, finance.submit(changed, "issue", nil), "issue-invoice")
	if issued.heading() != "Invoice INV000001" {
		t.Errorf("the heading is %q", issued.heading())
	}
	wants(t, issued, "Airedale Constabulary", "Issued on 20/03/2020", "Due on 19/04/2020", one, two, "Total, net £119.26", "due")
	again := finance.submit(changed, "issue", nil) // pressed twice
	if again.status != http.StatusSeeOther || strings.Split(again.location(), "?")[0] != strings.Split(issued.path, "?")[0] {
		t.Errorf("a second press: %d %s", again.status, again.location())
	}
	other := finance.submit(check, "issue", map[string][]string{"key": {"another press"}})
	refused(t, other, http.StatusConflict) // the jobs stand on an invoice already
	if got := finance.see("/invoices"); !strings.Contains(got.words(), "Drafts (1) £53.63 Due (1) £119.26") {
		t.Errorf("afterwards: %s", got.words())
	}
	d.customer.clock("20/04/2020 09:00")
	wants(t, finance.submit(finance.see("/invoices"), "filters", map[string][]string{"standing": {"overdue"}, "filter[issuedOn]": {"20/03/2020"}}), "Overdue (1) £119.26", "INV000001")
	d.customer.clock("20/03/2020 09:00")

	// Who reads: the auditor with the way to each event, the customer's own users, nobody else.
	invoice := strings.Split(issued.path, "?")[0]
	if got := d.as("auditor").see(invoice); !slices.Contains(got.links(), "/jobs/"+one+"/history") {
		t.Error("the auditor is not led to the events")
	}
	mine := requestor.see("/invoices")
	wants(t, mine, "INV000001", "£53.63")
	lacks(t, mine, "Choose jobs", `name="customer"`)
	wants(t, requestor.see(invoice), "£119.26")
	if p := d.as("requestor2").get(invoice); p.status != http.StatusNotFound {
		t.Errorf("another customer opens the invoice: %d", p.status)
	}
	lacks(t, d.as("requestor2").see("/invoices"), "INV000001")
	for _, c := range []struct {
		who, path string
		status    int
	}{
		{"assigner", "/invoices", http.StatusForbidden}, {"interpreter", invoice, http.StatusForbidden}, {"admin", issue, http.StatusForbidden},
		{"requestor", issue, http.StatusForbidden}, {"finance", "/invoices/issue?customer=x", http.StatusNotFound}, {"finance", "/invoices/x", http.StatusNotFound},
	} {
		if p := d.as(c.who).get(c.path); p.status != c.status {
			t.Errorf("%s opens %s: %d, want %d", c.who, c.path, p.status, c.status)
		}
	}
	values, _ := formValues(check.byID("issue"))
	values.Set("key", "a third one")
	if p := d.as("admin").post("/invoices/issue", values); p.status != http.StatusForbidden {
		t.Errorf("an admin issues: %d", p.status)
	}
	if p := finance.post("/invoices/issue", url.Values{"customer": {"x"}, "key": {"k"}}); p.status != http.StatusNotFound {
		t.Errorf("an invoice for nobody: %d", p.status)
	}
}
