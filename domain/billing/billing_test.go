package billing_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/billing"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

var (
	police, hospital = uuid.UUID{1}, uuid.UUID{2}
	invoice          = uuid.UUID{3}
	at               = time.Date(2026, 6, 30, 23, 30, 0, 0, time.UTC) // 1 July in London
)

func gbp(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "GBP"} }

func terms() forms.Terms {
	t := forms.TermsV1()
	t.Hourly = map[string]domain.Money{"face-to-face": gbp(4801), "remote": gbp(3600)}
	return t
}

func job(n byte, change func(*billing.Job)) billing.Job {
	j := billing.Job{ID: uuid.UUID{10, n}, Ref: "DTP" + string('0'+rune(n)), Booking: uuid.UUID{11, n}, Customer: police, Revision: 7,
		Events: []uuid.UUID{{12, n}}, ServiceType: "face-to-face", Outcome: domain.Success, Worked: 60}
	if change != nil {
		change(&j)
	}
	return j
}

func TestPriceByTimeAtLeastAnHourHalfUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		service         string
		worked          int
		outcome         domain.Outcome
		billed, pennies int64
	}{
		{"face-to-face", 0, domain.ClientNoShow, 60, 4801},
		{"face-to-face", 1, domain.Success, 60, 4801},
		{"face-to-face", 60, domain.Success, 60, 4801},
		{"face-to-face", 61, domain.Success, 61, 4881}, // 4881.0166…
		{"face-to-face", 90, domain.Success, 90, 7202}, // 7201.5 rounds up
		{"remote", 75, domain.Curtailed, 75, 4500},
	} {
		lines, err := billing.Price(job(1, func(j *billing.Job) { j.ServiceType, j.Worked, j.Outcome = c.service, c.worked, c.outcome }), terms())
		if err != nil || len(lines) != 1 {
			t.Fatalf("%+v: %v, %v", c, lines, err)
		}
		l := lines[0]
		if l.Kind != "time" || l.Quantity != c.billed || l.Amount != gbp(c.pennies) || l.UnitPrice != terms().Hourly[c.service] {
			t.Errorf("%s, %d minutes: %d minutes for %v", c.service, c.worked, l.Quantity, l.Amount)
		}
		if l.Job != (uuid.UUID{10, 1}) || l.Ref != "DTP1" || l.Revision != 7 || l.TermsVersion != 1 || !slices.Equal(l.Events, []uuid.UUID{{12, 1}}) {
			t.Errorf("the line forgets what it was priced from: %+v", l)
		}
	}
}

func TestD08WhatIsNeverBilled(t *testing.T) {
	t.Parallel()
	for _, o := range []domain.Outcome{domain.NotFulfilled, domain.Aborted, domain.WorkerNoShow, ""} {
		lines, err := billing.Price(job(1, func(j *billing.Job) {
			j.Outcome, j.Incidentals = o, []billing.Incidental{{Kind: "mileage", Quantity: 100}}
		}), terms())
		if len(lines) > 0 || err != nil {
			t.Errorf("%q: %v, %v", o, lines, err)
		}
	}
}

func TestII79IncidentalsAreLines(t *testing.T) {
	t.Parallel()
	parking, double := gbp(420), gbp(9999)
	lines, err := billing.Price(job(1, func(j *billing.Job) {
		j.Incidentals = []billing.Incidental{{Kind: "mileage", Quantity: 1250}, {Kind: "parking", Amount: &parking}, {Kind: "parking", Quantity: 200, Amount: &parking},
			{Kind: "mileage", Quantity: 100, Amount: &double}}
	}), terms())
	if err != nil || len(lines) != 5 {
		t.Fatalf("%v, %v", lines, err)
	}
	for i, want := range []struct {
		kind             string
		quantity         int64
		unit, line, over int64
	}{{"mileage", 1250, 45, 563, 100}, {"parking", 100, 420, 420, 100}, {"parking", 100, 420, 420, 100}, {"mileage", 100, 45, 45, 100}} {
		l := lines[i+1]
		if l.Kind != want.kind || l.Quantity != want.quantity || l.UnitPrice != gbp(want.unit) || l.Amount != gbp(want.line) {
			t.Errorf("line %d is %+v", i, l)
		}
		if l.UnitPrice.Times(l.Quantity, want.over) != l.Amount {
			t.Errorf("line %d: unit price times quantity is not the amount", i)
		}
	}
	euro := domain.Money{Minor: 1, Currency: "EUR"}
	for name, i := range map[string]billing.Incidental{"kind": {Kind: "caviar", Amount: &parking}, "currency": {Kind: "parking", Amount: &euro},
		"neither": {Kind: "parking", Quantity: 100}} {
		if _, err := billing.Price(job(1, func(j *billing.Job) { j.Incidentals = []billing.Incidental{i} }), terms()); err == nil {
			t.Errorf("an incidental with a wrong %s has a price", name)
		}
	}
	if _, err := billing.Price(job(1, func(j *billing.Job) { j.ServiceType = "telepathy" }), terms()); err == nil {
		t.Error("a service without a price has one")
	}
}

func issue(expected int64, jobs ...billing.Job) billing.Issue {
	return billing.Issue{Invoice: invoice, Customer: police, Number: 42, Jobs: jobs, Terms: terms(), Expected: gbp(expected), At: at, Zone: "Europe/London"}
}

func TestIssueFreezesLinesAndTotal(t *testing.T) {
	t.Parallel()
	wish := issue(4801+4801+420, job(1, nil), job(2, func(j *billing.Job) {
		parking := gbp(420)
		j.Incidentals = []billing.Incidental{{Kind: "parking", Amount: &parking}}
	}))
	events, err := wish.Decide(billing.State{})
	if err != nil || len(events) != 1 {
		t.Fatalf("%v, %v", events, err)
	}
	e := events[0].(billing.Issued)
	if e.Customer != police || e.Invoice != invoice || e.Number != 42 || e.Ref != "INV000042" || e.Total != gbp(10022) || len(e.Lines) != 3 || !e.At.Equal(at) {
		t.Errorf("issued %+v", e)
	}
	if e.IssuedOn != "2026-07-01" || e.DueOn != "2026-07-31" {
		t.Errorf("issued on %s, due on %s", e.IssuedOn, e.DueOn)
	}
	if e.Standing("2026-07-31") != "due" || e.Standing("2026-08-01") != "overdue" {
		t.Error("II-96: the last day is not due, or the day after not overdue")
	}

	s := billing.Evolve(billing.State{}, e)
	if again, err := wish.Decide(s); err != nil || len(again) > 0 {
		t.Errorf("again: %v, %v", again, err)
	}
	if s.Billed[uuid.UUID{10, 2}] != invoice {
		t.Error("the second job is not billed")
	}
	other := issue(4801*2, job(3, nil), job(2, nil))
	other.Invoice = uuid.UUID{4}
	refused(t, other, s, "already-billed", 409, "body.jobs[1]")
	kept := s.Clone()
	billing.Evolve(s, billing.Issued{Invoice: uuid.UUID{5}, Lines: []billing.Line{{Job: uuid.UUID{9}}}})
	if len(kept.Billed) != 2 || len(kept.Invoices) != 1 {
		t.Error("a clone changes with the state it was made from")
	}
}

func TestIssueRefusals(t *testing.T) {
	t.Parallel()
	refused(t, issue(0), billing.State{}, "nothing-to-bill", 422)
	refused(t, issue(4800, job(1, nil)), billing.State{}, "total-differs", 409)
	euros := issue(4801, job(1, nil))
	euros.Expected.Currency = "EUR"
	refused(t, euros, billing.State{}, "total-differs", 409)
	set := func(f func(*billing.Job)) func(*billing.Job) { return f }
	refused(t, issue(0,
		job(1, set(func(j *billing.Job) { j.Customer = hospital })),
		job(2, set(func(j *billing.Job) { j.Outcome = "" })),
		job(3, set(func(j *billing.Job) { j.Outcome = domain.NotFulfilled })),
		job(4, nil), job(4, nil),
		job(5, set(func(j *billing.Job) { j.ServiceType = "telepathy" }))),
		billing.State{}, "invalid", 422, "body.jobs[0]", "body.jobs[1]", "body.jobs[2]", "body.jobs[4]", "body.jobs[5]")
	nowhere := issue(4801, job(1, nil))
	nowhere.Zone = "Nowhere"
	var r *domain.Refusal
	if _, err := nowhere.Decide(billing.State{}); err == nil || errors.As(err, &r) {
		t.Errorf("a zone that cannot be read is our fault, not a refusal: %v", err)
	}
}

func refused(t *testing.T, wish billing.Issue, s billing.State, code string, status int, locations ...string) {
	t.Helper()
	events, err := wish.Decide(s)
	var r *domain.Refusal
	if !errors.As(err, &r) || r.Code != code || r.Status != status || len(events) > 0 {
		t.Errorf("got %v, %v; want %s", events, err, code)
		return
	}
	var at []string
	for _, f := range r.Errors {
		at = append(at, f.Location)
	}
	if !slices.Equal(at, locations) {
		t.Errorf("%s at %v, want %v", code, at, locations)
	}
}

// However jobs are spread over invoices, a job is billed once, and an invoice's total is the sum of its lines.
func TestEveryJobIsBilledOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s billing.State
		sum := map[uuid.UUID]int{}
		for n := range rapid.IntRange(1, 12).Draw(t, "invoices") {
			var jobs []billing.Job
			for _, i := range rapid.SliceOfNDistinct(rapid.ByteRange(0, 9), 1, 4, rapid.ID[byte]).Draw(t, "jobs") {
				jobs = append(jobs, job(i, func(j *billing.Job) { j.Worked = int(i) * 17 }))
			}
			wish := issue(0, jobs...)
			wish.Invoice = uuid.UUID{100, byte(n)}
			for _, j := range jobs {
				lines, _ := billing.Price(j, terms())
				wish.Expected = wish.Expected.Add(billing.Total(lines, "GBP"))
			}
			events, err := wish.Decide(s)
			if err != nil {
				continue
			}
			e := events[0].(billing.Issued)
			if billing.Total(e.Lines, "GBP") != e.Total || e.Total != wish.Expected {
				t.Fatalf("total %v of %d lines", e.Total, len(e.Lines))
			}
			for _, l := range e.Lines {
				if sum[l.Job]++; sum[l.Job] > 1 {
					t.Fatalf("job %s is billed twice", l.Ref)
				}
			}
			data, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var stored billing.Issued
			if err := json.Unmarshal(data, &stored); err != nil {
				t.Fatal(err)
			}
			s = billing.Evolve(s, stored)
		}
	})
}
