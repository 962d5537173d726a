package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// languagesPage is the agency's list of languages with their tiers (LL-73).
type languagesPage struct {
	Q     string
	Rows  []people.Language
	Total int
	Admin bool
}

// languages is the list of languages.
func (p *Portal) languages(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	agency, err := p.Queries.Settings.Settings(r.Context(), v)
	if err != nil {
		return err
	}
	page := languagesPage{Q: strings.TrimSpace(r.URL.Query().Get("q")), Total: len(agency.Settings.Languages), Admin: access.MayManage(v, access.ManageSettings) == nil}
	for _, l := range agency.Settings.Languages {
		if strings.Contains(strings.ToLower(l.Name+" "+l.Code+" "+l.Tier), strings.ToLower(page.Q)) {
			page.Rows = append(page.Rows, l)
		}
	}
	slices.SortFunc(page.Rows, byName)
	return p.render(w, r, http.StatusOK, "languages", "settings.languages", page)
}

func byName(a, b people.Language) int { return strings.Compare(a.Name, b.Name) }

// languageForm is the form of one language.
type languageForm struct {
	filled
	Code  string // empty: a new one
	Name  string
	Tiers []forms.Option
}

// language is the form of one language; newLanguage the one of a new one.
func (p *Portal) language(w http.ResponseWriter, r *http.Request) error {
	code := chi.URLParam(r, "code")
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	return p.showLanguage(w, r, http.StatusOK, code, filledAt(languageValues(agency.Settings.Languages, code), uint64(agency.Version)))
}

// languageValues are what the form of a language is filled with; one that is gone has none.
func languageValues(all []people.Language, code string) url.Values {
	i := indexOf(all, code)
	if i < 0 {
		return url.Values{}
	}
	return url.Values{"name": {all[i].Name}, "tier": {all[i].Tier}}
}

func (p *Portal) newLanguage(w http.ResponseWriter, r *http.Request) error {
	return p.showLanguage(w, r, http.StatusOK, "", filled{Sent: url.Values{"tier": {people.TierStandard}}})
}

func indexOf(all []people.Language, code string) int {
	return slices.IndexFunc(all, func(l people.Language) bool { return strings.EqualFold(l.Code, code) })
}

func (p *Portal) showLanguage(w http.ResponseWriter, r *http.Request, status int, code string, f filled) error {
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	all := agency.Settings.Languages
	page, title := languageForm{filled: f}, "language.new"
	if code != "" {
		i := indexOf(all, code)
		if i < 0 {
			return notFound()
		}
		page.Code, page.Name, title = all[i].Code, all[i].Name, "language.change"
	}
	tiers := []string{people.TierCommon, people.TierStandard, people.TierRare}
	for _, l := range all {
		if l.Tier != "" && !slices.Contains(tiers, l.Tier) {
			tiers = append(tiers, l.Tier)
		}
	}
	for _, tier := range tiers {
		page.Tiers = append(page.Tiers, forms.Option{Value: tier, Label: tier})
	}
	return p.render(w, r, status, "languageform", title, page)
}

// addLanguage puts a language into the list, changeLanguage changes one, removeLanguage takes one out: jobs that were booked for it keep it.
func (p *Portal) addLanguage(w http.ResponseWriter, r *http.Request) error {
	return p.onLanguages(w, r, "", "add-language", func(all []people.Language, f url.Values) ([]people.Language, error) {
		l := people.Language{Code: strings.TrimSpace(f.Get("code")), Name: strings.TrimSpace(f.Get("name")), Tier: f.Get("tier")}
		switch i := indexOf(all, l.Code); {
		case i >= 0 && all[i] == l:
			return all, nil // it was added already
		case i >= 0:
			return nil, domain.Invalid(domain.FieldError{Location: "body.code", Message: p.in(r.Context()).say("language.twice")})
		}
		return append(all, l), nil
	})
}

func (p *Portal) changeLanguage(w http.ResponseWriter, r *http.Request) error {
	code := chi.URLParam(r, "code")
	req, err := p.request(r, "change-settings")
	if err != nil {
		return err
	}
	if err := access.MayManage(req.Viewer, access.ManageSettings); err != nil {
		return err
	}
	e := editsIn(r.PostForm)
	done, again, err := p.sendSettings(r, req, func(s people.AgencySettings) url.Values { return languageValues(s.Languages, code) },
		func(req commands.Request, now people.AgencySettings) (commands.Changed, error) {
			all := slices.Clone(now.Languages)
			i := indexOf(all, code)
			if i < 0 {
				return commands.Changed{}, notFound()
			}
			all[i].Name, all[i].Tier = or(e.text("name"), all[i].Name), or(e.text("tier"), all[i].Tier)
			return p.Commands.ChangeSettings(r.Context(), req, people.ChangeAgency{Languages: &all})
		})
	if err != nil {
		return err
	}
	if no := again.Refusal; no != nil {
		ofOneLanguage(no)
		return p.showLanguage(w, r, no.Status, code, again)
	}
	return p.done(w, r, "/settings/languages", "change-language", done.Position)
}

func (p *Portal) removeLanguage(w http.ResponseWriter, r *http.Request) error {
	code := chi.URLParam(r, "code")
	return p.onLanguages(w, r, code, "remove-language", func(all []people.Language, _ url.Values) ([]people.Language, error) {
		i := indexOf(all, code)
		if i < 0 {
			return all, nil // it is gone already
		}
		return slices.Delete(all, i, i+1), nil
	})
}

// ofOneLanguage has a fault of the list be one of the language that a form is about: no other was touched.
func ofOneLanguage(no *domain.Refusal) {
	for i, e := range no.Errors {
		no.Errors[i].Location = "body." + e.Location[strings.LastIndexByte(e.Location, '.')+1:]
	}
}

// onLanguages sends a list with one language more or less.
func (p *Portal) onLanguages(w http.ResponseWriter, r *http.Request, code, key string, change func([]people.Language, url.Values) ([]people.Language, error)) error {
	req, err := p.request(r, "change-settings")
	if err != nil {
		return err
	}
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	done, _, err := p.onSettings(r.Context(), req, agency, func(req commands.Request, now people.AgencySettings) (commands.Changed, error) {
		all, err := change(slices.Clone(now.Languages), r.PostForm)
		if err != nil {
			return commands.Changed{}, err
		}
		return p.Commands.ChangeSettings(r.Context(), req, people.ChangeAgency{Languages: &all})
	})
	if no := correctable(err); no != nil {
		ofOneLanguage(no)
		return p.showLanguage(w, r, no.Status, code, filled{r.PostForm, no})
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/settings/languages", key, done.Position)
}
