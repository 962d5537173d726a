package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// rows are the links of a list's rows, in order.
func (p *page) rows(prefix string) (paths []string) {
	for _, to := range p.links() {
		if id, ok := strings.CutPrefix(to, prefix); ok && len(id) == 36 && !slices.Contains(paths, to) {
			paths = append(paths, to)
		}
	}
	return paths
}

// TestInterpretersPages: found by name, LIN, language, skill and suspension; an assigner suspends with a reason and reinstates; an admin
// registers and changes; an analyst reads no name; customers and interpreters find no such page.
func TestInterpretersPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	staff, admin := d.as("assigner"), d.as("admin")
	list := staff.see("/interpreters")
	if len(list.rows("/interpreters/")) != 30 || list.heading() != "Interpreters" {
		t.Fatalf("the list holds %d interpreters", len(list.rows("/interpreters/")))
	}
	lacks(t, list, "/interpreters/new")
	find := func(b *browser, filters map[string][]string) []string {
		t.Helper()
		return b.submit(b.see("/interpreters"), "filters", filters).rows("/interpreters/")
	}
	ana := "/interpreters/" + idOf(lin1)
	for name, c := range map[string]struct {
		filters map[string][]string
		count   int
		has     string
	}{
		"by name":            {map[string][]string{"filter[name]": {"nowak"}}, 1, ana},
		"by LIN":             {map[string][]string{"filter[lin]": {"5J71"}}, 2, ana},
		"by language":        {map[string][]string{"filter[languages]": {"uk"}}, 3, ana},
		"not by part of one": {map[string][]string{"filter[languages]": {"ro"}}, 2, "/interpreters/" + idOf("LIN/1021/7K22A")},
		"by skill":           {map[string][]string{"filter[skills]": {"spoken-only"}}, 30, ana},
		"suspended":          {map[string][]string{"filter[suspended]": {"true"}}, 0, ""},
		"together":           {map[string][]string{"filter[languages]": {"pl"}, "filter[name]": {"Wilk"}}, 1, "/interpreters/" + idOf(lin2)},
	} {
		if got := find(staff, c.filters); len(got) != c.count || c.has != "" && !slices.Contains(got, c.has) {
			t.Errorf("%s: found %v", name, got)
		}
	}

	// Suspending takes a reason, and keeps what was typed when there is none.
	one, late := staff.see(ana), admin.see(ana)
	wants(t, one, "Ana Nowak", lin1, "Polish, Ukrainian", "Spoken with sight translation", "DPSI", "31/12/2099", "valid", "07700 900100", "interpreter01@dragoman.example")
	lacks(t, one, ana+"/change")
	refused(t, staff.submit(one, "suspend", map[string][]string{"reason": {" "}}), http.StatusUnprocessableEntity)
	after := done(staff, staff.submit(one, "suspend", map[string][]string{"reason": {"A complaint is looked into."}}), "suspend-interpreter")
	wants(t, after, "suspended", "Offers and jobs are possible again at once.")
	if got := find(staff, map[string][]string{"filter[suspended]": {"true"}}); !slices.Equal(got, []string{ana}) {
		t.Errorf("suspended are %v", got)
	}
	done(staff, staff.submit(after, "suspend", nil), "reinstate-interpreter")
	if got := find(staff, map[string][]string{"filter[suspended]": {"true"}}); len(got) != 0 {
		t.Errorf("suspended are %v", got)
	}

	// Whoever suspends on an older page is told who did what meanwhile, and may do it after all.
	late = admin.submit(late, "suspend", map[string][]string{"reason": {"No answer for weeks."}})
	summary := textOf(refused(t, late, http.StatusPreconditionFailed))
	if strings.Count(summary, "Asha Grant (assigner), 20/03/2020 09:00") != 2 || late.value("reason") != "No answer for weeks." {
		t.Errorf("told %q, the reason became %q", summary, late.value("reason"))
	}
	done(admin, admin.submit(late, "suspend", nil), "suspend-interpreter")

	// Registering: every fault at once, nothing typed is lost.
	form := admin.see("/interpreters/new")
	filled := map[string][]string{"lin": {"LIN/AB/1"}, "name": {"Zofia Lis"}, "email": {"nobody"}, "languages": nil,
		"credentials.kind": {"dbs-enhanced", "npv"}, "credentials.reference": {"D-1", ""}, "credentials.validFrom": {"2019-01-01", "2018-01-01"}, "credentials.validTo": {"2018-01-01", "2020-03-19"}}
	no := admin.submit(form, "interp", filled)
	summary = textOf(refused(t, no, http.StatusUnprocessableEntity))
	for _, fault := range []string{"Enter an interpreter ID", "Name at least one language.", "Enter a mail address", "It cannot end before it begins."} {
		if !strings.Contains(summary, fault) {
			t.Errorf("the summary lacks %q: %s", fault, summary)
		}
	}
	if no.value("name") != "Zofia Lis" || no.value("lin") != "LIN/AB/1" || no.value("credentials.reference") != "D-1" {
		t.Error("what was typed is lost")
	}
	delete(filled, "languages")
	no = admin.submit(no, "interp", map[string][]string{"lin": {"lin/zofi/00001"}, "email": {"zofia@example.org"}, "languages": {"pl", "cs"},
		"credentials.validFrom": {"2019-01-01", "2018-01-01", "", ""}, "credentials.validTo": {"2020-04-01", "2020-03-19", "", ""}})
	made := done(admin, no, "register-interpreter")
	wants(t, made, "Zofia Lis", "LIN/ZOFI/00001", "Polish, Czech", "ends soon", "expired")
	zofia := "/interpreters/" + idOf("LIN/ZOFI/00001")
	if got := admin.submit(admin.see("/interpreters"), "filters", map[string][]string{"filter[name]": {"zofia"}}); !strings.Contains(got.words(), "0 valid, 1 end soon , 1 expired") {
		t.Errorf("the list says of the credentials: %s", got.words())
	}

	// Two people change different things at once: neither undoes the other.
	first, second := admin.see(zofia+"/change"), admin.see(zofia+"/change")
	done(admin, admin.submit(first, "interp", map[string][]string{"telephone": {"07700 900999"}}), "change-interpreter")
	changed := done(admin, admin.submit(second, "interp", map[string][]string{"languages": {"pl"}, "credentials.kind": {"dbs-enhanced", "", "", ""},
		"credentials.reference": {"D-1", "", "", ""}, "credentials.validFrom": {"2019-01-01", "", "", ""}, "credentials.validTo": {"2020-04-01", "", "", ""}}), "change-interpreter")
	wants(t, changed, "07700 900999")
	lacks(t, changed, "Czech", "expired")

	// Two people change the same thing: the second is told, keeps what was typed, and sees what else has changed.
	first, second = admin.see(zofia+"/change"), admin.see(zofia+"/change")
	done(admin, admin.submit(first, "interp", map[string][]string{"telephone": {"07700 900111"}, "email": {"zl@example.org"}}), "change-interpreter")
	again := admin.submit(second, "interp", map[string][]string{"telephone": {"07700 900222"}, "paitId": {"PAIT-9"}})
	refused(t, again, http.StatusPreconditionFailed)
	if again.value("telephone") != "07700 900222" || again.value("paitId") != "PAIT-9" || again.value("email") != "zl@example.org" {
		t.Errorf("told, the form holds %q, %q and %q", again.value("telephone"), again.value("paitId"), again.value("email"))
	}
	wants(t, done(admin, admin.submit(again, "interp", nil), "change-interpreter"), "07700 900222", "PAIT-9", "zl@example.org")

	// A choice of none is a change like another.
	first, second = admin.see(zofia+"/change"), admin.see(zofia+"/change")
	done(admin, admin.submit(first, "interp", map[string][]string{"serviceTypes": {"remote"}}), "change-interpreter")
	again = admin.submit(second, "interp", map[string][]string{"serviceTypes": nil})
	refused(t, again, http.StatusPreconditionFailed)
	if again.value("serviceTypes") != "" {
		t.Errorf("none was chosen, the form holds %q", again.value("serviceTypes"))
	}
	wants(t, admin.see(zofia), "Service types Remote")
	wants(t, done(admin, admin.submit(again, "interp", nil), "change-interpreter"), "Service types all")

	// Who may not, and for whom there is no such thing.
	for _, c := range []struct {
		who, path string
		status    int
	}{
		{"requestor", "/interpreters", http.StatusForbidden}, {"requestor", ana, http.StatusNotFound}, {"interpreter", ana, http.StatusNotFound},
		{"assigner", "/interpreters/new", http.StatusForbidden}, {"assigner", ana + "/change", http.StatusForbidden}, {"finance", "/interpreters/new", http.StatusForbidden},
		{"admin", "/interpreters/" + idOf("LIN/NONE/00000"), http.StatusNotFound}, {"admin", "/interpreters/ana", http.StatusNotFound},
	} {
		if p := d.as(c.who).get(c.path); p.status != c.status || p.heading() == "" {
			t.Errorf("%s opens %s: %d, want %d", c.who, c.path, p.status, c.status)
		}
	}
	if p := d.as("finance").post(ana+"/suspend", url.Values{"reason": {"x"}, "key": {"k"}}); p.status != http.StatusForbidden {
		t.Errorf("finance suspends: %d", p.status)
	}
	if p := staff.post("/interpreters/new", url.Values{"lin": {"LIN/ZZZZ/00001"}, "name": {"X"}, "languages": {"pl"}, "key": {"k"}}); p.status != http.StatusForbidden {
		t.Errorf("an assigner registers: %d", p.status)
	}
	analyst := d.as("analyst")
	known := analyst.see("/interpreters?filter%5Blanguages%5D=uk")
	lacks(t, known, "Nowak", lin1, "filter[name]")
	somebody := known.rows("/interpreters/")
	if len(somebody) != 3 {
		t.Fatalf("the analyst finds %v", somebody)
	}
	lacks(t, analyst.see(somebody[0]), "Nowak", lin1, "07700", "DPSI")
}

// TestCustomersPages: an admin adds a customer, agrees settings, adds clients and locations; others read; a customer's users see the own
// organisation, and whoever may edit locations adds one and goes back to the booking with it chosen (II-46).
func TestCustomersPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	admin, finance, requestor := d.as("admin"), d.as("finance"), d.as("requestor")
	no := admin.submit(admin.see("/customers/new"), "cust", map[string][]string{"name": {""}, "timeZone": {"Mars/Base"}, "settings.billTo": {"Ledger\r\nFloor 2"}})
	refused(t, no, http.StatusUnprocessableEntity)
	if no.value("settings.billTo") != "Ledger\r\nFloor 2" && no.value("settings.billTo") != "Ledger\nFloor 2" || no.value("timeZone") != "Mars/Base" {
		t.Error("what was typed is lost")
	}
	made := done(admin, admin.submit(no, "cust", map[string][]string{"name": {"Harbour Trust"}, "timeZone": {"Europe/Dublin"}, "settings.forms": {"remote"},
		"settings.cancelEnabled": {"yes"}}), "create-customer")
	wants(t, made, "Harbour Trust", "Europe/Dublin", "Remote Assignment", "while more than 72 hours remain before the start", "both sides agree the hours", "No locations", "No clients")
	harbour := strings.Split(made.path, "?")[0]

	changed := done(admin, admin.submit(admin.see(harbour+"/change"), "cust", map[string][]string{"settings.nation": {"scotland"}, "settings.lockOnAssignment": {"yes"}, "settings.cancelEnabled": nil, "settings.forms": nil,
		"settings.closing": {"customer"}, "settings.speakerName": {"initials"}}), "change-customer")
	wants(t, changed, "switched off", "the customer", "initials", "Ledger", "Scotland", "time and place locked")
	done(admin, admin.submit(admin.see(harbour+"/change"), "cust", map[string][]string{"settings.cancelEnabled": {"yes"}}), "change-customer")
	wants(t, admin.see(harbour), "while more than 72 hours remain before the start")

	refused(t, admin.submit(admin.see(harbour+"/clients/new"), "client", nil), http.StatusUnprocessableEntity)
	withClient := done(admin, admin.submit(admin.see(harbour+"/clients/new"), "client", map[string][]string{"name": {"Quayside"}}), "create-client")
	rename := withClient.links()[slices.IndexFunc(withClient.links(), func(to string) bool {
		return strings.HasPrefix(to, harbour+"/clients/") && strings.HasSuffix(to, "/change")
	})]
	wants(t, done(admin, admin.submit(admin.see(rename), "client", map[string][]string{"name": {"North Quay"}}), "change-client"), "North Quay")
	client := strings.Split(strings.TrimPrefix(rename, harbour+"/clients/"), "/")[0]

	form := admin.see(harbour + "/locations/new")
	incomplete := admin.submit(form, "location", map[string][]string{"name": {"Pier 4"}, "client": {client}, "address.line1": {"4 Dock Road"}})
	refused(t, incomplete, http.StatusUnprocessableEntity)
	if incomplete.value("name") != "Pier 4" || incomplete.value("client") != client {
		t.Error("what was typed is lost")
	}
	placed := done(admin, admin.submit(incomplete, "location", map[string][]string{"address.town": {"Galway"}, "address.postcode": {"H91 AB12"}}), "create-location")
	wants(t, placed, "Pier 4", "4 Dock Road, Galway H91 AB12", "North Quay")
	change := placed.links()[slices.IndexFunc(placed.links(), func(to string) bool {
		return strings.HasPrefix(to, harbour+"/locations/") && strings.HasSuffix(to, "/change")
	})]
	wants(t, done(admin, admin.submit(admin.see(change), "location", map[string][]string{"address.line2": {"Second floor"}, "client": {""}}), "change-location"), "Second floor, Galway")

	// Finance reads and changes nothing.
	if got := finance.submit(finance.see("/customers"), "filters", map[string][]string{"filter[name]": {"harb"}}).rows("/customers/"); !slices.Equal(got, []string{harbour}) {
		t.Errorf("found %v", got)
	}
	lacks(t, finance.see(harbour), harbour+"/change", "/locations/new", "/clients/new")
	for _, path := range []string{"/customers/new", harbour + "/change", harbour + "/clients/new", harbour + "/locations/new", change, rename} {
		if p := finance.get(path); p.status != http.StatusForbidden {
			t.Errorf("finance opens %s: %d", path, p.status)
		}
	}

	// A customer's users: the own organisation, without what bills it; another's is not there.
	own := requestor.get("/customers")
	if own.status != http.StatusSeeOther {
		t.Fatalf("a requestor opens /customers: %d", own.status)
	}
	mine := requestor.see(own.location())
	wants(t, mine, "Airedale Constabulary", "Elland Road Custody Suite")
	lacks(t, mine, "Accounts Payable", own.location()+"/change", "/clients/new")
	for _, path := range []string{harbour, harbour + "/locations/new", change} {
		if p := requestor.get(path); p.status != http.StatusNotFound {
			t.Errorf("a requestor opens another's %s: %d", path, p.status)
		}
	}
	added := requestor.submit(requestor.see(own.location()+"/locations/new?back="+url.QueryEscape("/book?form=face-to-face")), "location", map[string][]string{"name": {"New Wing"},
		"address.line1": {"1 New Street"}, "address.town": {"Leeds"}, "address.postcode": {"LS1 1AA"}})
	to, err := url.Parse(added.location())
	if err != nil || to.Path != "/book" || to.Query().Get("form") != "face-to-face" || len(to.Query().Get("location")) != 36 {
		t.Errorf("after adding a location the requestor is led to %s", added.location())
	}
	wants(t, requestor.see(own.location()+"?at="+to.Query().Get("at")), "New Wing")
	bare := d.as("customer-admin")
	wants(t, bare.see(own.location()), "Rosa Whitfield", "Add a user")
	if p := requestor.post(harbour+"/locations/new", url.Values{"name": {"X"}, "address.line1": {"1"}, "address.town": {"L"}, "address.postcode": {"L"}, "key": {"k"}}); p.status != http.StatusNotFound {
		t.Errorf("a requestor adds a place to another customer: %d", p.status)
	}
}

// TestTwoRenameAClient: two people rename a client at once. The second is told, what was typed is not lost, and sent again it is done.
func TestTwoRenameAClient(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	admin := d.as("admin")
	path := "/customers/" + d.customer.get("/me").body["customer"].(string) + "/clients/" + d.customer.get("/clients").items()[0]["id"].(string) + "/change"
	first, second := admin.see(path), admin.see(path)
	done(admin, admin.submit(first, "client", map[string][]string{"name": {"The first name"}}), "change-client")
	again := admin.submit(second, "client", map[string][]string{"name": {"The second name"}})
	if text := textOf(refused(t, again, http.StatusPreconditionFailed)); !strings.Contains(text, "The first name") || again.value("name") != "The second name" {
		t.Errorf("told %q, what was typed became %q", text, again.value("name"))
	}
	wants(t, done(admin, admin.submit(again, "client", nil), "change-client"), "The second name")
}

// TestUsersPages: a customer-admin adds users of the own organisation with no more rights than the own ones; a one-time link is shown once
// and sets a password; an issued password is changed at the first sign-in; a disabled user is signed out at once.
func TestUsersPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	admin, chief := d.as("admin"), d.as("customer-admin")
	all := admin.see("/users")
	wants(t, all, "Rosa Whitfield", "Airedale Constabulary", "assigner@dragoman.example")
	lacks(t, chief.see("/users"), "Ruben Castle", "Asha Grant", "filter[customer]")
	if got := admin.submit(all, "filters", map[string][]string{"filter[role]": {"requestor"}, "filter[customer]": {"aire"}}).rows("/users/"); len(got) != 1 {
		t.Errorf("found %v", got)
	}

	form := chief.see("/users/new")
	clients := form.named("clients")
	no := chief.submit(form, "user", map[string][]string{"name": {"Nell Frost"}, "username": {"requestor"}, "email": {"nell@police.example"}, "permissions": {"create", "edit"}, "clients": {attr(clients[0], "value")}})
	summary := textOf(refused(t, no, http.StatusUnprocessableEntity))
	if !strings.Contains(summary, "Somebody else has this already.") || no.value("name") != "Nell Frost" || no.value("permissions") != "create" {
		t.Errorf("a taken name: %s", summary)
	}
	link := chief.submit(no, "user", map[string][]string{"username": {"nell"}})
	shown := done(chief, link, "create-user")
	wants(t, shown, "Give this link to Nell Frost.")
	address := attr(shown.byID("one-time-link"), "value")
	if !strings.HasPrefix(address, d.base+"/password-link?token=") {
		t.Fatalf("the link is %q", address)
	}
	again := chief.see(strings.Split(link.location(), "?")[0])
	wants(t, again, "The link was shown already.")
	lacks(t, again, address)
	nell := strings.TrimSuffix(strings.Split(link.location(), "?")[0], "/link")
	wants(t, chief.see(nell), "nell@police.example", "none chosen yet", "make bookings, edit bookings", "requestor", "nell")

	// The link sets a password once.
	visitor := stranger(t, d.base)
	path := strings.TrimPrefix(address, d.base)
	choose := visitor.see(path)
	refused(t, visitor.submit(choose, "link", map[string][]string{"password": {"four words of mine"}, "again": {"other words of mine"}}), http.StatusUnprocessableEntity)
	refused(t, visitor.submit(choose, "link", map[string][]string{"password": {"short"}, "again": {"short"}}), http.StatusUnprocessableEntity)
	set := visitor.submit(choose, "link", map[string][]string{"password": {"four words of mine"}, "again": {"four words of mine"}})
	if set.status != http.StatusSeeOther || set.location() != "/sign-in?done=password-chosen" {
		t.Fatalf("choosing a password: %d %s", set.status, set.words())
	}
	// A link that does not work says so at once, whatever the reason, and has no form.
	for _, p := range []*page{visitor.submit(choose, "link", map[string][]string{"password": {"four words of mine"}, "again": {"four words of mine"}}),
		visitor.get(path), visitor.get("/password-link?token=none"), visitor.get("/password-link")} {
		if p.status != http.StatusUnprocessableEntity || p.heading() != "This link does not work" || p.byID("link") != nil || strings.Contains(p.text, "Nell") {
			t.Errorf("%s: %d %s", p.path, p.status, p.words())
		}
	}
	if p := visitor.post("/sign-in", url.Values{"username": {"nell"}, "password": {"four words of mine"}}); p.status != http.StatusSeeOther || p.location() != "/" {
		t.Fatalf("the new user signs in: %d %s", p.status, p.location())
	}
	visitor.see("/")

	// Rights: what the chief's form does not offer it does not give either.
	if p := chief.post("/users/new", url.Values{"name": {"X"}, "username": {"sneaky"}, "email": {"x@police.example"}, "role": {"admin"}, "key": {"k1"}}); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a customer's admin makes an admin: %d", p.status)
	}
	other := admin.submit(admin.see("/users"), "filters", map[string][]string{"filter[name]": {"Ruben"}}).rows("/users/")[0]
	for _, to := range []string{other, other + "/change", other + "/link"} {
		if p := chief.get(to); p.status != http.StatusNotFound {
			t.Errorf("a customer's admin opens %s: %d", to, p.status)
		}
	}
	for _, to := range []string{other + "/disable", other + "/link", other + "/change"} {
		if p := chief.post(to, url.Values{"key": {"k2"}, "name": {"X"}}); p.status != http.StatusNotFound {
			t.Errorf("a customer's admin posts %s: %d", to, p.status)
		}
	}
	if p := d.as("requestor").get("/users"); p.status != http.StatusForbidden {
		t.Errorf("a requestor opens /users: %d", p.status)
	}
	auditor := d.as("auditor")
	lacks(t, auditor.see(nell), nell+"/change", nell+"/disable")
	if p := auditor.post(nell+"/link", url.Values{"key": {"k3"}}); p.status != http.StatusForbidden {
		t.Errorf("an auditor makes a link: %d", p.status)
	}

	// Changed, disabled, enabled.
	change := chief.see(nell + "/change")
	wants(t, done(chief, chief.submit(change, "user", map[string][]string{"name": {"Nell Frost-Lee"}, "permissions": {"create"}, "clients": nil, "username": {"nell.frost"}}), "change-user"),
		"Nell Frost-Lee", "make bookings", "nell.frost")
	lacks(t, chief.see(nell), "edit bookings")
	off := done(chief, chief.submit(chief.see(nell), "switch", nil), "disable-user")
	wants(t, off, "disabled")
	if p := visitor.get("/"); p.status != http.StatusSeeOther || !strings.HasPrefix(p.location(), "/sign-in") {
		t.Errorf("a disabled user is still signed in: %d", p.status)
	}
	done(chief, chief.submit(off, "switch", nil), "enable-user")

	// The agency's own: the role decides what is asked; a password that is issued is changed first (II-03).
	staff := admin.see("/users/new")
	if len(staff.named("permissions")) != 0 || len(staff.named("interpreter")) != 1 {
		t.Error("the form of the agency's users asks for a customer's rights")
	}
	lin := admin.submit(staff, "user", map[string][]string{"name": {"Linh Tran"}, "username": {"linh"}, "email": {"linh@dragoman.example"}, "role": {"interpreter"}, "interpreter": {"LIN/NONE/00000"}})
	refused(t, lin, http.StatusUnprocessableEntity)
	missing := admin.submit(lin, "user", map[string][]string{"interpreter": {"lin/1158/1p93h"}, "way": {"password"}})
	refused(t, missing, http.StatusUnprocessableEntity)
	made := done(admin, admin.submit(missing, "user", map[string][]string{"password": {"to be changed soon"}}), "create-user")
	wants(t, made, "Linh Tran", "issued, to be changed at the first sign-in", "LIN/1158/1P93H")
	lacks(t, missing, "to be changed soon")
	first := stranger(t, d.base)
	if p := first.post("/sign-in", url.Values{"username": {"linh"}, "password": {"to be changed soon"}}); p.status != http.StatusSeeOther || p.location() != "/account/password" {
		t.Errorf("the first sign-in with an issued password: %d %s", p.status, p.location())
	}
	choice := admin.submit(staff, "organisation", map[string][]string{"customer": {attr(staff.named("customer")[0], "value")}})
	if choice.status != http.StatusOK {
		t.Errorf("choosing the agency: %d", choice.status)
	}
	self := admin.submit(admin.see("/users"), "filters", map[string][]string{"filter[name]": {"Adele"}}).rows("/users/")[0]
	lacks(t, admin.see(self), self+"/disable", self+"/link")
	if p := admin.post(self+"/disable", url.Values{"key": {"k4"}}); p.status != http.StatusConflict {
		t.Errorf("an admin disables the own account: %d", p.status)
	}
}

// TestTwoPeopleOnOneForm: two admins have the same form open. Different things go together; the same thing is shown to the second with what it became,
// who made it so and when, and with everything the second typed; sent again it holds.
func TestTwoPeopleOnOneForm(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	admin := d.as("admin")
	customer := "/customers/" + d.customer.get("/me").body["customer"].(string)
	location := customer + "/locations/" + d.location
	user := admin.submit(admin.see("/users"), "filters", map[string][]string{"filter[name]": {"Rosa"}}).rows("/users/")[0]
	for _, c := range []struct{ form, id, same, other string }{
		{customer + "/change", "cust", "settings.billTo", "name"}, {location + "/change", "location", "address.line2", "name"}, {user + "/change", "user", "telephone", "name"},
		{"/interpreters/" + idOf(lin2) + "/change", "interp", "telephone", "paitId"}, {"/settings/agency", "set", "contact.telephone", "contact.email"},
		{"/settings/texts", "set", "texts.no-linguist", "texts.use-admin-message"},
	} {
		first, second := admin.see(c.form), admin.see(c.form)
		was := second.value(c.other)
		if p := admin.submit(first, c.id, map[string][]string{c.same: {"0161 496 0101"}}); p.status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", c.form, p.status, p.words())
		} else {
			admin.see(p.location())
		}
		other := "0161 496 0102"
		if c.other == "contact.email" {
			other = "office@agency.example"
		}
		stale := admin.submit(second, c.id, map[string][]string{c.same: {"0161 496 0103"}, c.other: {other}})
		text := textOf(refused(t, stale, http.StatusPreconditionFailed))
		for _, want := range []string{"Somebody changed this while you had it open.", "Adele Munroe (admin), 20/03/2020 09:00", "0161 496 0101"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the summary lacks %q: %s", c.form, want, text)
			}
		}
		if stale.value(c.same) != "0161 496 0103" || stale.value(c.other) != other {
			t.Errorf("%s: what was typed became %q and %q", c.form, stale.value(c.same), stale.value(c.other))
		}
		if p := admin.submit(stale, c.id, map[string][]string{c.other: {was}}); p.status != http.StatusSeeOther {
			t.Errorf("%s: sent again: %d %s", c.form, p.status, p.words())
		} else {
			admin.see(p.location())
		}
		if now := admin.see(c.form); now.value(c.same) != "0161 496 0103" || now.value(c.other) != was {
			t.Errorf("%s: it holds %q and %q", c.form, now.value(c.same), now.value(c.other))
		}

		// What only one of them changes stays, whoever comes last.
		first, second = admin.see(c.form), admin.see(c.form)
		admin.see(admin.submit(first, c.id, map[string][]string{c.same: {"0161 496 0104"}}).location())
		if p := admin.submit(second, c.id, map[string][]string{c.other: {other}}); p.status != http.StatusSeeOther {
			t.Errorf("%s: another thing: %d %s", c.form, p.status, p.words())
		} else {
			admin.see(p.location())
		}
		if now := admin.see(c.form); now.value(c.same) != "0161 496 0104" || now.value(c.other) != other {
			t.Errorf("%s: after both it holds %q and %q", c.form, now.value(c.same), now.value(c.other))
		}
	}
}

// TestNothingTypedIsLostWithASession: a form that is sent after its session has ended asks to sign in, and is then sent as it was typed; passwords
// stand on no page.
func TestNothingTypedIsLostWithASession(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, nil)
	d.settled(ref)
	b := d.as("requestor")
	form, password := b.see("/jobs/"+ref+"/messages"), b.see("/account/password")
	b.post("/sign-out", url.Values{})
	late := b.submit(form, "post-message", map[string][]string{"text": {"Is there <parking> & a lift?\r\nThank you."}})
	if late.status != http.StatusUnauthorized || !strings.Contains(late.words(), "what you typed is kept") {
		t.Fatalf("a form without a session: %d %s", late.status, late.words())
	}
	values, _ := formValues(first(late.doc, func(n *html.Node) bool { return n.DataAtom == atom.Form }))
	values.Set("username", "requestor")
	values.Set("password", "not it")
	again := b.post("/sign-in", values)
	if again.status != http.StatusUnauthorized || again.value("typed") == "" {
		t.Fatalf("after a wrong password: %d, kept %q", again.status, again.value("typed"))
	}
	if again.value("username") != "requestor" || has(again.byID("username"), "autofocus") || !has(again.byID("password"), "autofocus") {
		t.Error("what is typed next after a wrong password is not the password")
	}
	values.Set("password", "dragoman-demo")
	// Whoever else signs in at that machine neither reads it nor sends it.
	values.Set("username", "requestor2")
	other := stranger(t, d.base)
	switch p := other.post("/sign-in", values); {
	case p.status != http.StatusSeeOther || strings.Contains(p.text, "parking"):
		t.Errorf("somebody else is shown it: %d %s", p.status, p.text)
	default:
		if said := textOf(other.see(p.location()).byID("toasts")); !strings.Contains(said, "belonged to somebody else") {
			t.Errorf("somebody else is told %q", said)
		}
	}
	values.Set("username", "requestor")
	unsent := b.post("/sign-in", values)
	if unsent.status != http.StatusOK || unsent.heading() != "What you typed is still here" {
		t.Fatalf("after signing in: %d %s", unsent.status, unsent.words())
	}
	d.lands(b, b.submit(unsent, "unsent", nil), "post-message")
	wants(t, b.see("/jobs/"+ref+"/messages"), "Is there <parking> & a lift? Thank you.")

	b.post("/sign-out", url.Values{})
	if p := b.submit(password, "password", map[string][]string{"current": {"dragoman-demo"}, "new": {"a secret of mine"}, "again": {"a secret of mine"}}); p.status != http.StatusSeeOther || strings.Contains(p.text, "secret") {
		t.Errorf("a new password without a session: %d %s", p.status, p.text)
	}
	if p := b.post("/account/password", url.Values{"new": {"a secret of mine"}, "again": {"a secret of mine"}}); p.status != http.StatusSeeOther {
		t.Errorf("half of that form: %d %s", p.status, p.text)
	}
	// What signing in could not send along is not kept, and that is said.
	long := b.submit(form, "post-message", map[string][]string{"text": {strings.Repeat("\u00e9", 120_000)}})
	if long.status != http.StatusUnauthorized || !strings.Contains(long.words(), "too long to be kept") || len(long.named("typed")) != 0 {
		t.Errorf("a long form without a session: %d %.300s", long.status, long.words())
	}
	if p := b.post("/sign-in", url.Values{"username": {"requestor"}, "password": {"dragoman-demo"}, "next": {long.value("next")}}); p.status != http.StatusSeeOther {
		t.Errorf("signing in after it: %d", p.status)
	}
	b.post("/sign-out", url.Values{})

	values.Set("unsent", "https://elsewhere.example/")
	if p := b.post("/sign-in", values); attr(p.byID("unsent"), "action") != "/" {
		t.Errorf("what was typed would go to %s", attr(p.byID("unsent"), "action"))
	}
	// Browsers leave out control characters, so that these would lead elsewhere.
	values.Del("unsent")
	for _, next := range []string{"/\t/elsewhere.example/", "/\n/elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example/"} {
		values.Set("next", next)
		if p := b.post("/sign-in", values); p.status != http.StatusSeeOther || p.header.Get("Location") != "/" {
			t.Errorf("signing in for %q leads to %q", next, p.header.Get("Location"))
		}
	}
	// What no database can look for is nobody's name.
	values.Del("next")
	for _, name := range []string{"x@\x00", "x@\xff", "x\x00", "\xff"} {
		values.Set("username", name)
		if p := b.post("/sign-in", values); p.status != http.StatusUnauthorized || !strings.Contains(p.words(), "The name or the password is wrong.") {
			t.Errorf("signing in as %q: %d %s", name, p.status, p.words())
		}
	}
}
