package booking

import (
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Who asks what may be done: staff, the job's customer, or an interpreter.
type Who struct {
	Staff       bool
	Customer    bool
	Interpreter uuid.UUID
}

// actions are the commands of the HTTP contract that this package decides, in its order, each as this party would send it; nil: not theirs.
var actions = []struct {
	name string
	as   func(w Who, job uuid.UUID) checked
}{
	{"confirm", staff(func(job uuid.UUID) checked { return Confirm{Job: job} })},
	{"take", staff(func(job uuid.UUID) checked { return Take{Job: job} })},
	{"release", staff(func(job uuid.UUID) checked { return LetGo{Job: job} })},
	{"send-offer", staff(func(job uuid.UUID) checked { return SendOffer{Job: job} })},
	{"revoke-offer", staff(func(job uuid.UUID) checked { return RevokeOffer{Job: job} })},
	{"accept-offer", notCustomer(func(w Who, job uuid.UUID) checked {
		return AcceptOffer{Job: job, Interpreter: w.Interpreter, ByStaff: w.Staff}
	})},
	{"decline-offer", notCustomer(func(w Who, job uuid.UUID) checked {
		return DeclineOffer{Job: job, Interpreter: w.Interpreter, ByStaff: w.Staff}
	})},
	{"assign", staff(func(job uuid.UUID) checked { return Assign{Job: job} })},
	{"unassign", notCustomer(func(w Who, job uuid.UUID) checked { return Unassign{Job: job, Interpreter: w.Interpreter} })},
	{"propose-eta", staff(func(job uuid.UUID) checked { return ProposeEta{Job: job} })},
	{"agree-eta", customer(func(job uuid.UUID) checked { return AgreeEta{Job: job} })},
	{"decline-eta", customer(func(job uuid.UUID) checked { return DeclineEta{Job: job} })},
	{"change-eta", staff(func(job uuid.UUID) checked { return ChangeEta{Job: job} })},
	{"submit-timesheet", everyone(func(w Who, job uuid.UUID) checked { return SubmitTimesheet{Job: job, Side: w.side()} })},
	{"accept-timesheet", everyone(func(w Who, job uuid.UUID) checked { return AcceptTimesheet{Job: job, Side: w.side()} })},
	{"dispute-timesheet", everyone(func(w Who, job uuid.UUID) checked { return DisputeTimesheet{Job: job, Side: w.side()} })},
	{"close", everyone(func(w Who, job uuid.UUID) checked { return Close{Job: job, Side: w.side()} })},
	{"cancel", notInterpreter(func(w Who, job uuid.UUID) checked { return Cancel{Job: job, ByCustomer: w.Customer} })},
	{"edit", notInterpreter(func(w Who, job uuid.UUID) checked { return Edit{Job: job, ByCustomer: w.Customer} })},
	{"duplicate", notInterpreter(func(_ Who, job uuid.UUID) checked { return Duplicate{Original: Job{ID: job}} })},
	{"follow-up", notInterpreter(func(_ Who, job uuid.UUID) checked { return FollowUp{Job: job} })},
	{"undo", notInterpreter(func(_ Who, job uuid.UUID) checked { return Undo{Job: job} })},
	{"continue", notInterpreter(func(w Who, job uuid.UUID) checked { return Continue{Job: job} })},
	{"make-recurring", notInterpreter(func(w Who, job uuid.UUID) checked { return MakeRecurring{Job: job, ByCustomer: w.Customer} })},
	{"counter-offer", func(w Who, job uuid.UUID) checked {
		if w.Interpreter == uuid.Nil {
			return nil
		}
		return CounterOffer{Job: job, Interpreter: w.Interpreter}
	}},
	{"answer-counter", staff(func(job uuid.UUID) checked { return AnswerCounter{Job: job} })},
	{"post-message", notInterpreter(func(w Who, job uuid.UUID) checked { return PostMessage{Job: job} })},
	{"log-contact", staff(func(job uuid.UUID) checked { return LogContact{Job: job} })},
}

// Actions are the commands that this party may send about a job now, in the contract's order: each asks the command's own check, so what is
// listed is accepted when its values are good, and what is not listed is refused (LL-69). Role and permission are the caller's to judge. Of env it
// needs the time, the settings and the form.
func Actions(s State, job uuid.UUID, w Who, env Env) []string {
	j, ok := s.Job(job)
	if !ok {
		return nil
	}
	var names []string
	for _, a := range actions {
		if c := a.as(w, job); c != nil && c.allowed(s, j, env) == nil && w.concerned(c, j) {
			names = append(names, a.name)
		}
	}
	return names
}

// concerned: an interpreter speaks for the hours of the job only while having it.
func (w Who) concerned(c checked, j Job) bool {
	switch c.(type) {
	case SubmitTimesheet, AcceptTimesheet, DisputeTimesheet, Close:
		return w.Interpreter == uuid.Nil || j.Assignment != nil && j.Assignment.Interpreter == w.Interpreter && j.Status != domain.Complete
	}
	return true
}

// side is whose hours this party speaks for; staff for either.
func (w Who) side() Side {
	switch {
	case w.Customer:
		return CustomerSide
	case w.Interpreter != uuid.Nil:
		return InterpreterSide
	}
	return ""
}

func everyone(as func(Who, uuid.UUID) checked) func(Who, uuid.UUID) checked {
	return func(w Who, job uuid.UUID) checked {
		if !w.Staff && !w.Customer && w.Interpreter == uuid.Nil {
			return nil
		}
		return as(w, job)
	}
}

func staff(as func(uuid.UUID) checked) func(Who, uuid.UUID) checked {
	return func(w Who, job uuid.UUID) checked {
		if !w.Staff {
			return nil
		}
		return as(job)
	}
}

func customer(as func(uuid.UUID) checked) func(Who, uuid.UUID) checked {
	return func(w Who, job uuid.UUID) checked {
		if !w.Customer {
			return nil
		}
		return as(job)
	}
}

func notCustomer(as func(Who, uuid.UUID) checked) func(Who, uuid.UUID) checked {
	return func(w Who, job uuid.UUID) checked {
		if !w.Staff && w.Interpreter == uuid.Nil {
			return nil
		}
		return as(w, job)
	}
}

func notInterpreter(as func(Who, uuid.UUID) checked) func(Who, uuid.UUID) checked {
	return func(w Who, job uuid.UUID) checked {
		if !w.Staff && !w.Customer {
			return nil
		}
		return as(w, job)
	}
}
