package booking

import (
	"testing"

	"github.com/dragoman-booking/dragoman/domain"
)

// requested is a booking on a form whose jobs wait for the agency's word.
func requested(t *testing.T) *story {
	t.Helper()
	e := env("2020-03-24T15:46")
	e.NewID = newID("create")
	e.Form.Initial = string(domain.Requested)
	return tell(t).does(booked(), e)
}

// A job of a form that asks for confirmation is requested first; confirmed it is new and can be offered (D-01, ES-20).
func TestES20_D01_ARequestIsConfirmed(t *testing.T) {
	t.Parallel()
	s := requested(t)
	if got := s.job().Status; got != domain.Requested {
		t.Fatalf("it begins as %s", got)
	}
	s.when(monday, send(ana)).refused("wrong-status")
	s.when(monday, give(ana)).refused("wrong-status")
	s.when(monday, Confirm{Job: jobID}).then(Confirmed{Job: jobID})
	confirmed := s.at(monday, Confirm{Job: jobID})
	if got := confirmed.job().Status; got != domain.New {
		t.Errorf("confirmed it is %s", got)
	}
	confirmed.when(monday, Confirm{Job: jobID}).refused("wrong-status")
	confirmed.at(monday, send(ana))
	created(t).when(monday, Confirm{Job: jobID}).refused("wrong-status")
	assignedTo(t, ana).when(monday, Confirm{Job: jobID}).refused("wrong-status")
	requested(t).at(monday, Cancel{Job: jobID, AuthorisedBy: "Hale"}).when(monday, Confirm{Job: jobID}).refused("wrong-status")
}

// What a request is waiting for is listed to staff alone.
func TestES20_WhoConfirms(t *testing.T) {
	t.Parallel()
	s := requested(t)
	for who, want := range map[Who]bool{{Staff: true}: true, {Customer: true}: false, {Interpreter: ana}: false} {
		if got := len(Actions(s.state, jobID, who, env(monday))) > 0 && Actions(s.state, jobID, who, env(monday))[0] == "confirm"; got != want {
			t.Errorf("%+v may confirm: %v", who, got)
		}
	}
}
