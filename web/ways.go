package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
)

// pointIn reads coordinates as they are typed, "53.7965, -1.5478". What is no point is one that lies nowhere, so that it is refused together with
// everything else that is wrong.
func pointIn(text string) domain.Coordinates {
	c, err := domain.ParseCoordinates(text)
	if err != nil {
		return domain.Coordinates{Lat: 999}
	}
	return c
}

// point is pointIn for what a form changed; nil: nothing.
func (e edits) point(name string) *domain.Coordinates {
	text := e.text(name)
	if text == nil {
		return nil
	}
	c := pointIn(*text)
	return &c
}

// whole reads a whole number that a form changed, empty for 0; nil: nothing. What is no number is one that no rule allows.
func (e edits) whole(name string) *int {
	text := e.text(name)
	if text == nil {
		return nil
	}
	n := wholeIn(*text)
	return &n
}

func wholeIn(text string) int {
	if strings.TrimSpace(text) == "" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return -1
	}
	return n
}

// unlessNone is a whole number as a form shows it: nothing for 0.
func unlessNone(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// travelSection is how ways are measured (M-03).
var travelSection = section{
	fill: func(s people.AgencySettings) url.Values {
		t := s.Travel.OrDefault()
		return url.Values{"travel.factorPercent": {strconv.Itoa(t.FactorPercent)}, "travel.speedKmh": {strconv.Itoa(t.SpeedKmh)}}
	},
	build: func(_ *Portal, now people.AgencySettings, e edits) (people.ChangeAgency, error) {
		t := now.Travel
		t.FactorPercent, t.SpeedKmh = or(e.whole("travel.factorPercent"), t.FactorPercent), or(e.whole("travel.speedKmh"), t.SpeedKmh)
		return people.ChangeAgency{Travel: &t}, nil
	},
}

// postcodesPage is the table of where postcodes lie, and the form that replaces it.
type postcodesPage struct {
	filled
	Version, Codes int
	Source         string
}

// postcodes is that page.
func (p *Portal) postcodes(w http.ResponseWriter, r *http.Request) error {
	return p.showPostcodes(w, r, http.StatusOK, filled{})
}

func (p *Portal) showPostcodes(w http.ResponseWriter, r *http.Request, status int, f filled) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ManageSettings); err != nil {
		return err
	}
	table, err := p.Commands.Postcodes(r.Context(), v)
	if err != nil {
		return err
	}
	return p.render(w, r, status, "postcodes", "settings.postcodes", postcodesPage{f, table.Version, table.Len(), table.Source})
}

// importPostcodes replaces the table by a file, or by what was pasted.
func (p *Portal) importPostcodes(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseMultipartForm(maxForm); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return &domain.Refusal{Code: "too-large", Status: http.StatusRequestEntityTooLarge, Detail: "error.too-large"}
	}
	if file, _, err := r.FormFile("file"); err == nil {
		table, err := io.ReadAll(file) // no form is larger than maxForm
		if err != nil {
			return fmt.Errorf("read a postcode table: %w", err)
		}
		if len(table) > 0 {
			r.PostForm.Set("csv", string(table)) // shown again if it is refused
		}
	}
	req, err := p.request(r, "import-postcodes")
	if err != nil {
		return err
	}
	done, err := p.Commands.ImportPostcodes(r.Context(), req, people.ImportPostcodes{CSV: r.PostForm.Get("csv"), Source: r.PostForm.Get("source")})
	if no := correctable(err); no != nil {
		return p.showPostcodes(w, r, no.Status, filled{r.PostForm, no})
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/settings/postcodes", "import-postcodes", done.Position)
}
