package web

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/dragoman-booking/dragoman/domain"
)

// menuEntry is a command as a job's menu of actions offers it: a page that asks for what it needs, or a button that does it at once.
type menuEntry struct {
	Command string
	Text    string // its key among the texts
	To      string // page under the job's
	Button  bool
}

// menuEntries are the commands in the order of the menu.
var menuEntries = []menuEntry{
	{Command: "accept-offer", To: "/accept-offer"}, {Command: "decline-offer", To: "/decline-offer"}, {Command: "counter-offer", To: "/counter-offer"},
	{Command: "answer-counter"},
	{Command: "confirm", Button: true}, {Command: "take", Button: true}, {Command: "release", Button: true},
	{Command: "send-offer", To: "/send-offer"}, {Command: "assign", To: "/assign"}, {Command: "unassign", To: "/unassign"},
	{Command: "revoke-offer"}, {Command: "agree-eta", Button: true}, {Command: "decline-eta", Button: true},
	{Command: "propose-eta", To: "/propose-eta"}, {Command: "change-eta", To: "/change-eta"},
	{Command: "submit-timesheet", To: "/timesheet"}, {Command: "accept-timesheet", To: "/timesheet"}, {Command: "dispute-timesheet", To: "/timesheet"},
	{Command: "close", To: "/close"}, {Command: "edit", To: "/edit"},
	{Command: "follow-up", To: "/follow-up"}, {Command: "make-recurring", To: "/make-recurring"}, {Command: "duplicate", To: "/duplicate"},
	{Command: "post-message", To: "/messages"}, {Command: "log-contact", To: "/log-contact"},
	{Command: "cancel", To: "/cancel"}, {Command: "undo", Button: true},
}

type actionsPage struct {
	Ref     string
	Entries []menuEntry
	Key     string
}

// jobActions is the menu of what may be done with a job now (II-16, II-25, LL-69), as a page, or with part in the address as the part that
// fills an open menu.
func (p *Portal) jobActions(w http.ResponseWriter, r *http.Request) error {
	ctx, v, ref := r.Context(), viewer(r.Context()), strings.ToUpper(chi.URLParam(r, "ref"))
	if _, err := p.Queries.Jobs.Get(ctx, v, ref); err != nil {
		return err
	}
	allowed, err := p.Commands.Actions(ctx, v, ref)
	if err != nil {
		return err
	}
	page := actionsPage{Ref: ref, Key: newKey(viewer(r.Context()).User)}
	for _, e := range menuEntries {
		if slices.Contains(allowed, e.Command) {
			e.Text = "menu." + e.Command
			if e.Command == "unassign" && v.Role == domain.Interpreter {
				e.Text = "act.unassign-self"
			}
			page.Entries = append(page.Entries, e)
		}
	}
	if r.URL.Query().Has("part") {
		return p.renderPart(w, r, "jobactions", "actionmenu", page)
	}
	return p.render(w, r, http.StatusOK, "jobactions", "actions.title", page)
}

// renderPart writes one part of a page, for a script that puts it into the page.
func (p *Portal) renderPart(w http.ResponseWriter, r *http.Request, page, part string, body any) error {
	var out bytes.Buffer
	if err := p.in(r.Context()).pages[page].ExecuteTemplate(&out, part, body); err != nil {
		return fmt.Errorf("render part %s of page %s: %w", part, page, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes()) // the visitor may have gone
	return nil
}
