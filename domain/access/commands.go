package access

import (
	"slices"

	"github.com/dragoman-booking/dragoman/domain"
)

// who may send a command about a job: one row of the contract's table.
type who struct {
	// customer: users of the job's customer who have any of these permissions; anyone of theirs if the list is empty; nobody if nil.
	customer []domain.Permission
	// interpreter: interpreters who stand so to the job.
	interpreter []Relation
	// agency: roles of the agency.
	agency []domain.Role
}

var (
	anyone     = []domain.Permission{}
	assigner   = []domain.Role{domain.Assigner}
	staff      = []domain.Role{domain.Assigner, domain.Admin}
	holder     = []Relation{Assigned}
	everAsked  = []Relation{Offered, Assigned, Former}
	everHolder = []Relation{Assigned, Former}
)

func permitted(p ...domain.Permission) []domain.Permission { return p }

// commands is the contract's table of commands, its column "who". What depends on the job's state, its form, the customer's agreement or the
// command's body (the side that did not submit, who did what is to be undone, an offer that is no longer open) the deciders judge after this.
//
// An interpreter whose offer or assignment has ended may still send what only that end forbids: the decider's answer says so, and a repeat
// of an accepted command gets its first answer.
var commands = map[string]who{
	"confirm":           {agency: assigner},
	"take":              {agency: assigner},
	"release":           {agency: assigner},
	"send-offer":        {agency: assigner},
	"revoke-offer":      {agency: assigner},
	"accept-offer":      {interpreter: everAsked, agency: assigner},
	"decline-offer":     {interpreter: everAsked, agency: assigner},
	"counter-offer":     {interpreter: everAsked},
	"answer-counter":    {agency: assigner},
	"assign":            {agency: assigner},
	"unassign":          {interpreter: everHolder, agency: assigner},
	"propose-eta":       {agency: assigner},
	"agree-eta":         {customer: permitted(domain.MayEdit)},
	"decline-eta":       {customer: permitted(domain.MayEdit)},
	"change-eta":        {agency: assigner},
	"submit-timesheet":  {customer: permitted(domain.MayClose), interpreter: holder, agency: assigner},
	"accept-timesheet":  {customer: permitted(domain.MayClose), interpreter: holder, agency: assigner},
	"dispute-timesheet": {customer: permitted(domain.MayClose), interpreter: holder, agency: assigner},
	"close":             {customer: permitted(domain.MayClose), interpreter: holder, agency: staff},
	"cancel":            {customer: permitted(domain.MayCancel), agency: assigner},
	"edit":              {customer: permitted(domain.MayEdit), agency: assigner},
	"duplicate":         {customer: permitted(domain.MayCreate), agency: assigner},
	"follow-up":         {customer: permitted(domain.MayCreate), agency: assigner},
	"make-recurring":    {customer: permitted(domain.MayCreate), agency: assigner},
	"continue":          {customer: permitted(domain.MayClose), agency: assigner},
	"undo":              {customer: permitted(domain.MayEdit, domain.MayCancel), agency: assigner},
	"post-message":      {customer: anyone, agency: assigner},
	"log-contact":       {agency: assigner},
	"attach":            {customer: permitted(domain.MayCreate, domain.MayEdit, domain.MayClose), interpreter: holder, agency: assigner},
	"complain":          {customer: anyone},
	"compliment":        {customer: anyone},
}

// Commands are the names of all commands about a job that anyone but the system may send, in order.
func Commands() []string {
	names := make([]string, 0, len(commands))
	for name := range commands {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// May tells whether the viewer, standing so to the job, may send the command: nil, a 404 for whoever may not know the job, else 403
// not-permitted. The system may send everything; an unknown command nobody else.
func May(v Viewer, rel Relation, command string) error {
	if rel == None {
		return domain.NotFound("There is no such job.")
	}
	if v.Role == domain.System {
		return nil
	}
	w := commands[command]
	okay := false
	switch rel {
	case Own:
		okay = v.OfCustomer() && w.customer != nil && (len(w.customer) == 0 || slices.ContainsFunc(w.customer, v.May))
	case Offered, Assigned, Former:
		okay = v.Role == domain.Interpreter && slices.Contains(w.interpreter, rel)
	case Agency:
		okay = slices.Contains(w.agency, v.Role)
	}
	if !okay {
		return notPermitted()
	}
	return nil
}

// MayBook tells whether the viewer may make a new booking: a customer's user who may create, for the own organisation; staff for any.
func MayBook(v Viewer) error {
	if v.OfCustomer() && v.May(domain.MayCreate) || slices.Contains(staff, v.Role) || v.Role == domain.System {
		return nil
	}
	return notPermitted()
}

// notPermitted is the refusal for a missing right: what is missing is the agency's to give (II-04).
func notPermitted() error {
	return domain.Forbidden("not-permitted", "Your account does not allow this. Please contact the agency.")
}
