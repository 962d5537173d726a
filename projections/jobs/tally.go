package jobs

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/projections/rows"
)

// place is where a job is tallied.
type place struct {
	status string
	day    time.Time
}

func (j *job) place() place { return place{j.status, dayOf(j.startsAt)} }

// dayOf is the day by UTC: viewers of every zone add up the same tallies, and count job by job about now.
func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// queueTallies writes how many jobs more or fewer there are of each customer, and of all together, status and day.
func (f *fold) queueTallies(b *pgx.Batch) {
	type key struct {
		customer uuid.UUID
		place
	}
	more := map[key]int{}
	count := func(j *job, at place, n int) {
		more[key{j.customer, at}] += n
		more[key{uuid.Nil, at}] += n
	}
	for id, j := range f.jobs {
		now := j.place()
		before, stored := f.stored[id]
		if stored && before == now {
			continue
		}
		count(j, now, 1)
		if stored {
			count(j, before, -1)
		}
	}
	keys := make([]key, 0, len(more))
	for k, n := range more {
		if n != 0 {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(rows.Compare(a.customer, b.customer), strings.Compare(a.status, b.status), a.day.Compare(b.day))
	})
	customer := func(k key) uuid.UUID { return k.customer }
	status := func(k key) string { return k.status }
	day := func(k key) time.Time { return k.day }
	b.Queue(`
		insert into tallies (customer, status, day, n) select * from unnest($1::uuid[], $2::text[], $3::date[], $4::int[])
		on conflict (customer, status, day) do update set n = tallies.n + excluded.n`,
		rows.Column(keys, customer), rows.Column(keys, status), rows.Column(keys, day), rows.Column(keys, func(k key) int32 { return int32(more[k]) }))
	fewer := slices.DeleteFunc(keys, func(k key) bool { return more[k] > 0 })
	if len(fewer) == 0 {
		return
	}
	// Without rows of none, the rows are the same however the events came in pages.
	b.Queue(`
		delete from tallies using unnest($1::uuid[], $2::text[], $3::date[]) as k (customer, status, day)
		where tallies.n = 0 and (tallies.customer, tallies.status, tallies.day) = (k.customer, k.status, k.day)`,
		rows.Column(fewer, customer), rows.Column(fewer, status), rows.Column(fewer, day))
}
