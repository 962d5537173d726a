package wire

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// stalledServer answers from a log in memory.
func stalledServer(t *testing.T) *Server {
	t.Helper()
	l, err := log.Open("log", log.Options{FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return NewServer(l, Options{MaxReaders: 100, MaxConnections: 10, MaxAppends: 10, Logger: slog.New(slog.DiscardHandler)})
}

func write(t *testing.T, s *Server, stream, typ string, data ...[]byte) (last uint64) {
	t.Helper()
	for _, d := range data {
		r, err := s.log.Append(t.Context(), stream, log.Any, []log.Proposed{{ID: uuid.New(), Type: typ, Data: d}})
		if err != nil {
			t.Fatal(err)
		}
		last = r.Position
	}
	return last
}

// kept is a call whose client takes nothing: what is sent stays, as with gRPC, until it is given back.
type kept struct {
	grpc.ServerStream
	ctx  context.Context
	sent chan frame
}

func (k kept) Context() context.Context     { return k.ctx }
func (k kept) Send(*streams.ReadResp) error { return nil }
func (k kept) SendMsg(m any) error          { k.sent <- m.(frame); return nil }
func reading(t *testing.T, s *Server) *reader {
	return &reader{server: s, stream: kept{ctx: t.Context(), sent: make(chan frame, 1000)}, links: true, ahead: make(chan struct{}, runsAhead)}
}
func (r *reader) kept() chan frame { return r.stream.(kept).sent }

// taken is what the client of a call takes next. It does not wait for a call that has sent nothing more and ended.
func (r *reader) taken(t *testing.T, ended chan error) frame {
	t.Helper()
	select {
	case f := <-r.kept():
		return f
	case err := <-ended:
		select {
		case f := <-r.kept():
			ended <- err // for whoever asks next
			return f
		default:
			t.Fatalf("the call has ended (%v)", err)
			return frame{}
		}
	}
}

// takenAll: the client of a call takes events with these data, one after another, and the call ends well.
func (r *reader) takenAll(t *testing.T, ended chan error, written [][]byte) {
	t.Helper()
	for i, data := range written {
		f := r.taken(t, ended)
		if !bytes.Contains(f.buffer.ReadOnlyData(), data) {
			t.Errorf("event %d is another one", i)
		}
		f.buffer.Free()
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// forgotten waits until nothing holds what a pointer points to.
func forgotten(t *testing.T, what string, p weak.Pointer[byte]) {
	t.Helper()
	for began := time.Now(); p.Value() != nil; runtime.Gosched() {
		if time.Since(began) > time.Minute {
			t.Fatalf("%s is still held after a minute", what)
		}
		runtime.GC()
	}
}

// TestNothingIsHeldForWhoDoesNotRead: a reader that waits for its client holds neither the events that it has encoded nor the large one that is next.
func TestNothingIsHeldForWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	s := stalledServer(t)

	t.Run("encoded", func(t *testing.T) {
		t.Parallel()
		r := reading(t, s)
		first := func() weak.Pointer[byte] {
			page := make([]log.Event, 41)
			for i := range page {
				page[i] = log.Event{Stream: "s", Position: uint64(i + 1), Data: make([]byte, 800)}
			}
			page[40].Data = make([]byte, 20<<10) // a run of its own, behind the run of the others
			sent := weak.Make(&page[1].Data[0])
			if err := r.sendAll(page); err != nil {
				t.Fatal(err)
			}
			return sent
		}()
		if n := len(r.ahead); n != 2 {
			t.Fatalf("%d runs were sent", n)
		}
		forgotten(t, "an event that was sent", first)
		runtime.KeepAlive(r)
	})

	t.Run("page", func(t *testing.T) {
		t.Parallel()
		written, positions := make([][]byte, 8), make([]uint64, 8)
		for i := range written {
			written[i] = bytes.Repeat([]byte{byte('a' + i)}, 20<<10)
			positions[i] = write(t, s, "page", "t", written[i])
		}
		r := reading(t, s)
		sent := make(chan error, 1)
		last := func() weak.Pointer[byte] {
			page := make([]log.Event, len(written))
			for i, at := range positions {
				var err error
				if page[i], err = s.log.At(at); err != nil {
					t.Fatal(err)
				}
			}
			p := weak.Make(&page[len(page)-1].Data[0])
			go func() { sent <- r.sendAll(page) }()
			return p
		}()
		forgotten(t, "the page of a reader that waits", last)
		r.takenAll(t, sent, written)
	})

	t.Run("page of $all", func(t *testing.T) {
		t.Parallel()
		s := stalledServer(t)
		written := make([][]byte, 40)
		for i := range written {
			written[i] = bytes.Repeat([]byte{byte('A' + i)}, 500)
			write(t, s, "page", "t", written[i])
		}
		r := reading(t, s)
		for range runsAhead { // of another page
			if err := r.takeTurn(); err != nil {
				t.Fatal(err)
			}
		}
		sent := make(chan error, 1)
		lent := func() weak.Pointer[byte] {
			page, err := s.log.ReadAllForward(0, len(written), len(written), nil)
			if err != nil || len(page.Events) != len(written) {
				t.Fatalf("%d events: %v", len(page.Events), err)
			}
			p := weak.Make(&page.Events[0].Data[0])
			go func() { sent <- r.sendPage(&page) }()
			return p
		}()
		forgotten(t, "the memory of a reader's page that waits", lent)
		for range runsAhead {
			r.endTurn()
		}
		r.takenAll(t, sent, written)
	})

	t.Run("large", func(t *testing.T) {
		t.Parallel()
		data := bytes.Repeat([]byte("large"), 20<<10)
		first, at := write(t, s, "small", "t", []byte("small")), write(t, s, "large", "t", data)
		r := reading(t, s)
		for range runsAhead {
			r.ahead <- struct{}{}
		}
		sent := make(chan error, 1)
		held := func() weak.Pointer[byte] {
			e, err := s.log.At(at)
			if err != nil {
				t.Fatal(err)
			}
			small, err := s.log.At(first)
			if err != nil {
				t.Fatal(err)
			}
			p := weak.Make(&e.Data[0])
			go func() { sent <- r.sendAll([]log.Event{small, e}) }() // the small one's turn comes first
			return p
		}()
		forgotten(t, "a large event whose turn has not come", held)
		r.endTurn()
		r.taken(t, sent).buffer.Free()
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		taken := func() weak.Pointer[byte] {
			f := r.taken(t, sent)
			b := f.buffer.ReadOnlyData()
			if !bytes.Contains(b, data) {
				t.Error("another event was sent")
			}
			f.buffer.Free()
			return weak.Make(&b[0])
		}()
		forgotten(t, "a large event that the client has taken", taken)
		r.endTurn()
		if n := len(r.ahead); n != 0 {
			t.Errorf("%d turns are not given back", n)
		}
	})
}

// TestAPageIsNotReadBeforeItsTurn: a subscription whose client takes nothing does not read what is new.
func TestAPageIsNotReadBeforeItsTurn(t *testing.T) {
	t.Parallel()
	s := stalledServer(t)
	watch := s.log.WatchAll()
	defer watch.Close()
	r := reading(t, s)
	for range runsAhead {
		r.ahead <- struct{}{}
	}
	write(t, s, "s", "t", []byte("new"))
	read := make(chan error, 1)
	go func() { read <- r.wait(watch) }()
	select {
	case err := <-read:
		t.Fatalf("the next page is read, though the client has taken nothing (%v)", err)
	case <-time.After(50 * time.Millisecond):
	}
	r.endTurn()
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// TestALargeTargetVanishes: a link's target may go while its reader waits for room. What is left of the event is small, and its turn comes back.
func TestALargeTargetVanishes(t *testing.T) {
	t.Parallel()
	s := stalledServer(t)
	write(t, s, "target", "t", make([]byte, 100<<10))
	at := write(t, s, "links", "$>", []byte("0@target"))
	s.large.bytes = maxLarge // held by others
	link, err := s.log.At(at)
	if err != nil {
		t.Fatal(err)
	}
	r := reading(t, s)
	sent := make(chan error, 1)
	go func() { sent <- r.sendAll([]log.Event{link}) }()
	for len(r.ahead) == 0 {
		runtime.Gosched()
	}
	if _, err := s.log.Tombstone(t.Context(), "target", log.Any); err != nil {
		t.Fatal(err)
	}
	s.large.mu.Lock()
	s.large.bytes = 0
	close(s.large.freed)
	s.large.freed = make(chan struct{})
	s.large.mu.Unlock()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	f := r.taken(t, sent)
	f.buffer.Free()
	if len(r.ahead) != 0 || len(s.large.held) != 0 || s.large.bytes != 0 {
		t.Errorf("%d turns are not given back, %d events are held", len(r.ahead), len(s.large.held))
	}
}

// TestALargeEventCountsUntilItIsTaken: a read is not over, and what gRPC has of its large event counts, before the client takes it or goes away.
func TestALargeEventCountsUntilItIsTaken(t *testing.T) {
	t.Parallel()
	t.Run("as it is", func(t *testing.T) { t.Parallel(); largeEventCounts(t) })
	t.Run("to who takes gzip", func(t *testing.T) { t.Parallel(); largeEventCounts(t, grpc.UseCompressor(gzip.Name)) })
}

func largeEventCounts(t *testing.T, options ...grpc.CallOption) {
	s := stalledServer(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(s.GRPC().Stop)
	const readers = 10
	for i := range readers {
		write(t, s, fmt.Sprint("large-", i), "t", make([]byte, 900<<10))
	}
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(options...), grpc.WithInitialWindowSize(64<<10),
		grpc.WithInitialConnWindowSize(16<<20))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var calls []streams.Streams_ReadClient
	for i := range readers {
		call, err := streams.NewStreamsClient(conn).Read(ctx, &streams.ReadReq{Options: &streams.ReadReq_Options{
			CountOption:  &streams.ReadReq_Options_Count{Count: 1},
			FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
			UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
			StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: fmt.Append(nil, "large-", i)},
				RevisionOption:   &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}},
			}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.Header(); err != nil { // comes with the event
			t.Fatal(err)
		}
		calls = append(calls, call)
	}
	state := func() (open, held, size int) {
		s.large.mu.Lock()
		defer s.large.mu.Unlock()
		return s.Readers(), len(s.large.held), s.large.bytes
	}
	for began := time.Now(); time.Since(began) < 200*time.Millisecond; runtime.Gosched() {
		if open, held, size := state(); open != readers || held != readers || size < readers*900<<10 {
			t.Fatalf("%d reads are open and %d events of %d bytes count, while %d clients take nothing", open, held, size, readers)
		}
	}
	until := func(left int) {
		t.Helper()
		for began := time.Now(); ; runtime.Gosched() {
			open, held, size := state()
			if open == left && held == left {
				return
			}
			if time.Since(began) > time.Minute {
				t.Fatalf("%d reads are open, %d events of %d bytes count, not %d", open, held, size, left)
			}
		}
	}
	for _, call := range calls[:readers/2] {
		if m, err := call.Recv(); err != nil || len(m.GetEvent().GetEvent().GetData()) != 900<<10 {
			t.Fatalf("the event: %v", err)
		}
	}
	until(readers / 2)
	leave()
	until(0)
	if _, _, size := state(); size != 0 {
		t.Errorf("%d bytes still count", size)
	}
}
