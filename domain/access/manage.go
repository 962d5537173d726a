package access

import (
	"slices"

	"github.com/dragoman-booking/dragoman/domain"
)

// Area is something besides a single job that a viewer may do or read.
type Area string

// The areas.
const (
	ManageCustomers    Area = "manage-customers"    // and their settings
	ManageClients      Area = "manage-clients"      //
	ManageLocations    Area = "manage-locations"    // customers: their own (II-46)
	ManageInterpreters Area = "manage-interpreters" // register, change, photo
	SuspendInterpreter Area = "suspend-interpreter" // and reinstate (LL-130)
	ManageUsers        Area = "manage-users"        // customer-admins: their own
	ManageSettings     Area = "manage-settings"     // texts, reasons, languages, policies, waves, holidays
	ManageForms        Area = "manage-forms"        // and terms
	ManageNumbering    Area = "manage-numbering"    //
	Erase              Area = "erase"               // POST /erasures
	PostNotices        Area = "post-notices"        // messages and alerts, splash (II-19, II-20)
	Rebuild            Area = "rebuild"             // read models

	IssueInvoices Area = "issue-invoices"
	ReadInvoices  Area = "read-invoices" // customers: their own

	ReadJobs         Area = "read-jobs"         // lists, calendar, dashboard, daily log, live events: each one's own
	ReadHistory      Area = "read-history"      // every event of a job
	ReadAsOf         Area = "read-as-of"        // a job as it stood
	ReadCandidates   Area = "read-candidates"   // and why each is one
	ReadBoard        Area = "read-board"        // promises due (LL-60..64)
	ReadOwnOffers    Area = "read-own-offers"   // and availability, feeds: an interpreter's own place
	ReadReports      Area = "read-reports"      // customers: their own, if permitted
	ReadCustomers    Area = "read-customers"    // customers, clients and locations; customers: their own
	ReadInterpreters Area = "read-interpreters" //
	ReadUsers        Area = "read-users"        // customer-admins: their own
	ReadSettings     Area = "read-settings"     //
	ReadStatus       Area = "read-status"       // read models, lag, health
	ReadOutbox       Area = "read-outbox"       // kept mails

	ReadComplaints   Area = "read-complaints"   // customers: their own
	HandleComplaints Area = "handle-complaints" // investigate, answer (LL-101)
	ReportIncident   Area = "report-incident"   // (LL-125)
	ReadIncidents    Area = "read-incidents"    // a reporter: the own ones (LL-131)
	HandleIncidents  Area = "handle-incidents"  // forward, close
)

// entry says who may: roles as they are, a customer's users if they hold the permission (any of theirs if it is empty).
type entry struct {
	roles     []domain.Role
	customer  []domain.Role
	permitted domain.Permission
}

var (
	adminOnly    = entry{roles: []domain.Role{domain.Admin}}
	agencyStaff  = []domain.Role{domain.Assigner, domain.Finance, domain.Admin, domain.Safeguarding}
	staffAndAud  = append(slices.Clone(agencyStaff), domain.Auditor)
	readers      = append(slices.Clone(staffAndAud), domain.Analyst)
	bothCustomer = []domain.Role{domain.Requestor, domain.CustomerAdmin}
)

var areas = map[Area]entry{
	ManageCustomers:    adminOnly,
	ManageClients:      adminOnly,
	ManageLocations:    {roles: []domain.Role{domain.Admin}, customer: bothCustomer, permitted: domain.MayEditLocations},
	ManageInterpreters: adminOnly,
	SuspendInterpreter: {roles: []domain.Role{domain.Assigner, domain.Admin}},
	ManageUsers:        {roles: []domain.Role{domain.Admin}, customer: []domain.Role{domain.CustomerAdmin}},
	ManageSettings:     adminOnly,
	ManageForms:        adminOnly,
	ManageNumbering:    adminOnly,
	Erase:              adminOnly,
	PostNotices:        {roles: []domain.Role{domain.Assigner, domain.Admin}},
	Rebuild:            adminOnly,

	IssueInvoices: {roles: []domain.Role{domain.Finance}},
	ReadInvoices: {roles: []domain.Role{domain.Finance, domain.Admin, domain.Auditor}, customer: bothCustomer,
		permitted: domain.MayFinancials},

	ReadJobs:         {roles: append(slices.Clone(readers), domain.Interpreter), customer: bothCustomer},
	ReadHistory:      {roles: []domain.Role{domain.Auditor}},
	ReadAsOf:         {roles: staffAndAud},
	ReadCandidates:   {roles: staffAndAud},
	ReadBoard:        {roles: []domain.Role{domain.Assigner, domain.Admin, domain.Auditor}},
	ReadOwnOffers:    {roles: []domain.Role{domain.Interpreter}},
	ReadReports:      {roles: readers, customer: bothCustomer, permitted: domain.MayReports},
	ReadCustomers:    {roles: readers, customer: bothCustomer},
	ReadInterpreters: {roles: readers},
	ReadUsers:        {roles: []domain.Role{domain.Admin, domain.Auditor}, customer: []domain.Role{domain.CustomerAdmin}},
	ReadSettings:     {roles: []domain.Role{domain.Admin, domain.Auditor}},
	ReadStatus:       {roles: readers},
	ReadOutbox:       {roles: staffAndAud},

	ReadComplaints:   {roles: []domain.Role{domain.Assigner, domain.Admin, domain.Safeguarding, domain.Auditor}, customer: bothCustomer},
	HandleComplaints: {roles: []domain.Role{domain.Assigner, domain.Admin, domain.Safeguarding}},
	ReportIncident:   {roles: []domain.Role{domain.Assigner, domain.Admin, domain.Safeguarding}, customer: bothCustomer},
	ReadIncidents:    {roles: []domain.Role{domain.Safeguarding}, customer: bothCustomer},
	HandleIncidents:  {roles: []domain.Role{domain.Safeguarding}},
}

// Areas are all areas, in order.
func Areas() []Area {
	all := make([]Area, 0, len(areas))
	for a := range areas {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// MayManage tells whether the viewer may do or read something besides a single job: nil, or 403 not-permitted. Incidents are sealed: whoever
// may not read them gets 404 (LL-131). For a customer's user it means the own organisation only, an interpreter's own data only: the caller
// narrows by that, with 404 for what is another's.
func MayManage(v Viewer, what Area) error {
	e := areas[what]
	switch {
	case v.Role == domain.System:
		return nil
	case slices.Contains(e.roles, v.Role):
		return nil
	case slices.Contains(e.customer, v.Role) && (e.permitted == "" || v.May(e.permitted)):
		return nil
	case what == ReadIncidents || what == HandleIncidents:
		return domain.NotFound("There is no such incident.")
	}
	return notPermitted()
}
