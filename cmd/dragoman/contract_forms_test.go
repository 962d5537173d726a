package main

import (
	"fmt"
	"net/http"
	"testing"
)

// TestFormsContract: a form as it is read may be sent back and changes nothing; every fault of one is named at once and nothing is stored; a repeat
// stores one version; nobody but an admin stores any.
func TestFormsContract(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	read := func(id string) map[string]any { return o.read("admin", "/forms/"+id).body }
	put := func(id string, form map[string]any, header map[string]string) reply {
		return o.as("admin").send("PUT", "/api/v1/forms/"+id, form, header)
	}
	for _, id := range []string{"face-to-face", "remote", "standard"} {
		if r := put(id, read(id), nil); r.status != http.StatusNoContent || r.header.Get("ETag") != `"1"` {
			t.Errorf("%s as it was read: %d %s, ETag %s", id, r.status, r.raw, r.header.Get("ETag"))
		}
		if v := read(id)["version"]; v != 1.0 {
			t.Errorf("%s unchanged has version %v", id, v)
		}
	}

	form := read("remote")
	form["prefix"], form["initial"] = "dtm", "ongoing"
	form["sections"] = append(form["sections"].([]any), form["sections"].([]any)[0])
	fields := objectsOf(form["fields"])
	at := func(key string) string {
		for i, f := range fields {
			if f["key"] == key {
				return "body.fields[" + fmt.Sprint(i) + "]."
			}
		}
		t.Fatalf("no field %s", key)
		return ""
	}
	fieldOf(t, form, "platform")["options"] = []any{}
	fieldOf(t, form, "instructions")["kind"] = "hologram"
	fieldOf(t, form, "officerInCase")["personal"] = "none"
	fieldOf(t, form, "reportTo")["required"] = true
	fieldOf(t, form, "telephone")["requiredWhen"] = []any{map[string]any{"field": "weather"}}
	fieldOf(t, form, "agencyNotes")["key"] = "jobNotes"
	fieldOf(t, form, "collarNumber")["customers"] = []any{"00000000-0000-4000-8000-000000000000"}
	problemIs(t, "every fault at once", put("remote", form, nil), 422, "invalid", "body.prefix", "body.initial", "body.sections[5].key", at("platform")+"options",
		at("instructions")+"kind", at("officerInCase")+"personal", at("reportTo")+"required", at("telephone")+"requiredWhen", at("telephone")+"requiredWhen[0].field",
		at("collarNumber")+"customers[0]")
	unknown := read("remote")
	unknown["colour"] = "blue"
	fieldOf(t, unknown, "platform")["width"] = 3
	if r := put("remote", unknown, nil); r.status != 422 {
		t.Errorf("unknown fields: %d %s", r.status, r.raw)
	}
	other := read("remote")
	problemIs(t, "another id", put("standard", other, nil), 422, "invalid", "body.id")
	other["id"] = "No Form"
	problemIs(t, "an id that is none", put("No%20Form", other, nil), 422, "invalid", "body.id")
	if r := o.ask("admin", "/forms/remote"); r.body["version"] != 1.0 {
		t.Errorf("after refusals the form has version %v", r.body["version"])
	}

	changed := read("remote")
	changed["name"] = "Call"
	key := map[string]string{"Idempotency-Key": "form-1", "If-Match": `"1"`}
	for range 2 {
		if r := put("remote", changed, key); r.status != http.StatusNoContent || r.header.Get("ETag") != `"2"` {
			t.Errorf("a change, repeated: %d %s, ETag %s", r.status, r.raw, r.header.Get("ETag"))
		}
	}
	changed["name"] = "Another call"
	problemIs(t, "another form under that key", put("remote", changed, key), 422, "idempotency-key-reused")
	stale := put("remote", changed, map[string]string{"If-Match": `"1"`})
	problemIs(t, "decided on version 1", stale, 412, "stale-revision")
	if got := o.read("admin", "/forms/remote"); got.body["version"] != 2.0 || got.header.Get("ETag") != `"2"` || got.body["name"] != "Call" {
		t.Errorf("version %v, ETag %s, %v", got.body["version"], got.header.Get("ETag"), got.body["name"])
	}
	for _, user := range []string{"requestor", "assigner", "auditor", "customer-admin"} {
		problemIs(t, user, o.send(user, "PUT", "/forms/remote", changed), 403, "not-permitted")
	}
}
