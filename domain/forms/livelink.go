package forms

// Ids of the built-in forms.
const (
	FaceToFaceID = "face-to-face"
	RemoteID     = "remote"
)

// Sections of the LiveLINK forms (LL-17).
const (
	sectionAddress     = "address"
	sectionAppointment = "appointment"
	sectionCustody     = "custody"
	sectionContact     = "contact"
	sectionRelevant    = "relevant"
)

// BuiltIn are the forms that every deployment starts with, version 1. A customer whose agreement names no forms has the two LiveLINK ones.
func BuiltIn() []Form { return []Form{FaceToFace(), Remote(), Standard()} }

// FaceToFace is the LiveLINK form for an interpreter who comes to an address (LL-17..43).
func FaceToFace() Form {
	return Form{
		ID:            FaceToFaceID,
		Version:       1,
		Name:          "Face to Face Assignment Only - NOT Court Bookings",
		Prefix:        "DTP",
		Initial:       "new",
		ServiceType:   ServiceFaceToFace,
		Address:       ServiceAddress,
		AddressLocked: true,
		Sections:      sections("Address"),
		Notices:       notices(),
		CancelNeeds:   []string{"authorisedBy"},
		Fields: []Field{
			{Key: "location", Label: "Address", Section: sectionAddress, Place: Above, Kind: KindAddress, Core: true, Required: true,
				Help: "Select the address where the booking will take place. If it is not in the list, select Other and type it. The " +
					"interpreter will be sent to this address, so please ensure it is correct.",
				Visibility: VisibleAssigned, Copied: true, Personal: NotPersonal},

			appointment(Field{Key: "yourReference", Label: "Your reference number", Kind: KindText, OnEdit: EditRequired,
				Visibility: VisibleCustomer, Editable: true}),
			costCentre(),
			invoiceReference(Field{EditOnly: true}),
			appointment(Field{Key: "offenceCategory", Label: "Offence category", Kind: KindOption, Required: true,
				Options: offenceCategories(), Visibility: VisibleCustomer}),
			appointment(Field{Key: "assignmentType", Label: "Assignment type", Kind: KindOption, Required: true,
				Options: assignmentTypes(), Visibility: VisiblePublic}),
			language(),
			appointment(Field{Key: "skills", Label: "Interpreter skills required", Kind: KindOption, Required: true,
				Options: SkillOptions(), Default: "spoken-only", Visibility: VisiblePublic}),
			alternativeLanguages(),
			start(),
			flexibility(),
			duration(),
			appointment(Field{Key: "remoteOption", Label: "Remote Option", Kind: KindOption,
				Options: []Option{
					{"remote-acceptable", "Remote acceptable (video or audio)"},
					{"video-acceptable", "Video acceptable"},
					{"audio-acceptable", "Audio acceptable"},
					{"face-to-face-only", "Face to face only"},
				},
				Help: "Whether any remote option may be suitable. It widens the search for an interpreter.", Visibility: VisiblePublic}),
			appointment(Field{Key: "nonEnglishSpeaker", Label: "Name of non-english speaker", Kind: KindText, Required: true,
				Example: "John Smith", Visibility: VisibleAssigned, Editable: true, Personal: AboutSpeaker}),
			gender(),
			reasonForBooking(Field{EditOnly: true, OnEdit: EditRequired}),
			appointment(Field{Key: "jobNotes", Label: "Job notes - Notes to the interpreter", Place: Below, Kind: KindMultiline,
				Help: "Please add any notes in here that you need to make the interpreters aware of prior to them accepting the booking. " +
					"Please note that anything you add into this box will be seen by ALL interpreters that are sent a job offer. Do not " +
					"include any sensitive data. Preferred or precluded interpreters should be added to the 'If Relevant' section of this form.",
				Visibility: VisibleOffered, Personal: PersonalNote}),
			venueInformation(),

			custodyReference(),
			custodyClock(),

			reportTo(Field{Required: true}),
			requestingOfficer(),
			telephone(),
			officerInCase(),
			primaryEmail(),
			collarNumber(),
			officerPhone(),
			secondaryEmail(),

			preferredInterpreter(),
			agencyNotes(),
			precludedInterpreter(),
			relevant(Field{Key: "assignedNotes", Label: "Notes for the assigned interpreter", Place: Below, Kind: KindMultiline,
				Help:       "Notes for the assigned interpreter only. A linguist will only see these notes once they are assigned to the booking.",
				Visibility: VisibleAssigned, Editable: true, Personal: PersonalNote}),
		},
	}
}

// Remote is the LiveLINK form for an interpreter who joins the customer's own video or audio call (LL-48..57).
func Remote() Form {
	return Form{
		ID:            RemoteID,
		Version:       1,
		Name:          "Remote Assignment",
		Prefix:        "DTM",
		Initial:       "new",
		ServiceType:   ServiceRemote,
		Address:       BillingAddress,
		AddressLocked: true,
		Sections:      sections("Billing Address"),
		Notices:       notices(Notice{Key: "no-contact-details", Text: "WE DO NOT SHARE CONTACT EMAIL OR TELEPHONE DETAILS WITH THE INTERPRETERS"}),
		CancelNeeds:   []string{"authorisedBy"},
		Fields: []Field{
			{Key: "billTo", Label: "Billing Address", Section: sectionAddress, Place: Above, Kind: KindAddress, Core: true, Required: true,
				Help:       "The interpreter does not travel to a remote booking: select the billing address.",
				Visibility: VisibleCustomer, Copied: true, Personal: NotPersonal},

			appointment(Field{Key: "yourReference", Label: "Your reference number", Kind: KindText, EditOnly: true, OnEdit: EditRequired,
				Visibility: VisibleCustomer, Editable: true}),
			costCentre(),
			invoiceReference(Field{Required: true, Help: "If it is not relevant, enter N/A."}),
			language(),
			alternativeLanguages(),
			start(),
			flexibility(),
			duration(),
			appointment(Field{Key: "remoteOption", Label: "Remote Option", Kind: KindOption,
				Options: []Option{
					{"video-or-audio", "Video or audio"},
					{"video-only", "Video only"},
					{"audio-only", "Audio only"},
				},
				Help: "It widens the search for an interpreter.", Visibility: VisiblePublic}),
			appointment(Field{Key: "nonEnglishSpeaker", Label: "Name of non-english speaker (if not applicable put N/A)", Kind: KindText,
				Required: true, Example: "John Smith", Visibility: VisibleAssigned, Editable: true, Personal: AboutSpeaker}),
			gender(),
			reasonForBooking(Field{Required: true}),
			appointment(Field{Key: "instructions", Label: "Special instructions to the interpreter", Kind: KindMultiline,
				Help: "Seen by the interpreter who is assigned.", Visibility: VisibleAssigned, Personal: PersonalNote}),
			appointment(Field{Key: "platform", Label: "Platform for Remote Call", Kind: KindOption, Required: true,
				Options: platforms(), Help: "The platform on which the booking is due to take place.", Visibility: VisiblePublic}),
			appointment(Field{Key: "assignedNotes", Label: "Notes for the assigned interpreter", Place: Below, Kind: KindMultiline, Required: true,
				Help: "Notes that only the assigned interpreter can see. Enter the link or dial-in for the call here: the assigned interpreter " +
					"does NOT receive your contact details.",
				Visibility: VisibleAssigned, Editable: true, Personal: PersonalNote}),
			venueInformation(),

			custodyReference(),
			custodyClock(),

			reportTo(Field{EditOnly: true}),
			requestingOfficer(),
			telephone(),
			officerInCase(),
			primaryEmail(),
			collarNumber(),
			officerPhone(),
			secondaryEmail(),

			preferredInterpreter(),
			agencyNotes(),
			precludedInterpreter(),
		},
	}
}

// sections are the five of LL-17, in order; the first is named by the form.
func sections(address string) []Section {
	return []Section{
		{Key: sectionAddress, Label: address},
		{Key: sectionAppointment, Label: "Appointment details"},
		{Key: sectionCustody, Label: "Custody cases only", Whole: true},
		{Key: sectionContact, Label: "Contact details"},
		{Key: sectionRelevant, Label: "If relevant"},
	}
}

// notices are those of both forms (LL-15, LL-16) and the form's own.
func notices(own ...Notice) []Notice {
	return append([]Notice{
		{Key: "read-before-you-book", Text: "READ BEFORE YOU BOOK! The remote assignment service allows you to connect to an interpreter using " +
			"your own video call platform (MS Teams / Skype etc) and can be used as a cost effective and environmentally friendly alternative " +
			"to face-to-face interpreting. However, before you book this service, you should consider whether remote services are appropriate " +
			"for the type of case you are dealing with, ensure you have the technology available to use the service (good WIFI / internet " +
			"connection) and consult your own organisation's guidelines and those issued by the Police National Account Manager for Language " +
			"Services, in accordance with the NPCC."},
		{Key: "no-court-bookings", Text: "Court bookings are not taken here. Interpreters for a court hearing are booked by the court itself: " +
			"please contact the court."},
	}, own...)
}

// appointment, contact and relevant put a field into its section and fill what most fields there have in common: they stand above the
// calendar, are copied for that reason, and tell about nobody.
func appointment(f Field) Field { return usual(f, sectionAppointment, NotPersonal) }
func contact(f Field) Field     { return usual(f, sectionContact, AboutContact) }
func relevant(f Field) Field    { return usual(f, sectionRelevant, NotPersonal) }

func usual(f Field, section, personal string) Field {
	f.Section = section
	if f.Place == "" {
		f.Place = Above
	}
	f.Copied = f.Place == Above
	if f.Personal == "" {
		f.Personal = personal
	}
	return f
}

// The fields that both forms have. Their argument carries what differs.

func costCentre() Field {
	return appointment(Field{Key: "costCentre", Label: "Your cost centre code", Kind: KindText, EditOnly: true, OnEdit: EditRequired,
		Visibility: VisibleCustomer, Editable: true})
}

func invoiceReference(f Field) Field {
	f.Key, f.Label, f.Kind = "invoiceReference", "Your reference number (for invoicing purposes)", KindText
	f.OnEdit, f.Visibility, f.Editable = EditRequired, VisibleCustomer, true
	return appointment(f)
}

func language() Field {
	return appointment(Field{Key: "language", Label: "Language required", Kind: KindLanguage, Core: true, Required: true, Visibility: VisiblePublic})
}

func alternativeLanguages() Field {
	return appointment(Field{Key: "alternativeLanguages", Label: "Alternative Languages", Kind: KindLanguages, Core: true,
		Help:       "Other languages that the person speaks. They widen the search for an interpreter.",
		Visibility: VisiblePublic})
}

func start() Field {
	return appointment(Field{Key: "start", Label: "Date and time required", Place: In, Kind: KindDatetime, Core: true, Required: true,
		Visibility: VisiblePublic})
}

func duration() Field {
	return appointment(Field{Key: "duration", Label: "Estimated duration", Place: In, Kind: KindDuration, Core: true, Required: true,
		Default: "1:00", Visibility: VisiblePublic})
}

func flexibility() Field {
	return appointment(Field{Key: "flexibility", Label: "Flexibility", Place: In, Kind: KindOption, Options: flexibilities(),
		Help: "How far day and time may move. It widens the search for an interpreter.", Visibility: VisiblePublic})
}

func gender() Field {
	return appointment(Field{Key: "gender", Label: "Preferred interpreter gender", Kind: KindOption, Default: NoPreference,
		Options:    []Option{{NoPreference, "No Preference"}, {"female", "Female"}, {"male", "Male"}},
		Visibility: VisibleCustomer})
}

func reasonForBooking(f Field) Field {
	f.Key, f.Label, f.Kind, f.Options = "reasonForBooking", "Reason for booking", KindOption, bookingReasons()
	f.Visibility, f.Editable = VisiblePublic, true
	return appointment(f)
}

func venueInformation() Field {
	return appointment(Field{Key: "venueInformation", Label: "Additional venue information", Place: Below, Kind: KindMultiline, EditOnly: true,
		Help: "Parking details, opening hours, etc.", Visibility: VisibleAssigned, Editable: true, Personal: PersonalNote})
}

func custodyReference() Field {
	return Field{Key: "custodyReference", Label: "Custody log/reference", Section: sectionCustody, Place: In, Kind: KindText,
		Help: "For a custody case only, together with the custody clock.", Visibility: VisibleAssigned, Personal: AboutCustody}
}

func custodyClock() Field {
	return Field{Key: "custodyClock", Label: "Custody clock expires at", Section: sectionCustody, Place: In, Kind: KindDatetime,
		Help: "For a custody case only, together with the reference.", Visibility: VisibleCustomer, Personal: AboutCustody}
}

func reportTo(f Field) Field {
	f.Key, f.Label, f.Kind, f.Example = "reportTo", "Interpreter should report to", KindText, "Reception"
	f.Help, f.OnEdit = "Department and name.", EditRequired
	f.Visibility, f.Editable = VisibleAssigned, true
	return contact(f)
}

func requestingOfficer() Field {
	return contact(Field{Key: "requestingOfficer", Label: "Name of requesting officer", Kind: KindText, Required: true, Example: "John Smith",
		Visibility: VisibleCustomer, Editable: true})
}

func telephone() Field {
	return contact(Field{Key: "telephone", Label: "Your telephone number", Kind: KindTelephone, Required: true, Example: "448000042000",
		Visibility: VisibleCustomer, Editable: true})
}

func officerInCase() Field {
	return contact(Field{Key: "officerInCase", Label: "Officer in the case", Kind: KindText, Required: true, Visibility: VisibleCustomer})
}

func primaryEmail() Field {
	return contact(Field{Key: "primaryEmail", Label: "Primary Contact email address", Kind: KindEmail, Required: true,
		Example: "someone@example.com", Help: "The confirmation is sent to this address.", Visibility: VisibleCustomer, Editable: true})
}

func collarNumber() Field {
	return contact(Field{Key: "collarNumber", Label: "OIC collar number", Kind: KindText, Required: true, Visibility: VisibleCustomer})
}

func officerPhone() Field {
	return contact(Field{Key: "officerPhone", Label: "OIC phone number", Kind: KindTelephone, Required: true, Example: "448000042000",
		Visibility: VisibleCustomer})
}

func secondaryEmail() Field {
	return contact(Field{Key: "secondaryEmail", Label: "Secondary Contact email address", Kind: KindEmail, Required: true, OnEdit: EditOptional,
		Example: "someone@example.com", Visibility: VisibleCustomer, Editable: true})
}

func preferredInterpreter() Field {
	return relevant(Field{Key: "preferredInterpreter", Label: "Preferred interpreter ID", Kind: KindLIN, Example: "LIN/ABCD/12345",
		Visibility: VisibleCustomer})
}

func precludedInterpreter() Field {
	return relevant(Field{Key: "precludedInterpreter", Label: "Precluded interpreter ID", Kind: KindLIN, Example: "LIN/ABCD/12345",
		Visibility: VisibleCustomer})
}

func agencyNotes() Field {
	return relevant(Field{Key: "agencyNotes", Label: "Additional notes to the agency", Place: Below, Kind: KindMultiline,
		Help: "These notes are not seen by the interpreters.", Visibility: VisibleAgency, Personal: PersonalNote})
}
