package log_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
	"github.com/dragoman-booking/dragoman/internal/esnode/wire"
)

// Power loss, seen by clients: a node on a file system that can be cut at any moment takes appends over gRPC while others read. What was
// acknowledged or seen before a cut has to be there after it, nothing half, in order, without gap or doubling; what was not answered is sent
// again and is there once. TestPowerLossNotices plants faults to show that the harness finds them within its usual rounds.

// node is a log and its gRPC server in this process, and a client of it.
type node struct {
	log    *log.Log
	server *wire.Server
	conn   *grpc.ClientConn
	client streams.StreamsClient
}

func startNode(fs vfs.FS, memTable int, fault string) (*node, error) {
	o := log.Options{FS: fs, MemTable: memTable, Logger: slog.New(slog.DiscardHandler)}
	log.Plant(&o, fault)
	l, err := log.Open("data", o)
	if err != nil {
		return nil, err
	}
	n := &node{log: l, server: wire.NewServer(l, wire.Options{MaxConnections: 100, MaxReaders: 100, MaxAppends: 100, Logger: o.Logger})}
	listener := bufconn.Listen(1 << 20)
	go func() { _ = n.server.Serve(listener) }()
	n.conn, err = grpc.NewClient("passthrough:node", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		return nil, err
	}
	n.client = streams.NewStreamsClient(n.conn)
	return n, nil
}

// stop ends the node in order; one whose disk failed is left as it is.
func (n *node) stop() {
	_ = n.conn.Close()
	n.server.EndSubscriptions()
	n.server.GRPC().Stop()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = n.log.Close(ctx)
}

// sentAppend is one append as a writer sent it.
type sentAppend struct {
	stream   string
	revision int64 // expected; the first event has the next one
	ids      []uuid.UUID
	size     int
}

func (a *sentAppend) send(ctx context.Context, client streams.StreamsClient) (*streams.AppendResp, error) {
	call, err := client.Append(ctx)
	if err != nil {
		return nil, err
	}
	options := &streams.AppendReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(a.stream)}}
	options.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
	if a.revision >= 0 {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(a.revision)}
	}
	messages := []*streams.AppendReq{{Content: &streams.AppendReq_Options_{Options: options}}}
	for _, id := range a.ids {
		messages = append(messages, &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
			Id: &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}, Data: make([]byte, a.size),
			Metadata: map[string]string{"type": "T", "content-type": "application/octet-stream"},
		}}})
	}
	for _, m := range messages {
		if err := call.Send(m); err != nil {
			break // the answer says why
		}
	}
	return call.CloseAndRecv()
}

// seenEvent is an event as somebody was shown it.
type seenEvent struct {
	stream   string
	revision uint64
	position uint64
}

// known is all that anybody outside knows at a moment.
type known struct {
	sent  []*sentAppend
	acked map[*sentAppend]uint64 // the position of the last event
	seen  map[uuid.UUID]seenEvent
	last  map[string]uint64 // the highest revision that a stream was said to have
}

func (k *known) copy() *known {
	c := &known{sent: append([]*sentAppend(nil), k.sent...), acked: map[*sentAppend]uint64{}, seen: map[uuid.UUID]seenEvent{}, last: map[string]uint64{}}
	for a, at := range k.acked {
		c.acked[a] = at
	}
	for id, e := range k.seen {
		c.seen[id] = e
	}
	for s, r := range k.last {
		c.last[s] = r
	}
	return c
}

// cut is what the disk holds when the power is gone, and what was known before.
type cut struct {
	what  string
	image *vfs.MemFS
	known *known
}

// life is one run of a node under load.
type life struct {
	mem      *vfs.MemFS
	rng      *rand.Rand // guarded by mu
	survives int
	planned  map[string][]int // of each kind of sync: before (even) or after (odd) which of them the power is cut
	fail     int              // the sync of the write-ahead log that fails; 0: none

	mu      sync.Mutex
	known   known
	history []string
	cuts    []cut
	counts  map[string]int
	broken  error // what must not happen while the node runs

	reading atomic.Bool
	passes  atomic.Int64 // of the reader
}

func (l *life) note(format string, args ...any) {
	l.history = append(l.history, fmt.Sprintf(format, args...))
}

func (l *life) wrong(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = fmt.Errorf(format, args...)
	}
}

// fs is the disk of this life.
func (l *life) fs() vfs.FS {
	return &log.HookFS{FS: l.mem, Before: func(op log.FileOp) error {
		if !op.Sync {
			return nil
		}
		l.mu.Lock()
		l.counts[op.Kind]++
		n := l.counts[op.Kind]
		failing := op.Kind == "WAL" && l.fail > 0 && n >= l.fail
		l.mu.Unlock()
		l.maybeCut(op, 2*n)
		if failing {
			return errors.New("the disk is gone")
		}
		return nil
	}, After: func(op log.FileOp) {
		l.mu.Lock()
		if op.Kind == "reuse" {
			l.counts["reuse"]++
		}
		n := l.counts[op.Kind]
		l.mu.Unlock()
		if op.Sync {
			l.maybeCut(op, 2*n+1)
		}
	}}
}

func (l *life) maybeCut(op log.FileOp, moment int) {
	for _, planned := range l.planned[op.Kind] {
		if planned != moment {
			continue
		}
		if op.Kind == "WAL" { // whoever reads looks once more, so that what is shown too early is seen
			for until, late := l.passes.Load()+2, time.Now().Add(5*time.Second); l.reading.Load() && l.passes.Load() < until && time.Now().Before(late); {
				time.Sleep(100 * time.Microsecond)
			}
		}
		l.cut(fmt.Sprintf("%s sync %d, %s", op.Kind, moment/2, []string{"before", "after"}[moment%2]))
	}
}

// cut takes what is known first, then the disk.
func (l *life) cut(what string) {
	l.mu.Lock()
	known := l.known.copy()
	l.note("cut: %s; %d sent, %d acknowledged, %d seen", what, len(known.sent), len(known.acked), len(known.seen))
	rng := rand.New(rand.NewPCG(l.rng.Uint64(), 1))
	l.mu.Unlock()
	image := l.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: l.survives, RNG: rng})
	l.mu.Lock()
	l.cuts = append(l.cuts, cut{what, image, known})
	l.mu.Unlock()
}

// run puts the node under load until so many appends are acknowledged, or it fails.
func (l *life) run(n *node, appends int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var writing, reading sync.WaitGroup
	var acks atomic.Int64
	for w := range 5 {
		writing.Go(func() {
			stream, revision := fmt.Sprintf("s-%d", w), int64(-1)
			for acks.Load() < int64(appends) {
				l.mu.Lock()
				a := &sentAppend{stream: stream, revision: revision, ids: make([]uuid.UUID, 1+l.rng.IntN(3)), size: 50 + l.rng.IntN(2000)}
				for i := range a.ids {
					a.ids[i] = uuid.New()
				}
				l.known.sent = append(l.known.sent, a)
				l.note("sent: %s at %d, %v", stream, revision+1, a.ids)
				l.mu.Unlock()
				resp, err := a.send(ctx, n.client)
				if err != nil {
					return // unanswered
				}
				success := resp.GetSuccess()
				if success == nil || success.GetCurrentRevision() != uint64(revision+int64(len(a.ids))) {
					l.wrong("%s at %d was answered with %v", stream, revision+1, resp)
					return
				}
				l.mu.Lock()
				l.known.acked[a] = success.GetPosition().GetCommitPosition()
				l.note("acknowledged: %s at %d, position %d", stream, revision+1, success.GetPosition().GetCommitPosition())
				l.mu.Unlock()
				revision = int64(success.GetCurrentRevision())
				acks.Add(1)
			}
		})
	}
	reading.Go(func() { // everything, live
		sub, err := n.client.Read(ctx, readRequest("", true))
		for err == nil {
			var m *streams.ReadResp
			if m, err = sub.Recv(); err == nil {
				l.saw(m, "")
			}
		}
	})
	l.reading.Store(true)
	reading.Go(func() { // the ends of all streams, over and over
		defer l.reading.Store(false)
		for ctx.Err() == nil {
			for w := range 5 {
				stream := fmt.Sprintf("s-%d", w)
				read, err := n.client.Read(ctx, readRequest(stream, false))
				for err == nil {
					var m *streams.ReadResp
					if m, err = read.Recv(); err == nil {
						l.saw(m, stream)
					}
				}
				if !errors.Is(err, io.EOF) && ctx.Err() == nil && n.log.Failure() == nil {
					l.wrong("reading %s: %v", stream, err)
				}
			}
			l.passes.Add(1)
		}
	})
	writing.Wait()
	cancel()
	reading.Wait()
}

func readRequest(stream string, subscribe bool) *streams.ReadReq {
	o := &streams.ReadReq_Options{
		ReadDirection: streams.ReadReq_Options_Backwards,
		CountOption:   &streams.ReadReq_Options_Count{Count: 3},
		StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			RevisionOption:   &streams.ReadReq_Options_StreamOptions_End{End: &shared.Empty{}},
		}},
		FilterOption:  &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:    &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}},
		ControlOption: &streams.ReadReq_Options_ControlOption{Compatibility: 1},
	}
	if stream == "" {
		o.ReadDirection = streams.ReadReq_Options_Forwards
		o.CountOption = &streams.ReadReq_Options_Count{Count: 1 << 40}
		o.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}}
	}
	if subscribe {
		o.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	}
	return &streams.ReadReq{Options: o}
}

func (l *life) saw(m *streams.ReadResp, stream string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := m.GetEvent().GetEvent(); e != nil {
		l.known.seen[uuid.MustParse(e.GetId().GetString_())] = seenEvent{string(e.GetStreamIdentifier().GetStreamName()), e.GetStreamRevision(), e.GetCommitPosition()}
	}
	if last, ok := m.GetContent().(*streams.ReadResp_LastStreamPosition); ok {
		l.known.last[stream] = max(l.known.last[stream], last.LastStreamPosition)
	}
}

// everything reads $all of a node.
func everything(n *node) (ids map[uuid.UUID]seenEvent, err error) {
	ids = map[uuid.UUID]seenEvent{}
	next := map[string]uint64{}
	read, err := n.client.Read(context.Background(), readRequest("", false))
	position := uint64(0)
	for err == nil {
		var m *streams.ReadResp
		if m, err = read.Recv(); err != nil {
			break
		}
		e := m.GetEvent().GetEvent()
		id, stream := uuid.MustParse(e.GetId().GetString_()), string(e.GetStreamIdentifier().GetStreamName())
		switch _, twice := ids[id]; {
		case twice:
			return nil, fmt.Errorf("event %v is there twice", id)
		case e.GetCommitPosition() <= position:
			return nil, fmt.Errorf("position %d comes after %d", e.GetCommitPosition(), position)
		case e.GetStreamRevision() != next[stream]:
			return nil, fmt.Errorf("%s has revision %d where %d should be", stream, e.GetStreamRevision(), next[stream])
		}
		position = e.GetCommitPosition()
		next[stream]++
		ids[id] = seenEvent{stream, e.GetStreamRevision(), position}
	}
	if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read $all: %w", err)
	}
	return ids, nil
}

// judge starts a node on what a cut left, and holds it against what was known.
func (c *cut) judge() error {
	report, err := log.Check(context.Background(), "data", c.image)
	if err == nil && len(report.Faults) > 0 {
		err = errors.New(strings.Join(report.Faults, "; "))
	}
	if nothing := len(c.known.acked) == 0 && len(c.known.seen) == 0; err != nil && !nothing { // before the first start is over there is nothing to check
		return fmt.Errorf("check: %w", err)
	}
	n, err := startNode(c.image, 64<<10, "")
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer n.stop()
	there, err := everything(n)
	if err != nil {
		return err
	}
	if err := c.known.compare(there); err != nil {
		return err
	}
	for _, a := range c.known.sent {
		if _, acked := c.known.acked[a]; acked {
			continue
		}
		resp, err := a.send(context.Background(), n.client)
		if err != nil || resp.GetSuccess().GetCurrentRevision() != uint64(a.revision+int64(len(a.ids))) || resp.GetSuccess() == nil {
			return fmt.Errorf("sent again: %s at %d: %v, %w", a.stream, a.revision+1, resp, err)
		}
		c.known.acked[a] = resp.GetSuccess().GetPosition().GetCommitPosition()
	}
	if there, err = everything(n); err != nil {
		return fmt.Errorf("after unanswered appends were sent again: %w", err)
	}
	if err := c.known.compare(there); err != nil {
		return fmt.Errorf("after unanswered appends were sent again: %w", err)
	}
	return nil
}

// compare holds what is there against what was known.
func (k *known) compare(there map[uuid.UUID]seenEvent) error {
	count := 0
	heads := map[string]uint64{}
	for _, e := range there {
		heads[e.stream] = max(heads[e.stream], e.revision+1)
	}
	for _, a := range k.sent {
		at, acked := k.acked[a]
		found := 0
		var first seenEvent
		for i, id := range a.ids {
			e, ok := there[id]
			if !ok {
				continue
			}
			if found++; i == 0 {
				first = e
			}
			if e.stream != a.stream || e.revision != uint64(a.revision+1+int64(i)) || e.position != first.position+uint64(i) || acked && e.position != at-uint64(len(a.ids)-1-i) {
				return fmt.Errorf("%s at %d: event %d is at %+v, acknowledged %v with position %d", a.stream, a.revision+1, i, e, acked, at)
			}
		}
		if acked && found < len(a.ids) {
			return fmt.Errorf("acknowledged and lost: %s at %d, %d of %d events are there", a.stream, a.revision+1, found, len(a.ids))
		}
		if found > 0 && found < len(a.ids) {
			return fmt.Errorf("half there: %s at %d, %d of %d events", a.stream, a.revision+1, found, len(a.ids))
		}
		count += found
	}
	if count != len(there) {
		return fmt.Errorf("%d events are there, of which %d were sent", len(there), count)
	}
	for id, e := range k.seen {
		if there[id] != e {
			return fmt.Errorf("seen and lost: %s revision %d, position %d, is now %+v", e.stream, e.revision, e.position, there[id])
		}
	}
	for stream, last := range k.last {
		if heads[stream] <= last {
			return fmt.Errorf("%s was said to go up to revision %d, and has %d events", stream, last, heads[stream])
		}
	}
	return nil
}

// powerRound is one life, its cuts, and cuts while the node starts again behind them.
func powerRound(seed uint64, fault string) (*life, *cut, error) {
	rng := rand.New(rand.NewPCG(seed, 2))
	l := &life{
		mem: vfs.NewCrashableMem(), rng: rng, survives: []int{0, 50, 100}[seed%3], counts: map[string]int{}, planned: map[string][]int{},
		known: known{acked: map[*sentAppend]uint64{}, seen: map[uuid.UUID]seenEvent{}, last: map[string]uint64{}},
	}
	for kind, most := range map[string]int{"WAL": 90, "table": 6, "manifest": 8, "folder": 10} {
		for range 2 {
			l.planned[kind] = append(l.planned[kind], 2+rng.IntN(2*most))
		}
	}
	memTable := 64 << 10
	if seed%4 == 3 { // a disk that fails; no new log is begun behind it, which the storage could not bear if the failure were not the end
		l.fail, memTable = 3+rng.IntN(60), 4<<20
	}
	n, err := startNode(l.fs(), memTable, fault)
	if err != nil {
		return l, nil, err
	}
	l.run(n, 250)
	l.cut("at the end")
	l.counts["compactions"] = int(n.log.Compactions())
	if l.fail == 0 {
		n.stop()
	} else {
		_ = n.conn.Close()
		n.server.GRPC().Stop()
	}
	if l.broken != nil {
		return l, nil, l.broken
	}
	for i := range l.cuts {
		c := &l.cuts[i]
		if err := c.whileStarting(rng, l.survives); err != nil {
			return l, c, err
		}
		image := c.image.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng})
		if err := c.judge(); err != nil {
			c.image = image // as it was before anybody looked
			return l, c, fmt.Errorf("cut at %s, %d %% of unsynced data kept: %w", c.what, l.survives, err)
		}
	}
	return l, nil, nil
}

// whileStarting cuts the power once more at a sync while a node starts on what the cut left.
func (c *cut) whileStarting(rng *rand.Rand, survives int) error {
	again := &life{
		mem: c.image.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng}), rng: rng, survives: survives, counts: map[string]int{},
		planned: map[string][]int{[]string{"WAL", "table", "manifest", "folder"}[rng.IntN(4)]: {2 + rng.IntN(6)}}, known: *c.known.copy(),
	}
	n, err := startNode(again.fs(), 64<<10, "")
	if err != nil {
		return fmt.Errorf("start after %s: %w", c.what, err)
	}
	n.stop()
	for _, second := range again.cuts {
		if err := second.judge(); err != nil {
			return fmt.Errorf("cut at %s, then while starting at %s, %d %% of unsynced data kept: %w", c.what, second.what, survives, err)
		}
	}
	return nil
}

const powerRounds = 12

func TestPowerLoss(t *testing.T) {
	t.Parallel()
	start := rand.Uint64() / 2
	rounds := uint64(powerRounds * log.Torture(t))
	t.Logf("seeds %d to %d", start, start+rounds-1)
	cuts, flushed, compacted, reused := 0, 0, 0, 0
	for seed := start; seed < start+rounds; seed++ {
		l, c, err := powerRound(seed, "")
		if err != nil {
			t.Fatalf("seed %d: %v\nkept in %s", seed, err, keep(t, l, c))
		}
		cuts += len(l.cuts)
		for count, kind := range map[*int]string{&flushed: "table", &compacted: "compactions", &reused: "reuse"} {
			if l.counts[kind] > 0 {
				*count++
			}
		}
	}
	t.Logf("%d cuts; of %d rounds %d flushed, %d compacted, %d used a write-ahead log again", cuts, rounds, flushed, compacted, reused)
	if most := int(rounds) / 2; flushed <= most || compacted <= most || reused <= most {
		t.Errorf("too few rounds flushed, compacted or used a write-ahead log again")
	}
}

// TestPowerLossNotices: each planted fault is found within the usual rounds, else the test above proves nothing.
func TestPowerLossNotices(t *testing.T) {
	t.Parallel()
	for _, fault := range log.Faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			start := rand.Uint64() / 2
			for seed := start; seed < start+powerRounds; seed++ {
				if _, _, err := powerRound(seed, fault); err != nil {
					t.Logf("round %d: %v", seed-start+1, err)
					return
				}
			}
			t.Errorf("seeds %d to %d: not found", start, start+powerRounds-1)
		})
	}
}

// keep writes what is needed to look into a failure where the test's own folders are not cleared away: the history, and the disk.
func keep(t *testing.T, l *life, c *cut) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "power-loss-")
	if err != nil {
		t.Error(err)
		return "nothing"
	}
	image := l.mem
	if c != nil {
		image = c.image
	}
	if _, err := vfs.Clone(image, vfs.Default, "data", filepath.Join(dir, "data")); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "history.txt"), []byte(strings.Join(l.history, "\n")+"\n"), 0o600); err != nil {
		t.Error(err)
	}
	return dir
}
