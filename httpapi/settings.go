package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

type settingsAnswer struct {
	Version  int    `json:"version"`
	Revision uint64 `json:"revision" doc:"The version, for If-Match."`
	people.AgencySettings
}

func (s settingsAnswer) revision() uint64 { return s.Revision }

type agencyBody struct {
	Name            *string                     `json:"name,omitempty" maxLength:"200"`
	TimeZone        *string                     `json:"timeZone,omitempty"`
	Currency        *string                     `json:"currency,omitempty"`
	Contact         *people.Contact             `json:"contact,omitempty"`
	StatusLabels    *map[string]string          `json:"statusLabels,omitempty"`
	Texts           *map[string]string          `json:"texts,omitempty"`
	Languages       *[]people.Language          `json:"languages,omitempty"`
	Reasons         *map[string][]people.Option `json:"reasons,omitempty"`
	CancelHours     *int                        `json:"cancelHours,omitempty"`
	CancelInclusive *bool                       `json:"cancelInclusive,omitempty"`
	AutoAssign      *bool                       `json:"autoAssign,omitempty" doc:"An acceptance assigns the job, if nothing speaks against it."`
	AutoOffer       *bool                       `json:"autoOffer,omitempty" doc:"Offers go out in waves by themselves, as /settings/waves says."`
	OfferHours      *int                        `json:"offerHours,omitempty"`
	Notices         *[]people.Notice            `json:"notices,omitempty"`
	Splash          *string                     `json:"splash,omitempty"`
	Look            *people.Look                `json:"look,omitempty"`
	Travel          *people.Travel              `json:"travel,omitempty" doc:"How ways are measured: km as the crow flies times a factor, at one speed."`
	UndoMinutes     *int                        `json:"undoMinutes,omitempty" doc:"How long a change of related jobs may be taken back; 0: not at all."`
}

type numberingBody struct {
	Series string `json:"series" enum:"job,invoice"`
	Next   int64  `json:"next" minimum:"1"`
}

type noticesBody struct {
	Notices *[]people.Notice `json:"notices,omitempty"`
	Splash  *string          `json:"splash,omitempty" doc:"Empty takes it away."`
}

type noticesAnswer struct {
	List[people.Notice]
	Splash   string `json:"splash,omitempty"`
	Revision uint64 `json:"revision" doc:"Of the agency's settings, for If-Match."`
}

func (n noticesAnswer) revision() uint64 { return n.Revision }

// putting registers a PUT without an id; it answers 204.
func putting[B any](a *API, path, name, summary string, area access.Area, run func(ctx context.Context, r commands.Request, body B) (commands.Changed, error)) {
	huma.Register(a.huma, a.mayManage(a.operation(http.MethodPut, path, summary, http.StatusNoContent), area),
		func(ctx context.Context, in *order[B]) (*doneAnswer, error) {
			req, err := a.request(ctx, name, in.Ordering, in.RawBody)
			if err != nil {
				return nil, a.wrong(ctx, err)
			}
			done, err := run(ctx, req, in.Body)
			if err != nil {
				return nil, a.answerTo(ctx, err)
			}
			return doneAt(done.Position, done.Revision), nil
		})
}

func (a *API) settings() {
	q := a.Queries.Settings
	models := []string{settings.Name}
	get(a, "/settings", "What the agency set", models, func(ctx context.Context, v access.Viewer, _ *Asking) (settingsAnswer, error) {
		s, err := q.Settings(ctx, v)
		return settingsAnswer{s.Version, uint64(s.Version), s.Settings}, err
	})
	putting(a, "/settings/agency", "change-settings", "Change the agency's settings; what is left out stays", access.ManageSettings,
		func(ctx context.Context, r commands.Request, b agencyBody) (commands.Changed, error) {
			return a.commands.ChangeSettings(ctx, r, people.ChangeAgency(b))
		})
	putting(a, "/settings/notices", "post-notices", "Set the notices at the head of the dashboard, whole, and the splash above them (II-19, II-20)", access.PostNotices,
		func(ctx context.Context, r commands.Request, b noticesBody) (commands.Changed, error) {
			return a.commands.PostNotices(ctx, r, people.PostNotices(b))
		})
	get(a, "/notices", "The agency's messages to me, and the splash above them (II-19, II-20)", models, func(ctx context.Context, v access.Viewer, in *Listing) (noticesAnswer, error) {
		found, err := q.Notices(ctx, v)
		if err != nil {
			return noticesAnswer{}, err
		}
		page, err := partOf(in, found.Notices)
		return noticesAnswer{page, found.Splash, uint64(found.Version)}, err
	})
	putting(a, "/settings/numbering", "set-numbering", "Set a series' next number; every block drawn ahead is void (D-12)", access.ManageNumbering,
		func(ctx context.Context, r commands.Request, b numberingBody) (commands.Changed, error) {
			return a.commands.SetNextNumber(ctx, r, b.Series, b.Next)
		})
	get(a, "/languages", "The languages that the agency supplies, with their tier (LL-73)", models,
		func(ctx context.Context, _ access.Viewer, in *Listing) (List[people.Language], error) {
			s, err := q.Agency(ctx)
			if err != nil {
				return List[people.Language]{}, err
			}
			return partOf(in, s.Settings.Languages)
		})
	type kindOf struct {
		Listing
		Kind string `query:"kind" required:"true" enum:"cancel,unfulfilled,unassign,decline"`
	}
	get(a, "/reasons", "A list of reasons (II-84)", models, func(ctx context.Context, _ access.Viewer, in *kindOf) (List[people.Option], error) {
		s, err := q.Agency(ctx)
		if err != nil {
			return List[people.Option]{}, err
		}
		return partOf(&in.Listing, s.Settings.Reasons[in.Kind])
	})
	a.policies()
	a.waves()
	a.forms(q)
	a.preferences()
	a.erasures()
}

func (a *API) preferences() {
	get(a, "/me/preferences", "How I like the portal", nil, func(ctx context.Context, v access.Viewer, _ *struct{}) (json.RawMessage, error) {
		return a.accounts.Preferences(ctx, v.User)
	})
	type preferencesOrder struct {
		Body    map[string]any
		RawBody []byte
	}
	huma.Register(a.huma, a.unforeseen(a.operation(http.MethodPut, "/me/preferences", "Store how I like the portal, whole", http.StatusNoContent)),
		func(ctx context.Context, in *preferencesOrder) (*struct{}, error) {
			if faults := unstorable(in.RawBody); len(faults) > 0 {
				return nil, newError(http.StatusUnprocessableEntity, someWrong, faults...)
			}
			if len(in.RawBody) > 64<<10 {
				return nil, problem(http.StatusRequestEntityTooLarge, "too-large", "Preferences are at most 64 KiB.")
			}
			return nil, a.answerTo(ctx, a.accounts.SetPreferences(ctx, viewer(ctx).User, in.RawBody))
		})
}

type erasureBody struct {
	Booking     *uuid.UUID `json:"booking,omitempty"`
	Interpreter *uuid.UUID `json:"interpreter,omitempty"`
	User        *uuid.UUID `json:"user,omitempty"`
	Reason      string     `json:"reason,omitempty" maxLength:"100" doc:"A code such as request or retention; free text becomes other."`
}

func (a *API) erasures() {
	huma.Register(a.huma, a.mayManage(a.operation(http.MethodPost, "/erasures", "Erase a person: the keys are destroyed for ever", http.StatusNoContent), access.Erase),
		func(ctx context.Context, in *order[erasureBody]) (*doneAnswer, error) {
			req, err := a.request(ctx, "erase", in.Ordering, in.RawBody)
			if err != nil {
				return nil, a.wrong(ctx, err)
			}
			done, err := a.erase(ctx, req, in.Body)
			if err != nil {
				return nil, a.answerTo(ctx, err)
			}
			return doneAt(done.Position, done.Revision), nil
		})
}

func (a *API) erase(ctx context.Context, r commands.Request, b erasureBody) (commands.Changed, error) {
	if err := access.MayManage(r.Viewer, access.Erase); err != nil {
		return commands.Changed{}, err
	}
	switch {
	case b.Booking != nil && b.Interpreter == nil && b.User == nil:
		return a.commands.EraseBooking(ctx, r, *b.Booking, b.Reason)
	case b.Interpreter != nil && b.Booking == nil && b.User == nil:
		return a.commands.EraseInterpreter(ctx, r, *b.Interpreter, b.Reason)
	case b.User != nil && b.Booking == nil && b.Interpreter == nil:
		return a.commands.EraseUser(ctx, r, *b.User, b.Reason)
	}
	return commands.Changed{}, domain.Invalid(domain.FieldError{Location: "body", Message: "Name one booking, interpreter or user."})
}
