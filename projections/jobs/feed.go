package jobs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
)

// What a calendar feed tells, from little to much (M-25). None tells of the speaker, of custody, contacts or notes.
const (
	FeedBusy  = "busy"  // the times
	FeedPlace = "place" // also town and outward postcode
	FeedFull  = "full"  // also language, address and job reference
)

// FeedLevels are all of them, in that order.
var FeedLevels = []string{FeedBusy, FeedPlace, FeedFull}

// FeedDays is how long a job that is over, or an assignment that has ended, stays in a feed.
const FeedDays = 90

// FeedItem is one job in its interpreter's calendar feed. What the level does not tell is empty.
type FeedItem struct {
	UID        uuid.UUID // of the job and the interpreter together: neither can be told from it
	Sequence   int64
	StampedAt  time.Time
	Start, End time.Time
	Cancelled  bool // the assignment has ended: nothing but its time is told, whatever the level
	Remote     bool // place, full
	Town       string
	Outward    string
	Language   string // full
	Ref        string
	Address    string // lines and postcode
}

// Feed is the calendar of the interpreter who asks: the own assigned jobs, those over for at most FeedDays, and as cancelled ones those taken away
// in that time.
func (q Queries) Feed(ctx context.Context, v access.Viewer, level string) ([]FeedItem, error) {
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return nil, err
	}
	type row struct {
		Job             uuid.UUID
		Ref             string
		Ended           bool
		Sequence        int64
		At, Starts, End time.Time
		Language        string
		Placed          bool
		Line1, Line2    string
		Town, Postcode  string
		Outward         string
	}
	rows, err := projections.Collect(ctx, q.Models, pgx.RowToStructByPos[row], `
		select job, ref, ended, sequence, at, starts, ends, language, placed, line1, line2, town, postcode, outward from (
			select distinct on (a.job) a.job, j.ref, a.ended_at is not null as ended,
				case when a.ended_at is null then j.revision else a.ended_revision end as sequence,
				coalesce(a.ended_at, j.changed_at) as at, coalesce(a.last_start, j.starts_at) as starts, coalesce(a.last_end, j.ends_at) as ends,
				coalesce(l.name, j.language) as language, d.town <> '' or d.outward <> '' as placed, d.line1, d.line2, d.town, d.postcode, d.outward
			from {jobs}.assignments a join {jobs}.jobs j on j.job = a.job join {jobs}.details d on d.job = a.job
			left join {jobs}.languages l on l.code = j.language
			where a.job = any(array(select job from {jobs}.parties where interpreter = $1)) and a.interpreter = $1
			order by a.job, a.revision desc) as mine
		where case when ended then at else ends end > $2 order by starts, job`, v.Interpreter, v.Now.AddDate(0, 0, -FeedDays))
	if err != nil {
		return nil, fmt.Errorf("read a calendar feed: %w", err)
	}
	items := make([]FeedItem, len(rows))
	for i, r := range rows {
		item := FeedItem{UID: uuid.NewSHA1(r.Job, v.Interpreter[:]), Sequence: r.Sequence, StampedAt: r.At, Start: r.Starts, End: r.End, Cancelled: r.Ended}
		if !r.Ended && level != FeedBusy {
			item.Remote, item.Town, item.Outward = !r.Placed, r.Town, r.Outward
		}
		if !r.Ended && level == FeedFull {
			item.Ref, item.Language = r.Ref, r.Language
			for _, line := range []string{r.Line1, r.Line2, r.Town, r.Postcode} {
				if line != "" {
					item.Address = strings.TrimPrefix(item.Address+", "+line, ", ")
				}
			}
		}
		items[i] = item
	}
	return items, nil
}
