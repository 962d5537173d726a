package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
	"github.com/dragoman-booking/dragoman/projections"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

// customersPage is the list of organisations that book.
type customersPage struct {
	List  listAsk
	Rows  []customerRow
	Pager pager
	Admin bool
}

// customerRow is a customer as the list shows one.
type customerRow struct {
	readpeople.Customer
	Cancel string // until when it may cancel alone, in words
}

// customers is the list of customers. A customer's user is led to the own organisation.
func (p *Portal) customers(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ReadCustomers); err != nil {
		return err
	}
	if v.OfCustomer() {
		http.Redirect(w, r, customerPath(v.Customer), http.StatusSeeOther)
		return nil
	}
	ask := listAskOf(r, []string{"name", "timeZone"})
	found, err := p.Queries.People.Customers(r.Context(), v, ask.query())
	if err != nil {
		return err
	}
	agency, err := p.agency(r.Context())
	if err != nil {
		return err
	}
	page := customersPage{List: ask, Pager: ask.pager(len(found.Items), found.Total), Admin: access.MayManage(v, access.ManageCustomers) == nil}
	for _, c := range found.Items {
		page.Rows = append(page.Rows, customerRow{c, p.in(r.Context()).cancelRule(c.Settings, agency.Settings)})
	}
	return p.render(w, r, http.StatusOK, "customers", "cust.title", page)
}

// cancelRule says until when a customer may cancel without the agency (LL-113).
func (s *tongue) cancelRule(c people.CustomerSettings, agency people.AgencySettings) string {
	switch {
	case c.CancelEnabled != nil && !*c.CancelEnabled:
		return s.say("cust.cancel-off")
	}
	return s.ruleFor(windows.Cancel, c, agency)
}

func customerPath(id uuid.UUID) string { return "/customers/" + id.String() }

// mostOfCustomer is how many clients, locations and users of one customer its page shows.
const mostOfCustomer = 500

// customerPage is one organisation with its clients, locations and users.
type customerPage struct {
	readpeople.Customer
	Clients      []readpeople.Client
	Locations    []readpeople.Location
	Users        []readpeople.User
	ShowUsers    bool
	Agreed       bool // what was agreed with it is the viewer's to read
	Admin        bool
	MayLocations bool
	MayUsers     bool
	Forms        []string // names of the forms it books on
	Services     []string
	Cancel       string // until when it may cancel alone, in words
	Windows      []windowText
	Nation       string // whose bank holidays count
}

// ClientName is the name of a location's client; a dash: it belongs to the whole customer.
func (page customerPage) ClientName(id *uuid.UUID) string {
	for _, c := range page.Clients {
		if id != nil && c.ID == *id {
			return c.Name
		}
	}
	return "–"
}

// customer is the page of one customer.
func (p *Portal) customer(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	c, err := p.customerAt(r)
	if err != nil {
		return err
	}
	page := customerPage{Customer: c, Agreed: !v.OfCustomer(), Admin: access.MayManage(v, access.ManageCustomers) == nil,
		MayLocations: access.MayManage(v, access.ManageLocations) == nil, ShowUsers: access.MayManage(v, access.ReadUsers) == nil,
		MayUsers: access.MayManage(v, access.ManageUsers) == nil}
	all := projections.ListQuery{Limit: mostOfCustomer}
	clients, err := p.Queries.People.Clients(ctx, v, c.ID, all)
	if err != nil {
		return err
	}
	locations, err := p.Queries.People.Locations(ctx, v, c.ID, all)
	if err != nil {
		return err
	}
	page.Clients, page.Locations = clients.Items, locations.Items
	if page.ShowUsers {
		if page.Users, err = p.usersOf(r, c); err != nil {
			return err
		}
	}
	agency, err := p.agency(ctx)
	if err != nil {
		return err
	}
	page.Cancel = p.in(r.Context()).cancelRule(c.Settings, agency.Settings)
	for _, command := range []string{windows.Create, windows.Edit} {
		page.Windows = append(page.Windows, windowText{command, p.in(r.Context()).ruleFor(command, c.Settings, agency.Settings)})
	}
	page.Nation = windows.Nation(c.Settings.Nation)
	offered, err := p.formOptions(r)
	if err != nil {
		return err
	}
	for _, id := range c.Settings.Forms {
		page.Forms = append(page.Forms, label(offered, id))
	}
	for _, s := range c.Settings.ServiceTypes {
		page.Services = append(page.Services, label(forms.ServiceTypes(), s))
	}
	return p.render(w, r, http.StatusOK, "customer", " "+c.Name, page)
}

// usersOf are a customer's users. The list is asked for by the customer's name, which another's may hold.
func (p *Portal) usersOf(r *http.Request, c readpeople.Customer) ([]readpeople.User, error) {
	found, err := p.Queries.People.Users(r.Context(), viewer(r.Context()), projections.ListQuery{Limit: mostOfCustomer, Filter: map[string]string{"customer": c.Name}})
	return slices.DeleteFunc(found.Items, func(u readpeople.User) bool { return u.Customer == nil || *u.Customer != c.ID }), err
}

// formOptions are the names of the booking forms.
func (p *Portal) formOptions(r *http.Request) ([]forms.Option, error) {
	all, err := p.Queries.Settings.Forms(r.Context(), viewer(r.Context()))
	out := make([]forms.Option, 0, len(all))
	for _, f := range all {
		out = append(out, forms.Option{Value: f.ID, Label: f.Name})
	}
	return out, err
}

// customerAt reads the customer of an address.
func (p *Portal) customerAt(r *http.Request) (readpeople.Customer, error) {
	v := viewer(r.Context())
	id, err := idIn(r, "id")
	if err != nil {
		return readpeople.Customer{}, err
	}
	if v.OfCustomer() && id != v.Customer || v.Role == domain.Interpreter {
		return readpeople.Customer{}, notFound()
	}
	if err := access.MayManage(v, access.ReadCustomers); err != nil {
		return readpeople.Customer{}, err
	}
	c, found, err := p.Queries.People.Customer(r.Context(), v, id)
	switch {
	case err != nil:
		return c, err
	case !found:
		return c, notFound()
	}
	return c, nil
}

// customerForm is the form of a new customer, or of what changes with one.
type customerForm struct {
	filled
	ID       uuid.UUID
	New      bool
	Name     string
	Forms    []forms.Option
	Services []forms.Option
	Closings []forms.Option
	Speakers []forms.Option
	Nations  []forms.Option
}

// newCustomer is the form of a new customer.
func (p *Portal) newCustomer(w http.ResponseWriter, r *http.Request) error {
	agency, err := p.agency(r.Context())
	if err != nil {
		return err
	}
	return p.showCustomerForm(w, r, http.StatusOK, readpeople.Customer{}, filled{Sent: url.Values{"timeZone": {agency.Settings.TimeZone}, "settings.cancelEnabled": {"yes"},
		"settings.closing": {people.TwoParty}, "settings.speakerName": {forms.SpeakerByName}}})
}

// editCustomer is the form that changes one.
func (p *Portal) editCustomer(w http.ResponseWriter, r *http.Request) error {
	c, err := p.customerAt(r)
	if err != nil {
		return err
	}
	return p.showCustomerForm(w, r, http.StatusOK, c, filledAt(customerValues(c), c.Revision))
}

// customerValues are what the form of a customer is filled with.
func customerValues(c readpeople.Customer) url.Values {
	s := c.Settings
	sent := url.Values{"name": {c.Name}, "timeZone": {c.TimeZone}, "settings.billTo": {s.BillTo}, "settings.closing": {orDefault(s.Closing, people.TwoParty)},
		"settings.speakerName": {orDefault(s.SpeakerName, forms.SpeakerByName)}, "settings.forms": s.Forms, "settings.serviceTypes": s.ServiceTypes}
	if s.CancelEnabled == nil || *s.CancelEnabled {
		sent.Set("settings.cancelEnabled", "yes")
	}
	if s.LockOnAssignment {
		sent.Set("settings.lockOnAssignment", "yes")
	}
	sent.Set("settings.nation", windows.Nation(s.Nation))
	return sent
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (p *Portal) showCustomerForm(w http.ResponseWriter, r *http.Request, status int, c readpeople.Customer, f filled) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ManageCustomers); err != nil {
		return err
	}
	offered, err := p.formOptions(r)
	if err != nil {
		return err
	}
	page := customerForm{filled: f, ID: c.ID, New: c.ID == uuid.Nil, Name: c.Name, Forms: withValues(offered, c.Settings.Forms),
		Services: withValues(forms.ServiceTypes(), c.Settings.ServiceTypes)}
	for _, word := range []string{people.TwoParty, people.CustomerCloses, people.InterpreterCloses} {
		page.Closings = append(page.Closings, forms.Option{Value: word, Label: p.in(r.Context()).say("closing." + word)})
	}
	for _, word := range []string{forms.SpeakerByName, forms.SpeakerByInitials, forms.SpeakerByReference} {
		page.Speakers = append(page.Speakers, forms.Option{Value: word, Label: p.in(r.Context()).say("speaker." + word)})
	}
	page.Nations = p.in(r.Context()).nations()
	title := "cust.new"
	if !page.New {
		title = "cust.change"
	}
	return p.render(w, r, status, "customerform", title, page)
}

// createCustomer makes a new customer.
func (p *Portal) createCustomer(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "create-customer")
	if err != nil {
		return err
	}
	f := plainLines(r.PostForm)
	enabled := f.Get("settings.cancelEnabled") != ""
	made, err := p.Commands.CreateCustomer(r.Context(), req, people.CreateCustomer{Name: f.Get("name"), TimeZone: strings.TrimSpace(f.Get("timeZone")),
		Settings: people.CustomerSettings{ServiceTypes: f["settings.serviceTypes"], Forms: f["settings.forms"], BillTo: f.Get("settings.billTo"),
			CancelEnabled: &enabled, Closing: f.Get("settings.closing"), SpeakerName: f.Get("settings.speakerName"), Nation: f.Get("settings.nation"),
			LockOnAssignment: f.Get("settings.lockOnAssignment") != ""}})
	if no := correctable(err); no != nil {
		return p.showCustomerForm(w, r, no.Status, readpeople.Customer{}, filled{r.PostForm, no})
	}
	if err != nil {
		return err
	}
	return p.done(w, r, customerPath(made.ID), "create-customer", made.Position)
}

// changeCustomer changes what a form changed.
func (p *Portal) changeCustomer(w http.ResponseWriter, r *http.Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	req, err := p.request(r, "change-customer")
	if err != nil {
		return err
	}
	e := editsIn(r.PostForm)
	done, again, err := p.sendEdits(r, req, func() (url.Values, uint64, error) {
		c, err := p.customerAt(r)
		return customerValues(c), c.Revision, err
	}, func(req commands.Request) (commands.Changed, error) {
		s := people.SettingsChange{ServiceTypes: e.list("settings.serviceTypes"), Forms: e.list("settings.forms"), BillTo: e.text("settings.billTo"),
			CancelEnabled: e.tick("settings.cancelEnabled"), Closing: e.text("settings.closing"), SpeakerName: e.text("settings.speakerName"),
			Nation: e.text("settings.nation"), LockOnAssignment: e.tick("settings.lockOnAssignment")}
		return p.Commands.ChangeCustomer(r.Context(), req, id, people.ChangeCustomer{Name: e.text("name"), TimeZone: e.text("timeZone"), Settings: &s})
	})
	if err != nil {
		return err
	}
	if no := again.Refusal; no != nil {
		c, err := p.customerAt(r)
		if err != nil {
			return err
		}
		return p.showCustomerForm(w, r, no.Status, c, again)
	}
	return p.done(w, r, customerPath(id), "change-customer", done.Position)
}

// clientForm is the form of a customer's sub-unit.
type clientForm struct {
	filled
	Customer readpeople.Customer
	ID       uuid.UUID
	New      bool
}

// newClient is the form of a new client; editClient the one that renames one.
func (p *Portal) newClient(w http.ResponseWriter, r *http.Request) error {
	return p.showClientForm(w, r, http.StatusOK, readpeople.Client{}, filled{Sent: url.Values{}})
}

func (p *Portal) editClient(w http.ResponseWriter, r *http.Request) error {
	client, err := p.clientAt(r)
	if err != nil {
		return err
	}
	return p.showClientForm(w, r, http.StatusOK, client, filledAt(clientValues(client), client.Revision))
}

// clientValues are what the form of a client is filled with.
func clientValues(c readpeople.Client) url.Values { return url.Values{"name": {c.Name}} }

// clientAt reads the client of an address, which must be the customer's.
func (p *Portal) clientAt(r *http.Request) (readpeople.Client, error) {
	customer, err := idIn(r, "id")
	if err != nil {
		return readpeople.Client{}, err
	}
	id, err := idIn(r, "client")
	if err != nil {
		return readpeople.Client{}, err
	}
	client, found, err := p.Queries.People.Client(r.Context(), viewer(r.Context()), id)
	if err == nil && (!found || client.Customer != customer) {
		err = notFound()
	}
	return client, err
}

func (p *Portal) showClientForm(w http.ResponseWriter, r *http.Request, status int, client readpeople.Client, f filled) error {
	c, err := p.customerAt(r)
	if err != nil {
		return err
	}
	if err := access.MayManage(viewer(r.Context()), access.ManageClients); err != nil {
		return err
	}
	title := "client.new"
	if client.ID != uuid.Nil {
		title = "client.change"
	}
	return p.render(w, r, status, "clientform", title, clientForm{filled: f, Customer: c, ID: client.ID, New: client.ID == uuid.Nil})
}

// addClient adds a client; changeClient renames one.
func (p *Portal) addClient(w http.ResponseWriter, r *http.Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	req, err := p.request(r, "create-client")
	if err != nil {
		return err
	}
	made, err := p.Commands.AddClient(r.Context(), req, id, r.PostForm.Get("name"))
	if no := correctable(err); no != nil {
		return p.showClientForm(w, r, no.Status, readpeople.Client{}, filled{r.PostForm, no})
	}
	if err != nil {
		return err
	}
	return p.done(w, r, customerPath(id), "create-client", made.Position)
}

func (p *Portal) changeClient(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "change-client")
	if err != nil {
		return err
	}
	client, err := p.clientAt(r)
	if err != nil {
		return err
	}
	done, again, err := p.sendEdits(r, req, func() (url.Values, uint64, error) {
		c, err := p.clientAt(r)
		return clientValues(c), c.Revision, err
	}, func(req commands.Request) (commands.Changed, error) {
		return p.Commands.ChangeClient(r.Context(), req, people.ChangeClient{Client: client.ID, Name: editsIn(r.PostForm).text("name")})
	})
	if err != nil {
		return err
	}
	if again.Refusal != nil {
		return p.showClientForm(w, r, again.Refusal.Status, client, again)
	}
	return p.done(w, r, customerPath(client.Customer), "change-client", done.Position)
}

// locationForm is the form of a place where a customer's jobs happen (LL-19, II-46).
type locationForm struct {
	filled
	Customer readpeople.Customer
	Clients  []forms.Option
	Nations  []forms.Option
	ID       uuid.UUID
	New      bool
	Back     string // where to go afterwards: a booking form, with the new place chosen
}

// newLocation is the form of a new location; editLocation the one that changes one.
func (p *Portal) newLocation(w http.ResponseWriter, r *http.Request) error {
	sent := url.Values{"back": {r.URL.Query().Get("back")}}
	if v := viewer(r.Context()); len(v.Clients) == 1 {
		sent.Set("client", v.Clients[0].String())
	}
	return p.showLocationForm(w, r, http.StatusOK, readpeople.Location{}, filled{Sent: sent})
}

func (p *Portal) editLocation(w http.ResponseWriter, r *http.Request) error {
	l, err := p.locationAt(r)
	if err != nil {
		return err
	}
	return p.showLocationForm(w, r, http.StatusOK, l, filledAt(locationValues(l), l.Revision))
}

// locationValues are what the form of a location is filled with.
func locationValues(l readpeople.Location) url.Values {
	sent := url.Values{"name": {l.Name}, "client": {""}, "address.line1": {l.Line1}, "address.line2": {l.Line2}, "address.town": {l.Town},
		"address.postcode": {l.Postcode}, "timeZone": {l.TimeZone}, "nation": {l.Nation},
		"coordinates": {domain.Coordinates{Lat: l.Latitude, Lon: l.Longitude}.String()}}
	if l.Client != nil {
		sent.Set("client", l.Client.String())
	}
	return sent
}

// locationAt reads the location of an address, which must be the customer's.
func (p *Portal) locationAt(r *http.Request) (readpeople.Location, error) {
	customer, err := idIn(r, "id")
	if err != nil {
		return readpeople.Location{}, err
	}
	id, err := idIn(r, "location")
	if err != nil {
		return readpeople.Location{}, err
	}
	l, found, err := p.Queries.People.Location(r.Context(), viewer(r.Context()), id)
	if err == nil && (!found || l.Customer != customer) {
		err = notFound()
	}
	return l, err
}

func (p *Portal) showLocationForm(w http.ResponseWriter, r *http.Request, status int, l readpeople.Location, f filled) error {
	c, err := p.customerAt(r)
	if err != nil {
		return err
	}
	if err := access.MayManage(viewer(r.Context()), access.ManageLocations); err != nil {
		return err
	}
	clients, err := p.Queries.People.Clients(r.Context(), viewer(r.Context()), c.ID, projections.ListQuery{Limit: mostOfCustomer})
	if err != nil {
		return err
	}
	page := locationForm{filled: f, Customer: c, ID: l.ID, New: l.ID == uuid.Nil}
	if back := f.Get("back"); back != "" {
		page.Back = safeNext(back)
	}
	for _, client := range clients.Items {
		page.Clients = append(page.Clients, forms.Option{Value: client.ID.String(), Label: client.Name})
	}
	page.Nations = p.in(r.Context()).nations()
	title := "location.new"
	if !page.New {
		title = "location.change"
	}
	return p.render(w, r, status, "locationform", title, page)
}

// addLocation adds a place. Whoever came from a booking form goes back there, with the place chosen (II-46).
func (p *Portal) addLocation(w http.ResponseWriter, r *http.Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	req, err := p.request(r, "create-location")
	if err != nil {
		return err
	}
	f := r.PostForm
	client, err := clientIn(f.Get("client"))
	var made commands.Made
	if err == nil {
		made, err = p.Commands.AddLocation(r.Context(), req, id, people.Place{Client: client, Name: f.Get("name"), TimeZone: strings.TrimSpace(f.Get("timeZone")), Nation: f.Get("nation"),
			Address:     people.PostalAddress{Line1: f.Get("address.line1"), Line2: f.Get("address.line2"), Town: f.Get("address.town"), Postcode: f.Get("address.postcode")},
			Coordinates: pointIn(f.Get("coordinates"))})
	}
	if no := correctable(err); no != nil {
		return p.showLocationForm(w, r, no.Status, readpeople.Location{}, filled{r.PostForm, no})
	}
	if err != nil {
		return err
	}
	to := customerPath(id)
	if back, err := url.Parse(safeNext(f.Get("back"))); err == nil && f.Get("back") != "" {
		q := back.Query()
		q.Set("location", made.ID.String())
		back.RawQuery = q.Encode()
		to = back.String()
	}
	return p.done(w, r, to, "create-location", made.Position)
}

// clientIn reads the client that was chosen; zero: none.
func clientIn(s string) (uuid.UUID, error) {
	if s == "" {
		return uuid.Nil, nil
	}
	ids, err := idsIn([]string{s}, "client")
	if err != nil {
		return uuid.Nil, err
	}
	return ids[0], nil
}

// changeLocation changes what a form changed. Jobs booked there keep the address that they were booked with.
func (p *Portal) changeLocation(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "change-location")
	if err != nil {
		return err
	}
	l, err := p.locationAt(r)
	if err != nil {
		return err
	}
	done, again, err := p.sendEdits(r, req, func() (url.Values, uint64, error) {
		l, err := p.locationAt(r)
		return locationValues(l), l.Revision, err
	}, func(req commands.Request) (commands.Changed, error) { return p.sendLocation(r, req, l) })
	if err != nil {
		return err
	}
	if again.Refusal != nil {
		return p.showLocationForm(w, r, again.Refusal.Status, l, again)
	}
	return p.done(w, r, customerPath(l.Customer), "change-location", done.Position)
}

func (p *Portal) sendLocation(r *http.Request, req commands.Request, l readpeople.Location) (commands.Changed, error) {
	e := editsIn(r.PostForm)
	change := people.ChangeLocation{Location: l.ID, Name: e.text("name"), TimeZone: e.text("timeZone"), Nation: e.text("nation"), Coordinates: e.point("coordinates")}
	if chosen := e.text("client"); chosen != nil {
		client, err := clientIn(*chosen)
		if err != nil {
			return commands.Changed{}, err
		}
		change.Client = &client
	}
	if e.text("address.line1") != nil || e.text("address.line2") != nil || e.text("address.town") != nil || e.text("address.postcode") != nil {
		change.Address = &people.PostalAddress{Line1: e.sent.Get("address.line1"), Line2: e.sent.Get("address.line2"), Town: e.sent.Get("address.town"),
			Postcode: e.sent.Get("address.postcode")}
	}
	return p.Commands.ChangeLocation(r.Context(), req, change)
}
