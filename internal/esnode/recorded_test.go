package esnode_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// The cases that a real server answered, played against the node. testdata/recorded/README.md explains them.

type recordedCase struct {
	Case    string
	Compare string // "free": play it, compare nothing
	Steps   []recordedStep
}

type recordedStep struct {
	Op                                  string
	Stream, Expect, As, Dir, Sub, Uuids string
	From, Count                         any
	Events                              []any
	Header                              map[string]string
	NoOptions, OptionsTwice, Links      bool
	Compat                              uint32
	Filter                              map[string]any
	MS                                  int
	Answer                              map[string]any
}

// recordedShards is how many nodes share the cases. On one node only one case runs at a time: some read all of $all.
const recordedShards = 6

func TestRecorded(t *testing.T) {
	t.Parallel()
	var cases []recordedCase
	for _, name := range []string{"curated.jsonl", "random.jsonl"} {
		cases = append(cases, loadRecorded(t, name)...)
	}
	if len(cases) != 544 {
		t.Fatalf("%d recorded cases, want 544", len(cases))
	}
	for shard := range recordedShards {
		t.Run(fmt.Sprintf("node %d", shard), func(t *testing.T) {
			t.Parallel()
			s := newRecordedServer(t)
			for i := shard; i < len(cases); i += recordedShards {
				t.Run(cases[i].Case, func(t *testing.T) { s.play(t, &cases[i]) })
			}
		})
	}
}

func loadRecorded(t *testing.T, name string) (cases []recordedCase) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "recorded", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			d := json.NewDecoder(bytes.NewReader(line))
			d.UseNumber()
			var c recordedCase
			if err := d.Decode(&c); err != nil {
				t.Fatal(err)
			}
			cases = append(cases, c)
		}
		if errors.Is(err, io.EOF) {
			return cases
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// recordedServer is a node with a clock that "sleep" steps move, so nobody sleeps.
type recordedServer struct {
	t       *testing.T
	dir     string
	mu      sync.Mutex
	now     time.Time
	node    *esnode.Node
	conn    *grpc.ClientConn
	streams streams.StreamsClient
}

func newRecordedServer(t *testing.T) *recordedServer {
	s := &recordedServer{t: t, dir: t.TempDir(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *recordedServer) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *recordedServer) sleep(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *recordedServer) start() {
	s.node = esnode.RunT(s.t, func(c *esnode.Config) { c.Dir, c.Clock = s.dir, s.clock })
	var err error
	s.conn, err = grpc.NewClient(s.node.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(17<<20), grpc.MaxCallSendMsgSize(17<<20)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.streams = streams.NewStreamsClient(s.conn)
}

func (s *recordedServer) stop() {
	_ = s.conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.node.Stop(ctx); err != nil {
		s.t.Error(err)
	}
}

// player plays one case.
type player struct {
	*recordedServer
	ctx       context.Context
	prefix    string // of every stream name: "rec-<uuid>-"
	ids       map[string]uuid.UUID
	symbols   map[uuid.UUID]string
	positions map[string]uint64 // named by "as"
	subs      map[string]*subscription
	restarted bool

	where    [][2]uint64         // recorded rank and our position of everything compared
	written  map[string][]string // the ids of each stream, as first written
	diverged map[string]bool     // streams in which an allowed difference happened
}

func (s *recordedServer) play(t *testing.T, c *recordedCase) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	p := &player{
		recordedServer: s, ctx: ctx, prefix: "rec-" + uuid.NewString() + "-",
		ids: map[string]uuid.UUID{"zero": {}}, symbols: map[uuid.UUID]string{}, positions: map[string]uint64{},
		subs: map[string]*subscription{}, written: map[string][]string{}, diverged: map[string]bool{},
	}
	for i := range c.Steps {
		step := &c.Steps[i]
		got := p.do(step)
		if c.Compare == "free" {
			continue
		}
		if err := p.compare(step, got); err != nil {
			asked, _ := json.Marshal(step)
			answered, _ := json.Marshal(got)
			t.Fatalf("step %d: %v\n asked and recorded %s\n answered %s", i, err, asked, answered)
		}
	}
	p.compareRanks(t)
}

// compareRanks sees that our positions order as the real server's do.
func (p *player) compareRanks(t *testing.T) {
	slices.SortFunc(p.where, func(a, b [2]uint64) int { return int(a[0]) - int(b[0]) })
	for i := 1; i < len(p.where); i++ {
		a, b := p.where[i-1], p.where[i]
		if (a[0] == b[0]) != (a[1] == b[1]) || a[0] < b[0] && a[1] >= b[1] {
			t.Fatalf("positions order differently: rank %d is at %d, rank %d at %d", a[0], a[1], b[0], b[1])
		}
	}
}

func (p *player) stream(name string) string {
	if rest, ok := strings.CutPrefix(name, "!"); ok {
		return rest
	}
	dollars := ""
	for strings.HasPrefix(name, "$$") {
		dollars, name = dollars+"$$", name[2:]
	}
	return dollars + p.prefix + name
}

func (p *player) plain(s string) string { return strings.ReplaceAll(s, p.prefix, "") }
func (p *player) text(s string) string  { return strings.ReplaceAll(s, "{{", p.prefix) }

func (p *player) id(symbol string) uuid.UUID {
	if id, ok := p.ids[symbol]; ok {
		return id
	}
	id := uuid.New()
	p.ids[symbol], p.symbols[id] = id, symbol
	return id
}

func (p *player) header(step *recordedStep) context.Context {
	return metadata.NewOutgoingContext(p.ctx, metadata.New(step.Header))
}

// do asks the node and returns its answer in the form of the recordings, with positions as they are.
func (p *player) do(step *recordedStep) map[string]any {
	switch step.Op {
	case "append":
		return p.append(step)
	case "delete":
		return p.delete(step)
	case "tombstone":
		return p.tombstone(step)
	case "read":
		return p.read(step)
	case "subscribe":
		p.subscribe(step)
	case "drain":
		return p.drain(step)
	case "sleep":
		p.sleep(time.Duration(step.MS) * time.Millisecond)
	case "restart":
		p.stop()
		p.start()
		p.restarted = true
	default:
		panic("unknown step " + step.Op)
	}
	return nil
}

func failed(err error, trailers metadata.MD, p *player) map[string]any {
	st := status.Convert(err)
	got := map[string]any{}
	for k, v := range trailers {
		if k != "content-type" && !strings.HasPrefix(k, "grpc-") {
			got[k] = p.plain(strings.Join(v, ","))
		}
	}
	code := map[codes.Code]string{
		codes.InvalidArgument: "INVALID_ARGUMENT", codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Unknown: "UNKNOWN",
	}[st.Code()]
	if code == "" {
		code = st.Code().String()
	}
	return map[string]any{"error": map[string]any{"code": code, "trailers": got, "text": p.plain(st.Message())}}
}

func (p *player) proposed(e any) *streams.AppendReq_ProposedMessage {
	symbol, isID := e.(string)
	fields, _ := e.(map[string]any)
	if !isID {
		symbol, _ = fields["id"].(string)
	}
	text := func(key, otherwise string) string {
		if v, ok := fields[key].(string); ok {
			return p.text(v)
		}
		return otherwise
	}
	id := p.id(symbol)
	m := &streams.AppendReq_ProposedMessage{
		Id:             &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}},
		Metadata:       map[string]string{"type": text("type", "T"), "content-type": text("content", "application/json")},
		Data:           []byte(text("data", `{"id":"`+symbol+`"}`)),
		CustomMetadata: []byte(text("custom", "")),
	}
	if structured, _ := fields["structured"].(bool); structured {
		m.Id = structuredID(id)
	}
	if none, _ := fields["noId"].(bool); none {
		m.Id = nil
	}
	if n, ok := fields["size"].(json.Number); ok {
		m.Data = bytes.Repeat([]byte("x"), atoi(n))
	}
	if n, ok := fields["customSize"].(json.Number); ok {
		m.CustomMetadata = bytes.Repeat([]byte("y"), atoi(n))
	}
	if given, ok := fields["metadata"].(map[string]any); ok {
		m.Metadata = map[string]string{}
		for k, v := range given {
			m.Metadata[k] = p.text(v.(string))
		}
	}
	return m
}

func structuredID(id uuid.UUID) *shared.UUID {
	half := func(b []byte) (n int64) {
		for _, x := range b {
			n = n<<8 | int64(x)
		}
		return n
	}
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits: half(id[:8]), LeastSignificantBits: half(id[8:]),
	}}}
}

func atoi(n json.Number) int {
	i, err := strconv.Atoi(n.String())
	if err != nil {
		panic(err)
	}
	return i
}

func atou(v any) uint64 {
	i, err := strconv.ParseUint(fmt.Sprint(v), 10, 64)
	if err != nil {
		panic(err)
	}
	return i
}

func (p *player) append(step *recordedStep) map[string]any {
	call, err := p.streams.Append(p.header(step))
	if err != nil {
		return failed(err, nil, p)
	}
	o := &streams.AppendReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(p.stream(step.Stream))}}
	switch step.Expect {
	case "any":
		o.ExpectedStreamRevision = &streams.AppendReq_Options_Any{Any: &shared.Empty{}}
	case "no_stream":
		o.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
	case "stream_exists":
		o.ExpectedStreamRevision = &streams.AppendReq_Options_StreamExists{StreamExists: &shared.Empty{}}
	case "unset":
	default:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: atou(step.Expect)}
	}
	options := &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: o}}
	var messages []*streams.AppendReq
	if !step.NoOptions {
		messages = append(messages, options)
	}
	if step.OptionsTwice {
		messages = append(messages, options)
	}
	for _, e := range step.Events {
		messages = append(messages, &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: p.proposed(e)}})
	}
	for _, m := range messages {
		if err := call.Send(m); err != nil {
			return map[string]any{"early": err.Error()} // the node must read all before it answers
		}
	}
	resp, err := call.CloseAndRecv()
	if err != nil {
		return failed(err, call.Trailer(), p)
	}
	if w := resp.GetWrongExpectedVersion(); w != nil {
		return map[string]any{"wrong": wrongAsRecorded(w)}
	}
	ok := map[string]any{"revision": "no_stream"}
	if r, is := resp.GetSuccess().GetCurrentRevisionOption().(*streams.AppendResp_Success_CurrentRevision); is {
		ok["revision"] = number(r.CurrentRevision)
	}
	if at := resp.GetSuccess().GetPosition(); at != nil {
		if at.CommitPosition != at.PreparePosition {
			return map[string]any{"commit": at.CommitPosition, "prepare": at.PreparePosition}
		}
		ok["at"] = number(at.CommitPosition)
		p.name(step, at.CommitPosition)
	}
	return map[string]any{"ok": ok}
}

func wrongAsRecorded(w *streams.AppendResp_WrongExpectedVersion) map[string]any {
	wrong, old := map[string]any{}, map[string]any{}
	switch e := w.GetExpectedRevisionOption().(type) {
	case *streams.AppendResp_WrongExpectedVersion_ExpectedRevision:
		wrong["expected"] = number(e.ExpectedRevision)
	case *streams.AppendResp_WrongExpectedVersion_ExpectedAny:
		wrong["expected"] = "any"
	case *streams.AppendResp_WrongExpectedVersion_ExpectedNoStream:
		wrong["expected"] = "no_stream"
	case *streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists:
		wrong["expected"] = "stream_exists"
	}
	switch c := w.GetCurrentRevisionOption().(type) {
	case *streams.AppendResp_WrongExpectedVersion_CurrentRevision:
		wrong["current"] = number(c.CurrentRevision)
	case *streams.AppendResp_WrongExpectedVersion_CurrentNoStream:
		wrong["current"] = "no_stream"
	}
	switch e := w.GetExpectedRevisionOption_20_6_0().(type) {
	case *streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0:
		old["expected"] = number(e.ExpectedRevision_20_6_0)
	case *streams.AppendResp_WrongExpectedVersion_Any_20_6_0:
		old["expected"] = "any"
	case *streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0:
		old["expected"] = "stream_exists"
	}
	switch c := w.GetCurrentRevisionOption_20_6_0().(type) {
	case *streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0:
		old["current"] = number(c.CurrentRevision_20_6_0)
	case *streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0:
		old["current"] = "no_stream"
	}
	wrong["old"] = old
	return wrong
}

// number is a number as the recordings write it: as text where a float could not hold it.
func number(n uint64) any {
	s := strconv.FormatUint(n, 10)
	if n > 1<<53 {
		return s
	}
	return json.Number(s)
}

func (p *player) name(step *recordedStep, position uint64) {
	if step.As != "" {
		p.positions[step.As] = position
	}
}

func (p *player) delete(step *recordedStep) map[string]any {
	o := &streams.DeleteReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(p.stream(step.Stream))}}
	switch step.Expect {
	case "any":
		o.ExpectedStreamRevision = &streams.DeleteReq_Options_Any{Any: &shared.Empty{}}
	case "no_stream":
		o.ExpectedStreamRevision = &streams.DeleteReq_Options_NoStream{NoStream: &shared.Empty{}}
	case "stream_exists":
		o.ExpectedStreamRevision = &streams.DeleteReq_Options_StreamExists{StreamExists: &shared.Empty{}}
	case "unset":
	default:
		o.ExpectedStreamRevision = &streams.DeleteReq_Options_Revision{Revision: atou(step.Expect)}
	}
	var trailer metadata.MD
	resp, err := p.streams.Delete(p.header(step), &streams.DeleteReq{Options: o}, grpc.Trailer(&trailer))
	if err != nil {
		return failed(err, trailer, p)
	}
	p.name(step, resp.GetPosition().GetCommitPosition())
	return map[string]any{"ok": map[string]any{"at": number(resp.GetPosition().GetCommitPosition())}}
}

func (p *player) tombstone(step *recordedStep) map[string]any {
	o := &streams.TombstoneReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(p.stream(step.Stream))}}
	switch step.Expect {
	case "any":
		o.ExpectedStreamRevision = &streams.TombstoneReq_Options_Any{Any: &shared.Empty{}}
	case "no_stream":
		o.ExpectedStreamRevision = &streams.TombstoneReq_Options_NoStream{NoStream: &shared.Empty{}}
	case "stream_exists":
		o.ExpectedStreamRevision = &streams.TombstoneReq_Options_StreamExists{StreamExists: &shared.Empty{}}
	case "unset":
	default:
		o.ExpectedStreamRevision = &streams.TombstoneReq_Options_Revision{Revision: atou(step.Expect)}
	}
	var trailer metadata.MD
	resp, err := p.streams.Tombstone(p.header(step), &streams.TombstoneReq{Options: o}, grpc.Trailer(&trailer))
	if err != nil {
		return failed(err, trailer, p)
	}
	p.name(step, resp.GetPosition().GetCommitPosition())
	return map[string]any{"ok": map[string]any{"at": number(resp.GetPosition().GetCommitPosition())}}
}

// request is the options of a read or subscription.
func (p *player) request(step *recordedStep) *streams.ReadReq_Options {
	o := &streams.ReadReq_Options{
		ResolveLinks: step.Links,
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}},
	}
	if step.Uuids == "structured" {
		o.UuidOption.Content = &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}
	}
	if step.Dir == "backward" {
		o.ReadDirection = streams.ReadReq_Options_Backwards
	}
	if step.Compat > 0 {
		o.ControlOption = &streams.ReadReq_Options_ControlOption{Compatibility: step.Compat}
	}
	if step.Filter != nil {
		o.FilterOption = &streams.ReadReq_Options_Filter{Filter: p.filter(step.Filter)}
	}
	if step.Stream == "" {
		o.StreamOption = &streams.ReadReq_Options_All{All: p.fromPosition(step.From)}
	} else {
		o.StreamOption = &streams.ReadReq_Options_Stream{Stream: p.fromRevision(step)}
	}
	return o
}

func (p *player) fromRevision(step *recordedStep) *streams.ReadReq_Options_StreamOptions {
	o := &streams.ReadReq_Options_StreamOptions{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(p.stream(step.Stream))}}
	switch step.From {
	case nil, "start":
		o.RevisionOption = &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}}
	case "end":
		o.RevisionOption = &streams.ReadReq_Options_StreamOptions_End{End: &shared.Empty{}}
	case "unset":
	default:
		o.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: atou(step.From)}
	}
	return o
}

func (p *player) fromPosition(from any) *streams.ReadReq_Options_AllOptions {
	o := &streams.ReadReq_Options_AllOptions{}
	at := func(position uint64) {
		o.AllOption = &streams.ReadReq_Options_AllOptions_Position{
			Position: &streams.ReadReq_Options_Position{CommitPosition: position, PreparePosition: position},
		}
	}
	switch v := from.(type) {
	case nil:
		o.AllOption = &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}
	case map[string]any:
		plus, err := v["plus"].(json.Number).Int64()
		if err != nil {
			panic(err)
		}
		at(p.positions[v["position"].(string)] + uint64(plus))
	case string:
		switch v {
		case "start":
			o.AllOption = &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}
		case "end":
			o.AllOption = &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}}
		case "unset":
		default:
			at(p.positions[v])
		}
	}
	return o
}

func (p *player) filter(f map[string]any) *streams.ReadReq_Options_FilterOptions {
	e := &streams.ReadReq_Options_FilterOptions_Expression{}
	if regex, ok := f["regex"].(string); ok {
		e.Regex = p.text(regex)
	}
	if prefixes, ok := f["prefix"].([]any); ok {
		for _, prefix := range prefixes {
			e.Prefix = append(e.Prefix, p.text(prefix.(string)))
		}
	}
	o := &streams.ReadReq_Options_FilterOptions{
		Window:                       &streams.ReadReq_Options_FilterOptions_Count{Count: &shared.Empty{}},
		CheckpointIntervalMultiplier: 1,
	}
	if window, ok := f["window"]; ok {
		o.Window = &streams.ReadReq_Options_FilterOptions_Max{Max: uint32(atou(window))}
	}
	if every, ok := f["every"]; ok {
		o.CheckpointIntervalMultiplier = uint32(atou(every))
	}
	if f["on"] == "stream" {
		o.Filter = &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: e}
	} else {
		o.Filter = &streams.ReadReq_Options_FilterOptions_EventType{EventType: e}
	}
	return o
}

func (p *player) read(step *recordedStep) map[string]any {
	o := p.request(step)
	switch step.Count {
	case nil:
		o.CountOption = &streams.ReadReq_Options_Count{Count: 1000}
	case "unset":
	default:
		o.CountOption = &streams.ReadReq_Options_Count{Count: atou(step.Count)}
	}
	call, err := p.streams.Read(p.header(step), &streams.ReadReq{Options: o})
	if err != nil {
		return failed(err, nil, p)
	}
	messages := []any{}
	for {
		m, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return map[string]any{"messages": messages}
		}
		if err != nil {
			got := failed(err, call.Trailer(), p)
			got["messages"] = messages
			return got
		}
		messages = append(messages, p.message(m, step.Stream, step.Uuids))
	}
}

// message is a message in the form of the recordings.
func (p *player) message(m *streams.ReadResp, asked, form string) any {
	switch c := m.GetContent().(type) {
	case *streams.ReadResp_Event:
		got := map[string]any{}
		at := uint64(0)
		if c.Event.GetEvent() != nil {
			got["event"] = p.event(c.Event.GetEvent(), asked, form)
			at = c.Event.GetEvent().GetCommitPosition()
		}
		if c.Event.GetLink() != nil {
			got["link"] = p.event(c.Event.GetLink(), asked, form)
			at = c.Event.GetLink().GetCommitPosition()
		}
		if c.Event.GetCommitPosition() != at {
			got["commit position"] = c.Event.GetCommitPosition()
		}
		return got
	case *streams.ReadResp_Confirmation:
		if c.Confirmation.GetSubscriptionId() == "" {
			return "confirmation without an id"
		}
		return map[string]any{"confirmation": "id"}
	case *streams.ReadResp_Checkpoint_:
		return "checkpoint"
	case *streams.ReadResp_StreamNotFound_:
		return map[string]any{"stream_not_found": p.plain(string(c.StreamNotFound.GetStreamIdentifier().GetStreamName()))}
	case *streams.ReadResp_FirstStreamPosition:
		return map[string]any{"first_stream_position": number(c.FirstStreamPosition)}
	case *streams.ReadResp_LastStreamPosition:
		return map[string]any{"last_stream_position": number(c.LastStreamPosition)}
	case *streams.ReadResp_CaughtUp_:
		return "caught_up"
	}
	return fmt.Sprintf("%T", m.GetContent())
}

func (p *player) event(e *streams.ReadResp_ReadEvent_RecordedEvent, asked, form string) map[string]any {
	var id uuid.UUID
	switch v := e.GetId().GetValue().(type) {
	case *shared.UUID_String_:
		if form == "structured" {
			return map[string]any{"id": "as text"}
		}
		id = uuid.MustParse(v.String_)
	case *shared.UUID_Structured_:
		if form != "structured" {
			return map[string]any{"id": "as numbers"}
		}
		for i := range 8 {
			id[i] = byte(v.Structured.MostSignificantBits >> (56 - 8*i))
			id[8+i] = byte(v.Structured.LeastSignificantBits >> (56 - 8*i))
		}
	}
	symbol, known := p.symbols[id]
	if !known {
		symbol = "?"
	}
	got := map[string]any{"id": symbol, "rev": number(e.GetStreamRevision()), "at": number(e.GetCommitPosition())}
	if e.GetPreparePosition() != e.GetCommitPosition() {
		got["prepare"] = number(e.GetPreparePosition())
	}
	unless := func(key, value, usual string) {
		if value != usual {
			got[key] = value
		}
	}
	unless("stream", p.plain(string(e.GetStreamIdentifier().GetStreamName())), asked)
	unless("custom", sized(p.plain(string(e.GetCustomMetadata()))), "")
	unless("data", sized(p.plain(string(e.GetData()))), `{"id":"`+symbol+`"}`)
	more := map[string]any{}
	for k, v := range e.GetMetadata() {
		switch k {
		case "type":
			unless("type", p.plain(v), "T")
		case "content-type":
			unless("content", v, "application/json")
		case "created":
			if _, err := strconv.ParseUint(v, 10, 63); err != nil {
				got["created"] = v
			}
		default:
			more[k] = v
		}
	}
	if len(e.GetMetadata()) < 3 {
		got["metadata"] = "incomplete"
	}
	if len(more) > 0 {
		got["more"] = more
	}
	return got
}

func sized(s string) string {
	if len(s) > 200 {
		return fmt.Sprintf("%d bytes", len(s))
	}
	return s
}

// subscription collects what a subscription sends.
type subscription struct {
	step     *recordedStep
	messages chan *streams.ReadResp
	err      error       // of the end, set before messages is closed
	trailer  metadata.MD // likewise
	over     bool
}

func (p *player) subscribe(step *recordedStep) {
	ctx := p.header(step) // ends with the case
	sub := &subscription{step: step, messages: make(chan *streams.ReadResp, 1000)}
	p.subs[step.As] = sub
	o := p.request(step)
	o.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	call, err := p.streams.Read(ctx, &streams.ReadReq{Options: o})
	if err != nil {
		panic(err)
	}
	// The subscription stands when its first message is there; the recorder saw that too before it went on.
	first, err := call.Recv()
	go func() {
		defer close(sub.messages)
		for m := first; ; m, err = call.Recv() {
			if err != nil {
				sub.err, sub.trailer = err, call.Trailer()
				return
			}
			select {
			case sub.messages <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
}

// drainGrace is how long a drain waits for messages that should not come. One that comes later still shows up in the next drain.
const drainGrace = 8 * time.Millisecond

func (p *player) drain(step *recordedStep) map[string]any {
	sub := p.subs[step.Sub]
	wanted := len(withoutCheckpoints(step.Answer["messages"]))
	_, wantEnd := step.Answer["ended"]
	got := []any{}
	late := time.After(5 * time.Second)
	var grace <-chan time.Time
	for !sub.over {
		if grace == nil && len(withoutCheckpoints(got)) >= wanted && !wantEnd {
			grace = time.After(drainGrace)
		}
		select {
		case m, ok := <-sub.messages:
			if ok {
				got = append(got, p.message(m, sub.step.Stream, sub.step.Uuids))
			} else {
				sub.over = true
			}
			continue
		case <-grace:
		case <-late:
		}
		break
	}
	answer := map[string]any{"messages": got}
	if sub.over {
		answer["ended"] = failed(sub.err, sub.trailer, p)
	}
	return answer
}

func withoutCheckpoints(messages any) (rest []any) {
	list, _ := messages.([]any)
	for _, m := range list {
		if m != "checkpoint" {
			rest = append(rest, m)
		}
	}
	return rest
}

// compare holds an answer against the recorded one.
func (p *player) compare(step *recordedStep, got map[string]any) error {
	want := step.Answer
	if want == nil {
		return nil
	}
	if step.Op == "append" {
		if different, err := p.mayRepeat(step, got); different {
			return err
		}
	}
	if p.diverged[step.Stream] && step.Op == "read" {
		return p.compareDiverged(step, got)
	}
	if e, ok := want["error"].(map[string]any); ok && e["code"] == "UNKNOWN" {
		_, isError := got["error"]
		empty := len(withoutCheckpoints(got["messages"])) == 0
		if isError || empty && (step.Count == json.Number("0") || step.From == "end" || fmt.Sprint(step.From) == strconv.FormatUint(math.MaxUint64, 10)) {
			return nil
		}
	}
	if ended, ok := want["ended"].(map[string]any); ok {
		if e, ok := ended["error"].(map[string]any); ok && e["code"] == "UNKNOWN" {
			gotEnd, _ := got["ended"].(map[string]any)
			if _, isError := gotEnd["error"]; isError && reflect.DeepEqual(withoutCheckpoints(got["messages"]), withoutCheckpoints(want["messages"])) {
				return nil
			}
		}
	}
	return p.same("", want, got)
}

// same compares two values of an answer; positions are only paired here, their order is compared at the end.
func (p *player) same(path string, want, got any) error {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: want %v, got %v", path, want, got)
		}
		for k := range g {
			if _, ok := w[k]; !ok && k != "text" {
				return fmt.Errorf("%s/%s: not recorded, got %v", path, k, g[k])
			}
		}
		for k, v := range w {
			if k == "text" {
				continue
			}
			if err := p.same(path+"/"+k, v, g[k]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		w = withoutCheckpoints(w)
		g := withoutCheckpoints(got)
		if len(w) != len(g) {
			return fmt.Errorf("%s: want %d, got %d", path, len(w), len(g))
		}
		for i := range w {
			if err := p.same(fmt.Sprintf("%s/%d", path, i), w[i], g[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if strings.HasSuffix(path, "/at") {
		if got == nil {
			return fmt.Errorf("%s: there is no position", path)
		}
		p.where = append(p.where, [2]uint64{atou(want), atou(got)})
		return nil
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Errorf("%s: want %v, got %v", path, want, got)
	}
	return nil
}

// mayRepeat sees to the difference that is allowed: after a restart, and for an id that two streams have, the real server forgets and
// writes once more what the node knows to be a repeat. From then on that stream is compared with what was written first.
func (p *player) mayRepeat(step *recordedStep, got map[string]any) (different bool, err error) {
	var ids []string
	for _, e := range step.Events {
		if id, ok := e.(string); ok {
			ids = append(ids, id)
		}
	}
	wantOK, _ := step.Answer["ok"].(map[string]any)
	gotOK, _ := got["ok"].(map[string]any)
	had := p.written[step.Stream]
	if gotOK != nil && len(ids) > 0 {
		if revision, err := strconv.Atoi(fmt.Sprint(gotOK["revision"])); err == nil && revision == len(had)+len(ids)-1 {
			p.written[step.Stream] = append(had, ids...)
		}
	}
	if p.diverged[step.Stream] {
		return true, nil
	}
	if step.Expect != "any" && step.Expect != "stream_exists" || wantOK == nil || reflect.DeepEqual(wantOK["revision"], gotOK["revision"]) {
		return false, nil
	}
	known := len(ids) > 0 && slices.Contains(had, ids[0])
	if !known || !p.restarted && !p.inTwoStreams(ids[0]) {
		return false, nil
	}
	p.diverged[step.Stream] = true
	last := slices.Index(had, ids[len(ids)-1])
	if last < 0 { // a known id, then a new one: the node must refuse
		if _, refused := got["wrong"]; !refused {
			return true, errors.New("some ids are known, some are not: want a refusal")
		}
		return true, nil
	}
	if gotOK == nil || fmt.Sprint(gotOK["revision"]) != strconv.Itoa(last) {
		return true, fmt.Errorf("a repeat: want the first answer's revision %d", last)
	}
	return true, nil
}

func (p *player) inTwoStreams(id string) bool {
	n := 0
	for _, ids := range p.written {
		if slices.Contains(ids, id) {
			n++
		}
	}
	return n > 1
}

// compareDiverged sees that a stream holds what was written first, once.
func (p *player) compareDiverged(step *recordedStep, got map[string]any) error {
	var ids []string
	for _, m := range got["messages"].([]any) {
		ids = append(ids, m.(map[string]any)["event"].(map[string]any)["id"].(string))
	}
	want := slices.Clone(p.written[step.Stream])
	if step.Dir == "backward" {
		slices.Reverse(want)
	}
	if !slices.Equal(ids, want) {
		return fmt.Errorf("want the events written first, %v", want)
	}
	return nil
}
