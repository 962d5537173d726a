package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// filled are the values of a form as it stands, with changes.
func filled(p *page, id string, changes map[string]string) url.Values {
	p.t.Helper()
	form := p.byID(id)
	if form == nil {
		p.t.Fatalf("%s has no form %q: %s", p.path, id, p.words())
	}
	values, _ := formValues(form)
	for name, value := range changes {
		values.Set(name, value)
	}
	return values
}

// foreseen are the rows of the preview on a page: what happens to each job.
func foreseen(p *page) map[string]string {
	p.t.Helper()
	if p.byID("preview") == nil {
		p.t.Fatalf("%s, %d, shows no preview: %s", p.path, p.status, p.words())
	}
	out := map[string]string{}
	for _, row := range every(p.byID("preview"), func(n *html.Node) bool { return n.DataAtom == atom.Tr }) {
		if head := first(row, func(n *html.Node) bool { return n.DataAtom == atom.Th && attr(n, "scope") == "row" }); head != nil {
			out[textOf(head)] = textOf(first(row, func(n *html.Node) bool { return strings.HasPrefix(attr(n, "class"), "badge") }))
		}
	}
	return out
}

// rowSetsPages: without script, a related job's edit and cancellation show what they would do before they do it, keep what was typed, show it
// anew when things have moved, and can be taken back for a while.
func rowSetsPages(r *rows) {
	t, at := r.t, "2020-03-02T09:00:00Z"
	settled := func() { r.clock(at) } // the read models know what the portal wrote
	team := r.bookStandard("2020-05-25T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 3 })
	r.do("assigner", team[2], "cancel", map[string]any{"reason": "other", "scope": "this"})
	b := r.visit("assigner")
	edit := "/jobs/" + team[0] + "/edit"
	p := r.sees("assigner", edit, at)
	asked := b.post(edit, filled(p, "edit", map[string]string{"duration.hours": "2", "fields.jobDetails": "Bring a torch.", "preview": "1"}))
	if asked.status != http.StatusUnprocessableEntity || asked.byID("preview") != nil || asked.value("duration.hours") != "2" {
		t.Errorf("without a scope: %d %s", asked.status, asked.words())
	}
	shown := b.post(edit, filled(asked, "edit", map[string]string{"scope": "all", "preview": "1"}))
	if got := fmt.Sprint(foreseen(shown)); shown.status != http.StatusOK || got != fmt.Sprint(map[string]string{team[0]: "changed", team[1]: "changed", team[2]: "stays as it is"}) {
		t.Fatalf("the preview: %d %s", shown.status, got)
	}
	if shown.value("fields.jobDetails") != "Bring a torch." || shown.value("scope") != "all" || !strings.Contains(shown.words(), "It is cancelled.") {
		t.Errorf("what was typed is lost: %s", shown.words())
	}
	if got := r.job("assigner", team[0])["durationMinutes"]; got != 60.0 {
		t.Errorf("the preview changed the job: %v", got)
	}
	// Somebody else changes a related job meanwhile.
	r.do("moor", team[1], "post-message", map[string]any{"text": "Hello"})
	late := b.post(edit, filled(shown, "edit", nil))
	if late.status != http.StatusPreconditionFailed || !strings.Contains(late.words(), "Something has changed since you looked") || late.value("fields.jobDetails") != "Bring a torch." {
		t.Fatalf("a stale preview: %d %s", late.status, late.words())
	}
	saved := b.post(edit, filled(late, "edit", nil))
	if saved.status != http.StatusSeeOther {
		t.Fatalf("the new preview sent: %d %s", saved.status, saved.words())
	}
	settled()
	for i, want := range []float64{120, 120, 60} {
		if got := r.job("assigner", team[i])["durationMinutes"]; got != want {
			t.Errorf("job %d lasts %v minutes, want %v", i, got, want)
		}
	}
	job := b.see(saved.location())
	if !strings.Contains(job.words(), "Until 02/03/2020 09:10 you can undo that. (10 minutes left)") || !strings.Contains(job.text, "The job is updated.") {
		t.Errorf("the job's page: %s", job.words())
	}
	if p := r.sees("moor", "/jobs/"+team[0], at); p.byID("undo") != nil {
		t.Error("somebody else is offered to undo it")
	}
	at = "2020-03-02T09:04:00Z"
	settled()
	if p := b.see("/jobs/" + team[1]); !strings.Contains(p.words(), "(6 minutes left)") {
		t.Errorf("four minutes later: %s", p.words())
	}
	undone := b.submit(b.see("/jobs/"+team[1]), "undo-form", nil)
	settled()
	if undone.status != http.StatusSeeOther || r.job("assigner", team[0])["durationMinutes"] != 60.0 {
		t.Errorf("undo: %d %s", undone.status, undone.words())
	}
	if p := b.see(undone.location()); p.byID("undo") != nil || !strings.Contains(p.text, "The change is undone.") {
		t.Errorf("after it: %s", p.words())
	}

	// A clash is said, and its job can be left out; nothing else is offered.
	r.do("assigner", team[1], "assign", map[string]any{"interpreter": anaLIN})
	rival := r.book("2020-05-26T10:00", 60)
	r.do("assigner", rival, "assign", map[string]any{"interpreter": anaLIN})
	p = r.sees("assigner", edit, at)
	clash := b.post(edit, filled(p, "edit", map[string]string{"start": "2020-05-26T10:30", "scope": "all", "preview": "1"}))
	if got := foreseen(clash); got[team[1]] != "not possible" || got[team[0]] != "changed" || !strings.Contains(clash.words(), anaLIN+" has job "+rival) {
		t.Errorf("the clash: %v %s", got, clash.words())
	}
	if strings.Contains(textOf(clash.byID("preview")), "Update these jobs") {
		t.Error("a change that would be refused is offered")
	}
	values := filled(clash, "edit", map[string]string{"preview": "1"})
	values.Set("except", team[1])
	without := b.post(edit, values)
	if got := foreseen(without); got[team[1]] != "stays as it is" || got[team[0]] != "changed" {
		t.Errorf("with that job left out: %v", got)
	}
	if r := b.post(edit, filled(without, "edit", nil)); r.status != http.StatusSeeOther {
		t.Errorf("sent: %d %s", r.status, r.words())
	}

	// A cancellation likewise.
	cancel := "/jobs/" + team[0] + "/cancel"
	p = r.sees("assigner", cancel, at)
	shown = b.post(cancel, filled(p, "cancel", map[string]string{"scope": "all", "reason": "other", "details": "Not needed.", "preview": "1"}))
	if got := foreseen(shown); shown.status != http.StatusOK || got[team[0]] != "cancelled" || got[team[1]] != "cancelled" || shown.value("details") != "Not needed." {
		t.Fatalf("the preview of a cancellation: %d %v %s", shown.status, got, shown.words())
	}
	gone := b.post(cancel, filled(shown, "cancel", nil))
	settled()
	if gone.status != http.StatusSeeOther || r.job("assigner", team[1])["status"] != "cancelled" {
		t.Fatalf("the cancellation: %d %s", gone.status, gone.words())
	}
	back := b.submit(b.see(gone.location()), "undo-form", nil)
	settled()
	if back.status != http.StatusSeeOther || r.job("assigner", team[1])["status"] != "assigned" || r.job("assigner", team[0])["status"] != "new" {
		t.Errorf("undone: %d %s", back.status, back.words())
	}
}

// rowSetsBrowser: the same in a browser, by keyboard alone, on a phone's screen.
func rowSetsBrowser(r *rows) {
	t := r.t
	team := r.bookStandard("2020-05-27T10:00", 60, func(b, _ map[string]any) { b["interpretersRequested"] = 2 })
	r.job("assigner", team[1])
	b := newTab(t, r.base, screen{phone: true})
	b.signIn("assigner")
	b.open("/jobs/" + team[0] + "/cancel")
	b.tabTo("radio", "This job only")
	b.key("Down", "Down")
	b.choose("Reason", "Other")
	b.tabTo("button", "See what would change")
	b.leads(func() { b.key("Enter") })
	b.sees("What would change")
	b.sees(team[1])
	b.tabTo("button", "Cancel these jobs")
	b.leads(func() { b.key("Enter") })
	b.sees("The job is cancelled.")
	b.sees("you can undo that")
	b.tabTo("button", "Undo")
	b.leads(func() { b.key("Enter") })
	b.sees("The change is undone.")
	r.clock("2020-03-02T09:00:00Z")
	for _, ref := range team {
		if got := r.job("assigner", ref)["status"]; got != "new" {
			t.Errorf("job %s is %v", ref, got)
		}
	}
}
