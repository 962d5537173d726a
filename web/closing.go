package web

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// closing is when a customer's windows to change and to cancel a job close (M-06). The server counts: pages ask for it anew.
type closing struct {
	Edit, Cancel countdown
	Frozen       booking.Frozen // what the viewer cannot change
}

// countdown is one window of a customer's user who could use it.
type countdown struct {
	Until time.Time // zero: there is no window, or it is not the viewer's
	Left  string    // how long it is still open; empty: it has closed
}

// Over tells whether there was a window and it has closed.
func (c countdown) Over() bool { return !c.Until.IsZero() && c.Left == "" }

// closing are the windows as the viewer's page counts them down: those of a customer's user who has the permission.
func (p *Portal) closing(ctx context.Context, page jobPage, now commands.Standing) closing {
	v := viewer(ctx)
	out := closing{Frozen: now.Frozen}
	if page.MayCancel {
		out.Cancel = p.countdown(ctx, now.CancelUntil, page.Can["cancel"])
	}
	live := page.Status == domain.Requested || page.Status == domain.New || page.Status == domain.Assigned
	if v.OfCustomer() && v.May(domain.MayEdit) && live {
		out.Edit = p.countdown(ctx, now.EditUntil, page.Can["edit"])
	}
	return out
}

// windowToBook tells a customer's user until when jobs may be booked here, and how long the start that was typed may be (II-71).
func (p *Portal) windowToBook(ctx context.Context, page *bookPage, lists entryLists, values url.Values) error {
	if !viewer(ctx).OfCustomer() {
		return nil
	}
	agency, err := p.agency(ctx)
	if err != nil {
		return err
	}
	rule := people.Window(agency.Settings, page.Customer.Settings, windows.Create)
	if rule.Off {
		return nil
	}
	page.Rule = p.in(ctx).rule(rule)
	nation := ""
	for _, l := range lists.places {
		if l.ID.String() == values.Get("location") {
			nation = l.Nation
		}
	}
	start, err := domain.ParseMoment(lists.momentIn(values, "start"), lists.zoneAt(values))
	if err != nil {
		return nil // nothing is typed yet, or the form says what is wrong with it
	}
	w := rule.Apply(windows.Create, start, windows.With(agency.Settings.Holidays), windows.Nation(nation, page.Customer.Settings.Nation))
	page.Window = p.countdown(ctx, w.Until.In(start.In().Location()), w.Open(viewer(ctx).Now))
	return nil
}

// rule is a window in words.
func (s *tongue) rule(r windows.Rule) string {
	switch {
	case r.Off:
		return s.say("window.off")
	case r.Unit == windows.DayBefore:
		return s.say(fmt.Sprintf("window.%s-%t", r.Unit, r.Inclusive), r.By)
	}
	span := s.count("span.hour", r.Span)
	if r.Unit == windows.WorkingDays {
		span = s.count("window.day", r.Span)
	}
	return s.say(fmt.Sprintf("window.%s-%t", r.Unit, r.Inclusive), span)
}

// countdown is a window that is open or not, as the decider says: at its very end that is the rule's to tell.
func (p *Portal) countdown(ctx context.Context, until time.Time, open bool) countdown {
	c := countdown{Until: until}
	if !until.IsZero() && open {
		c.Left = p.in(ctx).span(max(0, until.Sub(viewer(ctx).Now)))
	}
	return c
}
