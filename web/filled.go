package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
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
	own := maps.Clone(f.Sent)
	delete(own, fieldRevision)
	return own.Encode()
}

// Seen is the revision of what the form was filled from.
func (f filled) Seen() string { return f.Sent.Get(fieldRevision) }

// filledAt is a form filled from something at its revision.
func filledAt(values url.Values, revision uint64) filled {
	values.Set(fieldRevision, strconv.FormatUint(revision, 10))
	return filled{Sent: values}
}

// meanwhile says what a value became while somebody else typed another one; an id says nothing to a person.
func (s *tongue) meanwhile(values []string) string {
	text := strings.Join(some(values), ", ")
	if text == "" || slices.ContainsFunc(values, func(v string) bool { return uuid.Validate(v) == nil }) {
		return s.say("edit.meanwhile-other")
	}
	return s.say("edit.meanwhile", text)
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
	if slices.Equal(written(e.sent[name]), written(e.before[name])) {
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

// wholes are what is changed as a whole though a form has several inputs for it: an address, and lists that stand in rows.
var wholes = regexp.MustCompile(`^(address|credentials|notices|waves|reasons\.[a-z]+)\.`)

// valueOfInput is what an input is a part of.
func valueOfInput(name string) string {
	if whole := wholes.FindStringSubmatch(name); whole != nil {
		return whole[1]
	}
	return name
}

// inputs are the names in two fillings of a form, without what every form carries beside its own.
func inputs(a, b url.Values) []string {
	both := url.Values{}
	maps.Copy(both, a)
	maps.Copy(both, b)
	for _, name := range []string{fieldKey, fieldRevision, fieldBefore} {
		delete(both, name)
	}
	return slices.Sorted(maps.Keys(both))
}

// changes are the values that differ between two fillings of a form.
func changes(a, b url.Values) map[string]bool {
	out := map[string]bool{}
	for _, name := range inputs(a, b) {
		if !same(name, a[name], b[name]) {
			out[valueOfInput(name)] = true
		}
	}
	return out
}

// same tells whether an input holds the same in two fillings. Rows stand in an order, and a form has empty ones at their end; of a choice of
// several a page has its own order.
func same(name string, a, b []string) bool {
	if valueOfInput(name) != name {
		return slices.Equal(withoutLastEmpty(a), withoutLastEmpty(b))
	}
	return slices.Equal(written(a), written(b))
}

func withoutLastEmpty(rows []string) []string {
	for len(rows) > 0 && rows[len(rows)-1] == "" {
		rows = rows[:len(rows)-1]
	}
	return rows
}

// written are an input's values without the empty ones, in one order: a box that is not ticked sends none, and a page has its own order of them.
func written(values []string) []string {
	return slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })))
}

// over is the form as it would be filled now, with what the sender changed over it, and those inputs whose value somebody else changed too. A
// choice of none sends no input, so what was sent does not name them all.
func (e edits) over(now url.Values) (merged url.Values, clashes []string) {
	now = plainLines(now)
	mine, others := changes(e.sent, e.before), changes(now, e.before)
	merged = url.Values{}
	for _, name := range inputs(e.sent, now) {
		value, from := valueOfInput(name), now
		if mine[value] {
			from = e.sent
			if others[value] && !same(name, e.sent[name], now[name]) {
				clashes = append(clashes, name)
			}
		}
		if from.Has(name) {
			merged[name] = from[name]
		}
	}
	return merged, clashes
}

// sendEdits sends what a form changed, as decided on the revision that it was filled from. If the thing has changed since, but in nothing that
// the form changes, it is decided on what stands now: people who change different things do not undo each other. Otherwise, and for every other
// refusal that its sender may put right, it answers the form to show again. now reads the thing as a form is filled from it.
func (p *Portal) sendEdits(r *http.Request, req commands.Request, now func() (url.Values, uint64, error),
	send func(commands.Request) (commands.Changed, error)) (commands.Changed, filled, error) {
	for tries := 0; ; tries++ {
		done, err := send(req)
		no := correctable(err)
		if no == nil {
			return done, filled{}, err
		}
		if no.Status != http.StatusPreconditionFailed || req.IfMatch == nil {
			return done, filled{r.PostForm, no}, nil
		}
		values, revision, err := fresh(r.Context(), *req.IfMatch, now)
		if err != nil {
			return done, filled{}, err
		}
		merged, clashes := editsIn(r.PostForm).over(values)
		if len(clashes) > 0 || tries == 3 {
			again := filledAt(merged, revision)
			again.Sent.Set(fieldBefore, values.Encode())
			again.Refusal, err = p.overtakenBy(r.Context(), no, clashes, values)
			return done, again, err
		}
		req.IfMatch = &revision
	}
}

// overtakenBy completes the refusal of a stale form: who changed what when, and beside each input that both changed what it is now.
func (p *Portal) overtakenBy(ctx context.Context, stale *domain.Refusal, clashes []string, now url.Values) (*domain.Refusal, error) {
	no := *stale
	for _, name := range clashes {
		if value := valueOfInput(name); value == name || value == "address" { // the rows of a list are compared by eye
			no.Errors = append(no.Errors, domain.FieldError{Location: "body." + name, Message: p.in(ctx).meanwhile(now[name])})
		}
	}
	v := viewer(ctx)
	return &no, p.nameChanges(ctx, &no, func(at time.Time) time.Time { return at.In(zoneOf(v)) })
}

// nameChanges says who it was that changed something, as far as the viewer may know the names, and when by what clocks.
func (p *Portal) nameChanges(ctx context.Context, no *domain.Refusal, clocks func(time.Time) time.Time) error {
	users := make([]uuid.UUID, len(no.Changed))
	for i, c := range no.Changed {
		users[i] = c.Actor
	}
	names, err := p.Queries.People.Names(ctx, viewer(ctx), users)
	if err != nil {
		return err
	}
	changed := slices.Clone(no.Changed)
	for i := range changed {
		changed[i].By, changed[i].At = names[changed[i].Actor], clocks(changed[i].At)
	}
	no.Changed = changed
	return nil
}

// fresh waits a moment until the read model knows what something became after a revision. How long that took decides nothing: the command
// judges what is shown.
func fresh[T any](ctx context.Context, seen uint64, now func() (T, uint64, error)) (T, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	for {
		is, revision, err := now()
		if err != nil || revision > seen {
			return is, revision, err
		}
		select {
		case <-ctx.Done():
			return is, revision, nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// idsIn reads the ids of things that were chosen from a list.
func idsIn(list []string, name string) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, 0, len(list))
	for _, s := range list {
		id, err := uuid.Parse(s)
		if err != nil {
			return nil, domain.Invalid(domain.FieldError{Location: "body." + name, Message: "fault.no-such-one"})
		}
		ids = append(ids, id)
	}
	return ids, nil
}
