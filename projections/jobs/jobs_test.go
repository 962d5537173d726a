package jobs_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/projtest"
	"github.com/dragoman-booking/dragoman/projections/story"
)

func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	story.CheckProjector(t, jobs.Projector{})
}

// Through the runner, in pages as it cuts them, and through the live generation.
func TestThroughTheRunner(t *testing.T) {
	t.Parallel()
	told := story.Tell()
	job := told.Book(noon, story.Requestor, told.Wish("2020-03-26T10:00"))
	told.Do(noon, story.Assigner, job.ID, booking.SendOffer{Job: job.ID, Interpreters: []uuid.UUID{story.Ana}})
	log := projtest.NewLog(2)
	for _, r := range told.Page {
		log.AppendRecorded(r.Stream, r)
	}
	b := projtest.Start(t, log, jobs.Projector{}, activity.Projector{})
	b.Await(t, log.Events().Last().Position, jobs.Name, activity.Name)
	q, notes := jobs.Queries{Models: b.Models}, activity.Queries{Models: b.Models}

	page, err := q.List(t.Context(), story.As(story.Rita, noon), jobs.Filter{List: jobs.Unassigned})
	if err != nil || page.Total != 1 || page.Items[0].Ref != job.Ref || page.Items[0].WaitingOn != jobs.Interpreter {
		t.Errorf("listed %+v, %v", page, err)
	}
	d, err := q.Get(t.Context(), story.As(story.Ana, noon), job.Ref)
	if err != nil || len(d.Offers) != 1 || d.Status != domain.New {
		t.Errorf("read %+v, %v", d, err)
	}
	own, err := q.Offers(t.Context(), story.As(story.Ana, noon), projections.ListQuery{})
	if err != nil || own.Total != 1 {
		t.Errorf("own offers %+v, %v", own, err)
	}
	waits, err := q.WaitingForMe(t.Context(), story.As(story.Ana, noon), jobs.Filter{})
	if err != nil || waits.Total != 1 || waits.Items[0].Step != "accept-offer" || waits.Items[0].WaitingOn != "" {
		t.Errorf("waiting %+v, %v", waits, err)
	}
	said, err := notes.Notes(t.Context(), story.As(story.Rita, noon), job.Ref)
	if err != nil || len(said) != 2 || said[1].Text != job.Ref+" Created" {
		t.Errorf("notes %+v, %v", said, err)
	}
}
