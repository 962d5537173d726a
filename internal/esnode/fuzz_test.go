package esnode_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-booking/dragoman/internal/esnode"
)

// Whatever a client sends, it gets an answer that says what was wrong with it, or what it asked for; the node lives on and its log is whole.

func fuzzNode(f *testing.F) streams.StreamsClient {
	n := esnode.RunT(f, func(c *esnode.Config) { c.FS, c.Dir = vfs.NewMem(), "data" })
	client := dial(f, n)
	for _, stream := range []string{"s", "$$s"} {
		for range 3 {
			if _, err := appendOne(context.Background(), client, stream); err != nil {
				f.Fatal(err)
			}
		}
	}
	return client
}

// clear tells whether an error says what was wrong.
func clear(err error) bool {
	if err == nil || errors.Is(err, io.EOF) {
		return true
	}
	switch status.Code(err) {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.ResourceExhausted, codes.DeadlineExceeded, codes.Canceled, codes.Unimplemented:
		return status.Convert(err).Message() != ""
	}
	return false
}

func marshal(f *testing.F, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzAppend takes the bytes of up to three messages of one append.
func FuzzAppend(f *testing.F) {
	client := fuzzNode(f)
	options := marshal(f, &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}, ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
	}}})
	event := marshal(f, &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id:       &shared.UUID{Value: &shared.UUID_String_{String_: "6f2c1d5e-2a74-4b1e-9d2f-0a8f4a6f7c11"}},
		Metadata: map[string]string{"type": "T", "content-type": "application/json"}, Data: []byte(`{"$tb":2}`), CustomMetadata: []byte("{}"),
	}}})
	f.Add(options, event, event)
	f.Add(event, options, []byte{})
	f.Add(options, options, event)
	f.Fuzz(func(t *testing.T, first, second, third []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		call, err := client.Append(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range [][]byte{first, second, third} {
			var m streams.AppendReq
			if proto.Unmarshal(raw, &m) != nil {
				continue
			}
			if err := call.Send(&m); err != nil {
				break
			}
		}
		resp, err := call.CloseAndRecv()
		if !clear(err) || err == nil && resp.GetSuccess() == nil && resp.GetWrongExpectedVersion() == nil {
			t.Fatalf("answered with %v, %v", resp, err)
		}
		whole(t, client)
	})
}

// whole sees that the newest events can be read.
func whole(t *testing.T, client streams.StreamsClient) {
	o := readOptions(true)
	o.ReadDirection = streams.ReadReq_Options_Backwards
	o.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}}}}
	o.CountOption = &streams.ReadReq_Options_Count{Count: 5}
	read, err := client.Read(context.Background(), &streams.ReadReq{Options: o})
	for err == nil {
		_, err = read.Recv()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatalf("the log cannot be read any more: %v", err)
	}
}

// FuzzRead takes the bytes of a read or subscription.
func FuzzRead(f *testing.F) {
	client := fuzzNode(f)
	subscription := allFromStart(&streams.ReadReq_Options_FilterOptions{
		Filter: &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{Regex: `^(?!\$)`}},
		Window: &streams.ReadReq_Options_FilterOptions_Max{Max: 3}, CheckpointIntervalMultiplier: 1,
	})
	f.Add(marshal(f, subscription))
	f.Add(marshal(f, allFromStart(nil)))
	for _, stream := range []string{"s", "$$s", "absent", ""} {
		o := readOptions(true)
		o.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}, RevisionOption: &streams.ReadReq_Options_StreamOptions_Revision{Revision: 1},
		}}
		o.CountOption = &streams.ReadReq_Options_Count{Count: 4}
		f.Add(marshal(f, &streams.ReadReq{Options: o}))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var req streams.ReadReq
		if proto.Unmarshal(raw, &req) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		read, err := client.Read(ctx, &req)
		for got := 0; err == nil && got < 20; got++ {
			var m *streams.ReadResp
			if m, err = read.Recv(); m.GetCaughtUp() != nil || req.GetOptions().GetSubscription() != nil && m.GetConfirmation() != nil {
				cancel() // what comes then may take for ever
			}
		}
		if !clear(err) {
			t.Fatalf("%v was answered with %v", &req, err)
		}
	})
}

// FuzzRemove takes the bytes of a delete and of a tombstone. Streams of the other targets are left alone.
func FuzzRemove(f *testing.F) {
	client := fuzzNode(f)
	id := &shared.StreamIdentifier{StreamName: []byte("s")}
	f.Add(marshal(f, &streams.DeleteReq{Options: &streams.DeleteReq_Options{StreamIdentifier: id, ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}}}}), []byte{})
	f.Add([]byte{}, marshal(f, &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{StreamIdentifier: id, ExpectedStreamRevision: &streams.TombstoneReq_Options_Revision{Revision: 2}}}))
	f.Fuzz(func(t *testing.T, deletion, tombstone []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		var d streams.DeleteReq
		if proto.Unmarshal(deletion, &d) == nil {
			if _, err := client.Delete(ctx, &d); !clear(err) {
				t.Fatalf("%v was answered with %v", &d, err)
			}
		}
		var s streams.TombstoneReq
		if proto.Unmarshal(tombstone, &s) == nil {
			if _, err := client.Tombstone(ctx, &s); !clear(err) {
				t.Fatalf("%v was answered with %v", &s, err)
			}
		}
		whole(t, client)
	})
}
