package diary_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	events "github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/diary"
	"github.com/dragoman-booking/dragoman/projections/projtest"
)

func id(kind, n byte) uuid.UUID { return uuid.UUID{kind, 6: 0x40, 8: 0x80, 15: n} }

var (
	ana, ben   = booking.Offered{Interpreter: id(0xa0, 1), LIN: "LIN/1"}, booking.Offered{Interpreter: id(0xa0, 2), LIN: "LIN/2"}
	one, two   = id(0xb0, 1), id(0xb0, 2) // bookings
	job, other = id(0xb1, 1), id(0xb1, 2) // a job of each
	res        = func(n byte) uuid.UUID { return id(0xd0, n) }
)

func moment(local string) domain.Moment {
	m, err := domain.ParseMoment(local, "Europe/London")
	if err != nil {
		panic(err)
	}
	return m
}

func at(local string, minutes int) booking.Schedule {
	return booking.Schedule{Start: moment(local), Minutes: minutes}
}

func reserved(w booking.Offered, n byte, b, j uuid.UUID, s booking.Schedule) events.Reserved {
	return events.Reserved{Interpreter: w.Interpreter, Reservations: []events.Reservation{{ID: res(n), Booking: b, Job: j,
		Start: s.Start.Instant, End: s.Start.Instant.Add(time.Duration(s.Minutes) * time.Minute)}}}
}

func released(w booking.Offered, n byte) events.Released {
	return events.Released{Interpreter: w.Interpreter, Reservations: []uuid.UUID{res(n)}, Why: "replaced"}
}

// story is a log in which every kind of event that moves time occurs.
func story(log *projtest.Log) eventschema.Position {
	ours, theirs := eventschema.BookingStream(one), eventschema.BookingStream(two)
	diaryOf := func(w booking.Offered) string { return eventschema.DiaryStream(w.Interpreter) }
	log.Append(ours, booking.Created{Booking: one, Ref: "BK1", Jobs: []booking.NewJob{{ID: job, Ref: "DTP1", Schedule: at("2026-12-01T10:00", 60)}}})
	log.Append(theirs, booking.Created{Booking: two, Ref: "BK2", Jobs: []booking.NewJob{{ID: other, Ref: "DTP2", Schedule: at("2026-12-01T10:30", 60)}}})
	log.Append(theirs, booking.OfferAccepted{Job: other, Offered: ana})
	log.Append(ours, booking.OfferAccepted{Job: job, Offered: ben}, booking.OfferRevoked{Job: job, Offered: ben}, booking.OfferAccepted{Job: job, Offered: ana})
	log.Append(diaryOf(ana), reserved(ana, 1, one, job, at("2026-12-01T10:00", 60)))
	log.Append(ours, booking.Assigned{Job: job, Offered: ana, Reservation: res(1)})
	log.Append(diaryOf(ana), reserved(ana, 2, one, job, at("2026-12-01T09:00", 60)))
	log.Append(ours, booking.EtaChanged{Job: job, ETA: moment("2026-12-01T09:00"), Reservation: res(2)})
	log.Append(diaryOf(ana), released(ana, 1))
	longer := at("2026-12-01T10:00", 90)
	log.Append(diaryOf(ana), reserved(ana, 3, one, job, at("2026-12-01T09:00", 90)))
	log.Append(ours, booking.Edited{Jobs: []booking.JobChange{{Job: job, Own: &booking.Change{Schedule: &longer}, Reservation: res(3)}}})
	log.Append(diaryOf(ana), released(ana, 2))
	return log.Append(diaryOf(ana), reserved(ana, 4, two, other, at("2026-12-01T12:00", 60))) // the command died here
}

func TestUnclaimedReservationsAndClashingHolds(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(0)
	last := story(log)
	b := projtest.Start(t, log, diary.Projector{})
	b.Await(t, last, diary.Name)
	q := diary.Queries{Models: b.Models}
	ctx := t.Context()
	late := projtest.Clock.Add(time.Hour)

	lost := diary.Unclaimed{Reservation: res(4), Interpreter: ana.Interpreter, Booking: two, Job: other}
	if got, err := q.Unclaimed(ctx, late); err != nil || !slices.Equal(got, []diary.Unclaimed{lost}) {
		t.Errorf("unclaimed: %+v %v", got, err)
	}
	if got, err := q.Unclaimed(ctx, projtest.Clock.Add(10*time.Second)); err != nil || len(got) != 0 {
		t.Errorf("unclaimed, but still young: %+v %v", got, err)
	}
	// 09:00 to 10:30 now: the other job begins at its end, so it does not overlap.
	if got, err := q.ClashingHolds(ctx, job); err != nil || len(got) != 0 {
		t.Errorf("holds that only touch clash: %+v %v", got, err)
	}
	sooner := at("2026-12-01T10:29", 60)
	last = log.Append(eventschema.BookingStream(two), booking.Edited{Jobs: []booking.JobChange{{Job: other, Own: &booking.Change{Schedule: &sooner}}}})
	b.Await(t, last, diary.Name)
	if got, err := q.ClashingHolds(ctx, job); err != nil || !slices.Equal(got, []diary.Hold{{Booking: two, Job: other, Ref: "DTP2", Interpreter: ana.Interpreter}}) {
		t.Errorf("clashing holds: %+v %v", got, err)
	}
	if got, err := q.ClashingHolds(ctx, other); err != nil || len(got) != 0 {
		t.Errorf("a job that nobody has clashes: %+v %v", got, err)
	}
	busy, err := q.Busy(ctx, []uuid.UUID{ana.Interpreter, ben.Interpreter}, moment("2026-12-01T10:29").Instant, moment("2026-12-01T12:00").Instant)
	if err != nil || len(busy) != 1 || busy[0].Job != job || !busy[0].EndsAt.Equal(moment("2026-12-01T10:30").Instant) {
		t.Errorf("busy: %+v %v", busy, err)
	}

	// Once complete, nothing holds and nothing is claimed.
	last = log.Append(eventschema.BookingStream(one), booking.Closed{Job: job, From: domain.Assigned, Outcome: domain.Success, Reservation: res(3)})
	b.Await(t, last, diary.Name)
	if got, err := q.Unclaimed(ctx, late); err != nil || len(got) != 2 {
		t.Errorf("unclaimed after closing: %+v %v", got, err)
	}
	last = log.Append(eventschema.DiaryStream(ana.Interpreter), events.CarriedForward{Interpreter: ana.Interpreter, Year: 2027,
		Reservations: []events.Reservation{reserved(ana, 4, two, other, at("2026-12-01T12:00", 60)).Reservations[0]}})
	b.Await(t, last, diary.Name)
	if got, err := q.Unclaimed(ctx, late); err != nil || !slices.Equal(got, []diary.Unclaimed{lost}) {
		t.Errorf("what was carried forward keeps its age: %+v %v", got, err)
	}
}

func TestSameRowsHoweverTheLogIsCut(t *testing.T) {
	t.Parallel()
	var dumps []string
	for _, size := range []int{1, 3, 1000} {
		log := projtest.NewLog(size)
		b := projtest.Start(t, log, diary.Projector{})
		b.Await(t, story(log), diary.Name)
		dumps = append(dumps, b.Dump(t, diary.Name))
	}
	for i, d := range dumps {
		if d != dumps[0] {
			t.Errorf("cut %d differs:\n%s", i, cmp.Diff(dumps[0], d))
		}
	}
}

func TestVerifyDiaries(t *testing.T) {
	t.Parallel()
	log := projtest.NewLog(5)
	story(log)
	r, err := projections.VerifyDiaries(t.Context(), log)
	if err != nil || len(r.Gaps) != 0 || r.Jobs != 2 || r.Reservations != 4 || r.Unclaimed != 1 {
		t.Fatalf("a good log: %+v %v", r, err)
	}

	ours, mine := eventschema.BookingStream(one), eventschema.DiaryStream(ana.Interpreter)
	for want, broken := range map[string]func(*projtest.Log){
		"without-reservation":     func(l *projtest.Log) { l.Append(ours, booking.Assigned{Job: job, Offered: ana, Reservation: res(9)}) },
		"other-worker":            func(l *projtest.Log) { l.Append(ours, booking.Assigned{Job: job, Offered: ben, Reservation: res(3)}) },
		"other-job":               func(l *projtest.Log) { l.Append(ours, booking.Assigned{Job: job, Offered: ana, Reservation: res(4)}) },
		"not-covered":             func(l *projtest.Log) { l.Append(ours, booking.EtaChanged{Job: job, ETA: moment("2026-12-01T08:59")}) },
		"released-while-assigned": func(l *projtest.Log) { l.Append(mine, released(ana, 3)) },
		"double-booked":           func(l *projtest.Log) { l.Append(mine, reserved(ana, 9, two, other, at("2026-12-01T10:29", 60))) },
	} {
		log := projtest.NewLog(5)
		before := story(log)
		broken(log)
		r, err := projections.VerifyDiaries(t.Context(), log)
		if err != nil || len(r.Gaps) != 1 || r.Gaps[0].What != want || r.Gaps[0].Interpreter == uuid.Nil || !r.Gaps[0].Position.After(before) {
			t.Errorf("%s is reported as %+v %v", want, r.Gaps, err)
		}
	}
}

// Where jobs are follows from their booking, from the job that they were made from, and from edits; once its people are erased, the rows are those
// of a rebuild, to which every postcode reads as erased.
func TestPlacesOfJobs(t *testing.T) {
	t.Parallel()
	third, station := id(0xb1, 3), id(0xc0, 1)
	fill := func(log *projtest.Log, postcode func(string) domain.Personal) eventschema.Position {
		address := func(code, outward string) *booking.Address {
			return &booking.Address{Line1: "1 Way", Town: "Leeds", Postcode: postcode(code), Outward: outward}
		}
		typed := booking.Change{Location: new(uuid.UUID), Address: address("BD1 1AA", "BD1")}
		remote := "remote"
		ours := eventschema.BookingStream(one)
		log.Append(ours, booking.Created{Booking: one, Ref: "BK1", Shared: booking.Details{Location: station, ServiceType: "face-to-face", Address: address("LS1 4AP", "LS1")},
			Jobs: []booking.NewJob{{ID: job, Ref: "DTP1", Schedule: at("2026-12-01T10:00", 60)}}})
		log.Append(ours, booking.JobAdded{From: job, Why: "follow-up", Job: booking.NewJob{ID: other, Ref: "DTP2", Schedule: at("2026-12-02T10:00", 60)}},
			booking.JobAdded{From: other, Why: "follow-up", Job: booking.NewJob{ID: third, Ref: "DTP3", Schedule: at("2026-12-03T10:00", 60)}},
			booking.Edited{Shared: &typed, Jobs: []booking.JobChange{{Job: other}}},
			booking.Edited{Jobs: []booking.JobChange{{Job: third, Own: &booking.Change{ServiceType: &remote}}}})
		log.Append(eventschema.BookingStream(two), booking.Created{Booking: two, Ref: "BK2", Shared: booking.Details{ServiceType: "remote"},
			Jobs: []booking.NewJob{{ID: id(0xb1, 4), Ref: "DTM1", Schedule: at("2026-12-01T10:00", 60)}}})
		return log.Append(ours, booking.PersonErased{Keys: []uuid.UUID{id(0xee, 1)}})
	}
	var dumps []string
	for _, size := range []int{1, 2, 1000} {
		for _, read := range []func(string) domain.Personal{
			func(code string) domain.Personal { return domain.Personal(code) },
			func(string) domain.Personal { return domain.Erased },
		} {
			log := projtest.NewLog(size)
			b := projtest.Start(t, log, diary.Projector{})
			b.Await(t, fill(log, read), diary.Name)
			dumps = append(dumps, b.Dump(t, diary.Name))
		}
	}
	for i, d := range dumps {
		if d != dumps[0] {
			t.Errorf("filled in way %d the rows differ:\n%s", i, cmp.Diff(dumps[0], d))
		}
	}
	for text, times := range map[string]int{station.String(): 2, "LS1": 2, "BD1": 1, domain.Erased: 3, "4AP": 0} {
		if n := strings.Count(dumps[0], text); n != times {
			t.Errorf("%q stands %d times in the rows, want %d:\n%s", text, n, times, dumps[0])
		}
	}
}
