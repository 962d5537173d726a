package esnode_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// The model is what the node should be, in memory and as simple as can be. TestModel draws one operation after the other, asks both, and
// compares the answers, over several connections, with restarts and a clock that moves.

// modelEvent is an event as it stands in the model's log.
type modelEvent struct {
	stream   string
	revision uint64
	position uint64
	id       uuid.UUID // nil for what the node writes itself
	typ      string
	data     string
	created  time.Time
}

const softDeleted = math.MaxInt64

// modelMeta is what a metadata event says.
type modelMeta struct {
	maxCount, maxAge, truncateBefore int64
	void                             bool // one value is of the wrong kind, so nothing counts
}

func parseModelMeta(data string) modelMeta {
	var fields map[string]any
	d := json.NewDecoder(strings.NewReader(data))
	d.UseNumber()
	if d.Decode(&fields) != nil {
		return modelMeta{void: true}
	}
	var m modelMeta
	for key, to := range map[string]*int64{"$maxCount": &m.maxCount, "$maxAge": &m.maxAge, "$tb": &m.truncateBefore} {
		value, there := fields[key]
		if !there {
			continue
		}
		n, isNumber := value.(json.Number)
		i, err := n.Int64()
		if !isNumber || err != nil {
			return modelMeta{void: true}
		}
		*to = max(i, 0)
	}
	return m
}

type model struct {
	now  time.Time
	all  []*modelEvent
	next uint64
	dead map[string]bool
}

func (m *model) of(stream string) (events []*modelEvent) {
	for _, e := range m.all {
		if e.stream == stream && e.revision != math.MaxInt64 {
			events = append(events, e)
		}
	}
	return events
}

func (m *model) last(stream string) int64 { return int64(len(m.of(stream))) - 1 }

func (m *model) meta(stream string) modelMeta {
	events := m.of("$$" + stream)
	if strings.HasPrefix(stream, "$$") || len(events) == 0 {
		return modelMeta{}
	}
	if meta := parseModelMeta(events[len(events)-1].data); !meta.void {
		return meta
	}
	return modelMeta{}
}

func (m *model) first(stream string) int64 {
	last := m.last(stream)
	if strings.HasPrefix(stream, "$$") {
		return max(last, 0)
	}
	meta := m.meta(stream)
	first := meta.truncateBefore
	if meta.maxCount > 0 {
		first = max(first, last-meta.maxCount+1)
	}
	return first
}

func (m *model) tombstoned(stream string) bool {
	return m.dead[stream] || m.dead[strings.TrimPrefix(stream, "$$")]
}

func (m *model) write(stream string, revision uint64, id uuid.UUID, typ, data string) *modelEvent {
	e := &modelEvent{stream, revision, m.next, id, typ, data, m.now}
	m.next++
	m.all = append(m.all, e)
	return e
}

// The answers, in words.
const (
	answerWritten  = "written"
	answerRepeat   = "repeat"
	answerWrong    = "wrong revision"
	answerDeleted  = "deleted"
	answerNotFound = "not found"
	answerEvents   = "events"
	answerNothing  = "nothing in range"
	answerFollowed = "a link followed"
	answerBroken   = "a link to nothing"
	answerHidden   = "the beginning is hidden"
	answerDeletion = "deletion"
	answerTomb     = "tombstone"
	answerRefused  = "deletion refused"
	answerLive     = "subscription"
	answerAll      = "$all"
)

type proposedEvent struct {
	id        uuid.UUID
	typ, data string
}

const (
	expectAny    = -2
	expectExists = -4
	expectNone   = -1
)

// check says what becomes of an append: -1 is written, otherwise the revision that the last event already has.
func (m *model) check(stream string, expected int64, ids []uuid.UUID) (repeat int64, refusal string) {
	events, meta := m.of(stream), m.meta(stream)
	last := int64(len(events)) - 1
	isMeta := strings.HasPrefix(stream, "$$")
	if m.dead[stream] || isMeta && last < 0 && m.dead[stream[2:]] {
		return 0, answerDeleted
	}
	gone := !isMeta && meta.truncateBefore == softDeleted
	if expected == expectExists {
		if gone {
			return 0, answerDeleted
		}
		if last < 0 && (isMeta || m.last("$$"+stream) < 0) {
			return 0, answerWrong
		}
	}
	if expected == expectAny || expected == expectExists {
		repeat = -1
		for i, id := range ids {
			at := slices.IndexFunc(events, func(e *modelEvent) bool { return e.id == id })
			switch {
			case at >= 0:
				repeat = int64(at)
			case i == 0:
				return -1, ""
			default:
				return 0, answerWrong
			}
		}
		return repeat, ""
	}
	switch {
	case expected > last:
		return 0, answerWrong
	case expected == last:
		return -1, ""
	case len(ids) == 0:
		return 0, answerWrong
	}
	for i, id := range ids {
		repeat = expected + 1 + int64(i)
		if repeat <= last && events[repeat].id == id {
			continue
		}
		if i == 0 && gone && expected == expectNone {
			return -1, ""
		}
		return 0, answerWrong
	}
	return repeat, ""
}

// append returns the kind of the answer, the revision, and the position (0: none).
func (m *model) append(stream string, expected int64, events []proposedEvent) (kind string, revision int64, position uint64) {
	var ids []uuid.UUID
	for _, e := range events {
		ids = append(ids, e.id)
	}
	repeat, refusal := m.check(stream, expected, ids)
	if refusal != "" {
		return refusal, m.last(stream), 0
	}
	if repeat >= 0 {
		if repeat >= m.first(stream) {
			position = m.of(stream)[repeat].position
		}
		return answerRepeat, repeat, position
	}
	about, isMeta := strings.CutPrefix(stream, "$$")
	revive := m.meta(about).truncateBefore == softDeleted && !m.dead[about]
	first := m.last(about) + 1
	revision = m.last(stream)
	for _, e := range events {
		revision++
		position = m.write(stream, uint64(revision), e.id, e.typ, e.data).position
	}
	if len(events) == 0 {
		position = m.next
		m.next++
	}
	if revive {
		before := map[string]any{}
		if isMeta {
			if json.Unmarshal([]byte(events[len(events)-1].data), &before) != nil {
				return answerWritten, revision, position
			}
		}
		before["$tb"] = first
		data, _ := json.Marshal(before)
		m.write("$$"+about, uint64(m.last("$$"+about)+1), uuid.Nil, "$metadata", string(data))
	}
	return answerWritten, revision, position
}

func (m *model) remove(stream string, expected int64, tombstone bool) (kind string, position uint64) {
	if _, refusal := m.check(stream, expected, []uuid.UUID{uuid.New()}); refusal != "" {
		return refusal, 0
	}
	if tombstone {
		e := m.write(stream, math.MaxInt64, uuid.Nil, "$streamDeleted", "")
		m.dead[stream] = true
		return answerTomb, e.position
	}
	if m.last(stream) < 0 && m.last("$$"+stream) < 0 {
		return answerWrong, 0
	}
	e := m.write("$$"+stream, uint64(m.last("$$"+stream)+1), uuid.Nil, "$metadata", fmt.Sprintf(`{"$tb":%d}`, int64(softDeleted)))
	return answerDeletion, e.position
}

func (m *model) young(e *modelEvent) bool {
	age := m.meta(e.stream).maxAge
	return age == 0 || !e.created.Before(m.now.Add(-time.Duration(age)*time.Second))
}

// readable is answerNotFound, answerDeleted or "".
func (m *model) readable(stream string) string {
	switch {
	case m.tombstoned(stream):
		return answerDeleted
	case m.last(stream) < 0 || m.meta(stream).truncateBefore == softDeleted:
		return answerNotFound
	}
	return ""
}

func (m *model) visible(stream string) (events []*modelEvent) {
	for _, e := range m.of(stream) {
		if int64(e.revision) >= m.first(stream) && m.young(e) {
			events = append(events, e)
		}
	}
	return events
}

// say is an event as both sides put it, with the target if links are followed.
func (m *model) say(e *modelEvent, links bool) (text, kind string) {
	text = sayEvent(e.stream, e.revision, e.position, e.typ)
	number, stream, isLink := strings.Cut(e.data, "@")
	if !links || e.typ != "$>" || !isLink {
		return text, ""
	}
	revision, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return text, ""
	}
	if m.readable(stream) == "" {
		if revision == -1 {
			revision = m.last(stream)
		}
		for _, target := range m.visible(stream) {
			if int64(target.revision) == revision {
				return sayEvent(target.stream, target.revision, target.position, target.typ) + " by " + text, answerFollowed
			}
		}
	}
	return "nothing by " + text, answerBroken
}

func sayEvent(stream string, revision, position uint64, typ string) string {
	return fmt.Sprintf("%s/%d@%d:%s", stream, revision, position, typ)
}

// modelRun is both sides, and what has been asked so far.
type modelRun struct {
	t       *testing.T
	rng     *rand.Rand
	model   *model
	clock   *testClock
	dir     string
	node    *esnode.Node
	clients []streams.StreamsClient
	names   []string
	kinds   map[string]int
	history []string
}

func (r *modelRun) start() {
	r.node = esnode.RunT(r.t, func(c *esnode.Config) { c.Dir, c.Clock, c.MemTable = r.dir, r.clock.Now, 64<<10 })
	r.clients = nil
	for range 3 {
		r.clients = append(r.clients, dial(r.t, r.node))
	}
}

func (r *modelRun) client() streams.StreamsClient { return r.clients[r.rng.IntN(len(r.clients))] }

func (r *modelRun) stream() string {
	i := r.rng.IntN(len(r.names))
	if r.model.dead[r.names[i]] && r.rng.IntN(3) == 0 {
		r.names[i] = "s-" + uuid.NewString()[:8]
	}
	return r.names[i]
}

func (r *modelRun) expected(stream string) int64 {
	last := r.model.last(stream)
	switch r.rng.IntN(8) {
	case 0, 1:
		return expectAny
	case 2:
		return expectExists
	case 3:
		return expectNone
	case 4:
		return max(0, last-int64(r.rng.IntN(4)))
	case 5:
		return last + 1 + int64(r.rng.IntN(2))
	}
	return last
}

func (r *modelRun) proposed(stream string) (events []proposedEvent) {
	if had := r.model.of(stream); len(had) > 0 && r.rng.IntN(4) == 0 { // a repeat, or nearly one
		for at := r.rng.IntN(len(had)); at < len(had) && len(events) < 3; at++ {
			if had[at].id != uuid.Nil {
				events = append(events, proposedEvent{had[at].id, had[at].typ, had[at].data})
			}
		}
		if len(events) > 0 {
			return events
		}
	}
	for range r.rng.IntN(4) {
		e := proposedEvent{uuid.New(), []string{"a", "b"}[r.rng.IntN(2)], "{}"}
		switch {
		case strings.HasPrefix(stream, "$$"):
			e.typ = "$metadata"
			e.data = []string{
				`{"$maxCount":2}`, `{"$maxAge":100}`, fmt.Sprintf(`{"$tb":%d,"owner":"us"}`, r.rng.IntN(8)), `{"$maxCount":"2"}`, `{"$maxCount":3,"$maxAge":50}`, `{}`, `no object`,
			}[r.rng.IntN(7)]
		case r.rng.IntN(3) == 0:
			target := r.names[r.rng.IntN(len(r.names))]
			e.typ, e.data = "$>", fmt.Sprintf("%d@%s", int64(r.rng.IntN(6))-1, target)
			if there := r.model.visible(target); len(there) > 0 && r.rng.IntN(3) > 0 {
				e.data = fmt.Sprintf("%d@%s", there[r.rng.IntN(len(there))].revision, target)
			}
		}
		events = append(events, e)
	}
	if len(events) == 0 && r.model.meta(strings.TrimPrefix(stream, "$$")).truncateBefore == softDeleted {
		return r.proposed(stream) // what an append without events does to a deleted stream is nobody's business
	}
	return events
}

func (r *modelRun) step() error {
	switch n := r.rng.IntN(100); {
	case n < 30:
		return r.append(r.stream())
	case n < 40:
		return r.append("$$" + r.stream())
	case n < 45:
		return r.remove(false)
	case n < 49:
		return r.remove(true)
	case n < 80:
		return r.read()
	case n < 90:
		return r.readAll()
	case n < 96:
		return r.subscribe()
	case n < 99:
		d := time.Duration(r.rng.IntN(40_000)) * time.Millisecond
		r.note("the clock moves by %v", d)
		r.clock.Add(d)
		r.model.now = r.clock.Now()
		return nil
	}
	if r.rng.IntN(3) > 0 {
		return nil
	}
	r.note("restart")
	if err := r.node.Stop(deadline(r.t)); err != nil {
		return err
	}
	r.start()
	r.model.next = 1
	if n := len(r.model.all); n > 0 {
		r.model.next = r.model.all[n-1].position + 1
	}
	return nil
}

func (r *modelRun) note(format string, args ...any) {
	r.history = append(r.history, fmt.Sprintf(format, args...))
}

// same compares two answers, which begin with their kind.
func (r *modelRun) same(kind, want, got string) error {
	r.note("  %s: %s", kind, got)
	r.kinds[kind]++
	if want != got {
		return fmt.Errorf("want %s\n got %s", want, got)
	}
	return nil
}

func (r *modelRun) append(stream string) error {
	expected, events := r.expected(stream), r.proposed(stream)
	r.note("append to %s, expecting %d: %v", stream, expected, events)
	call, err := r.client().Append(deadline(r.t))
	if err != nil {
		return err
	}
	o := &streams.AppendReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}}
	switch expected {
	case expectAny:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_Any{Any: &shared.Empty{}}
	case expectExists:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_StreamExists{StreamExists: &shared.Empty{}}
	case expectNone:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
	default:
		o.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(expected)}
	}
	messages := []*streams.AppendReq{{Content: &streams.AppendReq_Options_{Options: o}}}
	for _, e := range events {
		messages = append(messages, &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
			Id: structuredID(e.id), Data: []byte(e.data), Metadata: map[string]string{"type": e.typ, "content-type": "application/json"},
		}}})
	}
	for _, m := range messages {
		if err := call.Send(m); err != nil {
			return err
		}
	}
	resp, err := call.CloseAndRecv()
	kind, revision, position := r.model.append(stream, expected, events)
	want := fmt.Sprint(kind, " ", revision, " ", position)
	if kind == answerRepeat {
		want = fmt.Sprint(answerWritten, " ", revision, " ", position)
	}
	if kind == answerDeleted {
		want = answerDeleted
	}
	var got string
	switch {
	case err != nil:
		got = refusedAs(err)
	case resp.GetWrongExpectedVersion() != nil:
		current := int64(-1)
		if c, ok := resp.GetWrongExpectedVersion().GetCurrentRevisionOption().(*streams.AppendResp_WrongExpectedVersion_CurrentRevision); ok {
			current = int64(c.CurrentRevision)
		}
		got = fmt.Sprint(answerWrong, " ", current, " 0")
	default:
		current := int64(-1)
		if c, ok := resp.GetSuccess().GetCurrentRevisionOption().(*streams.AppendResp_Success_CurrentRevision); ok {
			current = int64(c.CurrentRevision)
		}
		got = fmt.Sprint(answerWritten, " ", current, " ", resp.GetSuccess().GetPosition().GetCommitPosition())
	}
	return r.same(kind, want, got)
}

func refusedAs(err error) string {
	switch {
	case status.Code(err) == codes.FailedPrecondition && strings.Contains(err.Error(), "is deleted"):
		return answerDeleted
	case status.Code(err) == codes.FailedPrecondition && strings.Contains(err.Error(), "WrongExpectedVersion"):
		return answerWrong
	}
	return err.Error()
}

func (r *modelRun) remove(tombstone bool) error {
	stream := r.stream()
	expected := r.expected(stream)
	if tombstone && r.rng.IntN(2) == 0 {
		expected = expectAny
	}
	r.note("remove %s, for ever %v, expecting %d", stream, tombstone, expected)
	kind, position := r.model.remove(stream, expected, tombstone)
	want := fmt.Sprint(kind, " ", position)
	if position == 0 {
		want = kind
	}
	var at uint64
	var err error
	id := &shared.StreamIdentifier{StreamName: []byte(stream)}
	if tombstone {
		o := &streams.TombstoneReq_Options{StreamIdentifier: id}
		switch expected {
		case expectAny:
			o.ExpectedStreamRevision = &streams.TombstoneReq_Options_Any{Any: &shared.Empty{}}
		case expectExists:
			o.ExpectedStreamRevision = &streams.TombstoneReq_Options_StreamExists{StreamExists: &shared.Empty{}}
		case expectNone:
			o.ExpectedStreamRevision = &streams.TombstoneReq_Options_NoStream{NoStream: &shared.Empty{}}
		default:
			o.ExpectedStreamRevision = &streams.TombstoneReq_Options_Revision{Revision: uint64(expected)}
		}
		var resp *streams.TombstoneResp
		resp, err = r.client().Tombstone(deadline(r.t), &streams.TombstoneReq{Options: o})
		at = resp.GetPosition().GetCommitPosition()
	} else {
		o := &streams.DeleteReq_Options{StreamIdentifier: id}
		switch expected {
		case expectAny:
			o.ExpectedStreamRevision = &streams.DeleteReq_Options_Any{Any: &shared.Empty{}}
		case expectExists:
			o.ExpectedStreamRevision = &streams.DeleteReq_Options_StreamExists{StreamExists: &shared.Empty{}}
		case expectNone:
			o.ExpectedStreamRevision = &streams.DeleteReq_Options_NoStream{NoStream: &shared.Empty{}}
		default:
			o.ExpectedStreamRevision = &streams.DeleteReq_Options_Revision{Revision: uint64(expected)}
		}
		var resp *streams.DeleteResp
		resp, err = r.client().Delete(deadline(r.t), &streams.DeleteReq{Options: o})
		at = resp.GetPosition().GetCommitPosition()
	}
	got := fmt.Sprint(map[bool]string{true: answerTomb, false: answerDeletion}[tombstone], " ", at)
	if err != nil {
		got = refusedAs(err)
		kind = answerRefused
	}
	return r.same(kind, want, got)
}

// collect puts what a read sends into words, up to its end or to caught_up.
func collect(read streams.Streams_ReadClient, err error) []string {
	var got []string
	for err == nil {
		var m *streams.ReadResp
		if m, err = read.Recv(); err != nil {
			break
		}
		switch content := m.GetContent().(type) {
		case *streams.ReadResp_Event:
			say := func(e *streams.ReadResp_ReadEvent_RecordedEvent) string {
				return sayEvent(string(e.GetStreamIdentifier().GetStreamName()), e.GetStreamRevision(), e.GetCommitPosition(), e.GetMetadata()["type"])
			}
			e := content.Event
			switch {
			case e.GetLink() == nil:
				got = append(got, say(e.GetEvent()))
			case e.GetEvent() == nil:
				got = append(got, "nothing by "+say(e.GetLink()))
			default:
				got = append(got, say(e.GetEvent())+" by "+say(e.GetLink()))
			}
		case *streams.ReadResp_StreamNotFound_:
			got = append(got, answerNotFound)
		case *streams.ReadResp_FirstStreamPosition:
			got = append(got, fmt.Sprint("first ", content.FirstStreamPosition))
		case *streams.ReadResp_LastStreamPosition:
			got = append(got, fmt.Sprint("last ", content.LastStreamPosition))
		case *streams.ReadResp_CaughtUp_:
			return append(got, "caught up")
		}
	}
	if !errors.Is(err, io.EOF) {
		got = append(got, refusedAs(err))
	}
	return got
}

func (r *modelRun) read() error {
	stream := r.stream()
	if r.rng.IntN(6) == 0 {
		stream = "$$" + stream
	}
	backwards, links, compat := r.rng.IntN(2) == 0, r.rng.IntN(4) > 0, uint32(r.rng.IntN(2))
	count := 1 + r.rng.IntN(6)
	from := int64(r.rng.IntN(int(r.model.last(stream)) + 4))
	r.note("read %s from %d, %d, backwards %v, links %v, compatibility %d", stream, from, count, backwards, links, compat)

	var want []string
	kind := r.model.readable(stream)
	if kind != "" {
		want = []string{kind}
	} else {
		last := r.model.last(stream)
		visible := r.model.visible(stream)
		if backwards {
			slices.Reverse(visible)
		}
		kind = answerNothing
		for _, e := range visible {
			if len(want) == count || backwards != (int64(e.revision) <= from) && int64(e.revision) != from {
				continue
			}
			text, linked := r.model.say(e, links)
			want = append(want, text)
			switch {
			case linked != "":
				kind = linked
			case kind == answerNothing:
				kind = answerEvents
			}
		}
		if compat > 0 {
			if !backwards {
				if hidden := r.model.hiddenBefore(stream, from, count); len(hidden) > 0 {
					want = append(hidden, want...)
					kind = answerHidden
				}
			}
			want = append(want, fmt.Sprint("last ", last))
		}
	}
	o := readOptions(links)
	o.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}, RevisionOption: &streams.ReadReq_Options_StreamOptions_Revision{Revision: uint64(from)},
	}}
	o.CountOption = &streams.ReadReq_Options_Count{Count: uint64(count)}
	o.ControlOption = &streams.ReadReq_Options_ControlOption{Compatibility: compat}
	if backwards {
		o.ReadDirection = streams.ReadReq_Options_Backwards
	}
	got := collect(r.client().Read(deadline(r.t), &streams.ReadReq{Options: o}))
	return r.same(kind, strings.Join(want, ", "), strings.Join(got, ", "))
}

// hiddenBefore is what a forward read says of each page that holds nothing, before the first one that holds something: where it goes on, unless
// that is where it was.
func (m *model) hiddenBefore(stream string, from int64, count int) (said []string) {
	last, first := m.last(stream), m.first(stream)
	for page := min(count, 32); ; page = min(count, 256) {
		to := from + int64(page) - 1
		for _, e := range m.visible(stream) {
			if int64(e.revision) >= from && int64(e.revision) <= to {
				return said
			}
		}
		next, end := min(to, last)+1, to >= last
		switch {
		case from > last:
			next, end = last+1, true
		case to < first:
			next, end = first, false
		}
		if next != from {
			said = append(said, fmt.Sprint("first ", next))
		}
		if end {
			return said
		}
		from = next
	}
}

func readOptions(links bool) *streams.ReadReq_Options {
	return &streams.ReadReq_Options{
		ResolveLinks: links,
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
	}
}

func (r *modelRun) readAll() error {
	backwards, links := r.rng.IntN(2) == 0, r.rng.IntN(2) == 0
	count := 1 + r.rng.IntN(20)
	from := uint64(r.rng.IntN(int(r.model.next) + 2))
	o := readOptions(links)
	match := func(*modelEvent) bool { return true }
	expression := &streams.ReadReq_Options_FilterOptions_Expression{}
	filter := &streams.ReadReq_Options_FilterOptions{Window: &streams.ReadReq_Options_FilterOptions_Max{Max: 5}, CheckpointIntervalMultiplier: 1}
	switch r.rng.IntN(4) {
	case 0:
		prefix := r.stream()[:3]
		expression.Prefix = []string{prefix}
		filter.Filter = &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: expression}
		match = func(e *modelEvent) bool { return strings.HasPrefix(e.stream, prefix) }
		o.FilterOption = &streams.ReadReq_Options_Filter{Filter: filter}
	case 1:
		expression.Regex = `^(?!\$)`
		filter.Filter = &streams.ReadReq_Options_FilterOptions_EventType{EventType: expression}
		match = func(e *modelEvent) bool { return !strings.HasPrefix(e.typ, "$") }
		o.FilterOption = &streams.ReadReq_Options_Filter{Filter: filter}
	}
	r.note("read $all from %d, %d, backwards %v, links %v, filter %v", from, count, backwards, links, filter)
	position := &streams.ReadReq_Options_Position{CommitPosition: from, PreparePosition: from}
	o.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Position{Position: position}}}
	o.CountOption = &streams.ReadReq_Options_Count{Count: uint64(count)}
	all := slices.Clone(r.model.all)
	if backwards {
		o.ReadDirection = streams.ReadReq_Options_Backwards
		slices.Reverse(all)
	}
	var want []string
	for _, e := range all {
		if len(want) < count && match(e) && (backwards && e.position < from || !backwards && e.position >= from) {
			text, _ := r.model.say(e, links)
			want = append(want, text)
		}
	}
	got := collect(r.client().Read(deadline(r.t), &streams.ReadReq{Options: o}))
	return r.same(answerAll, strings.Join(want, ", "), strings.Join(got, ", "))
}

// subscribe follows a stream that can be read from a revision until it has caught up.
func (r *modelRun) subscribe() error {
	stream := r.stream()
	kind := r.model.readable(stream)
	if kind == answerNotFound {
		return nil // it would wait
	}
	from := int64(r.rng.IntN(int(r.model.last(stream))+2)) - 1
	r.note("subscribe to %s after %d", stream, from)
	o := readOptions(true)
	of := &streams.ReadReq_Options_StreamOptions{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
		RevisionOption: &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}}}
	if from >= 0 {
		of.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: uint64(from)}
	}
	o.StreamOption = &streams.ReadReq_Options_Stream{Stream: of}
	o.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	want := []string{kind}
	if kind == "" {
		kind, want = answerLive, nil
		for _, e := range r.model.visible(stream) {
			if int64(e.revision) > from {
				text, _ := r.model.say(e, true)
				want = append(want, text)
			}
		}
		want = append(want, "caught up")
	}
	got := collect(r.client().Read(deadline(r.t), &streams.ReadReq{Options: o}))
	return r.same(kind, strings.Join(want, ", "), strings.Join(got, ", "))
}

// torture multiplies the rounds of tests that draw at random, as `make torture` asks.
func torture() int {
	n, err := strconv.Atoi(os.Getenv("TORTURE"))
	if err != nil {
		return 1
	}
	return max(n, 1)
}

func TestModel(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	kinds, steps := map[string]int{}, 0
	for round := range 4 * torture() {
		clock := &testClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
		r := &modelRun{
			t: t, rng: rand.New(rand.NewPCG(seed, uint64(round))), clock: clock, dir: t.TempDir(), kinds: kinds,
			model: &model{now: clock.Now(), next: 1, dead: map[string]bool{}},
			names: []string{"s-one", "s-two", "t-three", "t-four", "u-five", "v-six"},
		}
		r.start()
		for step := range 1000 {
			if err := r.step(); err != nil {
				name := t.ArtifactDir() + "/history.txt"
				if err := os.WriteFile(name, []byte(strings.Join(r.history, "\n")+"\n"), 0o600); err != nil {
					t.Error(err)
				}
				t.Fatalf("seed %d, round %d, step %d: %v\n%s\nthe whole history is in %s if -artifacts is given", seed, round, step, err, strings.Join(r.history[max(0, len(r.history)-12):], "\n"), name)
			}
			steps++
		}
		if err := r.node.Stop(deadline(t)); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(kinds)
	for _, kind := range []string{answerWritten, answerRepeat, answerWrong, answerDeleted, answerNotFound, answerEvents, answerNothing, answerFollowed, answerBroken,
		answerHidden, answerDeletion, answerTomb, answerRefused, answerLive, answerAll} {
		if kinds[kind]*100 < steps {
			t.Errorf("%q was the answer in only %d of %d steps", kind, kinds[kind], steps)
		}
	}
}
