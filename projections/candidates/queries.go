// Package candidates answers who could do a job, in which order, and why (LL-23..34, M-03, N-04). It has no tables of its own: the directory knows
// what interpreters can do, the diaries when and where they are; both keep what is asked for here. Whoever speaks one of the wanted languages is
// found by an index, and so is what their diaries hold around the job; the rules of domain/matching do the rest.
package candidates

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/diary"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

// Models are the read models that are read.
var Models = []string{readpeople.Name, diary.Name}

// Queries answers from them.
type Queries struct{ Models *projections.Models }

// Which candidates are wanted.
const (
	Everybody = ""
	Eligible  = "eligible" // those whom nothing speaks against
	Others    = "others"   // the rest
)

// Candidate is one interpreter and what the rules found.
type Candidate struct {
	Verdict matching.Verdict
	Name    string
	Rank    int // 1 is the first; 0: no candidate
}

// Page is a part of the answer. Candidates come first, in their order; then those who speak a wanted language, whom least speaks against first; then
// everybody else, by LIN.
type Page struct {
	Items    []Candidate
	Total    int
	Eligible int // candidates in all
}

// Rank looks for workers. What the job wants, and who may ask, the commands' Search has settled; so only staff and auditors come here, and what of
// a trace each may read is that search's matter too.
func (q Queries) Rank(ctx context.Context, j matching.Job, w matching.World, table people.Postcodes, which string, offset, limit int) (page Page, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		page = Page{}
		workers, names, err := speakers(ctx, tx, j, table)
		if err != nil {
			return err
		}
		if err := fillDiaries(ctx, tx, j, workers, table); err != nil {
			return err
		}
		found := matching.Rank(j, workers, w)
		for page.Eligible < len(found) && found[page.Eligible].Eligible {
			page.Eligible++
		}
		rest := 0
		if which != Eligible {
			if err := tx.QueryRow(ctx, `select count(*) from interpreters`).Scan(&rest); err != nil {
				return err
			}
			rest -= len(found)
		}
		first := 0
		switch which {
		case Eligible:
			found = found[:page.Eligible]
		case Others:
			found, first = found[page.Eligible:], page.Eligible
		}
		page.Total = len(found) + rest
		for i := min(offset, len(found)); i < min(offset+limit, len(found)); i++ {
			c := Candidate{Verdict: found[i], Name: names[found[i].Worker.ID]}
			if found[i].Eligible {
				c.Rank = first + i + 1
			}
			page.Items = append(page.Items, c)
		}
		if room := limit - len(page.Items); room > 0 && rest > 0 {
			others, err := strangers(ctx, tx, j, w, table, max(0, offset-len(found)), room)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, others...)
		}
		return nil
	}, Models...)
	if err != nil {
		return Page{}, fmt.Errorf("look for candidates: %w", err)
	}
	return page, nil
}

// Choose is a list to choose from: if ranked, everybody who speaks a wanted language, as Rank orders them; and in any case those who are named, in
// the same order among the rest. At most limit, and those; more: there are others.
func (q Queries) Choose(ctx context.Context, j matching.Job, w matching.World, table people.Postcodes, ranked bool, ids []uuid.UUID, limit int) (list []Candidate, more bool, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		list, more = nil, false
		if ids == nil {
			ids = []uuid.UUID{}
		}
		workers, names, err := readWorkers(ctx, tx, table, workersSQL+`$2 and spoken && $1 or interpreter = any($3)`, wanted(j), ranked, ids)
		if err != nil {
			return err
		}
		if err := fillDiaries(ctx, tx, j, workers, table); err != nil {
			return err
		}
		for i, v := range matching.Rank(j, workers, w) {
			c := Candidate{Verdict: v, Name: names[v.Worker.ID]}
			if v.Eligible && ranked {
				c.Rank = i + 1
			}
			if i < limit || ranked && slices.Contains(ids, v.Worker.ID) {
				list = append(list, c)
			} else {
				more = true
			}
		}
		return nil
	}, Models...)
	if err != nil {
		return nil, false, fmt.Errorf("look for candidates to choose from: %w", err)
	}
	return list, more, nil
}

// wanted are the languages that somebody may speak, in small letters.
func wanted(j matching.Job) []string {
	all := []string{strings.ToLower(j.Language)}
	for _, l := range j.Alternatives {
		all = append(all, strings.ToLower(l))
	}
	return all
}

const workersSQL = `
select interpreter, lin, name, gender, array_to_string(languages, chr(31)), array_to_string(skills, chr(31)), array_to_string(service_types, chr(31)),
	credentials, suspended, coordinates, postcode, travel_radius_km,
	coalesce(a.time_zone, ''), a.week, a.unavailable
from interpreters left join availability a using (interpreter) where `

// speakers are all who speak a wanted language.
func speakers(ctx context.Context, tx pgx.Tx, j matching.Job, table people.Postcodes) ([]matching.Worker, map[uuid.UUID]string, error) {
	return readWorkers(ctx, tx, table, workersSQL+`spoken && $1`, wanted(j))
}

func readWorkers(ctx context.Context, tx pgx.Tx, table people.Postcodes, sql string, args ...any) ([]matching.Worker, map[uuid.UUID]string, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, nil, err
	}
	var all []matching.Worker
	names := map[uuid.UUID]string{}
	var w matching.Worker
	var name, coordinates, postcode, languages, skills, services string
	var credentials []byte
	var away []struct{ From, To domain.Moment }
	_, err = pgx.ForEachRow(rows, []any{&w.ID, &w.LIN, &name, &w.Gender, &languages, &skills, &services, &credentials, &w.Suspended,
		&coordinates, &postcode, &w.TravelRadiusKm, &w.Availability.TimeZone, &w.Availability.Week, &away}, func() error {
		for _, a := range away {
			w.Availability.Unavailable = append(w.Availability.Unavailable, people.Away{From: a.From, To: a.To})
		}
		away = nil
		w.Languages, w.Skills, w.ServiceTypes = listed(languages), listed(skills), listed(services)
		if err := json.Unmarshal(credentials, &w.Credentials); err != nil {
			return fmt.Errorf("read the credentials of %s: %w", w.ID, err)
		}
		w.Name, w.Coordinates, w.Postcode = domain.Personal(name), domain.Personal(coordinates), domain.Personal(postcode)
		w.Suspended = w.Suspended || name == domain.Erased
		w.Home = matching.LocateHome(w.Profile, table)
		names[w.ID] = name
		all = append(all, w)
		w = matching.Worker{}
		return nil
	})
	return all, names, err
}

// listed takes a list apart that came as one text, which is read several times as fast as an array.
func listed(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x1f")
}

// longest is how long a reservation can be: what began before the time asked about by more than that is over.
const longest = booking.MaxMinutes * time.Minute

// fillDiaries reads what workers' diaries hold within the job's horizon, with where those jobs are.
func fillDiaries(ctx context.Context, tx pgx.Tx, j matching.Job, workers []matching.Worker, table people.Postcodes) error {
	if len(workers) == 0 {
		return nil
	}
	at := make(map[uuid.UUID]*matching.Worker, len(workers))
	ids := make([]uuid.UUID, len(workers))
	for i := range workers {
		ids[i], at[workers[i].ID] = workers[i].ID, &workers[i]
	}
	from, to := matching.Horizon(j)
	early, late := matching.Near(j)
	rows, err := tx.Query(ctx, `
		with held as materialized (
			select interpreter, job, starts_at, ends_at, reservation from reservations where starts_at >= $2 and starts_at < $3 and ends_at > $4 and job <> $5
		)
		select r.interpreter, r.job, r.starts_at, r.ends_at, coalesce(j.ref, ''), coalesce(j.addressed, false), coalesce(j.service_type, ''),
			coalesce(j.postcode, ''), coalesce(j.outward, ''), coalesce(l.postcode, ''), coalesce(l.latitude, 0), coalesce(l.longitude, 0)
		from held r join unnest($1::uuid[]) as wanted(interpreter) using (interpreter)
		left join lateral ( -- one look at an index each, whatever is thought of their number; of those that are no neighbours only the hours count
			select * from jobs where jobs.job = r.job and r.ends_at > $6 and r.starts_at < $7 limit 1
		) j on true
		left join locations l on l.location = j.location
		order by r.starts_at, r.reservation`, ids, from.Add(-longest), to, from, j.ID, early, late)
	if err != nil {
		return err
	}
	var worker uuid.UUID
	var e matching.Entry
	var addressed bool
	var service, postcode, outward string
	var location people.Place
	_, err = pgx.ForEachRow(rows, []any{&worker, &e.Job, &e.Start, &e.End, &e.Ref, &addressed, &service, &postcode, &outward,
		&location.Address.Postcode, &location.Coordinates.Lat, &location.Coordinates.Lon}, func() error {
		held := booking.Job{Details: booking.Details{ServiceType: service}}
		if addressed {
			held.Details.Address = &booking.Address{Postcode: domain.Personal(postcode), Outward: outward}
		}
		if e.InPerson = held.InPerson(); e.InPerson {
			e.Place = held.Spot(booking.Geography{Locations: map[uuid.UUID]people.Place{uuid.Nil: location}, Postcodes: table})
		} else {
			e.Place = matching.Spot{}
		}
		at[worker].Diary = append(at[worker].Diary, e)
		return nil
	})
	return err
}

// strangers are those who speak none of the wanted languages, by LIN.
func strangers(ctx context.Context, tx pgx.Tx, j matching.Job, w matching.World, table people.Postcodes, offset, limit int) ([]Candidate, error) {
	workers, names, err := readWorkers(ctx, tx, table, workersSQL+`not spoken && $1 order by lin offset $2 limit $3`, wanted(j), offset, limit)
	if err != nil {
		return nil, err
	}
	if err := fillDiaries(ctx, tx, j, workers, table); err != nil {
		return nil, err
	}
	out := make([]Candidate, len(workers))
	for i := range workers {
		out[i] = Candidate{Verdict: matching.Judge(j, workers[i], w), Name: names[workers[i].ID]}
	}
	return out, nil
}

// others are how many who speak none of the wanted languages are looked at to know what another language would bring.
const others = 2000

// Survey judges everybody who speaks a wanted language, counts the others, and says up to which position of the log was read: both read models go
// so far. With languages, others are read too, to know what another language would bring.
func (q Queries) Survey(ctx context.Context, j matching.Job, w matching.World, table people.Postcodes, languages bool) (s matching.Survey, at eventschema.Position, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		s = matching.Survey{Job: j, World: w}
		var err error
		if at, err = position(ctx, tx); err != nil {
			return err
		}
		workers, _, err := speakers(ctx, tx, j, table)
		if err != nil {
			return err
		}
		if err := fillDiaries(ctx, tx, j, workers, table); err != nil {
			return err
		}
		s.Ranked = matching.Rank(j, workers, w)
		if err := tx.QueryRow(ctx, `select count(*) from interpreters`).Scan(&s.Strangers); err != nil {
			return err
		}
		if s.Strangers -= len(workers); !languages || s.Strangers == 0 {
			return nil
		}
		if s.Others, _, err = readWorkers(ctx, tx, table, workersSQL+`not spoken && $1 and not suspended order by lin limit $2`, wanted(j), others); err != nil {
			return err
		}
		return fillDiaries(ctx, tx, j, s.Others, table)
	}, Models...)
	if err != nil {
		return matching.Survey{}, at, fmt.Errorf("survey the candidates: %w", err)
	}
	return s, at, nil
}

// position is how far the rows of both read models go: the lesser of the two.
func position(ctx context.Context, tx pgx.Tx) (at eventschema.Position, err error) {
	var schemas []string
	if err := tx.QueryRow(ctx, `select current_schemas(false)`).Scan(&schemas); err != nil {
		return at, err
	}
	for i, schema := range schemas {
		var commit, prepare int64
		err := tx.QueryRow(ctx, `select commit_pos, prepare_pos from `+pgx.Identifier{schema, "checkpoint"}.Sanitize()).Scan(&commit, &prepare)
		if err != nil {
			return at, err
		}
		if p := (eventschema.Position{Commit: uint64(commit), Prepare: uint64(prepare)}); i == 0 || at.After(p) {
			at = p
		}
	}
	return at, nil
}
