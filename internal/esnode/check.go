package esnode

import (
	"context"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Report is what Check found.
type Report struct {
	Events  uint64
	Streams uint64
	Last    uint64   // the highest position in $all
	Faults  []string // what is wrong, a sentence each (at most 100); none: all is well
}

// Check reads the whole folder of a node that is not running: every checksum, every index, every stream's numbering, and that nothing
// acknowledged is missing. An error means that the folder could not be read to its end; the report then tells how far it was.
func Check(ctx context.Context, dir string) (Report, error) {
	r, err := log.Check(ctx, dir, nil)
	return Report(r), err
}
