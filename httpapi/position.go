package httpapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// position writes a place in the log for clients: opaque to them, comparable only by us.
func position(p eventschema.Position) string {
	return fmt.Sprintf("%x.%x", p.Commit, p.Prepare)
}

func parsePosition(s string) (eventschema.Position, error) {
	commit, prepare, ok := strings.Cut(s, ".")
	c, err1 := strconv.ParseUint(commit, 16, 64)
	p, err2 := strconv.ParseUint(prepare, 16, 64)
	if !ok || err1 != nil || err2 != nil {
		return eventschema.Position{}, domain.Invalid(domain.FieldError{Location: "header.Dragoman-Min-Position",
			Message: "Send a position as an answer's Dragoman-Position gave it."})
	}
	return eventschema.Position{Commit: c, Prepare: p}, nil
}

func etag(revision uint64) string { return strconv.Quote(strconv.FormatUint(revision, 10)) }

// parseIfMatch reads If-Match: "<revision>", also as proxies that compress weaken it. Empty is no condition, nor is * on what is there.
func parseIfMatch(s string) (*uint64, error) {
	if s == "" || s == "*" {
		return nil, nil
	}
	n, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(s, "W/"), `"`), 10, 64)
	if err != nil {
		return nil, domain.Invalid(domain.FieldError{Location: "header.If-Match", Message: `Send a revision as an ETag gave it, such as "7".`})
	}
	return &n, nil
}
