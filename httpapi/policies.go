package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

// spanValue is the span of a rule: a whole number of hours or working days, or for day-before the local time of the working day before, such as
// "10:00"; there a whole number is the full hour.
type spanValue struct {
	number *int
	text   string
}

// Schema implements huma.SchemaProvider.
func (spanValue) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString}},
		Description: "Hours or working days; for day-before the local time of the working day before, such as 10:00 (or 10)."}
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *spanValue) UnmarshalJSON(b []byte) error {
	var n int
	if json.Unmarshal(b, &n) == nil {
		s.number = &n
		return nil
	}
	return json.Unmarshal(b, &s.text)
}

// MarshalJSON implements json.Marshaler.
func (s spanValue) MarshalJSON() ([]byte, error) {
	if s.number != nil {
		return []byte(strconv.Itoa(*s.number)), nil
	}
	return json.Marshal(s.text)
}

type policyBody struct {
	Customer  uuid.UUID  `json:"customer,omitempty" doc:"This customer's own rule; absent: everybody's who has none."`
	Command   string     `json:"command,omitempty" doc:"create, edit or cancel."`
	Span      *spanValue `json:"span,omitempty"`
	Unit      string     `json:"unit,omitempty" doc:"hours, working-days or day-before."`
	Inclusive bool       `json:"inclusive,omitempty" doc:"Open at the very instant at which the window ends (D-06)."`
	Enabled   *bool      `json:"enabled,omitempty" doc:"false: no window. Default: true."`
	Inherit   bool       `json:"inherit,omitempty" doc:"Take the customer's own rule away: the agency's holds again."`
}

func (b policyBody) policy() (people.SetPolicies, error) {
	p := people.SetPolicy{At: "body", Command: b.Command, Inherit: b.Inherit}
	if b.Enabled != nil && !*b.Enabled {
		p.Rule.Off = true
		return people.SetPolicies{p}, nil
	}
	p.Rule = windows.Rule{Unit: b.Unit, Inclusive: b.Inclusive}
	switch {
	case b.Inherit:
	case b.Span == nil:
		if slices.Contains(windows.Units, b.Unit) {
			return nil, domain.Invalid(domain.FieldError{Location: "body.span", Message: "This field is required."})
		}
	case b.Unit == windows.DayBefore && b.Span.number != nil:
		p.Rule.By = fmt.Sprintf("%02d:00", *b.Span.number)
	case b.Unit == windows.DayBefore:
		p.Rule.By = b.Span.text
	case b.Span.number == nil:
		return nil, domain.Invalid(domain.FieldError{Location: "body.span", Message: "Send a whole number."})
	default:
		p.Rule.Span = *b.Span.number
	}
	return people.SetPolicies{p}, nil
}

type policyItem struct {
	Command   string     `json:"command"`
	Enabled   bool       `json:"enabled" doc:"false: no window."`
	Span      *spanValue `json:"span,omitempty"`
	Unit      string     `json:"unit,omitempty"`
	Inclusive bool       `json:"inclusive"`
	Own       bool       `json:"own" doc:"The customer's own rule, not the agency's."`
}

func policyOf(command string, r windows.Rule, own bool) policyItem {
	item := policyItem{Command: command, Enabled: !r.Off, Unit: r.Unit, Inclusive: r.Inclusive, Own: own}
	switch {
	case r.Off:
	case r.Unit == windows.DayBefore:
		item.Span = &spanValue{text: r.By}
	default:
		item.Span = &spanValue{number: &r.Span}
	}
	return item
}

type policiesAnswer struct {
	Items    []policyItem `json:"items"`
	Revision uint64       `json:"revision" doc:"Of the agency's settings, or of the customer, for If-Match."`
}

func (p policiesAnswer) revision() uint64 { return p.Revision }

type holidaysBody struct {
	Holidays []holidayBody `json:"holidays" maxItems:"500" doc:"The whole list of days that the agency adds."`
}

type holidayBody struct {
	Date    string   `json:"date,omitempty" doc:"Such as 2026-06-15."`
	Name    string   `json:"name,omitempty"`
	Nations []string `json:"nations,omitempty" doc:"england-and-wales, scotland, northern-ireland. Absent: all."`
	Working bool     `json:"working,omitempty" doc:"The agency works, although the table says bank holiday."`
}

type holidayItem struct {
	Date    string   `json:"date"`
	Name    string   `json:"name"`
	Nations []string `json:"nations" doc:"Empty: all."`
	Added   bool     `json:"added" doc:"By the agency; the others come from the table of bank holidays."`
	Working bool     `json:"working" doc:"The agency works, although the table says bank holiday."`
}

type holidaysAnswer struct {
	List[holidayItem]
	Source   string `json:"source" doc:"The table of bank holidays, with its version."`
	Revision uint64 `json:"revision" doc:"Of the agency's settings, for If-Match."`
}

func (h holidaysAnswer) revision() uint64 { return h.Revision }

// policies are the windows that bind customers, and the days that count in them (II-70, II-71, II-82, M-06).
func (a *API) policies() {
	type ofCustomer struct {
		Asking
		Customer string `query:"customer" doc:"Id; the rules in force for this customer."`
	}
	get(a, "/settings/policies", "Until when customers may book, change and cancel (II-70, II-71, II-82)", []string{settings.Name, readpeople.Name},
		func(ctx context.Context, v access.Viewer, in *ofCustomer) (policiesAnswer, error) {
			agency, err := a.Queries.Settings.Settings(ctx, v)
			if err != nil {
				return policiesAnswer{}, err
			}
			out, own := policiesAnswer{Revision: uint64(agency.Version)}, people.CustomerSettings{}
			if in.Customer != "" {
				id, err := uuid.Parse(in.Customer)
				if err != nil {
					return policiesAnswer{}, domain.Invalid(domain.FieldError{Location: "query.customer", Message: "Send an id."})
				}
				c, found, err := a.Queries.People.Customer(ctx, v, id)
				if err != nil {
					return policiesAnswer{}, err
				}
				if !found {
					return policiesAnswer{}, notFound()
				}
				out.Revision, own = c.Revision, c.Settings
			}
			for _, command := range windows.Commands {
				out.Items = append(out.Items, policyOf(command, people.Window(agency.Settings, own, command), people.OwnWindow(own, command)))
			}
			return out, nil
		})
	putting(a, "/settings/policies", "set-policy", "Set until when customers, or one of them, may book, change or cancel", access.ManageSettings,
		func(ctx context.Context, r commands.Request, b policyBody) (commands.Changed, error) {
			c, err := b.policy()
			if err != nil {
				return commands.Changed{}, err
			}
			return a.commands.SetPolicies(ctx, r, b.Customer, c)
		})
	type ofYears struct {
		Listing
		From string `query:"from" doc:"First day; default: the first of this year."`
		To   string `query:"to" doc:"Last day, included; default: the last of the year of from."`
	}
	get(a, "/settings/holidays", "Bank holidays, and the days that the agency adds", []string{settings.Name},
		func(ctx context.Context, v access.Viewer, in *ofYears) (holidaysAnswer, error) {
			agency, err := a.Queries.Settings.Settings(ctx, v)
			if err != nil {
				return holidaysAnswer{}, err
			}
			from, to, err := windows.Years(in.From, in.To, v.Now)
			if err != nil {
				return holidaysAnswer{}, err
			}
			items := []holidayItem{}
			for _, l := range windows.With(agency.Settings.Holidays).List(from, to) {
				items = append(items, holidayItem{l.Date, l.Name, append([]string{}, l.Nations...), l.Added, l.Working})
			}
			page, err := partOf(&in.Listing, items)
			return holidaysAnswer{page, windows.BankHolidays, uint64(agency.Version)}, err
		})
	putting(a, "/settings/holidays", "set-holidays", "Set the days that the agency adds to the bank holidays, whole", access.ManageSettings,
		func(ctx context.Context, r commands.Request, b holidaysBody) (commands.Changed, error) {
			days := make([]windows.Day, len(b.Holidays))
			for i, d := range b.Holidays {
				days[i] = windows.Day(d)
			}
			return a.commands.SetHolidays(ctx, r, people.SetHolidays{Days: days})
		})
}
