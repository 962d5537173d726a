package web

import (
	"context"
	"net/http"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// hoursPage is what an interpreter has to do about hours, and what others have (LL-93, LL-94).
type hoursPage struct {
	Check   []hoursCard // entered by the customer: accept or dispute
	Answer  []hoursCard // entered by the interpreter and disputed
	Enter   []hoursCard // the job is over, nobody has entered hours
	Waiting []hoursCard // entered and with the customer or the agency
}

// hoursCard is a job with the hours that were entered last.
type hoursCard struct {
	jobs.Item
	Sheet *jobs.Timesheet
}

// hours is the page of an interpreter's timesheets.
func (p *Portal) hours(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), viewer(r.Context())
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return err
	}
	mine, err := p.Queries.Jobs.WaitingForMe(ctx, v, jobs.Filter{Limit: 500})
	if err != nil {
		return err
	}
	var page hoursPage
	seen := map[string]bool{}
	for _, waiting := range mine.Items {
		switch waiting.Status {
		case "assigned":
			page.Enter = append(page.Enter, hoursCard{Item: waiting.Item})
		case "ongoing":
			card, err := p.hoursCard(ctx, waiting.Item)
			if err != nil {
				return err
			}
			seen[card.Ref] = true
			if card.Sheet != nil && card.Sheet.State == "disputed" {
				page.Answer = append(page.Answer, card)
			} else {
				page.Check = append(page.Check, card)
			}
		}
	}
	running, err := p.Queries.Jobs.List(ctx, v, jobs.Filter{List: jobs.InProgress, Interpreter: v.Interpreter, Limit: mostUpcoming})
	if err != nil {
		return err
	}
	for _, item := range running.Items {
		if seen[item.Ref] {
			continue
		}
		card, err := p.hoursCard(ctx, item)
		if err != nil {
			return err
		}
		page.Waiting = append(page.Waiting, card)
	}
	return p.render(w, r, http.StatusOK, "timesheets", "hours.title", page)
}

func (p *Portal) hoursCard(ctx context.Context, item jobs.Item) (hoursCard, error) {
	d, err := p.Queries.Jobs.Get(ctx, viewer(ctx), item.Ref)
	if err != nil {
		return hoursCard{}, err
	}
	card := hoursCard{Item: item}
	if n := len(d.Timesheets); n > 0 {
		card.Sheet = &d.Timesheets[n-1]
	}
	return card, nil
}

// Worked are minutes that were entered.
func (c hoursCard) Worked() int {
	if c.Sheet == nil {
		return 0
	}
	return c.Sheet.WorkedMinutes
}

// Town is town and outward postcode.
func (c hoursCard) Town() string { return townOf(c.Item) }
