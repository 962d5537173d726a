package domain

import "strings"

// Status is where a job stands (design, section 7; docs/states.md draws it).
type Status string

// The canonical states.
const (
	Requested Status = "requested"
	New       Status = "new"
	Assigned  Status = "assigned"
	Ongoing   Status = "ongoing"
	Complete  Status = "complete"
	Cancelled Status = "cancelled"
)

// Live tells whether the job still lies ahead or awaits its hours.
func (s Status) Live() bool {
	return s == Requested || s == New || s == Assigned || s == Ongoing
}

// Outcome is how a complete job ended.
type Outcome string

// The outcomes.
const (
	Success      Outcome = "success"
	NotFulfilled Outcome = "not-fulfilled"
	Aborted      Outcome = "aborted"
	ClientNoShow Outcome = "client-no-show"
	WorkerNoShow Outcome = "worker-no-show"
	Curtailed    Outcome = "curtailed"
)

// Known tells whether o is an outcome of the contract.
func (o Outcome) Known() bool {
	switch o {
	case Success, NotFulfilled, Aborted, ClientNoShow, WorkerNoShow, Curtailed:
		return true
	}
	return false
}

// Words prints an outcome for a note: with spaces.
func (o Outcome) Words() string { return strings.ReplaceAll(string(o), "-", " ") }

// Billable tells whether terms v1 bill such a job.
func (o Outcome) Billable() bool { return o == Success || o == Curtailed || o == ClientNoShow }
