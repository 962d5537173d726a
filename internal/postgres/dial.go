package postgres

import (
	"net"
	"syscall"
	"time"
)

// A network that loses packets ends no connection: whoever waits for an answer would wait for many minutes. So the kernel asks for a sign of life
// when nothing has come for a while and gives up a server that gives none; and it gives up one that does not acknowledge what was sent, or takes
// no more of it, which a busy server may do for some seconds.
const (
	askAfter   = 4 * time.Second
	askEvery   = 2 * time.Second
	askTimes   = 3
	unackedFor = 20 * time.Second
)

// dialer makes connections. Those to a socket file need no sign of life.
func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: askAfter, Interval: askEvery, Count: askTimes},
		Control: func(network, _ string, raw syscall.RawConn) (err error) {
			if network != "tcp4" && network != "tcp6" {
				return nil
			}
			if closed := raw.Control(func(fd uintptr) { err = giveUpAfter(int(fd), unackedFor) }); closed != nil {
				return closed
			}
			return err
		},
	}
}
