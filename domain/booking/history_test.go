package booking

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dragoman-booking/dragoman/domain"
)

// TestLL95_TheSeedsHistory drives the fifteen notes of the police guide: each event stands for the note or notes beside it.
func TestLL95_TheSeedsHistory(t *testing.T) {
	t.Parallel()
	s := created(t).
		at("2020-03-24T15:47", SendOffer{Job: jobID, Interpreters: ids(ana)}).
		at("2020-03-24T15:47", RevokeOffer{Job: jobID, Interpreter: ana}).
		at("2020-03-24T15:48", SendOffer{Job: jobID, Interpreters: ids(ana)}).
		at("2020-03-24T15:58", AcceptOffer{Job: jobID, Interpreter: ana}).
		at("2020-03-24T15:59", Assign{Job: jobID, Interpreter: ana}).
		at("2020-03-24T18:04", Unassign{Job: jobID, Interpreter: ana, Reason: "no longer available"}).
		at("2020-03-25T10:34", AcceptOffer{Job: jobID, Interpreter: ben, ByStaff: true}). // D-18: no offer is listed
		at("2020-03-25T10:40", Assign{Job: jobID, Interpreter: ben}).
		at("2020-04-15T08:40", ChangeEta{Job: jobID, ETA: "2020-03-26T16:00", AgreedBy: "Jo Bloggs"}). // D-21: in the past
		at("2020-05-01T13:17", SubmitTimesheet{Job: jobID, Side: CustomerSide, Blocks: []BlockIn{{"2020-03-26T16:00", "2020-03-26T17:00"}}}).
		at("2020-05-01T13:18", AcceptTimesheet{Job: jobID, Side: InterpreterSide})

	var kinds []string
	for _, e := range s.events {
		kinds = append(kinds, fmt.Sprintf("%T", e)[len("booking."):])
	}
	want := []string{
		"Created", "OfferSent", "OfferRevoked", "OfferSent", "OfferAccepted", "Assigned", "Unassigned", "OfferAccepted", "Assigned",
		"EtaChanged", "TimesheetSubmitted", "TimesheetAccepted",
	}
	if !slices.Equal(kinds, want) {
		t.Fatalf("events %v, want %v", kinds, want)
	}
	j := s.job()
	if j.Status != domain.Complete || j.Outcome != domain.Success || j.Schedule.Start.Local != "2020-03-26T10:00:00" || j.ETA.Local != "2020-03-26T16:00:00" {
		t.Fatalf("job stands at %s %s, start %v, ETA %v", j.Status, j.Outcome, j.Schedule.Start, j.ETA)
	}
	if e := s.events[9].(EtaChanged); !e.InPast {
		t.Error("an ETA recorded afterwards is not flagged (D-21)")
	}
	if e := s.events[7].(OfferAccepted); !e.WithoutOffer {
		t.Error("an acceptance without an offer is not marked (D-18)")
	}
}
