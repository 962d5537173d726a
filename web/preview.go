package web

import (
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/dragoman-booking/dragoman/commands"
)

// seen is what a form would do, as its page shows it beside the form (D-10, N-06).
type seen struct {
	*commands.Preview
	Form   string // starts the ids of its inputs
	Do     string // key of the button that does it
	Stale  bool   // things have moved since it was shown first
	except []string
}

// seenIn is the preview that a command answered with in the place of an error; nil: none.
func seenIn(err error, form, do string, sent url.Values) *seen {
	var preview *commands.Preview
	var stale *commands.StalePreview
	switch {
	case errors.As(err, &preview):
		return &seen{Preview: preview, Form: form, Do: do, except: sent["except"]}
	case errors.As(err, &stale):
		return &seen{Preview: stale.Now, Form: form, Do: do, Stale: true, except: sent["except"]}
	}
	return nil
}

// Token is what the form carries: it does what is shown, or shows what it would do now.
func (s *seen) Token() string { return s.Preview.Token }

// Ready: something would be done, and nothing speaks against it.
func (s *seen) Ready() bool { return s.Problem == nil && s.Count() > 0 }

// Count is how many jobs would be made or changed.
func (s *seen) Count() (n int) {
	for _, c := range s.Changes {
		if c.Result == commands.WouldChange || c.Result == commands.WouldCreate {
			n++
		}
	}
	return n
}

// Leaves tells whether a job is to be left out.
func (s *seen) Leaves(ref string) bool { return slices.Contains(s.except, ref) }

// Optional: the job can be left out, or was.
func (s *seen) Optional(c commands.PreviewChange) bool {
	return len(s.Changes) > 1 && c.Ref != "" && (c.Result != commands.WouldSkip || s.Leaves(c.Ref))
}

// At is when the job begins afterwards; zero for none.
func (s *seen) At(c commands.PreviewChange) time.Time {
	if c.Start.Instant.IsZero() {
		return time.Time{}
	}
	return c.Start.In()
}
