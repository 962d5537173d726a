package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// How large the agency is in which candidates are looked for.
const (
	soughtInterpreters = 5000
	entriesEach        = 40  // in each one's diary, over two years
	jobsOfABooking     = 400 // as many as one may have
	soughtOnAPage      = 50
	searches           = 300
)

// spokenThere: each interpreter speaks two of these, so that a thousand speak each.
var spokenThere = []string{"pl", "uk", "ro", "ar", "fa", "vi", "ur", "so", "ti", "sq"}

// candidates measures the search for who could do a job: the first page of candidates, with their traces, of 5,000 interpreters with 200,000
// entries in their diaries.
func (b *bench) candidates(ctx context.Context) (s *size, err error) {
	s = &size{bench: b, jobs: soughtInterpreters * entriesEach}
	s.data = filepath.Join(b.dir, "candidates")
	defer func() { err = errors.Join(err, discard(s.data)) }()
	if s.database, err = newDatabase(ctx, b.cluster.URL(), "candidates", ""); err != nil {
		return nil, err
	}
	s.say("making the demo's people and places")
	if err := s.explore(ctx); err != nil {
		return nil, err
	}
	if err := s.logged(ctx, func(ctx context.Context, url string, p processes) error {
		return s.withStores(ctx, url, func(st *stores) error { return s.fillDiaries(ctx, st, p) })
	}); err != nil {
		return nil, fmt.Errorf("fill diaries: %w", err)
	}
	s.say("waiting for the read models")
	return s, s.served(ctx, s.binary, s.place, func(base string, p processes) error {
		// A server that reads two hundred thousand events does not always answer in time how far it is.
		deadline := time.Now().Add(5 * time.Minute)
		for err := caughtUp(ctx, base); err != nil; err = caughtUp(ctx, base) {
			if ctx.Err() != nil || time.Now().After(deadline) {
				return err
			}
		}
		return s.search(ctx, base, p)
	})
}

// appender writes whole streams.
type appender struct {
	*stores
	events int
}

func (a *appender) write(ctx context.Context, stream string, events ...any) error {
	now := time.Now().UTC()
	meta := eventschema.Meta{CommandID: uuid.New(), CommandName: "fill", Actor: domain.Actor{Role: domain.System}, At: now, RecordedAt: now}
	proposed := make([]eventschema.Proposed, len(events))
	for i, e := range events {
		var err error
		if proposed[i], err = a.codec.Encode(ctx, stream, e, meta, i); err != nil {
			return err
		}
	}
	a.events += len(events)
	_, err := a.log.Append(ctx, stream, eventschema.NoStream, proposed)
	return err
}

// fillDiaries writes interpreters, their jobs and their diaries, each stream in one append.
func (s *size) fillDiaries(ctx context.Context, st *stores, p processes) error {
	a := &appender{stores: st}
	c := s.world.customers[0]
	wall, spent, err := stopwatch(p, func() error {
		for first := 0; first < soughtInterpreters*entriesEach; first += jobsOfABooking {
			if err := s.fillBooking(ctx, a, c, first); err != nil {
				return err
			}
		}
		for i := range soughtInterpreters {
			if err := s.fillInterpreter(ctx, a, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.events = a.events
	s.add(measured("writing interpreters, jobs and diaries", "events", a.events, wall, spent, nil))
	return nil
}

func soughtLIN(i int) string { return fmt.Sprintf("LIN/6%03d/1B%02dX", i%1000, i/1000) }

func filledID(kind string, n int) uuid.UUID {
	return uuid.NewSHA1(domain.Namespace, fmt.Appendf(nil, "bench %s %d", kind, n))
}

// when a job of the load begins: an interpreter's forty lie on days of their own.
func soughtStart(n int) (domain.Moment, error) {
	i, k := n/entriesEach, n%entriesEach
	at := loadYear.AddDate(0, 0, 18*k+i%18).Add(time.Duration(8+(i+k)%9) * time.Hour)
	return domain.ParseMoment(at.Format(localLayout), zone)
}

func (s *size) fillBooking(ctx context.Context, a *appender, c customerWorld, first int) error {
	key, err := a.keys.Draw(ctx)
	if err != nil {
		return err
	}
	id := filledID("booking", first)
	created := booking.Created{Booking: id, Ref: fmt.Sprintf("BK%d", 3_000_000+first), Key: key, Customer: c.id, Form: forms.FaceToFaceID, FormVersion: 1,
		Status: domain.New, Shared: booking.Details{Location: c.location, Language: "pl", ServiceType: forms.ServiceFaceToFace,
			Address: &booking.Address{Line1: "12 Elland Road", Town: "Leeds", Postcode: "LS11 8TU", Outward: "LS11"}}}
	events := []any{nil}
	for n := first; n < first+jobsOfABooking; n++ {
		start, err := soughtStart(n)
		if err != nil {
			return err
		}
		job := booking.NewJob{ID: filledID("job", n), Ref: fmt.Sprintf("DTP%d", 3_000_000+n), Schedule: booking.Schedule{Start: start, Minutes: 60}}
		created.Jobs = append(created.Jobs, job)
		lin := soughtLIN(n / entriesEach)
		events = append(events, booking.Assigned{Key: key, Job: job.ID, Offered: booking.Offered{Interpreter: domain.InterpreterID(lin), LIN: lin},
			Reservation: filledID("reservation", n)})
	}
	events[0] = created
	return a.write(ctx, eventschema.BookingStream(id), events...)
}

func (s *size) fillInterpreter(ctx context.Context, a *appender, i int) error {
	key, err := a.keys.Draw(ctx)
	if err != nil {
		return err
	}
	lin := soughtLIN(i)
	id := domain.InterpreterID(lin)
	profile := people.Profile{Key: key, LIN: lin, Name: domain.Personal(fmt.Sprintf("Worker %d", i)), Gender: people.Genders[i%2],
		Languages: []string{spokenThere[i%len(spokenThere)], spokenThere[(i/10+1+i)%len(spokenThere)]}, Skills: []string{"spoken-only", "spoken-and-written"},
		Coordinates: people.HomeAt(domain.Coordinates{Lat: 53.3 + float64(i%100)/100, Lon: -2.2 + float64(i/100%50)/50})}
	for _, kind := range []string{"dbs-enhanced", "npv", "dpsi"} {
		profile.Credentials = append(profile.Credentials, people.Credential{Kind: kind, ValidFrom: "2015-01-01", ValidTo: "2099-12-31"})
	}
	if err := a.write(ctx, eventschema.InterpreterStream(id), people.InterpreterRegistered{Interpreter: id, Profile: profile}); err != nil {
		return err
	}
	held := diary.Reserved{Interpreter: id}
	for n := i * entriesEach; n < (i+1)*entriesEach; n++ {
		start, err := soughtStart(n)
		if err != nil {
			return err
		}
		held.Reservations = append(held.Reservations, diary.Reservation{ID: filledID("reservation", n), Booking: filledID("booking", n/jobsOfABooking*jobsOfABooking),
			Job: filledID("job", n), Start: start.Instant, End: start.Instant.Add(time.Hour)})
	}
	return a.write(ctx, eventschema.DiaryStream(id), held)
}

// search asks for the first page of candidates of jobs that want different things.
func (s *size) search(ctx context.Context, base string, p processes) error {
	if err := setClock(ctx, base, loadYear); err != nil {
		return err
	}
	c := &crew{location: s.world.customers[0].location}
	var err error
	if c.customer, err = signIn(ctx, base, "requestor"); err != nil {
		return err
	}
	if c.assigner, err = signIn(ctx, base, "assigner"); err != nil {
		return err
	}
	var refs []string
	last := ""
	for i := range len(spokenThere) {
		wish := map[string]any{}
		if i%2 == 1 {
			wish["flexibility"] = "2-hours"
		}
		if i%3 == 1 {
			wish["remoteOption"], wish["gender"] = "remote-acceptable", "female"
		}
		ref, position, err := c.book(ctx, spokenThere[i], loadYear.AddDate(0, 2, 17*i).Add(time.Duration(9+i%8)*time.Hour), wish)
		if err != nil {
			return err
		}
		refs, last = append(refs, ref), position
	}
	var times []time.Duration
	ask := func(n int) error {
		began := time.Now()
		a, err := c.assigner.send(ctx, http.MethodGet, fmt.Sprintf("/api/v1/jobs/%s/candidates?limit=%d", refs[n%len(refs)], soughtOnAPage), "", last)
		if err != nil {
			return err
		}
		times = append(times, time.Since(began))
		var found struct {
			Items []struct {
				Eligible bool
				Reasons  []json.RawMessage
			}
			Total int
		}
		if err := json.Unmarshal(a.body, &found); err != nil {
			return err
		}
		if len(found.Items) != soughtOnAPage || found.Total < soughtInterpreters || !found.Items[soughtOnAPage-1].Eligible || len(found.Items[0].Reasons) < 5 {
			return fmt.Errorf("%d candidates of %d, the last is one: %v", len(found.Items), found.Total, found.Items[len(found.Items)-1].Eligible)
		}
		return nil
	}
	for n := range 2 * len(refs) { // the first ones read what all later ones find in memory
		if err := ask(n); err != nil {
			return err
		}
	}
	times = nil
	wall, spent, err := stopwatch(p, func() error {
		for n := range searches {
			if err := ask(n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for candidates: %w", err)
	}
	r := s.add(measured(fmt.Sprintf("candidates over HTTP, %d of %s interpreters", soughtOnAPage, thousands(soughtInterpreters)), "requests", searches, wall, spent, times))
	s.aim(atMost(fmt.Sprintf("candidates, %s diary entries, traces included, p95", thousands(soughtInterpreters*entriesEach)), ms(r.quantile(0.95)), 50, " ms"))
	return nil
}

// book books a job that wishes something, and answers its reference.
func (c *crew) book(ctx context.Context, language string, start time.Time, wish map[string]any) (ref, position string, err error) {
	asked := maps.Clone(wish)
	if asked == nil {
		asked = map[string]any{}
	}
	for key, value := range fields {
		asked[key] = value
	}
	text, err := json.Marshal(map[string]any{"form": "face-to-face", "location": c.location, "language": language, "serviceType": "face-to-face",
		"start": start.Format(localLayout), "duration": map[string]int{"hours": 1, "minutes": 0}, "fields": asked})
	if err != nil {
		return "", "", err
	}
	a, err := c.customer.send(ctx, http.MethodPost, "/api/v1/bookings", string(text), "")
	if err != nil {
		return "", "", err
	}
	var made struct{ Jobs []struct{ Ref string } }
	if err := json.Unmarshal(a.body, &made); err != nil || len(made.Jobs) != 1 {
		return "", "", fmt.Errorf("booked no job: %s", a.body)
	}
	return made.Jobs[0].Ref, a.position, nil
}
