package httpapi

import (
	"context"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections"
)

// Standing is how a read model and a reaction stand alike.
type Standing struct {
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
	} `json:"fault,omitempty" doc:"The event that stopped it."`
}

type modelStatus struct {
	Model      string `json:"model"`
	Generation int    `json:"generation"`
	Standing
}

type reactionStatus struct {
	Reaction string `json:"reaction"`
	Standing
}

type houseStatus struct {
	Items     []modelStatus    `json:"items"`
	Reactions []reactionStatus `json:"reactions" doc:"What follows from events by itself."`
}

func (s houseStatus) csvRows() any { return s.Items }

func (a *API) status() {
	get(a, "/status", "Read models: position, lag, health, generation; reactions: position, lag, health", nil, func(ctx context.Context, v access.Viewer, _ *struct{}) (houseStatus, error) {
		answer := houseStatus{Items: []modelStatus{}, Reactions: []reactionStatus{}}
		if err := allowed(v, access.ReadStatus); err != nil {
			return answer, err
		}
		models, err := a.Config.Status(ctx)
		if err != nil {
			return answer, err
		}
		reactions, err := a.Config.Reactions(ctx)
		if err != nil {
			return answer, err
		}
		for _, s := range models {
			answer.Items = append(answer.Items, modelStatus{s.Name, s.Generation, standingOf(s)})
		}
		for _, s := range reactions {
			answer.Reactions = append(answer.Reactions, reactionStatus{s.Name, standingOf(s)})
		}
		return answer, nil
	})
}

func standingOf(s projections.Status) Standing {
	at := Standing{Position: position(s.Position), LagEvents: s.Lag.Events, LagMore: s.Lag.More, LagSeconds: s.Lag.Age.Seconds(), Health: s.Health.State, Why: s.Health.Why}
	if f := s.Health.Fault; f != nil {
		at.Fault = &struct {
			Stream   string `json:"stream"`
			Revision uint64 `json:"revision"`
			Position string `json:"position"`
			Type     string `json:"type"`
		}{f.Stream, f.Revision, position(f.Position), f.Type}
	}
	return at
}
