package main

import (
	"net/http"
	"slices"
	"testing"
)

// TestII19_Notices: the agency posts a message for one customer and one for everyone, and a splash. That customer's users see both, another's
// and interpreters the one for everyone, the agency's own users all, on the dashboard too; each is gone when its last day is over in the viewer's zone.
func TestII19_Notices(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	customer, other, assigner, admin := signIn(t, base, "requestor"), signIn(t, base, "requestor2"), signIn(t, base, "assigner"), signIn(t, base, "admin")
	ana, auditor := signIn(t, base, "interpreter"), signIn(t, base, "auditor")
	customer.clock("24/03/2020 15:46")
	mine := customer.get("/me").body["customer"].(string)
	assigner.do("PUT", "/settings/notices", map[string]any{"splash": "Fire drill at noon.", "notices": []map[string]any{
		{"key": "closed", "text": "We are closed on Monday.", "from": "2020-03-24", "until": "2020-03-31"},
		{"key": "invoices", "text": "Invoices come by mail now.", "customer": mine, "until": "2020-03-28"},
		{"key": "later", "text": "Summer time.", "from": "2020-03-29"},
	}})
	sees := func(c *client, splash string, want ...string) {
		t.Helper()
		listed, dashboard := c.get("/notices", assigner, admin), c.get("/dashboard", assigner, admin)
		shown, _ := dashboard.body["notices"].([]any)
		for name, got := range map[string][]string{"list": keysOf(listed.items()), "dashboard": keysOf(objectsOf(shown))} {
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
		for name, r := range map[string]reply{"list": listed, "dashboard": dashboard} {
			if got, _ := r.body["splash"].(string); got != splash {
				t.Errorf("%s: the splash is %q, want %q", name, got, splash)
			}
		}
	}
	const drill = "Fire drill at noon."
	sees(customer, drill, "closed", "invoices")
	sees(other, drill, "closed")
	sees(ana, drill, "closed")
	sees(assigner, drill, "closed", "invoices")
	sees(auditor, drill, "closed", "invoices")

	customer.clock("28/03/2020 23:59")
	sees(customer, drill, "closed", "invoices")
	customer.clock("29/03/2020 00:00") // in London; the day there begins at midnight UTC, for the clocks change an hour later
	sees(customer, drill, "closed", "later")
	sees(assigner, drill, "closed", "later")
	customer.clock("01/04/2020 00:00") // 23:00 UTC of the last day
	sees(other, drill, "later")

	// The admin takes the splash away among the other settings; the notices stay.
	admin.do("PUT", "/settings/agency", map[string]any{"splash": ""})
	sees(customer, "", "later")
	assigner.do("PUT", "/settings/notices", map[string]any{"notices": []any{}})
	sees(customer, "")

	r := assigner.send("PUT", "/api/v1/settings/notices", map[string]any{"notices": []map[string]any{
		{"key": "a", "text": "A", "customer": "00000000-0000-4000-8000-000000000001"}, {"key": "b", "text": "B", "customer": mine}}}, nil)
	if r.status != http.StatusUnprocessableEntity || len(r.body["errors"].([]any)) != 1 ||
		r.body["errors"].([]any)[0].(map[string]any)["location"] != "body.notices[0].customer" {
		t.Errorf("a notice for an unknown customer: %d %s", r.status, r.raw)
	}
}

func keysOf(items []map[string]any) (keys []string) {
	for _, item := range items {
		keys = append(keys, item["key"].(string))
	}
	return keys
}

// objectsOf reads a list of objects.
func objectsOf(v any) (out []map[string]any) {
	list, _ := v.([]any)
	for _, item := range list {
		out = append(out, item.(map[string]any))
	}
	return out
}
