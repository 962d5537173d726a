package web

// step is something that the viewer may do with a job now, as the job's page offers it.
type step struct {
	Name string // where it leads, under the job
	Text string // key of a text
	Post bool   // done by one press
	Next bool   // what the job waits for
}

// Steps are what the viewer may do, in the order of the work. What stands elsewhere on the page (editing, cancelling, messages, the answers
// to an offer or to a proposed start) is not among them.
func (j jobPage) Steps() []step {
	var out []step
	add := func(command string, s step) {
		if j.Can[command] {
			out = append(out, s)
		}
	}
	next := func(command string) bool { return j.NextStep == command }
	staff := j.viewer.Staff()
	add("confirm", step{Name: "confirm", Text: "todo.confirm", Post: true, Next: next("confirm")})
	if j.TakenByMe {
		add("release", step{Name: "release", Text: "todo.release", Post: true})
	} else {
		add("take", step{Name: "take", Text: "todo.take", Post: true})
	}
	add("send-offer", step{Name: "send-offer", Text: "todo.send-offer", Next: next("send-offer")})
	add("assign", step{Name: "assign", Text: "todo.assign"}) // who has accepted is assigned from the list of offers
	if staff {
		add("accept-offer", step{Name: "accept-offer", Text: "todo.accept-offer"})
		add("decline-offer", step{Name: "decline-offer", Text: "todo.decline-offer"})
	}
	add("propose-eta", step{Name: "propose-eta", Text: "todo.propose-eta"})
	add("change-eta", step{Name: "change-eta", Text: "todo.change-eta"})
	add("log-contact", step{Name: "log-contact", Text: "todo.log-contact"})
	switch {
	case j.Can["accept-timesheet"]:
		out = append(out, step{Name: "timesheet", Text: "todo.accept-timesheet", Next: !staff})
	case j.Can["submit-timesheet"]:
		out = append(out, step{Name: "timesheet", Text: "todo.submit-timesheet", Next: !staff})
	}
	add("close", step{Name: "close", Text: "todo.close", Next: next("close")})
	text := "todo.unassign"
	if j.Own {
		text = "todo.unassign-self"
	}
	add("unassign", step{Name: "unassign", Text: text})
	return out
}
