package wire

import (
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Read answers reads and subscriptions, of one stream or of $all.
func (s *Server) Read(req *streams.ReadReq, stream streams.Streams_ReadServer) error {
	if err := grpc.SetSendCompressor(stream.Context(), encoding.Identity); err != nil { // a client that asks for another could have gRPC keep copies that nobody counts
		return err
	}
	err := s.read(req.GetOptions(), stream)
	if err != nil {
		err = s.answer(err)
		stream.SetTrailer(trailersOf(err))
	}
	return err
}

func (s *Server) read(o *streams.ReadReq_Options, stream streams.Streams_ReadServer) error {
	select {
	case <-s.stopping:
		return errStopping
	default:
	}
	if s.readers.Add(1) > int64(s.opts.MaxReaders) {
		s.readers.Add(-1)
		return errTooMany
	}
	defer s.readers.Add(-1)

	r := &reader{
		server:  s,
		stream:  stream,
		links:   o.GetResolveLinks(),
		strings: o.GetUuidOption().GetString_() != nil,
		ahead:   make(chan struct{}, runsAhead),
	}
	defer r.settle()
	backwards := o.GetReadDirection() == streams.ReadReq_Options_Backwards
	switch count := o.GetCountOption().(type) {
	case *streams.ReadReq_Options_Count:
		if o.GetStream() != nil {
			return r.readStream(o, count.Count, backwards)
		}
		return r.readAll(o, count.Count, backwards)
	case *streams.ReadReq_Options_Subscription:
		if backwards {
			return invalid("a subscription cannot go backwards")
		}
		if o.GetStream() != nil {
			return r.subscribeStream(o)
		}
		return r.subscribeAll(o)
	}
	return invalid("neither a count nor a subscription is asked for")
}

// reader is one read or subscription on its way to a client.
type reader struct {
	server  *Server
	stream  streams.Streams_ReadServer
	links   bool // follow links
	strings bool // ids are asked for as text

	ahead chan struct{}        // an element for each run that was handed to gRPC and is not on its way
	run   []message            // the room for a run, used again and again
	uses  [runsAhead]*largeUse // of large events, those that may not be on their way
	used  int

	page     []log.Event  // that is being sent
	lent     *log.AllPage // whose events these are, if they lie in memory that is to be given back
	later    []uint64     // when the page was given up: where its events stand that were not sent then
	at       int          // what is sent next, in page or later
	pending  message      // the event at at, if it was read for a run that it did not fit into
	patience *time.Timer  // of the wait for a turn
}

// endOfStream is how the wire says the last revision of a stream, and the end of $all.
const endOfStream = math.MaxUint64

func (r *reader) readStream(o *streams.ReadReq_Options, count uint64, backwards bool) error {
	name, err := streamName(o.GetStream().GetStreamIdentifier())
	if err != nil {
		return err
	}
	if o.GetFilter() != nil {
		return invalid("a stream read takes no filter")
	}
	var from int64
	switch option := o.GetStream().GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		switch {
		case option.Revision == endOfStream:
			from = log.FromEnd
		case option.Revision > math.MaxInt64:
			return invalid("the revision is out of range")
		default:
			from = int64(option.Revision)
		}
		if !backwards && option.Revision == endOfStream {
			return invalid("a forward read cannot start at the end")
		}
	case *streams.ReadReq_Options_StreamOptions_Start:
		from = 0
	case *streams.ReadReq_Options_StreamOptions_End:
		if !backwards {
			return invalid("a forward read cannot start at the end")
		}
		from = log.FromEnd
	default:
		return invalid("no revision is given")
	}
	if count == 0 {
		return invalid("a count of 0")
	}
	positions := o.GetControlOption().GetCompatibility() >= 1
	if backwards {
		return r.readBackward(name, from, count, positions)
	}
	return r.readForward(name, from, count, positions)
}

// firstPage is the size of the real server's pages. The message that says where a stream begins depends on it, so the first page has it too.
const firstPage = 32

func (r *reader) readForward(name string, from int64, count uint64, positions bool) error {
	size, sent := firstPage, uint64(0)
	for {
		page, err := r.server.log.ReadForward(name, from, int(min(uint64(size), count-sent)))
		if err == log.ErrNotFound {
			return r.notFound(name)
		}
		if err != nil {
			return err
		}
		if positions && sent == 0 && len(page.Events) == 0 && page.Next != from {
			if err := r.stream.Send(&streams.ReadResp{Content: &streams.ReadResp_FirstStreamPosition{FirstStreamPosition: uint64(page.Next)}}); err != nil {
				return err
			}
		}
		sent += uint64(len(page.Events))
		if err := r.sendTaken(&page.Events); err != nil {
			return err
		}
		if page.End || sent >= count {
			return r.last(page.Last, positions)
		}
		from, size = page.Next, log.PageEvents
		if err := r.mayGoOn(); err != nil {
			return err
		}
	}
}

func (r *reader) readBackward(name string, from int64, count uint64, positions bool) error {
	size, sent := firstPage, uint64(0)
	for {
		page, err := r.server.log.ReadBackward(name, from, int(min(uint64(size), count-sent)))
		if err == log.ErrNotFound {
			return r.notFound(name)
		}
		if err != nil {
			return err
		}
		sent += uint64(len(page.Events))
		if err := r.sendTaken(&page.Events); err != nil {
			return err
		}
		if page.End || sent >= count {
			return r.last(page.Last, positions)
		}
		from, size = page.Next, log.PageEvents
		if err := r.mayGoOn(); err != nil {
			return err
		}
	}
}

func (r *reader) notFound(name string) error {
	return r.stream.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
		StreamNotFound: &streams.ReadResp_StreamNotFound{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(name)}},
	}})
}

// last ends a read for clients that know this message; the Go client panics on it.
func (r *reader) last(revision int64, positions bool) error {
	if !positions {
		return nil
	}
	return r.stream.Send(&streams.ReadResp{Content: &streams.ReadResp_LastStreamPosition{LastStreamPosition: uint64(revision)}})
}

func (r *reader) readAll(o *streams.ReadReq_Options, count uint64, backwards bool) error {
	if o.GetAll() == nil {
		return invalid("neither a stream nor $all is asked for")
	}
	filter, _, err := filterOf(o)
	if err != nil {
		return err
	}
	if count == 0 {
		return invalid("a count of 0")
	}
	from := uint64(0)
	switch option := o.GetAll().GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		from = option.Position.GetCommitPosition()
	case *streams.ReadReq_Options_AllOptions_Start:
	case *streams.ReadReq_Options_AllOptions_End:
		from = endOfStream
	default:
		return invalid("no position is given")
	}
	for sent := uint64(0); ; {
		var page log.AllPage
		want := int(min(log.PageEvents, count-sent))
		if backwards {
			page, err = r.server.log.ReadAllBackward(from, want, math.MaxInt, filter)
		} else {
			page, err = r.server.log.ReadAllForward(from, want, math.MaxInt, filter)
		}
		if err != nil {
			return err
		}
		sent += uint64(len(page.Events))
		if err := r.sendPage(&page); err != nil {
			return err
		}
		if page.End || sent >= count {
			return nil
		}
		from = page.Last
		if !backwards {
			from++
		}
		if err := r.mayGoOn(); err != nil {
			return err
		}
	}
}

// filterOf reads a filter and its checkpoint interval, in events considered; a nil filter passes everything.
func filterOf(o *streams.ReadReq_Options) (filter *log.Filter, interval uint64, err error) {
	f := o.GetFilter()
	if f == nil {
		return nil, 0, nil
	}
	window := uint64(32)
	if w, ok := f.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok {
		window = uint64(w.Max)
	}
	if window == 0 {
		return nil, 0, invalid("a filter's search window of 0")
	}
	expression := f.GetEventType()
	byStream := f.GetStreamIdentifier() != nil
	if byStream {
		expression = f.GetStreamIdentifier()
	}
	filter, err = log.NewFilter(byStream, expression.GetRegex(), expression.GetPrefix())
	return filter, window * uint64(f.GetCheckpointIntervalMultiplier()), err
}
