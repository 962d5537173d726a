package main

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/dragoman-booking/dragoman/web"
)

// holds is what the page of a route holds without any script, as every role that the sights open it for sees it.
type holds struct {
	heading string   // pattern of the one heading of the first order
	ids     []string // of forms, sections and inputs
	names   []string // of controls
	texts   []string // what it says
}

// pageHolds has a line for every page of the portal.
var pageHolds = map[string]holds{
	"/sign-in":          {heading: "^Dragoman Language Services$", ids: []string{"username", "password"}, names: []string{"next"}, texts: []string{"Sign in"}},
	"/password-link":    {heading: "^(Choose your password|This link does not work)$"},
	"/":                 {heading: "^Your interpreter jobs$", ids: []string{"upcoming"}},
	"/account":          {heading: "^My account$", ids: []string{"profile", "theme"}, names: []string{"theme"}},
	"/account/password": {heading: "^Change password$", ids: []string{"password"}, names: []string{"current", "new", "again"}},

	"/book":        {heading: "^Make a booking$", texts: []string{"READ BEFORE YOU BOOK!", "Face to Face Assignment Only - NOT Court Bookings", "Remote Assignment"}},
	"/book/{form}": {heading: "Assignment|^Clinic appointment$", ids: []string{"book"}, names: []string{"key", "language", "start", "duration.hours", "duration.minutes"}, texts: []string{"Next >>", "Book", "red asterisk"}},

	"/jobs":                 {heading: "^(All jobs|Upcoming Jobs|Unassigned jobs|Completed jobs)$", texts: []string{"Job ref"}},
	"/jobs/{ref}":           {heading: "^(DTP|DTM|CLN)[0-9]+ |^Not found$"},
	"/jobs/{ref}/actions":   {heading: "^Actions for DT", texts: []string{"Open"}},
	"/jobs/{ref}/activity":  {heading: "^Job activity notes$", texts: []string{"Creation Date", "Note", " Created"}},
	"/jobs/{ref}/messages":  {heading: "^Admin Messages$", ids: []string{"post-message"}, names: []string{"text", "key", "revision"}},
	"/jobs/{ref}/edit":      {heading: "^Edit job details$", ids: []string{"edit"}, names: []string{"key", "revision", "before", "fields.reportTo"}, texts: []string{"Update"}},
	"/jobs/{ref}/follow-up": {heading: "^Create Follow-up$", ids: []string{"follow-up"}, names: []string{"key", "revision", "before", "language", "start", "duration.hours"}, texts: []string{"Save"}},
	"/jobs/{ref}/duplicate": {heading: "^Duplicate job$", ids: []string{"duplicate"}, names: []string{"key", "revision", "before", "language", "start"}, texts: []string{"Save"}},
	"/jobs/{ref}/make-recurring": {heading: "^Repeat Job$", ids: []string{"repeat", "repeat-now"}, names: []string{"key", "revision", "frequency", "weekdays", "startsOn", "occurrences", "until"},
		texts: []string{"Make Recurring", "4 jobs will be made."}},
	"/jobs/{ref}/recurring": {heading: "^Recurring$", ids: []string{"set-jobs"}, texts: []string{"Jobs of booking BK"}},
	"/jobs/{ref}/cancel":    {heading: "^Cancel job$", ids: []string{"cancel"}, names: []string{"authorisedBy", "key", "revision"}, texts: []string{"Cancel Job"}},
	"/jobs/{ref}/timesheet": {heading: "^Timesheets$", ids: []string{"submit-timesheet|accept-timesheet"}, names: []string{"key", "revision"},
		texts: []string{"Job ref", "Date and time", "Estimated duration"}},
	"/jobs/{ref}/history":       {heading: "^History$", ids: []string{"moments", "event-0"}, texts: []string{"Meaning", "Stored bytes", "Booked"}},
	"/jobs/{ref}/send-offer":    {heading: "^Send job offers$", ids: []string{"send-offer"}, names: []string{"interpreters", "proposedStart", "override", "key", "revision"}},
	"/jobs/{ref}/assign":        {heading: "^Assign an interpreter$", ids: []string{"assign"}, names: []string{"interpreter", "override", "key", "revision"}},
	"/jobs/{ref}/accept-offer":  {heading: "^(Accept the job|Record an acceptance)$", ids: []string{"accept-offer"}, names: []string{"proposedStart", "reason", "key", "revision"}},
	"/jobs/{ref}/decline-offer": {heading: "^(Decline the job|Record a decline)$", ids: []string{"decline-offer"}, names: []string{"reason", "key", "revision"}},
	"/jobs/{ref}/unassign":      {heading: "^(Unassign the interpreter|Give this job back)$", ids: []string{"unassign"}, names: []string{"reason", "interpreter", "key", "revision"}},
	"/jobs/{ref}/propose-eta":   {heading: "^Propose another start$", ids: []string{"propose-eta"}, names: []string{"eta", "key", "revision"}},
	"/jobs/{ref}/change-eta":    {heading: "^Record an agreed start$", ids: []string{"change-eta"}, names: []string{"eta", "agreedBy", "key", "revision"}},
	"/jobs/{ref}/log-contact":   {heading: "^Log a contact$", ids: []string{"log-contact"}, names: []string{"kind", "text", "nextUpdateMinutes", "key", "revision"}},
	"/jobs/{ref}/close":         {heading: "^Close the job$", ids: []string{"close"}, names: []string{"start", "end", "key", "revision"}},
	"/queue":                    {heading: "^Work queue$", texts: []string{"Due contact", "Starts", "Offers", "Taken by"}},
	"/calendar": {heading: "^Calendar$", ids: []string{"cal-bar", "cal-today", "cal-prev", "cal-next", "cal-date", "cal-agenda", "cal-view-month", "cal-view-week", "cal-view-day", "cal-view-agenda"},
		names: []string{"date"}, texts: []string{"requested", "new", "assigned", "ongoing", "complete", "cancelled"}},

	"/offers":                   {heading: "^Offers$", ids: []string{"open"}},
	"/my-jobs":                  {heading: "^My jobs$", ids: []string{"past"}},
	"/timesheets":               {heading: "^Timesheets$"},
	"/availability":             {heading: "^When I can work$", ids: []string{"availability"}, names: []string{"mon.from", "sun.to", "away.from", "away.to.time", "away.note", "key", "revision"}},
	"/feeds":                    {heading: "^Calendar feeds$", ids: []string{"feeds"}, names: []string{"level", "key"}},
	"/jobs/{ref}/counter-offer": {heading: "^Make a counter-offer$", ids: []string{"counter-offer"}, names: []string{"proposedStart", "fee.amount", "reason", "key", "revision"}},
	"/diary":                    {heading: "^Diary$", texts: []string{"Times are those of"}},

	"/interpreters":             {heading: "^Interpreters$", ids: []string{"filters"}, names: []string{"filter[name]", "filter[lin]"}},
	"/interpreters/new":         {heading: "^Register an interpreter$", ids: []string{"interp"}, names: []string{"lin", "name", "languages", "key"}},
	"/interpreters/{id}":        {heading: "^Ana Nowak$", texts: []string{lin1, "Credentials", "Languages"}},
	"/interpreters/{id}/change": {heading: "^Change the profile", ids: []string{"interp"}, names: []string{"name", "languages", "key", "before"}},
	"/customers":                {heading: "^Customers$", ids: []string{"filters"}, names: []string{"filter[name]"}},
	"/customers/new":            {heading: "^Add a customer$", ids: []string{"cust"}, names: []string{"name", "timeZone", "key"}},
	"/customers/{id}":           {heading: ".", texts: []string{"Clients", "Locations"}},
	"/customers/{id}/windows":   {heading: "^Booking, changing and cancelling windows: ", ids: []string{"windows"}, names: []string{"create.unit", "edit.span", "cancel.inclusive", "key", "before"}},
	"/settings/windows":         {heading: "^Booking, changing and cancelling windows$", ids: []string{"windows"}, names: []string{"create.unit", "edit.span", "cancel.inclusive", "key", "before"}},
	"/settings/waves":           {heading: "^Offers in waves$", ids: []string{"waves"}, names: []string{"waves.tier", "waves.underHours", "waves.size", "waves.waitMinutes", "waves.expireMinutes", "key", "before"}},
	"/settings/holidays":        {heading: "^Bank holidays 2022$", ids: []string{"holidays", "listed"}, names: []string{"holidays.date", "holidays.name", "holidays.nation", "holidays.working", "key", "before"}},
	"/customers/{id}/change":    {heading: "^Change the customer", ids: []string{"cust"}, names: []string{"name", "timeZone", "key", "before"}},

	"/customers/{id}/clients/new":                 {heading: "^Add a client$", ids: []string{"client"}, names: []string{"name", "key"}},
	"/customers/{id}/clients/{client}/change":     {heading: "^Rename the client$", ids: []string{"client"}, names: []string{"name", "key"}},
	"/customers/{id}/locations/new":               {heading: "^Add a location$", ids: []string{"location"}, names: []string{"name", "address.line1", "address.town", "address.postcode", "key"}},
	"/customers/{id}/locations/{location}/change": {heading: "^Change the location$", ids: []string{"location"}, names: []string{"name", "address.line1", "address.town", "address.postcode", "key"}},
	"/users":             {heading: "^Users$", ids: []string{"filters"}, names: []string{"filter[name]", "filter[email]", "filter[role]"}},
	"/users/new":         {heading: "^Add a user$", ids: []string{"user"}, names: []string{"name", "username", "email", "key"}},
	"/users/{id}":        {heading: ".", texts: []string{"Account", "User name", "Password"}},
	"/users/{id}/change": {heading: "^Change the user", ids: []string{"user"}, names: []string{"name", "email", "key", "before"}},
	"/users/{id}/link":   {heading: "^One-time link$", ids: []string{"make-link"}},

	"/invoices":             {heading: "^Invoices$", ids: []string{"filters"}},
	"/invoices/issue":       {heading: "^Issue an invoice", ids: []string{"issue"}, names: []string{"customer", "jobs"}},
	"/invoices/issue/check": {heading: "^Issue this invoice", ids: []string{"issue"}, names: []string{"customer", "jobs", "expectedTotal.amount", "expectedTotal.currency", "key"}},
	"/invoices/{id}":        {heading: ".", texts: []string{"What", "Quantity", "Price", "Amount", "Total, net"}},

	"/settings":                  {heading: "^Settings$", ids: []string{"agency", "look", "policies", "languages", "numbering", "reasons", "labels", "texts"}},
	"/settings/{section}":        {heading: ".", ids: []string{"set"}, names: []string{"key", "before"}},
	"/settings/languages":        {heading: "^Languages$", ids: []string{"filters"}, names: []string{"q"}, texts: []string{"Polish"}},
	"/settings/languages/{code}": {heading: "Polish$", ids: []string{"language", "remove"}, names: []string{"name", "tier", "key", "before", "revision"}},
	"/settings/add-language":     {heading: "^Add a language$", ids: []string{"language"}, names: []string{"code", "name", "tier", "key"}},
	"/settings/forms":            {heading: "^Booking forms$", ids: []string{"forms"}, texts: []string{"Remote Assignment", "DTP"}},
	"/settings/add-form":         {heading: "^Add a booking form$", ids: []string{"formnew"}, names: []string{"from", "name", "id", "prefix", "initial", "key"}},
	"/settings/forms/{form}":     {heading: ".", ids: []string{"form-parts"}, texts: []string{"Appointment details", "Notices"}},

	"/settings/forms/{form}/versions":          {heading: "^Versions$", ids: []string{"versions"}, texts: []string{"Version 1"}},
	"/settings/forms/{form}/preview":           {heading: "^Preview$", ids: []string{"preview", "as"}, names: []string{"customer", "language"}},
	"/settings/forms/{form}/details":           {heading: "^Name, number", ids: []string{"part"}, names: []string{"name", "prefix", "initial", "serviceType", "address", "cancelNeeds", "key"}},
	"/settings/forms/{form}/add/{part}":        {heading: "^Add a field$", ids: []string{"part"}, names: []string{"what", "label", "kind", "when", "customers", "key"}},
	"/settings/forms/{form}/edit/{part}/{key}": {heading: "^(Field|Section|Notice): ", ids: []string{"part"}, names: []string{"key"}},

	"/settings/postcodes": {heading: "^Postcode table$", ids: []string{"postcodes"}, names: []string{"file", "csv", "source", "key"}},
	"/settings/numbering": {heading: "^Numbering$", ids: []string{"numbering"}, names: []string{"series", "next", "sure", "key"}},
	"/notices":            {heading: "^Notices$", ids: []string{"notices"}, names: []string{"splash", "notices.text", "notices.customer", "notices.from", "notices.until", "key", "before"}},
	"/status":             {heading: "^Status$|^Read models$", ids: []string{"models"}, texts: []string{"jobs", "calendar", "up to date"}},
}

// TestWhatEveryPageHolds opens every page of the portal without script, as each role that the sights name, and holds its HTML against the table
// above; a page without a line there fails. Every page has one frame: its language, title, one heading, a way past the header, the header's menus;
// each control has a label, no id stands twice, whatever refers to an id finds it, nothing carries a style or a handler of its own, forms lead
// where something takes them, and no link of a page is dead for whoever sees it.
func TestWhatEveryPageHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sights := w.sights()
	for _, route := range web.Routes() {
		if route[0] == http.MethodGet && !slices.Contains(notPages, route[1]) && pageHolds[route[1]].heading == "" {
			t.Errorf("no line says what the page %s holds", route[1])
		}
	}
	visitors, links := map[string]*browser{}, map[string]map[string]string{} // by user: where a link leads, and the page that has it
	seen := map[string]bool{}
	for _, s := range sights {
		if visitors[s.who] == nil {
			links[s.who] = map[string]string{}
			if visitors[s.who] = stranger(t, w.base); s.who != "" {
				visitors[s.who] = browse(t, w.base, s.who)
			}
		}
		if s.do != nil && s.route != "/invoices/issue/check" {
			continue
		}
		p := visitors[s.who].get(s.path)
		for hops := 0; p.status == http.StatusSeeOther && hops < 3; hops++ {
			p = visitors[s.who].get(p.location())
		}
		if s.do != nil { // the drafts that are ticked are checked
			p = visitors[s.who].submit(p, "issue", nil)
		}
		p.path = s.name + ", " + s.path
		if want := s.answers(); p.status != want {
			t.Errorf("%s: %d, want %d", p.path, p.status, want)
			continue
		}
		seen[s.route] = true
		p.inItsFrame(s.who != "")
		if p.status == http.StatusOK {
			p.holds(pageHolds[s.route])
		}
		for _, to := range p.links() {
			to, _, _ = strings.Cut(to, "#")
			if strings.HasPrefix(to, "/") && links[s.who][to] == "" {
				links[s.who][to] = p.path
			}
		}
	}
	for route := range pageHolds {
		if !seen[route] {
			t.Errorf("nobody opens %s as it comes", route)
		}
	}
	for _, who := range slices.Sorted(maps.Keys(links)) {
		for to, from := range links[who] {
			if p := visitors[who].get(to); p.status >= http.StatusBadRequest {
				t.Errorf("%s: the link to %s is dead: %d", from, to, p.status)
			}
		}
	}
}

// answers is the status that a sight is shown with.
func (s sight) answers() int {
	switch {
	case strings.HasSuffix(s.name, "-unknown"):
		return http.StatusNotFound
	case strings.HasSuffix(s.name, "-dead"):
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// holds names what a page lacks of what it should have.
func (p *page) holds(want holds) {
	p.t.Helper()
	if got := p.heading(); !regexp.MustCompile(want.heading).MatchString(got) {
		p.t.Errorf("%s: its heading is %q, want %s", p.path, got, want.heading)
	}
	for _, ids := range want.ids {
		if !slices.ContainsFunc(strings.Split(ids, "|"), func(id string) bool { return p.byID(id) != nil }) {
			p.t.Errorf("%s: nothing on it is called %s", p.path, ids)
		}
	}
	for _, name := range want.names {
		if len(p.named(name)) == 0 {
			p.t.Errorf("%s: it has no control %s", p.path, name)
		}
	}
	wants(p.t, p, want.texts...)
}

// inItsFrame holds a page against what all have in common.
func (p *page) inItsFrame(signedIn bool) {
	p.t.Helper()
	fault := func(format string, args ...any) {
		p.t.Helper()
		p.t.Errorf("%s: "+format, append([]any{p.path}, args...)...)
	}
	heading := p.heading()
	if root := first(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Html }); attr(root, "lang") != "en" {
		fault("its language is %q", attr(root, "lang"))
	}
	if title := textOf(first(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Title })); heading == "" || !strings.HasSuffix(title, " · Dragoman Language Services") {
		fault("its heading is %q and its title %q", heading, title)
	}
	body := first(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Body })
	if skip := first(body, func(n *html.Node) bool { return n.DataAtom == atom.A }); skip == nil || attr(skip, "href") != "#content" {
		fault("its first link does not lead past the header")
	}
	if main := p.byID("content"); main == nil || main.DataAtom != atom.Main {
		fault("it has no main part")
	}
	if header := first(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Header }); (header != nil) != signedIn {
		fault("it has a header: %t", header != nil)
	} else if signedIn {
		for _, to := range []string{"/", "/account"} {
			if !slices.Contains(p.links(), to) {
				fault("its header does not lead to %s", to)
			}
		}
		if p.byID("job-ref") == nil {
			fault("its header has no Job Reference box")
		}
	}
	if sheet := first(p.doc, func(n *html.Node) bool { return strings.HasPrefix(attr(n, "href"), "/look.css?v=") }); sheet == nil {
		fault("it does not wear the agency's colours")
	}
	p.refersToItself(fault)
	for _, n := range every(p.doc, func(n *html.Node) bool {
		return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "style" || strings.HasPrefix(a.Key, "on") })
	}) {
		fault("the policy forbids the style or handler of <%s>", n.Data)
	}
	for _, form := range every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Form }) {
		method, action := strings.ToUpper(attr(form, "method")), attr(form, "action")
		if method == "" || action == "" || !routed(method, action) {
			fault("nothing takes its form %s %s", method, action)
		}
	}
}

// refersToItself: ids stand once, references find them, controls have a name that is said.
func (p *page) refersToItself(fault func(string, ...any)) {
	ids := map[string]int{}
	for _, n := range every(p.doc, func(n *html.Node) bool { return has(n, "id") }) {
		if ids[attr(n, "id")]++; ids[attr(n, "id")] == 2 {
			fault("the id %s stands twice", attr(n, "id"))
		}
	}
	labels := map[string]bool{}
	for _, name := range []string{"for", "aria-labelledby", "aria-describedby", "form", "list"} {
		for _, n := range every(p.doc, func(n *html.Node) bool { return has(n, name) }) {
			for _, id := range strings.Fields(attr(n, name)) {
				if ids[id] == 0 {
					fault("%s=%q leads nowhere", name, id)
				}
				labels[id] = labels[id] || name == "for"
			}
		}
	}
	for _, n := range every(p.doc, control) {
		if kind := attr(n, "type"); kind == "hidden" || kind == "submit" || labels[attr(n, "id")] || has(n, "aria-label") {
			continue
		}
		if within(n, atom.Label) == nil {
			fault("the control %s has no label", attr(n, "name"))
		}
	}
	for _, n := range every(p.doc, func(n *html.Node) bool {
		return n.DataAtom == atom.A || n.DataAtom == atom.Button || n.DataAtom == atom.Summary
	}) {
		picture := first(n, func(i *html.Node) bool { return i.DataAtom == atom.Img && attr(i, "alt") != "" })
		if textOf(n) == "" && attr(n, "aria-label") == "" && picture == nil {
			fault("a <%s> to %s says nothing", n.Data, attr(n, "href"))
		}
	}
	for _, n := range every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Table }) {
		if first(n, func(c *html.Node) bool { return c.DataAtom == atom.Caption }) == nil {
			fault("a table has no caption")
		}
	}
}

// within is the nearest element of a kind around another one; nil: none.
func within(n *html.Node, kind atom.Atom) *html.Node {
	for n = n.Parent; n != nil; n = n.Parent {
		if n.DataAtom == kind {
			return n
		}
	}
	return nil
}

// routed tells whether something answers a method at an address.
func routed(method, address string) bool {
	to, err := url.Parse(address)
	if err != nil {
		return false
	}
	parts := strings.Split(to.Path, "/")
	return slices.ContainsFunc(web.Routes(), func(route [2]string) bool {
		pattern := strings.Split(route[1], "/")
		if route[0] != method || len(pattern) != len(parts) {
			return false
		}
		for i, part := range pattern {
			if part != parts[i] && !strings.HasPrefix(part, "{") {
				return false
			}
		}
		return true
	})
}
