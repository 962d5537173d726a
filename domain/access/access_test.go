package access_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

var (
	police, hospital = uuid.UUID{1}, uuid.UUID{2}
	north, south     = uuid.UUID{3}, uuid.UUID{4}
	station, court   = uuid.UUID{5}, uuid.UUID{6}
	ana, ben, cleo   = uuid.UUID{7}, uuid.UUID{8}, uuid.UUID{9}
	rita             = uuid.UUID{10}
)

func as(role domain.Role, permissions ...domain.Permission) access.Viewer {
	v := access.Viewer{User: rita, Role: role, Permissions: permissions}
	switch role {
	case domain.Requestor, domain.CustomerAdmin:
		v.Customer = police
	case domain.Interpreter:
		v.Interpreter = ana
	}
	return v
}

var allRoles = []domain.Role{domain.Requestor, domain.CustomerAdmin, domain.Assigner, domain.Finance, domain.Admin, domain.Safeguarding,
	domain.Interpreter, domain.Auditor, domain.Analyst, domain.Guest, domain.System}

var allPermissions = []domain.Permission{domain.MayCreate, domain.MayEdit, domain.MayClose, domain.MayCancel, domain.MayReports,
	domain.MayFinancials, domain.MayEditLocations}

// What each viewer reads, written by hand from design.md section 6; everything that a viewer's list does not name is hidden.
var sights = []struct {
	name    string
	viewer  access.Viewer
	rel     access.Relation
	remote  bool
	clear   string
	pseudon string
}{
	{"requestor", as(domain.Requestor), access.Own, false, customerSees, ""},
	{"requestor, remote job (LL-106)", as(domain.Requestor), access.Own, true, customerSees + " interpreter-contact", ""},
	{"requestor with financials", as(domain.Requestor, domain.MayFinancials), access.Own, false, customerSees + " costs", ""},
	{"requestor with everything else", as(domain.Requestor, domain.MayCreate, domain.MayEdit, domain.MayClose, domain.MayCancel, domain.MayReports,
		domain.MayEditLocations), access.Own, false, customerSees, ""},
	{"customer-admin", as(domain.CustomerAdmin), access.Own, false, customerSees, ""},
	{"customer-admin, remote job, with financials", as(domain.CustomerAdmin, domain.MayFinancials), access.Own, true,
		customerSees + " interpreter-contact costs", ""},

	{"offered interpreter (LL-33)", as(domain.Interpreter), access.Offered, false, offeredSees, ""},
	{"offered interpreter, remote job", as(domain.Interpreter), access.Offered, true, offeredSees, ""},
	{"assigned interpreter (LL-42)", as(domain.Interpreter), access.Assigned, false, assignedSees, ""},
	{"assigned interpreter, remote job (LL-54)", as(domain.Interpreter), access.Assigned, true, assignedSees, ""},
	{"former interpreter", as(domain.Interpreter), access.Former, false, "basics own-activity-notes own-offers", ""},
	{"former interpreter, remote job", as(domain.Interpreter), access.Former, true, "basics own-activity-notes own-offers", ""},
	{"interpreter with financials, which mean nothing there", as(domain.Interpreter, allPermissions...), access.Assigned, false, assignedSees, ""},

	{"assigner", as(domain.Assigner), access.Agency, false, assignerSees, ""},
	{"assigner, remote job", as(domain.Assigner), access.Agency, true, assignerSees, ""},
	{"admin", as(domain.Admin), access.Agency, false, assignerSees + " costs", ""},
	{"admin, remote job", as(domain.Admin), access.Agency, true, assignerSees + " costs", ""},
	{"finance", as(domain.Finance), access.Agency, false, "basics location-name fee full-address contact-names contact-details costs invoicing-references " +
		"interpreter-identity activity-notes own-activity-notes timesheets timesheet-notes documents people progress end-reason end-details", ""},
	{"finance, remote job", as(domain.Finance), access.Agency, true, "basics location-name fee full-address contact-names contact-details costs " +
		"invoicing-references interpreter-identity activity-notes own-activity-notes timesheets timesheet-notes documents people progress " +
		"end-reason end-details", ""},
	{"safeguarding", as(domain.Safeguarding), access.Agency, false, "basics location-name job-notes full-address report-to speaker custody-reference custody-clock " +
		"venue-information assigned-notes contact-names contact-details case-details agency-notes preferences admin-messages contact-log " +
		"interpreter-identity interpreter-contact activity-notes own-activity-notes offers own-offers timesheets timesheet-notes documents " +
		"people progress end-reason end-details", ""},
	{"auditor", as(domain.Auditor), access.Agency, false, assignerSees + " costs history", ""},
	{"auditor, remote job", as(domain.Auditor), access.Agency, true, assignerSees + " costs history", ""},
	{"system", as(domain.System), access.Agency, false, assignerSees + " costs history", ""},
	{"analyst", as(domain.Analyst), access.Agency, false, "basics location-name fee case-details costs invoicing-references timesheets progress end-reason",
		analystPseudonyms},
	{"analyst, remote job", as(domain.Analyst), access.Agency, true, "basics location-name fee case-details costs invoicing-references timesheets progress end-reason",
		analystPseudonyms},

	{"stranger", as(domain.Requestor, allPermissions...), access.None, true, "", ""},
	{"guest", as(domain.Guest), access.None, false, "", ""},
	{"guest who claims more", as(domain.Guest), access.Agency, true, "", ""},
	{"requestor who claims to be staff", as(domain.Requestor, allPermissions...), access.Agency, true, "", ""},
	{"interpreter who claims to be a customer", as(domain.Interpreter), access.Own, true, "", ""},
	{"staff who claim to be the interpreter", as(domain.Assigner), access.Assigned, true, "", ""},
}

const (
	customerSees = "basics location-name job-notes full-address report-to speaker custody-reference custody-clock venue-information assigned-notes contact-names " +
		"contact-details case-details invoicing-references preferences admin-messages interpreter-identity activity-notes own-activity-notes " +
		"timesheets timesheet-notes documents people progress end-reason end-details"
	offeredSees  = "basics fee job-notes own-activity-notes own-offers"
	assignedSees = "basics location-name fee job-notes full-address report-to speaker custody-reference venue-information assigned-notes interpreter-identity " +
		"interpreter-contact own-activity-notes own-offers timesheets timesheet-notes documents"
	assignerSees = "basics location-name fee job-notes full-address report-to speaker custody-reference custody-clock venue-information assigned-notes contact-names " +
		"contact-details case-details invoicing-references agency-notes preferences admin-messages contact-log interpreter-identity " +
		"interpreter-contact activity-notes own-activity-notes offers own-offers timesheets timesheet-notes documents people progress " +
		"end-reason end-details"
	analystPseudonyms = "full-address report-to speaker custody-reference custody-clock contact-names contact-details preferences " +
		"interpreter-identity interpreter-contact offers own-offers people"
	everyClass = "activity-notes admin-messages agency-notes assigned-notes basics case-details contact-details contact-log contact-names costs " +
		"custody-clock custody-reference documents end-details end-reason fee full-address history interpreter-contact interpreter-identity " +
		"invoicing-references job-notes location-name offers own-activity-notes own-offers people preferences progress report-to speaker timesheet-notes " +
		"timesheets venue-information"
)

func TestEveryCellOfTheVisibilityMatrix(t *testing.T) {
	t.Parallel()
	var known []string
	for _, c := range access.Classes() {
		known = append(known, string(c))
	}
	if got := strings.Join(known, " "); got != everyClass {
		t.Fatalf("classes are\n%s\nexpected\n%s", got, everyClass)
	}
	for _, c := range sights {
		clear, pseudonym := strings.Fields(c.clear), strings.Fields(c.pseudon)
		for _, class := range known {
			want := access.Hidden
			switch {
			case slices.Contains(clear, class):
				want = access.Clear
			case slices.Contains(pseudonym, class):
				want = access.Pseudonym
			}
			if got := access.See(c.viewer, c.rel, c.remote, access.Class(class)); got != want {
				t.Errorf("%s: %s is %d, want %d", c.name, class, got, want)
			}
			if got := access.CanSee(c.viewer, c.rel, c.remote, access.Class(class)); got != (want == access.Clear) {
				t.Errorf("%s: can see %s: %v", c.name, class, got)
			}
		}
	}
}

// Which form values reach whom, by key and by hand (LL-33, LL-41, LL-42, LL-54).
func TestMaskFieldsByKey(t *testing.T) {
	t.Parallel()
	const (
		offered = "language alternativeLanguages start duration flexibility assignmentType reasonForBooking skills remoteOption platform"
		more    = " reportTo nonEnglishSpeaker custodyReference venueInformation assignedNotes instructions location"
	)
	for _, form := range []forms.Form{forms.FaceToFace(), forms.Remote()} {
		all := map[string]domain.Value{"notOfThisForm": domain.Text("x")}
		var keys []string
		for _, f := range form.Fields {
			all[f.Key] = domain.Value{Items: []string{"told " + f.Key}, Personal: f.Personal != "none"}
			keys = append(keys, f.Key)
		}
		of := func(words string) []string {
			var out []string
			for _, w := range strings.Fields(words) {
				if slices.Contains(keys, w) {
					out = append(out, w)
				}
			}
			return out
		}
		but := func(words string) []string {
			return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return slices.Contains(strings.Fields(words), k) })
		}
		for _, c := range []struct {
			name string
			v    access.Viewer
			rel  access.Relation
			want []string
		}{
			{"offered", as(domain.Interpreter), access.Offered, of(offered + " jobNotes")},
			{"assigned", as(domain.Interpreter), access.Assigned, of(offered + " jobNotes" + more)},
			{"former", as(domain.Interpreter), access.Former, of(offered)},
			{"customer", as(domain.Requestor), access.Own, but("agencyNotes")},
			{"assigner", as(domain.Assigner), access.Agency, keys},
			{"auditor", as(domain.Auditor), access.Agency, keys},
			{"stranger", as(domain.Requestor), access.None, nil},
			{"finance", as(domain.Finance), access.Agency, of(offered + " location billTo yourReference costCentre invoiceReference requestingOfficer " +
				"telephone officerInCase primaryEmail collarNumber officerPhone secondaryEmail")},
			{"analyst without a substitute", as(domain.Analyst), access.Agency, of(offered +
				" billTo yourReference costCentre invoiceReference offenceCategory gender")},
		} {
			before := maps.Clone(all)
			got := slices.Sorted(maps.Keys(access.MaskFields(c.v, c.rel, form.ID == "remote", form, all, nil)))
			slices.Sort(c.want)
			if want := slices.Sorted(slices.Values(c.want)); !slices.Equal(got, want) {
				t.Errorf("%s, %s: reads %v\nwant %v", form.ID, c.name, got, want)
			}
			if !maps.EqualFunc(all, before, domain.Value.Equal) {
				t.Errorf("%s, %s: masking changed its argument", form.ID, c.name)
			}
		}

		sub := func(class access.Class, text string) string { return "p:" + string(class) }
		seen := access.MaskFields(as(domain.Analyst), access.Agency, false, form, all, sub)
		if got := seen["nonEnglishSpeaker"]; !got.Equal(domain.Text("p:speaker")) {
			t.Errorf("the analyst reads the speaker as %v", got.Items)
		}
		if _, there := seen["assignedNotes"]; there {
			t.Error("the analyst reads a free note")
		}
	}
}

// A form that an agency made may say anything: a telephone, a mail address and a LIN reach no interpreter even so.
func TestLL54NoFormShowsContactsToInterpreters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		field := forms.Field{Key: "x",
			Kind:       rapid.SampledFrom([]string{"email", "telephone", "lin"}).Draw(t, "kind"),
			Visibility: rapid.SampledFrom([]string{"public", "offered", "assigned", "customer", "agency", "", "else"}).Draw(t, "visibility"),
			Personal:   rapid.SampledFrom([]string{"none", "speaker", "contact", "note", "custody"}).Draw(t, "personal")}
		rel := rapid.SampledFrom([]access.Relation{access.Offered, access.Assigned, access.Former, access.None}).Draw(t, "relation")
		form := forms.Form{Fields: []forms.Field{field}}
		if got := access.MaskFields(as(domain.Interpreter), rel, true, form, map[string]domain.Value{"x": domain.Text("y")}, nil); len(got) > 0 {
			t.Fatalf("%+v is shown to the %s interpreter", field, rel)
		}
	})
}

func TestVisibilityWordsOfAgencyForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		word                                        string
		former, offered, assigned, customer, agency bool
	}{
		{"public", true, true, true, true, true},
		{"offered", false, true, true, true, true},
		{"assigned", false, false, true, true, true},
		{"customer", false, false, false, true, true},
		{"agency", false, false, false, false, true},
		{"unheard", false, false, false, false, true},
		{"", false, false, false, false, true},
	} {
		for _, personal := range []string{"none", "speaker", "contact", "note", "custody"} {
			for _, kind := range []string{"text", "multiline", "option", "datetime", "reference"} {
				class := access.ClassOf(forms.Field{Key: "x", Kind: kind, Visibility: c.word, Personal: personal})
				for _, who := range []struct {
					v    access.Viewer
					rel  access.Relation
					want bool
				}{
					{as(domain.Interpreter), access.Former, c.former}, {as(domain.Interpreter), access.Offered, c.offered},
					{as(domain.Interpreter), access.Assigned, c.assigned}, {as(domain.Requestor), access.Own, c.customer},
					{as(domain.Assigner), access.Agency, c.agency},
				} {
					if got := access.CanSee(who.v, who.rel, false, class); got != who.want {
						t.Errorf("%q %s %s: seen by %s: %v", c.word, personal, kind, who.rel, got)
					}
				}
			}
		}
	}
}

func TestRelate(t *testing.T) {
	t.Parallel()
	job := access.JobFacts{Customer: police, Client: north, Location: station, CreatedBy: uuid.UUID{99}, Offered: []uuid.UUID{ben}, Assigned: ana,
		Ever: []uuid.UUID{ana, ben, cleo}}
	narrowed := func(clients, locations []uuid.UUID) access.Viewer {
		v := as(domain.Requestor)
		v.Clients, v.Locations = clients, locations
		return v
	}
	interpreter := func(id uuid.UUID) access.Viewer {
		v := as(domain.Interpreter)
		v.Interpreter = id
		return v
	}
	foreign := as(domain.Requestor, allPermissions...)
	foreign.Customer = hospital
	homeless := as(domain.Requestor, allPermissions...)
	homeless.Customer = uuid.Nil
	for _, c := range []struct {
		name string
		v    access.Viewer
		want access.Relation
	}{
		{"own requestor", as(domain.Requestor), access.Own},
		{"own customer-admin", as(domain.CustomerAdmin), access.Own},
		{"another customer's requestor (G-04)", foreign, access.None},
		{"a requestor of no customer", homeless, access.None},
		{"narrowed to its client", narrowed([]uuid.UUID{north}, nil), access.Own},
		{"narrowed to another client", narrowed([]uuid.UUID{south}, nil), access.None},
		{"narrowed to its location", narrowed(nil, []uuid.UUID{court, station}), access.Own},
		{"narrowed to another location", narrowed(nil, []uuid.UUID{court}), access.None},
		{"narrowed to its client and another location", narrowed([]uuid.UUID{north}, []uuid.UUID{court}), access.None},
		{"assigned", interpreter(ana), access.Assigned},
		{"offered", interpreter(ben), access.Offered},
		{"formerly offered", interpreter(cleo), access.Former},
		{"never asked", interpreter(uuid.UUID{77}), access.None},
		{"an interpreter who is nobody", interpreter(uuid.Nil), access.None},
		{"assigner", as(domain.Assigner), access.Agency}, {"finance", as(domain.Finance), access.Agency},
		{"admin", as(domain.Admin), access.Agency}, {"safeguarding", as(domain.Safeguarding), access.Agency},
		{"auditor", as(domain.Auditor), access.Agency}, {"analyst", as(domain.Analyst), access.Agency},
		{"system", as(domain.System), access.Agency},
		{"guest", as(domain.Guest), access.None}, {"nobody", access.Viewer{}, access.None},
	} {
		if got := access.Relate(c.v, job); got != c.want {
			t.Errorf("%s stands as %q, want %q", c.name, got, c.want)
		}
	}
	if got := access.Relate(interpreter(uuid.Nil), access.JobFacts{Customer: police}); got != access.None {
		t.Errorf("an interpreter without an id has the unassigned job: %q", got)
	}

	remote := access.JobFacts{Customer: police, CreatedBy: rita}
	if got := access.Relate(narrowed([]uuid.UUID{north}, []uuid.UUID{station}), remote); got != access.Own {
		t.Errorf("a narrowed requestor loses the remote job that the requestor booked: %q", got)
	}
	remote.CreatedBy = uuid.UUID{99}
	if got := access.Relate(narrowed(nil, []uuid.UUID{station}), remote); got != access.None {
		t.Errorf("a requestor narrowed to places sees another's remote job: %q", got)
	}
	if got := access.Relate(as(domain.Requestor), remote); got != access.Own {
		t.Errorf("a requestor who is not narrowed misses a remote job: %q", got)
	}
}

// Who may send which command, by hand from the contract's table. Customers need one of the permissions; "any" is no permission at all.
var table = []struct {
	command     string
	customer    string // permissions, any, or empty: nobody
	interpreter string // relations
	agency      string // roles
}{
	{"confirm", "", "", "assigner"},
	{"take", "", "", "assigner"},
	{"release", "", "", "assigner"},
	{"send-offer", "", "", "assigner"},
	{"revoke-offer", "", "", "assigner"},
	{"accept-offer", "", "offered assigned former", "assigner"},
	{"decline-offer", "", "offered assigned former", "assigner"},
	{"counter-offer", "", "offered assigned former", ""},
	{"answer-counter", "", "", "assigner"},
	{"assign", "", "", "assigner"},
	{"unassign", "", "assigned former", "assigner"},
	{"propose-eta", "", "", "assigner"},
	{"agree-eta", "edit", "", ""},
	{"decline-eta", "edit", "", ""},
	{"change-eta", "", "", "assigner"},
	{"submit-timesheet", "close", "assigned", "assigner"},
	{"accept-timesheet", "close", "assigned", "assigner"},
	{"dispute-timesheet", "close", "assigned", "assigner"},
	{"close", "close", "assigned", "assigner admin"},
	{"cancel", "cancel", "", "assigner"},
	{"edit", "edit", "", "assigner"},
	{"duplicate", "create", "", "assigner"},
	{"follow-up", "create", "", "assigner"},
	{"continue", "close", "", "assigner"},
	{"make-recurring", "create", "", "assigner"},
	{"undo", "edit cancel", "", "assigner"},
	{"post-message", "any", "", "assigner"},
	{"log-contact", "", "", "assigner"},
	{"attach", "create edit close", "assigned", "assigner"},
	{"complain", "any", "", ""},
	{"compliment", "any", "", ""},
	{"no-such-command", "", "", ""},
}

var refused = &domain.Refusal{Code: "not-permitted"}

func TestEveryCellOfTheCommandTable(t *testing.T) {
	t.Parallel()
	var rows []string
	for _, row := range table {
		rows = append(rows, row.command)
	}
	for _, name := range access.Commands() {
		if !slices.Contains(rows, name) {
			t.Errorf("command %s has no row", name)
		}
	}
	if len(access.Commands()) != len(table)-1 {
		t.Errorf("%d commands, %d rows", len(access.Commands()), len(table)-1)
	}
	expect := func(v access.Viewer, rel access.Relation, command string, okay bool) {
		t.Helper()
		switch err := access.May(v, rel, command); {
		case okay && err != nil:
			t.Errorf("%s %v as %q may not %s: %v", v.Role, v.Permissions, rel, command, err)
		case !okay && !errors.Is(err, refused):
			t.Errorf("%s %v as %q: %s gives %v", v.Role, v.Permissions, rel, command, err)
		}
	}
	for _, row := range table {
		for _, role := range []domain.Role{domain.Requestor, domain.CustomerAdmin} {
			expect(as(role), access.Own, row.command, row.customer == "any")
			for _, p := range allPermissions {
				expect(as(role, p), access.Own, row.command, row.customer == "any" || slices.Contains(strings.Fields(row.customer), string(p)))
			}
		}
		for _, rel := range []access.Relation{access.Offered, access.Assigned, access.Former} {
			expect(as(domain.Interpreter), rel, row.command, slices.Contains(strings.Fields(row.interpreter), string(rel)))
		}
		for _, role := range []domain.Role{domain.Assigner, domain.Finance, domain.Admin, domain.Safeguarding, domain.Auditor, domain.Analyst} {
			expect(as(role), access.Agency, row.command, slices.Contains(strings.Fields(row.agency), string(role)))
		}
		expect(as(domain.System), access.Agency, row.command, true)
		for _, role := range allRoles {
			var r *domain.Refusal
			if err := access.May(as(role, allPermissions...), access.None, row.command); !errors.As(err, &r) || r.Status != 404 {
				t.Errorf("G-04: %s, unrelated: %s gives %v", role, row.command, err)
			}
		}
		// Nobody gets anything by a relation that belongs to others.
		expect(as(domain.Requestor, allPermissions...), access.Agency, row.command, false)
		expect(as(domain.Interpreter, allPermissions...), access.Own, row.command, false)
		expect(as(domain.Auditor), access.Own, row.command, false)
		expect(as(domain.Assigner), access.Assigned, row.command, false)
	}
}

func TestII04RefusalSendsToTheAgency(t *testing.T) {
	t.Parallel()
	var r *domain.Refusal
	if err := access.May(as(domain.Requestor), access.Own, "cancel"); !errors.As(err, &r) || r.Status != 403 || !strings.Contains(r.Detail, "contact the agency") {
		t.Errorf("refusal is %v", err)
	}
}

func TestMayBook(t *testing.T) {
	t.Parallel()
	for _, role := range allRoles {
		create := slices.Contains([]domain.Role{domain.Requestor, domain.CustomerAdmin, domain.Assigner, domain.Admin, domain.System}, role)
		if got := access.MayBook(as(role, domain.MayCreate)) == nil; got != create {
			t.Errorf("%s may book: %v", role, got)
		}
		without := slices.Contains([]domain.Role{domain.Assigner, domain.Admin, domain.System}, role)
		if got := access.MayBook(as(role, domain.MayEdit, domain.MayClose, domain.MayCancel)) == nil; got != without {
			t.Errorf("%s without create may book: %v", role, got)
		}
	}
}

// Who may manage or read what, by hand; "x with p" asks for a permission.
var areas = map[access.Area]string{
	"manage-customers":    "admin",
	"manage-clients":      "admin",
	"manage-locations":    "admin requestor:edit-locations customer-admin:edit-locations",
	"manage-interpreters": "admin",
	"suspend-interpreter": "assigner admin",
	"manage-users":        "admin customer-admin",
	"manage-settings":     "admin",
	"manage-forms":        "admin",
	"manage-numbering":    "admin",
	"erase":               "admin",
	"post-notices":        "assigner admin",
	"rebuild":             "admin",
	"issue-invoices":      "finance",
	"read-invoices":       "finance admin auditor requestor:financials customer-admin:financials",
	"read-jobs":           "requestor customer-admin assigner finance admin safeguarding interpreter auditor analyst",
	"read-history":        "auditor",
	"read-as-of":          "assigner finance admin safeguarding auditor",
	"read-candidates":     "assigner finance admin safeguarding auditor",
	"read-board":          "assigner admin auditor",
	"read-own-offers":     "interpreter",
	"read-reports":        "assigner finance admin safeguarding auditor analyst requestor:reports customer-admin:reports",
	"read-customers":      "requestor customer-admin assigner finance admin safeguarding auditor analyst",
	"read-interpreters":   "assigner finance admin safeguarding auditor analyst",
	"read-users":          "admin auditor customer-admin",
	"read-settings":       "admin auditor",
	"read-status":         "assigner finance admin safeguarding auditor analyst",
	"read-outbox":         "assigner finance admin safeguarding auditor",
	"read-complaints":     "requestor customer-admin assigner admin safeguarding auditor",
	"handle-complaints":   "assigner admin safeguarding",
	"report-incident":     "requestor customer-admin assigner admin safeguarding",
	"read-incidents":      "requestor customer-admin safeguarding",
	"handle-incidents":    "safeguarding",
	"no-such-area":        "",
}

func TestEveryCellOfTheManagementTable(t *testing.T) {
	t.Parallel()
	if len(access.Areas()) != len(areas)-1 {
		t.Errorf("%d areas, %d rows", len(access.Areas()), len(areas)-1)
	}
	for _, a := range access.Areas() {
		if _, ok := areas[a]; !ok {
			t.Errorf("area %s has no row", a)
		}
	}
	for area, words := range areas {
		for _, role := range allRoles {
			for _, p := range append([]domain.Permission{""}, allPermissions...) {
				want := slices.ContainsFunc(strings.Fields(words), func(w string) bool {
					who, needs, _ := strings.Cut(w, ":")
					return who == string(role) && (needs == "" || needs == string(p))
				}) || role == domain.System
				err := access.MayManage(as(role, p), area)
				if (err == nil) != want {
					t.Errorf("%s with %q: %s gives %v", role, p, area, err)
				}
				var r *domain.Refusal
				status := 403
				if area == "read-incidents" || area == "handle-incidents" {
					status = 404 // LL-131
				}
				if err != nil && (!errors.As(err, &r) || r.Status != status) {
					t.Errorf("%s: %s is refused with %v", role, area, err)
				}
			}
		}
	}
}
