package domain

import (
	"errors"
	"fmt"
	"testing"
)

func TestRefusalsAreMatchedByCode(t *testing.T) {
	t.Parallel()
	for status, r := range map[int]*Refusal{
		422: Unprocessable("too-late", "It is %d hours too late.", 2), 409: Conflict("double-booked", "Taken."), 403: Forbidden("not-editable", "No."),
		404: NotFound("There is no such job."),
	} {
		if r.Status != status || r.Detail == "" {
			t.Errorf("%+v", r)
		}
		wrapped := fmt.Errorf("decide: %w", r)
		if !errors.Is(wrapped, &Refusal{Code: r.Code}) || errors.Is(wrapped, &Refusal{Code: "other"}) || errors.Is(wrapped, errors.ErrUnsupported) {
			t.Errorf("%s is not matched by its code alone", r.Code)
		}
	}
	r := Unprocessable("too-late", "It is %d hours too late.", 2)
	if r.Error() != "too-late: It is 2 hours too late." {
		t.Error(r.Error())
	}
	if r := Invalid(FieldError{"body.start", "x"}, FieldError{"body.end", "y"}); len(r.Errors) != 2 || r.Status != 422 || r.Code != "invalid" {
		t.Errorf("%+v", r)
	}
}

func TestD01_StatusAndOutcome(t *testing.T) {
	t.Parallel()
	for s, live := range map[Status]bool{Requested: true, New: true, Assigned: true, Ongoing: true, Complete: false, Cancelled: false, "": false} {
		if s.Live() != live {
			t.Errorf("%s live: %v", s, s.Live())
		}
	}
	billed := map[Outcome]bool{Success: true, Curtailed: true, ClientNoShow: true, NotFulfilled: false, Aborted: false, WorkerNoShow: false}
	for o, want := range billed {
		if !o.Known() || o.Billable() != want {
			t.Errorf("%s: known %v, billable %v", o, o.Known(), o.Billable())
		}
	}
	if Outcome("splendid").Known() || Outcome("").Known() {
		t.Error("an unknown outcome is known")
	}
	if got := ClientNoShow.Words(); got != "client no show" {
		t.Error(got)
	}
}

func TestInterpreterIDDerivesFromTheLIN(t *testing.T) {
	t.Parallel()
	a, b := InterpreterID("LIN/5455/5J71Y"), InterpreterID("LIN/5466/5J71X")
	if a == b || a != InterpreterID("LIN/5455/5J71Y") || a.String() != "b7d11d9c-b619-532e-940c-84f5ab10e922" {
		t.Errorf("%s: this id is in the names of streams and may never change", a)
	}
}
