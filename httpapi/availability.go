package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

type workingTime struct {
	Day  string `json:"day,omitempty" doc:"mon, tue, wed, thu, fri, sat or sun."`
	From string `json:"from,omitempty" doc:"Such as 09:00."`
	To   string `json:"to,omitempty" doc:"Later the same day; 24:00 is its end."`
}

type awayTime struct {
	From string `json:"from,omitempty" doc:"A local time such as 2026-12-24T09:00, or a day, which means its begin."`
	To   string `json:"to,omitempty" doc:"Likewise; not part of the time."`
	Note string `json:"note,omitempty" maxLength:"200" doc:"For yourself."`
}

type availabilityBody struct {
	TimeZone    string        `json:"timeZone,omitempty" doc:"IANA name; default: the agency's."`
	Week        []workingTime `json:"week,omitempty" maxItems:"70" doc:"When work may come, every week; empty: at any time."`
	Unavailable []awayTime    `json:"unavailable,omitempty" maxItems:"300" doc:"Single times at which it may not."`
}

// availabilityAnswer has the shape of what is sent, so that it can be changed and sent back.
type availabilityAnswer struct {
	TimeZone    string        `json:"timeZone"`
	Week        []workingTime `json:"week"`
	Unavailable []awayTime    `json:"unavailable"`
	number      uint64
}

func (a availabilityAnswer) revision() uint64 { return a.number }

// warnedAnswer is the answer of a PUT: 204, or 200 with warnings.
type warnedAnswer struct {
	Status   int
	Position string `header:"Dragoman-Position"`
	ETag     string `header:"ETag"`
	Body     *warnedBody
}

type warnedBody struct {
	Warnings []domain.Warning `json:"warnings"`
}

func (a *API) availability() {
	get(a, "/me/availability", "When work may come to me (interpreters)", []string{readpeople.Name, settings.Name},
		func(ctx context.Context, v access.Viewer, _ *Asking) (availabilityAnswer, error) {
			if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
				return availabilityAnswer{}, err
			}
			said, revision, found, err := a.Queries.People.Availability(ctx, v)
			if err != nil {
				return availabilityAnswer{}, err
			}
			if !found {
				agency, err := a.Queries.Settings.Agency(ctx)
				return availabilityAnswer{TimeZone: agency.Settings.TimeZone, Week: []workingTime{}, Unavailable: []awayTime{}}, err
			}
			return availabilityOf(said, revision), nil
		})
	op := a.mayManage(a.operation(http.MethodPut, "/me/availability",
		"Say when work may come to me, whole; assigned jobs at other times stay, and warnings name them", http.StatusNoContent), access.ReadOwnOffers)
	op.Responses = map[string]*huma.Response{"200": {Description: "Done, with warnings.", Content: map[string]*huma.MediaType{
		"application/json": {Schema: huma.SchemaFromType(a.huma.OpenAPI().Components.Schemas, reflect.TypeFor[warnedBody]())}}},
		"204": {Description: "Done."}}
	huma.Register(a.huma, op, func(ctx context.Context, in *order[availabilityBody]) (*warnedAnswer, error) {
		req, err := a.request(ctx, "set-availability", in.Ordering, in.RawBody)
		if err != nil {
			return nil, a.wrong(ctx, err)
		}
		wish := people.SetAvailability{TimeZone: in.Body.TimeZone}
		for _, t := range in.Body.Week {
			wish.Week = append(wish.Week, people.WorkingTime(t))
		}
		for _, t := range in.Body.Unavailable {
			wish.Unavailable = append(wish.Unavailable, people.AwayIn(t))
		}
		done, err := a.commands.SetAvailability(ctx, req, wish)
		if err != nil {
			return nil, a.answerTo(ctx, err)
		}
		out := &warnedAnswer{Status: http.StatusNoContent, Position: position(done.Position), ETag: etag(done.Revision)}
		if len(done.Warnings) > 0 {
			out.Status, out.Body = http.StatusOK, &warnedBody{done.Warnings}
		}
		return out, nil
	})
}

func availabilityOf(a people.Availability, revision uint64) availabilityAnswer {
	out := availabilityAnswer{TimeZone: a.TimeZone, Week: make([]workingTime, len(a.Week)), Unavailable: make([]awayTime, len(a.Unavailable)), number: revision}
	for i, t := range a.Week {
		out.Week[i] = workingTime(t)
	}
	for i, t := range a.Unavailable {
		out.Unavailable[i] = awayTime{t.From.In().Format(time.RFC3339), t.To.In().Format(time.RFC3339), t.Note.Reveal()}
	}
	return out
}
