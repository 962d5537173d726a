package jobs

import (
	"slices"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/rows"
)

// Waves are how far a job has got with offers in waves (N-03).
type Waves struct {
	Number int       // of the last one since the job was booked or last changed
	SentAt time.Time // zero: none has gone out
	Size   int       // how many are asked at once
	Left   int       // how many could still be asked then
	NextAt time.Time // zero: none is due by itself
}

// Flag tells assigners that a job needs them, and what would help.
type Flag struct {
	Kind  string // booking.FlagCustody, booking.FlagNoCandidates, FlagSuspended
	Since time.Time
	Helps []booking.Help
}

// FlagSuspended: the interpreter who has the job is suspended (LL-130). It stands as long as that does, and as the job lies ahead.
const FlagSuspended = "interpreter-suspended"

// waves is a row of table waves: there is one for every job whose waves have begun.
type waves struct {
	job             uuid.UUID
	number          int
	size, left      int
	sentAt, nextAt  time.Time
	flags           []flag
	changed, really bool // to be written; whether there is such a row
}

// flag is a flag as its column holds it.
type flag struct {
	Kind  string         `json:"kind"`
	Since time.Time      `json:"since"`
	Helps []booking.Help `json:"helps,omitempty"`
}

const loadWavesSQL = `select job, number, size, to_ask, sent_at, next_at, flags from waves where job = any($1)`

func (f *fold) scanWaves(found pgx.Rows) error {
	for found.Next() {
		w := &waves{really: true}
		var sent, next pgtype.Timestamptz
		var flags []byte
		if err := found.Scan(&w.job, &w.number, &w.size, &w.left, &sent, &next, &flags); err != nil {
			return err
		}
		w.sentAt, w.nextAt = sent.Time, next.Time
		if err := json.Unmarshal(flags, &w.flags); err != nil {
			return err
		}
		f.waves[w.job] = w
	}
	return found.Err()
}

// wavesOf follows what an event means for the waves of the jobs that it touches.
func (f *fold) wavesOf(r eventschema.Recorded, e booking.Event) {
	for _, id := range booking.Touches(e) {
		if next, ok := booking.WavesAfter(e, id, r.Meta.At); ok {
			f.wave(id, next, r.Meta.At)
		}
		w := f.waves[id]
		switch e := e.(type) {
		case booking.WaveSent:
			w.size, w.left = e.Row.Size, e.Left
			w.unflag(booking.FlagNoCandidates)
		case booking.JobFlagged:
			if w == nil {
				w = &waves{job: id}
				f.waves[id] = w
			}
			w.flag(flag{e.Flag, r.Meta.At.UTC(), e.Helps})
			w.changed, w.really = true, true
		case booking.Assigned, booking.Closed, booking.Cancelled, booking.TimesheetAccepted:
			if w != nil && len(w.flags) > 0 {
				w.flags, w.changed = nil, true
			}
		}
	}
}

// wave follows when the next wave of a job is due.
func (f *fold) wave(id uuid.UUID, next booking.NextWave, at time.Time) {
	w := f.waves[id]
	switch {
	case next.Anew && w == nil:
		return // no wave has gone out
	case w == nil:
		w = &waves{job: id}
		f.waves[id] = w
	}
	w.changed, w.nextAt = true, next.Due
	switch {
	case next.Anew:
		*w = waves{job: id, changed: true}
	case next.Sent > 0:
		w.number, w.sentAt, w.really = next.Sent, at, true
	}
}

func (w *waves) flag(n flag) {
	for _, before := range w.flags {
		if before.Kind == n.Kind {
			n.Since = before.Since
		}
	}
	w.unflag(n.Kind)
	w.flags = append(w.flags, n)
}

func (w *waves) unflag(kind string) {
	w.flags = slices.DeleteFunc(slices.Clone(w.flags), func(f flag) bool { return f.Kind == kind })
}

const insertWavesSQL = `
insert into waves (job, number, size, to_ask, sent_at, next_at, flags)
select * from unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::jsonb[])
on conflict (job) do update set number = excluded.number, size = excluded.size, to_ask = excluded.to_ask, sent_at = excluded.sent_at,
	next_at = excluded.next_at, flags = excluded.flags`

func (f *fold) queueWaves(b *pgx.Batch) {
	var all []*waves
	gone := map[uuid.UUID]bool{}
	for _, id := range rows.Sorted(f.waves) {
		switch w := f.waves[id]; {
		case !w.changed:
		case w.really:
			all = append(all, w)
		default:
			gone[id] = true
		}
	}
	if len(gone) > 0 {
		b.Queue(`delete from waves where job = any($1)`, rows.Keys(gone))
	}
	if len(all) == 0 {
		return
	}
	b.Queue(insertWavesSQL,
		rows.Column(all, func(w *waves) pgtype.UUID { return rows.ID(w.job) }),
		rows.Column(all, func(w *waves) int32 { return int32(w.number) }),
		rows.Column(all, func(w *waves) int32 { return int32(w.size) }),
		rows.Column(all, func(w *waves) int32 { return int32(w.left) }),
		rows.Column(all, func(w *waves) pgtype.Timestamptz { return rows.Time(w.sentAt) }),
		rows.Column(all, func(w *waves) pgtype.Timestamptz { return rows.Time(w.nextAt) }),
		rows.Column(all, func(w *waves) string { return flagsJSON(w.flags) }))
}

func flagsJSON(flags []flag) string {
	if len(flags) == 0 {
		return "[]"
	}
	return mustJSON(flags)
}

// readFlags are the flags of a job as their column holds them.
func readFlags(b []byte, zone func(time.Time) time.Time) ([]Flag, error) {
	var stored []flag
	if err := json.Unmarshal(b, &stored); err != nil {
		return nil, err
	}
	out := make([]Flag, len(stored))
	for i, f := range stored {
		out[i] = Flag{f.Kind, zone(f.Since), f.Helps}
	}
	return out, nil
}
