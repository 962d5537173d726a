package booking

import "github.com/dragoman-booking/dragoman/domain"

// Name is the command's name.
func (Confirm) Name() string { return "confirm" }

// Decide takes up a request: from now on the agency looks for an interpreter (D-01, ES-20).
//
//	given  requested
//	when   Confirm
//	then   Confirmed
//	again  wrong-status: it is new already
//	error  wrong-status
func (c Confirm) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	return decide(Confirmed{Job: j.ID}), nil
}

func (c Confirm) allowed(_ State, j Job, _ Env) error {
	return standing(j, "it waits for no confirmation.", domain.Requested)
}
