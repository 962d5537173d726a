package jobs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
)

// LastReportTo is to whom the interpreter of the viewer's last booking reports: with it the next booking comes filled (LL-37). Only
// the user's latest jobs are looked at, so that it costs the same however many there are. Empty: none is known.
func (q Queries) LastReportTo(ctx context.Context, v access.Viewer) (string, error) {
	if !v.OfCustomer() {
		return "", nil
	}
	var items []Item
	err := q.Models.Read(ctx, func(tx pgx.Tx) (err error) {
		items, err = readItems(ctx, tx, v, q.Substitute, itemsSQL(`(
			select * from jobs where customer = $1 and created_by = $2 order by created_at desc, ref desc limit 10)`), v.Customer, v.User)
		return err
	}, Name)
	if err != nil {
		return "", fmt.Errorf("read where an interpreter last reported to: %w", err)
	}
	var last Item
	for _, i := range items {
		if i.ReportTo != "" && i.ReportTo != domain.Erased && !i.CreatedAt.Before(last.CreatedAt) {
			last = i
		}
	}
	return last.ReportTo, nil
}
