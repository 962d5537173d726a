package candidates_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	diaries "github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/candidates"
	"github.com/dragoman-booking/dragoman/projections/diary"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

// What the rows say is what the events said: languages in whatever letters, several values of a list, credentials, availability, and where whose
// neighbouring jobs are.
func TestRank(t *testing.T) {
	t.Parallel()
	moment := func(local string) domain.Moment {
		m, err := domain.ParseMoment(local, "Europe/London")
		if err != nil {
			panic(err)
		}
		return m
	}
	id := func(n byte) uuid.UUID { return uuid.UUID{0xca, 6: 0x40, 8: 0x80, 15: n} }
	log := projtest.NewLog(0)
	held := []people.Credential{{Kind: "dbs", ValidFrom: "2015-01-01", ValidTo: "2099-12-31"}, {Kind: "npv", ValidFrom: "2015-01-01"}}
	register := func(n byte, lin string, languages ...string) eventschema.Position {
		return log.Append(eventschema.InterpreterStream(id(n)), people.InterpreterRegistered{Interpreter: id(n), Profile: people.Profile{LIN: lin, Name: "A", Gender: "female",
			Languages: languages, Skills: []string{"spoken-only", "legal, medical"}, Credentials: held, Coordinates: "53.7939,-1.7521", TravelRadiusKm: 30}})
	}
	register(1, "LIN/1", "ro", "PL")
	register(2, "LIN/2", "pl")
	register(3, "LIN/3", "uk")
	register(4, "LIN/4", "pl")
	log.Append(eventschema.InterpreterStream(id(4)), people.AvailabilitySet{Interpreter: id(4), Availability: people.Availability{TimeZone: "Europe/London",
		Unavailable: []people.Away{{From: moment("2026-12-01T00:00"), To: moment("2026-12-02T00:00"), Note: "away"}}}})
	log.Append(eventschema.CustomerStream(id(9)), people.CustomerCreated{Customer: id(9), Name: "C", TimeZone: "Europe/London"}, people.LocationAdded{Customer: id(9), Location: id(10),
		Place: people.Place{Name: "L", Address: people.PostalAddress{Line1: "1", Town: "Bradford", Postcode: "BD1 1AA"}, Coordinates: domain.Coordinates{Lat: 53.7939, Lon: -1.7521}}})
	log.Append(eventschema.BookingStream(id(20)), booking.Created{Booking: id(20), Ref: "BK1", Shared: booking.Details{Location: id(10), ServiceType: "face-to-face",
		Address: &booking.Address{Town: "Bradford", Postcode: "BD11AA", Outward: "BD1"}},
		Jobs: []booking.NewJob{{ID: id(21), Ref: "DTP1", Schedule: booking.Schedule{Start: moment("2026-12-01T08:45"), Minutes: 60}}}})
	last := log.Append(eventschema.DiaryStream(id(2)), diaries.Reserved{Interpreter: id(2), Reservations: []diaries.Reservation{{ID: id(22), Booking: id(20), Job: id(21),
		Start: moment("2026-12-01T08:45").Instant, End: moment("2026-12-01T09:45").Instant}}})
	b := projtest.Start(t, log, readpeople.Projector{}, diary.Projector{})
	b.Await(t, last, candidates.Models...)

	q := candidates.Queries{Models: b.Models}
	j := matching.Job{ID: id(30), Language: "pl", Skills: []string{"legal, medical"}, ServiceType: "face-to-face", Start: moment("2026-12-01T10:00"), Minutes: 60, InPerson: true,
		Place: matching.Spot{At: domain.Coordinates{Lat: 53.7965, Lon: -1.5478}, Source: matching.Given}}
	w := matching.World{Travel: matching.Travel{FactorPercent: 130, SpeedKmh: 40}, Now: moment("2026-11-01T10:00").Instant.Add(time.Second)}
	page, err := q.Rank(t.Context(), j, w, people.Postcodes{}, candidates.Everybody, 0, 10)
	if err != nil || page.Eligible != 1 || page.Total != 4 || len(page.Items) != 4 {
		t.Fatalf("%+v, %v", page, err)
	}
	want := []struct{ lin, against string }{{"LIN/1", ""}, {"LIN/4", matching.RuleUnavailable}, {"LIN/2", matching.RuleTravel}, {"LIN/3", matching.RuleLanguage}}
	for i, c := range page.Items {
		against := append(c.Verdict.Against(), "")[0]
		if c.Verdict.Worker.LIN != want[i].lin || against != want[i].against || (c.Rank == 1) != (i == 0) {
			t.Errorf("number %d is %s, kept out by %q, as number %d", i, c.Verdict.Worker.LIN, against, c.Rank)
		}
	}
	others, err := q.Rank(t.Context(), j, w, people.Postcodes{}, candidates.Others, 1, 2)
	if err != nil || others.Total != 3 || len(others.Items) != 2 || others.Items[0].Verdict.Worker.LIN != "LIN/2" || others.Items[1].Verdict.Worker.LIN != "LIN/3" {
		t.Errorf("the others: %+v, %v", others, err)
	}
	list, more, err := q.Choose(t.Context(), j, w, people.Postcodes{}, true, []uuid.UUID{id(3)}, 2)
	if err != nil || !more || len(list) != 3 || list[2].Verdict.Worker.LIN != "LIN/3" {
		t.Errorf("to choose from: %+v, %v, %v", list, more, err)
	}
}
