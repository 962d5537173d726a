package jobs_test

import (
	"testing"

	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/story"
)

func TestSameRowsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	story.CheckProjector(t, jobs.Projector{})
}
