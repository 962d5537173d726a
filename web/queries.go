package web

import (
	domainaccess "github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/access"
	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/calendar"
	"github.com/dragoman-booking/dragoman/projections/candidates"
	"github.com/dragoman-booking/dragoman/projections/dashboard"
	"github.com/dragoman-booking/dragoman/projections/history"
	"github.com/dragoman-booking/dragoman/projections/invoices"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/messages"
	"github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/settings"
	"github.com/dragoman-booking/dragoman/projections/timers"
)

// Queries are all questions that pages ask.
type Queries struct {
	Access    access.Queries
	People    people.Queries
	Settings  settings.Queries
	Jobs      jobs.Queries
	Calendar  calendar.Queries
	Activity  activity.Queries
	Dashboard dashboard.Queries
	Messages  messages.Queries
	Invoices  invoices.Queries
	Timers    timers.Queries
	History   history.Queries

	Candidates candidates.Queries
}

// QueriesOn are the questions of these read models. History reads the log and is made apart; sub makes the analysts' pseudonyms.
func QueriesOn(m *projections.Models, h history.Queries, sub domainaccess.Substitute) Queries {
	return Queries{Access: access.Queries{Models: m}, People: people.Queries{Models: m}, Settings: settings.Queries{Models: m},
		Jobs: jobs.Queries{Models: m, Substitute: sub}, Calendar: calendar.Queries{Models: m, Substitute: sub}, Activity: activity.Queries{Models: m},
		Dashboard: dashboard.Queries{Models: m}, Messages: messages.Queries{Models: m}, Invoices: invoices.Queries{Models: m},
		Timers: timers.Queries{Models: m}, History: h, Candidates: candidates.Queries{Models: m}}
}
