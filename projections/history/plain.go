package history

import (
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain/booking"
)

// plain is an event as a reader with every right sees it: personal values as texts, without the mark that the codec seals.
type plainEvent struct{ event any }

func plain(event any) plainEvent { return plainEvent{event} }

// MarshalJSON writes the event and takes the marks of personal values out of it.
func (p plainEvent) MarshalJSON() ([]byte, error) {
	marked, err := json.Marshal(p.event)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(marked, &tree); err != nil {
		return nil, err
	}
	return json.Marshal(unmark(tree))
}

func unmark(node any) any {
	switch node := node.(type) {
	case map[string]any:
		if text, ok := node["$personal"]; ok && len(node) == 1 {
			return text
		}
		for key, value := range node {
			node[key] = unmark(value)
		}
	case []any:
		for i, value := range node {
			node[i] = unmark(value)
		}
	}
	return node
}

// concerns tells whether an event of a booking is about the job: its own, or one about the whole booking.
func concerns(event any, job uuid.UUID) bool {
	e, ok := event.(booking.Event)
	if !ok {
		return false
	}
	jobs := booking.JobsOf(e)
	return jobs == nil || slices.Contains(jobs, job)
}
