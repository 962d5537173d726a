package settings_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

var (
	police   = uuid.MustParse("c0000000-0000-4000-8000-000000000001")
	hospital = uuid.MustParse("c0000000-0000-4000-8000-000000000002")
	rita     = uuid.MustParse("a0000000-0000-4000-8000-000000000001")
)

// second is the built-in face-to-face form as an admin changed it.
func second() forms.Form {
	f := forms.FaceToFace()
	f.Version, f.Name = 2, "Face to face, again"
	return f
}

// today is the agency's settings in force at the end of the story.
func today() people.AgencySettings {
	s := people.DefaultAgency()
	s.Name, s.CancelHours, s.Splash = "Lingua", 48, "Fire drill at noon."
	s.Notices = []people.Notice{
		{Key: "closed", Text: "We are closed on Monday.", From: "2020-03-24", Until: "2020-03-31"},
		{Key: "invoices", Text: "Invoices come by mail now.", Customer: police},
		{Key: "ward", Text: "Use the side door.", Customer: hospital},
	}
	return s
}

// fill makes an agency that changed its settings and a form, and two customers of which one has agreed to one form only.
func fill(log *projtest.Log) eventschema.Position {
	log.Append(eventschema.Agency, people.DeploymentCreated{ID: projtest.Deployment}, people.AgencyChanged{Version: 1, Settings: people.DefaultAgency()})
	for _, f := range forms.BuiltIn() {
		log.Append(eventschema.FormStream(f.ID), forms.Defined{Form: f})
	}
	log.Append(eventschema.TermsStream(forms.DefaultTermsID), forms.TermsDefined{Terms: forms.TermsV1()})
	log.Append(eventschema.CustomerStream(police), people.CustomerCreated{Customer: police, Name: "Police", TimeZone: "Europe/London",
		Settings: people.CustomerSettings{Forms: []string{forms.RemoteID}, BillTo: "Cost centre 7"}},
		people.UserAdded{User: rita, Account: people.Account{Name: "Rita Bell", Email: "rita@police.example", Telephone: "0113 496 0000", Role: domain.Requestor,
			Customer: police}})
	log.Append(eventschema.CustomerStream(hospital), people.CustomerCreated{Customer: hospital, Name: "Hospital", TimeZone: "Europe/London"})
	log.Append(eventschema.FormStream(forms.FaceToFaceID), forms.Defined{Form: second()})
	return log.Append(eventschema.Agency, people.AgencyChanged{Version: 2, Settings: today()})
}

func bench(t *testing.T, pageSize int) (settings.Queries, *projtest.Bench) {
	t.Helper()
	log := projtest.NewLog(pageSize)
	at := fill(log)
	b := projtest.Start(t, log, settings.Projector{}, readpeople.Projector{})
	b.Await(t, at, settings.Name, readpeople.Name)
	return settings.Queries{Models: b.Models}, b
}

func as(role domain.Role, customer uuid.UUID) access.Viewer {
	return access.Viewer{User: uuid.New(), Role: role, Customer: customer, Zone: "Europe/London", Now: projtest.Clock}
}

// The settings in force are the last ones, whole, under the version that decisions store; whoever may not read them is refused.
func TestSettingsInForce(t *testing.T) {
	t.Parallel()
	q, _ := bench(t, 0)
	for _, role := range []domain.Role{domain.Admin, domain.Auditor} {
		got, err := q.Settings(t.Context(), as(role, uuid.Nil))
		if err != nil || got.Version != 2 || !cmp.Equal(got.Settings, today()) {
			t.Errorf("%s reads version %d, %v: %s", role, got.Version, err, cmp.Diff(today(), got.Settings))
		}
	}
	for _, role := range []domain.Role{domain.Assigner, domain.Finance, domain.Safeguarding, domain.Interpreter, domain.Analyst, domain.Requestor, domain.CustomerAdmin} {
		_, err := q.Settings(t.Context(), as(role, police))
		if !errors.Is(err, &domain.Refusal{Code: "not-permitted"}) {
			t.Errorf("%s reads the settings: %v", role, err)
		}
	}
	if got, err := q.Agency(t.Context()); err != nil || got.Version != 2 {
		t.Errorf("for ourselves: version %d, %v", got.Version, err)
	}
	kinds, currency, err := q.Incidentals(t.Context())
	if err != nil || currency != forms.TermsV1().Currency || len(kinds) != len(forms.TermsV1().Incidentals) {
		t.Errorf("incidentals %v in %s, %v", kinds, currency, err)
	}
}

// Customers get the forms that were agreed, everybody else all; each in its newest version, an old one only by its number.
func TestForms(t *testing.T) {
	t.Parallel()
	q, _ := bench(t, 0)
	ids := func(v access.Viewer) (all []string) {
		t.Helper()
		found, err := q.Forms(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			all = append(all, fmt.Sprint(f.ID, " ", f.Version))
		}
		return all
	}
	var all []string
	for _, f := range forms.BuiltIn() {
		version := f.Version
		if f.ID == forms.FaceToFaceID {
			version = 2
		}
		all = append(all, fmt.Sprint(f.ID, " ", version))
	}
	slices.Sort(all)
	for _, v := range []access.Viewer{as(domain.Assigner, uuid.Nil), as(domain.Interpreter, uuid.Nil)} {
		if got := ids(v); !slices.Equal(got, all) {
			t.Errorf("%s gets %v, want %v", v.Role, got, all)
		}
	}
	if got, want := ids(as(domain.Requestor, hospital)), []string{forms.FaceToFaceID + " 2", forms.RemoteID + " 1"}; !slices.Equal(got, want) {
		t.Errorf("a customer without an agreement gets %v, want %v", got, want)
	}
	if got := ids(as(domain.Requestor, police)); !slices.Equal(got, []string{forms.RemoteID + " 1"}) {
		t.Errorf("the police, who agreed to the remote form, get %v", got)
	}

	requestor := as(domain.Requestor, police)
	if f, found, err := q.Form(t.Context(), as(domain.Admin, uuid.Nil), forms.FaceToFaceID, 0); err != nil || !found || !cmp.Equal(f, second()) {
		t.Errorf("the newest form: found %t, %v: %s", found, err, cmp.Diff(second(), f))
	}
	if f, found, err := q.Form(t.Context(), requestor, forms.FaceToFaceID, 1); err != nil || !found || !cmp.Equal(f, forms.FaceToFace()) {
		t.Errorf("the version that a job was booked with: found %t, %v: %s", found, err, cmp.Diff(forms.FaceToFace(), f))
	}
	for _, c := range []struct {
		v       access.Viewer
		id      string
		version int
	}{{requestor, forms.FaceToFaceID, 0}, {requestor, "court", 0}, {requestor, forms.RemoteID, 9}} {
		if _, found, err := q.Form(t.Context(), c.v, c.id, c.version); err != nil || found {
			t.Errorf("%s version %d: found %t, %v", c.id, c.version, found, err)
		}
	}
}

// A form comes filled with whom the customer is billed as (II-32) and with what its user's profile tells, as far as the form asks for it (LL-37).
func TestII32_Defaults(t *testing.T) {
	t.Parallel()
	q, _ := bench(t, 0)
	user := as(domain.Requestor, police)
	user.User = rita
	for name, c := range map[string]struct {
		v        access.Viewer
		customer uuid.UUID
		form     forms.Form
		want     map[string]string
	}{
		"a customer's user": {user, police, forms.FaceToFace(), map[string]string{"billTo": "Cost centre 7", "requestingOfficer": "Rita Bell",
			"telephone": "0113 496 0000", "primaryEmail": "rita@police.example"}},
		"a form that asks for none of it": {user, police, forms.Form{}, map[string]string{"billTo": "Cost centre 7"}},
		"staff for the customer":          {as(domain.Assigner, uuid.Nil), police, forms.FaceToFace(), map[string]string{"billTo": "Cost centre 7"}},
		"staff for nobody yet":            {as(domain.Assigner, uuid.Nil), uuid.Nil, forms.FaceToFace(), map[string]string{}},
	} {
		want := map[string]string{}
		for _, field := range c.form.Fields {
			if field.Default != "" {
				want[field.Key] = field.Default
			}
		}
		for key, value := range c.want {
			want[key] = value
		}
		if got, err := q.Defaults(t.Context(), c.v, c.customer, c.form); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %v\n%s", name, err, cmp.Diff(want, got))
		}
	}
}

// Notices are for whom they name, on the days of the viewer's zone (II-19); the splash is for all (II-20).
func TestII19_NoticesByViewer(t *testing.T) {
	t.Parallel()
	q, _ := bench(t, 0)
	at := func(v access.Viewer, instant string, zone string) access.Viewer {
		now, err := time.Parse(time.RFC3339, instant)
		if err != nil {
			t.Fatal(err)
		}
		v.Now, v.Zone = now, zone
		return v
	}
	for name, c := range map[string]struct {
		v    access.Viewer
		want []string
	}{
		"police":                      {as(domain.Requestor, police), []string{"closed", "invoices"}},
		"hospital's admin":            {as(domain.CustomerAdmin, hospital), []string{"closed", "ward"}},
		"interpreter":                 {as(domain.Interpreter, uuid.Nil), []string{"closed"}},
		"assigner":                    {as(domain.Assigner, uuid.Nil), []string{"closed", "invoices", "ward"}},
		"auditor":                     {as(domain.Auditor, uuid.Nil), []string{"closed", "invoices", "ward"}},
		"police, last second":         {at(as(domain.Requestor, police), "2020-03-31T22:59:59Z", "Europe/London"), []string{"closed", "invoices"}},
		"police, summer time, over":   {at(as(domain.Requestor, police), "2020-03-31T23:00:00Z", "Europe/London"), []string{"invoices"}},
		"the same instant in Iceland": {at(as(domain.Requestor, police), "2020-03-31T23:00:00Z", "Atlantic/Reykjavik"), []string{"closed", "invoices"}},
		"the day before":              {at(as(domain.Requestor, police), "2020-03-23T23:59:59Z", "Europe/London"), []string{"invoices"}},
	} {
		posted, err := q.Notices(t.Context(), c.v)
		var got []string
		for _, n := range posted.Notices {
			got = append(got, n.Key)
		}
		if err != nil || !slices.Equal(got, c.want) || posted.Splash != "Fire drill at noon." {
			t.Errorf("%s: %v under %q, %v; want %v", name, got, posted.Splash, err, c.want)
		}
	}
}

// However the log is cut into pages, the rows are the same; and a rebuild brings them back.
func TestSameRowsHoweverCut(t *testing.T) {
	t.Parallel()
	_, whole := bench(t, 0)
	want := whole.Dump(t, settings.Name)
	for _, pageSize := range []int{1, 3} {
		_, b := bench(t, pageSize)
		if got := b.Dump(t, settings.Name); got != want {
			t.Errorf("in pages of %d:\n%s", pageSize, cmp.Diff(want, got))
		}
	}
	if err := whole.Runner.Rebuild(t.Context(), settings.Name, nil); err != nil {
		t.Fatal(err)
	}
	if got := whole.Dump(t, settings.Name); got != want {
		t.Errorf("rebuilt:\n%s", cmp.Diff(want, got))
	}
	if v, err := whole.Runner.Verify(t.Context(), settings.Name); err != nil || len(v.Differences) > 0 || v.Rows == 0 {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

// Every version of a form, the newest first, with who defined it and when, for those who may read settings. Interpreters do not read what is for chosen
// customers, and nobody but the agency whom it is for.
func TestFormVersions(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	fill(log)
	third := second()
	third.Version = 3
	third.Fields = append(third.Fields, forms.Field{Key: "poNumber", Label: "PO number", Section: "contact", Place: forms.Above, Kind: forms.KindText,
		Visibility: forms.VisibleCustomer, Personal: forms.NotPersonal, Customers: []uuid.UUID{hospital}})
	at := log.Append(eventschema.FormStream(forms.FaceToFaceID), forms.Defined{Form: third})
	b := projtest.Start(t, log, settings.Projector{}, readpeople.Projector{})
	b.Await(t, at, settings.Name, readpeople.Name)
	q := settings.Queries{Models: b.Models}
	for _, role := range []domain.Role{domain.Admin, domain.Auditor} {
		all, err := q.FormVersions(t.Context(), as(role, uuid.Nil), forms.FaceToFaceID)
		if err != nil || len(all) != 3 || all[0].Form.Version != 3 || all[2].Form.Version != 1 || all[0].At.IsZero() {
			t.Errorf("%s reads %d versions, %v", role, len(all), err)
		}
		newest, err := q.NewestForms(t.Context(), as(role, uuid.Nil))
		if err != nil || len(newest) != len(forms.BuiltIn()) || newest[0].Form.Version != 3 {
			t.Errorf("%s reads %d forms, %v", role, len(newest), err)
		}
	}
	if _, err := q.FormVersions(t.Context(), as(domain.Assigner, uuid.Nil), forms.FaceToFaceID); !errors.Is(err, &domain.Refusal{Code: "not-permitted"}) {
		t.Errorf("an assigner reads the versions: %v", err)
	}
	for _, c := range []struct {
		v         access.Viewer
		has, told bool
	}{{as(domain.Admin, uuid.Nil), true, true}, {as(domain.Assigner, uuid.Nil), true, true}, {as(domain.Interpreter, uuid.Nil), false, false},
		{as(domain.Requestor, hospital), true, false}} {
		f, found, err := q.Form(t.Context(), c.v, forms.FaceToFaceID, 0)
		field, has := f.Field("poNumber")
		if err != nil || !found || has != c.has || (len(field.Customers) > 0) != c.told {
			t.Errorf("%s: %v, the field %v, whom it is for %v", c.v.Role, err, has, field.Customers)
		}
	}
	for customer, want := range map[uuid.UUID]bool{hospital: true, police: false} {
		f, err := q.Booked(t.Context(), customer, forms.FaceToFaceID, 3, nil)
		if _, has := f.Field("poNumber"); err != nil || has != want {
			t.Errorf("a job of %s has the field: %v, %v", customer, has, err)
		}
	}
	f, err := q.Booked(t.Context(), uuid.Nil, forms.FaceToFaceID, 3, map[string]domain.Value{"poNumber": domain.Text("PO-1")})
	if _, has := f.Field("poNumber"); err != nil || !has {
		t.Errorf("a job that holds the value does not show it: %v", err)
	}
}
