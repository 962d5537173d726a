package commands

import (
	"context"
	"fmt"
	"sync"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
)

// blockSize is how many job numbers a process draws at once; those it does not give are lost, so numbers may have gaps.
const blockSize = 100

// numbers is the block of job numbers that this process gives out of.
type numbers struct {
	mu    sync.Mutex
	next  int64
	end   int64 // the first number after the block
	epoch int
}

// drawNumbers gives n job numbers that nobody else has or will get. The stream is read on first: if an admin has set the next number, what
// this process had drawn before is void.
func (h *Handler) drawNumbers(ctx context.Context, n int) ([]int64, error) {
	stream := eventschema.NumberingStream(people.NumberingJob)
	now, err := h.numbering.now(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("read where job numbers stand: %w", err)
	}
	b := h.numbers
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.epoch < now.State.Epoch {
		b.next, b.end, b.epoch = 0, 0, now.State.Epoch
	}
	given := make([]int64, 0, n)
	for len(given) < n {
		if b.next == b.end {
			if err := h.drawBlock(ctx, stream, b); err != nil {
				return nil, err
			}
		}
		given = append(given, b.next)
		b.next++
	}
	return given, nil
}

func (h *Handler) drawBlock(ctx context.Context, stream string, b *numbers) error {
	var drawn people.BlockDrawn
	r := h.ready(Request{Name: "draw-numbers", Viewer: systemViewer()})
	res, err := execute(ctx, h, h.numbering, r, wish[numberingState]{
		stream: stream,
		decide: func(_ context.Context, s numberingState, _ attempt) (plan, error) {
			drawn = people.BlockDrawn{Series: people.NumberingJob, First: max(s.Next, 1), Count: blockSize}
			return plan{events: []any{drawn}}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("draw job numbers: %w", err)
	}
	b.next, b.end, b.epoch = drawn.First, drawn.First+drawn.Count, res.folded.State.Epoch
	return nil
}

// SetNextNumber makes the job numbers go on from next (admin). It discards every block drawn ahead, in every process, and never goes below
// a number that may have been given: those are all numbers drawn, but for the rest of this process's own newest block.
func (h *Handler) SetNextNumber(ctx context.Context, r Request, series string, next int64) (Changed, error) {
	r = h.ready(r)
	if series != people.NumberingJob {
		return Changed{}, domain.Invalid(domain.FieldError{Location: "body.series", Message: "Only the series job can be set."})
	}
	if next < 1 || next > maxNumber {
		return Changed{}, domain.Invalid(domain.FieldError{Location: "body.next", Message: "Send a number from 1 to 999999999."})
	}
	b := h.numbers
	b.mu.Lock() // nobody takes a number of the old block while it is being discarded
	defer b.mu.Unlock()
	res, err := execute(ctx, h, h.numbering, r, wish[numberingState]{
		stream: eventschema.NumberingStream(series),
		allow:  func(numberingState) error { return access.MayManage(r.Viewer, access.ManageNumbering) },
		decide: func(_ context.Context, s numberingState, _ attempt) (plan, error) {
			lowest := max(s.Next, 1)
			if b.end == s.Next && b.epoch == s.Epoch && b.next < b.end {
				lowest = b.next
			}
			if next < lowest {
				return plan{}, domain.Unprocessable("number-given", "Numbers below %d may have been given already.", lowest)
			}
			return plan{events: []any{people.NextSet{Series: series, Next: next, Epoch: s.Epoch + 1}}}, nil
		},
	})
	if err != nil {
		return Changed{}, err
	}
	if b.epoch < res.folded.State.Epoch {
		b.next, b.end, b.epoch = 0, 0, res.folded.State.Epoch
	}
	return changed(res), nil
}

// maxNumber keeps a reference within nine digits.
const maxNumber = 999_999_999
