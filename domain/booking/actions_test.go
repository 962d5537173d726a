package booking

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

func TestLL69_ActionsDependOnStatusAndWhoAsks(t *testing.T) {
	t.Parallel()
	staff, cust := Who{Staff: true}, Who{Customer: true}
	always := []string{"edit", "duplicate", "follow-up", "make-recurring", "post-message", "log-contact"}
	for name, c := range map[string]struct {
		story *story
		now   string
		who   Who
		want  []string
	}{
		"new, staff": {created(t), monday, staff,
			append([]string{"take", "send-offer", "accept-offer", "decline-offer", "assign", "propose-eta", "change-eta", "cancel"}, always...)},
		"new, customer in time":    {early(t), "2020-03-23T09:59", cust, []string{"cancel", "edit", "duplicate", "follow-up", "make-recurring", "post-message"}},
		"new, customer too late":   {early(t), threeDays, cust, []string{"edit", "duplicate", "follow-up", "make-recurring", "post-message"}},
		"new, not offered":         {created(t), monday, Who{Interpreter: ana}, nil},
		"new, offered":             {offered(t), tuesday, Who{Interpreter: ana}, []string{"accept-offer", "decline-offer", "counter-offer"}},
		"new, offer expired":       {offered(t), later, Who{Interpreter: ana}, nil},
		"held by me":               {held(t), tuesday, Who{Interpreter: ana}, []string{"accept-offer", "decline-offer"}},
		"held by another":          {held(t), tuesday, Who{Interpreter: ben}, []string{"decline-offer"}},
		"held, staff":              {held(t), tuesday, staff, append([]string{"take", "send-offer", "revoke-offer", "decline-offer", "assign", "propose-eta", "change-eta", "cancel"}, always...)},
		"new and over, staff":      {created(t), later, staff, append([]string{"take", "accept-offer", "decline-offer", "assign", "propose-eta", "change-eta", "close", "cancel"}, always...)},
		"assigned, staff":          {assignedTo(t, ana), tuesday, staff, append([]string{"unassign", "propose-eta", "change-eta", "cancel"}, always...)},
		"assigned, mine":           {assignedTo(t, ana), tuesday, Who{Interpreter: ana}, []string{"unassign"}},
		"assigned, not mine":       {assignedTo(t, ana), later, Who{Interpreter: ben}, nil},
		"assigned and over, mine":  {assignedTo(t, ana), later, Who{Interpreter: ana}, []string{"unassign", "submit-timesheet"}},
		"assigned and over, C":     {assignedTo(t, ana), later, cust, []string{"submit-timesheet", "edit", "duplicate", "follow-up", "continue", "make-recurring", "post-message"}},
		"ongoing, who submitted":   {ongoing(t), later, cust, []string{"edit", "duplicate", "follow-up", "continue", "make-recurring", "post-message"}},
		"ongoing, who is asked":    {ongoing(t), later, Who{Interpreter: ana}, []string{"accept-timesheet", "dispute-timesheet"}},
		"ongoing, staff":           {ongoing(t), later, staff, []string{"accept-timesheet", "dispute-timesheet", "close", "edit", "duplicate", "follow-up", "continue", "make-recurring", "post-message", "log-contact"}},
		"complete, customer":       {complete(t), later, cust, []string{"duplicate", "follow-up", "continue", "make-recurring", "post-message"}},
		"complete, staff":          {complete(t), later, staff, []string{"edit", "duplicate", "follow-up", "continue", "make-recurring", "post-message"}},
		"complete, interpreter":    {complete(t), later, Who{Interpreter: ana}, nil},
		"cancelled, customer":      {cancelled(t), tuesday, cust, []string{"duplicate", "follow-up", "post-message"}},
		"a start to agree to":      {created(t).at(tuesday, ProposeEta{Job: jobID, ETA: "2020-03-26T16:00"}), tuesday, cust, []string{"agree-eta", "decline-eta", "edit", "duplicate", "follow-up", "make-recurring", "post-message"}},
		"taken":                    {created(t).at(monday, Take{Job: jobID}), later, staff, append([]string{"take", "release", "accept-offer", "decline-offer", "assign", "propose-eta", "change-eta", "close", "cancel"}, always...)},
		"nobody":                   {created(t), monday, Who{}, nil},
		"erased, nothing to write": {created(t).at(monday, ErasePerson{}), later, cust, []string{"edit", "duplicate"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Actions(c.story.state, jobID, c.who, env(c.now)); !slices.Equal(got, c.want) {
				t.Fatalf("got  %v\nwant %v", got, c.want)
			}
		})
	}
	if got := Actions(created(t).state, eve, staff, env(monday)); got != nil {
		t.Errorf("a job that is not there: %v", got)
	}
	byCustomer := env(later)
	byCustomer.Customer.Closing = "customer"
	if got := Actions(assignedTo(t, ana).state, jobID, cust, byCustomer); !slices.Contains(got, "close") { // II-75
		t.Errorf("one-party closing: %v", got)
	}
	if got := Actions(assignedTo(t, ana).state, jobID, Who{Interpreter: ana}, byCustomer); slices.Contains(got, "close") {
		t.Errorf("the other party closes too: %v", got)
	}
}

func TestEverIsWhoMayKnowTheJob(t *testing.T) {
	t.Parallel()
	s := offered(t).at(tuesday, RevokeOffer{Job: jobID, Interpreter: ben}).
		at(tuesday, DeclineOffer{Job: jobID, Interpreter: eve, ByStaff: true}). // was asked, never offered
		at(tuesday, give(ana)).at(tuesday, Unassign{Job: jobID, Interpreter: ana, Reason: "x"})
	if got := s.job().Ever; !slices.Equal(got, ids(ana, ben)) {
		t.Fatalf("%v", got)
	}
}

// TestEvolve_TwoFuturesOfOneState: a state is the past of many attempts, so none of them may write into it.
func TestEvolve_TwoFuturesOfOneState(t *testing.T) {
	t.Parallel()
	s := created(t)
	for i := range 12 {
		one, two := newID("one")(string(rune('a'+i))), newID("two")(string(rune('a'+i)))
		pairs := [][2]Event{
			{ReservationVoided{Job: jobID, Reservation: one}, ReservationVoided{Job: jobID, Reservation: two}},
			{OfferSent{Job: jobID, Offers: []Offer{{Interpreter: one}}}, OfferSent{Job: jobID, Offers: []Offer{{Interpreter: two}}}},
			{JobAdded{Job: NewJob{ID: one}, From: jobID}, JobAdded{Job: NewJob{ID: two}, From: jobID}},
			{Edited{Jobs: []JobChange{{Job: jobID, Own: &Change{Fields: map[string]domain.Value{"a": domain.Text("1")}}}}},
				Edited{Jobs: []JobChange{{Job: jobID, Own: &Change{Fields: map[string]domain.Value{"a": domain.Text("2")}}}}}},
		}
		for _, p := range pairs {
			past := s.state
			first := Evolve(past, p[0], Fact{Revision: past.Revision + 1})
			was := written(t, first)
			Evolve(past, p[1], Fact{Revision: past.Revision + 1})
			if now := written(t, first); now != was {
				t.Fatalf("%T: the other future wrote into this one:\n%s\n%s", p[0], was, now)
			}
			s.state = first
		}
	}
}

func TestEvolve_UnknownEventsAreOurBug(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(){
		"an event without a case": func() { Evolve(State{}, nil, Fact{}) },
		"a job that is not there": func() { Evolve(created(t).state, Taken{Job: eve}, Fact{}) },
		"touches":                 func() { Touches(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s passes silently", name)
				}
			}()
			f()
		}()
	}
}

func TestJobsOf(t *testing.T) {
	t.Parallel()
	s := ongoing(t).at(later, Continue{Job: jobID, Ref: "DTP2", Side: CustomerSide, Blocks: hours("15:01-16:00")})
	second := s.job().Continued
	n := len(s.events)
	for i, want := range map[int][]uuid.UUID{0: {jobID}, 1: {jobID}, n - 4: {second, jobID}, n - 3: {jobID, second}, n - 1: {second}} {
		if got := JobsOf(s.events[i]); !slices.Equal(got, want) {
			t.Errorf("%T: %v, want %v", s.events[i], got, want)
		}
	}
	if JobsOf(PersonErased{}) != nil {
		t.Error("an erasure is about the whole booking")
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	base := Details{Client: ana, Location: station, Address: &Address{Town: "Leeds"}, BillTo: "HQ", Language: "pl", LanguageTier: "standard", ServiceType: "face-to-face",
		AlternativeLanguages: []string{"uk"}, Fields: map[string]domain.Value{"a": domain.Text("1"), "b": domain.Text("2")}}
	if got := Merge(base, &Details{}); !sameAddress(got.Address, base.Address) || got.Location != station || got.Fields["a"].First() != "1" {
		t.Errorf("%+v", got)
	}
	got := Merge(base, &Details{Client: ben, Address: &Address{Town: "York"}, BillTo: "B", Language: "uk", ServiceType: "remote", AlternativeLanguages: []string{},
		Fields: map[string]domain.Value{"a": {}, "c": domain.Text("3")}})
	_, a := got.Fields["a"]
	if got.Client != ben || got.Location != uuid.Nil || got.Address.Town != "York" || got.BillTo != "B" || got.Language != "uk" || got.LanguageTier != "" ||
		got.ServiceType != "remote" || len(got.AlternativeLanguages) != 0 || a || got.Fields["b"].First() != "2" || got.Fields["c"].First() != "3" {
		t.Errorf("%+v", got)
	}
	if len(base.Fields) != 2 {
		t.Error("the base was written into")
	}
}

func BenchmarkDecideAndEvolve(b *testing.B) {
	s := State{}
	e := createEnv()
	d, err := booked().Decide(s, e)
	if err != nil {
		b.Fatal(err)
	}
	s = Evolve(s, d.Events[0], Fact{At: e.Now})
	b.Run("create", func(b *testing.B) {
		for b.Loop() {
			d, _ := booked().Decide(State{}, e)
			Evolve(State{}, d.Events[0], Fact{At: e.Now})
		}
	})
	b.Run("assign", func(b *testing.B) {
		for b.Loop() {
			d, _ := give(ana).Decide(s, e)
			Evolve(s, d.Events[0], Fact{At: e.Now})
		}
	})
}
