package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// TestContractRevisions: everything that is read and can be changed says its revision, in the ETag of its address and in lists; a change that
// names it is done while it holds, and refused with what has happened since once it does not.
func TestContractRevisions(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.as("admin")
	customer := o.read("requestor", "/me").body["customer"].(string)
	client := o.read("requestor", "/clients").items()[0]["id"].(string)
	user := admin.do("POST", "/users", map[string]any{"username": "revised", "name": "Rita Revised", "email": "rita@x.example", "role": "requestor", "customer": customer, "password": "a good password"})
	staff := admin.do("POST", "/users", map[string]any{"username": "revised2", "name": "Sam Staff", "email": "sam@x.example", "role": "assigner", "password": "a good password"})
	named := func(name string) map[string]any { return map[string]any{"name": name} }
	for _, c := range []struct {
		list, id string
		command  string
		suspends bool
	}{
		{"/customers", customer, "change-customer", false},
		{"/clients", client, "change-client", false},
		{"/locations", o.location, "change-location", false},
		{"/interpreters", o.ana(), "change-interpreter", true},
		{"/users", user.body["id"].(string), "change-user", false},
		{"/users", staff.body["id"].(string), "change-user", false},
	} {
		path := c.list + "/" + c.id
		t.Run(path, func(t *testing.T) {
			o := o.in(t)
			sent := func(method, path string, body any, match string) reply {
				t.Helper()
				return admin.send(method, "/api/v1"+path, body, map[string]string{"If-Match": match})
			}
			seen := o.read("admin", path)
			tag := seen.header.Get("ETag")
			if tag != fmt.Sprintf(`"%v"`, seen.body["revision"]) || seen.header.Get("Dragoman-Position") == "" {
				t.Fatalf("the ETag is %s, the revision %v", tag, seen.body["revision"])
			}
			listed := o.read("admin", c.list+"?limit=500").items()
			i := slices.IndexFunc(listed, func(i map[string]any) bool { return i["id"] == c.id })
			if i < 0 || fmt.Sprint(listed[i]) != fmt.Sprint(seen.body) {
				t.Errorf("read alone it is %v, in the list %v", seen.body, listed[max(i, 0)])
			}
			first := sent("PATCH", path, named("First name"), tag)
			if first.status != http.StatusNoContent || first.header.Get("ETag") == tag {
				t.Fatalf("a change with the ETag: %d %s, ETag %s", first.status, first.raw, first.header.Get("ETag"))
			}
			if now := o.read("admin", path); now.header.Get("ETag") != first.header.Get("ETag") || now.body["name"] != "First name" {
				t.Errorf("the change answered the ETag %s, now it is %s", first.header.Get("ETag"), now.header.Get("ETag"))
			}
			if r := sent("PATCH", path, named("First name"), first.header.Get("ETag")); r.status != http.StatusNoContent || r.header.Get("ETag") != first.header.Get("ETag") {
				t.Errorf("a change that changes nothing: %d, ETag %s", r.status, r.header.Get("ETag"))
			}
			want := []any{c.command}
			if c.suspends {
				for _, command := range []string{"suspend", "reinstate"} {
					if r := sent("POST", path+"/"+command, map[string]any{}, o.read("admin", path).header.Get("ETag")); r.status != http.StatusNoContent {
						t.Errorf("%s: %d %s", command, r.status, r.raw)
					}
					want = append(want, command+"-interpreter")
				}
			}
			stale := sent("PATCH", path, named("Second name"), tag)
			problemIs(t, "a change with a stale ETag", stale, 412, "stale-revision")
			if got := stale.body["changed"]; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("since then there was %v, want %v", got, want)
			}
			if now := o.read("admin", path); now.body["name"] != "First name" {
				t.Errorf("refused, it is called %v", now.body["name"])
			}
			problemIs(t, "no revision", sent("PATCH", path, named("Second name"), "yesterday"), 422, "invalid", "header.If-Match")
			for _, match := range []string{"", "*", "W/"} {
				if match == "W/" { // as a proxy that compresses weakens it
					match += o.read("admin", path).header.Get("ETag")
				}
				if r := sent("PATCH", path, named("Name "+match), match); r.status != http.StatusNoContent {
					t.Errorf("a change if it is %q: %d %s", match, r.status, r.raw)
				}
			}
		})
	}
	t.Run("of each its own", func(t *testing.T) { o.in(t).ownRevisions(customer, client) })
	t.Run("unknown", func(t *testing.T) {
		o.in(t)
		for _, list := range []string{"customers", "clients", "locations", "interpreters", "users"} {
			for _, id := range []string{"00000000-0000-4000-8000-000000000000", "nobody"} {
				problemIs(t, list+"/"+id, o.ask("admin", "/"+list+"/"+id), 404, "not-found")
			}
		}
	})
	t.Run("settings and notices", func(t *testing.T) { o.in(t).settingsRevision() })
	t.Run("my own entry", func(t *testing.T) {
		o.in(t)
		me := o.read("requestor", "/me").body["id"].(string)
		if got := o.read("requestor", "/users/"+me); got.body["id"] != me || got.header.Get("ETag") == "" {
			t.Errorf("the own entry: %s", got.raw)
		}
		if got := o.read("interpreter", "/interpreters/"+o.ana()); got.body["lin"] != anaLIN {
			t.Errorf("the own entry: %s", got.raw)
		}
	})
}

// ownRevisions: what changes at a customer leaves the revisions of its other things; what is made answers its own, and If-Match means the
// customer that its maker has seen.
func (o *office) ownRevisions(customer, client string) {
	t := o.t
	admin := o.as("admin")
	tag := func(path string) string { return o.read("admin", path).header.Get("ETag") }
	paths := []string{"/customers/" + customer, "/clients/" + client, "/locations/" + o.location}
	for i, path := range paths {
		var before []string
		for _, p := range paths {
			before = append(before, tag(p))
		}
		admin.do("PATCH", path, map[string]any{"name": "Renamed once more"})
		for n, p := range paths {
			if now := tag(p); (now != before[n]) != (n == i) {
				t.Errorf("after a change of %s the ETag of %s is %s, before %s", path, p, now, before[n])
			}
		}
	}
	seen := tag("/customers/" + customer)
	for path, body := range map[string]map[string]any{"/clients": {"customer": customer, "name": "Third"},
		"/locations": {"customer": customer, "name": "Pier", "address": map[string]any{"line1": "1 Pier", "town": "Hull", "postcode": "HU1 1AA"}},
		"/users":     {"customer": customer, "username": "third", "name": "Third", "email": "third@x.example", "role": "requestor"}} {
		made := admin.send("POST", "/api/v1"+path, body, map[string]string{"If-Match": seen})
		if made.status != http.StatusCreated {
			t.Errorf("%s at the customer as seen: %d %s", path, made.status, made.raw)
			continue
		}
		if now := tag(path + "/" + made.body["id"].(string)); now != made.header.Get("ETag") {
			t.Errorf("%s answered the ETag %s, read it is %s", path, made.header.Get("ETag"), now)
		}
	}
	admin.do("PATCH", "/customers/"+customer, map[string]any{"name": "West Riding"})
	r := admin.send("POST", "/api/v1/clients", map[string]any{"customer": customer, "name": "Fourth"}, map[string]string{"If-Match": seen})
	problemIs(t, "a client at a customer that has changed", r, 412, "stale-revision")
	if fmt.Sprint(r.body["changed"]) != "[change-customer]" {
		t.Errorf("since then there was %v", r.body["changed"])
	}
	person := admin.do("POST", "/interpreters", map[string]any{"lin": "LIN/REVI/S0001", "name": "Ida Revised", "gender": "female", "languages": []string{"pl"}, "skills": []string{"spoken-only"},
		"credentials": []any{}})
	if now := tag("/interpreters/" + person.body["id"].(string)); now != person.header.Get("ETag") {
		t.Errorf("an interpreter was made with the ETag %s, read it is %s", person.header.Get("ETag"), now)
	}
	erased := admin.do("POST", "/erasures", map[string]any{"interpreter": person.body["id"], "reason": "request"})
	if now := tag("/interpreters/" + person.body["id"].(string)); now != erased.header.Get("ETag") {
		t.Errorf("an interpreter was erased with the ETag %s, read it is %s", erased.header.Get("ETag"), now)
	}
}

// settingsRevision: settings and notices are one thing with one revision, told to whoever reads either.
func (o *office) settingsRevision() {
	t := o.t
	settings, notices := o.read("admin", "/settings"), o.read("assigner", "/notices")
	tag := settings.header.Get("ETag")
	if tag == "" || tag != notices.header.Get("ETag") || settings.body["revision"] != notices.body["revision"] || fmt.Sprintf(`"%v"`, settings.body["revision"]) != tag {
		t.Fatalf("settings have the ETag %s and revision %v, notices %s and %v", tag, settings.body["revision"], notices.header.Get("ETag"), notices.body["revision"])
	}
	put := func(user, path string, body map[string]any, match string) reply {
		return o.as(user).send("PUT", "/api/v1"+path, body, map[string]string{"If-Match": match})
	}
	posted := put("assigner", "/settings/notices", map[string]any{"splash": "Snow."}, tag)
	if posted.status != http.StatusNoContent || posted.header.Get("ETag") == tag {
		t.Fatalf("notices with the ETag: %d %s, ETag %s", posted.status, posted.raw, posted.header.Get("ETag"))
	}
	stale := put("admin", "/settings/agency", map[string]any{"offerHours": 5}, tag)
	problemIs(t, "settings with a stale ETag", stale, 412, "stale-revision")
	if fmt.Sprint(stale.body["changed"]) != "[post-notices]" {
		t.Errorf("since then there was %v", stale.body["changed"])
	}
	if r := put("admin", "/settings/agency", map[string]any{"offerHours": 5}, posted.header.Get("ETag")); r.status != http.StatusNoContent {
		t.Errorf("settings with the ETag: %d %s", r.status, r.raw)
	}
	o.as("assigner").do("PUT", "/settings/notices", map[string]any{"splash": ""})
}
