package booking

import "github.com/dragoman-booking/dragoman/domain/access"

// Facts are what a viewer's relation to one of the booking's jobs is found from.
func (s State) Facts(j Job) access.JobFacts {
	f := access.JobFacts{Customer: s.Customer, Client: j.Details.Client, Location: j.Details.Location, CreatedBy: s.CreatedBy, Ever: j.Ever}
	for _, o := range j.Offers {
		if o.State == Open || o.State == Accepted {
			f.Offered = append(f.Offered, o.Interpreter)
		}
	}
	if j.Assignment != nil {
		f.Assigned = j.Assignment.Interpreter
	}
	return f
}
