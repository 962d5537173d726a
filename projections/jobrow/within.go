package jobrow

import (
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Args collects a statement's arguments.
type Args []any

// Add adds one and returns how the statement names it.
func (a *Args) Add(v any) string {
	*a = append(*a, v)
	return "$" + strconv.Itoa(len(*a))
}

// Within is the SQL condition that leaves the jobs a viewer may know, as access.Relate decides. The statement's rows have the columns job,
// customer, client, location and booked_by; known names the table of those who may know a job, as job and interpreter. The text differs by
// viewer, so that each kind of viewer gets the plan, and the index, that fits.
func Within(v access.Viewer, args *Args, known string) string {
	switch {
	case v.OfCustomer() && v.Customer != uuid.Nil:
		return "customer = " + args.Add(v.Customer) + narrow(v, args, "client", v.Clients) + narrow(v, args, "location", v.Locations)
	case v.Role == domain.Interpreter && v.Interpreter != uuid.Nil:
		return "job in (select job from " + known + " where interpreter = " + args.Add(v.Interpreter) + ")"
	case access.Relate(v, access.JobFacts{}) == access.Agency:
		return "true"
	}
	return "false"
}

// narrow leaves a narrowed user's own clients or locations; a job without one only if that user booked it.
func narrow(v access.Viewer, args *Args, column string, ids []uuid.UUID) string {
	if len(ids) == 0 {
		return ""
	}
	return fmt.Sprintf(" and (%s = any(%s) or %[1]s is null and booked_by = %[3]s)", column, args.Add(ids), args.Add(rows.ID(v.User)))
}

// NameFor is a user's name as a viewer may read it beside a job that the viewer may know: staff and auditors read every name, a customer's
// people those of their own organisation, analysts a stable substitute (none without sub), others none.
func NameFor(v access.Viewer, user uuid.UUID, name string, customer *uuid.UUID, sub access.Substitute) string {
	switch {
	case user == v.User:
		return name
	case v.OfCustomer():
		if customer == nil || *customer != v.Customer {
			return ""
		}
		return name
	}
	switch access.See(v, access.Agency, false, access.People) {
	case access.Clear:
		return name
	case access.Pseudonym:
		if sub != nil {
			return sub(access.AUser, user.String())
		}
	}
	return ""
}
