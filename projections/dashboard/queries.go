package dashboard

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobrow"
)

// Queries answers what the first page counts.
type Queries struct{ Models *projections.Models }

// Tiles are the four counts (LL-08, D-07). The month is the viewer's, by the viewer's clock and zone.
type Tiles struct {
	NewThisMonth       int // jobs created in the month, whatever became of them
	DueThisMonth       int // live jobs that start in the month; the ETA counts if there is one
	CompletedThisMonth int // jobs whose outcome, any outcome, was recorded in the month
	RequiringClosure   int // jobs new or assigned whose end has come
}

// Tiles counts the jobs that the viewer may know: staff those of all customers. A viewer without any place in the jobs gets the refusal.
func (q Queries) Tiles(ctx context.Context, v access.Viewer) (Tiles, error) {
	if err := access.MayManage(v, access.ReadJobs); err != nil {
		return Tiles{}, err
	}
	sql, args := statement(v)
	t, _, err := projections.One(ctx, q.Models, pgx.RowToStructByName[Tiles], sql, args...)
	if err != nil {
		return t, fmt.Errorf("count the tiles: %w", err)
	}
	return t, nil
}

// statement counts each tile over a range of one index; the conditions on status are those of the indexes, to the letter.
func statement(v access.Viewer) (string, []any) {
	var args jobrow.Args
	first, next := month(v)
	begin, end, now := args.Add(first), args.Add(next), args.Add(v.Now)
	count := "(select count(*) from {dashboard}.jobs where " + jobrow.Within(v, &args, "{dashboard}.known") + " and "
	return "select " +
		count + "created_at >= " + begin + " and created_at < " + end + ") as new_this_month, " +
		count + "status in ('requested', 'new', 'assigned', 'ongoing') and starts_at >= " + begin + " and starts_at < " + end + ") as due_this_month, " +
		count + "completed_at is not null and completed_at >= " + begin + " and completed_at < " + end + ") as completed_this_month, " +
		count + "status in ('new', 'assigned') and ends_at <= " + now + ") as requiring_closure", args
}

// month is the viewer's current month, half-open.
func month(v access.Viewer) (first, next time.Time) {
	zone, err := time.LoadLocation(v.Zone)
	if err != nil {
		zone = time.UTC
	}
	year, m, _ := v.Now.In(zone).Date()
	return time.Date(year, m, 1, 0, 0, 0, 0, zone), time.Date(year, m+1, 1, 0, 0, 0, 0, zone)
}
