package eventlog

import (
	"context"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// Preferred is the same log as those members of a cluster show it that the connection string's nodePreference names, for whoever reads much:
// histories, verify and rebuild. What they say is held against the leader's word: where the log ends, and that the event that they showed last
// is the one that is there. So nothing is missing that was acknowledged before the call, however far they lag, and nothing is taken for true that
// a leader had which died. If the leader is preferred, or there is one node alone, it is this log itself; else close it, before this one.
func (l *Log) Preferred(ctx context.Context) (*Log, error) {
	if l.preference == esdb.NodePreferenceLeader || len(l.config.GossipSeeds) == 0 && !l.config.DnsDiscover {
		return l, nil
	}
	return Open(ctx, l.connection, Options{Followers: true, Leader: l, RetryFor: l.retryFor, AttemptFor: l.attemptFor})
}

// readPreferred reads a stream from a member, and its end from the leader.
func (l *Log) readPreferred(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error {
	var last eventschema.Stored
	shown, stopped := false, false
	err := l.readForwards(ctx, stream, from, func(e eventschema.Stored) error {
		last, shown = e, true
		err := f(e)
		stopped = err != nil
		return err
	})
	if err != nil || stopped {
		return err
	}
	if !shown {
		return l.leader.ReadStream(ctx, stream, from, f)
	}
	same := false
	err = l.leader.ReadStream(ctx, stream, last.Revision, func(e eventschema.Stored) error {
		if same {
			return f(e)
		}
		if same = e.ID == last.ID; !same {
			return errOtherMember
		}
		return nil
	})
	if err == nil && !same {
		err = errOtherMember
	}
	if err != nil {
		return fmt.Errorf("read the end of stream %s: %w", stream, err)
	}
	return nil
}

// errOtherMember: what a member showed is not what the leader has; it had events that vanished with a leader that died.
var errOtherMember = fmt.Errorf("%w: a member of the event store showed what its leader has not", eventschema.ErrUnavailable)
