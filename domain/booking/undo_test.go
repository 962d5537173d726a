package booking

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// related is the story of three related jobs, as of 24 March 2020, 15:46: the second one begins a day later, the third two.
func related(t *testing.T) *story {
	t.Helper()
	e := env("2020-03-24T15:46")
	e.NewID = newID("create")
	c := booked()
	c.Interpreters, c.JobRefs = 3, []string{jobRef, "DTP2", "DTP3"}
	s := tell(t).does(c, e)
	s.at("2020-03-24T15:47", Edit{Job: s.nth(1), Scope: ScopeThis, Start: str("2020-03-27T10:00")})
	return s.at("2020-03-24T15:48", Edit{Job: s.nth(2), Scope: ScopeThis, Start: str("2020-03-28T10:00")})
}

func (s *story) nth(i int) uuid.UUID { return s.state.Jobs[i].ID }

// skips are a decision's skipped jobs with why.
func (r tried) skips() map[string]string {
	r.story.t.Helper()
	if r.err != nil {
		r.story.t.Fatalf("%s: %v", r.c.Name(), explain(r.err))
	}
	out := map[string]string{}
	for _, k := range r.d.Skipped {
		j, _ := r.story.state.Job(k.Job)
		out[j.Ref] = k.Why
	}
	return out
}

func meant(r tried) []string {
	var refs []string
	for _, e := range r.d.Events {
		for _, id := range Touches(e) {
			j, _ := r.story.state.Job(id)
			refs = append(refs, j.Ref)
		}
	}
	return refs
}

// II-12: a job at a client or place that the caller may not know of is not changed by what the caller does to its siblings, and never named.
func TestII12_SiblingsOutOfSightAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := related(t)
	narrow := func(e *Env) { e.Knows = func(_ State, j Job) bool { return j.Ref != "DTP3" } }
	for name, c := range map[string]Command{
		"what spreads":         Edit{Job: s.nth(0), Fields: fields("costCentre", "C 9")},
		"an edit of all":       Edit{Job: s.nth(0), Scope: ScopeAll, Hours: num(2), Minutes: num(0)},
		"an edit of following": Edit{Job: s.nth(0), Scope: ScopeFollowing, Hours: num(2), Minutes: num(0)},
		"a cancellation":       Cancel{Job: s.nth(0), Scope: ScopeAll, AuthorisedBy: "Jo"},
	} {
		r := s.when(tuesday, c, narrow)
		if got := meant(r); !slices.Contains(got, "DTP2") || slices.Contains(got, "DTP3") {
			t.Errorf("%s touches %v", name, got)
		}
		if why, told := r.skips()["DTP3"]; told {
			t.Errorf("%s tells of the sibling: %s", name, why)
		}
		if all := meant(s.when(tuesday, c)); !slices.Contains(all, "DTP3") {
			t.Errorf("%s by somebody who knows all touches %v alone", name, all)
		}
	}
	s.when(tuesday, Edit{Job: s.nth(0), Scope: ScopeAll, Except: []string{"DTP3"}, Hours: num(2), Minutes: num(0)}, narrow).refused("invalid", "body.except[0]")
	alone := func(e *Env) { e.Knows = func(_ State, j Job) bool { return j.Ref == jobRef } }
	if got := meant(s.when(tuesday, Edit{Job: s.nth(0), Hours: num(2), Minutes: num(0)}, alone)); !slices.Equal(got, []string{jobRef}) {
		t.Errorf("of the only job that the caller knows no scope is asked: %v", got)
	}

	s.at(tuesday, Edit{Job: s.nth(0), Scope: ScopeAll, Hours: num(2), Minutes: num(0)}).at(tuesday, send3(s.nth(2))).at(tuesday, send3(s.nth(1)))
	no := s.when(tuesday, Undo{Job: s.nth(0)}, narrow).refused("changed-since", "DTP2")
	if len(no.Errors) != 1 {
		t.Errorf("the refusal names %v", no.Errors)
	}
}

func send3(job uuid.UUID) SendOffer { return SendOffer{Job: job, Interpreters: []uuid.UUID{ana}} }

func TestII74_D10_WhoIsMeantAndWhoIsSkipped(t *testing.T) {
	t.Parallel()
	s := related(t)
	longer := Edit{Job: s.nth(1), Hours: num(2), Minutes: num(0)}
	no := s.when(tuesday, longer).refused("scope-required", "body.scope")
	if !slices.Equal(no.Choices, []string{ScopeThis, ScopeFollowing, ScopeAll}) {
		t.Errorf("choices %v", no.Choices)
	}
	longer.Scope = ScopeFollowing
	r := s.when(tuesday, longer)
	if got := meant(r); !slices.Equal(got, []string{"DTP2", "DTP3"}) {
		t.Errorf("following touches %v", got)
	}
	if diff := cmp.Diff(map[string]string{jobRef: "It does not begin later than job DTP2."}, r.skips()); diff != "" {
		t.Error(diff)
	}
	longer.Except = []string{"DTP2"}
	r = s.when(tuesday, longer)
	if got := meant(r); !slices.Equal(got, []string{"DTP3"}) || r.skips()["DTP2"] != WhyExcept {
		t.Errorf("without the named job: %v, %v", got, r.skips())
	}
	longer.Except = []string{"DTP9"}
	s.when(tuesday, longer).refused("invalid", "body.except[0]")
	// What stands above the calendar spreads to all that lie ahead, but for those left out.
	spread := Edit{Job: s.nth(0), Fields: fields("costCentre", "C 9"), Except: []string{"DTP3"}}
	if got := meant(s.when(tuesday, spread)); !slices.Equal(got, []string{jobRef, "DTP2"}) {
		t.Errorf("above the calendar: %v", got)
	}
	s.at(tuesday, Cancel{Job: s.nth(1), Scope: ScopeThis, AuthorisedBy: "Jo"})
	r = s.when("2020-03-26T12:00", Edit{Job: s.nth(2), Scope: ScopeAll, Hours: num(2), Minutes: num(0)})
	if diff := cmp.Diff(map[string]string{jobRef: WhyOver, "DTP2": "It is cancelled."}, r.skips()); diff != "" {
		t.Error(diff)
	}
	r = s.when("2020-03-24T17:00", Cancel{Job: s.nth(2), Scope: ScopeAll, AuthorisedBy: "Jo", ByCustomer: true})
	if diff := cmp.Diff(map[string]string{jobRef: WhyTooLate, "DTP2": "It is cancelled."}, r.skips()); diff != "" || !slices.Equal(meant(r), []string{"DTP3"}) {
		t.Errorf("%v %s", meant(r), diff)
	}
}

// A job moved by an edit of several takes the earlier of a doubled local time; one that is moved alone must say which.
func TestII74_DoubledTimesOfSeveral(t *testing.T) {
	t.Parallel()
	s := related(t)
	c := Edit{Job: s.nth(0), Scope: ScopeThis, Start: str("2020-10-25T01:30")}
	s.when(tuesday, c).refused("doubled-local-time", "body.start")
	c.Scope = ScopeAll
	r := s.when(tuesday, c)
	e := event[Edited](r)
	if got := e.Jobs[0].Own.Schedule.Start.In().Format(time.RFC3339); got != "2020-10-25T01:30:00+01:00" {
		t.Errorf("the named job is at %s", got)
	}
	if got := e.Jobs[2].Own.Schedule.Start.Local; got != "2020-10-27T01:30:00" {
		t.Errorf("the third job is at %s", got)
	}
	// Two days later the named job falls on the day whose 01:30 is missing in spring; so does none here, but a sibling may.
	s.when(tuesday, Edit{Job: s.nth(0), Scope: ScopeAll, Start: str("2021-03-27T01:30")}).refused("nonexistent-local-time", "body.start")
}

func TestN06_AnEditIsUndone(t *testing.T) {
	t.Parallel()
	s := related(t)
	s.at("2020-03-24T16:00", SendOffer{Job: s.nth(0), Interpreters: ids(ana, ben)})
	s.at("2020-03-24T16:01", Assign{Job: s.nth(1), Interpreter: ana})
	s.at("2020-03-24T16:02", ProposeEta{Job: s.nth(2), ETA: "2020-03-28T12:00"})
	was := s.state
	s.at("2020-03-24T16:30", Edit{Job: s.nth(0), Scope: ScopeAll, Start: str("2020-03-26T14:00"), Hours: num(2), Minutes: num(0), Alternatives: &[]string{"uk"},
		Fields: fields("nonEnglishSpeaker", "Maria Nowak", "jobNotes", "Bring a torch.", "reportTo", "Desk 2")})
	if until := s.state.UndoUntil(s.nth(2)); !until.Equal(at("2020-03-24T16:40")) {
		t.Fatalf("undo until %v", until)
	}
	s.at("2020-03-24T16:31", PostMessage{Job: s.nth(1), Text: "Sorry, wrong."})
	r := s.when("2020-03-24T16:32", Undo{Job: s.nth(1)})
	e := event[ChangeUndone](r)
	if len(r.d.Reserve) != 1 || r.d.Reserve[0].Job != s.nth(1) || !r.d.Reserve[0].Start.Equal(at("2020-03-27T10:00")) || len(r.d.Release) != 1 {
		t.Errorf("reserves %+v, releases %+v", r.d.Reserve, r.d.Release)
	}
	if u := e.Jobs[0]; len(u.Revoked) != 2 || len(u.Resent) != 2 || !u.Resent[0].Schedule.Start.Equal(london("2020-03-26T10:00")) || u.Resent[0].Fee.Minor != 2800 {
		t.Errorf("offers: %+v", u)
	}
	r.then(e)
	s.at("2020-03-24T16:32", Undo{Job: s.nth(1)})
	for i, j := range s.state.Jobs {
		b := was.Jobs[i]
		if diff := cmp.Diff(b.Details, j.Details, plain); diff != "" {
			t.Errorf("job %d: %s", i, diff)
		}
		if diff := cmp.Diff([]any{b.Schedule, b.ETA, b.Proposed, b.Status}, []any{j.Schedule, j.ETA, j.Proposed, j.Status}, plain); diff != "" {
			t.Errorf("job %d: %s", i, diff)
		}
	}
	s.when("2020-03-24T16:33", Undo{Job: s.nth(1)}).refused("nothing-to-undo") // the time of the edits before it is up
}

func TestN06_ACancellationIsUndone(t *testing.T) {
	t.Parallel()
	s := related(t)
	s.at("2020-03-24T16:00", SendOffer{Job: s.nth(0), Interpreters: ids(ana, ben)})
	s.at("2020-03-24T16:01", AcceptOffer{Job: s.nth(0), Interpreter: ana})
	s.at("2020-03-24T16:02", Assign{Job: s.nth(1), Interpreter: ben})
	held := s.state.Jobs[1].Assignment.Reservation
	s.at("2020-03-24T16:30", Cancel{Job: s.nth(2), Scope: ScopeAll, AuthorisedBy: "Jo"})
	r := s.when("2020-03-24T16:35", Undo{Job: s.nth(2)})
	e := event[ChangeUndone](r)
	if len(r.d.Reserve) != 1 || r.d.Reserve[0].Replaces != uuid.Nil || r.d.Reserve[0].ID == held {
		t.Errorf("reserves %+v", r.d.Reserve)
	}
	r.then(e)
	s.at("2020-03-24T16:35", Undo{Job: s.nth(2)})
	first, second := s.state.Jobs[0], s.state.Jobs[1]
	if first.Status != domain.New || first.Holder != uuid.Nil || len(first.Offers) != 2 || first.Offers[0].State != Open || first.Offers[1].State != Open {
		t.Errorf("the first job: %+v", first)
	}
	if second.Status != domain.Assigned || second.Assignment == nil || second.Assignment.Interpreter != ben || second.Assignment.Reservation != r.d.Reserve[0].ID {
		t.Errorf("the second job: %+v", second)
	}
	if s.state.Jobs[2].Status != domain.New {
		t.Errorf("the third job: %+v", s.state.Jobs[2])
	}
}

func TestN06_WhenUndoIsRefused(t *testing.T) {
	t.Parallel()
	created(t).when(tuesday, Undo{Job: jobID}).refused("nothing-to-undo")
	alone := created(t).at(tuesday, Edit{Job: jobID, Fields: fields("reportTo", "Desk 2")})
	alone.when(tuesday, Undo{Job: jobID}).refused("nothing-to-undo") // it has no related jobs

	edited := func() *story {
		s := related(t)
		s.at("2020-03-24T16:00", SendOffer{Job: s.nth(0), Interpreters: ids(ana)})
		return s.at("2020-03-24T16:30", Edit{Job: s.nth(0), Scope: ScopeAll, Hours: num(2), Minutes: num(0)})
	}
	s := edited()
	s.when("2020-03-24T16:31", Undo{Job: s.nth(0)}, func(e *Env) { e.Actor.ID = ana }).refused("not-permitted")
	if no := s.when("2020-03-24T16:40", Undo{Job: s.nth(0)}).refused("too-late"); no.Until != "2020-03-24T16:40:00Z" {
		t.Errorf("until %s", no.Until)
	}
	if e := event[ChangeUndone](s.when("2020-03-24T16:39", Undo{Job: s.nth(0)})); e.Command != "edit" || len(e.Jobs) != 3 {
		t.Errorf("%+v", e)
	}
	s.at("2020-03-24T16:31", AcceptOffer{Job: s.nth(0), Interpreter: ana})
	no := s.when("2020-03-24T16:32", Undo{Job: s.nth(2)}).refused("changed-since", jobRef)
	if no.Status != 422 {
		t.Errorf("status %d", no.Status)
	}

	s = edited()
	s.at("2020-03-24T16:31", Edit{Job: s.nth(1), Scope: ScopeThis, Fields: fields("jobNotes", "x")})
	s.at("2020-03-24T16:32", Undo{Job: s.nth(1)}) // the newer one alone
	if got := s.state.Jobs[0].Schedule.Minutes; got != 120 {
		t.Errorf("the older edit went with it: %d minutes", got)
	}
	s.when("2020-03-24T16:33", Undo{Job: s.nth(0)}).refused("changed-since", "DTP2")

	s = edited()
	s.at("2020-03-24T16:31", ErasePerson{Reason: "subject-request"})
	s.when("2020-03-24T16:32", Undo{Job: s.nth(0)}).refused("nothing-to-undo")
}

// The time for it ends when the first touched job begins, before or after the change; an agency may leave none.
func TestN06_UndoUntil(t *testing.T) {
	t.Parallel()
	s := related(t)
	s.at("2020-03-26T09:55", Edit{Job: s.nth(0), Scope: ScopeAll, Hours: num(2), Minutes: num(0)})
	if until := s.state.UndoUntil(s.nth(0)); !until.Equal(at("2020-03-26T10:00")) {
		t.Errorf("until %v", until)
	}
	s = related(t)
	s.at("2020-03-24T16:00", Edit{Job: s.nth(0), Scope: ScopeThis, Start: str("2020-03-24T16:04")})
	if until := s.state.UndoUntil(s.nth(0)); !until.Equal(at("2020-03-24T16:04")) {
		t.Errorf("until %v", until)
	}
	r := s.when("2020-03-24T16:01", Edit{Job: s.nth(0), Scope: ScopeThis, Hours: num(3), Minutes: num(0)}, func(e *Env) { e.Agency.UndoMinutes = num(0) })
	if e := event[Edited](r); e.UndoUntil != nil {
		t.Errorf("until %v where the agency leaves no time", e.UndoUntil)
	}
}
