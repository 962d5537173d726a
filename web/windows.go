package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// windowText is the window of one command in words.
type windowText struct{ Command, Text string }

// ruleFor is the rule that binds a customer, in words, with a mark if it is the customer's own.
func (s *tongue) ruleFor(command string, c people.CustomerSettings, agency people.AgencySettings) string {
	text := s.rule(people.Window(agency, c, command))
	if people.OwnWindow(c, command) {
		return s.say("window.own", text)
	}
	return text
}

// nations are those whose bank holidays are known, as choices.
func (s *tongue) nations() (list []forms.Option) {
	for _, nation := range windows.Nations {
		list = append(list, forms.Option{Value: nation, Label: s.say("nation." + nation)})
	}
	return list
}

// windowsForm is the form of the windows of all customers, or of one (II-70, II-71, II-82, M-06).
type windowsForm struct {
	filled
	Path     string
	Back     string
	Customer string // name; empty: of all
	Parts    []windowPart
}

// windowPart is the window of one command as it is typed.
type windowPart struct {
	Command string
	Units   []forms.Option
}

// Units of a window as forms choose it, besides windows.Units.
const (
	unitOff    = "off"
	unitAgency = "agency"
)

// windowValues are what a form of windows is filled with. own tells whether a command has a rule here; the other ones are the agency's.
func windowValues(rule func(string) windows.Rule, own func(string) bool) url.Values {
	f := url.Values{}
	for _, command := range windows.Commands {
		r := rule(command)
		unit, span := r.Unit, strconv.Itoa(r.Span)
		switch {
		case !own(command):
			unit, span = unitAgency, ""
		case r.Off:
			unit, span = unitOff, ""
		case r.Unit == windows.DayBefore:
			span = r.By
		}
		f.Set(command+".unit", unit)
		f.Set(command+".span", span)
		if r.Inclusive && own(command) {
			f.Set(command+".inclusive", "yes")
		}
	}
	return f
}

func agencyWindows(s people.AgencySettings) url.Values {
	return windowValues(func(c string) windows.Rule { return people.AgencyWindow(s, c) }, func(string) bool { return true })
}

func customersWindows(c people.CustomerSettings, s people.AgencySettings) url.Values {
	return windowValues(func(command string) windows.Rule { return people.Window(s, c, command) }, func(command string) bool { return people.OwnWindow(c, command) })
}

// windowsIn are the windows that a form changed.
func windowsIn(e edits) (people.SetPolicies, error) {
	var list people.SetPolicies
	var faults []domain.FieldError
	for _, command := range windows.Commands {
		unit, span, edge := command+".unit", command+".span", command+".inclusive"
		if e.text(unit) == nil && e.text(span) == nil && e.tick(edge) == nil {
			continue
		}
		p := people.SetPolicy{At: "body." + command, Command: command}
		text := strings.TrimSpace(e.sent.Get(span))
		switch p.Rule = (windows.Rule{Unit: e.sent.Get(unit), Inclusive: e.sent.Get(edge) != ""}); p.Rule.Unit {
		case unitAgency:
			p.Inherit, p.Rule = true, windows.Rule{}
		case unitOff:
			p.Rule = windows.Rule{Off: true}
		case windows.DayBefore:
			p.Rule.By = text
		default:
			n, err := strconv.Atoi(text)
			if err != nil {
				faults = append(faults, domain.FieldError{Location: "body." + span, Message: "fault.whole"})
			}
			p.Rule.Span = n
		}
		list = append(list, p)
	}
	if len(faults) > 0 {
		return nil, domain.Invalid(faults...)
	}
	return list, nil
}

func (p *Portal) showWindows(w http.ResponseWriter, r *http.Request, status int, page windowsForm) error {
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	s := p.in(r.Context())
	for _, command := range windows.Commands {
		part := windowPart{Command: command}
		if page.Customer != "" {
			part.Units = append(part.Units, forms.Option{Value: unitAgency, Label: s.say("window.agency-now", s.rule(people.AgencyWindow(agency.Settings, command)))})
		}
		for _, unit := range append([]string{unitOff}, windows.Units...) {
			part.Units = append(part.Units, forms.Option{Value: unit, Label: s.say("window." + unit)})
		}
		page.Parts = append(page.Parts, part)
	}
	return p.render(w, r, status, "windows", "windows.title", page)
}

// windows is the form of the windows of all customers without a rule of their own.
func (p *Portal) windows(w http.ResponseWriter, r *http.Request) error {
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	return p.showWindows(w, r, http.StatusOK, windowsForm{filled: filledAt(agencyWindows(agency.Settings), uint64(agency.Version)), Path: "/settings/windows", Back: "/settings"})
}

// setWindows sets what the form changed.
func (p *Portal) setWindows(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "set-policies")
	if err != nil {
		return err
	}
	if err := access.MayManage(req.Viewer, access.ManageSettings); err != nil {
		return err
	}
	done, again, err := p.sendSettings(r, req, agencyWindows, func(req commands.Request, _ people.AgencySettings) (commands.Changed, error) {
		return p.sendWindows(r, req, uuid.Nil)
	})
	if err != nil {
		return err
	}
	if no := again.Refusal; no != nil {
		return p.showWindows(w, r, no.Status, windowsForm{filled: again, Path: "/settings/windows", Back: "/settings"})
	}
	return p.done(w, r, "/settings", "set-policies", done.Position)
}

func (p *Portal) sendWindows(r *http.Request, req commands.Request, customer uuid.UUID) (commands.Changed, error) {
	list, err := windowsIn(editsIn(r.PostForm))
	if err != nil {
		return commands.Changed{}, err
	}
	return p.Commands.SetPolicies(r.Context(), req, customer, list)
}

// customerWindows is the form of the windows of one customer.
func (p *Portal) customerWindows(w http.ResponseWriter, r *http.Request) error {
	page, err := p.windowsOfCustomer(r)
	if err != nil {
		return err
	}
	return p.showWindows(w, r, http.StatusOK, page)
}

// windowsOfCustomer is that form as the customer stands.
func (p *Portal) windowsOfCustomer(r *http.Request) (windowsForm, error) {
	c, err := p.customerAt(r)
	if err != nil {
		return windowsForm{}, err
	}
	agency, err := p.agency(r.Context())
	if err != nil {
		return windowsForm{}, err
	}
	path := customerPath(c.ID)
	return windowsForm{filled: filledAt(customersWindows(c.Settings, agency.Settings), c.Revision), Path: path + "/windows", Back: path, Customer: c.Name}, nil
}

// setCustomerWindows sets what the form changed.
func (p *Portal) setCustomerWindows(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "set-policies")
	if err != nil {
		return err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	done, again, err := p.sendEdits(r, req, func() (url.Values, uint64, error) {
		page, err := p.windowsOfCustomer(r)
		if err != nil {
			return nil, 0, err
		}
		revision, err := strconv.ParseUint(page.Seen(), 10, 64)
		page.Sent.Del(fieldRevision)
		return page.Sent, revision, err
	}, func(req commands.Request) (commands.Changed, error) { return p.sendWindows(r, req, id) })
	if err != nil {
		return err
	}
	if no := again.Refusal; no != nil {
		page, err := p.windowsOfCustomer(r)
		if err != nil {
			return err
		}
		page.filled = again
		return p.showWindows(w, r, no.Status, page)
	}
	return p.done(w, r, customerPath(id), "set-policies", done.Position)
}

// holidaysForm is the page of the days that are no working days.
type holidaysForm struct {
	filled
	Year   int
	Source string
	Listed []listedDay
	Rows   []dayRow
	Places []forms.Option
}

// listedDay is a day of the year in words.
type listedDay struct {
	windows.Listed
	Where string
}

// dayRow is a day as it is typed. Its nation is one of the known ones, or empty for all.
type dayRow struct {
	windows.Day
	Where string
}

// emptyDays is how many rows for further days the form has.
const emptyDays = 3

// holidayValues are what the form of added days is filled with: a day of several nations stands once for each.
func holidayValues(s people.AgencySettings) url.Values {
	f := url.Values{}
	for _, d := range s.Holidays {
		places := d.Nations
		if len(places) == 0 {
			places = []string{""}
		}
		for _, nation := range places {
			f.Add("holidays.date", d.Date)
			f.Add("holidays.name", d.Name)
			f.Add("holidays.nation", nation)
			f.Add("holidays.working", fmt.Sprint(d.Working))
		}
	}
	return f
}

// daysIn are the rows that hold something.
func daysIn(f url.Values) (days []windows.Day) {
	for i := range f["holidays.date"] {
		d := windows.Day{Date: nth(f["holidays.date"], i), Name: nth(f["holidays.name"], i), Working: nth(f["holidays.working"], i) == "true"}
		if d.Date == "" && d.Name == "" {
			continue // taken away, or never filled in
		}
		if nation := nth(f["holidays.nation"], i); nation != "" {
			d.Nations = []string{nation}
		}
		days = append(days, d)
	}
	return days
}

// holidays shows the bank holidays of a year, and the form of those that the agency adds.
func (p *Portal) holidays(w http.ResponseWriter, r *http.Request) error {
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	return p.showHolidays(w, r, http.StatusOK, filledAt(holidayValues(agency.Settings), uint64(agency.Version)))
}

func (p *Portal) showHolidays(w http.ResponseWriter, r *http.Request, status int, f filled) error {
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	v, s := viewer(r.Context()), p.in(r.Context())
	page := holidaysForm{filled: f, Year: v.Now.In(zoneOf(v)).Year(), Source: windows.BankHolidays}
	if year, err := strconv.Atoi(r.URL.Query().Get("year")); err == nil && year >= windows.FirstYear && year <= windows.LastYear {
		page.Year = year
	}
	for _, l := range windows.With(agency.Settings.Holidays).List(fmt.Sprintf("%d-01-01", page.Year), fmt.Sprintf("%d-12-31", page.Year)) {
		where := []string{}
		for _, nation := range l.Nations {
			where = append(where, s.say("nation."+nation))
		}
		if len(where) == 0 || len(where) == len(windows.Nations)-1 {
			where = []string{s.say("holidays.everywhere")}
		}
		page.Listed = append(page.Listed, listedDay{l, strings.Join(where, ", ")})
	}
	for i := range f.Sent["holidays.date"] {
		row := dayRow{windows.Day{Date: nth(f.Sent["holidays.date"], i), Name: nth(f.Sent["holidays.name"], i), Working: nth(f.Sent["holidays.working"], i) == "true"},
			nth(f.Sent["holidays.nation"], i)}
		if row.Date != "" || row.Name != "" {
			page.Rows = append(page.Rows, row)
		}
	}
	page.Rows = append(page.Rows, make([]dayRow, emptyDays)...)
	page.Places = s.nations()[:len(windows.Nations)-1]
	return p.render(w, r, status, "holidays", "holidays.title", page)
}

// setHolidays sets the added days, unless somebody else did while the form was open.
func (p *Portal) setHolidays(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "set-holidays")
	if err != nil {
		return err
	}
	if err := access.MayManage(req.Viewer, access.ManageSettings); err != nil {
		return err
	}
	done, again, err := p.sendSettings(r, req, holidayValues, func(req commands.Request, now people.AgencySettings) (commands.Changed, error) {
		e := editsIn(r.PostForm)
		days := daysIn(e.sent)
		if before := daysIn(e.before); slices.EqualFunc(days, before, windows.Day.Equal) {
			days = now.Holidays // untouched
		}
		return p.Commands.SetHolidays(r.Context(), req, people.SetHolidays{Days: days})
	})
	if err != nil {
		return err
	}
	if no := again.Refusal; no != nil {
		return p.showHolidays(w, r, no.Status, again)
	}
	return p.done(w, r, "/settings/holidays", "set-holidays", done.Position)
}
