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
	all, err := p.languageList(r)
	if err != nil {
		return err
	}
	i := indexOf(all, code)
	if i < 0 {
		return notFound()
	}
	return p.showLanguage(w, r, http.StatusOK, all[i].Code, filled{Sent: url.Values{"name": {all[i].Name}, "tier": {all[i].Tier}}})
}

func (p *Portal) newLanguage(w http.ResponseWriter, r *http.Request) error {
	return p.showLanguage(w, r, http.StatusOK, "", filled{Sent: url.Values{"tier": {people.TierStandard}}})
}

func (p *Portal) languageList(r *http.Request) ([]people.Language, error) {
	agency, err := p.mayChangeSettings(r)
	return slices.Clone(agency.Settings.Languages), err
}

func indexOf(all []people.Language, code string) int {
	return slices.IndexFunc(all, func(l people.Language) bool { return strings.EqualFold(l.Code, code) })
}

func (p *Portal) showLanguage(w http.ResponseWriter, r *http.Request, status int, code string, f filled) error {
	all, err := p.languageList(r)
	if err != nil {
		return err
	}
	page := languageForm{filled: f, Code: code}
	title := "language.new"
	if i := indexOf(all, code); i >= 0 {
		title, page.Name = "language.change", all[i].Name
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
		if indexOf(all, l.Code) >= 0 {
			return nil, domain.Invalid(domain.FieldError{Location: "body.code", Message: p.in(r.Context()).say("language.twice")})
		}
		return append(all, l), nil
	})
}

func (p *Portal) changeLanguage(w http.ResponseWriter, r *http.Request) error {
	code := chi.URLParam(r, "code")
	return p.onLanguages(w, r, code, "change-language", func(all []people.Language, f url.Values) ([]people.Language, error) {
		i := indexOf(all, code)
		if i < 0 {
			return nil, notFound()
		}
		all[i].Name, all[i].Tier = strings.TrimSpace(f.Get("name")), f.Get("tier")
		return all, nil
	})
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

// onLanguages sends a changed list. A fault of the list is one of the language that the form is about: no other was touched.
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
		for i, e := range no.Errors {
			no.Errors[i].Location = "body." + e.Location[strings.LastIndexByte(e.Location, '.')+1:]
		}
		return p.showLanguage(w, r, no.Status, code, filled{r.PostForm, no})
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/settings/languages", key, done.Position)
}
