package forms_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

func faultsOf(err error) []string {
	var r *domain.Refusal
	if !errors.As(err, &r) {
		return nil
	}
	var at []string
	for _, f := range r.Errors {
		at = append(at, strings.TrimPrefix(f.Location, "body."))
	}
	return at
}

func TestBuiltInFormsAndTermsPassTheirOwnRules(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, f := range forms.BuiltIn() {
		events, err := forms.Define{Form: f}.Decide(forms.FormState{})
		if err != nil || len(events) != 1 {
			t.Errorf("%s: %v at %v", f.ID, err, faultsOf(err))
			continue
		}
		s := forms.EvolveForm(forms.FormState{}, events[0])
		if again, err := (forms.Define{Form: f}).Decide(s); err != nil || len(again) > 0 {
			t.Errorf("%s again: %v, %v", f.ID, again, err)
		}
		ids[f.ID] = true
	}
	if !ids["face-to-face"] || !ids["remote"] || !ids["standard"] {
		t.Errorf("built-in forms are %v", ids)
	}
	events, err := forms.DefineTerms{Terms: forms.TermsV1()}.Decide(forms.TermsState{})
	if err != nil || len(events) != 1 {
		t.Fatalf("terms: %v at %v", err, faultsOf(err))
	}
	s := forms.EvolveTerms(forms.TermsState{}, events[0])
	if again, err := (forms.DefineTerms{Terms: forms.TermsV1()}).Decide(s); err != nil || len(again) > 0 {
		t.Errorf("terms again: %v, %v", again, err)
	}
}

func TestAFormsNextVersion(t *testing.T) {
	t.Parallel()
	first := forms.EvolveForm(forms.FormState{}, forms.Defined{Form: forms.Remote()})
	changed := forms.Remote()
	changed.Version, changed.Notices[0].Text = 99, "Read this instead."
	events, err := forms.Define{Form: changed}.Decide(first)
	if err != nil || len(events) != 1 {
		t.Fatalf("%v, %v", events, err)
	}
	second := forms.EvolveForm(first, events[0])
	if len(first.Versions) != 1 {
		t.Error("the fold changed the state it was given")
	}
	if newest, _ := second.Newest(); newest.Version != 2 || newest.Notices[0].Text != "Read this instead." {
		t.Errorf("the newest version is %d", newest.Version)
	}
	if old, ok := second.Version(1); !ok || old.Notices[0].Text == "Read this instead." {
		t.Error("a booking's own version is gone")
	}
	if _, ok := second.Version(3); ok {
		t.Error("there is a third version")
	}
	renamed := forms.Remote()
	renamed.ID = "other"
	if _, err := (forms.Define{Form: renamed}).Decide(first); !slices.Equal(faultsOf(err), []string{"id"}) {
		t.Errorf("a form that changes its id: %v", err)
	}
	if _, ok := (forms.FormState{}).Newest(); ok {
		t.Error("no form has a version")
	}

	dearer := forms.TermsV1()
	dearer.MinimumMinutes = 120
	terms := forms.EvolveTerms(forms.TermsState{}, forms.TermsDefined{Terms: forms.TermsV1()})
	raised, err := forms.DefineTerms{Terms: dearer}.Decide(terms)
	if err != nil {
		t.Fatal(err)
	}
	if now, _ := forms.EvolveTerms(terms, raised[0]).Newest(); now.Version != 2 || now.MinimumMinutes != 120 {
		t.Errorf("terms in force: version %d, %d minutes", now.Version, now.MinimumMinutes)
	}
}

func TestFaultsOfAFormAreNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	bad := forms.Form{
		ID: "My Form", Prefix: "x", Initial: "done", ServiceType: "Face", Address: "somewhere", CancelNeeds: []string{"blood"},
		Sections: []forms.Section{{Key: "a", Label: "A"}, {Key: "a"}},
		Notices:  []forms.Notice{{Key: "!"}},
		Fields: []forms.Field{
			{Key: "language", Label: "L", Section: "a", Place: "above", Kind: "text", Core: true, Visibility: "public", Personal: "none"},
			{Key: "start", Label: "S", Section: "a", Place: "in", Kind: "datetime", Core: true, Visibility: "public", Personal: "none"},
			{Key: "phone", Label: "P", Section: "nowhere", Place: "beside", Kind: "telephone", Visibility: "all", Personal: "none", OnEdit: "maybe"},
			{Key: "phone", Section: "a", Place: "above", Kind: "hologram", Visibility: "agency", Personal: "secret"},
			{Key: "list", Label: "L", Section: "a", Place: "above", Kind: "option", Visibility: "agency", Personal: "none", Default: "c",
				Options: []forms.Option{{Value: "a", Label: "A"}, {Value: "a", Label: "A"}, {Value: "B", Label: "B"}, {Value: "d"}}},
			{Key: "empty", Label: "E", Section: "a", Place: "above", Kind: "options", Visibility: "agency", Personal: "none"},
			{Key: "plain", Label: "T", Section: "a", Place: "above", Kind: "text", Visibility: "agency", Personal: "none", Core: true,
				Options: []forms.Option{{Value: "a", Label: "A"}}},
			{Key: "notes", Label: "N", Section: "a", Place: "above", Kind: "multiline", Visibility: "agency", Personal: "none",
				Options: []forms.Option{{Value: "a", Label: "A"}}},
		},
	}
	_, err := forms.Define{Form: bad}.Decide(forms.FormState{})
	want := []string{"id", "name", "prefix", "initial", "serviceType", "address", "cancelNeeds[0]", "sections[1].key", "sections[1].label",
		"notices[0].key", "notices[0].text",
		"fields[0].kind", "fields[2].section", "fields[2].place", "fields[2].visibility", "fields[2].onEdit", "fields[2].personal",
		"fields[3].key", "fields[3].label", "fields[3].personal", "fields[3].kind",
		"fields[4].options[1]", "fields[4].options[2]", "fields[4].options[3]", "fields[4].default", "fields[5].options",
		"fields[6].core", "fields[6].kind", "fields[6].options", "fields[7].personal", "fields[7].options", "fields[0].required", "fields[1].required",
		"fields"}
	if got := faultsOf(err); !slices.Equal(got, want) {
		t.Errorf("faults at %v\nwant      %v", got, want)
	}

	_, err = forms.DefineTerms{Terms: forms.Terms{ID: "T", Currency: "pound", Fee: map[string]domain.Money{"remote": {Minor: -1, Currency: "pound"}},
		MinimumMinutes: -1, BillableOutcome: []domain.Outcome{"glory"}}}.Decide(forms.TermsState{})
	if got, want := faultsOf(err), []string{"id", "currency", "hourly", "fee", "minimumMinutes", "billableOutcome"}; !slices.Equal(got, want) {
		t.Errorf("faults of terms at %v", got)
	}
}

func TestII28TheStandardForm(t *testing.T) {
	t.Parallel()
	f := forms.Standard()
	var sections []string
	for _, s := range f.Sections {
		sections = append(sections, s.Label)
	}
	if want := []string{"Requestor Information", "Service Location", "Appointment Details", "Calendar", "Notes"}; !slices.Equal(sections, want) {
		t.Errorf("sections %v", sections)
	}
	for _, c := range []struct{ key, place, visibility string }{
		{"requestedBy", "above", "customer"}, {"notificationEmail", "above", "customer"}, {"specialInstructions", "above", "assigned"},
		{"consumer", "above", "assigned"}, {"additionalReferences", "above", "customer"}, {"additionalRequirements", "above", "offered"},
		{"appointmentNotes", "above", "assigned"}, {"jobDetails", "below", "assigned"}, {"start", "in", "public"}, {"duration", "in", "public"},
	} {
		if field, ok := f.Field(c.key); !ok || field.Place != c.place || field.Visibility != c.visibility || field.Copied != (c.place == "above") && !field.Core {
			t.Errorf("%s: %+v", c.key, field)
		}
	}
	if f.Prefix != "INT" || !slices.Equal(f.CancelNeeds, []string{"reason"}) || f.AddressLocked {
		t.Errorf("prefix %s, a cancellation needs %v, address locked %v", f.Prefix, f.CancelNeeds, f.AddressLocked)
	}
}

func TestII36FixedTextCannotBeChanged(t *testing.T) {
	t.Parallel()
	f := forms.Standard()
	for i := range f.Fields {
		if f.Fields[i].Key == "specialInstructions" {
			f.Fields[i].Default = "Ask for the duty manager."
		}
	}
	in := texts("requestedBy", "Ann", "notificationEmail", "ann@council.example", "specialInstructions", "Come in by the window")
	values, faults, _ := f.Validate(in, "create", noon)
	if len(faults) > 0 || !values["specialInstructions"].Equal(domain.Private("Ask for the duty manager.")) {
		t.Errorf("stored %v, faults %v", values["specialInstructions"].Items, faults)
	}
	values, faults, _ = f.Validate(texts("specialInstructions", "Come in by the window"), "edit", noon)
	if len(faults) > 0 || len(values) > 0 {
		t.Errorf("an edit stores %v, faults %v", values, faults)
	}
}
