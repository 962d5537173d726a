package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// ofBooking are the tables that one booking's events fill; names of people and places stay those of now.
var ofBooking = []string{"jobs", "details", "endings", "offers", "parties", "assignments", "timesheets", "tallies"}

// AsOf is a job as it stood after the last of these events, which are the beginning of its booking's stream: the same projector and the same
// query as for the job of now, masked by what the viewer may see now. What is computed from the clock is computed for the moment.
func (q Queries) AsOf(ctx context.Context, v access.Viewer, ref string, page eventschema.Page, moment time.Time) (d Detail, err error) {
	v.Now = moment
	if len(page) == 0 {
		return d, notFound()
	}
	err = q.Models.Scratch(ctx, Name, ofBooking, page, func(tx pgx.Tx) error {
		d, err = Get(ctx, tx, v, ref, q.Substitute)
		return err
	})
	return d, err
}
