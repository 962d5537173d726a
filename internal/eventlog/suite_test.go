package eventlog

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// TestWatermillsUniversalSuite runs ThreeDotsLabs' suite on the subscriber that the projectors and reactions are run by, with pages of one event:
// a topic is what the names of its streams begin with. The position is the caller's, so there are no consumer groups, and whoever subscribes
// anew gets all again; applying an event once is the work of the fence beside the rows. The event store is a process of its own, which
// TestReconnect has killed twice.
func TestWatermillsUniversalSuite(t *testing.T) {
	t.Parallel()
	url, restart := os.Getenv("EVENTSTORE_URL"), []string(nil)
	if url == "" { // else it is not ours to kill
		store := startStore(t)
		url = store.url()
		if !raceDetector {
			restart = store.restartCommand()
		}
	}
	s := &suite{log: openLog(t, url, Options{}), begins: map[string]eventschema.Position{}}
	tests.TestPubSub(t,
		tests.Features{
			GuaranteedOrder:                  true,
			Persistent:                       true,
			NewSubscriberReceivesOldMessages: true,
			ConsumerGroups:                   false,
			ExactlyOnceDelivery:              false,
			RequireSingleInstance:            false,
			RestartServiceCommand:            restart,
			GenerateTopicFunc: func(c tests.TestContext) string {
				return eventschema.FormStream("suite-" + c.TestID.String())
			},
			// The long form is a load test of single topics: 5,000 messages, each read by 50 feeds.
			ForceShort: os.Getenv("DRAGOMAN_LONG_TESTS") == "",
		},
		s.pubSub, nil)
}

// suite is what Watermill's suite runs against.
type suite struct {
	log       *Log
	published sync.Map // message id → *publication

	mu     sync.Mutex
	begins map[string]eventschema.Position // by test: the log's end when it made its first subscriber, which all of its topics come after
}

func (s *suite) pubSub(t *testing.T) (message.Publisher, message.Subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	begin, known := s.begins[t.Name()]
	if !known {
		var err error
		if begin, err = s.log.Newest(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.begins[t.Name()] = begin
	}
	return &publisher{suite: s}, &prefixed{suite: s, feed: startFeed(t, FeedConfig{Log: s.log, PageSize: 1}), from: begin}
}

// publication tells when a message's publishing was over.
type publication struct {
	done chan struct{}
	once sync.Once
	at   time.Time
}

func (s *suite) publication(id string) *publication {
	p, _ := s.published.LoadOrStore(id, &publication{done: make(chan struct{})})
	return p.(*publication)
}

// envelope is the metadata of a message as an event keeps it.
type envelope struct {
	UUID     string
	Metadata message.Metadata
}

// publisher appends the messages of each call to a new stream below the topic.
type publisher struct {
	*suite
	closed atomic.Bool
}

func (p *publisher) Publish(topic string, messages ...*message.Message) error {
	if p.closed.Load() {
		return errors.New("closed")
	}
	var events []eventschema.Proposed
	for _, m := range messages {
		metadata, err := json.Marshal(envelope{m.UUID, m.Metadata})
		if err != nil {
			return err
		}
		events = append(events, eventschema.Proposed{ID: uuid.New(), Type: "form.defined.v1", Data: m.Payload, Metadata: metadata})
	}
	if _, err := p.log.Append(context.Background(), topic+"-"+uuid.NewString(), eventschema.NoStream, events); err != nil {
		return err
	}
	for _, m := range messages {
		over := p.publication(m.UUID)
		over.once.Do(func() {
			over.at = time.Now()
			close(over.done)
		})
	}
	return nil
}

func (p *publisher) Close() error {
	p.closed.Store(true)
	return nil
}

// prefixed shows the events of the feed that lie below a topic as the messages that they were.
type prefixed struct {
	*suite
	feed *Feed
	from eventschema.Position
	work sync.WaitGroup
}

func (p *prefixed) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	pages, err := p.feed.After(p.from).Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	p.work.Go(func() {
		defer close(out)
		for page := range pages {
			p.hand(page, topic, out)
		}
	})
	return out, nil
}

// bookkeeping is how long after Publish the suite may need to note what was published; TestReconnect compares what it got with these notes as soon
// as the last message is there.
const bookkeeping = time.Second

// hand passes one event on, and what becomes of it back.
func (p *prefixed) hand(page *message.Message, topic string, out chan<- *message.Message) {
	e := PageOf(page)[0]
	if !strings.HasPrefix(e.Stream, topic+"-") {
		page.Ack()
		return
	}
	var original envelope
	if err := json.Unmarshal(e.Metadata, &original); err != nil {
		panic(err) // nobody else writes such streams
	}
	m := message.NewMessage(original.UUID, e.Data)
	m.Metadata = original.Metadata
	m.SetContext(page.Context())
	over := p.publication(original.UUID)
	select {
	case <-over.done:
	case <-page.Context().Done():
		return
	}
	select {
	case <-time.After(time.Until(over.at.Add(bookkeeping))):
	case <-page.Context().Done():
		return
	}
	select {
	case out <- m:
	case <-page.Context().Done():
		return
	}
	select {
	case <-m.Acked():
		page.Ack()
	case <-m.Nacked():
		page.Nack()
	case <-page.Context().Done():
	}
}

func (p *prefixed) Close() error {
	err := p.feed.Close()
	p.work.Wait()
	return err
}

// store is `dragoman eventstore` as an operator runs it, which can be killed and started again.
type store struct {
	t       *testing.T
	binary  string
	data    string
	address string

	mu      sync.Mutex
	process *exec.Cmd
}

func startStore(t *testing.T) *store {
	t.Helper()
	s := &store{t: t, binary: filepath.Join(t.TempDir(), "dragoman"), data: t.TempDir(), address: esnode.FixedAddress(t)}
	if out, err := exec.Command("go", "build", "-o", s.binary, "../../cmd/dragoman").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.kill()
	})
	return s
}

func (s *store) url() string { return "esdb://" + s.address + "?tls=false" }

// start returns once the process listens.
func (s *store) start() error {
	s.process = exec.Command(s.binary, "eventstore", "--data", s.data, "--listen", s.address, "--log-level", "error")
	s.process.Stderr = os.Stderr
	out, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	said, err := bufio.NewReader(out).ReadString('\n') // it says nothing else
	if err != nil || !strings.HasPrefix(said, "listening on ") {
		s.kill()
		return fmt.Errorf("the event store did not listen: %w: %q", err, said)
	}
	return nil
}

func (s *store) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait() // was killed
}

// restartCommand kills the process by SIGKILL and returns once another one listens.
func (s *store) restartCommand() []string {
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.kill()
		if err := s.start(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	s.t.Cleanup(door.Close)
	return []string{"curl", "-fsS", "-X", "POST", door.URL}
}
