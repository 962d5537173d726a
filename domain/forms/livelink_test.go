package forms_test

import (
	"slices"
	"testing"

	"github.com/dragoman-booking/dragoman/domain/forms"
)

// The keys of the LiveLINK fields, in the contract's order.
var contractKeys = []string{"yourReference", "costCentre", "invoiceReference", "offenceCategory", "assignmentType", "skills", "flexibility",
	"remoteOption", "nonEnglishSpeaker", "gender", "jobNotes", "custodyReference", "custodyClock", "reportTo", "requestingOfficer", "telephone",
	"officerInCase", "primaryEmail", "collarNumber", "officerPhone", "secondaryEmail", "preferredInterpreter", "precludedInterpreter",
	"agencyNotes", "assignedNotes", "reasonForBooking", "platform", "instructions", "venueInformation"}

func TestLL14TwoFormsWithTheirNamesAndPrefixes(t *testing.T) {
	t.Parallel()
	all := forms.BuiltIn()
	if len(all) < 2 {
		t.Fatalf("%d built-in forms", len(all))
	}
	for i, want := range []struct{ id, name, prefix, serviceType string }{
		{"face-to-face", "Face to Face Assignment Only - NOT Court Bookings", "DTP", "face-to-face"},
		{"remote", "Remote Assignment", "DTM", "remote"},
	} {
		f := all[i]
		if f.ID != want.id || f.Name != want.name || f.Prefix != want.prefix || f.ServiceType != want.serviceType || f.Version != 1 || f.Initial != "new" {
			t.Errorf("form %d is %s %q %s %s version %d initial %s", i, f.ID, f.Name, f.Prefix, f.ServiceType, f.Version, f.Initial)
		}
		if !slices.Equal(f.CancelNeeds, []string{"authorisedBy"}) {
			t.Errorf("LL-114: %s needs %v to cancel", f.ID, f.CancelNeeds)
		}
		if !f.AddressLocked {
			t.Errorf("LL-112: a duplicate of %s may change the address", f.ID)
		}
	}
}

func TestLL17SectionsInOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		form  forms.Form
		first string
	}{{forms.FaceToFace(), "Address"}, {forms.Remote(), "Billing Address"}} {
		want := []string{c.first, "Appointment details", "Custody cases only", "Contact details", "If relevant"}
		var got []string
		order := map[string]int{}
		for i, s := range c.form.Sections {
			got = append(got, s.Label)
			order[s.Key] = i
			if s.Whole != (s.Label == "Custody cases only") {
				t.Errorf("D-03: %s: section %q whole is %v", c.form.ID, s.Label, s.Whole)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: sections %v", c.form.ID, got)
		}
		last := 0
		for _, f := range c.form.Fields {
			at, ok := order[f.Section]
			if !ok || at < last {
				t.Errorf("%s: field %s lies in section %q out of order", c.form.ID, f.Key, f.Section)
			}
			last = max(last, at)
		}
	}
}

func TestLL18ToLL57RequiredFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		form forms.Form
		want []string
	}{
		{forms.FaceToFace(), []string{"location", "offenceCategory", "assignmentType", "language", "skills", "start", "duration", "nonEnglishSpeaker",
			"reportTo", "requestingOfficer", "telephone", "officerInCase", "primaryEmail", "collarNumber", "officerPhone", "secondaryEmail"}},
		{forms.Remote(), []string{"billTo", "invoiceReference", "language", "start", "duration", "nonEnglishSpeaker", "reasonForBooking", "platform",
			"assignedNotes", "requestingOfficer", "telephone", "officerInCase", "primaryEmail", "collarNumber", "officerPhone", "secondaryEmail"}},
	} {
		var got []string
		for _, f := range c.form.Fields {
			if f.Required {
				got = append(got, f.Key)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s requires %v\nwant %v", c.form.ID, got, c.want)
		}
	}
}

func TestKeysAndPlacesAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	in := []string{"start", "duration", "flexibility", "custodyReference", "custodyClock"}
	below := []string{"jobNotes", "assignedNotes", "venueInformation", "agencyNotes"}
	for _, form := range []forms.Form{forms.FaceToFace(), forms.Remote()} {
		once := map[string]bool{}
		for _, f := range form.Fields {
			if once[f.Key] {
				t.Errorf("%s: key %s twice", form.ID, f.Key)
			}
			once[f.Key] = true
			if !f.Core {
				seen[f.Key] = true
			}
			want := forms.Above
			switch {
			case slices.Contains(in, f.Key):
				want = forms.In
			case slices.Contains(below, f.Key):
				want = forms.Below
			}
			if f.Place != want || form.Place(f.Key) != want {
				t.Errorf("%s: %s stands %s, want %s", form.ID, f.Key, f.Place, want)
			}
			if f.Copied != (want == forms.Above) {
				t.Errorf("%s: %s copied is %v", form.ID, f.Key, f.Copied)
			}
			if f.Label == "" || f.Kind == "" || f.Visibility == "" || f.Personal == "" {
				t.Errorf("%s: field %s lacks label, kind, visibility or personal", form.ID, f.Key)
			}
			if (f.Kind == forms.KindOption || f.Kind == forms.KindOptions) == (len(f.Options) == 0) {
				t.Errorf("%s: field %s of kind %s has %d options", form.ID, f.Key, f.Kind, len(f.Options))
			}
		}
	}
	for _, key := range contractKeys {
		if !seen[key] {
			t.Errorf("no form has %s", key)
		}
	}
	if len(seen) != len(contractKeys) {
		t.Errorf("%d keys, the contract has %d", len(seen), len(contractKeys))
	}
}

func TestLL108EditableFields(t *testing.T) {
	t.Parallel()
	want := []string{"assignedNotes", "costCentre", "invoiceReference", "nonEnglishSpeaker", "primaryEmail", "reasonForBooking", "reportTo",
		"requestingOfficer", "secondaryEmail", "telephone", "venueInformation", "yourReference"}
	for _, form := range []forms.Form{forms.FaceToFace(), forms.Remote()} {
		got := form.Editable()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: editable %v\nwant %v", form.ID, got, want)
		}
		for _, key := range want {
			f, _ := form.Field(key)
			optional := key == "secondaryEmail" || key == "venueInformation" || key == "assignedNotes" && form.ID == "face-to-face"
			required := f.OnEdit == forms.EditRequired || f.OnEdit == "" && f.Required
			if required == optional {
				t.Errorf("%s: %s required on edit is %v", form.ID, key, required)
			}
		}
	}
}

func TestLL16NoCourtAssignments(t *testing.T) {
	t.Parallel()
	f, _ := forms.FaceToFace().Field("assignmentType")
	if !slices.ContainsFunc(f.Options, func(o forms.Option) bool { return o.Value == "interview" }) {
		t.Error("no interview among the assignment types")
	}
	if slices.ContainsFunc(f.Options, func(o forms.Option) bool { return o.Value == "court" || o.Label == "Court" }) {
		t.Error("court is an assignment type")
	}
}

// Who reads a field, by hand from the default matrix (design, section 6; LL-33, LL-41, LL-42, LL-54). A field that is not named here would
// be a leak: it must be customer.
func TestVisibilityWordOfEveryField(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"language": "public", "alternativeLanguages": "public", "start": "public", "duration": "public", "flexibility": "public",
		"assignmentType": "public", "reasonForBooking": "public", "skills": "public", "remoteOption": "public", "platform": "public",
		"jobNotes": "offered",
		"location": "assigned", "reportTo": "assigned", "nonEnglishSpeaker": "assigned", "custodyReference": "assigned",
		"venueInformation": "assigned", "assignedNotes": "assigned", "instructions": "assigned",
		"agencyNotes": "agency",
	}
	for _, form := range []forms.Form{forms.FaceToFace(), forms.Remote()} {
		for _, f := range form.Fields {
			w, ok := want[f.Key]
			if !ok {
				w = "customer"
			}
			if f.Visibility != w {
				t.Errorf("%s: %s is visible %s, want %s", form.ID, f.Key, f.Visibility, w)
			}
		}
	}
}

func TestPersonalValuesAreMarked(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"nonEnglishSpeaker": "speaker",
		"reportTo":          "contact", "requestingOfficer": "contact", "telephone": "contact", "officerInCase": "contact", "primaryEmail": "contact",
		"collarNumber": "contact", "officerPhone": "contact", "secondaryEmail": "contact",
		"jobNotes": "note", "agencyNotes": "note", "assignedNotes": "note", "instructions": "note", "venueInformation": "note",
		"custodyReference": "custody", "custodyClock": "custody",
	}
	for _, form := range []forms.Form{forms.FaceToFace(), forms.Remote()} {
		for _, f := range form.Fields {
			w, ok := want[f.Key]
			if !ok {
				w = "none"
			}
			if f.Personal != w {
				t.Errorf("%s: %s is personal %q, want %q", form.ID, f.Key, f.Personal, w)
			}
		}
	}
}

func TestLL15LL54Notices(t *testing.T) {
	t.Parallel()
	has := func(f forms.Form, key string) bool {
		return slices.ContainsFunc(f.Notices, func(n forms.Notice) bool { return n.Key == key && n.Text != "" && !n.Mandatory })
	}
	for _, f := range []forms.Form{forms.FaceToFace(), forms.Remote()} {
		if !has(f, "read-before-you-book") || !has(f, "no-court-bookings") {
			t.Errorf("%s lacks a notice of both forms", f.ID)
		}
	}
	if !has(forms.Remote(), "no-contact-details") || has(forms.FaceToFace(), "no-contact-details") {
		t.Error("the contact banner belongs to the remote form alone")
	}
}
