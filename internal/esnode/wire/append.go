package wire

import (
	"errors"
	"io"
	"math"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

const (
	keyType         = "type"
	keyContentType  = "content-type"
	keyCreated      = "created"
	contentJSON     = "application/json"
	contentBinary   = "application/octet-stream"
	maxDiscardBytes = 256 << 20 // how much of a request that has already failed is still read
)

// Append takes one options message and the events behind it.
func (s *Server) Append(stream streams.Streams_AppendServer) error {
	resp, err := s.append(stream)
	if err != nil {
		err = s.answer(err)
		stream.SetTrailer(trailersOf(err))
		return err
	}
	return stream.SendAndClose(resp)
}

func (s *Server) append(stream streams.Streams_AppendServer) (*streams.AppendResp, error) {
	r := &appendRequest{gate: &s.appends}
	defer func() { s.appends.leave(r.total) }()
	if err := r.receive(stream, s.appends.enter()); err != nil {
		return nil, err
	}
	result, err := s.log.Append(stream.Context(), r.stream, r.expected, r.events)
	var wrong *log.WrongRevisionError
	switch {
	case errors.As(err, &wrong):
		return wrongRevision(wrong), nil
	case err != nil:
		return nil, err
	}
	return appended(result), nil
}

// appendRequest is an append as the client sent it.
type appendRequest struct {
	stream   string
	expected log.Expected
	events   []log.Proposed
	data     int // bytes, as the real server counts them
	total    int
	gate     *appendGate
}

// receive reads the whole request, also when it is already clear that it fails: a client that is answered before it has sent everything
// reports a bare EOF and loses the reason.
func (r *appendRequest) receive(stream streams.Streams_AppendServer, refused error) error {
	discarded := 0
	for first := true; ; first = false {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			if first && refused == nil {
				refused = invalid("the request has no options message")
			}
			return refused
		}
		if err != nil {
			return err
		}
		switch {
		case refused != nil:
			if discarded += len(m.GetProposedMessage().GetData()) + len(m.GetProposedMessage().GetCustomMetadata()); discarded > maxDiscardBytes {
				return refused
			}
		case first:
			refused = r.setOptions(m.GetOptions())
		default:
			refused = r.add(m.GetProposedMessage())
		}
		if refused != nil {
			r.events = nil
		}
	}
}

func (r *appendRequest) setOptions(o *streams.AppendReq_Options) (err error) {
	if o == nil {
		return invalid("the first message has no options")
	}
	if r.stream, err = streamName(o.GetStreamIdentifier()); err != nil {
		return err
	}
	if r.stream == "$$" {
		return invalid("a stream cannot be named $$")
	}
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_Revision:
		r.expected, err = expectedRevision(e.Revision)
	case *streams.AppendReq_Options_NoStream:
		r.expected = log.NoStream
	case *streams.AppendReq_Options_Any:
		r.expected = log.Any
	case *streams.AppendReq_Options_StreamExists:
		r.expected = log.StreamExists
	default:
		err = invalid("no expected revision is given")
	}
	return err
}

// expectedRevision takes a number as the real server does: 2^64-1 means no stream.
func expectedRevision(n uint64) (log.Expected, error) {
	switch {
	case n == math.MaxUint64:
		return log.NoStream, nil
	case n > math.MaxInt64:
		return 0, invalid("the expected revision is out of range")
	}
	return log.Expected(n), nil
}

func (r *appendRequest) add(m *streams.AppendReq_ProposedMessage) error {
	if m == nil {
		return invalid("a second options message, or an empty one")
	}
	typ, typeOK := m.GetMetadata()[keyType]
	content, contentOK := m.GetMetadata()[keyContentType]
	if !typeOK || !contentOK {
		return fail(codes.InvalidArgument, "Required Metadata Property '"+keyType+"' or '"+keyContentType+"' is missing",
			keyException, exceptionRequired, keyProperties, keyType+","+keyContentType)
	}
	id, err := parseUUID(m.GetId())
	if err != nil {
		return invalid(err.Error())
	}
	if typ == "" {
		return invalid("the event type is empty")
	}
	r.data += len(m.GetData())
	size := len(m.GetData()) + len(m.GetCustomMetadata()) + len(typ) + len(r.stream) + eventOverhead
	r.total += size
	held := r.gate.hold(size)
	if r.data > maxAppendData {
		limit := strconv.Itoa(maxAppendData)
		return fail(codes.InvalidArgument, "Maximum Append Size of "+limit+" Exceeded.", keyException, exceptionTooBig, keyMaxAppend, limit)
	}
	if r.total > maxAppendTotal {
		return invalid("the append is larger than 16 MiB with metadata, types, stream names and " + strconv.Itoa(eventOverhead) + " bytes for each event")
	}
	if held != nil {
		return held
	}
	r.events = append(r.events, log.Proposed{
		ID: id, Type: typ, JSON: content == contentJSON, Custom: m.GetCustomMetadata(), Data: m.GetData(),
	})
	return nil
}

func appended(r log.Result) *streams.AppendResp {
	success := &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}},
		PositionOption:        &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}},
	}
	if r.Revision >= 0 {
		success.CurrentRevisionOption = &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(r.Revision)}
	}
	if r.HasPosition {
		success.PositionOption = &streams.AppendResp_Success_Position{
			Position: &streams.AppendResp_Position{CommitPosition: r.Position, PreparePosition: r.Position},
		}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: success}}
}

// wrongRevision is the answer to an append whose expectation does not hold; it is no gRPC error. The fields of version 20.6 are for old
// clients.
func wrongRevision(wrong *log.WrongRevisionError) *streams.AppendResp {
	type resp = streams.AppendResp_WrongExpectedVersion
	w := &resp{
		CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}},
		CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: &shared.Empty{}},
		ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: uint64(wrong.Expected)},
		ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: uint64(wrong.Expected)},
	}
	if wrong.Current >= 0 {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(wrong.Current)}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: uint64(wrong.Current)}
	}
	switch wrong.Expected {
	case log.Any:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: &shared.Empty{}}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: &shared.Empty{}}
	case log.StreamExists:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: &shared.Empty{}}
	case log.NoStream: // its 20.6 form is the number 2^64-1
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: w}}
}
