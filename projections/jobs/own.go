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
	"endedWhy":        "ended_why",
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
	o.currency, o.expires_at, o.suggested_at, o.proposed_at, o.unasked, o.reason, o.override_reason, o.override_rules,
	o.ended_why, o.counter, o.job, o.revision
from offers o join jobs j on j.job = o.job left join interpreters i on i.interpreter = o.interpreter
where o.job = any(array(select job from parties where interpreter = $1)) and o.interpreter = $1 and $2::timestamptz is not null`

// Waiting is a job that waits for the viewer, and for what.
type Waiting struct {
	Item
	Step string
}

// WaitingPage is one part of what waits for a viewer, and how many jobs that are in all.
type WaitingPage struct {
	Items []Waiting
	Total int
}

// WaitingForMe are the jobs that wait for the viewer, by start unless sorted otherwise: a customer's for an answer or for hours, assigners' and
// admins' for offers, assignment or closing, an interpreter's for an answer to an offer or for hours. Whoever is never waited for gets none.
// Besides the columns of every list of jobs it has step.
func (q Queries) WaitingForMe(ctx context.Context, v access.Viewer, f Filter) (page WaitingPage, err error) {
	err = q.Models.Read(ctx, func(tx pgx.Tx) error {
		page, err = WaitingForMe(ctx, tx, v, f, q.Substitute)
		return err
	}, Name)
	return page, err
}

// WaitingForMe is the same question in a transaction.
func WaitingForMe(ctx context.Context, q DB, v access.Viewer, f Filter, sub access.Substitute) (page WaitingPage, err error) {
	if err := access.MayManage(v, access.ReadJobs); err != nil {
		return page, err
	}
	l, err := waitingList(v, f)
	if err != nil {
		return page, err
	}
	if err := l.columns(ctx, q, f); err != nil {
		return page, err
	}
	l.halves = false // all of them are unfinished
	limit, offset := f.part()
	found, err := readRows(ctx, q, l.sql(limit, offset), l.args...)
	if err != nil {
		return page, fmt.Errorf("look for what waits: %w", err)
	}
	books, err := readForms(ctx, q, found)
	if err != nil {
		return page, fmt.Errorf("look for what waits: %w", err)
	}
	page.Items = make([]Waiting, len(found))
	for i := range found {
		if page.Items[i].Item, _, err = found[i].item(v, books, sub); err != nil {
			return page, fmt.Errorf("look for what waits: %w", err)
		}
		page.Items[i].Step = found[i].stepFor(v)
	}
	page.Total, err = l.total(ctx, q, len(found), limit, offset)
	return page, err
}

// waitingList is the list of what waits for the viewer, not yet narrowed and sorted by columns.
func waitingList(v access.Viewer, f Filter) (*listing, error) {
	l := &listing{v: v, joins: map[string]bool{}, own: map[string]column{"step": {class: access.Basics, sort: stepSQL(v), waits: true}}}
	if err := l.narrow(f); err != nil {
		return nil, err
	}
	l.where, l.order = append(l.where, "("+waitsFor(v, &l.args)+")"), earliest
	if v.OfCustomer() && l.dayBefore == "" { // the other jobs that wait for a customer are assigned and over
		l.parts = []string{awaited, "not " + awaited + " and " + live + " and starts_at <= " + l.args.Add(v.Now)}
	} else {
		l.where = append(l.where, live)
	}
	return l, nil
}

// awaited is the condition of the index jobs_awaited, to the letter.
const awaited = `(status = 'ongoing' or proposed_eta is not null)`

// waitsFor is waiting as a condition; each line stands for one of its answers. False: the viewer is never waited for.
func waitsFor(v access.Viewer, args *jobrow.Args) string {
	switch v.Role {
	case domain.Requestor, domain.CustomerAdmin:
		now := args.Add(v.Now)
		return `status in ('new', 'assigned') and ends_at > ` + now + ` and proposed_eta is not null
			or status = 'assigned' and ends_at <= ` + now + `
			or status = 'ongoing' and sheet_side = 'interpreter' and not sheet_disputed
			or status = 'ongoing' and sheet_side = 'customer' and sheet_disputed`
	case domain.Assigner, domain.Admin:
		now := args.Add(v.Now)
		return `status = 'requested'
			or status = 'new' and ends_at <= ` + now + `
			or status = 'new' and proposed_eta is null and (holder is not null or offered = '{}' or countered <> '{}')`
	case domain.Interpreter:
		now, me := args.Add(v.Now), args.Add(v.Interpreter)
		return `status = 'new' and ends_at > ` + now + ` and holder is null and offered @> array[` + me + `]::uuid[] and not countered @> array[` + me + `]::uuid[]
			or interpreter = ` + me + ` and status = 'assigned' and ends_at <= ` + now + `
			or interpreter = ` + me + ` and status = 'ongoing' and sheet_side = 'customer' and not sheet_disputed
			or interpreter = ` + me + ` and status = 'ongoing' and sheet_side = 'interpreter' and sheet_disputed`
	}
	return "false"
}

// stepFor is what is waited for of this viewer. Either side may enter hours, so an interpreter's past job waits for the interpreter too.
func (r *itemRow) stepFor(v access.Viewer) string {
	_, step := r.waiting(v.Now)
	if v.Role == domain.Interpreter && r.Status == domain.New {
		return "accept-offer"
	}
	return step
}

// stepSQL is stepFor as an expression.
func stepSQL(v access.Viewer) string {
	step := waits(func(w waitingCase) string { return w.step })
	if v.Role == domain.Interpreter {
		return "case when j.status = 'new' then 'accept-offer' else " + step + " end"
	}
	return step
}
