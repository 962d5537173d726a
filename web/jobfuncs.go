package web

import (
	"html/template"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/domain"
)

// jobFuncs are what the templates of a job's pages may call besides what all may.
func jobFuncs(s *tongue) template.FuncMap {
	return template.FuncMap{
		"seconds":      func(t time.Time) string { return t.Format("02/01/2006 15:04:05") },
		"day":          day,
		"between":      func(start, end time.Time) string { return s.length(int(end.Sub(start) / time.Minute)) },
		"betweenTimes": s.between,
		"worked":       worked,
		"clocksChange": clocksChange,
		"begin":        begin,
		"echo":         func(t time.Time) string { return s.day("echo", t) },
		"hundredths":   domain.FormatHundredths,
		"join":         func(list []string) string { return strings.Join(list, ", ") },
		"list":         func(items ...string) []string { return items },
		"clearance":    func(kind string) string { return s.orPlain("clearance."+kind, kind) },
		"incidental":   func(kind string) string { return s.orPlain("incidental."+kind, kind) },
	}
}

// day writes a date of a credential as days are written here. None is "no end".
func day(iso string) string {
	t, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		return iso
	}
	return t.Format("02/01/2006")
}
