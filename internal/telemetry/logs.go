package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"runtime"
)

// NewLogger writes a process's log: a line of text, or of JSON, for every message of a level and above. What is not a text, a number, a time or an
// error is named by its type only, and errors lose what they quote, so that no line holds a value that somebody sent.
func NewLogger(w io.Writer, level slog.Level, asJSON bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() != slog.KindAny {
			return a
		}
		switch v := a.Value.Any().(type) {
		case nil, slog.Level, *slog.Source:
			return a
		case error:
			return slog.String(a.Key, Quiet(v))
		default:
			return slog.String(a.Key, fmt.Sprintf("(%T)", v))
		}
	}}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

var (
	// fromDatabase is an error as the database tells it: its severity in capitals, or in a script without them, its words, which may quote the
	// row that it refuses, and its SQLSTATE, which says what kind it is.
	fromDatabase = regexp.MustCompile(`(?s)[\p{Lu}\p{Lo}]{2,}: .*?\(SQLSTATE ([0-9A-Z]{5})\)`)
	// notEncoded is what pgx says of an argument that does not fit its column.
	notEncoded = regexp.MustCompile(`(?s)unable to encode .* into `)
	// quoted is anything that an error quotes: strconv, time, json and net/url all quote what they could not read.
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// Quiet is an error's text without the values that it quotes.
func Quiet(err error) string {
	if err == nil {
		return ""
	}
	text := fromDatabase.ReplaceAllString(err.Error(), "SQLSTATE $1")
	text = notEncoded.ReplaceAllString(text, "unable to encode … into ")
	return quoted.ReplaceAllString(text, "…")
}

// Panicked says what a recovered panic was about: the text of a fault that the language found, else only the type of its value, which may be
// anything. The stack says where.
func Panicked(cause any) string {
	if fault, ok := cause.(runtime.Error); ok {
		return fault.Error()
	}
	return fmt.Sprintf("(%T)", cause)
}
