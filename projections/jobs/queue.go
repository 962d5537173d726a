package jobs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// Queued is a job that nobody has yet, as far as its place in the queue goes: of hundreds that are put in order no more is read.
type Queued struct {
	ID      uuid.UUID
	Ref     string
	Start   time.Time // as asked for
	Custody bool      // somebody waits in custody
	Held    bool      // somebody's acceptance holds the job
	Flagged bool      // assigners are told of it (N-03)
	TakenBy uuid.UUID // the assigner who works on it; zero: nobody
}

// queueLimit is how many jobs one answer of Queue holds at most.
const queueLimit = 500

// QueuePage are the jobs of the queue, the earliest of them if there are too many, and how many there are in all.
type QueuePage struct {
	Items []Queued
	Total int
}

// Queue are the jobs that are requested or new and whose end lies ahead, by start: for those who keep the promises of contact and the auditor;
// everybody else gets the refusal.
func (q Queries) Queue(ctx context.Context, v access.Viewer) (page QueuePage, err error) {
	if err := access.MayManage(v, access.ReadBoard); err != nil {
		return page, err
	}
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		page, err = queue(ctx, tx, v)
		return err
	}, Name)
	if err != nil {
		return page, fmt.Errorf("list the queue: %w", err)
	}
	return page, nil
}

func queue(ctx context.Context, q DB, v access.Viewer) (page QueuePage, err error) {
	l := &listing{v: v, joins: map[string]bool{}}
	l.where = []string{within(v, &l.args), "status in ('requested', 'new')", live, "ends_at > " + l.args.Add(v.Now), "starts_at > " + l.args.Add(v.Now.Add(-longest))}
	l.counted, l.whole = len(l.args), len(l.where)
	l.tallyFor(tallied{statuses: names(domain.Requested, domain.New), when: ahead})
	custody, err := l.custody(ctx, q)
	if err != nil {
		return page, err
	}
	found, err := q.Query(ctx, fmt.Sprintf(`
		select j.job as id, j.ref, j.requested_at as start, %s as custody, j.holder is not null as held,
			exists (select from waves w where w.job = j.job and w.flags <> '[]') as flagged, coalesce(j.taken_by, $%d) as taken_by
		from (select * from jobs where %s order by starts_at, ref limit %d) j join details d on d.job = j.job order by j.starts_at, j.ref`,
		custody, len(l.args)+1, strings.Join(l.where, " and "), queueLimit), append(l.args, uuid.Nil)...)
	if err != nil {
		return page, err
	}
	if page.Items, err = pgx.CollectRows(found, pgx.RowToStructByName[Queued]); err != nil {
		return page, err
	}
	page.Total, err = l.total(ctx, q, len(page.Items), queueLimit, 0)
	return page, err
}

// custody tells whether the viewer reads of a job that somebody waits in custody.
func (l *listing) custody(ctx context.Context, q DB) (string, error) {
	var told []string
	for _, key := range []string{"custodyClock", "custodyReference"} {
		clear, err := l.clear(ctx, q, l.relation(), column{field: key})
		if err != nil {
			return "", err
		}
		told = append(told, clear+" and coalesce("+fieldText(key)+", '') <> ''")
	}
	return "(" + strings.Join(told, " or ") + ")", nil
}

// QueuedItem is a job of the queue as those who assign look at it.
type QueuedItem struct {
	Item
	ResponseTier string
	OffersOut    int    // interpreters whose offer is open or accepted
	HeldBy       Person // whose acceptance holds the job
	TakenBy      Person // the assigner who works on it
}

// QueueItems are jobs of the queue by their ids, for the few that are shown; the same viewers may ask.
func (q Queries) QueueItems(ctx context.Context, v access.Viewer, ids []uuid.UUID) (items map[uuid.UUID]QueuedItem, err error) {
	if err := access.MayManage(v, access.ReadBoard); err != nil {
		return nil, err
	}
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		items, err = queueItems(ctx, tx, v, q.Substitute, ids)
		return err
	}, Name)
	if err != nil {
		return nil, fmt.Errorf("read jobs of the queue: %w", err)
	}
	return items, nil
}

func queueItems(ctx context.Context, q DB, v access.Viewer, sub access.Substitute, ids []uuid.UUID) (map[uuid.UUID]QueuedItem, error) {
	var args jobrow.Args
	condition := within(v, &args) + " and job = any(" + args.Add(ids) + ")"
	found, err := readRows(ctx, q, itemsSQL("(select * from jobs where "+condition+")"), args...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	books, err := readForms(ctx, q, found)
	if err != nil {
		return nil, err
	}
	more, err := readQueued(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	items := make(map[uuid.UUID]QueuedItem, len(found))
	for i := range found {
		r, m := &found[i], more[found[i].Job]
		item, s, err := r.item(v, books, sub)
		if err != nil {
			return nil, err
		}
		queued := QueuedItem{Item: item, ResponseTier: m.Tier, OffersOut: len(r.Offered), HeldBy: s.interpreter(access.Offers, or(r.Holder), m.HolderLIN, m.HolderName)}
		if r.TakenBy != nil {
			queued.TakenBy = s.user(*r.TakenBy, m.TakerName, m.TakerCustomer)
		}
		items[r.Job] = queued
	}
	return items, nil
}

// queuedRow is what a job of the queue shows besides an item.
type queuedRow struct {
	Job           uuid.UUID
	Tier          string
	HolderLIN     string
	HolderName    string
	TakerName     string
	TakerCustomer *uuid.UUID
}

func readQueued(ctx context.Context, q DB, ids []uuid.UUID) (map[uuid.UUID]queuedRow, error) {
	found, err := q.Query(ctx, `
		select j.job, coalesce(d.policy ->> 'responseTier', '') as tier, coalesce(i.lin, '') as holder_lin, coalesce(i.name, '') as holder_name,
			coalesce(u.name, '') as taker_name, u.customer as taker_customer
		from jobs j join details d on d.job = j.job left join interpreters i on i.interpreter = j.holder left join users u on u.user_id = j.taken_by
		where j.job = any($1)`, ids)
	if err != nil {
		return nil, err
	}
	rows, err := pgx.CollectRows(found, pgx.RowToStructByName[queuedRow])
	if err != nil {
		return nil, err
	}
	more := make(map[uuid.UUID]queuedRow, len(rows))
	for _, r := range rows {
		more[r.Job] = r
	}
	return more, nil
}
