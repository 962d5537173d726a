package main

import (
	"slices"
	"testing"
)

// TestII82_LL113_LL115_CancelWindow: customers cancel while more than 72 hours remain before the start; exactly 72 are too late. The clocks are real hours,
// across a clock change too. What is too late comes with the admin message to send instead (LL-115). Staff are not bound.
func TestII82_LL113_LL115_CancelWindow(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.clock("2020-03-02T09:00:00Z")
	cancel := map[string]any{"authorisedBy": "Inspector Hale"}
	can := func(ref string) bool {
		t.Helper()
		actions, _ := o.read("requestor", "/jobs/"+ref).body["actions"].([]any)
		return slices.Contains(actions, any("cancel"))
	}
	// London goes forward on 29 March: the start is 2020-03-30T10:00 local, 09:00 UTC; 72 hours before it is 09:00 UTC on the 27th, 09:00 local.
	in, at := o.book("2020-03-30T10:00", 60), o.book("2020-03-30T10:00", 60)
	o.clock("2020-03-27T08:59:59Z")
	if !can(in) {
		t.Error("cancel is not offered 72 hours and a second before")
	}
	if until := o.read("requestor", "/jobs/"+in).body["cancelUntil"]; until != "2020-03-27T09:00:00Z" {
		t.Errorf("cancel until %v", until)
	}
	o.clock("2020-03-27T09:00:00Z")
	if can(at) {
		t.Error("cancel is offered exactly 72 hours before")
	}
	r := o.try("requestor", at, "cancel", cancel)
	problemIs(t, "exactly 72 hours before", r, 422, "too-late")
	if r.body["until"] != "2020-03-27T09:00:00Z" {
		t.Errorf("until is %v", r.body["until"])
	}
	action := r.body["actions"].([]any)[0].(map[string]any)
	if action["command"] != "post-message" {
		t.Fatalf("LL-115: the action is %v", action)
	}
	o.do("requestor", at, "post-message", action["body"])
	if got := o.read("assigner", "/jobs/"+at+"/messages").items(); len(got) != 1 || got[0]["text"] != action["body"].(map[string]any)["text"] {
		t.Errorf("LL-115: the thread is %v", got)
	}
	o.clock("2020-03-27T08:59:59Z")
	done := o.do("requestor", in, "cancel", cancel)
	if done.body["status"] != "cancelled" {
		t.Errorf("LL-113: %s", done.raw)
	}
	if want := []string{in + " changed from new to cancelled", in + " Created"}; !slices.Equal(o.notes("requestor", in), want) {
		t.Errorf("notes are %q", o.notes("requestor", in))
	}
	o.clock("2020-03-30T08:00:00Z")
	if r := o.do("assigner", at, "cancel", cancel); r.body["status"] != "cancelled" {
		t.Errorf("staff: %s", r.raw)
	}
	problemIs(t, "what is over", o.try("assigner", o.pastJob(), "edit", map[string]any{"scope": "none"}), 422, "invalid")

	t.Run("II-84 II-85 LL-114 who authorised it", func(t *testing.T) {
		o.in(t).clock("2020-03-02T09:00:00Z")
		ref := o.book("2020-04-30T10:00", 60)
		problemIs(t, "without", o.try("requestor", ref, "cancel", map[string]any{}), 422, "invalid", "body.authorisedBy")
		problemIs(t, "blank", o.try("requestor", ref, "cancel", map[string]any{"authorisedBy": "  "}), 422, "invalid", "body.authorisedBy")
		problemIs(t, "a reason that is not in the list (II-84)", o.try("requestor", ref, "cancel", map[string]any{"authorisedBy": "Hale", "reason": "whim"}), 422, "invalid", "body.reason")
		reason := o.read("requestor", "/reasons?kind=cancel").items()[0]["value"].(string)
		o.do("requestor", ref, "cancel", map[string]any{"authorisedBy": "Inspector Hale", "reason": reason, "details": "Suspect released."})
		ending := o.read("assigner", "/jobs/"+ref).body["ending"].(map[string]any)
		if ending["authorisedBy"] != "Inspector Hale" || ending["reason"] != reason || ending["details"] != "Suspect released." || ending["kind"] != "cancelled" {
			t.Errorf("II-85: the ending is %v", ending)
		}
		problemIs(t, "an edit afterwards", o.try("assigner", ref, "edit", map[string]any{"fields": map[string]any{"reportTo": "X"}}), 422, "wrong-status")
		if r := o.try("requestor", ref, "cancel", cancel); r.status != 200 {
			t.Errorf("again: %d %s", r.status, r.raw)
		}
	})
	t.Run("LL-113 not enabled", func(t *testing.T) {
		o.in(t).clock("2020-03-02T09:00:00Z")
		ref := o.book("2020-05-30T10:00", 60)
		customer := o.read("requestor", "/me").body["customer"].(string)
		o.as("admin").do("PATCH", "/customers/"+customer, map[string]any{"settings": map[string]any{"cancelEnabled": false}})
		if can(ref) {
			t.Error("cancel is offered")
		}
		problemIs(t, "cancel", o.try("requestor", ref, "cancel", cancel), 403, "not-permitted")
		// Another agreement: 24 hours. The page and the refusal say the same.
		o.as("admin").do("PATCH", "/customers/"+customer, map[string]any{"settings": map[string]any{"cancelEnabled": true, "cancelHours": 24}})
		if until := o.read("requestor", "/jobs/"+ref).body["cancelUntil"]; until != "2020-05-29T10:00:00+01:00" {
			t.Errorf("the job says until %v", until)
		}
		o.clock("2020-05-29T08:59:59Z")
		if !can(ref) {
			t.Error("cancel is not offered 24 hours and a second before")
		}
		o.clock("2020-05-29T09:00:00Z")
		r := o.try("requestor", ref, "cancel", cancel)
		problemIs(t, "24 hours before", r, 422, "too-late")
		if r.body["until"] != "2020-05-29T09:00:00Z" {
			t.Errorf("until %v", r.body["until"])
		}
	})
	t.Run("an assigned job frees its interpreter", func(t *testing.T) {
		o.in(t).clock("2020-03-02T09:00:00Z")
		ref := o.book("2020-06-30T10:00", 60)
		o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
		other := o.book("2020-06-30T10:30", 60)
		problemIs(t, "the same time", o.try("assigner", other, "assign", map[string]any{"interpreter": anaLIN, "override": "Needed."}), 409, "double-booked")
		o.do("requestor", ref, "cancel", cancel)
		o.do("assigner", other, "assign", map[string]any{"interpreter": anaLIN})
		if got := o.notes("requestor", ref); got[0] != ref+" changed from assigned to cancelled" {
			t.Errorf("the note is %q", got[0])
		}
	})
}

// pastJob is an assigned job whose time has passed.
func (o *office) pastJob() string {
	o.t.Helper()
	o.clock("2020-02-01T09:00:00Z")
	ref := o.book("2020-02-01T10:00", 60)
	o.do("assigner", ref, "assign", map[string]any{"interpreter": anaLIN})
	o.clock("2020-02-01T12:00:00Z")
	return ref
}
