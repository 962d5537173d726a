package messages_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/projections/jobrow/jobtest"
	"github.com/dragoman-booking/dragoman/projections/messages"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	jobtest.SameRows(t, messages.Projector{})
}

// talk is a thread between Rita, Sam and Rob about job 1, with a logged contact between; job 2 of the booking has its own, job 3 none.
func talk(t *testing.T) (messages.Queries, *projtest.Bench, *jobtest.Writer) {
	t.Helper()
	log := projtest.NewLog(0)
	w := jobtest.NewWriter(log)
	jobtest.People(w)
	say := func(job, id byte, text domain.Personal) booking.MessagePosted {
		return booking.MessagePosted{Key: jobtest.CaseOf, Job: jobtest.Job(job), ID: jobtest.ID(0xf0, id), Text: text}
	}
	w.On(1, jobtest.Book(1, booking.Within3Hours, jobtest.Wanted(1, "2020-03-24T11:00", 60), jobtest.Wanted(2, "2020-03-24T11:00", 60), jobtest.Wanted(3, "2020-03-24T11:00", 60)),
		say(1, 1, "Please bring the papers."))
	w.After(time.Minute).As(domain.Assigner, jobtest.Sam).On(1, booking.ContactLogged{Key: jobtest.CaseOf, Job: jobtest.Job(1), ID: jobtest.ID(0xf1, 1),
		Kind: booking.ContactCall, Text: "Told the officer.", NextUpdateMinutes: 30}, say(1, 2, "We will."), say(2, 3, "About the other job."))
	w.As(domain.Requestor, jobtest.Rob)
	at := w.On(1, say(1, 4, "Thanks.")) // in the same minute: the log's order decides
	b := projtest.Start(t, log, messages.Projector{})
	b.Await(t, at, messages.Name)
	return messages.Queries{Models: b.Models}, b, w
}

func TestLL97AThreadInOrder(t *testing.T) {
	t.Parallel()
	q, _, _ := talk(t)
	clock := jobtest.Clock
	message := func(id byte, after time.Duration, author messages.Author, text string) messages.Message {
		return messages.Message{ID: jobtest.ID(0xf0, id), At: clock.Add(after), Author: author, Text: text}
	}
	rita := messages.Author{ID: jobtest.Rita, Name: "Rita", Role: domain.Requestor}
	rob := messages.Author{ID: jobtest.Rob, Name: "Rob", Role: domain.Requestor}
	sam := messages.Author{ID: jobtest.Sam, Name: "Sam", Role: domain.Assigner}
	agency := messages.Author{ID: jobtest.Sam, Role: domain.Assigner} // to a customer an agency's person has no name
	for name, c := range map[string]struct {
		v   access.Viewer
		who messages.Author
	}{"assigner": {jobtest.Assigner, sam}, "auditor": {jobtest.Auditor, sam}, "requestor": {jobtest.Requestor, agency}, "chief": {jobtest.Chief, agency}} {
		got, err := q.Thread(t.Context(), c.v, jobtest.Ref(1))
		if err != nil {
			t.Fatal(err)
		}
		want := []messages.Message{message(1, 0, rita, "Please bring the papers."), message(2, time.Minute, c.who, "We will."), message(4, time.Minute, rob, "Thanks.")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s reads (-want +got):\n%s", name, diff)
		}
	}
	if got, err := q.Thread(t.Context(), jobtest.Requestor, jobtest.Ref(3)); err != nil || got == nil || len(got) != 0 {
		t.Errorf("a job without messages: %v %v", got, err)
	}
	contacts, err := q.Contacts(t.Context(), jobtest.Assigner, jobtest.Ref(1))
	if want := []messages.Contact{{Message: messages.Message{ID: jobtest.ID(0xf1, 1), At: clock.Add(time.Minute), Author: sam, Text: "Told the officer."},
		Kind: booking.ContactCall, NextUpdateMinutes: 30}}; err != nil || !cmp.Equal(want, contacts) {
		t.Errorf("contacts: %+v %v", contacts, err)
	}
}

// Interpreters do not see admin messages, not even that there are any (LL-98); of the others each as the matrix says.
func TestLL98WhoReadsThreads(t *testing.T) {
	t.Parallel()
	q, b, w := talk(t)
	b.Await(t, w.On(1, jobtest.Assign(1, jobtest.Ana)), messages.Name)
	const ok, forbidden, unknown = 200, 403, 404
	for name, c := range map[string]struct {
		v                access.Viewer
		thread, contacts int
	}{
		"requestor":       {jobtest.Requestor, ok, forbidden},
		"chief":           {jobtest.Chief, ok, forbidden},
		"warden":          {jobtest.Warden, ok, forbidden},
		"other place":     {jobtest.Narrow, unknown, unknown},
		"other client":    {jobtest.Detective, unknown, unknown},
		"other customer":  {jobtest.Foreign, unknown, unknown},
		"assigner":        {jobtest.Assigner, ok, ok},
		"admin":           {jobtest.Admin, ok, ok},
		"safeguarding":    {jobtest.Guard, ok, ok},
		"auditor":         {jobtest.Auditor, ok, ok},
		"finance":         {jobtest.Finance, forbidden, forbidden},
		"analyst":         {jobtest.Analyst, forbidden, forbidden},
		"who is assigned": {jobtest.Worker, unknown, unknown},
		"who is not":      {jobtest.Nobody, unknown, unknown},
		"guest":           {jobtest.Guest, unknown, unknown},
	} {
		_, err := q.Thread(t.Context(), c.v, jobtest.Ref(1))
		if got := status(err); got != c.thread {
			t.Errorf("%s asks for the thread: %d, want %d (%v)", name, got, c.thread, err)
		}
		_, err = q.Contacts(t.Context(), c.v, jobtest.Ref(1))
		if got := status(err); got != c.contacts {
			t.Errorf("%s asks for the contacts: %d, want %d (%v)", name, got, c.contacts, err)
		}
	}
	if _, err := q.Thread(t.Context(), jobtest.Assigner, "DTP0"); status(err) != unknown {
		t.Errorf("an unknown job: %v", err)
	}
}

func TestAnErasureReachesEveryText(t *testing.T) {
	t.Parallel()
	q, b, w := talk(t)
	b.Await(t, w.On(1, booking.PersonErased{Keys: []uuid.UUID{jobtest.CaseOf}, Reason: "subject-request"}), messages.Name)
	thread, err := q.Thread(t.Context(), jobtest.Assigner, jobtest.Ref(1))
	if err != nil || len(thread) != 3 {
		t.Fatalf("%d messages, %v", len(thread), err)
	}
	for _, m := range thread {
		if m.Text != domain.Erased {
			t.Error("a message is still there")
		}
	}
	contacts, err := q.Contacts(t.Context(), jobtest.Assigner, jobtest.Ref(1))
	if err != nil || len(contacts) != 1 || contacts[0].Text != domain.Erased {
		t.Errorf("%d contacts, %v, or a text is still there", len(contacts), err)
	}
}

func status(err error) int {
	var refusal *domain.Refusal
	switch {
	case err == nil:
		return 200
	case errors.As(err, &refusal):
		return refusal.Status
	}
	return 500
}
