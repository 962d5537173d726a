package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	readaccess "github.com/dragoman-booking/dragoman/projections/access"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

type feedBody struct {
	Level string `json:"level,omitempty" doc:"What it tells: busy (times), place (also town and outward postcode) or full (also language, address, job reference)."`
}

// FeedItem is a calendar feed as its owner sees it, without its secret.
type FeedItem struct {
	ID        uuid.UUID  `json:"id"`
	Level     string     `json:"level"`
	CreatedAt time.Time  `json:"createdAt"`
	FetchedAt *time.Time `json:"fetchedAt" doc:"When a calendar read it last."`
	Fetches   int64      `json:"fetches"`
}

type newFeed struct {
	FeedItem
	Address string `json:"address" doc:"The secret address, relative to this server. It is told to this request alone: a repeat under the same Idempotency-Key answers the same."`
}

func feedOf(f accounts.Feed) FeedItem {
	return FeedItem{f.ID, f.Level, f.CreatedAt, f.FetchedAt, f.Fetches}
}

// FeedPath is the path of a feed's secret address.
func FeedPath(secret string) string { return "/api/v1/feeds/" + secret + ".ics" }

// feedError is an error of the accounts as an answer.
func feedError(err error) error {
	switch {
	case errors.Is(err, accounts.ErrNoFeed):
		return notFound()
	case errors.Is(err, accounts.ErrTooManyFeeds):
		return domain.Unprocessable("too-many-feeds", "You have as many feeds as one may have. Remove one that you do not use.")
	case errors.Is(err, accounts.ErrOtherFeed):
		return domain.Unprocessable("idempotency-key-reused", "This Idempotency-Key was used for another request.")
	}
	return err
}

func (a *API) feeds() {
	type made struct {
		Location string `header:"Location"`
		Body     newFeed
	}
	asks := func(method, path, summary string, status int) huma.Operation {
		op := a.mayManage(a.operation(method, path, summary, status), access.ReadOwnOffers)
		a.orders[op.OperationID] = false
		return op
	}
	huma.Register(a.huma, asks(http.MethodPost, "/me/feeds", "Make a calendar feed of my assigned jobs; its secret address is shown once (M-25)", http.StatusCreated),
		func(ctx context.Context, in *order[feedBody]) (*made, error) {
			if err := access.MayManage(viewer(ctx), access.ReadOwnOffers); err != nil {
				return nil, a.answerTo(ctx, err)
			}
			if err := foreseen(ctx); err != nil {
				return nil, err
			}
			if !slices.Contains(jobs.FeedLevels, in.Body.Level) {
				return nil, a.answerTo(ctx, domain.Invalid(domain.FieldError{Location: "body.level", Message: "Choose busy, place or full."}))
			}
			req, err := a.request(ctx, "make-feed", in.Ordering, in.RawBody)
			if err != nil {
				return nil, a.answerTo(ctx, err)
			}
			id, secret := a.commands.Secret("feed", req)
			f, err := a.accounts.CreateFeed(ctx, viewer(ctx).User, id, secret, in.Body.Level)
			if err != nil {
				return nil, a.answerTo(ctx, feedError(err))
			}
			return &made{FeedPath(secret), newFeed{feedOf(f), FeedPath(secret)}}, nil
		})
	get(a, "/me/feeds", "My calendar feeds (M-25)", nil, func(ctx context.Context, v access.Viewer, in *Listing) (List[FeedItem], error) {
		if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
			return List[FeedItem]{}, err
		}
		mine, err := a.accounts.Feeds(ctx, v.User)
		if err != nil {
			return List[FeedItem]{}, err
		}
		items := make([]FeedItem, 0, len(mine))
		for _, f := range mine {
			items = append(items, feedOf(f))
		}
		return partOf(in, items)
	})
	huma.Register(a.huma, asks(http.MethodDelete, "/me/feeds/{id}", "Revoke a calendar feed: its address opens nothing any more", http.StatusNoContent),
		func(ctx context.Context, in *struct {
			ID uuid.UUID `path:"id"`
		}) (*struct{}, error) {
			v := viewer(ctx)
			if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
				return nil, a.answerTo(ctx, err)
			}
			if no := foreseen(ctx); no != nil {
				mine, err := a.accounts.Feeds(ctx, v.User)
				if err == nil && !slices.ContainsFunc(mine, func(f accounts.Feed) bool { return f.ID == in.ID }) {
					err = notFound()
				}
				if err != nil {
					return nil, a.answerTo(ctx, err)
				}
				return nil, no
			}
			return nil, a.answerTo(ctx, feedError(a.accounts.RevokeFeed(ctx, v.User, in.ID)))
		})
	a.feed()
}

// foreseen refuses to preview what is no command of the log: whoever asks for that must not find it done.
func foreseen(ctx context.Context) error {
	if preview, _ := ctx.Value(previewKey).(bool); preview {
		return notPreviewed("This cannot be previewed. Nothing was done.")
	}
	return nil
}

// feed is the address that calendars read: whoever knows the secret reads it, signed in or not.
func (a *API) feed() {
	op := a.operation(http.MethodGet, "/feeds/{secret}.ics", "A calendar feed (iCalendar, RFC 5545); no sign-in (M-25)", http.StatusOK)
	op.Middlewares, op.Security = nil, []map[string][]string{}
	op.Errors = []int{404, 500, 503}
	op.Responses = map[string]*huma.Response{
		"200": {Description: "The calendar.", Content: map[string]*huma.MediaType{calendarType: {Schema: &huma.Schema{Type: huma.TypeString}}}},
		"304": {Description: "It is as it was under this ETag."},
	}
	type calendar struct {
		Status       int
		ContentType  string `header:"Content-Type"`
		ETag         string `header:"ETag"`
		CacheControl string `header:"Cache-Control"`
		Body         []byte
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *struct {
		Secret string `path:"secret" maxLength:"100"`
		Match  string `header:"If-None-Match"`
	}) (*calendar, error) {
		body, err := a.calendarOf(ctx, in.Secret)
		if err != nil {
			return nil, a.answerTo(ctx, err)
		}
		sum := sha256.Sum256(body)
		out := &calendar{Status: http.StatusOK, ETag: strconv.Quote(base64.RawURLEncoding.EncodeToString(sum[:16])), CacheControl: "private, no-cache"}
		if slices.Contains(strings.FieldsFunc(in.Match, func(r rune) bool { return r == ',' || r == ' ' }), out.ETag) {
			out.Status = http.StatusNotModified
			return out, nil
		}
		out.ContentType, out.Body = calendarType, body
		return out, nil
	})
}

const calendarType = "text/calendar; charset=utf-8"

// calendarOf is the calendar that a secret opens. Every fetch is noted and logged, the secret never.
func (a *API) calendarOf(ctx context.Context, secret string) ([]byte, error) {
	user, level, err := a.accounts.FetchFeed(ctx, secret)
	if err != nil {
		return nil, feedError(err)
	}
	v, err := a.viewers.Viewer(ctx, user, a.now())
	switch {
	case errors.Is(err, readaccess.ErrUnknownUser), errors.Is(err, readaccess.ErrDisabled), err == nil && v.Role != domain.Interpreter:
		return nil, notFound()
	case err != nil:
		return nil, err
	}
	items, err := a.Queries.Jobs.Feed(ctx, v, level)
	if err != nil {
		return nil, err
	}
	return []byte(iCalendar(items, level)), nil
}

// iCalendar writes a feed as RFC 5545 has it. It holds no moment but those of the events, so that the same jobs are the same bytes.
func iCalendar(items []jobs.FeedItem, level string) string {
	c := ics.NewCalendar()
	c.SetProductId("-//Dragoman//Assigned jobs//EN")
	c.SetMethod(ics.MethodPublish)
	c.SetName("Assigned jobs")
	c.SetXWRCalName("Assigned jobs")
	c.SetRefreshInterval("PT15M")
	c.SetXPublishedTTL("PT15M")
	for _, i := range items {
		e := c.AddEvent(i.UID.String() + "@dragoman")
		e.SetSequence(int(i.Sequence))
		e.SetDtStampTime(i.StampedAt.UTC())
		e.SetModifiedAt(i.StampedAt.UTC())
		e.SetStartAt(i.Start.UTC())
		e.SetEndAt(i.End.UTC())
		e.SetClass(ics.ClassificationPrivate)
		e.SetStatus(ics.ObjectStatusConfirmed)
		e.SetTimeTransparency(ics.TransparencyOpaque)
		if i.Cancelled {
			e.SetStatus(ics.ObjectStatusCancelled)
			e.SetTimeTransparency(ics.TransparencyTransparent)
		}
		told(e, i, level)
	}
	return c.Serialize()
}

// oneLine is a text without line breaks and other control characters, which a property of a calendar must not hold.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, unicode.IsControl), " ")
}

// told writes what the level tells besides the time.
func told(e *ics.VEvent, i jobs.FeedItem, level string) {
	place := strings.TrimSpace(oneLine(i.Town + " " + i.Outward))
	switch {
	case i.Cancelled:
		e.SetSummary("Cancelled")
	case level == jobs.FeedFull:
		e.SetSummary(oneLine(i.Language + ", " + i.Ref))
		if place = oneLine(i.Address); i.Remote {
			place = "Remote"
		}
		e.SetLocation(place)
	case level == jobs.FeedPlace:
		if i.Remote {
			place = "Remote"
		}
		e.SetSummary("Assignment: " + place)
		e.SetLocation(place)
	default:
		e.SetSummary("Busy")
	}
}
