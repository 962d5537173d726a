package telemetry_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// What was traced reaches the collector when the process stops, at the latest.
func TestExport(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/v1/traces" {
			got <- body
		}
	}))
	t.Cleanup(collector.Close)
	traces, stop, err := telemetry.Export(t.Context(), collector.URL+"/", "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	_, span := traces.Command(t.Context(), "create-booking", uuid.New())
	span.End()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case body := <-got:
		for _, word := range []string{"command create-booking", "dragoman", "1.2.3"} {
			if !bytes.Contains(body, []byte(word)) {
				t.Errorf("the collector got no %q", word)
			}
		}
	default:
		t.Error("the collector got nothing")
	}

	off, stop, err := telemetry.Export(t.Context(), "", "1.2.3")
	if err != nil || off != nil || stop(t.Context()) != nil {
		t.Errorf("without an endpoint: %v, %v", off, err)
	}
}
