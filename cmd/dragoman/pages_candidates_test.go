package main

import (
	"strings"
	"testing"
)

// TestN04_LL38_LL39_CandidatesInABrowser: an assigner reads by keyboard who could do a job, in order, and why; opens who could not, and why not; narrows
// the list by typing; and chooses. The one whom the customer does not want takes a reason, which the job's page keeps.
func TestN04_LL38_LL39_CandidatesInABrowser(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, map[string]any{"precludedInterpreter": lin1, "preferredInterpreter": lin2})
	d.settled(ref)
	b := newTab(t, d.base, screen{})
	b.enter("assigner")
	b.open("/jobs/" + ref + "/assign")
	b.beginning("radio", "1. Benedykt Wilk")
	b.tabTo("summary", "Why Benedykt Wilk")
	b.key("Enter")
	b.sees("The customer prefers this interpreter.")
	b.sees("Speaks Polish")
	if text := b.text(); strings.Contains(text, "The customer does not want this interpreter.") {
		t.Errorf("who could not is shown unasked: %s", text)
	}
	b.tabTo("summary", "Who could not, and why (1)")
	b.key("Enter")
	b.sees("precluded by the customer")
	b.sees("The customer does not want this interpreter.")
	b.axe("the candidates")

	b.fill("Name or LIN", "nowa")
	b.await("the others are gone", `[...document.querySelectorAll('[data-words]')].filter((e) => e.checkVisibility()).length === 1`)
	b.press(b.beginning("radio", "Ana Nowak"))
	b.expect(422)
	b.send("Assign")
	b.sees("The customer does not want this interpreter.")
	b.fill("Reason for going past a rule", "nobody else is in reach")
	b.send("Assign")
	b.sees("The interpreter is assigned.")
	b.sees("nobody else is in reach")
	if who := d.assigner.get("/jobs/" + ref).body["interpreter"].(map[string]any)["lin"]; who != lin1 {
		t.Errorf("assigned is %v", who)
	}
}
