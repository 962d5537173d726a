package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/access"
	"github.com/dragoman-booking/dragoman/projections/activity"
	"github.com/dragoman-booking/dragoman/projections/calendar"
	"github.com/dragoman-booking/dragoman/projections/dashboard"
	"github.com/dragoman-booking/dragoman/projections/diary"
	"github.com/dragoman-booking/dragoman/projections/invoices"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/messages"
	"github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/settings"
	"github.com/dragoman-booking/dragoman/projections/timers"
)

// Post, redirect, get: a form becomes a command, an accepted one leads to a page that waits for what was written, a refused one is shown
// again with what was typed.

// Every form carries these beside its own values.
const (
	fieldKey      = "key"      // idempotency key: pressed or reloaded twice, it is done once
	fieldRevision = "revision" // of the job as the page showed it: If-Match
	// fieldPreview asks what a form would do, fieldPreviewed is the token of what was shown then.
	fieldPreview   = "preview"
	fieldPreviewed = "previewed"
)

// maxKey is how long an idempotency key may be, as in the HTTP contract.
const maxKey = 200

// newKey is an idempotency key for a form of this user's. It tells whose form it is: one that came after its session had ended is never sent as
// whoever signs in at that machine next.
func newKey(user uuid.UUID) string {
	id := uuid.NewString()
	return id + "." + keyMark(id, user)
}

// madeFor tells whether a key, or one that was made of it by an addition, is of a form of this user's.
func madeFor(key string, user uuid.UUID) bool {
	id, mark, ok := strings.Cut(key, ".")
	return ok && strings.HasPrefix(mark, keyMark(id, user))
}

// keyMark is no secret: it keeps apart people who share a machine, and nobody else's browser can be made to send what it marks.
func keyMark(id string, user uuid.UUID) string {
	sum := sha256.Sum256([]byte(id + user.String()))
	return hex.EncodeToString(sum[:8])
}

// request makes the command request of a posted form. The form's own values, without key, revision and what belongs to a preview, are its
// canonical form.
func (p *Portal) request(r *http.Request, name string) (commands.Request, error) {
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return commands.Request{}, &domain.Refusal{Code: "too-large", Status: http.StatusRequestEntityTooLarge, Detail: "error.too-large"}
		}
		return commands.Request{}, &domain.Refusal{Code: "bad-request", Status: http.StatusBadRequest, Detail: "error.form"}
	}
	key := r.PostForm.Get(fieldKey)
	if len(key) > maxKey {
		return commands.Request{}, &domain.Refusal{Code: "bad-request", Status: http.StatusBadRequest, Detail: "error.form"}
	}
	own := maps.Clone(r.PostForm)
	delete(own, fieldKey)
	delete(own, fieldRevision)
	delete(own, fieldPreview)
	delete(own, fieldPreviewed)
	v := viewer(r.Context())
	req := commands.Request{Viewer: v, Name: name, At: v.Now, Canonical: []byte(own.Encode()),
		CommandID: commands.CommandID(v.User, r.Method, r.URL.Path, key), Previewed: r.PostForm.Get(fieldPreviewed)}
	if r.PostForm.Has(fieldPreview) { // a preview is never the command itself
		req.Preview, req.CommandID, req.Previewed = true, uuid.New(), ""
	}
	if s := r.PostForm.Get(fieldRevision); s != "" {
		revision, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return commands.Request{}, &domain.Refusal{Code: "bad-request", Status: http.StatusBadRequest, Detail: "error.form"}
		}
		req.IfMatch = &revision
	}
	return req, nil
}

// done leads to the page that shows what a command did: done.<key> is said there once, and the page waits for the command's position.
func (p *Portal) done(w http.ResponseWriter, r *http.Request, path, key string, at eventschema.Position) error {
	to, err := url.Parse(path)
	if err != nil {
		return fmt.Errorf("lead to %s: %w", path, err)
	}
	q := to.Query()
	q.Set("done", key)
	if at != (eventschema.Position{}) {
		q.Set("at", formatPosition(at))
	}
	to.RawQuery = q.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return nil
}

// settleLimit is how long a page waits for what was just written; then it renders what there is, with "still catching up".
const settleLimit = time.Second

// pageModels are the read models that pages are made from.
var pageModels = []string{access.Name, activity.Name, calendar.Name, dashboard.Name, diary.Name, invoices.Name, jobs.Name, messages.Name, people.Name,
	settings.Name, timers.Name}

// settle waits for the position that done put into the address, and tells whether the read models are still behind it. Every page has waited
// before its handler runs, and its frame says so if it was too long; a handler calls it only to say more.
func (p *Portal) settle(r *http.Request) (behind bool) {
	if known, ok := r.Context().Value(behindKey).(bool); ok {
		return known
	}
	at, ok := parsePosition(r.URL.Query().Get("at"))
	if !ok {
		return false // nothing to wait for; a made-up address is no fault
	}
	ctx, cancel := context.WithTimeout(r.Context(), settleLimit)
	defer cancel()
	if err := p.Models.WaitFor(ctx, at, pageModels...); err != nil {
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, eventschema.ErrBehind) {
			p.Log.WarnContext(r.Context(), "a page could not wait for what was written", slog.Any("cause", err))
		}
		return true
	}
	return false
}

// formatPosition writes a place in the log as addresses carry it.
func formatPosition(p eventschema.Position) string {
	return fmt.Sprintf("%x.%x", p.Commit, p.Prepare)
}

func parsePosition(s string) (eventschema.Position, bool) {
	commit, prepare, ok := strings.Cut(s, ".")
	c, err1 := strconv.ParseUint(commit, 16, 64)
	q, err2 := strconv.ParseUint(prepare, 16, 64)
	return eventschema.Position{Commit: c, Prepare: q}, ok && err1 == nil && err2 == nil
}

// refusal is an error that a form shows; nil: a fault, which the page of errors shows.
func refusal(err error) *domain.Refusal {
	var r *domain.Refusal
	if errors.As(err, &r) && r.Status != http.StatusNotFound {
		return r
	}
	return nil
}

// inputID is the id of the input that a refusal's location names, within a form of the page: "assign" and "body.fields.x" make
// "assign-fields-x". Templates use it for the input and for the links of the error summary.
func inputID(form, location string) string {
	name := strings.TrimPrefix(location, "body.")
	return form + "-" + strings.NewReplacer(".", "-", "[", "-", "]", "").Replace(name)
}

// faultAt is what a refusal says about one input; empty: nothing.
func faultAt(r *domain.Refusal, location string) string {
	if r == nil {
		return ""
	}
	for _, e := range r.Errors {
		if e.Location == location {
			return e.Message
		}
	}
	return ""
}

// hidden is a hidden input of a form.
type hidden struct{ Name, Value string }

// readyForm makes hidden inputs of the body of a ready command that a refusal offers. What is nested gets its path as its name, and a list
// one input for each of its items: blocks become blocks.start and blocks.end, again and again in order.
func readyForm(a domain.Action) ([]hidden, error) {
	plain, err := json.Marshal(a.Body) // whatever types the decider used, now they are JSON's
	if err != nil {
		return nil, fmt.Errorf("write the ready command %s: %w", a.Command, err)
	}
	var body map[string]any
	if err := json.Unmarshal(plain, &body); err != nil {
		return nil, fmt.Errorf("read the ready command %s: %w", a.Command, err)
	}
	return inputsOf("", body), nil
}

func inputsOf(name string, value any) []hidden {
	var out []hidden
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, inputsOf(strings.TrimPrefix(name+"."+key, "."), v[key])...)
		}
	case []any:
		for _, item := range v {
			out = append(out, inputsOf(name, item)...)
		}
	default:
		out = append(out, hidden{name, fmt.Sprint(v)})
	}
	return out
}
