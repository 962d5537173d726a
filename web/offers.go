package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// offersPage is an interpreter's own offers: those to answer, those that another interpreter holds, those that wait for the agency, and how the
// others ended.
type offersPage struct {
	Open    []offerCard
	More    int // to answer besides, once some of these are answered
	Taken   []offerCard
	Held    []offerCard
	Ended   []jobs.Offer
	Pager   pager
	Reasons []string        // the agency's for declining: offered, not demanded
	Refusal *domain.Refusal // of an answer to an offer that is not open any more
}

// offerCard is an offer that stands, with what the interpreter may know of its job.
type offerCard struct {
	jobs.Offer
	Job                   jobs.Detail
	Language              string // its name
	Rows                  []row  // flexibility and notes
	CanAccept, CanDecline bool
	Left                  string // how long it still stands; empty: until the job begins
	Sign                  string // what was offered
	Sent                  url.Values
	Refusal               *domain.Refusal
}

const (
	mostOpenOffers = 30  // on one page: each is read by itself
	mostOffers     = 500 // looked at; older ones are found by their jobs
)

// offers is the page of an interpreter's offers.
func (p *Portal) offers(w http.ResponseWriter, r *http.Request) error {
	return p.showOffers(w, r, http.StatusOK, asked{})
}

func (p *Portal) showOffers(w http.ResponseWriter, r *http.Request, status int, a asked) error {
	ctx, v := r.Context(), viewer(r.Context())
	found, err := p.Queries.Jobs.Offers(ctx, v, projections.ListQuery{Limit: mostOffers})
	if err != nil {
		return err
	}
	agency, err := p.agency(ctx)
	if err != nil {
		return err
	}
	var page offersPage
	names := words{p.in(r.Context()), agency.Settings.Languages}
	for _, reason := range agency.Settings.Reasons[people.ReasonDecline] {
		page.Reasons = append(page.Reasons, reason.Label)
	}
	var open, held []jobs.Offer
	for _, o := range found.Items {
		switch o.State {
		case "open":
			open = append(open, o)
		case "accepted":
			held = append(held, o)
		default:
			page.Ended = append(page.Ended, o)
		}
	}
	for _, list := range [][]jobs.Offer{open, held} {
		slices.SortStableFunc(list, func(a, b jobs.Offer) int { return a.Start.Compare(b.Start) })
	}
	if len(open) > mostOpenOffers {
		page.More = len(open) - mostOpenOffers
		open = open[:mostOpenOffers]
	}
	cards, err := p.offerCards(ctx, open, names)
	if err != nil {
		return err
	}
	for _, c := range cards {
		if c.CanAccept {
			page.Open = append(page.Open, c)
		} else { // another interpreter holds the job: it cannot be had now
			page.Taken = append(page.Taken, c)
		}
	}
	if page.Held, err = p.offerCards(ctx, held, names); err != nil {
		return err
	}
	page.answered(a)
	n := pageNumber(r.URL.Query())
	total := len(page.Ended)
	first := min((n-1)*pageSize, total)
	page.Ended = page.Ended[first:min(first+pageSize, total)]
	page.Pager = pageOf("/offers", url.Values{}, n, len(page.Ended), total)
	return p.render(w, r, status, "offers", "offers.title", page)
}

// answered puts a refused answer to the offer that it was about, or above all offers if that one is not open any more.
func (page *offersPage) answered(a asked) {
	if a.Refusal == nil {
		return
	}
	for _, cards := range [][]offerCard{page.Open, page.Taken, page.Held} {
		for i := range cards {
			if cards[i].Ref == a.Ref {
				cards[i].Sent, cards[i].Refusal = a.Sent, a.Refusal
				return
			}
		}
	}
	page.Refusal = a.Refusal
}

func (p *Portal) offerCards(ctx context.Context, offers []jobs.Offer, names words) ([]offerCard, error) {
	v := viewer(ctx)
	cards := make([]offerCard, 0, len(offers))
	for _, o := range offers {
		d, err := p.Queries.Jobs.Get(ctx, v, o.Ref)
		if err != nil {
			return nil, err
		}
		rows, err := p.rowsOf(ctx, d, "flexibility", "assignmentType", "reasonForBooking", "skills", "platform", "jobNotes", "additionalRequirements")
		if err != nil {
			return nil, err
		}
		can, err := p.Commands.Actions(ctx, v, o.Ref)
		if err != nil {
			return nil, err
		}
		cards = append(cards, offerCard{Offer: o, Job: d, Language: names.language(o.Language), Rows: rows, Sign: signOf(o), Left: left(p.in(ctx), o.ExpiresAt, v.Now), Sent: url.Values{},
			CanAccept: slices.Contains(can, "accept-offer"), CanDecline: slices.Contains(can, "decline-offer")})
	}
	return cards, nil
}

// rowsOf are the values of some of the form's fields, in this order, as far as the viewer reads them and they hold something.
func (p *Portal) rowsOf(ctx context.Context, d jobs.Detail, keys ...string) ([]row, error) {
	form, err := p.Queries.Settings.Booked(ctx, d.Customer.ID, d.Form, d.FormVersion, d.Fields)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, key := range keys {
		field, known := form.Field(key)
		value, there := d.Fields[key]
		if !known || !there || field.Core {
			continue
		}
		if r := fieldRow(field, value, d.TimeZone); len(r.Lines) > 0 {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// signOf stands for what an offer says. An answer carries it, so that nobody accepts another offer than the one that was shown.
func signOf(o jobs.Offer) string {
	return fmt.Sprintf("%d/%d/%d/%s", o.SentAt.UnixNano(), o.Start.Unix(), o.DurationMinutes, o.Fee)
}

// answerOffer accepts or declines the viewer's own offer. What happens to the job meanwhile does not concern the interpreter, as long as the
// offer is the one that was shown: then the answer is sent again on the job as it stands.
func (p *Portal) answerOffer(command string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ref := strings.ToUpper(chi.URLParam(r, "ref"))
		req, err := p.request(r, command)
		if err != nil {
			return err
		}
		if err := access.MayManage(req.Viewer, access.ReadOwnOffers); err != nil {
			return err
		}
		answer, err := p.sendAnswer(r.Context(), req, ref, r.PostForm)
		if no := refusal(err); no != nil {
			return p.showOffers(w, r, no.Status, asked{Ref: ref, Sent: r.PostForm, Refusal: no})
		}
		if err != nil {
			return err
		}
		key := "offer-accepted"
		if command == "decline-offer" {
			key = "offer-declined"
		}
		return p.done(w, r, "/offers", key, answer.Position)
	}
}

// answerTries is how often an answer is sent again because something else happened to the job at the same moment.
const answerTries = 3

func (p *Portal) sendAnswer(ctx context.Context, req commands.Request, ref string, f url.Values) (commands.JobAnswer, error) {
	for try := 1; ; try++ {
		answer, err := p.Commands.Job(ctx, req, ref, func(job booking.Job) (booking.Command, error) {
			return actions[req.Name].build(req.Viewer, job.ID, f)
		})
		no := refusal(err)
		if no == nil || no.Status != http.StatusPreconditionFailed || req.IfMatch == nil {
			return answer, err
		}
		d, revision, err := fresh(ctx, *req.IfMatch, p.jobNow(ctx, ref))
		if err != nil {
			return answer, err
		}
		same := slices.ContainsFunc(d.Offers, func(o jobs.Offer) bool {
			return signOf(o) == f.Get("offer") && (o.State == "open" || o.State == "accepted")
		})
		if !same || try == answerTries {
			// What the others did to the job is not the interpreter's to know.
			return answer, &domain.Refusal{Code: "offer-changed", Status: http.StatusPreconditionFailed, Detail: p.in(ctx).say("offers.changed")}
		}
		req.IfMatch = &revision
	}
}

// Town is where the job is, as far as it may be known before the assignment.
func (c offerCard) Town() string { return townOf(c.Job.Item) }

// townOf is town and outward postcode.
func townOf(i jobs.Item) string {
	return strings.TrimSpace(i.Town + " " + i.Outward)
}

// Begins is when the job would begin: as the offer proposes, else as asked for.
func (c offerCard) Begins() time.Time {
	if !c.ProposedStart.IsZero() {
		return c.ProposedStart
	}
	return c.Start
}

// Ends is when it would be over.
func (c offerCard) Ends() time.Time {
	return c.Begins().Add(time.Duration(c.DurationMinutes) * time.Minute)
}

// left says how long something still stands; empty: it has no end, or that has come.
func left(s *tongue, until, now time.Time) string {
	if !until.After(now) {
		return ""
	}
	return s.span(until.Sub(now))
}
