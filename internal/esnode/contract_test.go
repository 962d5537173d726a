package esnode_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// What a program sees that talks to the node through the official Go client.

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func code(err error) esdb.ErrorCode {
	var e *esdb.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return -1
}

func appendTo(t testing.TB, c *esdb.Client, stream string, expected esdb.ExpectedRevision, events ...esdb.EventData) *esdb.WriteResult {
	t.Helper()
	r, err := c.AppendToStream(context.Background(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, events...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readStream returns the events' types, and the error that ended the read if it was not the end.
func readStream(t testing.TB, c *esdb.Client, stream string, o esdb.ReadStreamOptions, count uint64) (types []string, err error) {
	t.Helper()
	read, err := c.ReadStream(deadline(t), stream, o, count)
	if err != nil {
		return nil, err
	}
	defer read.Close()
	for {
		e, err := read.Recv()
		if errors.Is(err, io.EOF) {
			return types, nil
		}
		if err != nil {
			return types, err
		}
		types = append(types, e.OriginalEvent().EventType)
	}
}

func wantTypes(t testing.TB, got []string, err error, want string) {
	t.Helper()
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("read %q (%v), want %q", got, err, want)
	}
}

func TestServerVersion(t *testing.T) {
	t.Parallel()
	v, err := connect(t, esnode.RunT(t)).GetServerVersion()
	if err != nil || v.Major != 23 || v.Minor != 10 || v.Patch != 6 {
		t.Errorf("version %+v, %v", v, err)
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	n := esnode.RunT(t)
	for _, url := range []string{"esdb+discover://%s?tls=false", "esdb://%[1]s,%[1]s?tls=false"} {
		c, err := esdb.ParseConnectionString(fmt.Sprintf(url, n.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		c.Logger = esdb.NoopLogging()
		client, err := esdb.NewClient(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.AppendToStream(deadline(t), "s", esdb.AppendToStreamOptions{}, event("a", "{}")); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		_ = client.Close()
	}
}

func TestReadDirections(t *testing.T) {
	t.Parallel()
	c := connect(t, esnode.RunT(t))
	appendTo(t, c, "s", esdb.NoStream{}, event("a", "{}"), event("b", "{}"), event("c", "{}"))
	for _, read := range []struct {
		from  esdb.StreamPosition
		back  bool
		count uint64
		want  string
	}{
		{esdb.Start{}, false, 10, "a b c"},
		{esdb.Start{}, false, 2, "a b"},
		{esdb.Revision(1), false, 10, "b c"},
		{esdb.Revision(3), false, 10, ""},
		{esdb.End{}, true, 10, "c b a"},
		{esdb.Revision(1), true, 10, "b a"},
		{esdb.Revision(9), true, 1, "c"},
		{esdb.Start{}, true, 10, "a"},
	} {
		o := esdb.ReadStreamOptions{From: read.from}
		if read.back {
			o.Direction = esdb.Backwards
		}
		got, err := readStream(t, c, "s", o, read.count)
		wantTypes(t, got, err, read.want)
	}
}

func TestReadAllBothWays(t *testing.T) {
	t.Parallel()
	c := connect(t, esnode.RunT(t))
	const n = 700 // several pages
	for i := range n {
		appendTo(t, c, fmt.Sprint("s", i%5), esdb.Any{}, event(fmt.Sprint(i), "{}"))
	}
	all := func(o esdb.ReadAllOptions, count uint64) (types []int, positions []uint64) {
		read, err := c.ReadAll(deadline(t), o, count)
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		for {
			e, err := read.Recv()
			if errors.Is(err, io.EOF) {
				return types, positions
			}
			if err != nil {
				t.Fatal(err)
			}
			var i int
			fmt.Sscan(e.Event.EventType, &i)
			types, positions = append(types, i), append(positions, e.Event.Position.Commit)
			if e.Event.Position.Commit != e.Event.Position.Prepare || *e.Commit != e.Event.Position.Commit {
				t.Fatalf("position %+v, commit %d", e.Event.Position, *e.Commit)
			}
		}
	}
	forwards, positions := all(esdb.ReadAllOptions{From: esdb.Start{}}, 10*n)
	if len(forwards) != n || positions[0] == 0 {
		t.Fatalf("read %d events from position %d", len(forwards), positions[0])
	}
	for i := range forwards {
		if forwards[i] != i || i > 0 && positions[i] <= positions[i-1] {
			t.Fatalf("event %d is %d, at %d", i, forwards[i], positions[i])
		}
	}
	backwards, _ := all(esdb.ReadAllOptions{From: esdb.End{}, Direction: esdb.Backwards}, 10*n)
	for i := range n {
		if backwards[i] != n-1-i {
			t.Fatalf("backwards event %d is %d", i, backwards[i])
		}
	}
	at := esdb.Position{Commit: positions[300], Prepare: positions[300]}
	if got, _ := all(esdb.ReadAllOptions{From: at}, 1); got[0] != 300 {
		t.Errorf("forwards from a position gives event %d, want that one", got[0])
	}
	if got, _ := all(esdb.ReadAllOptions{From: at, Direction: esdb.Backwards}, 1); got[0] != 299 {
		t.Errorf("backwards from a position gives event %d, want the one before", got[0])
	}
}

func TestErrorsAsTheClientSeesThem(t *testing.T) {
	t.Parallel()
	c := connect(t, esnode.RunT(t))
	ctx := deadline(t)

	_, err := readStream(t, c, "absent", esdb.ReadStreamOptions{From: esdb.Start{}}, 1)
	if code(err) != esdb.ErrorCodeResourceNotFound {
		t.Errorf("a stream that is not there: %v", err)
	}

	appendTo(t, c, "s", esdb.NoStream{}, event("a", "{}"))
	_, err = c.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Revision(5)}, event("b", "{}"))
	if code(err) != esdb.ErrorCodeWrongExpectedVersion || !strings.Contains(err.Error(), "expecting '5' but got '0'") {
		t.Errorf("a wrong revision: %v", err)
	}
	_, err = c.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, event("b", "{}"))
	if code(err) != esdb.ErrorCodeWrongExpectedVersion || !strings.Contains(err.Error(), "expecting 'no_stream' but got '0'") {
		t.Errorf("no stream expected: %v", err)
	}

	_, err = c.DeleteStream(ctx, "s", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(5)})
	if err == nil || !strings.Contains(err.Error(), "FailedPrecondition") {
		t.Errorf("delete at a wrong revision: %v", err)
	}

	big := esdb.EventData{EventID: uuid.New(), EventType: "big", Data: make([]byte, 1<<20+1)}
	_, err = c.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{}, big)
	if err == nil || !strings.Contains(err.Error(), "Maximum Append Size of 1048576 Exceeded") {
		t.Errorf("an append too big: %v", err)
	}
	_, err = c.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{}, big, event("b", "{}"), event("c", "{}"), big)
	if err == nil || !strings.Contains(err.Error(), "Maximum Append Size of 1048576 Exceeded") {
		t.Errorf("an append too big, with more behind it: %v", err)
	}

	if _, err := c.TombstoneStream(ctx, "s", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	if _, err = readStream(t, c, "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 1); code(err) != esdb.ErrorCodeStreamDeleted {
		t.Errorf("read of a tombstoned stream: %v", err)
	}
	_, err = c.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{}, event("b", "{}"))
	if code(err) != esdb.ErrorCodeStreamDeleted {
		t.Errorf("append to a tombstoned stream: %v", err)
	}
	if _, err = c.SubscribeToStream(ctx, "s", esdb.SubscribeToStreamOptions{From: esdb.Start{}}); code(err) != esdb.ErrorCodeStreamDeleted {
		t.Errorf("subscription to a tombstoned stream: %v", err)
	}

	err = c.CreatePersistentSubscription(ctx, "s", "g", esdb.PersistentStreamSubscriptionOptions{})
	if code(err) != esdb.ErrorCodeUnsupportedFeature {
		t.Errorf("persistent subscription: %v", err)
	}
	if _, err := c.SubscribeToPersistentSubscription(ctx, "s", "g", esdb.SubscribeToPersistentSubscriptionOptions{}); code(err) != esdb.ErrorCodeUnsupportedFeature {
		t.Errorf("reading a persistent subscription: %v", err)
	}
}

// TestOddStreamNames: a stream may be called anything.
func TestOddStreamNames(t *testing.T) {
	t.Parallel()
	c := connect(t, esnode.RunT(t))
	for _, stream := range []string{"a b", "zwölf", "日本", "line\nbreak", "nul\x00", "@", "$>", "a@b", strings.Repeat("x", 10_000)} {
		appendTo(t, c, stream, esdb.NoStream{}, event("a", "{}"))
		got, err := readStream(t, c, stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
		wantTypes(t, got, err, "a")
		if _, err := c.TombstoneStream(deadline(t), stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Revision(0)}); err != nil {
			t.Fatal(err)
		}
		if _, err = readStream(t, c, stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 1); code(err) != esdb.ErrorCodeStreamDeleted {
			t.Errorf("%.20q: %v", stream, err)
		}
	}
}

// TestRetry: an append sent again with the same ids and the same expectation is answered as the first one and written once.
func TestRetry(t *testing.T) {
	t.Parallel()
	c := connect(t, esnode.RunT(t))
	events := []esdb.EventData{event("a", "{}"), event("b", "{}")}
	first := appendTo(t, c, "s", esdb.NoStream{}, events...)
	appendTo(t, c, "s", esdb.Revision(1), event("c", "{}"))
	for _, expected := range []esdb.ExpectedRevision{esdb.NoStream{}, esdb.Any{}, esdb.StreamExists{}} {
		if again := appendTo(t, c, "s", expected, events...); *again != *first {
			t.Errorf("again with %v: %+v, first %+v", expected, again, first)
		}
	}
	got, err := readStream(t, c, "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
	wantTypes(t, got, err, "a b c")
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	c := connect(t, esnode.RunT(t))
	ctx := deadline(t)
	appendTo(t, c, "s", esdb.NoStream{}, event("a", "{}"), event("b", "{}"), event("c", "{}"))
	if _, err := c.GetStreamMetadata(ctx, "s", esdb.ReadStreamOptions{}); code(err) != esdb.ErrorCodeResourceNotFound {
		t.Errorf("metadata that was never set: %v", err)
	}
	meta := esdb.StreamMetadata{}
	meta.SetMaxCount(2)
	meta.AddCustomProperty("owner", "us")
	if _, err := c.SetStreamMetadata(ctx, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, meta); err != nil {
		t.Fatal(err)
	}
	read, err := c.GetStreamMetadata(ctx, "s", esdb.ReadStreamOptions{})
	if err != nil || read.MaxCount() == nil || *read.MaxCount() != 2 {
		t.Errorf("metadata %+v, %v", read, err)
	}
	got, err := readStream(t, c, "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
	wantTypes(t, got, err, "b c")
}

// TestDeletedStreamComesBack: the write that brings a stream back also hides what was before, in the same commit.
func TestDeletedStreamComesBack(t *testing.T) {
	t.Parallel()
	c := connect(t, esnode.RunT(t))
	for i := range 20 {
		stream := fmt.Sprint("s", i)
		appendTo(t, c, stream, esdb.NoStream{}, event("old", "{}"))
		if _, err := c.DeleteStream(deadline(t), stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(0)}); err != nil {
			t.Fatal(err)
		}
		if r := appendTo(t, c, stream, esdb.NoStream{}, event("new", "{}")); r.NextExpectedVersion != 1 {
			t.Fatalf("written again at %d, want 1", r.NextExpectedVersion)
		}
		got, err := readStream(t, c, stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
		wantTypes(t, got, err, "new")
	}
}

// TestMaxAge moves the node's clock.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	clock := &testClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c := connect(t, esnode.RunT(t, func(c *esnode.Config) { c.Clock = clock.Now }))
	meta := esdb.StreamMetadata{}
	meta.SetMaxAge(10 * time.Second)
	appendTo(t, c, "s", esdb.NoStream{}, event("a", "{}"))
	if _, err := c.SetStreamMetadata(deadline(t), "s", esdb.AppendToStreamOptions{}, meta); err != nil {
		t.Fatal(err)
	}
	clock.Add(6 * time.Second)
	appendTo(t, c, "s", esdb.Any{}, event("b", "{}"))
	got, err := readStream(t, c, "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
	wantTypes(t, got, err, "a b")
	clock.Add(6 * time.Second)
	got, err = readStream(t, c, "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
	wantTypes(t, got, err, "b")
	read, err := c.ReadStream(deadline(t), "s", esdb.ReadStreamOptions{From: esdb.Start{}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	e, err := read.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 1, 1, 0, 0, 6, 0, time.UTC); !e.Event.CreatedDate.Equal(want) {
		t.Errorf("created %v, want %v", e.Event.CreatedDate, want)
	}
}
