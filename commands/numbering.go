package commands

import (
	"context"
	"fmt"
	"sync"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// numbers is the block of job numbers that this process gives out of.
type numbers struct {
	mu    sync.Mutex
	next  int64
	end   int64 // the first number after the block
	epoch int
}

// drawNumbers gives n job numbers that nobody else has or will get. now is how the series stands at this command: if an admin has set the
// next number, what this process had drawn before is void.
func (h *Handler) drawNumbers(ctx context.Context, now people.Numbering, n int) ([]int64, error) {
	b := h.numbers
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.epoch < now.Epoch {
		b.next, b.end, b.epoch = 0, 0, now.Epoch
	}
	given := make([]int64, 0, n)
	for len(given) < n {
		if b.next == b.end {
			if err := h.drawBlock(ctx, b); err != nil {
				return nil, err
			}
		}
		given = append(given, b.next)
		b.next++
	}
	return given, nil
}

func (h *Handler) drawBlock(ctx context.Context, b *numbers) error {
	var drawn people.BlockDrawn
	r := h.ready(Request{Name: "draw-numbers", Viewer: systemViewer()})
	res, err := execute(ctx, h, h.numbering, r, wish[people.Numbering]{
		stream: eventschema.NumberingStream(people.NumberingJob),
		decide: func(_ context.Context, s people.Numbering, _ attempt) (plan, error) {
			p, err := planned(people.DrawBlock{Series: people.NumberingJob}.Decide(s))
			if err == nil {
				drawn = p.events[0].(people.BlockDrawn)
			}
			return p, err
		},
	})
	if err != nil {
		return fmt.Errorf("draw job numbers: %w", err)
	}
	b.next, b.end, b.epoch = drawn.First, drawn.First+drawn.Count, res.folded.State.Epoch
	return nil
}

// SetNextNumber makes a series go on from next (admin). It discards every block drawn ahead, in every process, and never goes below a number
// that may have been given: those are all numbers drawn, but for the rest of this process's own newest block.
func (h *Handler) SetNextNumber(ctx context.Context, r Request, series string, next int64) (Changed, error) {
	r = h.ready(r)
	r.named = true
	b := h.numbers
	b.mu.Lock() // nobody takes a number of the old block while it is being discarded
	defer b.mu.Unlock()
	res, err := execute(ctx, h, h.numbering, r, wish[people.Numbering]{
		stream: eventschema.NumberingStream(series),
		allow:  func(people.Numbering) error { return access.MayManage(r.Viewer, access.ManageNumbering) },
		decide: func(_ context.Context, s people.Numbering, _ attempt) (plan, error) {
			wish := people.SetNext{Series: series, Next: next}
			if series == people.NumberingJob && b.end == s.Next && b.next < b.end {
				wish.Free, wish.FreeEpoch = b.next, b.epoch // this process drew the newest block, and knows what it gave of it
			}
			return planned(wish.Decide(s))
		},
	})
	if err != nil {
		return Changed{}, err
	}
	if series == people.NumberingJob && b.epoch < res.folded.State.Epoch {
		b.next, b.end, b.epoch = 0, 0, res.folded.State.Epoch
	}
	return changed(res), nil
}
