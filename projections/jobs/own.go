package jobs

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// OfferPage is one part of an interpreter's offers, newest first unless sorted otherwise, and how many there are in all.
type OfferPage struct {
	Items []Offer
	Total int
}

// Offers are an interpreter's own offers and how each stands or ended.
func (q Queries) Offers(ctx context.Context, v access.Viewer, part projections.ListQuery) (page OfferPage, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		page, err = Offers(ctx, tx, v, part)
		return err
	}, Name)
	return page, err
}

// offerFields are what own offers may be sorted and filtered by, as the interpreter reads them: $2 is now.
var offerFields = projections.Fields{
	"job":             "ref",
	"state":           "case when state = 'open' and expires_at <= $2 then 'lapsed' else state end",
	"sentAt":          offerTime("sent_at"),
	"since":           offerTime("case when state = 'open' and expires_at <= $2 then expires_at else since end"),
	"language":        "language",
	"start":           offerTime("starts_at"),
	"timeZone":        "zone",
	"durationMinutes": "minutes",
	"fee":             "(fee::numeric / 100)::numeric(20, 2)",
	"expiresAt":       offerTime("expires_at"),
	"proposedStart":   offerTime("coalesce(proposed_at, suggested_at)"),
	"reason":          "reason",
	"unasked":         "unasked",
}

func offerTime(instant string) string {
	return "to_char((" + instant + `) at time zone zone, 'YYYY-MM-DD"T"HH24:MI:SS')`
}

// Offers is the same question in a transaction.
func Offers(ctx context.Context, q DB, v access.Viewer, part projections.ListQuery) (page OfferPage, err error) {
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return page, err
	}
	s, err := part.Statements(offerFields, "sent_at desc, job, revision desc", ownOffersSQL, v.Interpreter, v.Now)
	if err != nil {
		return page, err
	}
	found, err := q.Query(ctx, s.Page, s.Args...)
	if err != nil {
		return page, fmt.Errorf("list offers: %w", err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[ownOfferRow])
	if err != nil {
		return page, fmt.Errorf("list offers: %w", err)
	}
	own := sight{v: v, rel: access.Offered} // what was shown when it was sent stays the interpreter's to read
	for _, o := range all {
		page.Items = append(page.Items, o.offer(own, access.OwnOffers, v.Now))
	}
	if page.Total = len(all); s.Whole(len(all)) {
		return page, nil
	}
	if err := q.QueryRow(ctx, s.Count, s.Args...).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count offers: %w", err)
	}
	return page, nil
}

// ownOfferRow is an offer with what orders those of one moment.
type ownOfferRow struct {
	offerRow
	Job      uuid.UUID
	Revision int64
}

// ownOffersSQL leaves an interpreter's own offers ($1). What staff recorded as declined though the interpreter was never asked is none of them:
// that interpreter may not know the job. It names $2, now, so that both statements take the same arguments.
const ownOffersSQL = `
select j.ref, o.interpreter, o.lin, coalesce(i.name, '') as name, o.state, o.sent_at, o.since, o.language, o.starts_at, o.zone, o.minutes, o.fee,
	o.currency, o.expires_at, o.suggested_at, o.proposed_at, o.unasked, o.reason, o.override_reason, o.override_rules, o.job, o.revision
from offers o join jobs j on j.job = o.job left join interpreters i on i.interpreter = o.interpreter
where o.job = any(array(select job from parties where interpreter = $1)) and o.interpreter = $1 and $2::timestamptz is not null`

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
