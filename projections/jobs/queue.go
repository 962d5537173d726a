package jobs

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// Queued is a job that nobody has yet, as those who assign look at it.
type Queued struct {
	Item
	Custody      bool   // somebody waits in custody
	CustodyClock string // local time at which custody ends, as it was entered; empty: not told
	ResponseTier string
	OffersOut    int    // interpreters whose offer is open or accepted
	HeldBy       Person // whose acceptance holds the job
	TakenBy      Person // the assigner who works on it
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
		page, err = queue(ctx, tx, v, q.Substitute)
		return err
	}, Name)
	return page, err
}

func queue(ctx context.Context, q DB, v access.Viewer, sub access.Substitute) (page QueuePage, err error) {
	var args jobrow.Args
	condition := fmt.Sprintf(`%s and status in ('requested', 'new') and %s and ends_at > %s and starts_at > %s`,
		within(v, &args), live, args.Add(v.Now), args.Add(v.Now.Add(-longest)))
	found, err := readRows(ctx, q, itemsSQL(fmt.Sprintf(`(select * from jobs where %s order by starts_at, ref limit %d)`, condition, queueLimit))+
		" order by j.starts_at, j.ref", args...)
	if err != nil {
		return page, fmt.Errorf("list the queue: %w", err)
	}
	if page.Total = len(found); page.Total == 0 {
		return page, nil
	}
	if page.Total == queueLimit {
		if err := q.QueryRow(ctx, `select count(*) from jobs where `+condition, args...).Scan(&page.Total); err != nil {
			return page, fmt.Errorf("count the queue: %w", err)
		}
	}
	books, err := readForms(ctx, q, found)
	if err != nil {
		return page, fmt.Errorf("list the queue: %w", err)
	}
	more, err := readQueued(ctx, q, found)
	if err != nil {
		return page, fmt.Errorf("list the queue: %w", err)
	}
	page.Items = make([]Queued, len(found))
	for i := range found {
		r, m := &found[i], more[found[i].Job]
		item, s, err := r.item(v, books, sub)
		if err != nil {
			return page, fmt.Errorf("list the queue: %w", err)
		}
		page.Items[i] = Queued{Item: item, ResponseTier: m.Tier, OffersOut: len(r.Offered), HeldBy: s.interpreter(access.Offers, or(r.Holder), m.HolderLIN, m.HolderName)}
		if r.TakenBy != nil {
			page.Items[i].TakenBy = s.user(*r.TakenBy, m.TakerName, m.TakerCustomer)
		}
		values, err := readFields(r.Fields)
		if err != nil {
			return page, fmt.Errorf("list the queue: %w", err)
		}
		shown := s.fields(values)
		page.Items[i].CustodyClock = shown["custodyClock"].First()
		page.Items[i].Custody = page.Items[i].CustodyClock != "" || shown["custodyReference"].First() != ""
	}
	return page, nil
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

func readQueued(ctx context.Context, q DB, all []itemRow) (map[uuid.UUID]queuedRow, error) {
	ids := make([]uuid.UUID, len(all))
	for i, r := range all {
		ids[i] = r.Job
	}
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
