package main

import (
	"strings"
	"testing"
)

// TestLL123_NightsAcrossAClockChange: a night in which the clocks of Europe/London go forward or back is paid by the hours that passed. Its times are
// shown with their offsets beside those hours: in timesheet and invoice, over HTTP and on the pages of whoever has to do with them.
func TestLL123_NightsAcrossAClockChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/01/2020 09:00")
	interpreter := signIn(t, d.base, "interpreter")
	pages := map[string]*browser{}
	for _, who := range []string{"interpreter", "requestor", "finance", "assigner"} {
		pages[who] = d.as(who)
	}
	for _, night := range []struct {
		what, booked, end       string // local times
		start, shownEnd, answer string
		minutes                 int
		length, total           string
		closed                  bool
	}{
		{"forward", "2020-03-28T22:00", "2020-03-29T07:00", "28/03/2020 22:00 (UTC+00:00)", "29/03/2020 07:00 (UTC+01:00)", "2020-03-29T07:00:00+01:00", 480, "8 hrs", "£384.00", false},
		{"back", "2020-10-24T22:00", "2020-10-25T05:00", "24/10/2020 22:00 (UTC+01:00)", "25/10/2020 05:00 (UTC+00:00)", "2020-10-25T05:00:00Z", 480, "8 hrs", "£384.00", false},
		{"back, until the second of two", "2020-10-24T23:30", "2020-10-25T01:30Z", "24/10/2020 23:30 (UTC+01:00)", "25/10/2020 01:30 (UTC+00:00)", "2020-10-25T01:30:00Z", 180, "3 hrs", "£144.00", false},
		{"back, until the first of two", "2020-10-24T23:30", "2020-10-25T01:30+01:00", "24/10/2020 23:30", "25/10/2020 01:30 (UTC+01:00)", "2020-10-25T01:30:00+01:00", 120, "2 hrs", "£96.00", false},
		{"forward, closed by staff", "2020-03-28T23:00", "2020-03-29T03:00", "28/03/2020 23:00 (UTC+00:00)", "29/03/2020 03:00 (UTC+01:00)", "2020-03-29T03:00:00+01:00", 180, "3 hrs", "£144.00", true},
	} {
		d.customer.clock("20/01/2020 09:00")
		ref := d.book(night.booked, night.minutes, nil)
		d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
		d.customer.clock("02/11/2020 09:00")
		shows := func(who, path string, want ...string) {
			t.Helper()
			p := pages[who].see(path)
			for _, text := range append(want, night.start, night.shownEnd, night.length) {
				if !strings.Contains(p.words(), text) {
					t.Errorf("%s: %s of %s lacks %q: %s", night.what, path, who, text, p.words())
				}
			}
		}
		if night.closed {
			d.assigner.job(ref, "close", map[string]any{"start": night.booked, "end": night.end})
			d.customer.get("/jobs/"+ref, d.assigner)
			d.settled(ref)
			shows("assigner", "/jobs/"+ref)
		} else {
			interpreter.job(ref, "submit-timesheet", blocksOf(night.booked, night.end))
			d.customer.get("/jobs/"+ref, interpreter)
			d.settled(ref)
			sheet := d.customer.get("/jobs/" + ref).body["timesheets"].([]any)[0].(map[string]any)
			block := sheet["blocks"].([]any)[0].(map[string]any)
			if sheet["workedMinutes"] != float64(night.minutes) || block["end"] != night.answer {
				t.Errorf("%s: the timesheet is %v", night.what, sheet)
			}
			shows("interpreter", "/timesheets", ref)
			shows("interpreter", "/jobs/"+ref+"/timesheet")
			shows("interpreter", "/jobs/"+ref)
			shows("requestor", "/jobs/"+ref+"/timesheet")
			shows("requestor", "/jobs/"+ref)
			shows("assigner", "/jobs/"+ref)
			d.customer.job(ref, "accept-timesheet", map[string]any{})
			d.settled(ref)
		}

		// The draft that the hours lead to, then the invoice.
		finance := signIn(t, d.base, "finance")
		draft := finance.get("/invoices?filter[jobs]="+ref, d.customer, d.assigner).items()[0]
		paid := func(id string) {
			t.Helper()
			whole := finance.get("/invoices/" + id).body
			work, line := objectsOf(whole["work"])[0], objectsOf(whole["lines"])[0]
			block := objectsOf(work["blocks"])[0]
			if work["workedMinutes"] != float64(night.minutes) || line["quantity"] != float64(night.minutes) || block["end"] != night.answer {
				t.Errorf("%s: billed are %v for %v", night.what, line, work)
			}
			shows("finance", "/invoices/"+id, night.total)
		}
		paid(draft["id"].(string))
		issued := finance.do("POST", "/invoices", map[string]any{"customer": draft["customer"], "jobs": []string{ref}, "expectedTotal": draft["total"]})
		paid(issued.body["id"].(string))
		shows("requestor", "/invoices/"+issued.body["id"].(string), night.total)
	}
}
