package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// secrets are what a job holds besides what everybody may know of it, each recognisable wherever it turns up.
var secrets = map[string]string{
	"street": "Quernmore", "postcode": "LS11 8TU", "locationName": "Elland Road Custody Suite", "reportTo": "Reportdesk", "speaker": "Xylophone Person",
	"custodyReference": "CUST-8891", "custodyClock": "2020-04-02T22:15", "jobNotes": "Jobnoteword", "agencyNotes": "Agencynoteword", "assignedNotes": "Assignednoteword",
	"venue": "Venueword", "officer": "Sergeant Umbrage", "oic": "DC Vexillum", "collar": "77114411", "telephone": "0113 496 0777", "oicPhone": "0113 496 0888",
	"primaryEmail": "umbrage@police.example", "secondaryEmail": "deskmail@police.example", "yourReference": "YREF-5521", "costCentre": "COST-5522",
	"invoiceReference": "INVREF-5523", "billTo": "Billing Warren", "preferred": "LIN/1021/7K22A", "offence": "sexual-offences", "message": "Threadword",
	"declined": "Declineword", "customer": "Airedale Constabulary", "booker": "Rosa Whitfield", "anaName": "Ana Nowak", "anaLIN": anaLIN, "anaPhone": "07700 900100",
	"anaMail": "interpreter01@dragoman.example", "anaPAIT": "PAIT-20417", "benName": "Benedykt Wilk", "benLIN": benLIN, "fee": "28.00",
}

// TestSection6_Masking: what of all that a job holds turns up in anything that one can read of it, role by role and relation by relation.
func TestSection6_Masking(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	for _, l := range o.read("requestor", "/locations").items() {
		if l["name"] == secrets["locationName"] {
			o.location = l["id"].(string)
		}
	}
	o.as("admin").do("PATCH", "/locations/"+o.location, map[string]any{"address": map[string]any{"line1": "12 Quernmore Road", "town": "Leeds", "postcode": secrets["postcode"]}})
	ref := o.book("2020-04-02T10:00", 60, func(b, f map[string]any) {
		b["billTo"] = secrets["billTo"]
		for key, secret := range map[string]string{"reportTo": "reportTo", "nonEnglishSpeaker": "speaker", "custodyReference": "custodyReference", "custodyClock": "custodyClock",
			"jobNotes": "jobNotes", "agencyNotes": "agencyNotes", "assignedNotes": "assignedNotes", "requestingOfficer": "officer", "officerInCase": "oic", "collarNumber": "collar",
			"telephone": "telephone", "officerPhone": "oicPhone", "primaryEmail": "primaryEmail", "secondaryEmail": "secondaryEmail", "yourReference": "yourReference",
			"preferredInterpreter": "preferred", "offenceCategory": "offence"} {
			f[key] = secrets[secret]
		}
	})
	o.do("requestor", ref, "edit", map[string]any{"fields": map[string]any{"venueInformation": secrets["venue"], "costCentre": secrets["costCentre"],
		"invoiceReference": secrets["invoiceReference"]}})
	o.do("requestor", ref, "post-message", map[string]any{"text": secrets["message"]})
	o.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{anaLIN, benLIN}})

	all := func(but ...string) []string {
		var names []string
		for name := range secrets {
			if !slices.Contains(but, name) {
				names = append(names, name)
			}
		}
		return names
	}
	offered := []string{"jobNotes", "fee", "anaName", "anaLIN"}
	check := func(when, user string, sees []string) {
		t.Helper()
		o.sees(t, when+": "+user, user, ref, sees)
	}
	t.Run("offered", func(t *testing.T) {
		o.in(t)
		check("offered", "interpreter", offered)
		check("offered", "interpreter2", []string{"jobNotes", "fee", "benName", "benLIN"})
		o.finds(t, "interpreter", ref, offered)
		check("of another customer", "requestor2", nil)
	})
	o.do("interpreter2", ref, "decline-offer", map[string]any{"reason": secrets["declined"]})
	o.do("interpreter", ref, "accept-offer", map[string]any{})
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	customerHidden := []string{"agencyNotes", "declined", "fee", "benName", "anaPhone", "anaMail"}
	t.Run("assigned", func(t *testing.T) {
		o.in(t)
		assigned := append(slices.Clone(offered), "street", "postcode", "locationName", "reportTo", "speaker", "custodyReference", "venue", "assignedNotes", "anaPhone", "anaMail", "anaPAIT")
		check("assigned", "interpreter", assigned)
		o.finds(t, "interpreter", ref, assigned)
		check("declined", "interpreter2", []string{"benName", "benLIN", "declined", "fee"}) // what the own offer showed
		o.finds(t, "interpreter2", ref, []string{"benName", "benLIN"})
		check("own", "requestor", all(customerHidden...))
		check("own", "customer-admin", all(customerHidden...))
		o.finds(t, "requestor", ref, all(customerHidden...))
		check("agency", "assigner", all())
		check("agency", "admin", all())
		check("agency", "auditor", all())
		check("agency", "safeguarding", all("fee", "yourReference", "costCentre", "invoiceReference", "billTo"))
		check("agency", "finance", all("reportTo", "speaker", "custodyReference", "custodyClock", "jobNotes", "agencyNotes", "assignedNotes", "venue", "offence", "preferred", "message",
			"declined", "anaPhone", "anaMail", "benName", "fee"))
		analyst := []string{"locationName", "yourReference", "costCentre", "invoiceReference", "billTo", "offence", "customer", "fee"}
		check("agency", "analyst", analyst)
		o.finds(t, "analyst", ref, analyst)
	})
	o.do("assigner", ref, "unassign", map[string]any{"interpreter": anaLIN, "reason": "Ill."})
	t.Run("unassigned", func(t *testing.T) {
		o.in(t)
		check("former", "interpreter", []string{"anaName", "anaLIN", "fee"})
		o.finds(t, "interpreter", ref, []string{"anaName", "anaLIN"})
		check("own", "requestor", all(append(customerHidden, "anaName", "anaPAIT")...)) // the notes still name the LIN
	})
}

// sees checks that of the secrets exactly these turn up in everything that a user can read about the job.
func (o *office) sees(t *testing.T, what, user, ref string, want []string) {
	t.Helper()
	var payload strings.Builder
	for _, path := range []string{"/jobs/" + ref, "/jobs/" + ref + "/activity", "/jobs/" + ref + "/messages", "/jobs?q=" + ref, "/calendar?from=2020-04-01&to=2020-05-01",
		"/dashboard", "/waiting-for-me", "/jobs/" + ref + "?asOf=2020-03-02T09:00:00Z", "/jobs/" + ref + "/history"} {
		r := o.ask(user, path)
		if r.status >= 500 {
			t.Errorf("%s: %s: %d %s", what, path, r.status, r.raw)
		}
		for _, item := range append(r.items(), r.body) {
			if r.status == 200 && (item["ref"] == ref || !strings.HasPrefix(path, "/waiting") && !strings.HasPrefix(path, "/dash")) {
				fmt.Fprintln(&payload, item)
			}
		}
		if table := o.as(user).send("GET", "/api/v1"+path, nil, map[string]string{"Accept": "text/csv"}); table.status == 200 && strings.HasPrefix(path, "/jobs?") {
			payload.Write(table.raw)
		}
	}
	for _, offer := range o.ask(user, "/offers?limit=500").items() {
		if offer["job"] == ref {
			fmt.Fprintln(&payload, offer)
		}
	}
	for name, secret := range secrets {
		if found := strings.Contains(payload.String(), secret); found != slices.Contains(want, name) {
			t.Errorf("%s reads the %s: %v", what, name, found)
		}
	}
}

// finds checks that a search or a filter finds the job only by what the user may read: whoever can filter by it can read it.
func (o *office) finds(t *testing.T, user, ref string, may []string) {
	t.Helper()
	for _, c := range []struct{ param, secret string }{
		{"q", "street"}, {"q", "speaker"}, {"q", "reportTo"}, {"q", "officer"}, {"q", "collar"}, {"q", "yourReference"}, {"q", "costCentre"},
		{"q", "jobNotes"}, {"q", "agencyNotes"}, {"q", "assignedNotes"}, {"q", "telephone"}, {"q", "primaryEmail"}, {"q", "locationName"}, {"q", "billTo"}, {"q", "anaName"},
		{"filter[address1]", "street"}, {"filter[location]", "locationName"}, {"filter[reportTo]", "reportTo"}, {"filter[nonEnglishSpeaker]", "speaker"},
		{"filter[yourReference]", "yourReference"}, {"filter[customer]", "customer"}, {"filter[createdBy]", "booker"}, {"filter[interpreter]", "anaLIN"},
		{"filter[interpreter]", "anaName"},
	} {
		if slices.Contains(may, c.secret) {
			continue
		}
		r := o.ask(user, "/jobs?limit=500&"+url.QueryEscape(c.param)+"="+url.QueryEscape(secrets[c.secret]))
		if r.status == 200 && slices.Contains(refsOf(r), ref) {
			t.Errorf("%s finds the job by its %s in %s", user, c.secret, c.param)
		}
	}
	job := o.read("admin", "/jobs/"+ref).body
	for param, id := range map[string]any{"location": job["location"], "client": job["client"], "customer": job["customer"]} {
		secret := map[string]string{"location": "locationName", "client": "customer", "customer": "customer"}[param]
		if slices.Contains(may, secret) {
			continue
		}
		for _, list := range []string{"/jobs?limit=500", "/calendar?from=2020-04-01&to=2020-05-01"} {
			if param == "customer" && strings.HasPrefix(list, "/calendar") {
				continue
			}
			r := o.ask(user, list+"&"+param+"="+id.(map[string]any)["id"].(string))
			if r.status == 200 && slices.Contains(refsOf(r), ref) {
				t.Errorf("%s finds the job by its %s in %s", user, param, list)
			}
		}
	}
	if !slices.Contains(may, "anaLIN") {
		for _, list := range []string{"/jobs?limit=500", "/calendar?from=2020-04-01&to=2020-05-01"} {
			if r := o.ask(user, list+"&interpreter="+url.QueryEscape(anaLIN)); r.status == 200 && slices.Contains(refsOf(r), ref) {
				t.Errorf("%s finds the job by its interpreter in %s", user, list)
			}
		}
	}
}
