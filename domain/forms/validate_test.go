package forms_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

var (
	london = mustZone("Europe/London")
	noon   = time.Date(2026, 7, 1, 12, 0, 0, 0, london)
)

func mustZone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

func texts(kv ...string) map[string][]string {
	m := map[string][]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = []string{kv[i+1]}
	}
	return m
}

func with(m map[string][]string, kv ...string) map[string][]string {
	m = maps.Clone(m)
	maps.Copy(m, texts(kv...))
	return m
}

func without(m map[string][]string, key string) map[string][]string {
	m = maps.Clone(m)
	delete(m, key)
	return m
}

var contacts = texts("requestingOfficer", "Ann Smith", "telephone", "+44 161 496 0000", "officerInCase", "Bob Jones",
	"primaryEmail", "ann@police.example", "collarNumber", "1234", "officerPhone", "448000042000", "secondaryEmail", "desk@police.example")

var faceToFace = func() map[string][]string {
	m := with(contacts, "offenceCategory", "theft", "assignmentType", "interview", "nonEnglishSpeaker", "Jan Kowalski", "reportTo", "Reception")
	return m
}()

var remote = with(contacts, "invoiceReference", "12345", "nonEnglishSpeaker", "Jan Kowalski", "reasonForBooking", "interview",
	"platform", "ms-teams", "assignedNotes", "Join at https://meet.example/abc")

func locations(faults []domain.FieldError) []string {
	var out []string
	for _, f := range faults {
		out = append(out, strings.TrimPrefix(f.Location, "body.fields."))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func codes(ws []domain.Warning) []string {
	var out []string
	for _, w := range ws {
		out = append(out, w.Location+" "+w.Code)
	}
	return out
}

func TestLL36CompleteFormsAreAcceptedWithoutWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		form forms.Form
		in   map[string][]string
	}{{forms.FaceToFace(), faceToFace}, {forms.Remote(), remote}} {
		values, faults, warnings := c.form.Validate(c.in, "create", noon)
		if len(faults) > 0 || len(warnings) > 0 {
			t.Errorf("%s: %v %v", c.form.ID, faults, warnings)
		}
		if got := values["nonEnglishSpeaker"]; !got.Equal(domain.Private("Jan Kowalski")) {
			t.Errorf("%s: speaker %v, personal %v", c.form.ID, got.Items, got.Personal)
		}
		for key, v := range values {
			if f, _ := c.form.Field(key); v.Personal != (f.Personal != "none") {
				t.Errorf("%s: %s personal is %v", c.form.ID, key, v.Personal)
			}
		}
	}
}

func TestII29LL22LL36LL49EachRequiredFieldIsMissed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		form forms.Form
		in   map[string][]string
		want []string
	}{
		{forms.FaceToFace(), faceToFace, []string{"offenceCategory", "assignmentType", "nonEnglishSpeaker", "reportTo", "requestingOfficer", "telephone",
			"officerInCase", "primaryEmail", "collarNumber", "officerPhone", "secondaryEmail"}},
		{forms.Remote(), remote, []string{"invoiceReference", "nonEnglishSpeaker", "reasonForBooking", "platform", "assignedNotes", "requestingOfficer",
			"telephone", "officerInCase", "primaryEmail", "collarNumber", "officerPhone", "secondaryEmail"}},
	} {
		for _, key := range c.want {
			for _, in := range []map[string][]string{without(c.in, key), with(c.in, key, "  ")} {
				values, faults, _ := c.form.Validate(in, "create", noon)
				if values != nil || len(faults) != 1 || faults[0].Location != "body.fields."+key {
					t.Errorf("%s without %s: %v", c.form.ID, key, faults)
				}
			}
		}
		_, faults, _ := c.form.Validate(nil, "create", noon)
		want := slices.Sorted(slices.Values(c.want))
		if got := locations(faults); !slices.Equal(got, want) {
			t.Errorf("%s: an empty form names %v\nwant %v", c.form.ID, got, want)
		}
	}
}

func TestLL25LL32DefaultsAreStored(t *testing.T) {
	t.Parallel()
	values, _, _ := forms.FaceToFace().Validate(faceToFace, "create", noon)
	if values["skills"].First() != "spoken-only" || values["gender"].First() != "no-preference" {
		t.Errorf("skills %v gender %v", values["skills"], values["gender"])
	}
	values, faults, _ := forms.FaceToFace().Validate(texts("reportTo", "Desk"), "edit", noon)
	if len(faults) > 0 || len(values) != 1 {
		t.Errorf("an edit of one field touches %v %v", values, faults)
	}
}

func TestFaultsOfSyntaxAreNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	in := with(faceToFace, "offenceCategory", "no such thing", "telephone", "call me", "primaryEmail", "nobody", "preferredInterpreter", "LIN/12/1",
		"precludedInterpreter", "lin/5455/5j71y", "nonEnglishSpeaker", strings.Repeat("a", 201), "jobNotes", strings.Repeat("a", 4001),
		"reportTo", "two\nlines", "colour", "red", "language", "pl", "custodyClock", "tomorrow", "custodyReference", "C1")
	in["collarNumber"] = []string{"1", "2"}
	_, faults, _ := forms.FaceToFace().Validate(in, "create", noon)
	want := []string{"collarNumber", "colour", "custodyClock", "jobNotes", "language", "nonEnglishSpeaker", "offenceCategory", "precludedInterpreter",
		"preferredInterpreter", "primaryEmail", "reportTo", "telephone"}
	if got := locations(faults); !slices.Equal(got, want) {
		t.Errorf("faults at %v\nwant %v", got, want)
	}
	for _, f := range faults {
		for _, sent := range in {
			if len(sent[0]) > 3 && strings.Contains(f.Message, sent[0]) {
				t.Errorf("%s repeats what was sent: %s", f.Location, f.Message)
			}
		}
	}
}

func TestLengthsAreCountedInCharacters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key  string
		n    int
		okay bool
	}{{"nonEnglishSpeaker", 200, true}, {"nonEnglishSpeaker", 201, false}, {"jobNotes", 4000, true}, {"jobNotes", 4001, false}} {
		_, faults, _ := forms.FaceToFace().Validate(with(faceToFace, c.key, strings.Repeat("ż", c.n)), "create", noon)
		if (len(faults) == 0) != c.okay {
			t.Errorf("%d characters in %s: %v", c.n, c.key, faults)
		}
	}
}

func TestLL51OptionsByValueOrLabel(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{"ms-teams", "MS Teams", "ms teams"} {
		values, faults, _ := forms.Remote().Validate(with(remote, "platform", sent), "create", noon)
		if len(faults) > 0 || values["platform"].First() != "ms-teams" {
			t.Errorf("platform sent as %q: %v %v", sent, values["platform"], faults)
		}
	}
	if _, faults, _ := forms.Remote().Validate(with(remote, "platform", "carrier pigeon"), "create", noon); len(faults) != 1 {
		t.Errorf("a platform not in the list: %v", faults)
	}
}

func TestLL53D04NotApplicable(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"invoiceReference", "nonEnglishSpeaker", "assignedNotes", "officerInCase"} {
		for _, sent := range []string{"N/A", "n/a", " N/A "} {
			values, faults, _ := forms.Remote().Validate(with(remote, key, sent), "create", noon)
			if len(faults) > 0 || !values[key].NotApplicable || len(values[key].Items) > 0 {
				t.Errorf("%s = %q: %v %v", key, sent, values[key], faults)
			}
		}
	}
	for _, key := range []string{"primaryEmail", "platform"} {
		if _, faults, _ := forms.Remote().Validate(with(remote, key, "N/A"), "create", noon); len(faults) != 1 {
			t.Errorf("N/A is taken in %s, which is no text field", key)
		}
	}
}

func TestLL35LL55CustodyIsWholeOrEmpty(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		form forms.Form
		base map[string][]string
	}{{forms.FaceToFace(), faceToFace}, {forms.Remote(), remote}} {
		for _, s := range []struct {
			given  map[string][]string
			faults []string
		}{
			{with(c.base, "custodyReference", "C 17/26"), []string{"custodyClock"}},
			{with(c.base, "custodyClock", "2026-07-02T12:00"), []string{"custodyReference"}},
			{with(c.base, "custodyClock", "2026-07-02T12:00", "custodyReference", "C 17/26"), nil},
			{c.base, nil},
			{with(c.base, "custodyReference", "C 17/26", "custodyClock", "nonsense"), []string{"custodyClock"}},
		} {
			_, faults, warnings := c.form.Validate(s.given, "create", noon)
			if got := locations(faults); !slices.Equal(got, s.faults) || len(warnings) > 0 {
				t.Errorf("%s: faults %v, want %v; warnings %v", c.form.ID, got, s.faults, warnings)
			}
		}
	}
}

func TestLL35IncompleteAfterAnEdit(t *testing.T) {
	t.Parallel()
	f := forms.FaceToFace()
	for _, c := range []struct {
		values map[string]domain.Value
		want   []string
	}{
		{map[string]domain.Value{"custodyReference": domain.Private("C 1")}, []string{"custodyClock"}},
		{map[string]domain.Value{"custodyReference": {}, "custodyClock": {}}, nil},
		{map[string]domain.Value{"custodyReference": {NotApplicable: true}, "custodyClock": domain.Private("2026-07-02T12:00")}, nil},
	} {
		if got := locations(f.Incomplete(c.values)); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestLL35ACustodyClockThatHasPassedWarns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		clock  string
		now    time.Time
		warns  bool
		faulty bool
	}{
		{"2026-07-01T11:59", noon, true, false},
		{"2026-07-01T12:00", noon, false, false},
		{"2026-07-01T11:30", noon.UTC(), false, false}, // now is 11:00 on a UTC wall
		{"2026-07-01T11:59", noon.In(time.FixedZone("", 3600)), true, false},
		{"2026-03-29T01:30", noon, false, true},
		{"2026-10-25T01:30", noon, false, true},
		{"2026-10-25T01:30+00:00", noon, false, false},
	} {
		_, faults, warnings := forms.FaceToFace().Validate(with(faceToFace, "custodyReference", "C 1", "custodyClock", c.clock), "create", c.now)
		want := []string(nil)
		if c.warns {
			want = []string{"body.fields.custodyClock custody-clock-passed"}
		}
		if got := codes(warnings); !slices.Equal(got, want) || (len(faults) > 0) != c.faulty {
			t.Errorf("clock %s at %s: warnings %v faults %v", c.clock, c.now, got, faults)
		}
	}
}

func TestLL52NotesWithoutAWayToJoinWarn(t *testing.T) {
	t.Parallel()
	for text, warns := range map[string]bool{
		"Join at https://teams.microsoft.com/l/meetup": false,
		"teams.microsoft.com/l/meetup":                 false,
		"Dial 0800 953 4351, then 123#":                false,
		"The officer will ring you":                    true,
		"N/A":                                          true,
	} {
		_, faults, warnings := forms.Remote().Validate(with(remote, "assignedNotes", text), "create", noon)
		if len(faults) > 0 || slices.Equal(codes(warnings), []string{"body.fields.assignedNotes no-joining-details"}) != warns {
			t.Errorf("%q: %v %v", text, faults, warnings)
		}
	}
	if _, _, warnings := forms.FaceToFace().Validate(with(faceToFace, "assignedNotes", "Ring the bell"), "create", noon); len(warnings) > 0 {
		t.Errorf("the face-to-face form asks for a link: %v", warnings)
	}
}

func TestLL33PersonalDataInJobNotesWarns(t *testing.T) {
	t.Parallel()
	for text, warns := range map[string]bool{
		"Ask for jan.kowalski@mail.example": true,
		"His number is 07700 900123":        true,
		"Call +44 7700 900123":              true,
		"Bring a dictionary; 2026-12-01":    false,
		"Parking behind building 12":        false,
	} {
		_, faults, warnings := forms.FaceToFace().Validate(with(faceToFace, "jobNotes", text), "create", noon)
		if len(faults) > 0 || slices.Equal(codes(warnings), []string{"body.fields.jobNotes personal-data"}) != warns {
			t.Errorf("%q: %v %v", text, faults, warnings)
		}
	}
}

func TestLL108D19Edits(t *testing.T) {
	t.Parallel()
	f := forms.FaceToFace()
	for _, c := range []struct {
		name   string
		in     map[string][]string
		faults []string
	}{
		{"cost centre on neither booking form", texts("costCentre", "CC 1"), nil},
		{"venue information", texts("venueInformation", "Park behind"), nil},
		{"secondary email may go", map[string][]string{"secondaryEmail": nil}, nil},
		{"primary email may not", map[string][]string{"primaryEmail": nil}, []string{"primaryEmail"}},
		{"reference may not, though optional when booking", texts("yourReference", ""), []string{"yourReference"}},
		{"officer in the case stays mandatory", map[string][]string{"officerInCase": {}}, []string{"officerInCase"}},
		{"job notes may go", map[string][]string{"jobNotes": nil}, nil},
		{"bad syntax", texts("primaryEmail", "x"), []string{"primaryEmail"}},
		{"unknown", texts("shoeSize", "44"), []string{"shoeSize"}},
	} {
		_, faults, _ := f.Validate(c.in, "edit", noon)
		if got := locations(faults); !slices.Equal(got, c.faults) {
			t.Errorf("%s: %v, want %v", c.name, got, c.faults)
		}
	}
	values, _, _ := f.Validate(map[string][]string{"secondaryEmail": nil}, "edit", noon)
	if v, there := values["secondaryEmail"]; !there || v.First() != "" {
		t.Errorf("a cleared field comes back as %v, there %v", v, there)
	}
}

func TestD15SpeakerByInitialsOrReference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule, sent string
		okay       bool
	}{
		{"name", "Jan Kowalski", true}, {"", "Jan Kowalski", true},
		{"initials", "J.K.", true}, {"initials", "JK", true}, {"initials", "J K", true}, {"initials", "Ż.K.", true}, {"initials", "N/A", true},
		{"initials", "Jan Kowalski", false}, {"initials", "Jan", false},
		{"reference", "REF-1234", true}, {"reference", "17/26", true}, {"reference", "Jan Kowalski", false},
	} {
		f := forms.Remote().WithSpeaker(c.rule)
		_, faults, _ := f.Validate(with(remote, "nonEnglishSpeaker", c.sent), "create", noon)
		if (len(faults) == 0) != c.okay {
			t.Errorf("rule %q, sent %q: %v", c.rule, c.sent, faults)
		}
	}
	f := forms.Remote()
	_ = f.WithSpeaker("initials")
	if field, _ := f.Field("nonEnglishSpeaker"); field.Kind != "text" {
		t.Error("WithSpeaker changed the form it was asked of")
	}
}

func TestEmailsAndTelephones(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{"a@b.example": true, "a.b+c@d-e.example": true, "a@b": false, "a b@c.example": false, "Ann <a@b.example>": false,
		"a@b.example.": false, "": false, "@b.example": false} {
		if forms.IsEmail(s) != want {
			t.Errorf("IsEmail(%q) is %v", s, !want)
		}
	}
	for s, want := range map[string]bool{"448000042000": true, "+44 (0)161 496-0000": true, "0161 496 0000 ext 12": true, "12": false, "twelve": false,
		"0161 496 0000; 0161 496 0001": false} {
		if forms.IsTelephone(s) != want {
			t.Errorf("IsTelephone(%q) is %v", s, !want)
		}
	}
}

func TestLL28WithinFlexibility(t *testing.T) {
	t.Parallel()
	at := func(s string) domain.Moment {
		m, err := domain.ParseMoment(s, "Europe/London")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	requested := at("2026-12-01T10:00")
	for _, c := range []struct {
		flexibility, proposed string
		want                  bool
	}{
		{"2-hours", "2026-12-01T12:00", true}, {"2-hours", "2026-12-01T08:00", true}, {"2-hours", "2026-12-01T12:01", false},
		{"same-day", "2026-12-01T23:59", true}, {"same-day", "2026-12-02T00:00", false},
		{"1-day", "2026-12-02T10:00", true}, {"", "2026-12-01T10:00", true}, {"", "2026-12-01T10:01", false},
	} {
		if got := forms.Within(c.flexibility, requested, at(c.proposed)); got != c.want {
			t.Errorf("%q: %s within is %v", c.flexibility, c.proposed, got)
		}
	}
}

// Whatever is sent: either faults or values, every fault names a field, sealed is what the form says, and accepted values pass again.
func TestValidateHoldsForAnyInput(t *testing.T) {
	t.Parallel()
	all := []forms.Form{forms.FaceToFace(), forms.Remote()}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(all).Draw(t, "form")
		on := rapid.SampledFrom([]string{"create", "edit"}).Draw(t, "on")
		in := map[string][]string{}
		if rapid.Bool().Draw(t, "from a good one") {
			if in = maps.Clone(faceToFace); f.ID == "remote" {
				in = maps.Clone(remote)
			}
		}
		for i := range rapid.IntRange(0, 8).Draw(t, "changes") {
			field := rapid.SampledFrom(f.Fields).Draw(t, fmt.Sprint("field ", i))
			value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"N/A", "interview", "LIN/5455/5J71Y", "a@b.example", "2026-07-01T10:00", ""}))
			in[field.Key] = rapid.SliceOfN(value, 0, 2).Draw(t, fmt.Sprint("value ", i))
		}
		values, faults, warnings := f.Validate(in, on, noon)
		if (values == nil) == (len(faults) == 0) {
			t.Fatalf("values %v beside faults %v", values, faults)
		}
		for _, fault := range faults {
			if !strings.HasPrefix(fault.Location, "body.fields.") || fault.Message == "" {
				t.Fatalf("fault %v", fault)
			}
		}
		again := map[string][]string{}
		for key, v := range values {
			field, ok := f.Field(key)
			if !ok || field.Core {
				t.Fatalf("value for %s, which the form does not add", key)
			}
			if v.First() != "" && !v.NotApplicable && v.Personal != (field.Personal != "none") {
				t.Fatalf("%s personal is %v", key, v.Personal)
			}
			if again[key] = v.Items; v.NotApplicable {
				again[key] = []string{"N/A"}
			}
		}
		if len(faults) > 0 {
			return
		}
		values2, faults2, warnings2 := f.Validate(again, on, noon)
		if len(faults2) > 0 || len(warnings2) != len(warnings) {
			t.Fatalf("accepted values are refused: %v %v", faults2, warnings2)
		}
		for key, v := range values {
			if !values2[key].Equal(v) {
				t.Fatalf("%s changes when validated again", key)
			}
		}
	})
}
