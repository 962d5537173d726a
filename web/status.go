package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
)

// statusPage is how the read models and the reactions stand.
type statusPage struct {
	Rows       []modelRow
	Reactions  []modelRow
	Rebuilding bool // something is being rebuilt: the page asks again by itself
	MayRebuild bool
	Refusal    *domain.Refusal
}

// modelRow is a read model, and its rebuild if there is or was one; or a reaction.
type modelRow struct {
	projections.Status
	At      string // its position, as addresses write it
	Behind  string // how long, in words; empty: up to date, or unknown
	Unknown bool   // what it lags: it has stopped, or does not know whether the log is still its own, and nothing tells
	Rebuild *rebuildState
}

// rebuildState is a rebuild that was started from here.
type rebuildState struct {
	Started time.Time // machine time
	Ended   time.Time // zero: it runs
	Failed  bool
	Busy    bool // another process was at it already
	Events  int64
	Rate    int
	Left    string // how long it may still take; empty: not known
}

// Running tells whether it goes on.
func (s rebuildState) Running() bool { return s.Ended.IsZero() }

// Took is how long it has run, or ran.
func (s rebuildState) Took() time.Duration {
	end := s.Ended
	if s.Running() {
		end = time.Now()
	}
	return end.Sub(s.Started).Round(time.Second)
}

// rebuilds are the rebuilds that this process started, the newest of each read model.
type rebuilds struct {
	mu  sync.Mutex
	all map[string]rebuildState
}

// begin notes a rebuild; false: one of this model is under way.
func (b *rebuilds) begin(model string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, there := b.all[model]; there && s.Running() {
		return false
	}
	if b.all == nil {
		b.all = map[string]rebuildState{}
	}
	b.all[model] = rebuildState{Started: time.Now()}
	return true
}

// report notes how far a rebuild is.
func (b *rebuilds) report(model string, progress projections.Progress, left string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.all[model]
	s.Events, s.Rate, s.Left = progress.Events, int(progress.Rate), left
	b.all[model] = s
}

func (b *rebuilds) end(model string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.all[model]
	s.Ended, s.Failed, s.Busy = time.Now(), err != nil, errors.Is(err, projections.ErrRebuilding)
	b.all[model] = s
}

func (b *rebuilds) of(model string) *rebuildState {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, there := b.all[model]
	if !there {
		return nil
	}
	return &s
}

// status is the page of the read models, with position, lag, health and generation, and of the reactions.
func (p *Portal) status(w http.ResponseWriter, r *http.Request) error {
	return p.showStatus(w, r, http.StatusOK, nil)
}

func (p *Portal) showStatus(w http.ResponseWriter, r *http.Request, status int, no *domain.Refusal) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ReadStatus); err != nil {
		return err
	}
	building := map[string]*rebuildState{} // asked first: what has ended by then shows in the status
	for _, model := range p.Models.Names() {
		building[model] = p.rebuilds.of(model)
	}
	found, err := p.Config.Status(r.Context())
	if err != nil {
		return err
	}
	reactions, err := p.Config.Reactions(r.Context())
	if err != nil {
		return err
	}
	page := statusPage{MayRebuild: p.Rebuild != nil && access.MayManage(v, access.Rebuild) == nil, Refusal: no}
	row := func(s projections.Status) modelRow {
		row := modelRow{Status: s, At: formatPosition(s.Position), Unknown: s.Lag.Events == 0 && (s.Health.State == projections.Stopped || s.Health.Why == projections.Doubting)}
		if s.Lag.Events > 0 {
			row.Behind = p.in(r.Context()).span(s.Lag.Age)
		}
		return row
	}
	for _, s := range found {
		model := row(s)
		model.Rebuild = building[s.Name]
		page.Rebuilding = page.Rebuilding || model.Rebuild != nil && model.Rebuild.Running()
		page.Rows = append(page.Rows, model)
	}
	for _, s := range reactions {
		page.Reactions = append(page.Reactions, row(s))
	}
	return p.render(w, r, status, "status", "statuspage.title", page)
}

// rebuild builds a read model anew beside the live one. It goes on when the visitor has gone; the page shows how it fares.
func (p *Portal) rebuild(w http.ResponseWriter, r *http.Request) error {
	if err := access.MayManage(viewer(r.Context()), access.Rebuild); err != nil {
		return err
	}
	model := chi.URLParam(r, "model")
	if p.Rebuild == nil || !slices.Contains(p.Models.Names(), model) {
		return notFound()
	}
	if p.rebuilds.begin(model) { // pressed twice, it is done once
		ctx := context.WithoutCancel(r.Context())
		go func() {
			err := p.Rebuild(ctx, model, func(at projections.Progress) {
				left := ""
				if at.Left > 0 {
					left = p.in(ctx).span(at.Left)
				}
				p.rebuilds.report(model, at, left)
			})
			if err != nil {
				p.Log.ErrorContext(ctx, "a rebuild that was asked for failed", slog.String("model", model), slog.Any("cause", err))
			}
			p.rebuilds.end(model, err)
		}()
	}
	http.Redirect(w, r, "/status", http.StatusSeeOther)
	return nil
}
