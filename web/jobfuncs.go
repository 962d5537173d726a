package web

import (
	"html/template"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

// jobFuncs are what the templates of a job's pages may call besides what all may.
func jobFuncs(v *views) template.FuncMap {
	return template.FuncMap{
		"seconds":    func(t time.Time) string { return t.Format("02/01/2006 15:04:05") },
		"day":        day,
		"between":    func(start, end time.Time) string { return length(int(end.Sub(start) / time.Minute)) },
		"begin":      begin,
		"hundredths": domain.FormatHundredths,
		"join":       func(list []string) string { return strings.Join(list, ", ") },
		"list":       func(items ...string) []string { return items },
		"clearance":  func(kind string) string { return v.orPlain("clearance."+kind, kind) },
		"incidental": func(kind string) string { return v.orPlain("incidental."+kind, kind) },
	}
}

// orPlain is a text by its key; what the agency named itself has none and reads as a person would write its code.
func (v *views) orPlain(key, code string) string {
	if text, err := v.text("en", key); err == nil {
		return text
	}
	return strings.ReplaceAll(code, "-", " ")
}

// day writes a date of a credential as days are written here. None is "no end".
func day(iso string) string {
	t, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		return iso
	}
	return t.Format("02/01/2006")
}
