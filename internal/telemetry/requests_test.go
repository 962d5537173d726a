package telemetry_test

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// A request is one line, one time and one span, under its route's pattern; nothing of its path, query or method's own word is in them.
func TestRequests(t *testing.T) {
	t.Parallel()
	traces, ended := recorded(t)
	metrics := prometheus.NewRegistry()
	var out bytes.Buffer
	requests, err := telemetry.NewRequests(traces, telemetry.NewLogger(&out, slog.LevelInfo, false), metrics)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, route string
		status              int
	}{{"GET", "/jobs/DTP17?q=Quillfeather", "/jobs/{ref}", 0}, {"QUILLFEATHER", "/Quillfeather", "", 404}, {"POST", "/bookings", "/bookings", 503}} {
		r, seen := requests.Begin(httptest.NewRequest(c.method, c.path, nil))
		if r == nil {
			t.Fatal("no request is returned")
		}
		seen.End(c.route, "request-1", c.status)
	}
	families, err := metrics.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d metrics, %v", len(families), err)
	}
	var got []string
	for _, m := range families[0].GetMetric() {
		labels := ""
		for _, l := range m.GetLabel() {
			labels += l.GetValue() + " "
		}
		got = append(got, labels)
	}
	if want := "GET /jobs/{ref} 200 ,POST /bookings 503 ,other unmatched 404 "; strings.Join(got, ",") != want {
		t.Errorf("measured %q, want %q", strings.Join(got, ","), want)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "level=WARN msg=request request=request-1 method=POST route=/bookings status=503") ||
		!strings.Contains(out.String(), "trace="+ended.GetSpans()[2].SpanContext.TraceID().String()) {
		t.Errorf("logged %s", out.String())
	}
	if spans := ended.GetSpans(); len(spans) != 3 || spans[0].Name != "GET /jobs/{ref}" || spans[1].Name != "other unmatched" {
		t.Errorf("traced %v", spans)
	}
	if _, err := telemetry.NewRequests(nil, slog.Default(), metrics); err == nil {
		t.Error("requests are measured twice under one name")
	}
	var none *telemetry.Requests
	r, seen := none.Begin(httptest.NewRequest("GET", "/", nil))
	seen.End("/", "request-1", 200)
	if r == nil {
		t.Error("without observation there is no request")
	}
}
