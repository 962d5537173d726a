// Package history answers what happened to a job, from the log itself: for the auditor every event with its stored bytes beside the meaning,
// for staff the job as it stood at a moment. It keeps no rows, so it cannot differ from the log.
package history

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// Log reads one stream; internal/eventlog does.
type Log interface {
	ReadStream(ctx context.Context, stream string, from uint64, f func(eventschema.Stored) error) error
}

// Codec opens stored events.
type Codec interface {
	DecodePage(ctx context.Context, stored []eventschema.Stored) (eventschema.Page, error)
}

// Refs finds a job's stream.
type Refs interface {
	Resolve(ctx context.Context, ref string) (bookingID, job uuid.UUID, known bool, err error)
}

// Queries answers from the log.
type Queries struct {
	Log   Log
	Codec Codec
	Refs  Refs
	Jobs  jobs.Queries
}

// Entry is one event of a booking.
type Entry struct {
	Number        uint64 // in its stream
	Position      eventschema.Position
	ID            uuid.UUID
	Type          string
	At            time.Time // business time, UTC
	RecordedAt    time.Time // machine time, UTC
	Actor         domain.Actor
	Command       string
	CommandID     uuid.UUID
	CorrelationID uuid.UUID
	CausationID   uuid.UUID
	Data          json.RawMessage // the meaning, personal values opened or [erased]
	Stored        json.RawMessage // the bytes as they lie in the log
}

// unknown is the one answer for "no such job" and "not yours".
func unknown() error { return domain.NotFound("There is no such job, or it is not yours to see.") }

// Job answers every event of the booking that concerns the job, oldest first, to a viewer who may read histories. Whoever may not know the job
// gets a 404, whoever may know it but not its history a 403.
func (q Queries) Job(ctx context.Context, v access.Viewer, ref string) ([]Entry, error) {
	page, id, err := q.read(ctx, v, ref)
	if err != nil {
		return nil, err
	}
	if err := access.MayManage(v, access.ReadHistory); err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, len(page))
	for _, e := range page {
		if !concerns(e.Event, id) {
			continue
		}
		entry, err := entryOf(e)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// JobAsOf answers the job as it stood after the last event, in stream order, that was at the moment or before: for staff and auditors, masked by
// what the viewer may see now. A job that did not exist then is not found.
func (q Queries) JobAsOf(ctx context.Context, v access.Viewer, ref string, moment time.Time) (jobs.Detail, error) {
	page, _, err := q.read(ctx, v, ref)
	if err != nil {
		return jobs.Detail{}, err
	}
	if err := access.MayManage(v, access.ReadAsOf); err != nil {
		return jobs.Detail{}, err
	}
	last := -1
	for i, e := range page {
		if !e.Meta.At.After(moment) {
			last = i
		}
	}
	return q.Jobs.AsOf(ctx, v, ref, page[:last+1], moment)
}

// read is the whole stream of the job's booking, opened, if the viewer may know the job as it stands now.
func (q Queries) read(ctx context.Context, v access.Viewer, ref string) (eventschema.Page, uuid.UUID, error) {
	bookingID, id, known, err := q.Refs.Resolve(ctx, ref)
	if err != nil {
		return nil, uuid.Nil, fmt.Errorf("find the job: %w", err)
	}
	if !known {
		return nil, uuid.Nil, unknown()
	}
	var stored []eventschema.Stored
	err = q.Log.ReadStream(ctx, eventschema.BookingStream(bookingID), 0, func(e eventschema.Stored) error {
		stored = append(stored, e)
		return nil
	})
	if err != nil {
		return nil, uuid.Nil, fmt.Errorf("read the booking's stream: %w", err)
	}
	page, err := q.Codec.DecodePage(ctx, stored)
	if err != nil {
		return nil, uuid.Nil, fmt.Errorf("open the booking's events: %w", err)
	}
	now, err := fold(page)
	if err != nil {
		return nil, uuid.Nil, err
	}
	job, there := now.Job(id)
	if !there || access.Relate(v, now.Facts(job)) == access.None {
		return nil, uuid.Nil, unknown()
	}
	return page, id, nil
}

func fold(page eventschema.Page) (booking.State, error) {
	var s booking.State
	for _, e := range page {
		if e.Err != nil {
			return s, fmt.Errorf("event %d of %s cannot be read: %w", e.Revision, e.Stream, e.Err)
		}
		event, ok := e.Event.(booking.Event)
		if !ok {
			return s, fmt.Errorf("event %d of %s is a %s", e.Revision, e.Stream, e.Type)
		}
		s = booking.Evolve(s, event, booking.Fact{Revision: e.Revision, At: e.Meta.At, Actor: e.Meta.Actor})
	}
	return s, nil
}

func entryOf(e eventschema.Recorded) (Entry, error) {
	data, err := json.Marshal(plain(e.Event))
	if err != nil {
		return Entry{}, fmt.Errorf("write event %d of %s: %w", e.Revision, e.Stream, err)
	}
	return Entry{Number: e.Revision, Position: e.Position, ID: e.ID, Type: e.Type, At: e.Meta.At, RecordedAt: e.Meta.RecordedAt, Actor: e.Meta.Actor,
		Command: e.Meta.CommandName, CommandID: e.Meta.CommandID, CorrelationID: e.Meta.CorrelationID, CausationID: e.Meta.CausationID,
		Data: data, Stored: json.RawMessage(e.Stored.Data)}, nil
}
