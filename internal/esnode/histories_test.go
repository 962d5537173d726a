package esnode_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// What several clients do at once must be as if it had been done one after the other, each operation at some moment between its call and its
// answer. A partition is a stream with its metadata stream. An operation without an answer may have happened at any later moment, or never.

// historyOp is what was asked.
type historyOp struct {
	stream   string
	kind     string // append, delete, read
	expected int64
	id       string // of the event that is appended
}

// historyAnswer is what came back.
type historyAnswer struct {
	open     bool // no answer
	kind     string
	revision int64  // of the event written, or the current one of a refusal
	events   string // read
}

// historyState is a stream: the ids of all its events, the first that can be read, and whether it is deleted.
type historyState struct {
	ids     string
	count   int64
	first   int64
	deleted bool
	meta    bool
}

func (s historyState) step(op historyOp) (historyAnswer, historyState) {
	last := s.count - 1
	switch op.kind {
	case "append":
		if op.expected != expectAny && op.expected != last && (op.expected != expectNone || !s.deleted) {
			return historyAnswer{kind: answerWrong, revision: last}, s
		}
		if s.deleted {
			s.first, s.deleted = s.count, false
		}
		s.ids += op.id + " "
		s.count++
		return historyAnswer{kind: answerWritten, revision: s.count - 1}, s
	case "delete":
		if s.count == 0 && !s.meta {
			return historyAnswer{kind: answerWrong}, s
		}
		s.deleted, s.meta = true, true
		return historyAnswer{kind: answerDeletion}, s
	}
	if s.count == 0 || s.deleted {
		return historyAnswer{kind: answerNotFound}, s
	}
	return historyAnswer{kind: answerEvents, events: strings.Join(strings.Fields(s.ids)[s.first:], " ")}, s
}

var historyModel = porcupine.Model{
	Init: func() any { return historyState{} },
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		byStream := map[string][]porcupine.Operation{}
		for _, op := range history {
			stream := op.Input.(historyOp).stream
			byStream[stream] = append(byStream[stream], op)
		}
		for _, part := range byStream {
			parts = append(parts, part)
		}
		return parts
	},
	Step: func(state, input, output any) (bool, any) {
		answer, next := state.(historyState).step(input.(historyOp))
		got := output.(historyAnswer)
		return got.open || got == answer, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
}

// history collects operations of many clients.
type history struct {
	start time.Time
	mu    sync.Mutex
	ops   []porcupine.Operation
}

func (h *history) now() int64 { return time.Since(h.start).Nanoseconds() }

func (h *history) add(client int, op historyOp, call int64, answer historyAnswer) {
	back := h.now()
	if answer.open {
		back = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: op, Call: call, Output: answer, Return: back})
}

// ask carries out one operation.
func (op historyOp) ask(ctx context.Context, client streams.StreamsClient) historyAnswer {
	id := &shared.StreamIdentifier{StreamName: []byte(op.stream)}
	switch op.kind {
	case "append":
		a := &streams.AppendReq_Options{StreamIdentifier: id, ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}}}
		switch {
		case op.expected == expectNone:
			a.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
		case op.expected >= 0:
			a.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(op.expected)}
		}
		call, err := client.Append(ctx)
		if err != nil {
			return historyAnswer{open: true}
		}
		for _, m := range []*streams.AppendReq{
			{Content: &streams.AppendReq_Options_{Options: a}},
			{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
				Id: &shared.UUID{Value: &shared.UUID_String_{String_: op.id}}, Metadata: map[string]string{"type": "T", "content-type": "application/json"}}}},
		} {
			if call.Send(m) != nil {
				break
			}
		}
		resp, err := call.CloseAndRecv()
		switch {
		case err != nil:
			return historyAnswer{open: true}
		case resp.GetSuccess() != nil:
			return historyAnswer{kind: answerWritten, revision: int64(resp.GetSuccess().GetCurrentRevision())}
		}
		current := int64(-1)
		if c, ok := resp.GetWrongExpectedVersion().GetCurrentRevisionOption().(*streams.AppendResp_WrongExpectedVersion_CurrentRevision); ok {
			current = int64(c.CurrentRevision)
		}
		return historyAnswer{kind: answerWrong, revision: current}
	case "delete":
		_, err := client.Delete(ctx, &streams.DeleteReq{Options: &streams.DeleteReq_Options{StreamIdentifier: id, ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}}}})
		switch {
		case err == nil:
			return historyAnswer{kind: answerDeletion}
		case status.Code(err) == codes.FailedPrecondition:
			return historyAnswer{kind: answerWrong}
		}
		return historyAnswer{open: true}
	}
	ids, found, err := idsOf(ctx, client, op.stream, "")
	switch {
	case err != nil:
		return historyAnswer{open: true}
	case !found:
		return historyAnswer{kind: answerNotFound}
	}
	return historyAnswer{kind: answerEvents, events: strings.Join(ids, " ")}
}

// idsOf reads a stream, or $all if it is "", or follows it until an event has come, if one is named.
func idsOf(ctx context.Context, client streams.StreamsClient, stream, until string) (ids []string, found bool, err error) {
	o := readOptions(false)
	o.UuidOption.Content = &streams.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}
	o.CountOption = &streams.ReadReq_Options_Count{Count: 1 << 40}
	if until != "" {
		o.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	}
	o.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}}
	if stream != "" {
		o.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}, RevisionOption: &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}},
		}}
	}
	read, err := client.Read(ctx, &streams.ReadReq{Options: o})
	found = true
	for err == nil && (until == "" || len(ids) == 0 || ids[len(ids)-1] != until) {
		var m *streams.ReadResp
		if m, err = read.Recv(); err != nil {
			break
		}
		if m.GetStreamNotFound() != nil {
			found = false
		}
		if e := m.GetEvent().GetEvent(); e != nil {
			ids = append(ids, e.GetId().GetString_())
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return ids, found, err
}

const (
	historyClients = 8
	historyStreams = 4
	historyEach    = 45 // operations of a client, so about 90 of a partition
)

func TestHistories(t *testing.T) {
	t.Parallel()
	for round := range 3 * torture() {
		historyRound(t, rand.Uint64(), round)
	}
}

func historyRound(t *testing.T, seed uint64, round int) {
	n := esnode.RunT(t, func(c *esnode.Config) { c.MemTable = 64 << 10 })
	defer func() { _ = n.Stop(deadline(t)) }()
	h := &history{start: time.Now()}
	type allRead struct {
		call int64
		ids  []string
	}
	var allReads []allRead
	var clients sync.WaitGroup
	for client := range historyClients {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(client)))
			conn := dial(t, n)
			known := map[string]int64{}
			for range historyEach {
				op := historyOp{stream: fmt.Sprint("s-", rng.IntN(historyStreams)), kind: "append", expected: expectAny}
				switch rng.IntN(10) {
				case 0, 1:
					op.kind = "read"
				case 2:
					if rng.IntN(4) == 0 {
						op.kind = "delete"
					} else {
						op.expected = expectNone
					}
				case 3, 4, 5, 6:
					op.expected = known[op.stream]
				case 7:
					call := h.now()
					ids, _, err := idsOf(deadline(t), conn, "", "")
					if err != nil {
						t.Errorf("seed %d: read $all: %v", seed, err)
					}
					h.mu.Lock()
					allReads = append(allReads, allRead{call, ids})
					h.mu.Unlock()
					continue
				}
				if op.kind == "append" {
					op.id = uuid.NewString()
				}
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				if rng.IntN(12) == 0 { // the client goes away before it is answered, or just then
					cancel()
					ctx, cancel = context.WithTimeout(context.Background(), time.Duration(rng.IntN(1500))*time.Microsecond)
				}
				call := h.now()
				answer := op.ask(ctx, conn)
				cancel()
				h.add(client, op, call, answer)
				if answer.kind == answerWritten || answer.kind == answerWrong && op.kind == "append" {
					known[op.stream] = answer.revision
				}
			}
		})
	}
	last := historyOp{stream: "last", kind: "append", expected: expectAny, id: uuid.NewString()}
	live := make(chan []string, 1)
	go func() {
		ids, _, err := idsOf(deadline(t), dial(t, n), "", last.id)
		if err != nil {
			t.Errorf("seed %d: follow $all: %v", seed, err)
		}
		live <- ids
	}()
	clients.Wait()
	if answer := last.ask(deadline(t), dial(t, n)); answer.kind != answerWritten {
		t.Errorf("seed %d: the last append: %+v", seed, answer)
	}
	final, _, err := idsOf(deadline(t), dial(t, n), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if seen := <-live; !slices.Equal(seen, final) {
		t.Errorf("seed %d: a subscriber saw other events, or in another order, than a later reader", seed)
	}
	if result, info := porcupine.CheckOperationsVerbose(historyModel, h.ops, time.Minute); result != porcupine.Ok {
		name := fmt.Sprintf("%s/history-%d.html", t.ArtifactDir(), round)
		if err := porcupine.VisualizePath(historyModel, info, name); err != nil {
			t.Error(err)
		}
		t.Errorf("seed %d: the history is %s; it is drawn in %s if -artifacts is given", seed, result, name)
	}
	place := map[string]int{}
	for i, id := range final {
		place[id] = i + 1
	}
	byCall := slices.Clone(h.ops)
	slices.SortFunc(byCall, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	byReturn := slices.DeleteFunc(slices.Clone(h.ops), func(op porcupine.Operation) bool { return op.Output.(historyAnswer).kind != answerWritten })
	slices.SortFunc(byReturn, func(a, b porcupine.Operation) int { return int(a.Return - b.Return) })
	highest, next := 0, 0
	for _, op := range byCall { // what was acknowledged before another was sent stands before it
		for ; next < len(byReturn) && byReturn[next].Return < op.Call; next++ {
			at := place[byReturn[next].Input.(historyOp).id]
			if at == 0 {
				t.Fatalf("seed %d: acknowledged and not in $all: %+v", seed, byReturn[next])
			}
			highest = max(highest, at)
		}
		if at := place[op.Input.(historyOp).id]; at > 0 && at < highest {
			t.Errorf("seed %d: %+v stands before an append that was acknowledged before it was sent", seed, op)
		}
	}
	for _, read := range allReads {
		if len(read.ids) > len(final) || !slices.Equal(read.ids, final[:len(read.ids)]) {
			t.Errorf("seed %d: two readers of $all saw different orders", seed)
		}
		for _, op := range byReturn {
			if at := place[op.Input.(historyOp).id]; op.Return < read.call && at > len(read.ids) {
				t.Errorf("seed %d: a read of $all does not contain what was acknowledged before it began", seed)
			}
		}
	}
}

// TestHistoriesNotice: a history that no order explains is found, else the test above proves nothing.
func TestHistoriesNotice(t *testing.T) {
	t.Parallel()
	written := historyAnswer{kind: answerWritten}
	first, second := historyOp{stream: "s", kind: "append", expected: expectAny, id: "a"}, historyOp{stream: "s", kind: "append", expected: expectAny, id: "b"}
	read := historyOp{stream: "s", kind: "read"}
	for name, history := range map[string][]porcupine.Operation{
		"a stale read":               {{Input: first, Output: written, Call: 1, Return: 2}, {Input: read, Output: historyAnswer{kind: answerNotFound}, Call: 3, Return: 4}},
		"an event twice":             {{Input: first, Output: written, Call: 1, Return: 2}, {Input: read, Output: historyAnswer{kind: answerEvents, events: "a a"}, Call: 3, Return: 4}},
		"one revision for two":       {{Input: first, Output: written, Call: 1, Return: 4}, {Input: second, Output: written, Call: 2, Return: 3}},
		"an unanswered one half way": {{Input: first, Output: historyAnswer{open: true}, Call: 1, Return: math.MaxInt64}, {Input: read, Output: historyAnswer{kind: answerEvents, events: "a"}, Call: 2, Return: 3}, {Input: read, Output: historyAnswer{kind: answerNotFound}, Call: 4, Return: 5}},
	} {
		if porcupine.CheckOperations(historyModel, history) {
			t.Errorf("%s passes", name)
		}
	}
}
