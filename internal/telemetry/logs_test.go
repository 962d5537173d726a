package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

// planted is a value that somebody sent, and that must not be read in a log.
const planted = `Xaverius "Xav" Quillfeather`

// refusal is an error of the database as pgx prints it.
type refusal struct{}

func (refusal) Error() string {
	return `ERROR: invalid input syntax for type integer: "` + planted + `" (SQLSTATE 22P02)`
}

// Errors keep what they say of what was attempted, and lose what they quote.
func TestQuiet(t *testing.T) {
	t.Parallel()
	_, number := strconv.Atoi(planted)
	_, moment := time.Parse(time.RFC3339, planted)
	_, address := url.Parse(strings.Join([]string{"http://bell:secret@host:", planted}, ""))
	shape := json.Unmarshal([]byte(`{"a":`+strconv.Quote(planted)+`}`), &struct{ A int }{})
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("store a preference: %w", refusal{}), "store a preference: SQLSTATE 22P02"},
		{errors.Join(errors.New("one"), fmt.Errorf("two: %v", refusal{}), fmt.Errorf("three: %w", refusal{})), "one\ntwo: SQLSTATE 22P02\nthree: SQLSTATE 22P02"},
		{fmt.Errorf("insert: failed to encode args[2]: unable to encode %#v into binary format for int4 (OID 23): no plan", planted),
			"insert: failed to encode args[2]: unable to encode … into binary format for int4 (OID 23): no plan"},
		{fmt.Errorf("read: %w", number), "read: strconv.Atoi: parsing …: invalid syntax"},
		{moment, "parsing time … as …: cannot parse … as …"},
		{fmt.Errorf("open: %w", address), "open: parse …: invalid port … after host"},
		{fmt.Errorf("decode: %w", shape), "decode: json: cannot unmarshal string into Go struct field .A of type int"},
		{errors.New("read stream booking-1: the log is away"), "read stream booking-1: the log is away"},
		{nil, ""},
	} {
		if got := telemetry.Quiet(c.err); got != c.want {
			t.Errorf("%v\n reads %q\n want  %q", c.err, got, c.want)
		}
	}
}

// Whatever is handed to a logger, a line holds no value that was sent: not of an error, a struct, an event, a panic.
func TestLinesHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	type event struct {
		Name   domain.Personal
		Plain  string
		hidden string
	}
	e := event{domain.Personal(planted), planted, planted}
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		log := telemetry.NewLogger(&out, slog.LevelDebug, asJSON)
		log.Debug("all", "error", fmt.Errorf("store: %w", refusal{}), "event", e, "pointer", &e, "list", []event{e}, "texts", []string{planted}, "bytes", []byte(planted),
			"person", domain.Personal(planted), slog.Group("in", slog.Any("event", e)), "count", 3, "took", time.Second, "on", true, "nothing", nil, "id", "job-17")
		log.With("event", e).Info("with")
		if strings.Contains(out.String(), "Quillfeather") || strings.Contains(out.String(), "WGF2ZXJpdXM") {
			t.Errorf("a line holds what was sent: %s", out.String())
		}
		for _, want := range []string{"store: SQLSTATE 22P02", "telemetry_test.event", "job-17", "3", "[personal]"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("a line does not hold %s: %s", want, out.String())
			}
		}
		if lines := strings.Count(out.String(), "\n"); lines != 2 {
			t.Errorf("%d lines, want 2: %s", lines, out.String())
		}
	}
	var out bytes.Buffer
	telemetry.NewLogger(&out, slog.LevelWarn, false).Info("quiet")
	if out.Len() != 0 {
		t.Errorf("a message below the level is written: %s", out.String())
	}
}

func TestPanicked(t *testing.T) {
	t.Parallel()
	said := func(f func()) (what string) {
		defer func() { what = telemetry.Panicked(recover()) }()
		f()
		return ""
	}
	none := []int{}
	for want, f := range map[string]func(){
		"runtime error: index out of range [3] with length 0": func() { _ = none[len("abc")] },
		"(string)":              func() { panic(planted) },
		"(*errors.errorString)": func() { panic(errors.New(planted)) },
	} {
		if got := said(f); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
}
