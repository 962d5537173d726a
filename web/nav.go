package web

import (
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// nav is the header's menus: only what the viewer may use is in it (II-04).
type nav struct {
	Book  bool // may make a booking
	Lists []link
	More  []link
}

type link struct{ Href, Text string } // Text is a key of the texts

func navFor(v access.Viewer) nav {
	n := nav{Book: access.MayBook(v) == nil}
	for _, list := range jobs.Lists() {
		n.Lists = append(n.Lists, link{"/jobs?list=" + list, "list." + list})
	}
	n.Lists = append(n.Lists, link{"/jobs", "list.all"})
	add := func(area access.Area, href, text string) {
		if access.MayManage(v, area) == nil {
			n.More = append(n.More, link{href, text})
		}
	}
	if v.Role == domain.Interpreter {
		n.Lists = nil
		n.More = append(n.More, link{"/offers", "nav.offers"}, link{"/my-jobs", "nav.my-jobs"}, link{"/timesheets", "nav.timesheets"}, link{"/diary", "nav.diary"})
		return n
	}
	n.More = append(n.More, link{"/calendar", "nav.calendar"})
	if v.Role == domain.Assigner || v.Role == domain.Admin {
		n.More = append(n.More, link{"/queue", "nav.queue"})
	}
	add(access.ReadInterpreters, "/interpreters", "nav.interpreters")
	if !v.OfCustomer() {
		add(access.ReadCustomers, "/customers", "nav.customers")
	}
	add(access.ReadUsers, "/users", "nav.users")
	add(access.ReadInvoices, "/invoices", "nav.invoices")
	add(access.ReadSettings, "/settings", "nav.settings")
	add(access.ReadStatus, "/status", "nav.status")
	return n
}
