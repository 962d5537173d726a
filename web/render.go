package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
)

//go:embed templates messages
var texts embed.FS

// frame is what every page is rendered with: the header, and the page's own values as Body.
type frame struct {
	Lang   string
	Title  string
	Path   string
	Viewer *access.Viewer // nil: not signed in
	Agency people.AgencySettings
	Look   int // version of the agency's looks
	Nav    nav
	Now    time.Time
	Toast  string // said in the live region once
	Behind bool   // what was just written may not show yet
	Theme  string // light or dark; empty: as the visitor's system has it
	// Warnings are what an accepted command warned of.
	Warnings []string
	Key      string // idempotency key for the page's form: sent twice it is done once (LL-44)
	Body     any
}

// funcs are what templates may call.
func (s *tongue) funcs(a *assets) template.FuncMap {
	return template.FuncMap{
		"t":      s.text,
		"said":   s.said,
		"dated":  s.dated,
		"asset":  a.path,
		"date":   func(t time.Time) string { return t.Format("02/01/2006") },
		"clock":  func(t time.Time) string { return t.Format("15:04") },
		"when":   func(t time.Time) string { return t.Format("02/01/2006 15:04") },
		"iso":    func(t time.Time) string { return t.Format(time.RFC3339) },
		"input":  func(t time.Time) string { return t.Format("2006-01-02T15:04") },
		"within": func(zone string, t time.Time) time.Time { return domain.Moment{Instant: t, Zone: zone}.In() },
		"length": s.length,
		"span":   s.span,
		"brief":  s.brief,
		"colour": colour,
		"dict":   dict,
		"command": func(name string) (string, error) {
			if text, err := s.text("command." + name); err == nil {
				return text, nil
			}
			return s.text("command.other") // one that only the system sends
		},
		"change":       s.change,
		"inputID":      inputID,
		"statusWord":   s.statusWord,
		"outcome":      s.outcome,
		"serviceName":  s.serviceName,
		"languageName": func(all []people.Language, code string) string { return words{languages: all}.language(code) },
		"fault":        func(r *domain.Refusal, location string) string { return s.said(faultAt(r, location)) },
		"ready":        readyForm,
		"has":          func(list []string, s string) bool { return contains(list, s) },
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// colour is the badge of a status; the status always stands beside it as text.
func colour(s domain.Status) string {
	switch s {
	case domain.Requested:
		return "azure"
	case domain.New:
		return "blue"
	case domain.Assigned:
		return "green"
	case domain.Ongoing:
		return "orange"
	case domain.Complete:
		return "teal"
	}
	return "secondary"
}

func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict needs pairs")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("dict needs texts as keys")
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

// render writes a page, whole or not at all: it is made in memory before the first byte goes out.
func (p *Portal) render(w http.ResponseWriter, r *http.Request, status int, name, title string, body any) error {
	page, ok := p.in(r.Context()).pages[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	f, err := p.frame(r, title, body)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := page.ExecuteTemplate(&out, "layout", f); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the visitor may have gone
	return nil
}

// frame is the part of a page that all have. A title is a key of the texts, or a text with a space before it.
func (p *Portal) frame(r *http.Request, title string, body any) (frame, error) {
	agency, err := p.agency(r.Context())
	if err != nil {
		return frame{}, err
	}
	s := p.in(r.Context())
	f := frame{Lang: s.lang, Path: r.URL.Path, Agency: agency.Settings, Look: agency.Version, Now: p.now(), Key: newKey(viewer(r.Context()).User), Body: body}
	f.Behind, _ = r.Context().Value(behindKey).(bool)
	if v := viewer(r.Context()); v.User != uuid.Nil {
		if must, _ := r.Context().Value(mustChangeKey).(bool); !must { // nothing else is open then, so nothing else is offered
			f.Viewer = &v
			f.Nav = navFor(v, r.URL)
		}
		f.Theme = p.theme(r.Context(), v)
	}
	if plain, ok := strings.CutPrefix(title, " "); ok {
		f.Title = plain
	} else if f.Title, err = s.text(title); err != nil {
		return frame{}, err
	}
	if done := r.URL.Query().Get("done"); done != "" {
		if text, err := s.text("done." + done); err == nil { // what is not one of our texts says nothing
			f.Toast = text
		}
	}
	for _, warn := range r.URL.Query()["warn"] {
		if text, err := s.text("warning." + warn); err == nil {
			f.Warnings = append(f.Warnings, text)
		}
	}
	return f, nil
}
