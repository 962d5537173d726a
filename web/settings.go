package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
	readsettings "github.com/dragoman-booking/dragoman/projections/settings"
)

// settingsPage is what the agency set, at a glance.
type settingsPage struct {
	people.AgencySettings
	Texts   []textSetting
	Labels  []textSetting
	Reasons []reasonSetting
	Tiers   []tierCount
	Way     people.Travel // how ways are measured
	Table   people.Postcodes
	Windows []windowText
	Added   int  // days that the agency added to the bank holidays
	Waves   int  // rows by which offers go out in waves
	Admin   bool // may change
	Notices bool // may post notices
}

// textSetting is a text of the agency's under its key.
type textSetting struct{ Key, Text string }

// reasonSetting is one of the agency's lists of reasons.
type reasonSetting struct {
	Kind   string
	Labels []string
}

// tierCount is how many languages stand in a tier.
type tierCount struct {
	Tier  string
	Count int
}

// settings is the page of all settings.
func (p *Portal) settings(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	agency, err := p.Queries.Settings.Settings(r.Context(), v)
	if err != nil {
		return err
	}
	s := agency.Settings
	page := settingsPage{AgencySettings: s, Texts: p.agencyTexts(s), Labels: p.statusLabels(s), Admin: access.MayManage(v, access.ManageSettings) == nil,
		Notices: access.MayManage(v, access.PostNotices) == nil}
	page.Way = s.Travel.OrDefault()
	if page.Table, err = p.Commands.Postcodes(r.Context(), v); err != nil {
		return err
	}
	page.Added, page.Waves = len(s.Holidays), len(s.WavePolicy())
	for _, command := range windows.Commands {
		page.Windows = append(page.Windows, windowText{command, p.in(r.Context()).rule(people.AgencyWindow(s, command))})
	}
	for _, kind := range people.ReasonKinds {
		of := reasonSetting{Kind: kind}
		for _, reason := range s.Reasons[kind] {
			of.Labels = append(of.Labels, reason.Label)
		}
		page.Reasons = append(page.Reasons, of)
	}
	counts := map[string]int{}
	for _, l := range s.Languages {
		counts[l.Tier]++
	}
	for _, tier := range slices.Sorted(maps.Keys(counts)) {
		page.Tiers = append(page.Tiers, tierCount{tier, counts[tier]})
	}
	return p.render(w, r, http.StatusOK, "settings", "settings.title", page)
}

// knownTexts are the texts that pages and refusals take from the settings.
var knownTexts = []string{people.TextIssuingOffers, people.TextAssignerOnIt, people.TextNoLinguist, people.TextUseAdmin, people.TextContactDetails}

// agencyTexts are those, then whatever else the agency keeps.
func (p *Portal) agencyTexts(s people.AgencySettings) []textSetting {
	keys := slices.Clone(knownTexts)
	for _, key := range slices.Sorted(maps.Keys(s.Texts)) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	out := make([]textSetting, len(keys))
	for i, key := range keys {
		out[i] = textSetting{key, s.Texts[key]}
	}
	return out
}

// statusLabels are the agency's words for the statuses; empty: ours (D-01).
func (p *Portal) statusLabels(s people.AgencySettings) []textSetting {
	out := make([]textSetting, len(statuses))
	for i, status := range statuses {
		out[i] = textSetting{status, s.StatusLabels[status]}
	}
	return out
}

// settingsForm is the form of one section of the settings.
type settingsForm struct {
	filled
	Section string
	Texts   []textSetting
	Labels  []textSetting
	Reasons []reasonRows
	Series  []forms.Option
	Newest  string // reference of the newest job: what numbers are at
}

// reasonRows are one list of reasons as typed.
type reasonRows struct {
	Kind string
	Rows []people.Option
}

// section is a part of the settings that is changed by one form.
type section struct {
	// fill writes what stands into the form; build reads the change out of it.
	fill  func(s people.AgencySettings) url.Values
	build func(p *Portal, now people.AgencySettings, e edits) (people.ChangeAgency, error)
}

var sections = map[string]section{
	"agency": {
		fill: func(s people.AgencySettings) url.Values {
			return url.Values{"name": {s.Name}, "timeZone": {s.TimeZone}, "currency": {s.Currency}, "contact.email": {s.Contact.Email},
				"contact.telephone": {s.Contact.Telephone}, "contact.urgentPhone": {s.Contact.UrgentPhone}}
		},
		build: func(_ *Portal, now people.AgencySettings, e edits) (people.ChangeAgency, error) {
			c := people.ChangeAgency{Name: e.text("name"), TimeZone: e.text("timeZone"), Currency: e.text("currency")}
			contact := people.Contact{Email: or(e.text("contact.email"), now.Contact.Email), Telephone: or(e.text("contact.telephone"), now.Contact.Telephone),
				UrgentPhone: or(e.text("contact.urgentPhone"), now.Contact.UrgentPhone)}
			c.Contact = &contact
			return c, nil
		},
	},
	"look": {
		fill: func(s people.AgencySettings) url.Values {
			return url.Values{"look.logoText": {s.Look.LogoText}, "look.primary": {s.Look.Primary}, "look.header": {s.Look.Header}}
		},
		build: func(_ *Portal, now people.AgencySettings, e edits) (people.ChangeAgency, error) {
			look := now.Look
			look.LogoText = or(e.text("look.logoText"), look.LogoText)
			look.Primary, look.Header = or(e.text("look.primary"), look.Primary), or(e.text("look.header"), look.Header)
			return people.ChangeAgency{Look: &look}, nil
		},
	},
	"policies": {
		fill: func(s people.AgencySettings) url.Values {
			f := url.Values{"offerHours": {strconv.Itoa(s.OfferHours)}, "undoMinutes": {strconv.Itoa(s.UndoFor())}}
			if s.AutoAssign {
				f.Set("autoAssign", "yes")
			}
			if s.AutoOffer {
				f.Set("autoOffer", "yes")
			}
			return f
		},
		build: func(_ *Portal, _ people.AgencySettings, e edits) (people.ChangeAgency, error) {
			c := people.ChangeAgency{AutoAssign: e.tick("autoAssign"), AutoOffer: e.tick("autoOffer")}
			var faults []domain.FieldError
			number := func(name string) *int {
				text := e.text(name)
				if text == nil {
					return nil
				}
				n, err := strconv.Atoi(*text)
				if err != nil {
					faults = append(faults, domain.FieldError{Location: "body." + name, Message: "fault.hours"})
				}
				return &n
			}
			c.OfferHours, c.UndoMinutes = number("offerHours"), number("undoMinutes")
			if len(faults) > 0 {
				return c, domain.Invalid(faults...)
			}
			return c, nil
		},
	},
	"texts": {
		fill: func(s people.AgencySettings) url.Values { return under("texts.", s.Texts, knownTexts) },
		build: func(_ *Portal, now people.AgencySettings, e edits) (people.ChangeAgency, error) {
			texts := e.under("texts.", now.Texts)
			return people.ChangeAgency{Texts: &texts}, nil
		},
	},
	"labels": {
		fill: func(s people.AgencySettings) url.Values { return under("statusLabels.", s.StatusLabels, statuses) },
		build: func(_ *Portal, now people.AgencySettings, e edits) (people.ChangeAgency, error) {
			labels := e.under("statusLabels.", now.StatusLabels)
			maps.DeleteFunc(labels, func(_, label string) bool { return label == "" }) // then ours
			return people.ChangeAgency{StatusLabels: &labels}, nil
		},
	},
	"travel": travelSection,
	"reasons": {
		fill: func(s people.AgencySettings) url.Values {
			f := url.Values{}
			for _, kind := range people.ReasonKinds {
				for _, o := range s.Reasons[kind] {
					f.Add("reasons."+kind+".value", o.Value)
					f.Add("reasons."+kind+".label", o.Label)
				}
			}
			return f
		},
		build: func(p *Portal, now people.AgencySettings, e edits) (people.ChangeAgency, error) {
			reasons := maps.Clone(now.Reasons)
			if reasons == nil {
				reasons = map[string][]people.Option{}
			}
			for _, kind := range people.ReasonKinds {
				if sent := reasonsIn(e.sent, kind); !slices.Equal(sent, reasonsIn(e.before, kind)) {
					reasons[kind] = sent
				}
			}
			return people.ChangeAgency{Reasons: &reasons}, nil
		},
	},
}

// or is what was sent, or what stands.
func or[T any](sent *T, stands T) T {
	if sent == nil {
		return stands
	}
	return *sent
}

// under puts texts into a form, each under its key. Keys without a text are there too, empty.
func under(prefix string, texts map[string]string, keys []string) url.Values {
	f := url.Values{}
	for _, key := range keys {
		f.Set(prefix+key, "")
	}
	for key, text := range texts {
		f.Set(prefix+key, text)
	}
	return f
}

// under takes texts out of a form again: those that were changed over those that stand.
func (e edits) under(prefix string, stand map[string]string) map[string]string {
	out := maps.Clone(stand)
	if out == nil {
		out = map[string]string{}
	}
	for name := range e.sent {
		if key, ok := strings.CutPrefix(name, prefix); ok {
			if text := e.text(name); text != nil {
				out[key] = *text
			}
		}
	}
	return out
}

// reasonsIn are the rows of one list that hold a text. A new one gets its value from that.
func reasonsIn(f url.Values, kind string) []people.Option {
	var list []people.Option
	values, labels := f["reasons."+kind+".value"], f["reasons."+kind+".label"]
	for i := range labels {
		o := people.Option{Value: nth(values, i), Label: nth(labels, i)}
		if o.Label == "" {
			continue // taken away
		}
		if o.Value == "" {
			o.Value = valueOf(o.Label, list)
		}
		list = append(list, o)
	}
	return list
}

// maxValue is how long the value of a reason may be.
const maxValue = 60

// valueOf makes a value of a label that the list does not have yet: letters and digits, as the others are.
func valueOf(label string, list []people.Option) string {
	value := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(label)), "-")
	for strings.Contains(value, "--") {
		value = strings.ReplaceAll(value, "--", "-")
	}
	if value == "" {
		value = "reason"
	}
	if len(value) > maxValue-4 {
		value = strings.Trim(value[:maxValue-4], "-")
	}
	for n, base := 2, value; slices.ContainsFunc(list, func(o people.Option) bool { return o.Value == value }); n++ {
		value = base + "-" + strconv.Itoa(n)
	}
	return value
}

// settingsSection is the form of one section.
func (p *Portal) settingsSection(w http.ResponseWriter, r *http.Request) error {
	name := chi.URLParam(r, "section")
	s, known := sections[name]
	if !known {
		return notFound()
	}
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	return p.showSection(w, r, http.StatusOK, name, filledAt(s.fill(agency.Settings), uint64(agency.Version)))
}

// mayChangeSettings reads the settings for whoever may change them.
func (p *Portal) mayChangeSettings(r *http.Request) (readsettings.Agency, error) {
	if err := access.MayManage(viewer(r.Context()), access.ManageSettings); err != nil {
		return readsettings.Agency{}, err
	}
	return p.Queries.Settings.Agency(r.Context())
}

// emptyReasons is how many rows for further reasons each list has.
const emptyReasons = 3

func (p *Portal) showSection(w http.ResponseWriter, r *http.Request, status int, name string, f filled) error {
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	page := settingsForm{filled: f, Section: name, Texts: p.agencyTexts(agency.Settings), Labels: p.statusLabels(agency.Settings)}
	if name == "reasons" {
		for _, kind := range people.ReasonKinds {
			rows := reasonRows{Kind: kind}
			values, labels := f.Sent["reasons."+kind+".value"], f.Sent["reasons."+kind+".label"]
			for i := range labels {
				if row := (people.Option{Value: nth(values, i), Label: nth(labels, i)}); row.Label != "" {
					rows.Rows = append(rows.Rows, row)
				}
			}
			rows.Rows = append(rows.Rows, make([]people.Option, emptyReasons)...)
			page.Reasons = append(page.Reasons, rows)
		}
	}
	return p.render(w, r, status, "settingsform", "settings."+name, page)
}

// changeSettings changes what the form of a section changed.
func (p *Portal) changeSettings(w http.ResponseWriter, r *http.Request) error {
	name := chi.URLParam(r, "section")
	s, known := sections[name]
	if !known {
		return notFound()
	}
	req, err := p.request(r, "change-settings")
	if err != nil {
		return err
	}
	if err := access.MayManage(req.Viewer, access.ManageSettings); err != nil {
		return err
	}
	e := editsIn(r.PostForm)
	done, again, err := p.sendSettings(r, req, s.fill, func(req commands.Request, now people.AgencySettings) (commands.Changed, error) {
		change, err := s.build(p, now, e)
		if err != nil {
			return commands.Changed{}, err
		}
		return p.Commands.ChangeSettings(r.Context(), req, change)
	})
	if err != nil {
		return err
	}
	if no := again.Refusal; no != nil {
		return p.showSection(w, r, no.Status, name, again)
	}
	return p.done(w, r, "/settings", "change-settings", done.Position)
}

// sendSettings is sendEdits for a form of the agency's settings. fill fills the form; send is given the settings as they stand.
func (p *Portal) sendSettings(r *http.Request, req commands.Request, fill func(people.AgencySettings) url.Values,
	send func(commands.Request, people.AgencySettings) (commands.Changed, error)) (commands.Changed, filled, error) {
	var agency readsettings.Agency
	now := func() (_ url.Values, _ uint64, err error) {
		agency, err = p.Queries.Settings.Agency(r.Context())
		return fill(agency.Settings), uint64(agency.Version), err
	}
	seen := uint64(0) // what was seen must be known here: another process may have shown it
	if req.IfMatch != nil {
		seen = max(*req.IfMatch, 1) - 1
	}
	_, version, err := fresh(r.Context(), seen, now)
	if err != nil {
		return commands.Changed{}, filled{}, err
	}
	if req.IfMatch == nil || version < *req.IfMatch { // decided on what it is made from
		req.IfMatch = &version
	}
	return p.sendEdits(r, req, now, func(req commands.Request) (commands.Changed, error) { return send(req, agency.Settings) })
}

// onSettings sends a change that is made from the settings as they stand, as decided on them: the read model may be behind, so what was made
// from an older version is made once more. It answers the settings that it was made from last.
func (p *Portal) onSettings(ctx context.Context, req commands.Request, agency readsettings.Agency,
	send func(commands.Request, people.AgencySettings) (commands.Changed, error)) (commands.Changed, readsettings.Agency, error) {
	for tries := 0; ; tries++ {
		version := uint64(agency.Version)
		req.IfMatch = &version
		done, err := send(req, agency.Settings)
		if no := refusal(err); no == nil || no.Status != http.StatusPreconditionFailed || len(no.Changed) == 0 || tries == 3 {
			return done, agency, err
		}
		if agency, _, err = fresh(ctx, version, func() (readsettings.Agency, uint64, error) {
			now, err := p.Queries.Settings.Agency(ctx)
			return now, uint64(now.Version), err
		}); err != nil {
			return done, agency, err
		}
	}
}

// numbering is the form that sets a series' next number (D-12).
func (p *Portal) numbering(w http.ResponseWriter, r *http.Request) error {
	return p.showNumbering(w, r, http.StatusOK, filled{Sent: url.Values{"series": {people.NumberingJob}}})
}

func (p *Portal) showNumbering(w http.ResponseWriter, r *http.Request, status int, f filled) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ManageNumbering); err != nil {
		return err
	}
	newest, err := p.Queries.Jobs.Newest(r.Context(), v)
	if err != nil {
		return err
	}
	page := settingsForm{filled: f, Section: "numbering", Newest: newest}
	for _, series := range []string{people.NumberingJob, people.NumberingInvoice} {
		page.Series = append(page.Series, forms.Option{Value: series, Label: p.in(r.Context()).say("numbering." + series)})
	}
	return p.render(w, r, status, "numbering", "settings.numbering", page)
}

// setNumbering sets it, once whoever asks has said to know what that does.
func (p *Portal) setNumbering(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "set-numbering")
	if err != nil {
		return err
	}
	if err := access.MayManage(req.Viewer, access.ManageNumbering); err != nil {
		return err
	}
	f := r.PostForm
	next, err := strconv.ParseInt(strings.TrimSpace(f.Get("next")), 10, 64)
	var faults []domain.FieldError
	if err != nil {
		faults = append(faults, domain.FieldError{Location: "body.next", Message: p.in(r.Context()).say("numbering.bad")})
	}
	if f.Get("sure") == "" {
		faults = append(faults, domain.FieldError{Location: "body.sure", Message: p.in(r.Context()).say("numbering.unsure")})
	}
	var done commands.Changed
	if err = nil; len(faults) > 0 {
		err = domain.Invalid(faults...)
	} else {
		done, err = p.Commands.SetNextNumber(r.Context(), req, f.Get("series"), next)
	}
	if no := correctable(err); no != nil {
		return p.showNumbering(w, r, no.Status, filled{f, no})
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/settings", "set-numbering", done.Position)
}
