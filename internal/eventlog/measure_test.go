package eventlog

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// Every append is measured under its result; a second log on the same registry is an error, not a panic.
func TestAppendsAreMeasured(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	url := storeURL(t)
	l := openLog(t, url, Options{Metrics: metrics})
	s := newSeries(t, l)
	s.append(2)
	s.append(1)
	if _, err := l.Append(t.Context(), s.stream, eventschema.NoStream, s.proposed(1)); err == nil {
		t.Fatal("an append at a revision that is long past is taken")
	}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, m := range families[0].GetMetric() {
		for _, label := range m.GetLabel() {
			if label.GetName() == "result" {
				got[label.GetValue()] += m.GetHistogram().GetSampleCount()
			}
		}
	}
	if families[0].GetName() != "dragoman_append_seconds" || len(got) != 2 || got["written"] != 2 || got["conflict"] != 1 {
		t.Errorf("%s counts %v", families[0].GetName(), got)
	}
	if _, err := Open(t.Context(), url, Options{Metrics: metrics}); err == nil {
		t.Error("the same metrics are registered twice")
	}
}

// A feed that cannot hand an event on says how old that event is; one that has seen everything says zero.
func TestBehind(t *testing.T) {
	t.Parallel()
	l := openLog(t, storeURL(t), Options{})
	keys := &memoryKeys{}
	sealing := eventschema.NewCodec(keys)
	f := startFeed(t, FeedConfig{Log: l, Codec: sealing})
	if age, err := f.Behind(t.Context()); err != nil || storeIsOurs() && age != 0 {
		t.Errorf("a feed at the log's end is %v behind, %v", age, err)
	}
	keys.setAway(true)
	stream := eventschema.BookingStream(uuid.New())
	meta := eventschema.Meta{CommandID: uuid.New(), Actor: domain.Actor{Role: domain.System}, RecordedAt: time.Now().Add(-time.Hour)}
	event, err := sealing.Encode(t.Context(), stream, booking.MessagePosted{Key: uuid.New(), Job: uuid.New(), ID: uuid.New(), Text: "hello"}, meta, 0)
	if err != nil {
		t.Fatal(err)
	}
	appended, err := l.Append(t.Context(), stream, eventschema.NoStream, []eventschema.Proposed{event})
	if err != nil {
		t.Fatal(err)
	}
	if age, err := f.Behind(t.Context()); err != nil || storeIsOurs() && (age < time.Hour || age > 2*time.Hour) {
		t.Errorf("a feed that is stuck at an event of an hour ago is %v behind, %v", age, err)
	}
	keys.setAway(false)
	if err := f.WaitHead(t.Context(), appended.Position); err != nil {
		t.Fatal(err)
	}
	if age, err := f.Behind(t.Context()); err != nil || storeIsOurs() && age != 0 {
		t.Errorf("a feed that goes on is %v behind, %v", age, err)
	}
}
