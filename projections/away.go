package projections

import "github.com/dragoman-booking/dragoman/internal/postgres"

// Away reports whether an error of a query says that the database could not be asked, or went away before it answered: the same question may
// be answered later, and HTTP says 503.
func Away(err error) bool { return postgres.Away(err) }
