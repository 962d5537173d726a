package story

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Pages are the lives of many bookings, running side by side as they do in an agency, cut into so many pages of so many events. A life is
// eight events: created, offered, accepted, assigned, a message, an ETA, hours submitted and agreed.
func Pages(t testing.TB, size, count int) []eventschema.Page {
	t.Helper()
	told := Tell()
	template := told.lifeOf()
	const beside = 2000 // bookings that live at the same time
	var page eventschema.Page
	var pages []eventschema.Page
	n := uint64(len(told.Page))
	add := func(r eventschema.Recorded) {
		n++
		r.Position = eventschema.Position{Commit: 100 * n, Prepare: 100*n - 1}
		r.ID = uuid.NewSHA1(domain.Namespace, fmt.Appendf(nil, "%d", n))
		if page = append(page, r); len(page) == size {
			pages, page = append(pages, page), nil
		}
	}
	for _, r := range told.Page[:len(told.Page)-len(template)] {
		add(r)
	}
	for first := 0; len(pages) < count; first += beside {
		for step := range template {
			for i := range beside {
				if len(pages) < count {
					add(another(template[step], first+i))
				}
			}
		}
	}
	return pages
}

// lifeOf tells one life and answers with its events.
func (t *Told) lifeOf() eventschema.Page {
	before := len(t.Page)
	job := t.Book(At("2020-03-24T15:46"), Requestor, t.Wish("2020-03-26T10:00"))
	do := func(at string, c booking.Command) { t.Do(At(at), Assigner, job.ID, c) }
	do("2020-03-24T15:48", booking.SendOffer{Job: job.ID, Interpreters: []uuid.UUID{Ana, Ben}})
	do("2020-03-24T15:58", booking.AcceptOffer{Job: job.ID, Interpreter: Ana})
	do("2020-03-24T15:59", booking.Assign{Job: job.ID, Interpreter: Ana})
	do("2020-03-25T09:00", booking.PostMessage{Job: job.ID, Text: "Please use the back door."})
	do("2020-03-25T10:00", booking.ChangeEta{Job: job.ID, ETA: "2020-03-26T11:00", AgreedBy: "Jo Bloggs"})
	do("2020-03-26T13:17", booking.SubmitTimesheet{Job: job.ID, Side: booking.CustomerSide, Blocks: []booking.BlockIn{{Start: "2020-03-26T11:00", End: "2020-03-26T12:00"}}})
	do("2020-03-26T13:18", booking.AcceptTimesheet{Job: job.ID, Side: booking.InterpreterSide})
	return t.Page[before:]
}

// another is the same event in another booking's life.
func another(r eventschema.Recorded, i int) eventschema.Recorded {
	of := func(what string) uuid.UUID { return uuid.NewSHA1(domain.Namespace, fmt.Appendf(nil, "%s/%d", what, i)) }
	job, later := of("job"), time.Duration(i)*time.Minute
	r.Stream = eventschema.BookingStream(of("booking"))
	r.Meta.At = r.Meta.At.Add(later)
	switch e := r.Event.(type) {
	case booking.Created:
		e.Booking, e.Ref, e.Key = of("booking"), fmt.Sprint("B", i), of("key")
		n := e.Jobs[0]
		n.ID, n.Ref, n.Schedule.Start = job, fmt.Sprint("DTP", 2000000+i), n.Schedule.Start.Add(later)
		e.Jobs = []booking.NewJob{n}
		r.Event = e
	case booking.OfferSent:
		e.Job = job
		r.Event = e
	case booking.OfferAccepted:
		e.Job = job
		r.Event = e
	case booking.Assigned:
		e.Job = job
		r.Event = e
	case booking.MessagePosted:
		e.Job = job
		r.Event = e
	case booking.EtaChanged:
		e.Job = job
		r.Event = e
	case booking.TimesheetSubmitted:
		e.Job = job
		r.Event = e
	case booking.TimesheetAccepted:
		e.Job = job
		r.Event = e
	}
	return r
}
