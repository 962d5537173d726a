package booking

import (
	"regexp"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Name is the command's name.
func (ErasePerson) Name() string { return "erase" }

// Decide ends the booking's personal values: the speaker, contacts and free texts read [erased] from now on. The job itself lives on.
//
//	given  a booking
//	when   ErasePerson{reason}
//	then   PersonErased{the booking's key}
//	again  nothing
//	error  not-found
func (c ErasePerson) Decide(s State, _ Env) (Decision, error) {
	if !s.Exists() {
		return Decision{}, domain.NotFound("There is no such booking.")
	}
	if s.Erased {
		return Decision{}, nil
	}
	return decide(PersonErased{Keys: []uuid.UUID{s.Key}, Reason: EraseReason(c.Reason)}), nil
}

// EraseReason keeps a reason that is a code, such as "subject-request"; free text may be about the person, stands in no key's care, and
// becomes "other".
func EraseReason(reason string) string {
	if eraseCode.MatchString(reason) {
		return reason
	}
	return "other"
}

var eraseCode = regexp.MustCompile(`^[a-z]{2,20}(-[a-z]{2,20}){0,3}$`)
