package settings

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
)

// Queries answers what is set. Forms, languages and reasons are for everyone who is signed in; the whole settings for admins and auditors.
type Queries struct{ Models *projections.Models }

// Agency is the settings in force and their version.
type Agency struct {
	Version  int
	Settings people.AgencySettings
}

// Agency answers the settings in force: for programs of ours, and for viewers who may read settings.
func (q Queries) Agency(ctx context.Context) (Agency, error) {
	a, _, err := projections.One(ctx, q.Models, pgx.RowToStructByName[Agency], `select version, settings from {settings}.agency`)
	return a, wrap("read the agency's settings", err)
}

// Settings is Agency for a viewer; a viewer who may not read settings gets the refusal.
func (q Queries) Settings(ctx context.Context, v access.Viewer) (Agency, error) {
	if err := access.MayManage(v, access.ReadSettings); err != nil {
		return Agency{}, err
	}
	return q.Agency(ctx)
}

// Posted is what the agency says to its portals.
type Posted struct {
	Notices []people.Notice
	Splash  string // stands above them (II-20)
	Version int    // of the settings, where both stand
}

// Notices are the messages of the agency to its portals that stand on the viewer's today (II-19), in the agency's order, and the splash above
// them: a customer's users get those for everyone and for their customer, interpreters those for everyone, the agency's own users all.
func (q Queries) Notices(ctx context.Context, v access.Viewer) (Posted, error) {
	a, err := q.Agency(ctx)
	if err != nil {
		return Posted{}, err
	}
	return a.Posted(v)
}

// Posted is Notices of these settings.
func (a Agency) Posted(v access.Viewer) (Posted, error) {
	zone, err := time.LoadLocation(v.Zone)
	if err != nil {
		return Posted{}, fmt.Errorf("load the viewer's zone: %w", err)
	}
	posted := Posted{Splash: a.Settings.Splash, Version: a.Version}
	today := v.Now.In(zone).Format(time.DateOnly)
	for _, n := range a.Settings.Notices {
		mine := n.Customer == uuid.Nil || v.OfCustomer() && n.Customer == v.Customer || !v.OfCustomer() && v.Role != domain.Interpreter
		if mine && n.On(today) {
			posted.Notices = append(posted.Notices, n)
		}
	}
	return posted, nil
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Incidentals are the kinds of further costs that the terms in force know, by name: with its unit price, zero where a kind is paid by the
// amount on the receipt. For the forms that ask for hours.
func (q Queries) Incidentals(ctx context.Context) (kinds []Incidental, currency string, err error) {
	terms, _, err := projections.One(ctx, q.Models, pgx.RowTo[forms.Terms],
		`select body from {settings}.terms where terms = $1 order by version desc limit 1`, forms.DefaultTermsID)
	for kind, price := range terms.Incidentals {
		kinds = append(kinds, Incidental{kind, price})
	}
	slices.SortFunc(kinds, func(a, b Incidental) int { return strings.Compare(a.Kind, b.Kind) })
	return kinds, terms.Currency, wrap("read the terms' incidentals", err)
}

// Incidental is a kind of further cost with its unit price.
type Incidental struct {
	Kind  string
	Price domain.Money
}
