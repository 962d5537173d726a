package httpapi

import (
	"context"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
)

type modelStatus struct {
	Model      string  `json:"model"`
	Generation int     `json:"generation"`
	Position   string  `json:"position"`
	LagEvents  int     `json:"lagEvents"`
	LagMore    bool    `json:"lagMore,omitempty" doc:"There are more than lagEvents."`
	LagSeconds float64 `json:"lagSeconds"`
	Health     string  `json:"health"`
	Why        string  `json:"why,omitempty"`
	Fault      *struct {
		Stream   string `json:"stream"`
		Revision uint64 `json:"revision"`
		Position string `json:"position"`
		Type     string `json:"type"`
	} `json:"fault,omitempty" doc:"The event that stopped the read model."`
}

func (a *API) status() {
	get(a, "/status", "Read models: position, lag, health, generation", nil, func(ctx context.Context, v access.Viewer, _ *struct{}) (All[modelStatus], error) {
		if err := allowed(v, access.ReadStatus); err != nil {
			return All[modelStatus]{}, err
		}
		found, err := a.Config.Status(ctx)
		if err != nil {
			return All[modelStatus]{}, err
		}
		items := make([]modelStatus, 0, len(found))
		for _, s := range found {
			items = append(items, statusOf(s))
		}
		return all(items), nil
	})
}

func statusOf(s projections.Status) modelStatus {
	m := modelStatus{Model: s.Model, Generation: s.Generation, Position: position(s.Position), LagEvents: s.Lag.Events, LagMore: s.Lag.More,
		LagSeconds: s.Lag.Age.Seconds(), Health: s.Health.State, Why: s.Health.Why}
	if f := s.Health.Fault; f != nil {
		m.Fault = &struct {
			Stream   string `json:"stream"`
			Revision uint64 `json:"revision"`
			Position string `json:"position"`
			Type     string `json:"type"`
		}{f.Stream, f.Revision, position(f.Position), f.Type}
	}
	return m
}
