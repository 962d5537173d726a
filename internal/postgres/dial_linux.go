package postgres

import (
	"time"

	"golang.org/x/sys/unix"
)

// giveUpAfter ends a connection on which something that was sent stays unacknowledged for so long.
func giveUpAfter(fd int, d time.Duration) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
}
