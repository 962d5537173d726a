package postgres

import (
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Away reports whether err says that the server could not be asked, or ended or gave up before it answered. It says nothing about what was
// asked: the same may succeed later. A statement cut off may have been carried out.
func Away(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		switch answer.Code {
		case "40001", "40P01", "55P03", // lost against other transactions
			"57P01", "57P02", "57P03", "57P05", // ended by an administrator, crashed, still starting, idle too long
			"25006": // a replica since a failover
			return true
		}
		return strings.HasPrefix(answer.Code, "08") || strings.HasPrefix(answer.Code, "53") // connection, lack of disk, memory or places
	}
	var unreachable *pgconn.ConnectError
	var network *net.OpError
	return errors.As(err, &unreachable) || errors.As(err, &network) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}
