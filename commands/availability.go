package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/diary"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// SetAvailability says when work may come to the interpreter who asks. Time that holds an assignment may be marked: the job stays, and a warning
// names it. Without a time zone it is the agency's.
func (h *Handler) SetAvailability(ctx context.Context, r Request, c people.SetAvailability) (Changed, error) {
	r = h.ready(r)
	id := r.Viewer.Interpreter
	res, err := execute(ctx, h, h.interpreters, r, wish[people.Interpreter]{
		stream:   eventschema.InterpreterStream(id),
		revision: func(f Folded[people.Interpreter]) uint64 { return f.State.AvailabilityRevision },
		allow: func(s people.Interpreter) error {
			if err := access.MayManage(r.Viewer, access.ReadOwnOffers); err != nil {
				return err
			}
			if !s.Exists() {
				return unknown()
			}
			return nil
		},
		decide: func(ctx context.Context, s people.Interpreter, _ attempt) (plan, error) {
			c := c
			if c.TimeZone == "" {
				f, err := h.look(ctx, needs{agency: true})
				if err != nil {
					return plan{}, err
				}
				c.TimeZone = f.agency.Settings.TimeZone
			}
			events, err := c.Decide(s)
			p, err := planned(events, err)
			if err != nil {
				return plan{}, err
			}
			after := s
			for _, e := range events {
				after = people.EvolveInterpreter(after, e)
			}
			p.warnings, err = h.heldThen(ctx, id, after.Availability, r.At)
			return p, err
		},
	})
	if err != nil {
		return Changed{}, err
	}
	return Changed{Revision: res.folded.State.AvailabilityRevision, Position: res.position, Warnings: res.warnings}, nil
}

// heldThen are the jobs ahead that the interpreter has at times at which, by the own word, none should come.
func (h *Handler) heldThen(ctx context.Context, id uuid.UUID, a people.Availability, now time.Time) ([]domain.Warning, error) {
	f, err := h.diaries.now(ctx, eventschema.DiaryStream(id))
	if err != nil {
		return nil, fmt.Errorf("read the diary: %w", err)
	}
	var warnings []domain.Warning
	for _, held := range f.State.Held {
		if !held.End.After(now) {
			continue
		}
		no := a.Against(held.Start, held.End)
		if no == nil {
			continue
		}
		ref, err := h.heldJob(ctx, held)
		if err != nil {
			return nil, err
		}
		if ref == "" {
			continue
		}
		w := domain.Warning{Location: "body.unavailable", Code: "assigned-then"}
		if no.Rule == people.RuleWorkingHours {
			w.Location = "body.week"
		}
		w.Message = fmt.Sprintf("Job %s is yours at that time, and stays yours. If you cannot do it, take yourself off it, or tell the agency.", ref)
		warnings = append(warnings, w)
	}
	return warnings, nil
}

// heldJob is the reference of the job that counts on a reservation; empty: none does (any more).
func (h *Handler) heldJob(ctx context.Context, r diary.Reservation) (string, error) {
	f, err := h.bookings.now(ctx, eventschema.BookingStream(r.Booking))
	if err != nil {
		return "", fmt.Errorf("read the booking that holds time: %w", err)
	}
	if j, ok := f.State.Job(r.Job); ok && j.Assignment != nil && j.Assignment.Reservation == r.ID {
		return j.Ref, nil
	}
	return "", nil
}
