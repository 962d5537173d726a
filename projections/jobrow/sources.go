package jobrow

import (
	"embed"
	"io/fs"

	"github.com/dragoman-booking/dragoman/projections/rows"
)

//go:embed jobrow.go users.go
var shared embed.FS

// With adds what this package decides about rows to a read model's own sources.
func With(own fs.FS) fs.FS { return rows.Join(own, shared) }
