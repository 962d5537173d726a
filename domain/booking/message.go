package booking

import (
	"github.com/dragoman-booking/dragoman/domain"
)

// Kinds of contact that staff log (LL-60..64).
const (
	ContactCall   = "call"
	ContactEmail  = "email"
	ContactUpdate = "update"
)

// maxUpdateMinutes is the longest interval of updates that can be agreed: a week.
const maxUpdateMinutes = 7 * 24 * 60

// The names of the commands about talking to each other.
func (PostMessage) Name() string { return "post-message" }
func (LogContact) Name() string  { return "log-contact" }

// Decide adds to the job's admin thread (LL-97), whatever the job's status.
//
//	given  any job
//	when   PostMessage{text}
//	then   MessagePosted
//	again  nothing: the message's id comes from the command
//	error  invalid without a text; erased
func (c PostMessage) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	id := env.NewID("message")
	if j.LastMessage == id {
		return Decision{}, nil
	}
	var f faults
	text := f.text("body.text", c.Text, true)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	return decide(MessagePosted{Key: s.Key, Job: j.ID, ID: id, Text: domain.Personal(text)}), nil
}

func (c PostMessage) allowed(s State, _ Job, _ Env) error {
	if s.Erased {
		return errErased()
	}
	return nil
}

// Decide writes down that staff reached the customer, and when the next update is due if that was agreed (LL-60..64).
//
//	given  a live job
//	when   LogContact{call, text, every 30 minutes}
//	then   ContactLogged
//	again  nothing: the entry's id comes from the command
//	error  wrong-status; invalid; erased
func (c LogContact) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	id := env.NewID("contact")
	if j.LastContact == id {
		return Decision{}, nil
	}
	var f faults
	switch c.Kind {
	case ContactCall, ContactEmail, ContactUpdate:
	default:
		f.add("body.kind", "Choose call, email or update.")
	}
	text := f.text("body.text", c.Text, true)
	if c.NextUpdateMinutes < 0 || c.NextUpdateMinutes > maxUpdateMinutes {
		f.add("body.nextUpdateMinutes", "From 0 minutes to a week.")
	}
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	return decide(ContactLogged{
		Key: s.Key, Job: j.ID, ID: id, Kind: c.Kind, Text: domain.Personal(text), NextUpdateMinutes: c.NextUpdateMinutes,
	}), nil
}

func (c LogContact) allowed(s State, j Job, _ Env) error {
	if s.Erased {
		return errErased()
	}
	if !j.Status.Live() {
		return wrongStatus(j, "contacts are logged while it is live.")
	}
	return nil
}
