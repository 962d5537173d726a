package wire

import (
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// A subscription reads page after page, each with a storage iterator of its own that lives only while the page is read, and waits for a
// signal when there is nothing more. A reader that is slow is therefore never cut off and loses nothing: it simply is further behind.
// What it costs meanwhile is said in send.go.

// subscribeStream follows one stream. History shows what the stream's metadata lets be seen; what is written later is always delivered.
func (r *reader) subscribeStream(o *streams.ReadReq_Options) error {
	name, err := streamName(o.GetStream().GetStreamIdentifier())
	if err != nil {
		return err
	}
	if o.GetFilter() != nil {
		return invalid("a subscription to a stream takes no filter")
	}
	watch := r.server.log.WatchStream(name)
	defer watch.Close()
	state, err := r.server.log.State(name)
	if err != nil {
		return err
	}

	next, history := int64(0), true
	switch option := o.GetStream().GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		switch {
		case option.Revision == endOfStream:
			next, history = state.Last+1, false
		case option.Revision >= math.MaxInt64:
			return invalid("the revision is out of range")
		default:
			next = int64(option.Revision) + 1
		}
	case *streams.ReadReq_Options_StreamOptions_End:
		next, history = state.Last+1, false
	case *streams.ReadReq_Options_StreamOptions_Start:
	default:
		return invalid("no revision is given")
	}

	if history && state.Tombstoned {
		return &log.DeletedError{Stream: name}
	}
	if err := r.confirm(); err != nil {
		return err
	}
	caughtUp := !history
	if !history {
		if err := r.caughtUp(); err != nil {
			return err
		}
		if state.Tombstoned { // the real server does not notice: nothing ever comes
			return r.await(nil)
		}
	}
	for {
		if history {
			if next, history, err = r.streamHistory(name, next); err != nil {
				return err
			}
		}
		if !history {
			if !caughtUp {
				if err := r.caughtUp(); err != nil {
					return err
				}
				caughtUp = true
			}
			if next, err = r.streamLive(name, next); err != nil {
				return err
			}
		}
		if err := r.wait(watch); err != nil {
			return err
		}
	}
}

// streamHistory sends what can be read from next on. It says true while there is no such stream yet: history has not begun then.
func (r *reader) streamHistory(name string, next int64) (int64, bool, error) {
	for {
		page, err := r.server.log.ReadForward(name, next, log.PageEvents)
		if err == log.ErrNotFound {
			return next, true, nil
		}
		if err != nil {
			return next, true, err
		}
		if err := r.sendTaken(&page.Events); err != nil {
			return next, true, err
		}
		next = max(next, page.Next)
		if page.End {
			return next, false, nil
		}
		if err := r.mayGoOn(); err != nil {
			return next, true, err
		}
	}
}

// streamLive sends what was written from next on.
func (r *reader) streamLive(name string, next int64) (int64, error) {
	for {
		page, err := r.server.log.ReadRaw(name, next)
		if err != nil {
			return next, err
		}
		n := len(page.Events)
		ended := n > 0 && page.Events[n-1].Revision == log.TombstoneRevision
		if err := r.sendTaken(&page.Events); err != nil {
			return next, err
		}
		if ended {
			return next, &log.DeletedError{Stream: name}
		}
		next = page.Next
		if page.End {
			return next, nil
		}
		if err := r.mayGoOn(); err != nil {
			return next, err
		}
	}
}

// subscribeAll follows $all, filtered or not.
func (r *reader) subscribeAll(o *streams.ReadReq_Options) error {
	if o.GetAll() == nil {
		return invalid("neither a stream nor $all is asked for")
	}
	filter, interval, err := filterOf(o)
	if err != nil {
		return err
	}
	if filter != nil && interval == 0 {
		return invalid("a checkpoint interval of 0")
	}
	watch := r.server.log.WatchAll()
	defer watch.Close()

	next := uint64(0)
	switch option := o.GetAll().GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		commit, prepare := option.Position.GetCommitPosition(), option.Position.GetPreparePosition()
		switch {
		case commit == endOfStream:
			next = r.server.log.End() + 1
		case prepare < commit: // before the event at commit
			next = commit
		default:
			next = commit + 1
		}
	case *streams.ReadReq_Options_AllOptions_Start:
	case *streams.ReadReq_Options_AllOptions_End:
		next = r.server.log.End() + 1
	default:
		return invalid("no position is given")
	}

	if err := r.confirm(); err != nil {
		return err
	}
	caughtUp := false
	considered := uint64(0) // events since the last checkpoint
	for {
		window := math.MaxInt
		if filter != nil {
			window = int(min(interval-considered, math.MaxInt))
		}
		page, err := r.server.log.ReadAllForward(next, log.PageEvents, window, filter)
		if err != nil {
			return err
		}
		if err := r.sendPage(&page); err != nil {
			return err
		}
		if page.Last > 0 {
			next = page.Last + 1
		}
		if considered += uint64(page.Considered); filter != nil && considered >= interval {
			considered = 0
			if err := r.checkpoint(page.Last); err != nil {
				return err
			}
		}
		if !page.End {
			if err := r.mayGoOn(); err != nil {
				return err
			}
			continue
		}
		if !caughtUp {
			if err := r.caughtUp(); err != nil {
				return err
			}
			caughtUp = true
		}
		if err := r.wait(watch); err != nil {
			return err
		}
	}
}

func (r *reader) confirm() error {
	return r.stream.Send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}})
}

func (r *reader) caughtUp() error {
	return r.stream.Send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}})
}

// checkpoint says that everything up to a position was considered and every match among it sent.
func (r *reader) checkpoint(position uint64) error {
	return r.stream.Send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: position, PreparePosition: position},
	}})
}

// wait returns when there may be something new, and the client has taken enough of what was before it.
func (r *reader) wait(watch *log.Watch) error {
	if err := r.await(watch.C); err != nil {
		return err
	}
	return r.mayGoOn()
}
