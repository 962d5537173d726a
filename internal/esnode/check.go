package esnode

import (
	"context"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Report is what Check found.
type Report = log.Report

// RecentDays is how many days before the newest event a report's RecentBytes covers.
const RecentDays = log.RecentDays

// Check reads the whole folder of a node that is not running, and changes nothing in it: every checksum, every record, every index, every
// stream's numbering, and that nothing acknowledged is missing. It goes on behind what it cannot read. An error means that it could not
// begin, or was asked to stop.
func Check(ctx context.Context, dir string) (Report, error) { return log.Check(ctx, dir, nil) }
