package jobs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// OfferPage is one part of an interpreter's offers, newest first, and how many there are in all.
type OfferPage struct {
	Items []Offer
	Total int
}

// Offers are an interpreter's own offers and how each stands or ended. Limit 0: 30; at most 500.
func (q Queries) Offers(ctx context.Context, v access.Viewer, offset, limit int) (page OfferPage, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		page, err = Offers(ctx, tx, v, offset, limit)
		return err
	}, Name)
	return page, err
}

// Offers is the same question in a transaction.
func Offers(ctx context.Context, q DB, v access.Viewer, offset, limit int) (page OfferPage, err error) {
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return page, err
	}
	if limit == 0 {
		limit = 30
	}
	found, err := q.Query(ctx, offersSQL+` where `+ownOffer+` order by o.sent_at desc, o.job, o.revision desc limit $2 offset $3`,
		v.Interpreter, max(1, min(limit, 500)), max(0, offset))
	if err != nil {
		return page, fmt.Errorf("list offers: %w", err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[offerRow])
	if err != nil {
		return page, fmt.Errorf("list offers: %w", err)
	}
	own := sight{v: v, rel: access.Offered} // what was shown when it was sent stays the interpreter's to read
	for _, o := range all {
		page.Items = append(page.Items, o.offer(own, access.OwnOffers, v.Now))
	}
	if err := q.QueryRow(ctx, `select count(*) from offers o where `+ownOffer, v.Interpreter).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count offers: %w", err)
	}
	return page, nil
}

// ownOffer leaves an interpreter's own offers. What staff recorded as declined though the interpreter was never asked is none of them: that
// interpreter may not know the job.
const ownOffer = `o.job = any(array(select job from parties where interpreter = $1)) and o.interpreter = $1`

// Waiting is a job that waits for the viewer, and for what.
type Waiting struct {
	Item
	Step string
}

// waitingLimit is how many jobs one answer of WaitingForMe holds at most.
const waitingLimit = 500

// WaitingForMe are the jobs that wait for the viewer, by start: a customer's for an answer or for hours, assigners' and admins' for offers,
// assignment or closing, an interpreter's for an answer to an offer or for hours. Whoever is never waited for gets none.
func (q Queries) WaitingForMe(ctx context.Context, v access.Viewer) (all []Waiting, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		all, err = WaitingForMe(ctx, tx, v, q.Substitute)
		return err
	}, Name)
	return all, err
}

// WaitingForMe is the same question in a transaction.
func WaitingForMe(ctx context.Context, q DB, v access.Viewer, sub access.Substitute) ([]Waiting, error) {
	if err := access.MayManage(v, access.ReadJobs); err != nil {
		return nil, err
	}
	var args jobrow.Args
	known := within(v, &args)
	condition := waitsFor(v, &args)
	if condition == "" {
		return nil, nil
	}
	found, err := readRows(ctx, q, itemsSQL(fmt.Sprintf(`(select * from jobs where %s and %s and (%s) order by starts_at, ref limit %d)`,
		known, live, condition, waitingLimit))+" order by j.starts_at, j.ref", args...)
	if err != nil {
		return nil, fmt.Errorf("look for what waits: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	books, err := readForms(ctx, q, found)
	if err != nil {
		return nil, fmt.Errorf("look for what waits: %w", err)
	}
	all := make([]Waiting, len(found))
	for i := range found {
		if all[i].Item, _, err = found[i].item(v, books, sub); err != nil {
			return nil, fmt.Errorf("look for what waits: %w", err)
		}
		all[i].Step = found[i].stepFor(v)
	}
	return all, nil
}

// waitsFor is waiting as a condition; each line stands for one of its answers. Empty: the viewer is never waited for.
func waitsFor(v access.Viewer, args *jobrow.Args) string {
	now := args.Add(v.Now)
	switch v.Role {
	case domain.Requestor, domain.CustomerAdmin:
		return `status in ('new', 'assigned') and ends_at > ` + now + ` and proposed_eta is not null
			or status = 'assigned' and ends_at <= ` + now + `
			or status = 'ongoing' and sheet_side = 'interpreter' and not sheet_disputed
			or status = 'ongoing' and sheet_side = 'customer' and sheet_disputed`
	case domain.Assigner, domain.Admin:
		return `status = 'requested'
			or status = 'new' and ends_at <= ` + now + `
			or status = 'new' and proposed_eta is null and (holder is not null or offered = '{}')`
	case domain.Interpreter:
		me := args.Add(v.Interpreter)
		return `status = 'new' and ends_at > ` + now + ` and holder is null and offered @> array[` + me + `]::uuid[]
			or interpreter = ` + me + ` and status = 'assigned' and ends_at <= ` + now + `
			or interpreter = ` + me + ` and status = 'ongoing' and sheet_side = 'customer' and not sheet_disputed
			or interpreter = ` + me + ` and status = 'ongoing' and sheet_side = 'interpreter' and sheet_disputed`
	}
	return ""
}

// stepFor is what is waited for of this viewer. Either side may enter hours, so an interpreter's past job waits for the interpreter too.
func (r *itemRow) stepFor(v access.Viewer) string {
	_, step := r.waiting(v.Now)
	if v.Role == domain.Interpreter && r.Status == domain.New {
		return "accept-offer"
	}
	return step
}
