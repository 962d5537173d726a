package booking

import (
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// The names of the commands that say whether an assigner works on the job.
func (Take) Name() string  { return "take" }
func (LetGo) Name() string { return "release" }

// Decide tells the customer that an assigner works on the job (LL-67 b). Another assigner may take it over.
//
//	given  requested or new
//	when   Take
//	then   Taken{by the actor}
//	again  nothing
//	error  wrong-status
func (c Take) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil || j.TakenBy == env.Actor.ID {
		return Decision{}, err
	}
	return decide(Taken{Job: j.ID, By: env.Actor.ID}), nil
}

func (c Take) allowed(_ State, j Job, _ Env) error { return sought(j) }

func sought(j Job) error {
	return standing(j, "nobody is sought for it.", domain.Requested, domain.New)
}

// Decide gives the job back: offers are being issued again (LL-67 a).
//
//	given  requested or new, taken
//	when   LetGo
//	then   Released
//	again  wrong-status: nobody works on it
//	error  wrong-status
func (c LetGo) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	return decide(Released{Job: j.ID, By: env.Actor.ID}), nil
}

func (c LetGo) allowed(_ State, j Job, _ Env) error {
	if err := sought(j); err != nil {
		return err
	}
	if j.TakenBy == uuid.Nil {
		return wrongStatus(j, "nobody has taken it.")
	}
	return nil
}
