package wire

import (
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// sendAll sends events, with their targets where they are links and links are to be followed.
func (r *reader) sendAll(events []log.Event) error {
	for i := range events {
		if err := r.send(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) send(e *log.Event) error {
	m := &streams.ReadResp_ReadEvent{Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: e.Position}}
	m.Event = r.recorded(e)
	if r.links {
		target, isLink, err := r.server.log.Resolve(e)
		if err != nil {
			return err
		}
		if isLink {
			m.Event, m.Link = nil, m.Event
			if target != nil {
				m.Event = r.recorded(target)
			}
		}
	}
	return r.stream.Send(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: m}})
}

func (r *reader) recorded(e *log.Event) *streams.ReadResp_ReadEvent_RecordedEvent {
	content := contentBinary
	if e.JSON {
		content = contentJSON
	}
	id := structuredUUID
	if r.strings {
		id = stringUUID
	}
	return &streams.ReadResp_ReadEvent_RecordedEvent{
		Id:               id(e.ID),
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(e.Stream)},
		StreamRevision:   e.Revision,
		PreparePosition:  e.Position,
		CommitPosition:   e.Position,
		Metadata: map[string]string{
			keyType:        e.Type,
			keyContentType: content,
			keyCreated:     strconv.FormatInt(e.Created, 10),
		},
		CustomMetadata: e.Custom,
		Data:           e.Data,
	}
}
