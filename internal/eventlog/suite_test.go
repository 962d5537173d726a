package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
)

// suite is what Watermill's universal suite runs against: topics are streams, messages are events, pages hold one.
type suite struct {
	log *Log

	mu          sync.Mutex
	checkpoints map[string]Checkpoint // by group and topic
	revisions   map[string]int64      // by stream
	writing     sync.Mutex
}

func topicStream(topic string) string {
	return eventschema.FormStream(uuid.NewSHA1(uuid.Nil, []byte(topic)).String())
}

// envelope is the metadata of a message as an event keeps it.
type envelope struct {
	UUID     string
	Metadata message.Metadata
}

// publisher appends messages as events.
type publisher struct {
	*suite
	closed bool
}

func (p *publisher) Publish(topic string, messages ...*message.Message) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	if p.closed {
		return errors.New("closed")
	}
	stream := topicStream(topic)
	expected, known := p.revisions[stream]
	if !known {
		expected = eventschema.NoStream
	}
	var events []eventschema.Proposed
	for _, m := range messages {
		metadata, err := json.Marshal(envelope{m.UUID, m.Metadata})
		if err != nil {
			return err
		}
		events = append(events, eventschema.Proposed{ID: uuid.New(), Type: "form.defined.v1", Data: m.Payload, Metadata: metadata})
	}
	a, err := p.log.Append(context.Background(), stream, expected, events)
	if err != nil {
		return err
	}
	p.revisions[stream] = int64(a.Revision)
	return nil
}

func (p *publisher) Close() error {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.closed = true
	return nil
}

// pubSub makes a feed that keeps its checkpoints, as a projector would, under a group's name.
func (s *suite) pubSub(t *testing.T, group string) (message.Publisher, message.Subscriber) {
	f := NewFeed(FeedConfig{
		Log: s.log, Codec: codec, PageSize: 1,
		Resume: func(_ context.Context, topic string) (Checkpoint, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.checkpoints[group+" "+topic], nil
		},
		accept: func(topic string, e eventschema.Recorded) bool { return e.Stream == topicStream(topic) },
		message: func(page eventschema.Page) *message.Message {
			var e envelope
			if err := json.Unmarshal(page[0].Metadata, &e); err != nil {
				t.Error(err)
			}
			m := message.NewMessage(e.UUID, page[0].Data)
			m.Metadata = e.Metadata
			return m
		},
		acked: func(topic string, page eventschema.Page) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.checkpoints[group+" "+topic] = Checkpoint{page.Last().Position, page.Last().ID}
		},
	})
	if err := f.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &publisher{suite: s}, f
}

func TestWatermillsUniversalSuite(t *testing.T) {
	t.Parallel()
	s := &suite{log: openLog(t, storeURL(t), Options{}), checkpoints: map[string]Checkpoint{}, revisions: map[string]int64{}}
	tests.TestPubSub(t,
		tests.Features{
			ConsumerGroups:                   true,
			GuaranteedOrder:                  true,
			Persistent:                       true,
			NewSubscriberReceivesOldMessages: true,
			// The long form is a load test of single topics: 5,000 messages, each read by 50 feeds.
			ForceShort: os.Getenv("DRAGOMAN_LONG_TESTS") == "",
		},
		func(t *testing.T) (message.Publisher, message.Subscriber) { return s.pubSub(t, uuid.NewString()) },
		func(t *testing.T, group string) (message.Publisher, message.Subscriber) { return s.pubSub(t, group) },
	)
}
