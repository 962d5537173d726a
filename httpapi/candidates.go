package httpapi

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/projections/candidates"
)

// coordinatesBody is a point in degrees.
type coordinatesBody struct {
	Lat float64 `json:"lat" doc:"Latitude, -90 to 90."`
	Lon float64 `json:"lon" doc:"Longitude, -180 to 180. Both 0: not known."`
}

func (b *coordinatesBody) point() *domain.Coordinates {
	if b == nil {
		return nil
	}
	return &domain.Coordinates{Lat: b.Lat, Lon: b.Lon}
}

func (b *coordinatesBody) orUnknown() domain.Coordinates {
	if b == nil {
		return domain.Coordinates{}
	}
	return domain.Coordinates{Lat: b.Lat, Lon: b.Lon}
}

// coordinatesOf is a point as it is answered, null if not known.
func coordinatesOf(c domain.Coordinates) *coordinatesBody {
	if c.IsZero() {
		return nil
	}
	return &coordinatesBody{c.Lat, c.Lon}
}

// CandidateItem is an interpreter and why this one is a candidate for a job, or is not.
type CandidateItem struct {
	Interpreter   uuid.UUID        `json:"interpreter"`
	LIN           string           `json:"lin"`
	Name          string           `json:"name,omitempty" doc:"In lists."`
	Rank          *int             `json:"rank" doc:"1 is the first; null: no candidate, or asked for alone."`
	Eligible      bool             `json:"eligible"`
	Language      string           `json:"language" doc:"Which of the wanted languages would be spoken; empty: none."`
	Start         time.Time        `json:"start" doc:"The requested start, or one that the flexibility covers."`
	Shifted       bool             `json:"shifted"`
	Remote        bool             `json:"remote" doc:"In person was asked for, and remote would do."`
	TravelMinutes *int             `json:"travelMinutes" doc:"Null: not known."`
	WeekMinutes   int              `json:"weekMinutes" doc:"Of other jobs in the job's week."`
	Overridable   bool             `json:"overridable" doc:"No candidate, but may be offered or assigned the job with a reason."`
	Reasons       []domain.Because `json:"reasons" doc:"Which rules speak for and against, in plain words, as far as you may read them."`
}

func candidateOf(v access.Viewer, s commands.Search, found matching.Verdict) CandidateItem {
	out := CandidateItem{Interpreter: found.Worker.ID, LIN: found.Worker.LIN, Eligible: found.Eligible, Language: found.Language, Start: found.Start.In(),
		Shifted: found.Shifted, Remote: found.Remote, WeekMinutes: found.Week, Overridable: found.Overridable(), Reasons: s.Trace(v, found)}
	if found.Known {
		out.TravelMinutes = &found.Minutes
	}
	return out
}

type candidatesAnswer struct {
	List[CandidateItem]
	Eligible int `json:"eligible" doc:"How many candidates there are in all."`
}

func (a *API) candidates() {
	type ofCandidates struct {
		OfJob
		Paging
		Only string `query:"only" enum:"eligible,others" doc:"Candidates alone, or those who are none. Default: candidates first, then the others."`
	}
	get(a, "/jobs/{ref}/candidates", "Who could do the job, in order, and why; then who could not, and why (LL-34, N-04)", candidates.Models,
		func(ctx context.Context, v access.Viewer, in *ofCandidates) (candidatesAnswer, error) {
			search, err := a.commands.Search(ctx, v, in.Ref)
			if err != nil {
				return candidatesAnswer{}, err
			}
			page, err := a.Queries.Candidates.Rank(ctx, search.Job, search.World, search.Postcodes, in.Only, in.Offset, in.Limit)
			out := candidatesAnswer{List[CandidateItem]{Items: make([]CandidateItem, 0, len(page.Items)), Total: page.Total, Offset: in.Offset, Limit: in.Limit}, page.Eligible}
			for _, c := range page.Items {
				item := candidateOf(v, search, c.Verdict)
				item.Name = c.Name
				if c.Rank > 0 {
					item.Rank = &c.Rank
				}
				out.Items = append(out.Items, item)
			}
			return out, err
		})
	type oneCandidate struct {
		OfJob
		ID   uuid.UUID `path:"interpreter"`
		AsOf string    `query:"asOf" maxLength:"60" doc:"RFC 3339 instant, or a position as Dragoman-Position gave it: as it would have been said then."`
	}
	get(a, "/jobs/{ref}/candidates/{interpreter}", "Why an interpreter is a candidate for the job, or is not: now, or as of a moment (N-04)", []string{"refs"}, // what is read are the streams, which no model is ahead of
		func(ctx context.Context, v access.Viewer, in *oneCandidate) (CandidateItem, error) {
			moment, err := asOf(in.AsOf)
			if err != nil {
				return CandidateItem{}, err
			}
			search, found, err := a.commands.Candidate(ctx, v, in.Ref, in.ID, moment)
			if err != nil {
				return CandidateItem{}, err
			}
			return candidateOf(v, search, found), nil
		})
	get(a, "/jobs/{ref}/reasons", "Why the job's interpreters were offered it or given it, as was found then; interpreters read their own (N-04)", []string{"refs"},
		func(ctx context.Context, v access.Viewer, in *struct {
			OfJob
			Listing
		}) (List[reasonItem], error) {
			found, err := a.commands.Reasons(ctx, v, in.Ref)
			if err != nil {
				return List[reasonItem]{}, err
			}
			items := make([]reasonItem, len(found))
			for i, r := range found {
				items[i] = reasonItem{r.Interpreter, r.LIN, r.For, r.At.UTC(), r.Trace}
			}
			return partOf(&in.Listing, items)
		})
	a.postcodes()
}

// reasonItem is why an interpreter was chosen.
type reasonItem struct {
	Interpreter uuid.UUID        `json:"interpreter"`
	LIN         string           `json:"lin"`
	For         string           `json:"for" enum:"offer,assignment"`
	At          time.Time        `json:"at"`
	Reasons     []domain.Because `json:"reasons" doc:"Ways from a home in steps of 15 minutes; the custody clock is left out."`
}

func asOf(s string) (commands.AsOf, error) {
	if s == "" {
		return commands.AsOf{}, nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil && !at.IsZero() {
		return commands.AsOf{At: at}, nil
	}
	if at, err := parsePosition(s); err == nil && strings.Count(s, ".") == 1 && at != (eventschema.Position{}) {
		return commands.AsOf{Position: at}, nil
	}
	return commands.AsOf{}, domain.Invalid(domain.FieldError{Location: "query.asOf",
		Message: "Send an RFC 3339 instant such as 2026-12-01T10:00:00Z, or a position as an answer's Dragoman-Position gave it."})
}

type postcodesBody struct {
	CSV    string `json:"csv" doc:"Three columns: postcode, sector or outward code; latitude; longitude. A first line may name them."`
	Source string `json:"source,omitempty" maxLength:"200" doc:"Where you have the table from."`
}

type postcodesAnswer struct {
	Version  int    `json:"version" doc:"0: none yet."`
	Codes    int    `json:"codes"`
	Source   string `json:"source"`
	Revision uint64 `json:"revision" doc:"The version, for If-Match."`
}

func (p postcodesAnswer) revision() uint64 { return p.Revision }

// postcodes is the table of where postcodes lie, from which ways are measured where no coordinates are given (M-03).
func (a *API) postcodes() {
	get(a, "/settings/postcodes", "The postcode table in use", []string{"refs"}, func(ctx context.Context, v access.Viewer, _ *Asking) (postcodesAnswer, error) {
		t, err := a.commands.Postcodes(ctx, v)
		return postcodesAnswer{t.Version, t.Len(), t.Source, uint64(t.Version)}, err
	})
	putting(a, "/settings/postcodes", "import-postcodes", "Replace the postcode table, whole; at most 20,000 codes", access.ManageSettings,
		func(ctx context.Context, r commands.Request, b postcodesBody) (commands.Changed, error) {
			return a.commands.ImportPostcodes(ctx, r, people.ImportPostcodes{CSV: b.CSV, Source: b.Source})
		})
}
