package people

// Keys of AgencySettings.Texts.
const (
	TextIssuingOffers  = "issuing-offers"   // LL-67 a: offers are out, nobody has taken the job
	TextAssignerOnIt   = "assigner-working" // LL-67 b: an assigner has taken it
	TextNoLinguist     = "no-linguist"      // LL-72
	TextUseAdmin       = "use-admin-message"
	TextContactDetails = "contact-panel" // LL-132
)

// Tiers of languages (LL-73).
const (
	TierCommon   = "Common"
	TierStandard = "Standard"
	TierRare     = "Rare"
)

// DefaultAgency are the settings that a deployment starts with. Every word of them is data that the agency changes (D-17).
func DefaultAgency() AgencySettings {
	const told = " You will be notified as soon as the job is assigned or contacted by our assigner to provide you with an update on the options we " +
		"have available to assign an interpreter. If you need to contact us with additional information, please send a message via the " +
		"'More Actions' menu then 'Admin Message' option in the portal and our staff will respond quickly."
	return AgencySettings{
		Name:     "Dragoman Language Services",
		TimeZone: "Europe/London",
		Currency: "GBP",
		// Numbers that Ofcom keeps for fiction: an agency sets its own.
		Contact: Contact{Email: "bookings@dragoman.example", Telephone: "0808 157 0000", UrgentPhone: "0161 496 0000"},
		Texts: map[string]string{
			TextIssuingOffers: "We are currently issuing job offers to interpreters and are working to get this job assigned as quickly as possible." + told,
			TextAssignerOnIt:  "An assigner is currently working on this booking." + told,
			TextNoLinguist:    "This job does not have a linguist assigned to it.",
			TextUseAdmin:      "This cannot be changed here. Please send an Admin Message: our staff will change it for you.",
			TextContactDetails: "Please use the portal to make, review, amend and cancel bookings, and Admin Messages to reach us about one. " +
				"If a booking is due within three hours, please call the urgent number.",
		},
		Languages: defaultLanguages(),
		Reasons: map[string][]Option{
			ReasonCancel: {
				{"no-longer-needed", "No longer needed"}, {"appointment-moved", "Appointment moved"}, {"person-not-available", "Person not available"},
				{"person-released", "Person released or charged"}, {"english-spoken", "Person speaks English"}, {"wrong-language", "Wrong language requested"},
				{"booked-elsewhere", "Booked elsewhere"}, {"duplicate", "Duplicate booking"}, {"other", "Other"},
			},
			ReasonUnfulfilled: {
				{"no-interpreter", "No interpreter available"}, {"short-notice", "Too short notice"}, {"rare-language", "No interpreter of this language in reach"},
				{"interpreter-withdrew", "Interpreter withdrew"}, {"not-closed", "Never closed"}, {"other", "Other"},
			},
			ReasonUnassign: {
				{"not-available", "Interpreter no longer available"}, {"ill", "Interpreter ill"}, {"travel", "Travel not possible"},
				{"conflict-of-interest", "Conflict of interest"}, {"customer-asked", "Customer asked"}, {"other", "Other"},
			},
			ReasonDecline: {
				{"not-available", "Not available"}, {"too-far", "Too far"}, {"fee", "Fee"}, {"conflict-of-interest", "Conflict of interest"},
				{"subject", "Subject of the assignment"}, {"other", "Other"},
			},
		},
		CancelHours: 72, // more than this must remain: exactly 72 hours are too late (LL-113, D-06)
	}
}

// defaultLanguages are by name. The code of British Sign Language is bfi; tiers say how hard an interpreter is to find.
func defaultLanguages() []Language {
	return []Language{
		{"ach", "Acholi", TierRare},
		{"sq", "Albanian", TierStandard},
		{"am", "Amharic", TierStandard},
		{"ar", "Arabic", TierCommon},
		{"hy", "Armenian", TierRare},
		{"bn", "Bengali", TierCommon},
		{"bfi", "British Sign Language", TierStandard},
		{"bg", "Bulgarian", TierCommon},
		{"my", "Burmese", TierRare},
		{"yue", "Cantonese", TierCommon},
		{"cs", "Czech", TierStandard},
		{"prs", "Dari", TierStandard},
		{"nl", "Dutch", TierStandard},
		{"et", "Estonian", TierRare},
		{"fa", "Farsi", TierCommon},
		{"fr", "French", TierCommon},
		{"ka", "Georgian", TierRare},
		{"de", "German", TierStandard},
		{"el", "Greek", TierStandard},
		{"gu", "Gujarati", TierCommon},
		{"he", "Hebrew", TierRare},
		{"hi", "Hindi", TierCommon},
		{"hu", "Hungarian", TierStandard},
		{"it", "Italian", TierCommon},
		{"ja", "Japanese", TierStandard},
		{"ko", "Korean", TierStandard},
		{"ckb", "Kurdish Sorani", TierStandard},
		{"kmr", "Kurdish Kurmanji", TierStandard},
		{"lv", "Latvian", TierStandard},
		{"ln", "Lingala", TierRare},
		{"lt", "Lithuanian", TierCommon},
		{"ms", "Malay", TierRare},
		{"cmn", "Mandarin", TierCommon},
		{"ne", "Nepali", TierStandard},
		{"om", "Oromo", TierRare},
		{"ps", "Pashto", TierStandard},
		{"pl", "Polish", TierCommon},
		{"pt", "Portuguese", TierCommon},
		{"pa", "Punjabi", TierCommon},
		{"rom", "Romani", TierRare},
		{"ro", "Romanian", TierCommon},
		{"ru", "Russian", TierCommon},
		{"sr", "Serbian", TierStandard},
		{"sk", "Slovak", TierCommon},
		{"so", "Somali", TierCommon},
		{"es", "Spanish", TierCommon},
		{"sw", "Swahili", TierStandard},
		{"syl", "Sylheti", TierStandard},
		{"tl", "Tagalog", TierStandard},
		{"ta", "Tamil", TierCommon},
		{"te", "Telugu", TierStandard},
		{"th", "Thai", TierStandard},
		{"ti", "Tigrinya", TierStandard},
		{"tr", "Turkish", TierCommon},
		{"tw", "Twi", TierRare},
		{"uk", "Ukrainian", TierCommon},
		{"ur", "Urdu", TierCommon},
		{"vi", "Vietnamese", TierCommon},
		{"cy", "Welsh", TierStandard},
		{"wo", "Wolof", TierRare},
		{"yo", "Yoruba", TierRare},
	}
}
