package main

import (
	"slices"
	"testing"
)

// TestII38_LL37_FormsAsAgreed: a customer is shown the forms that a booking of its would be taken on, as it may fill them in (II-38, D-15), and they
// come filled from the profile and from the last booking (LL-37).
func TestII38_LL37_FormsAsAgreed(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	customer, other, admin := signIn(t, base, "requestor"), signIn(t, base, "requestor2"), signIn(t, base, "admin")
	customer.clock("24/03/2020 15:46")
	id := customer.get("/me").body["customer"].(string)
	offered := func(c *client) (ids []string) {
		for _, f := range c.get("/forms", admin).items() {
			ids = append(ids, f["id"].(string))
		}
		return ids
	}
	if got := offered(customer); !slices.Equal(got, []string{"face-to-face", "remote"}) {
		t.Errorf("without an agreement the forms are %v", got)
	}
	if got := offered(admin); !slices.Equal(got, []string{"face-to-face", "remote", "standard"}) {
		t.Errorf("the agency has the forms %v", got)
	}
	defaults := func() map[string]any {
		return customer.get("/forms/face-to-face", admin).body["defaults"].(map[string]any)
	}
	got := defaults()
	for key, want := range map[string]string{"requestingOfficer": "Rosa Whitfield", "primaryEmail": "requestor@dragoman.example",
		"billTo": "Airedale Constabulary, Accounts Payable", "duration": "1:00", "skills": "spoken-only"} {
		if got[key] != want {
			t.Errorf("%s comes filled with %v, want %q", key, got[key], want)
		}
	}
	for _, key := range []string{"reportTo", "requestedBy", "notificationEmail"} {
		if v, there := got[key]; there {
			t.Errorf("%s comes filled with %v", key, v)
		}
	}

	place := customer.get("/locations").items()[0]["id"].(string)
	book := func(start, reportTo string) {
		body := faceToFace(place, start, 60)
		body["fields"].(map[string]any)["reportTo"] = reportTo
		customer.do("POST", "/bookings", body)
	}
	book("2020-03-26T14:00", "Front desk")
	customer.clock("24/03/2020 15:47")
	book("2020-03-25T09:00", "Custody desk") // booked later, due earlier
	if got := defaults()["reportTo"]; got != "Custody desk" {
		t.Errorf("report to comes filled with %v, want what was booked last", got)
	}

	admin.do("PATCH", "/customers/"+id, map[string]any{"settings": map[string]any{"forms": []string{"standard", "remote"},
		"serviceTypes": []string{"face-to-face"}, "speakerName": "initials"}})
	if got := offered(customer); !slices.Equal(got, []string{"standard"}) {
		t.Errorf("with face-to-face agreed on the standard and the remote form the forms are %v", got)
	}
	if got := offered(other); !slices.Equal(got, []string{"face-to-face", "remote"}) {
		t.Errorf("another customer's forms became %v", got)
	}
	form := customer.get("/forms/standard", admin).body
	for _, f := range objectsOf(form["fields"]) {
		switch f["key"] {
		case "serviceType":
			if options := objectsOf(f["options"]); len(options) != 1 || options[0]["value"] != "face-to-face" {
				t.Errorf("the services offered are %v", options)
			}
		case "consumer":
			if f["kind"] != "initials" {
				t.Errorf("the consumer is a field of kind %v, want initials", f["kind"])
			}
		}
	}
	if got := form["defaults"].(map[string]any); got["requestedBy"] != "Rosa Whitfield" || got["notificationEmail"] != "requestor@dragoman.example" {
		t.Errorf("the standard form comes filled with %v (II-34)", got)
	}
}
