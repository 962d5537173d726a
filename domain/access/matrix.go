package access

import (
	"slices"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// Class is a kind of data about a job. Everything that a query answers with belongs to one.
type Class string

// The classes.
const (
	// Basics: reference, status, outcome, language, type of service and assignment, time, ETA, flexibility, skills, platform, town and outward
	// postcode: what an interpreter is asked to come for.
	Basics Class = "basics"
	// LocationName: which of the customer's listed locations it is. Its name tells the street.
	LocationName Class = "location-name"
	// Fee: what the interpreter gets.
	Fee Class = "fee"
	// JobNotes: the notes that everyone who is offered the job reads (LL-33).
	JobNotes Class = "job-notes"
	// FullAddress: street, number and whole postcode.
	FullAddress Class = "full-address"
	// ReportTo: department and name at the place.
	ReportTo Class = "report-to"
	// Speaker: the non-English speaker (LL-31), the consumer.
	Speaker Class = "speaker"
	// CustodyReference: the custody log. CustodyClock: when custody ends.
	CustodyReference Class = "custody-reference"
	CustodyClock     Class = "custody-clock"
	// VenueInformation: parking, opening hours (LL-110).
	VenueInformation Class = "venue-information"
	// AssignedNotes: notes for the interpreter who has the job (LL-42), with whatever else a form shows to that one only.
	AssignedNotes Class = "assigned-notes"
	// ContactNames: requesting officer, officer in the case, collar number. ContactDetails: every telephone and e-mail (LL-54).
	ContactNames   Class = "contact-names"
	ContactDetails Class = "contact-details"
	// CaseDetails: what else the customer told and no interpreter reads, such as the offence category.
	CaseDetails Class = "case-details"
	// Costs: what the customer pays.
	Costs Class = "costs"
	// InvoicingReferences: the customer's own references and cost centre.
	InvoicingReferences Class = "invoicing-references"
	// AgencyNotes: notes to the agency alone (LL-41).
	AgencyNotes Class = "agency-notes"
	// Preferences: the preferred and the precluded interpreter (LL-38, LL-39).
	Preferences Class = "preferences"
	// AdminMessages: the thread between customer and agency (LL-97, LL-98).
	AdminMessages Class = "admin-messages"
	// ContactLog: what staff wrote about calls and updates.
	ContactLog Class = "contact-log"
	// InterpreterIdentity: of the assigned interpreter name, LIN, photo, clearance with expiry, PAIT ID (LL-103..105).
	InterpreterIdentity Class = "interpreter-identity"
	// InterpreterContact: the assigned interpreter's telephone and e-mail (LL-106, D-16).
	InterpreterContact Class = "interpreter-contact"
	// History: every event with its stored bytes.
	History Class = "history"
	// ActivityNotes: all notes of the job. OwnActivityNotes: those that name the viewer's own LIN.
	ActivityNotes    Class = "activity-notes"
	OwnActivityNotes Class = "own-activity-notes"
	// Offers: to whom the job was offered, how each ended and why. OwnOffers: the viewer's own.
	Offers    Class = "offers"
	OwnOffers Class = "own-offers"
	// Timesheets: hours and incidentals. TimesheetNotes: their free texts and the reasons of disputes.
	Timesheets     Class = "timesheets"
	TimesheetNotes Class = "timesheet-notes"
	// Documents: attached files.
	Documents Class = "documents"
	// People: who booked, took and changed the job.
	People Class = "people"
	// Progress: who is working on it, what it waits for, its response tier.
	Progress Class = "progress"
	// EndReason: the listed reason of a cancellation or of an outcome. EndDetails: who authorised it and what was written about it.
	EndReason  Class = "end-reason"
	EndDetails Class = "end-details"
)

// Sight is how a viewer gets data of a class.
type Sight int

// The sights. Pseudonym: a stable substitute that does not tell who it is.
const (
	Hidden Sight = iota
	Pseudonym
	Clear
)

// cell is a Sight, or a condition for Clear.
type cell int

const (
	no    cell = iota
	pseud      // analysts: a stable substitute
	yes
	remote // only where the job is a remote one (LL-106)
	money  // only with the permission to see financials
)

// matrix says who sees what. Its columns are:
//
//	cust  the customer's people        asgr  assigner       safe  safeguarding
//	offd  an offered interpreter       admn  admin          audt  auditor
//	asgd  the assigned interpreter     fin   finance        anly  analyst
//	form  a former one
//
// Interpreters: design, section 6. Finance sees what bills and pays, and whom to ask; not the speaker, the case, or what the customer and the
// interpreter tell each other. Safeguarding sees all that an incident may turn on, no money. The auditor sees everything. The analyst sees
// personal columns as pseudonyms and free texts not at all.
var matrix = map[Class][10]cell{
	//                    cust    offd  asgd  form   asgr  admn  fin  safe   audt  anly
	Basics:              {yes, yes, yes, yes, yes, yes, yes, yes, yes, yes},
	LocationName:        {yes, no, yes, no, yes, yes, yes, yes, yes, yes},
	Fee:                 {no, yes, yes, no, yes, yes, yes, no, yes, yes},
	JobNotes:            {yes, yes, yes, no, yes, yes, no, yes, yes, no},
	FullAddress:         {yes, no, yes, no, yes, yes, yes, yes, yes, pseud},
	ReportTo:            {yes, no, yes, no, yes, yes, no, yes, yes, pseud},
	Speaker:             {yes, no, yes, no, yes, yes, no, yes, yes, pseud},
	CustodyReference:    {yes, no, yes, no, yes, yes, no, yes, yes, pseud},
	CustodyClock:        {yes, no, no, no, yes, yes, no, yes, yes, pseud},
	VenueInformation:    {yes, no, yes, no, yes, yes, no, yes, yes, no},
	AssignedNotes:       {yes, no, yes, no, yes, yes, no, yes, yes, no},
	ContactNames:        {yes, no, no, no, yes, yes, yes, yes, yes, pseud},
	ContactDetails:      {yes, no, no, no, yes, yes, yes, yes, yes, pseud},
	CaseDetails:         {yes, no, no, no, yes, yes, no, yes, yes, yes},
	Costs:               {money, no, no, no, no, yes, yes, no, yes, yes},
	InvoicingReferences: {yes, no, no, no, yes, yes, yes, no, yes, yes},
	AgencyNotes:         {no, no, no, no, yes, yes, no, yes, yes, no},
	Preferences:         {yes, no, no, no, yes, yes, no, yes, yes, pseud},
	AdminMessages:       {yes, no, no, no, yes, yes, no, yes, yes, no},
	ContactLog:          {no, no, no, no, yes, yes, no, yes, yes, no},
	InterpreterIdentity: {yes, no, yes, no, yes, yes, yes, yes, yes, pseud},
	InterpreterContact:  {remote, no, yes, no, yes, yes, no, yes, yes, pseud},
	History:             {no, no, no, no, no, no, no, no, yes, no},
	ActivityNotes:       {yes, no, no, no, yes, yes, yes, yes, yes, no},
	OwnActivityNotes:    {yes, yes, yes, yes, yes, yes, yes, yes, yes, no},
	Offers:              {no, no, no, no, yes, yes, no, yes, yes, pseud},
	OwnOffers:           {no, yes, yes, yes, yes, yes, no, yes, yes, pseud},
	Timesheets:          {yes, no, yes, no, yes, yes, yes, yes, yes, yes},
	TimesheetNotes:      {yes, no, yes, no, yes, yes, yes, yes, yes, no},
	Documents:           {yes, no, yes, no, yes, yes, yes, yes, yes, no},
	People:              {yes, no, no, no, yes, yes, yes, yes, yes, pseud},
	Progress:            {yes, no, no, no, yes, yes, yes, yes, yes, yes},
	EndReason:           {yes, no, no, no, yes, yes, yes, yes, yes, yes},
	EndDetails:          {yes, no, no, no, yes, yes, yes, yes, yes, no},
}

// Classes are all classes, in order.
func Classes() []Class {
	all := make([]Class, 0, len(matrix))
	for c := range matrix {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}

// column finds the viewer's column; false if there is none, which hides everything.
func column(v Viewer, rel Relation) (int, bool) {
	switch rel {
	case Own:
		return 0, v.OfCustomer()
	case Offered:
		return 1, v.Role == domain.Interpreter
	case Assigned:
		return 2, v.Role == domain.Interpreter
	case Former:
		return 3, v.Role == domain.Interpreter
	case Agency:
		switch v.Role {
		case domain.Assigner:
			return 4, true
		case domain.Admin:
			return 5, true
		case domain.Finance:
			return 6, true
		case domain.Safeguarding:
			return 7, true
		case domain.Auditor, domain.System:
			return 8, true
		case domain.Analyst:
			return 9, true
		}
	}
	return 0, false
}

// See tells how the viewer, standing so to a job, gets data of a class. RemoteJob: nobody travels to it (LL-106).
func See(v Viewer, rel Relation, remoteJob bool, class Class) Sight {
	col, ok := column(v, rel)
	if !ok {
		return Hidden
	}
	switch row := matrix[class]; row[col] {
	case yes:
		return Clear
	case pseud:
		return Pseudonym
	case remote:
		if remoteJob {
			return Clear
		}
	case money:
		if v.May(domain.MayFinancials) {
			return Clear
		}
	}
	return Hidden
}

// CanSee tells whether the viewer reads data of a class as it is. For an analyst, who reads personal data as pseudonyms, it is false there:
// whoever serves analysts asks See.
func CanSee(v Viewer, rel Relation, remoteJob bool, class Class) bool {
	return See(v, rel, remoteJob, class) == Clear
}

// ClassOf is the class of a form's field, from what the form says about it. A telephone, a mail address and an interpreter's LIN keep their
// class whatever the form says: no interpreter may read them, nor a street before the assignment. An unknown word of visibility is the agency's alone.
func ClassOf(f forms.Field) Class {
	switch f.Kind {
	case forms.KindEmail, forms.KindTelephone:
		return ContactDetails
	case forms.KindLIN:
		return Preferences
	case forms.KindAddress:
		switch f.Visibility {
		case forms.VisiblePublic, forms.VisibleOffered, forms.VisibleAssigned:
			return FullAddress
		case forms.VisibleCustomer:
			return InvoicingReferences // where the bill goes
		}
	}
	switch f.Visibility {
	case forms.VisiblePublic:
		return Basics
	case forms.VisibleOffered:
		return JobNotes
	case forms.VisibleAssigned:
		switch {
		case f.Key == "venueInformation":
			return VenueInformation
		case f.Personal == forms.AboutSpeaker:
			return Speaker
		case f.Personal == forms.AboutContact:
			return ReportTo
		case f.Personal == forms.AboutCustody:
			return CustodyReference
		}
		return AssignedNotes
	case forms.VisibleCustomer:
		switch {
		case f.Personal == forms.AboutContact:
			return ContactNames
		case f.Personal == forms.AboutCustody:
			return CustodyClock
		case f.Personal == forms.NotPersonal && f.Kind == forms.KindText:
			return InvoicingReferences
		}
		return CaseDetails
	}
	return AgencyNotes
}

// Substitute makes a stable pseudonym of a text: equal texts of a class get equal ones, and nobody without its key gets back. Of a person it
// makes one of the id, under AnInterpreter or AUser.
type Substitute func(class Class, text string) string

// Somebody, for Substitute. What of a person is read as a pseudonym is another class's matter.
const (
	AnInterpreter Class = "interpreter"
	AUser         Class = "user"
)

// MaskFields leaves of a job's form values what the viewer may read; what is hidden is absent, not emptied. Values under keys that the form
// does not know are hidden. Without a substitute, what would be a pseudonym is hidden too. The argument is not changed.
func MaskFields(v Viewer, rel Relation, remoteJob bool, form forms.Form, fields map[string]domain.Value, sub Substitute) map[string]domain.Value {
	seen := make(map[string]domain.Value, len(fields))
	for key, value := range fields {
		field, ok := form.Field(key)
		if !ok {
			continue
		}
		class := ClassOf(field)
		switch See(v, rel, remoteJob, class) {
		case Clear:
			seen[key] = value
		case Pseudonym:
			if sub == nil {
				continue
			}
			masked := domain.Value{NotApplicable: value.NotApplicable}
			for _, text := range value.Items {
				masked.Items = append(masked.Items, sub(class, text))
			}
			seen[key] = masked
		}
	}
	return seen
}
