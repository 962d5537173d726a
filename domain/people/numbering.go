package people

import (
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// BlockSize is how many job numbers are drawn at once. What their drawer does not give is lost: job numbers may have gaps, never twins.
const BlockSize = 100

// maxNumber keeps a reference within nine digits.
const maxNumber = 999_999_999

// DrawBlock takes the next block of a series for one process.
type DrawBlock struct{ Series string }

// Decide always draws: a repeated wish is told by its command, not by the block.
func (c DrawBlock) Decide(s Numbering) ([]Event, error) {
	if first := max(s.Next, 1); first <= maxNumber-BlockSize {
		return []Event{BlockDrawn{Series: c.Series, First: first, Count: BlockSize}}, nil
	}
	return nil, domain.Conflict("numbers-used-up", "There are no numbers left in this series.")
}

// SetNext makes a series go on from a number. Every block drawn before is void. Free is the first number of the newest block that its drawer
// knows to be not given, drawn in epoch FreeEpoch; zero if that is not known: then every number drawn counts as given.
//
//	given  numbers 1 to 100 drawn, 1 to 7 given
//	when   SetNext{1389466}
//	then   NextSet{1389466}, the epoch counted up
//	error  number-given, if one at or above Next may have been given
type SetNext struct {
	Series    string
	Next      int64
	Free      int64
	FreeEpoch int
}

// Decide refuses a number that may have been given, and to skip numbers of a series without gaps.
func (c SetNext) Decide(s Numbering) ([]Event, error) {
	var f faults
	f.oneOf("body.series", c.Series, []string{NumberingJob, NumberingInvoice})
	f.check(c.Next >= 1 && c.Next <= maxNumber, "body.next", "Send a number from 1 to 999999999.")
	if err := f.refusal(); err != nil {
		return nil, err
	}
	if c.Series == NumberingInvoice && len(s.Claims) > 0 {
		return nil, domain.Unprocessable("number-given", "Invoices have numbers already, and their numbers have no gaps.")
	}
	lowest := max(s.Next, 1)
	if c.Free > 0 && c.FreeEpoch == s.Epoch && c.Free < lowest && lowest-c.Free <= BlockSize {
		lowest = c.Free
	}
	if c.Next < lowest {
		return nil, domain.Unprocessable("number-given", "Numbers below %d may have been given already.", lowest)
	}
	return []Event{NextSet{Series: c.Series, Next: c.Next, Epoch: s.Epoch + 1}}, nil
}

// ClaimNumber gives the next number of a series without gaps to one named thing, such as an invoice. The number is what the state after the
// events holds for it.
type ClaimNumber struct {
	Series string
	For    uuid.UUID
}

// Decide claims once: again is nothing, and the number stays.
func (c ClaimNumber) Decide(s Numbering) ([]Event, error) {
	if _, there := s.Claims[c.For]; there {
		return nil, nil
	}
	return []Event{NumberClaimed{Series: c.Series, Number: max(s.Next, 1), For: c.For}}, nil
}
