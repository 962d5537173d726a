package log

import (
	"errors"
	"fmt"
	"time"

	"github.com/dlclark/regexp2"
)

// Filter picks events of $all by their type or by their stream's name. A regular expression wins over prefixes; neither matches nothing.
type Filter struct {
	byStream bool
	regex    *regexp2.Regexp
	prefixes []string
}

// matchLimit bounds one match: a .NET expression can take exponential time. It is generous, so a busy machine fails no honest one.
const matchLimit = time.Second

// ErrFilter says that a filter's expression cannot be used: it does not parse, or takes too long to match.
var ErrFilter = errors.New("filter expression")

// NewFilter makes a filter. Expressions are .NET's: unanchored, case-sensitive, with look-arounds.
func NewFilter(byStream bool, regex string, prefixes []string) (*Filter, error) {
	f := &Filter{byStream: byStream, prefixes: prefixes}
	if regex == "" {
		return f, nil
	}
	re, err := regexp2.Compile(regex, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFilter, err)
	}
	re.MatchTimeout = matchLimit
	f.regex = re
	return f, nil
}

// isSlow tells whether a match may take long.
func (f *Filter) isSlow() bool { return f != nil && f.regex != nil }

// match tells whether an event passes; a nil filter passes everything.
func (f *Filter) match(stream, typ []byte) (bool, error) {
	if f == nil {
		return true, nil
	}
	subject := typ
	if f.byStream {
		subject = stream
	}
	if f.regex != nil {
		ok, err := f.regex.MatchString(string(subject))
		if err != nil {
			return false, fmt.Errorf("%w: %w", ErrFilter, err)
		}
		return ok, nil
	}
	for _, p := range f.prefixes {
		if len(subject) >= len(p) && string(subject[:len(p)]) == p {
			return true, nil
		}
	}
	return false, nil
}
