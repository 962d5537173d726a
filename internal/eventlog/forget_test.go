package eventlog

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Whoever remembers a stream is told when its person is erased, and once more when the keys are gone for sure; nobody is told of other events.
func TestErasedIsForgottenTwice(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	keys := &memoryKeys{}
	stream, key := eventschema.BookingStream(uuid.New()), uuid.New()
	var mu sync.Mutex
	var told []string
	f := startFeed(t, FeedConfig{Log: l, Codec: eventschema.NewCodec(keys), ForgetAgain: 20 * time.Millisecond, Erased: func(s string, _ []uuid.UUID) {
		mu.Lock()
		defer mu.Unlock()
		if s == stream || storeIsOurs() {
			told = append(told, s)
		}
	}})
	meta := eventschema.Meta{CommandID: uuid.New(), Actor: domain.Actor{Role: domain.System}, RecordedAt: time.Now()}
	event, err := f.Codec.(*eventschema.Codec).Encode(t.Context(), stream, booking.PersonErased{Keys: []uuid.UUID{key}, Reason: "request"}, meta, 0)
	if err != nil {
		t.Fatal(err)
	}
	newSeries(t, l).append(3)
	if _, err := l.Append(t.Context(), stream, eventschema.NoStream, []eventschema.Proposed{event}); err != nil {
		t.Fatal(err)
	}
	twice := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(told)
	}
	eventually(t, "the stream is forgotten twice", func() bool { return len(twice()) >= 2 })
	if got := twice(); !slices.Equal(got, []string{stream, stream}) {
		t.Errorf("told of %v", got)
	}
	if got := keys.forgot(); storeIsOurs() && !slices.Equal(got, []uuid.UUID{key, key}) {
		t.Errorf("keys forgotten: %v", got)
	}
}
