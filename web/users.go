package web

import (
	"context"
	"errors"
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
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/projections"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

// usersPage is the list of who can sign in: a customer-admin's own organisation, the agency's admins and auditors all.
type usersPage struct {
	List   listAsk
	Rows   []readpeople.User
	Pager  pager
	Roles  []forms.Option
	States []forms.Option
	Agency bool // users of several organisations
	Admin  bool
}

// users is the list of users.
func (p *Portal) users(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ReadUsers); err != nil {
		return err
	}
	columns := []string{"name", "email", "role", "disabled"}
	if !v.OfCustomer() {
		columns = append(columns, "customer")
	}
	ask := listAskOf(r, columns)
	found, err := p.Queries.People.Users(r.Context(), v, ask.query())
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "users", "users.title", usersPage{List: ask, Rows: found.Items, Pager: ask.pager(len(found.Items), found.Total),
		Roles: p.in(r.Context()).roleOptions(rolesFor(v)), Agency: !v.OfCustomer(), Admin: access.MayManage(v, access.ManageUsers) == nil,
		States: []forms.Option{{Value: "false", Label: p.in(r.Context()).say("users.active")}, {Value: "true", Label: p.in(r.Context()).say("users.disabled")}}})
}

// rolesFor are the roles of the users that the viewer reads.
func rolesFor(v access.Viewer) []domain.Role {
	if v.OfCustomer() {
		return people.CustomerRoles
	}
	return slices.Concat(people.AgencyRoles, people.CustomerRoles)
}

func (s *tongue) roleOptions(roles []domain.Role) []forms.Option {
	out := make([]forms.Option, 0, len(roles))
	for _, role := range roles {
		out = append(out, forms.Option{Value: string(role), Label: s.say("userrole." + string(role))})
	}
	return out
}

// userPage is one user.
type userPage struct {
	readpeople.User
	Login        accounts.LoginNames
	HasLogin     bool // false: erased
	ClientNames  []string
	PlaceNames   []string
	May          []string // permissions in words
	Admin        bool
	MayLink      bool // may hand out a one-time link for this user
	Self         bool
	OrganisedFor bool // belongs to a customer
}

// user is the page of one user.
func (p *Portal) user(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	u, err := p.userAt(r)
	if err != nil {
		return err
	}
	page := userPage{User: u, Admin: access.MayManage(v, access.ManageUsers) == nil, Self: u.ID == v.User, OrganisedFor: u.Customer != nil}
	switch page.Login, err = p.Accounts.Names(ctx, u.ID); {
	case err == nil:
		page.HasLogin = true
	case !errors.Is(err, accounts.ErrNoLogin):
		return err
	}
	page.MayLink = page.Admin && page.HasLogin && !page.Self && mayStandFor(v, u)
	for _, permission := range u.Permissions {
		page.May = append(page.May, p.in(r.Context()).say("may."+string(permission)))
	}
	if u.Customer != nil {
		clients, places, err := p.placesOf(ctx, *u.Customer)
		if err != nil {
			return err
		}
		page.ClientNames, page.PlaceNames = labelsOf(clients, u.Clients), labelsOf(places, u.Locations)
	}
	return p.render(w, r, http.StatusOK, "user", " "+u.Name, page)
}

// mayStandFor tells whether the viewer could have made this user's account: whoever hands out its password could sign in with it.
func mayStandFor(v access.Viewer, u readpeople.User) bool {
	return access.MayGrant(v, people.Account{}, people.Account{Clients: u.Clients, Locations: u.Locations, Permissions: u.Permissions}) == nil
}

func labelsOf(all []forms.Option, ids []uuid.UUID) []string {
	var out []string
	for _, id := range ids {
		out = append(out, label(all, id.String()))
	}
	return out
}

// placesOf are the clients and locations of a customer, to narrow its users to.
func (p *Portal) placesOf(ctx context.Context, customer uuid.UUID) (clients, locations []forms.Option, err error) {
	all := projections.ListQuery{Limit: mostOfCustomer}
	foundClients, err := p.Queries.People.Clients(ctx, viewer(ctx), customer, all)
	if err != nil {
		return nil, nil, err
	}
	foundPlaces, err := p.Queries.People.Locations(ctx, viewer(ctx), customer, all)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range foundClients.Items {
		clients = append(clients, forms.Option{Value: c.ID.String(), Label: c.Name})
	}
	for _, l := range foundPlaces.Items {
		locations = append(locations, forms.Option{Value: l.ID.String(), Label: l.Name})
	}
	return clients, locations, nil
}

// userAt reads the user of an address.
func (p *Portal) userAt(r *http.Request) (readpeople.User, error) {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ReadUsers); err != nil {
		return readpeople.User{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return readpeople.User{}, err
	}
	u, found, err := p.Queries.People.User(r.Context(), v, id)
	if err == nil && !found {
		err = notFound()
	}
	return u, err
}

func userPath(id uuid.UUID) string { return "/users/" + id.String() }

// userForm is the form of a new user, or of what changes with one.
type userForm struct {
	filled
	ID            uuid.UUID
	New           bool
	Name          string
	Customer      string         // id of the organisation; empty: the agency
	CustomerName  string         //
	Organisations []forms.Option // to choose from; none: there is nothing to choose
	Roles         []forms.Option
	Clients       []forms.Option
	Locations     []forms.Option
	Permissions   []forms.Option
	Username      string // as it is
}

// Ways to give a new user a password (D-14, II-02).
const (
	byLink     = "link"
	byPassword = "password"
)

// newUser is the form of a new user. Of which organisation is chosen first, because it decides over everything below.
func (p *Portal) newUser(w http.ResponseWriter, r *http.Request) error {
	sent := url.Values{"customer": {r.URL.Query().Get("customer")}, "way": {byLink}}
	if sent.Get("customer") != "" || viewer(r.Context()).OfCustomer() {
		sent.Set("role", string(domain.Requestor))
	}
	return p.showUserForm(w, r, http.StatusOK, readpeople.User{}, filled{Sent: sent})
}

// editUser is the form that changes one.
func (p *Portal) editUser(w http.ResponseWriter, r *http.Request) error {
	u, err := p.userAt(r)
	if err != nil {
		return err
	}
	values, err := p.userValues(r.Context(), u)
	if err != nil {
		return err
	}
	return p.showUserForm(w, r, http.StatusOK, u, filledAt(values, u.Revision))
}

// userValues are what the form of a user is filled with.
func (p *Portal) userValues(ctx context.Context, u readpeople.User) (url.Values, error) {
	values := url.Values{"name": {u.Name}, "email": {u.Email}, "telephone": {u.Telephone}, "role": {string(u.Role)}, "clients": idTexts(u.Clients),
		"locations": idTexts(u.Locations)}
	for _, permission := range u.Permissions {
		values.Add("permissions", string(permission))
	}
	names, err := p.Accounts.Names(ctx, u.ID)
	if err != nil && !errors.Is(err, accounts.ErrNoLogin) {
		return nil, err
	}
	values.Set("username", names.Username)
	return values, nil
}

func idTexts(ids []uuid.UUID) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, id.String())
	}
	return out
}

func (p *Portal) showUserForm(w http.ResponseWriter, r *http.Request, status int, u readpeople.User, f filled) error {
	ctx, v := r.Context(), viewer(r.Context())
	if err := access.MayManage(v, access.ManageUsers); err != nil {
		return err
	}
	page := userForm{filled: f, ID: u.ID, New: u.ID == uuid.Nil, Name: u.Name}
	customer := v.Customer
	switch {
	case u.Customer != nil:
		customer = *u.Customer
	case page.New && !v.OfCustomer():
		customer, _ = uuid.Parse(f.Get("customer")) // none: the agency
		all, err := p.Queries.People.Customers(ctx, v, projections.ListQuery{Limit: mostOfCustomer})
		if err != nil {
			return err
		}
		for _, c := range all.Items {
			page.Organisations = append(page.Organisations, forms.Option{Value: c.ID.String(), Label: c.Name})
		}
	}
	roles := slices.Clone(people.AgencyRoles)
	switch {
	case customer != uuid.Nil:
		roles = people.CustomerRoles
	case u.Role == domain.Interpreter:
		roles = []domain.Role{domain.Interpreter} // the account names its interpreter, and goes on doing so
	case !page.New:
		roles = slices.DeleteFunc(roles, func(r domain.Role) bool { return r == domain.Interpreter })
	}
	page.Roles = p.in(r.Context()).roleOptions(roles)
	if customer != uuid.Nil {
		c, found, err := p.Queries.People.Customer(ctx, v, customer)
		if err != nil {
			return err
		}
		if !found {
			return notFound()
		}
		page.Customer, page.CustomerName = customer.String(), c.Name
		if page.Clients, page.Locations, err = p.placesOf(ctx, customer); err != nil {
			return err
		}
		for _, permission := range people.Permissions {
			if !v.OfCustomer() || v.May(permission) || slices.Contains(u.Permissions, permission) {
				page.Permissions = append(page.Permissions, forms.Option{Value: string(permission), Label: p.in(r.Context()).say("may." + string(permission))})
			}
		}
	}
	title := "users.new"
	if !page.New {
		title = "users.change"
	}
	return p.render(w, r, status, "userform", title, page)
}

// createUser makes a user. With a link, the next page shows it once; an issued password is changed at the first sign-in (II-03).
func (p *Portal) createUser(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "create-user")
	if err != nil {
		return err
	}
	f := r.PostForm
	made, err := p.addUser(r.Context(), req, f)
	if no := correctable(err); no != nil {
		return p.showUserForm(w, r, no.Status, readpeople.User{}, filled{f, no})
	}
	if err != nil {
		return err
	}
	if f.Get("way") == byPassword {
		return p.done(w, r, userPath(made.ID), "create-user", made.Position)
	}
	if err := p.handOut(w, r, made.ID); err != nil {
		return err
	}
	return p.done(w, r, userPath(made.ID)+"/link", "create-user", made.Position)
}

func (p *Portal) addUser(ctx context.Context, req commands.Request, f url.Values) (commands.Made, error) {
	account := people.Account{Name: domain.Personal(f.Get("name")), Email: domain.Personal(f.Get("email")), Telephone: domain.Personal(f.Get("telephone")),
		Role: domain.Role(f.Get("role"))}
	var err error
	if s := f.Get("customer"); s != "" {
		if account.Customer, err = clientIn(s); err != nil {
			return commands.Made{}, domain.Invalid(domain.FieldError{Location: "body.customer", Message: "fault.of-the-list"})
		}
	}
	if account.Customer != uuid.Nil || req.Viewer.OfCustomer() {
		if account.Clients, err = idsIn(f["clients"], "clients"); err != nil {
			return commands.Made{}, err
		}
		if account.Locations, err = idsIn(f["locations"], "locations"); err != nil {
			return commands.Made{}, err
		}
		for _, permission := range f["permissions"] {
			account.Permissions = append(account.Permissions, domain.Permission(permission))
		}
	}
	if account.Role == domain.Interpreter {
		if account.Interpreter, err = parseInterpreter(strings.ToUpper(f.Get("interpreter")), "body.interpreter"); err != nil {
			return commands.Made{}, err
		}
	}
	in := commands.UserIn{Username: f.Get("username"), Account: account}
	if f.Get("way") != byPassword {
		return p.Commands.AddUser(ctx, req, in)
	}
	if in.Password = f.Get("password"); in.Password == "" {
		return commands.Made{}, domain.Invalid(domain.FieldError{Location: "body.password", Message: "fault.required"})
	}
	made, err := p.Commands.AddUser(ctx, req, in)
	if err != nil {
		return made, err
	}
	return made, p.Accounts.SetPassword(ctx, made.ID, in.Password, true) // it was issued: the user chooses another
}

// changeUser changes what a form changed.
func (p *Portal) changeUser(w http.ResponseWriter, r *http.Request) error {
	u, err := p.userAt(r)
	if err != nil {
		return err
	}
	req, err := p.request(r, "change-user")
	if err != nil {
		return err
	}
	done, again, err := p.sendEdits(r, req, func() (url.Values, uint64, error) {
		u, err := p.userAt(r)
		if err != nil {
			return nil, 0, err
		}
		values, err := p.userValues(r.Context(), u)
		return values, u.Revision, err
	}, func(req commands.Request) (commands.Changed, error) { return p.sendUser(r, req, u) })
	if err != nil {
		return err
	}
	if again.Refusal != nil {
		return p.showUserForm(w, r, again.Refusal.Status, u, again)
	}
	return p.done(w, r, userPath(u.ID), "change-user", done.Position)
}

func (p *Portal) sendUser(r *http.Request, req commands.Request, u readpeople.User) (commands.Changed, error) {
	e := editsIn(r.PostForm)
	change := people.ChangeUser{User: u.ID, Name: e.text("name"), Email: e.text("email"), Telephone: e.text("telephone")}
	if role := e.text("role"); role != nil {
		change.Role = (*domain.Role)(role)
	}
	if u.Customer != nil {
		var err error
		if change.Clients, err = e.ids("clients"); err != nil {
			return commands.Changed{}, err
		}
		if change.Locations, err = e.ids("locations"); err != nil {
			return commands.Changed{}, err
		}
		if list := e.list("permissions"); list != nil {
			permissions := make([]domain.Permission, len(*list))
			for i, s := range *list {
				permissions[i] = domain.Permission(s)
			}
			change.Permissions = &permissions
		}
	}
	return p.Commands.ChangeUser(r.Context(), req, e.text("username"), change)
}

// disableUser bars a user, whose sessions end at once; enableUser lets the user sign in again.
func (p *Portal) disableUser(w http.ResponseWriter, r *http.Request) error {
	return p.setDisabled(w, r, true)
}

func (p *Portal) enableUser(w http.ResponseWriter, r *http.Request) error {
	return p.setDisabled(w, r, false)
}

func (p *Portal) setDisabled(w http.ResponseWriter, r *http.Request, disabled bool) error {
	u, err := p.userAt(r)
	if err != nil {
		return err
	}
	req, err := p.request(r, "change-user")
	if err != nil {
		return err
	}
	if u.ID == req.Viewer.User {
		return domain.Conflict("own-account", "%s", p.in(r.Context()).say("users.not-self"))
	}
	done, err := p.Commands.ChangeUser(r.Context(), req, nil, people.ChangeUser{User: u.ID, Disabled: &disabled})
	if err != nil {
		return err
	}
	key := "enable-user"
	if disabled {
		key = "disable-user"
	}
	return p.done(w, r, userPath(u.ID), key, done.Position)
}

// linkCookie carries a one-time link from the form that made it to the page that shows it, once: addresses are kept in histories and logs.
const linkCookie = "dragoman_link"

// linkSeconds is how long the page may take to be shown.
const linkSeconds = 120

type linkPage struct {
	User readpeople.User
	Link string // empty: it was shown already
}

// userLink shows a one-time link, once.
func (p *Portal) userLink(w http.ResponseWriter, r *http.Request) error {
	u, err := p.userAt(r)
	if err != nil {
		return err
	}
	if err := access.MayManage(viewer(r.Context()), access.ManageUsers); err != nil {
		return err
	}
	page := linkPage{User: u}
	if c, err := r.Cookie(linkCookie); err == nil && c.Value != "" {
		page.Link = p.address(r) + passwordLinkPath + "?token=" + url.QueryEscape(c.Value)
		http.SetCookie(w, p.linkCookie(u.ID, "", -1))
	}
	return p.render(w, r, http.StatusOK, "userlink", "users.link", page)
}

// makeLink makes a new one-time link for a user; the one before is worth nothing then.
func (p *Portal) makeLink(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	u, err := p.userAt(r)
	if err != nil {
		return err
	}
	if err := access.MayManage(v, access.ManageUsers); err != nil {
		return err
	}
	if !mayStandFor(v, u) {
		return domain.Forbidden("not-permitted", "%s", p.in(r.Context()).say("users.link-not"))
	}
	if err := p.handOut(w, r, u.ID); err != nil {
		return err
	}
	http.Redirect(w, r, userPath(u.ID)+"/link", http.StatusSeeOther)
	return nil
}

// handOut makes a one-time link and gives it to the page that shows it.
func (p *Portal) handOut(w http.ResponseWriter, r *http.Request, user uuid.UUID) error {
	token, err := p.Accounts.CreatePasswordToken(r.Context(), user)
	if errors.Is(err, accounts.ErrNoLogin) {
		return notFound()
	}
	if err != nil {
		return err
	}
	http.SetCookie(w, p.linkCookie(user, token, linkSeconds))
	return nil
}

func (p *Portal) linkCookie(user uuid.UUID, value string, seconds int) *http.Cookie {
	return &http.Cookie{Name: linkCookie, Value: value, Path: userPath(user) + "/link", MaxAge: seconds, HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteStrictMode}
}

// address is where this deployment was asked.
func (p *Portal) address(r *http.Request) string {
	if p.Secure {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
