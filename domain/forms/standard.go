package forms

// StandardID is the id of the third built-in form.
const StandardID = "standard"

// Sections of the standard form (II-28).
const (
	sectionRequestor = "requestor"
	sectionPlace     = "place"
	sectionCalendar  = "calendar"
	sectionNotes     = "notes"
)

// Standard is the form of the Interpreter Intelligence portal (II-28..45), for the customers that it is assigned to. Its consumer is the
// non-English speaker of the other forms: one value under two keys.
func Standard() Form {
	above := func(section string, f Field) Field { return usual(f, section, NotPersonal) }
	return Form{
		ID:          StandardID,
		Version:     1,
		Name:        "Interpreter booking",
		Prefix:      "INT",
		Initial:     "new",
		ServiceType: "", // the requestor chooses among the customer's (II-38)
		Address:     ServiceAddress,
		CancelNeeds: []string{"reason"},
		Sections: []Section{
			{Key: sectionRequestor, Label: "Requestor Information"},
			{Key: sectionPlace, Label: "Service Location"},
			{Key: sectionAppointment, Label: "Appointment Details"},
			{Key: sectionCalendar, Label: "Calendar"},
			{Key: sectionNotes, Label: "Notes"},
		},
		Fields: []Field{
			above(sectionRequestor, Field{Key: "client", Label: "Client", Kind: KindClient, Core: true, Visibility: VisibleCustomer,
				Editable: true}),
			above(sectionRequestor, Field{Key: "billTo", Label: "Bill To", Kind: KindAddress, Core: true, Visibility: VisibleCustomer}),
			above(sectionRequestor, Field{Key: "requestedBy", Label: "Requested By", Kind: KindText, Required: true, Visibility: VisibleCustomer,
				Editable: true, Personal: AboutContact, Help: "Filled from your profile."}),
			above(sectionRequestor, Field{Key: "notificationEmail", Label: "Notification Email", Kind: KindEmail, Required: true,
				Visibility: VisibleCustomer, Editable: true, Personal: AboutContact, Help: "Every change of the job is told to this address."}),

			above(sectionPlace, Field{Key: "location", Label: "Location", Kind: KindAddress, Core: true, Required: true,
				Visibility: VisibleAssigned, Editable: true}),
			above(sectionPlace, Field{Key: "specialInstructions", Label: "Special Instructions", Kind: KindMultiline, Fixed: true,
				Visibility: VisibleAssigned, Personal: PersonalNote, Help: "Set by the agency."}),

			edited(language()),
			above(sectionAppointment, Field{Key: "serviceType", Label: "Service Type", Kind: KindOption, Core: true, Required: true,
				Options: ServiceTypes(), Visibility: VisiblePublic, Editable: true}),
			above(sectionAppointment, Field{Key: "interpretersRequested", Label: "# Interpreters Requested", Kind: KindNumber, Core: true,
				Default: "1", Visibility: VisibleCustomer}),
			above(sectionAppointment, Field{Key: "consumer", Label: "Consumer", Kind: KindText, Visibility: VisibleAssigned, Editable: true,
				Personal: AboutSpeaker, Help: "The person who receives the service."}),
			above(sectionAppointment, Field{Key: "additionalReferences", Label: "Additional References", Kind: KindText, Visibility: VisibleCustomer,
				Editable: true}),
			above(sectionAppointment, Field{Key: "additionalRequirements", Label: "Additional Requirements", Kind: KindMultiline,
				Visibility: VisibleOffered, Editable: true, Personal: PersonalNote,
				Help: "Seen by every interpreter who is sent an offer. Do not include any sensitive data."}),
			above(sectionAppointment, Field{Key: "appointmentNotes", Label: "Appointment notes", Kind: KindMultiline, Visibility: VisibleAssigned,
				Editable: true, Personal: PersonalNote, Help: "Seen by the interpreter who is assigned."}),

			calendar(start(), "Expected Start Date and Time"),
			calendar(duration(), "Duration"),

			{Key: "jobDetails", Label: "Job Details", Section: sectionNotes, Place: Below, Kind: KindMultiline, Visibility: VisibleAssigned,
				Editable: true, Personal: PersonalNote, Help: "Seen by the interpreter who is assigned."},
		},
	}
}

func calendar(f Field, label string) Field {
	f.Section, f.Label, f.Default = sectionCalendar, label, "" // hours and minutes must both be chosen (II-44)
	return edited(f)
}

// edited leaves a value to the customer after booking, within the agreed windows (II-69..74).
func edited(f Field) Field {
	f.Editable = true
	return f
}
