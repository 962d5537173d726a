package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// office is one running demo with its people, for tests of the contract. They share its clock, so they take their turns.
type office struct {
	t        *testing.T
	base     string
	people   map[string]*client
	location string // one of the requestor's
}

const (
	anaLIN = "LIN/5455/5J71Y" // the user interpreter
	benLIN = "LIN/5466/5J71X" // the user interpreter2
)

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, base: startDemo(t), people: map[string]*client{}}
	o.location = o.as("requestor").get("/locations").items()[0]["id"].(string)
	return o
}

// as is a user of the demo, signed in.
func (o *office) as(user string) *client {
	c := o.people[user]
	if c == nil {
		c = signIn(o.t, o.base, user)
		o.people[user] = c
	}
	return c
}

// in makes t the test that the office's people report to.
func (o *office) in(t *testing.T) *office {
	o.t = t
	for _, c := range o.people {
		c.t = t
	}
	return o
}

// read asks a query that must succeed, after everything that anybody has done.
func (o *office) read(user, path string) reply {
	o.t.Helper()
	all := make([]*client, 0, len(o.people))
	for _, c := range o.people {
		all = append(all, c)
	}
	return o.as(user).get(path, all...)
}

// ask is read whatever the answer.
func (o *office) ask(user, path string) reply {
	o.t.Helper()
	c := o.as(user)
	for _, p := range o.people {
		if later(p.position, c.position) {
			c.position = p.position
		}
	}
	return c.send(http.MethodGet, "/api/v1"+path, nil, nil)
}

// send is one command, whatever the answer.
func (o *office) send(user, method, path string, body any) reply {
	o.t.Helper()
	return o.as(user).send(method, "/api/v1"+path, body, nil)
}

// try is one command about a job, whatever the answer.
func (o *office) try(user, ref, command string, body any) reply {
	o.t.Helper()
	return o.send(user, http.MethodPost, "/jobs/"+ref+"/"+command, body)
}

// do is one command about a job that must succeed.
func (o *office) do(user, ref, command string, body any) reply {
	o.t.Helper()
	return o.as(user).job(ref, command, body)
}

// book makes a face-to-face job of the requestor and answers its reference.
func (o *office) book(start string, minutes int, change ...func(body, fields map[string]any)) string {
	o.t.Helper()
	return refOf(o.as("requestor").do(http.MethodPost, "/bookings", o.booking(start, minutes, change...)))
}

func (o *office) booking(start string, minutes int, change ...func(body, fields map[string]any)) map[string]any {
	body := faceToFace(o.location, start, minutes)
	for _, c := range change {
		c(body, body["fields"].(map[string]any))
	}
	return body
}

// bookRemote makes a remote job of the requestor.
func (o *office) bookRemote(start string, minutes int) string {
	o.t.Helper()
	return refOf(o.as("requestor").do(http.MethodPost, "/bookings", remoteBooking(start, minutes)))
}

// remoteBooking is a complete booking of the remote form.
func remoteBooking(start string, minutes int) map[string]any {
	return map[string]any{
		"form": "remote", "billTo": "Accounts", "language": "pl", "serviceType": "remote",
		"start": start, "duration": map[string]any{"hours": minutes / 60, "minutes": minutes % 60},
		"fields": map[string]any{
			"invoiceReference": "PO 17", "nonEnglishSpeaker": "Jan Kowalski", "reasonForBooking": "interview", "platform": "MS Teams",
			"assignedNotes": "https://join.example/17", "requestingOfficer": "Sergeant Bell", "telephone": "0113 496 0000", "officerInCase": "DC Marsh",
			"primaryEmail": "bell@police.example", "collarNumber": "4411", "officerPhone": "0113 496 0001", "secondaryEmail": "desk@police.example",
		},
	}
}

// refOf is the reference of the first job that a booking made.
func refOf(r reply) string {
	return r.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
}

// clock sets the business clock to an instant.
func (o *office) clock(at string) {
	o.t.Helper()
	r := o.as("admin").again(http.MethodPut, "/dev/clock", map[string]any{"now": at})
	if r.status != http.StatusNoContent {
		o.t.Fatalf("set the clock to %s: %d %s", at, r.status, r.raw)
	}
}

// problemIs checks a problem: its status, code and media type, and that exactly these inputs are at fault.
func problemIs(t *testing.T, what string, r reply, status int, code string, locations ...string) {
	t.Helper()
	if r.status != status || r.body["code"] != code {
		t.Errorf("%s: %d %s, want %d %s", what, r.status, strings.TrimSpace(string(r.raw)), status, code)
		return
	}
	if ct := r.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("%s: answered as %s", what, ct)
	}
	for _, field := range []string{"type", "title", "detail"} {
		if s, _ := r.body[field].(string); s == "" {
			t.Errorf("%s: the problem has no %s: %s", what, field, r.raw)
		}
	}
	if r.body["status"] != float64(status) {
		t.Errorf("%s: the problem says status %v", what, r.body["status"])
	}
	if locations == nil {
		return
	}
	if got := faultsOf(r); !slices.Equal(got, slices.Sorted(slices.Values(locations))) {
		t.Errorf("%s: at fault are %q, want %q", what, got, locations)
	}
}

// faultsOf are the inputs that a problem names, sorted.
func faultsOf(r reply) []string {
	list, _ := r.body["errors"].([]any)
	var out []string
	for _, e := range list {
		out = append(out, e.(map[string]any)["location"].(string))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// warningsOf are the codes of an answer's warnings.
func warningsOf(r reply) []string {
	list, _ := r.body["warnings"].([]any)
	var out []string
	for _, w := range list {
		out = append(out, w.(map[string]any)["code"].(string))
	}
	slices.Sort(out)
	return out
}

// refsOf are the references of a list's items, in order.
func refsOf(r reply) []string {
	out := []string{}
	for _, i := range r.items() {
		out = append(out, i["ref"].(string))
	}
	return out
}

// note tells the activity notes of a job, newest first, without their stamps.
func (o *office) notes(user, ref string) []string {
	o.t.Helper()
	var out []string
	for _, i := range o.read(user, "/jobs/"+ref+"/activity").items() {
		out = append(out, i["note"].(string))
	}
	return out
}

func blocksOf(pairs ...string) map[string]any {
	list := []map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, map[string]any{"start": pairs[i], "end": pairs[i+1]})
	}
	return map[string]any{"blocks": list}
}
