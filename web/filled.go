package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// filled is a form as it stands in a page: what its inputs hold, and why sending it was refused.
type filled struct {
	Sent    url.Values
	Refusal *domain.Refusal
}

// Get is what an input holds.
func (f filled) Get(name string) string { return f.Sent.Get(name) }

// Ticked tells whether a value of several is chosen.
func (f filled) Ticked(name, value string) bool { return slices.Contains(f.Sent[name], value) }

// correctable is a refusal that a form shows again, because its sender may put it right. A missing right is none.
func correctable(err error) *domain.Refusal {
	if no := refusal(err); no != nil && no.Status != http.StatusForbidden {
		return no
	}
	return nil
}

// FaultIn is what the refusal says about a list or one of its items; empty: nothing.
func (f filled) FaultIn(name string) string {
	if f.Refusal == nil {
		return ""
	}
	at := "body." + name
	for _, e := range f.Refusal.Errors {
		if e.Location == at || strings.HasPrefix(e.Location, at+"[") {
			return e.Message
		}
	}
	return ""
}

// fieldBefore carries what a form showed when it was opened. What comes back as it was is untouched: two people who change different things
// at once do not undo each other.
const fieldBefore = "before"

// Before is the value of that field.
func (f filled) Before() string {
	if before := f.Sent.Get(fieldBefore); before != "" {
		return before
	}
	return f.Sent.Encode()
}

// edits are what a form changed.
type edits struct{ sent, before url.Values }

func editsIn(f url.Values) edits {
	before, err := url.ParseQuery(f.Get(fieldBefore))
	if err != nil {
		before = url.Values{}
	}
	return edits{plainLines(f), plainLines(before)}
}

// plainLines ends lines as we store them; browsers send them as the web does.
func plainLines(f url.Values) url.Values {
	out := make(url.Values, len(f))
	for name, values := range f {
		for _, v := range values {
			out[name] = append(out[name], strings.ReplaceAll(v, "\r\n", "\n"))
		}
	}
	return out
}

// text is a changed text; nil: untouched.
func (e edits) text(name string) *string {
	if !e.sent.Has(name) || e.before.Has(name) && e.sent.Get(name) == e.before.Get(name) {
		return nil
	}
	text := strings.TrimSpace(e.sent.Get(name))
	return &text
}

// list is a changed choice of several; nil: untouched. A form sends nothing for a choice of none.
func (e edits) list(name string) *[]string {
	if slices.Equal(e.sent[name], e.before[name]) {
		return nil
	}
	list := slices.Clone(e.sent[name])
	if list == nil {
		list = []string{}
	}
	return &list
}

// ids is list for things with ids. One that is none is a fault.
func (e edits) ids(name string) (*[]uuid.UUID, error) {
	list := e.list(name)
	if list == nil {
		return nil, nil
	}
	ids, err := idsIn(*list, name)
	return &ids, err
}

// tick is a changed box; nil: untouched.
func (e edits) tick(name string) *bool {
	now := e.sent.Get(name) != ""
	if now == (e.before.Get(name) != "") {
		return nil
	}
	return &now
}

// idsIn reads the ids of things that were chosen from a list.
func idsIn(list []string, name string) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, 0, len(list))
	for _, s := range list {
		id, err := uuid.Parse(s)
		if err != nil {
			return nil, domain.Invalid(domain.FieldError{Location: "body." + name, Message: "There is no such one."})
		}
		ids = append(ids, id)
	}
	return ids, nil
}
