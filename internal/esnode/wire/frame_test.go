package wire

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// TestFrame: an event written by hand reads as the generated message does.
func TestFrame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, link := drawEvent(t, "event"), drawEvent(t, "link")
		stringIDs := rapid.Bool().Draw(t, "ids as text")
		for _, c := range []struct{ e, link *log.Event }{{e, nil}, {e, link}, {nil, link}} {
			encoded := appendFrame(nil, c.e, c.link, stringIDs)
			if size := frameSize(c.e, c.link, stringIDs); size != len(encoded) {
				t.Fatalf("%d bytes, said to be %d", len(encoded), size)
			}
			var got streams.ReadResp
			if err := proto.Unmarshal(encoded, &got); err != nil {
				t.Fatal(err)
			}
			if want := generated(c.e, c.link, stringIDs); !proto.Equal(&got, want) {
				t.Fatalf("got %v, want %v", &got, want)
			}
		}
	})
}

func drawEvent(t *rapid.T, label string) *log.Event {
	size := rapid.SampledFrom([]int{0, 1, 127, 128, 16383, 16384, 100_000})
	number := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 127, 128, math.MaxInt64}))
	return &log.Event{
		Stream:   strings.Repeat("s", rapid.SampledFrom([]int{1, 127, 128, 1000}).Draw(t, label+" stream")),
		Revision: number.Draw(t, label+" revision"),
		Position: number.Draw(t, label+" position"),
		ID:       uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label+" id")),
		Type:     rapid.StringN(1, 300, 600).Draw(t, label+" type"),
		JSON:     rapid.Bool().Draw(t, label+" json"),
		Created:  rapid.Int64().Draw(t, label+" created"),
		Custom:   bytes.Repeat([]byte("c"), size.Draw(t, label+" custom")),
		Data:     bytes.Repeat([]byte("d"), size.Draw(t, label+" data")),
	}
}

func generated(e, link *log.Event, stringIDs bool) *streams.ReadResp {
	recorded := func(e *log.Event) *streams.ReadResp_ReadEvent_RecordedEvent {
		if e == nil {
			return nil
		}
		id := structuredUUID(e.ID)
		if stringIDs {
			id = &shared.UUID{Value: &shared.UUID_String_{String_: e.ID.String()}}
		}
		content := "application/octet-stream"
		if e.JSON {
			content = "application/json"
		}
		return &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               id,
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(e.Stream)},
			StreamRevision:   e.Revision,
			PreparePosition:  e.Position,
			CommitPosition:   e.Position,
			Metadata:         map[string]string{"type": e.Type, "content-type": content, "created": strconv.FormatInt(e.Created, 10)},
			CustomMetadata:   e.Custom,
			Data:             e.Data,
		}
	}
	m := &streams.ReadResp_ReadEvent{Event: recorded(e), Link: recorded(link)}
	original := e
	if link != nil {
		original = link
	}
	m.Position = &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: original.Position}
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: m}}
}
