package web

import (
	"net/url"
	"strings"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// nav is the header's menus: only what the viewer may use is in it (II-04).
type nav struct {
	Home   menu // Dashboard, Create New, Manage Bookings (II-06)
	Book   *link
	Lists  menu   // the seven lists and the tabular view (LL-13); empty for interpreters
	Main   []link // what the role works with every day
	Manage menu   // what is looked after now and then
}

// menu is a list of links that opens; Current tells that one of them is the page itself.
type menu struct {
	Links   []link
	Current bool
}

// link is an entry of a menu. Text is a key of the texts; Current: this is the page.
type link struct {
	Href, Text string
	Current    bool
}

// navFor are the menus of a viewer at an address.
func navFor(v access.Viewer, at *url.URL) nav {
	entry := func(href, text string) link { return link{href, text, isHere(href, at)} }
	add := func(m *menu, href, text string) {
		m.Links = append(m.Links, entry(href, text))
		m.Current = m.Current || isHere(href, at)
	}
	var n nav
	add(&n.Home, "/", "nav.dashboard")
	if access.MayBook(v) == nil {
		book := entry("/book", "nav.book")
		n.Book = &book
		n.Home.Links = append(n.Home.Links, link{"/book", "nav.create", false}) // the page is marked once
	}
	if v.Role == domain.Interpreter {
		n.Main = []link{entry("/offers", "nav.offers"), entry("/my-jobs", "nav.my-jobs"), entry("/timesheets", "nav.timesheets"), entry("/diary", "nav.diary"), entry("/availability", "nav.availability")}
		return n
	}
	n.Home.Links = append(n.Home.Links, link{"/jobs", "nav.bookings", false})
	for _, list := range jobs.Lists() {
		add(&n.Lists, "/jobs?list="+list, "list."+list)
	}
	add(&n.Lists, "/jobs", "list.all")
	n.Main = append(n.Main, entry("/calendar", "nav.calendar"))
	if access.MayManage(v, access.ReadBoard) == nil {
		n.Main = append(n.Main, entry("/queue", "nav.queue"))
	}
	if access.MayManage(v, access.ReadInvoices) == nil {
		n.Main = append(n.Main, entry("/invoices", "nav.invoices"))
	}
	customers := "nav.customers"
	if v.OfCustomer() {
		customers = "nav.organisation" // there is but the own one
	}
	for _, of := range []struct {
		area       access.Area
		href, text string
	}{
		{access.ReadInterpreters, "/interpreters", "nav.interpreters"},
		{access.ReadCustomers, "/customers", customers},
		{access.ReadUsers, "/users", "nav.users"},
		{access.PostNotices, "/notices", "nav.notices"},
		{access.ReadSettings, "/settings", "nav.settings"},
		{access.ReadStatus, "/status", "nav.status"},
	} {
		if access.MayManage(v, of.area) == nil {
			add(&n.Manage, of.href, of.text)
		}
	}
	if len(n.Manage.Links) == 1 { // a menu of one is a link
		n.Main, n.Manage = append(n.Main, n.Manage.Links...), menu{}
	}
	return n
}

// isHere tells whether a link leads to the page at an address, or to the one above it.
func isHere(href string, at *url.URL) bool {
	path, query, _ := strings.Cut(href, "?")
	if path == "/jobs" {
		return at.Path == path && at.Query().Get("list") == strings.TrimPrefix(query, "list=")
	}
	return at.Path == path || path != "/" && strings.HasPrefix(at.Path, path+"/")
}
