package web

import (
	"slices"
	"strconv"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// jobColumn is a column of a table of jobs.
type jobColumn struct {
	Name   string // as in the HTTP contract: lists are sorted and filtered by it
	Filter string // what its header asks for: text, day, status, service, party, step; empty: it is not filtered by
	class  access.Class
	text   func(*tongue, jobs.Item) string
	at     func(jobs.Item) time.Time // instead of text, in the job's own zone
	speak  *tongue                   // once it is somebody's column
}

// jobColumns are all columns there are, in the order in which they stand in a table.
var jobColumns = []jobColumn{
	{Name: "ref", Filter: "text", class: access.Basics, text: func(_ *tongue, i jobs.Item) string { return i.Ref }},
	{Name: "bookingRef", Filter: "text", class: access.Basics, text: func(_ *tongue, i jobs.Item) string { return i.BookingRef }},
	{Name: "address1", Filter: "text", class: access.FullAddress, text: func(_ *tongue, i jobs.Item) string { return i.Address1 }},
	{Name: "location", Filter: "text", class: access.LocationName, text: func(_ *tongue, i jobs.Item) string { return i.Location.Name }},
	{Name: "town", Filter: "text", class: access.Basics, text: func(_ *tongue, i jobs.Item) string { return i.Town }},
	{Name: "start", Filter: "day", class: access.Basics, at: func(i jobs.Item) time.Time { return i.Start }},
	{Name: "eta", Filter: "day", class: access.Basics, at: func(i jobs.Item) time.Time { return i.ETA }},
	{Name: "end", Filter: "day", class: access.Basics, at: func(i jobs.Item) time.Time { return i.End }},
	{Name: "durationMinutes", class: access.Basics, text: func(s *tongue, i jobs.Item) string { return s.length(i.DurationMinutes) }},
	{Name: "reportTo", Filter: "text", class: access.ReportTo, text: func(_ *tongue, i jobs.Item) string { return i.ReportTo }},
	{Name: "nonEnglishSpeaker", Filter: "text", class: access.Speaker, text: func(_ *tongue, i jobs.Item) string { return i.NonEnglishSpeaker }},
	{Name: "language", Filter: "text", class: access.Basics, text: func(_ *tongue, i jobs.Item) string { return languageOf(i) }},
	{Name: "serviceType", Filter: "service", class: access.Basics, text: func(s *tongue, i jobs.Item) string { return s.serviceName(i.ServiceType) }},
	{Name: "customer", Filter: "text", class: access.Progress, text: func(_ *tongue, i jobs.Item) string { return i.Customer.Name }},
	{Name: "client", Filter: "text", class: access.Progress, text: func(_ *tongue, i jobs.Item) string { return i.Client.Name }},
	{Name: "interpreter", Filter: "text", class: access.InterpreterIdentity, text: func(_ *tongue, i jobs.Item) string { return interpreterOf(i) }},
	{Name: "createdBy", Filter: "text", class: access.People, text: func(_ *tongue, i jobs.Item) string { return i.CreatedBy.Name }},
	{Name: "createdAt", Filter: "day", class: access.Progress, at: func(i jobs.Item) time.Time { return i.CreatedAt }},
	{Name: "waitingOn", Filter: "party", class: access.Progress, text: func(_ *tongue, i jobs.Item) string { return i.WaitingOn }},
	{Name: "nextStep", Filter: "step", class: access.Progress, text: func(_ *tongue, i jobs.Item) string { return i.NextStep }},
	{Name: "status", Filter: "status", class: access.Basics, text: func(_ *tongue, i jobs.Item) string { return string(i.Status) }},
}

// nineColumns are those of every list of jobs, in this order (LL-10, LL-118).
var nineColumns = []string{"ref", "address1", "start", "eta", "durationMinutes", "reportTo", "nonEnglishSpeaker", "language", "status"}

func languageOf(i jobs.Item) string {
	if i.LanguageName != "" {
		return i.LanguageName
	}
	return i.Language
}

func interpreterOf(i jobs.Item) string {
	if i.Interpreter.Name == "" {
		return i.Interpreter.LIN
	}
	return i.Interpreter.Name
}

// Text is what stands in the job's cell. A time is the job's own, with its zone where that is not the viewer's.
func (c jobColumn) Text(i jobs.Item, zone string) string {
	if c.at == nil {
		return c.text(c.speak, i)
	}
	at := c.at(i)
	switch {
	case at.IsZero():
		return ""
	case i.TimeZone != zone:
		return at.Format("02/01/2006 15:04 ") + i.TimeZone
	}
	return at.Format("02/01/2006 15:04")
}

// record is the cell as a file carries it: times that sort, lengths in minutes.
func (c jobColumn) record(i jobs.Item) string {
	switch {
	case c.Name == "durationMinutes":
		return strconv.Itoa(i.DurationMinutes)
	case c.Name == "status" && i.Outcome != "":
		return string(i.Status) + ": " + i.Outcome.Words()
	case c.at == nil:
		return c.text(c.speak, i)
	case c.at(i).IsZero():
		return ""
	}
	return c.at(i).Format("2006-01-02 15:04")
}

// standing is how the viewer stands to the jobs of a list, at best.
func standing(v access.Viewer) access.Relation {
	switch {
	case v.OfCustomer():
		return access.Own
	case v.Role == domain.Interpreter:
		return access.Assigned
	}
	return access.Agency
}

// columnsOf are the columns that the viewer reads something of. Whoever reads only substitutes neither sorts nor filters by a column.
func columnsOf(v access.Viewer) []jobColumn {
	var all []jobColumn
	for _, c := range jobColumns {
		switch access.See(v, standing(v), false, c.class) {
		case access.Hidden:
			continue
		case access.Pseudonym:
			c.Filter = ""
		}
		all = append(all, c)
	}
	return all
}

// columnsNamed are the viewer's columns of these names, in the order of the names.
func (s *tongue) columnsNamed(v access.Viewer, names []string) []jobColumn {
	own := columnsOf(v)
	var chosen []jobColumn
	for _, name := range names {
		if i := slices.IndexFunc(own, func(c jobColumn) bool { return c.Name == name }); i >= 0 {
			own[i].speak = s
			chosen = append(chosen, own[i])
		}
	}
	return chosen
}

// sortable tells whether the viewer may sort a list by the column.
func sortable(v access.Viewer, name string) bool {
	i := slices.IndexFunc(jobColumns, func(c jobColumn) bool { return c.Name == name })
	return i >= 0 && access.CanSee(v, standing(v), false, jobColumns[i].class)
}

// defaultColumns are those of the tabular view until the viewer chooses.
func defaultColumns(v access.Viewer) []string {
	switch {
	case v.OfCustomer():
		return []string{"ref", "start", "durationMinutes", "location", "language", "serviceType", "nonEnglishSpeaker", "interpreter", "status"}
	case v.Role == domain.Interpreter:
		return []string{"ref", "start", "eta", "durationMinutes", "town", "language", "serviceType", "status"}
	}
	return []string{"ref", "start", "durationMinutes", "customer", "location", "language", "serviceType", "interpreter", "status"}
}
