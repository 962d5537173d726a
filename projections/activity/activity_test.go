package activity_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/story"
)

func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	story.CheckProjector(t, activity.Projector{})
}

var later = story.At("2020-06-01T12:00")

func notes(t *testing.T, s *story.Schema, v access.Viewer, ref string) (found []activity.Note, err error) {
	t.Helper()
	err = s.Ask(func(tx pgx.Tx) error {
		found, err = activity.Notes(t.Context(), tx, v, ref)
		return err
	})
	return found, err
}

func texts(found []activity.Note) (all []string) {
	for _, n := range found {
		all = append(all, n.Text)
	}
	return all
}

func same(t *testing.T, what string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// The seed's job DTP1389466, told by its commands.
func seed() (*story.Told, uuid.UUID) {
	s := story.Tell()
	wish := s.Wish("2020-03-26T10:00")
	wish.JobRefs = []string{"DTP1389466"}
	job := s.Book(story.At("2020-03-24T15:46"), story.Requestor, wish).ID
	do := func(at string, c booking.Command) { s.Do(story.At(at), story.Assigner, job, c) }
	ana := []uuid.UUID{story.Ana}
	do("2020-03-24T15:47", booking.SendOffer{Job: job, Interpreters: ana})
	do("2020-03-24T15:47", booking.RevokeOffer{Job: job, Interpreter: story.Ana})
	do("2020-03-24T15:48", booking.SendOffer{Job: job, Interpreters: ana})
	do("2020-03-24T15:58", booking.AcceptOffer{Job: job, Interpreter: story.Ana})
	do("2020-03-24T15:59", booking.Assign{Job: job, Interpreter: story.Ana})
	do("2020-03-24T18:04", booking.Unassign{Job: job, Interpreter: story.Ana, Reason: "no longer available"})
	do("2020-03-25T10:34", booking.AcceptOffer{Job: job, Interpreter: story.Ben, ByStaff: true})
	do("2020-03-25T10:40", booking.Assign{Job: job, Interpreter: story.Ben})
	do("2020-04-15T08:40", booking.ChangeEta{Job: job, ETA: "2020-03-26T16:00", AgreedBy: "Jo Bloggs"})
	do("2020-05-01T13:17", booking.SubmitTimesheet{Job: job, Side: booking.CustomerSide, Blocks: []booking.BlockIn{{Start: "2020-03-26T16:00", End: "2020-03-26T17:00"}}})
	do("2020-05-01T13:18", booking.AcceptTimesheet{Job: job, Side: booking.InterpreterSide})
	return s, job
}

// LL-95: fifteen notes, newest first, texts and stamps to the letter.
func TestTheSeedsHistory(t *testing.T) {
	t.Parallel()
	told, _ := seed()
	s := story.Filled(t, activity.Projector{}, told.Page)
	london, _ := time.LoadLocation(story.Zone)
	for name, v := range map[string]access.Viewer{
		"requestor": story.As(story.Rita, later), "assigner": story.As(story.Sam, later), "auditor": story.InRole(domain.Auditor, later),
		"narrowed": story.As(story.Nora, later), "finance": story.As(story.Fay, later),
	} {
		found, err := notes(t, s, v, "DTP1389466")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range found {
			got = append(got, n.At.In(london).Format("02/01/2006 15:04 ")+n.Text)
		}
		same(t, name, []string{
			"01/05/2020 13:18 DTP1389466 changed from ongoing to complete: success",
			"01/05/2020 13:17 DTP1389466 changed from assigned to ongoing",
			"15/04/2020 08:40 DTP1389466 ETA has changed to 26/03/2020 16:00:00",
			"25/03/2020 10:40 DTP1389466 changed from new to assigned",
			"25/03/2020 10:40 Assigned LIN/5466/5J71X to job DTP1389466",
			"25/03/2020 10:34 LIN/5466/5J71X accepted job offer for DTP1389466",
			"24/03/2020 18:04 DTP1389466 changed from assigned to new",
			"24/03/2020 18:04 Unassigned LIN/5455/5J71Y from job DTP1389466",
			"24/03/2020 15:59 DTP1389466 changed from new to assigned",
			"24/03/2020 15:59 Assigned LIN/5455/5J71Y to job DTP1389466",
			"24/03/2020 15:58 LIN/5455/5J71Y accepted job offer for DTP1389466",
			"24/03/2020 15:48 Sent job offer to LIN/5455/5J71Y for job DTP1389466",
			"24/03/2020 15:47 Revoked job offer to LIN/5455/5J71Y for job DTP1389466",
			"24/03/2020 15:47 Sent job offer to LIN/5455/5J71Y for job DTP1389466",
			"24/03/2020 15:46 DTP1389466 Created",
		}, got)
	}
	found, err := notes(t, s, story.As(story.Sam, later), "DTP1389466")
	if err != nil {
		t.Fatal(err)
	}
	if n := found[4]; n.Kind != "assigned" || n.Params["lin"] != "LIN/5466/5J71X" || n.Params["job"] != "DTP1389466" || n.Position != found[3].Position ||
		n.EventID != found[3].EventID || n.EventID == uuid.Nil {
		t.Errorf("the assignment is told as %+v", n)
	}
	if n := found[0]; n.Params["from"] != "ongoing" || n.Params["to"] != "complete" || n.Params["outcome"] != "success" {
		t.Errorf("the completion is told as %+v", n)
	}
}

func TestAnInterpreterReadsTheOwnNotes(t *testing.T) {
	t.Parallel()
	told, _ := seed()
	s := story.Filled(t, activity.Projector{}, told.Page)
	found, err := notes(t, s, story.As(story.Ben, later), "DTP1389466")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Ben", []string{
		"Assigned LIN/5466/5J71X to job DTP1389466",
		"LIN/5466/5J71X accepted job offer for DTP1389466",
	}, texts(found))
	found, err = notes(t, s, story.As(story.Ana, later), "DTP1389466")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 6 || slices.ContainsFunc(found, func(n activity.Note) bool { return n.Params["lin"] != story.LINAna }) {
		t.Errorf("Ana reads %q", texts(found))
	}
}

// Who may not know the job gets the answer of a job that is not there; who knows it and reads no notes is told so.
func TestWhoReadsNoNotes(t *testing.T) {
	t.Parallel()
	told, _ := seed()
	court := told.Wish("2020-03-26T10:00")
	court.Location = story.Court
	ofSouth := told.Book(story.At("2020-03-24T15:46"), story.Requestor, court)
	typed := told.Wish("2020-03-26T10:00")
	typed.Location, typed.Address = uuid.Nil, &booking.Address{Line1: "Flat 3", Town: "Hull", Postcode: "HU1 1AA"}
	nowhere := told.Book(story.At("2020-03-24T15:46"), domain.Actor{Role: domain.Requestor, ID: story.Nora}, typed)
	told.Do(story.At("2020-03-24T15:50"), story.Assigner, ofSouth.ID, booking.DeclineOffer{Job: ofSouth.ID, Interpreter: story.Cleo, ByStaff: true})
	s := story.Filled(t, activity.Projector{}, told.Page)
	unknown, forbidden := &domain.Refusal{Code: "not-found"}, &domain.Refusal{Code: "not-permitted"}
	guest := access.Viewer{Role: domain.Guest, Now: later}
	for name, c := range map[string]struct {
		v    access.Viewer
		ref  string
		want error
	}{
		"another customer":             {story.As(story.Omar, later), "DTP1389466", unknown},
		"narrowed to another client":   {story.As(story.Nora, later), ofSouth.Ref, unknown},
		"narrowed, the own booking":    {story.As(story.Nora, later), nowhere.Ref, nil},
		"never asked":                  {story.As(story.Cleo, later), "DTP1389466", unknown},
		"declined without being asked": {story.As(story.Cleo, later), ofSouth.Ref, unknown},
		"an interpreter without a LIN": {access.Viewer{Role: domain.Interpreter, Interpreter: story.Cleo, Now: later}, "DTP1389466", unknown},
		"guest":                        {guest, "DTP1389466", unknown},
		"no such job":                  {story.As(story.Sam, later), "DTP7", unknown},
		"analyst":                      {story.InRole(domain.Analyst, later), "DTP1389466", forbidden},
		"safeguarding":                 {story.InRole(domain.Safeguarding, later), "DTP1389466", nil},
	} {
		if _, err := notes(t, s, c.v, c.ref); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Every command that has no LiveLINK text says something in our words; what nobody did says nothing.
func TestOurOwnWords(t *testing.T) {
	t.Parallel()
	s := story.Tell()
	wish := s.Wish("2020-03-26T10:00")
	wish.JobRefs = []string{"DTP1", "DTP2"}
	wish.Interpreters = 2
	booked := s.Book(story.At("2020-03-24T09:00"), story.Requestor, wish)
	job, other := booked.ID, s.State(wish.Booking).Jobs[1].ID
	now := story.At("2020-03-24T09:00")
	do := func(c booking.Command) {
		now = now.Add(time.Minute)
		s.Do(now, story.Assigner, job, c)
	}
	hours := []booking.BlockIn{{Start: "2020-03-27T11:30", End: "2020-03-27T12:30"}}
	two, none := 2, 0
	start := "2020-03-27T11:00"
	do(booking.Take{Job: job})
	do(booking.LetGo{Job: job})
	do(booking.SendOffer{Job: job, Interpreters: []uuid.UUID{story.Cleo}})
	now = story.At("2020-03-25T12:00")
	do(booking.LapseOffer{Job: job, Interpreter: story.Cleo})
	do(booking.SendOffer{Job: job, Interpreters: []uuid.UUID{story.Ana, story.Ben}})
	do(booking.AcceptOffer{Job: job, Interpreter: story.Ana})
	do(booking.EndHold{Job: job, Interpreter: story.Ana, Elsewhere: other})
	do(booking.SendOffer{Job: job, Interpreters: []uuid.UUID{story.Ana}})
	do(booking.DeclineOffer{Job: job, Interpreter: story.Ben, Reason: "ill"})
	do(booking.Edit{Job: job, Scope: "this", Start: &start, Hours: &two, Minutes: &none})
	uk := "uk"
	do(booking.Edit{Job: job, Scope: "this", Language: &uk})
	do(booking.ProposeEta{Job: job, ETA: "2020-03-27T11:15"})
	do(booking.DeclineEta{Job: job})
	do(booking.ProposeEta{Job: job, ETA: "2020-03-27T11:30"})
	do(booking.AgreeEta{Job: job})
	do(booking.PostMessage{Job: job, Text: "secret"})
	do(booking.LogContact{Job: job, Kind: "call", Text: "secret"})
	do(booking.VoidReservation{Job: job, Reservation: story.Ana})
	do(booking.Assign{Job: job, Interpreter: story.Cleo})
	now = story.At("2020-03-27T14:00")
	do(booking.SubmitTimesheet{Job: job, Side: booking.CustomerSide, Blocks: hours})
	do(booking.DisputeTimesheet{Job: job, Side: booking.InterpreterSide, Reason: "secret"})
	do(booking.SubmitTimesheet{Job: job, Side: booking.CustomerSide, Blocks: hours})
	do(booking.AcceptTimesheet{Job: job, Side: booking.InterpreterSide})
	do(booking.ErasePerson{Reason: "subject-request"})
	filled := story.Filled(t, activity.Projector{}, s.Page)
	found, err := notes(t, filled, story.As(story.Sam, later), "DTP1")
	if err != nil {
		t.Fatal(err)
	}
	got := texts(found)
	slices.Reverse(got)
	same(t, "the job's own notes, oldest first", []string{
		"DTP1 Created", "DTP1 taken", "DTP1 released",
		"Sent job offer to LIN/5477/5J71Z for job DTP1", "Sent job offer to LIN/5455/5J71Y for job DTP1", "Sent job offer to LIN/5466/5J71X for job DTP1",
		"LIN/5455/5J71Y accepted job offer for DTP1",
		"Sent job offer to LIN/5455/5J71Y for job DTP1", "LIN/5466/5J71X declined job offer for DTP1",
		"DTP1 edited", "Revoked job offer to LIN/5455/5J71Y for job DTP1", "Sent job offer to LIN/5455/5J71Y for job DTP1",
		"DTP1 edited", "Revoked job offer to LIN/5455/5J71Y for job DTP1",
		"ETA 27/03/2020 11:15:00 proposed for DTP1", "Proposed ETA declined for DTP1",
		"ETA 27/03/2020 11:30:00 proposed for DTP1", "DTP1 ETA has changed to 27/03/2020 11:30:00",
		"Admin message posted for DTP1", "Contact logged for DTP1",
		"Assigned LIN/5477/5J71Z to job DTP1", "DTP1 changed from new to assigned",
		"DTP1 changed from assigned to ongoing", "Timesheet disputed for DTP1", "Timesheet submitted for DTP1",
		"DTP1 changed from ongoing to complete: success",
	}, got)
}

// The window is printed by the clock of the job's place, and outcomes with spaces.
func TestEndingsAndContinuations(t *testing.T) {
	t.Parallel()
	s := story.Tell()
	now := story.At("2020-07-24T09:00")
	for i, c := range []struct {
		end  func(job uuid.UUID) booking.Command
		note string
	}{
		{func(j uuid.UUID) booking.Command { return booking.Cancel{Job: j, AuthorisedBy: "Jo"} }, "changed from assigned to cancelled"},
		{func(j uuid.UUID) booking.Command {
			return booking.Close{Job: j, Outcome: domain.ClientNoShow}
		}, "changed from assigned to complete: client no show"},
		{func(j uuid.UUID) booking.Command {
			return booking.Close{Job: j, Outcome: domain.Curtailed, Start: "2020-07-30T10:00", End: "2020-07-30T10:20"}
		}, "changed from assigned to complete: curtailed"},
	} {
		job := s.Book(now, story.Requestor, s.Wish(fmt.Sprintf("2020-07-30T%02d:00", 10+4*i)))
		s.Do(now, story.Assigner, job.ID, booking.Assign{Job: job.ID, Interpreter: story.Ana})
		s.Do(story.At("2020-08-01T09:00"), story.Assigner, job.ID, c.end(job.ID))
		filled := story.Filled(t, activity.Projector{}, s.Page)
		found, err := notes(t, filled, story.As(story.Sam, later), job.Ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := found[0].Text; got != job.Ref+" "+c.note {
			t.Errorf("%s, want %s", got, c.note)
		}
	}

	job := s.Book(now, story.Requestor, s.Wish("2020-07-31T10:00"))
	s.Do(now, story.Assigner, job.ID, booking.Assign{Job: job.ID, Interpreter: story.Ana})
	s.Do(story.At("2020-08-01T09:00"), story.Assigner, job.ID, booking.Continue{Job: job.ID, Ref: "DTP77", Side: booking.CustomerSide,
		Blocks: []booking.BlockIn{{Start: "2020-07-31T16:00", End: "2020-07-31T17:00"}}})
	filled := story.Filled(t, activity.Projector{}, s.Page)
	found, err := notes(t, filled, story.As(story.Rita, later), "DTP77")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the continuation", []string{"DTP77 changed from assigned to ongoing", "DTP77 changed from new to assigned",
		"Assigned LIN/5455/5J71Y to job DTP77", "DTP77 Created"}, texts(found))
	found, err = notes(t, filled, story.As(story.Rita, later), job.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if got := found[0].Text; got != job.Ref+" continued in DTP77" {
		t.Errorf("the continued job says %q", got)
	}
}

// Two notes in one second still stand in the order of the log (LL-78), also when the position's commit parts are equal.
func TestOrderIsThatOfTheLog(t *testing.T) {
	t.Parallel()
	told, _ := seed()
	page := slices.Clone(told.Page)
	for i := range page {
		page[i].Meta.At = story.At("2020-03-24T15:46")
		page[i].Position.Commit = 7
	}
	s := story.Filled(t, activity.Projector{}, page)
	found, err := notes(t, s, story.As(story.Sam, later), "DTP1389466")
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(found); got[0] != "DTP1389466 changed from ongoing to complete: success" || got[14] != "DTP1389466 Created" {
		t.Errorf("in the order %q", got)
	}
}
