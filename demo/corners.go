package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// clinicForm is the second customer's own booking form: it asks for the ward, and its jobs wait for the agency's word.
func clinicForm(of uuid.UUID) forms.Form {
	f := forms.Standard()
	f.ID, f.Name, f.Prefix, f.Initial = "clinic", "Clinic appointment", "CLN", string(domain.Requested)
	ward := forms.Field{Key: "ward", Label: "Ward or clinic", Section: f.Sections[1].Key, Place: forms.Above, Kind: forms.KindText, Required: true,
		Visibility: forms.VisibleAssigned, Personal: forms.NotPersonal, Copied: true, Editable: true, Customers: []uuid.UUID{of},
		Help: "As it is signposted from the main entrance."}
	f.Fields = append(f.Fields, ward)
	return f
}

// corners are one of everything that an office meets less often than a booking: what interpreters say about their time, an answer with another fee, a
// customer's own form and windows, a set of jobs whose change was taken back, and where postcodes are.
func (w *world) corners() error {
	w.at = w.now.Add(-3 * time.Hour)
	for _, part := range []func() error{w.postcodes, w.availability, w.ownForm, w.ownWindows, w.countered, w.undone} {
		if err := part(); err != nil {
			return fmt.Errorf("make the demo's corners: %w", err)
		}
	}
	w.at = w.now
	return nil
}

func (w *world) postcodes() error {
	_, err := w.commands.ImportPostcodes(w.ctx, w.by(w.system, "import-postcodes"), people.ImportPostcodes{
		CSV: strings.Join(districts, "\n"), Source: "Made up for the demo: the middles of a few districts, roughly"})
	return err
}

// availability: some keep office hours, and one of the demo's logins is away for a few days.
func (w *world) availability() error {
	var office []people.WorkingTime
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
		office = append(office, people.WorkingTime{Day: day, From: "08:00", To: "18:00"})
	}
	away := []people.AwayIn{{From: w.day(31).Format(time.DateOnly), To: w.day(36).Format(time.DateOnly), Note: "Visiting my sister"}}
	for _, said := range []struct {
		lin  string
		week []people.WorkingTime
		away []people.AwayIn
	}{
		{interpreters[0].lin, nil, away}, {interpreters[2].lin, office, nil}, {interpreters[4].lin, office, away},
	} {
		id := domain.InterpreterID(said.lin)
		self := access.Viewer{User: id, Role: domain.Interpreter, Interpreter: id, Zone: Zone}
		c := people.SetAvailability{TimeZone: Zone, Week: said.week, Unavailable: said.away}
		if _, err := w.commands.SetAvailability(w.ctx, w.by(self, "set-availability"), c); err != nil {
			return fmt.Errorf("%s: %w", said.lin, err)
		}
	}
	return nil
}

// ownForm gives the second customer a form of its own, with one request that waits and one that was confirmed.
func (w *world) ownForm() error {
	c := w.customers[1]
	if _, err := w.commands.DefineForm(w.ctx, w.by(w.system, "define-form"), "clinic", clinicForm(c.id)); err != nil {
		return err
	}
	books := []string{forms.FaceToFaceID, forms.RemoteID, "clinic"}
	if _, err := w.commands.ChangeCustomer(w.ctx, w.by(w.system, "change-customer"), c.id, people.ChangeCustomer{Settings: &people.SettingsChange{Forms: &books}}); err != nil {
		return err
	}
	for i, ward := range []string{"Ward 14", "Antenatal clinic"} {
		hours, minutes := 1, 0
		made, err := w.commands.CreateBooking(w.ctx, w.by(c.requestor, "create"), "clinic", booking.Create{Customer: c.id, Language: "ur", ServiceType: "face-to-face",
			Location: c.locations[i], Start: w.local(w.day(9 + i)), Hours: &hours, Minutes: &minutes, Fields: map[string][]string{"ward": {ward}, "consumer": {w.pick(speakers)},
				"requestedBy": {names["requestor2"]}, "notificationEmail": {"requestor2@dragoman.example"}}})
		if err != nil {
			return fmt.Errorf("book for %s: %w", ward, err)
		}
		if i == 0 {
			continue
		}
		if err := w.job(w.assigner, made.Jobs[0].Ref, "confirm", func(j booking.Job) booking.Command { return booking.Confirm{Job: j.ID} }); err != nil {
			return err
		}
	}
	return nil
}

// ownWindows: the second customer changes a job until a day before, and cancels until noon of the working day before.
func (w *world) ownWindows() error {
	_, err := w.commands.SetPolicies(w.ctx, w.by(w.system, "set-policies"), w.customers[1].id, people.SetPolicies{
		{At: "body", Command: windows.Edit, Rule: windows.Rule{Unit: windows.Hours, Span: 24, Inclusive: true}},
		{At: "body", Command: windows.Cancel, Rule: windows.Rule{Unit: windows.DayBefore, By: "12:00"}},
	})
	return err
}

// countered is a job that two were asked for: one would come for another fee, and the agency has not answered yet.
func (w *world) countered() error {
	ref, err := w.book(w.customers[0], plan{start: w.day(20), minutes: 120, inPerson: true}, "pl")
	if err != nil {
		return err
	}
	ana, ben := domain.InterpreterID(interpreters[0].lin), domain.InterpreterID(interpreters[1].lin)
	if err := w.job(w.assigner, ref, "send-offer", func(j booking.Job) booking.Command {
		return booking.SendOffer{Job: j.ID, Interpreters: []uuid.UUID{ana, ben}}
	}); err != nil {
		return err
	}
	w.at = w.at.Add(20 * time.Minute)
	self := access.Viewer{User: ben, Role: domain.Interpreter, Interpreter: ben, Zone: Zone}
	return w.job(self, ref, "counter-offer", func(j booking.Job) booking.Command {
		return booking.CounterOffer{Job: j.ID, Interpreter: ben, Fee: &booking.MoneyIn{Amount: "85.00"}, Reason: "It is an hour's drive each way."}
	})
}

// undone is a weekly set of jobs. All of them were to report elsewhere, and that was taken back at once.
func (w *world) undone() error {
	c := w.customers[0]
	ref, err := w.book(c, plan{start: w.day(14), minutes: 60, inPerson: true}, "fa")
	if err != nil {
		return err
	}
	times := 4
	if _, err := w.commands.AddJobs(w.ctx, w.by(c.requestor, "make-recurring"), ref, func(j booking.Job) (booking.Adding, error) {
		return booking.MakeRecurring{Job: j.ID, Frequency: "weekly", Occurrences: &times, ByCustomer: true}, nil
	}); err != nil {
		return fmt.Errorf("repeat %s: %w", ref, err)
	}
	w.at = w.at.Add(10 * time.Minute)
	if err := w.job(c.requestor, ref, "edit", func(j booking.Job) booking.Command {
		return booking.Edit{Job: j.ID, Scope: booking.ScopeAll, ByCustomer: true, Fields: map[string][]string{"reportTo": {"Gate house"}}}
	}); err != nil {
		return err
	}
	w.at = w.at.Add(3 * time.Minute)
	return w.job(c.requestor, ref, "undo", func(j booking.Job) booking.Command { return booking.Undo{Job: j.ID} })
}

// day is ten in the morning, so many days ahead.
func (w *world) day(ahead int) time.Time {
	zone, err := time.LoadLocation(Zone)
	if err != nil {
		panic(err) // zones are embedded
	}
	d := w.now.In(zone).AddDate(0, 0, ahead)
	return time.Date(d.Year(), d.Month(), d.Day(), 10, 0, 0, 0, zone)
}

func (w *world) local(t time.Time) string { return t.Format("2006-01-02T15:04") }
