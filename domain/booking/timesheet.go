package booking

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// LongestBreak is the longest unpaid break within one job; hours after a longer one are a job of their own (LL-124).
const LongestBreak = 4 * time.Hour

// maxBlocks limits one timesheet; the portal's grid has seven rows and grows (LL-121).
const maxBlocks = 50

// The names of the commands about the hours worked (D-09).
func (SubmitTimesheet) Name() string  { return "submit-timesheet" }
func (AcceptTimesheet) Name() string  { return "accept-timesheet" }
func (DisputeTimesheet) Name() string { return "dispute-timesheet" }

// Decide is one side saying which hours were worked, without unpaid breaks (LL-88, LL-93, LL-123). Either side may begin (D-09).
//
//	given  assigned and begun, or ongoing and disputed
//	when   SubmitTimesheet{customer, 09:00–10:00, 10:30–11:00}
//	then   TimesheetSubmitted, 90 minutes worked; the job is ongoing until the other side accepts
//	again  nothing
//	error  wrong-status; invalid: blocks that overlap, run backwards or lie ahead, no such document; break-too-long, with the command that
//	       continues (LL-124)
func (c SubmitTimesheet) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	var f faults
	f.side(c.Side)
	blocks := f.blocks(c.Blocks, j, env)
	incidentals := f.incidentals(c.Incidentals, env)
	f.documents(c.Documents, env)
	if j.Status == domain.Ongoing && len(f.list) == 0 && j.Timesheet.same(c.Side, blocks, incidentals, c.Documents) {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(notes(incidentals)); err != nil {
		return Decision{}, err
	}
	if i := longBreak(blocks); i > 0 {
		return Decision{}, breakTooLong(c.Blocks[i:])
	}
	d := decide(TimesheetSubmitted{
		Key: s.Key, Job: j.ID, Side: c.Side, Blocks: blocks, Incidentals: incidentals, Documents: c.Documents, Worked: worked(blocks),
	})
	d.Warnings = farFromBooked(j, blocks)
	return d, nil
}

func (c SubmitTimesheet) allowed(_ State, j Job, env Env) error {
	if err := standing(j, "hours are entered for an assigned job.", domain.Assigned, domain.Ongoing); err != nil {
		return err
	}
	if j.Status == domain.Ongoing && !j.Timesheet.Disputed {
		return wrongStatus(j, "its hours wait for the other side's answer.")
	}
	if !begun(j, env.Now) {
		return wrongStatus(j, "it has not begun yet.")
	}
	return nil
}

func (f *faults) side(s Side) {
	if s != CustomerSide && s != InterpreterSide {
		f.add("body.onBehalfOf", "Choose customer or interpreter.")
	}
}

// blocks reads the blocks worked: in order, not overlapping, each over by now.
func (f *faults) blocks(in []BlockIn, j Job, env Env) []Block {
	if len(in) == 0 || len(in) > maxBlocks {
		f.add("body.blocks", fmt.Sprintf("Send 1 to %d blocks.", maxBlocks))
		return nil
	}
	blocks := make([]Block, 0, len(in))
	zone := j.Schedule.Start.Zone
	for i, b := range in {
		at := fmt.Sprintf("body.blocks[%d]", i)
		start, ok := f.moment(at+".start", b.Start, zone)
		end, ok2 := f.moment(at+".end", b.End, zone)
		if !ok || !ok2 {
			continue
		}
		switch {
		case !end.Instant.After(start.Instant):
			f.add(at+".end", "The end must be later than the start.")
			continue
		case end.Instant.Sub(start.Instant) > 24*time.Hour:
			f.add(at+".end", "A block lasts at most 24 hours.")
		case end.Instant.After(env.Now):
			f.add(at+".end", "This time has not come yet.")
		}
		if n := len(blocks); n > 0 && start.Instant.Before(blocks[n-1].End.Instant) {
			f.add(at+".start", "Blocks must be in order and must not overlap.")
		}
		blocks = append(blocks, Block{Start: start, End: end})
	}
	return blocks
}

// longBreak is the index of the first block after a break longer than allowed, 0 if there is none. Exactly four hours are allowed.
func longBreak(blocks []Block) int {
	for i := 1; i < len(blocks); i++ {
		if blocks[i].Start.Instant.Sub(blocks[i-1].End.Instant) > LongestBreak {
			return i
		}
	}
	return 0
}

// breakTooLong refuses with the command that makes a job of the later blocks; the earlier ones are submitted first.
func breakTooLong(later []BlockIn) error {
	blocks := make([]map[string]any, len(later))
	for i, b := range later {
		blocks[i] = map[string]any{"start": b.Start, "end": b.End}
	}
	r := domain.Unprocessable("break-too-long", "A break of more than four hours needs a continuation: submit the earlier blocks, and continue with the later ones.")
	r.Errors = []domain.FieldError{{Location: "body.blocks", Message: "There are more than four hours between two blocks."}}
	r.Actions = []domain.Action{{Command: "continue", Body: map[string]any{"blocks": blocks}}}
	return r
}

// worked is the sum of the blocks in whole minutes of elapsed time, across clock changes too.
func worked(blocks []Block) int {
	var sum time.Duration
	for _, b := range blocks {
		sum += b.End.Instant.Sub(b.Start.Instant)
	}
	return int(sum / time.Minute)
}

// farFromBooked warns of hours that begin more than a day away from the booked or agreed time: a slip of the month, perhaps.
func farFromBooked(j Job, blocks []Block) []domain.Warning {
	start, end := j.Window()
	first, last := blocks[0].Start.Instant, blocks[len(blocks)-1].End.Instant
	if first.Before(start.Add(-24*time.Hour)) || last.After(end.Add(24*time.Hour)) {
		return []domain.Warning{{Location: "body.blocks", Code: "far-from-booked", Message: "These hours are more than a day away from the booked time. Please check them."}}
	}
	return nil
}

// incidentals reads further costs (II-79): a kind of the terms, with an amount, or a quantity where the terms have a unit price.
func (f *faults) incidentals(in []IncidentalIn, env Env) []Incidental {
	if len(in) > maxBlocks {
		f.add("body.incidentals", fmt.Sprintf("At most %d incidentals.", maxBlocks))
		return nil
	}
	needsAmount := env.Terms.IncidentalKinds()
	var list []Incidental
	for i, c := range in {
		at := fmt.Sprintf("body.incidentals[%d]", i)
		out := Incidental{Kind: c.Kind, Note: domain.Personal(f.text(at+".note", c.Note, false))}
		needs, known := needsAmount[c.Kind]
		if !known {
			f.add(at+".kind", "Choose a kind from the list.")
		}
		if c.Quantity != "" {
			q, err := domain.ParseHundredths(c.Quantity)
			if err != nil || q == 0 {
				f.add(at+".quantity", "Enter a quantity above 0 such as 12.5.")
			}
			out.Quantity = q
		}
		if c.Amount != nil {
			m, err := domain.ParseMoney(c.Amount.Amount, c.Amount.Currency)
			switch {
			case err != nil:
				f.add(at+".amount", "Enter an amount such as 4.50 and its currency.")
			case m.Currency != env.Terms.Currency:
				f.add(at+".amount", "The agreement is in another currency.")
			default:
				out.Amount = &m
			}
		}
		switch {
		case known && needs && c.Amount == nil:
			f.add(at+".amount", "This kind has no unit price: enter the amount.")
		case c.Quantity == "" && c.Amount == nil:
			f.add(at+".quantity", "Enter a quantity or an amount.")
		}
		list = append(list, out)
	}
	return list
}

// documents checks that every file is there.
func (f *faults) documents(ids []uuid.UUID, env Env) {
	for i, id := range ids {
		if !env.Documents[id] {
			f.add(fmt.Sprintf("body.documents[%d]", i), "There is no such document.")
		}
	}
}

func notes(list []Incidental) string {
	var b strings.Builder
	for _, i := range list {
		b.WriteString(i.Note.Reveal())
	}
	return b.String()
}

// same tells whether a submission repeats the one that waits for an answer.
func (t *Timesheet) same(side Side, blocks []Block, incidentals []Incidental, documents []uuid.UUID) bool {
	return t != nil && !t.Disputed && t.Side == side && slices.EqualFunc(t.Blocks, blocks, func(a, b Block) bool {
		return a.Start.Equal(b.Start) && a.End.Equal(b.End)
	}) && slices.EqualFunc(t.Incidentals, incidentals, func(a, b Incidental) bool {
		if (a.Amount == nil) != (b.Amount == nil) || a.Amount != nil && *a.Amount != *b.Amount {
			return false
		}
		return a.Kind == b.Kind && a.Quantity == b.Quantity && a.Note == b.Note
	}) && slices.Equal(t.Documents, documents)
}

// Decide is the other side's yes: the job is complete: success (LL-89, LL-94).
//
//	given  ongoing, submitted by the customer
//	when   AcceptTimesheet{interpreter}
//	then   TimesheetAccepted; the reservation is released
//	again  nothing
//	error  wrong-status: nothing waits for this side
func (c AcceptTimesheet) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	if j.Status == domain.Complete && j.Outcome == domain.Success && j.Timesheet != nil && c.Side != "" && j.Timesheet.Side != c.Side {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	var d Decision
	d.Events = []Event{TimesheetAccepted{
		Job: j.ID, Side: other(j.Timesheet.Side), Worked: j.Timesheet.Worked, Outcome: domain.Success, Reservation: d.free(j),
	}}
	return d, nil
}

func (c AcceptTimesheet) allowed(_ State, j Job, _ Env) error { return awaits(j, c.Side) }

// awaits tells whether submitted hours wait for this side; staff speak for the one that is asked.
func awaits(j Job, side Side) error {
	if err := standing(j, "no hours wait for an answer.", domain.Ongoing); err != nil {
		return err
	}
	if j.Timesheet.Side == side {
		return wrongStatus(j, "the side that entered the hours does not answer them.")
	}
	return nil
}

func other(s Side) Side {
	if s == CustomerSide {
		return InterpreterSide
	}
	return CustomerSide
}

// Decide is the other side's no, with the hours it says if it likes; the job stays ongoing and hours may be entered again (LL-94).
//
//	given  ongoing, submitted by the customer
//	when   DisputeTimesheet{interpreter, reason}
//	then   TimesheetDisputed
//	again  nothing
//	error  wrong-status: nothing waits for this side; invalid without a reason
func (c DisputeTimesheet) Decide(s State, env Env) (Decision, error) {
	j, err := s.find(c.Job)
	if err != nil {
		return Decision{}, err
	}
	if j.Status == domain.Ongoing && j.Timesheet.Disputed && j.Timesheet.Side != c.Side {
		return Decision{}, nil
	}
	if err := c.allowed(s, j, env); err != nil {
		return Decision{}, err
	}
	var f faults
	reason := f.text("body.reason", c.Reason, true)
	var blocks []Block
	if len(c.Blocks) > 0 {
		blocks = f.blocks(c.Blocks, j, env)
	}
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	if err := s.keyless(reason); err != nil {
		return Decision{}, err
	}
	return decide(TimesheetDisputed{
		Key: s.Key, Job: j.ID, Side: other(j.Timesheet.Side), Reason: domain.Personal(reason), Blocks: blocks,
	}), nil
}

func (c DisputeTimesheet) allowed(s State, j Job, _ Env) error {
	if s.Erased {
		return errErased() // a dispute needs a reason, and that could not be sealed
	}
	if err := awaits(j, c.Side); err != nil {
		return err
	}
	if j.Timesheet.Disputed {
		return wrongStatus(j, "its hours are disputed already.")
	}
	return nil
}
