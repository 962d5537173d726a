package wire

import (
	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Delete hides a stream until it is written again.
func (s *Server) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	o := req.GetOptions()
	var expected log.Expected
	var err error
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.DeleteReq_Options_Revision:
		expected, err = expectedRevision(e.Revision)
	case *streams.DeleteReq_Options_NoStream:
		expected = log.NoStream
	case *streams.DeleteReq_Options_Any:
		expected = log.Any
	case *streams.DeleteReq_Options_StreamExists:
		expected = log.StreamExists
	default:
		err = invalid("no expected revision is given")
	}
	position, err := s.remove(ctx, o.GetStreamIdentifier(), expected, s.log.Delete, err)
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}

// Tombstone ends a stream for ever.
func (s *Server) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	o := req.GetOptions()
	var expected log.Expected
	var err error
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.TombstoneReq_Options_Revision:
		expected, err = expectedRevision(e.Revision)
	case *streams.TombstoneReq_Options_NoStream:
		expected = log.NoStream
	case *streams.TombstoneReq_Options_Any:
		expected = log.Any
	case *streams.TombstoneReq_Options_StreamExists:
		expected = log.StreamExists
	default:
		err = invalid("no expected revision is given")
	}
	position, err := s.remove(ctx, o.GetStreamIdentifier(), expected, s.log.Tombstone, err)
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}

// remove is what deleting and tombstoning have in common; err is what was wrong with the request so far.
func (s *Server) remove(ctx context.Context, id *shared.StreamIdentifier, expected log.Expected,
	do func(context.Context, string, log.Expected) (log.Result, error), err error) (position uint64, _ error) {
	var name string
	if err == nil {
		name, err = streamName(id)
	}
	if err == nil && name == "$$" {
		err = invalid("a stream cannot be named $$")
	}
	var result log.Result
	if full := s.appends.enter(); err == nil && full != nil {
		err = full
	}
	defer s.appends.leave(0)
	if err == nil {
		result, err = do(ctx, name, expected)
	}
	if err != nil {
		err = s.answer(err)
		_ = grpc.SetTrailer(ctx, trailersOf(err)) // fails only outside of a call
		return 0, err
	}
	return result.Position, nil
}
