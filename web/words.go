package web

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/dragoman-booking/dragoman/domain"
)

// Whatever a page says comes from messages/<language>.json, by its key; a file more is a language more. What the rooms below say in English,
// such as why a rule refused, a language may have under the English itself.

// tongue is a language in which the portal speaks.
type tongue struct {
	lang    string
	own     map[string]string // its texts
	english map[string]string // what it lacks is said in English
	pages   map[string]*template.Template
}

// firstTongue is the language that has every text.
const firstTongue = "en"

// views are the pages in all languages.
type views struct {
	tongues map[string]*tongue
	names   []string // of the languages, the first one first
	match   language.Matcher
}

// loadViews reads texts and templates: templates/*.html, each parsed with the layout and the parts that all share, and messages/*.json.
func loadViews(from fs.FS, a *assets) (*views, error) {
	v := &views{tongues: map[string]*tongue{}}
	files, err := fs.Glob(from, "messages/*.json")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		b, err := fs.ReadFile(from, file)
		if err != nil {
			return nil, err
		}
		s := &tongue{lang: strings.TrimSuffix(path.Base(file), ".json"), pages: map[string]*template.Template{}}
		if err := json.Unmarshal(b, &s.own); err != nil {
			return nil, fmt.Errorf("web: %s: %w", file, err)
		}
		v.tongues[s.lang] = s
	}
	first, ok := v.tongues[firstTongue]
	if !ok {
		return nil, fmt.Errorf("web: messages/%s.json is missing", firstTongue)
	}
	v.names = append(v.names, firstTongue)
	for _, name := range slices.Sorted(maps.Keys(v.tongues)) {
		if name != firstTongue {
			v.names = append(v.names, name)
		}
	}
	tags := make([]language.Tag, len(v.names))
	for i, name := range v.names {
		if tags[i], err = language.Parse(name); err != nil {
			return nil, fmt.Errorf("web: messages/%s.json: %w", name, err)
		}
		s := v.tongues[name]
		s.english = first.own
		if err := s.loadPages(from, a); err != nil {
			return nil, err
		}
	}
	v.match = language.NewMatcher(tags)
	return v, nil
}

func (s *tongue) loadPages(from fs.FS, a *assets) error {
	base, err := template.New("layout").Funcs(s.funcs(a)).Funcs(jobFuncs(s)).Funcs(officeFuncs()).ParseFS(from, "templates/layout.html", "templates/parts/*.html")
	if err != nil {
		return fmt.Errorf("web: parse the layout: %w", err)
	}
	files, err := fs.Glob(from, "templates/*.html")
	if err != nil {
		return err
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" {
			continue
		}
		page, err := template.Must(base.Clone()).ParseFS(from, file)
		if err != nil {
			return fmt.Errorf("web: parse %s: %w", file, err)
		}
		s.pages[name] = page
	}
	return nil
}

// spoken is the language of a request: the one its browser prefers of those that there are.
func (v *views) spoken(r *http.Request) *tongue {
	_, at := language.MatchStrings(v.match, r.Header.Get("Accept-Language"))
	return v.tongues[v.names[at]]
}

// in is the language that whoever asks is answered in.
func (p *Portal) in(ctx context.Context) *tongue {
	if s, ok := ctx.Value(tongueKey).(*tongue); ok {
		return s
	}
	return p.views.tongues[firstTongue]
}

// text is a text by its key, English where the language has none; an unknown key is a fault that a test finds.
func (s *tongue) text(key string, args ...any) (string, error) {
	text, ok := s.own[key]
	if !ok {
		text, ok = s.english[key]
	}
	if !ok {
		return "", fmt.Errorf("there is no text %q", key)
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...), nil
	}
	return text, nil
}

// say is text for where nothing can go wrong: a key without a text reads as itself.
func (s *tongue) say(key string, args ...any) string {
	text, err := s.text(key, args...)
	if err != nil {
		return key
	}
	return text
}

// said is a sentence of the rooms below, or of ours by its key, in this language.
func (s *tongue) said(sentence string) string {
	return s.say(sentence)
}

// orPlain is a text by its key; what the agency named itself has none and reads as a person would write its code.
func (s *tongue) orPlain(key, code string) string {
	if text, err := s.text(key); err == nil {
		return text
	}
	return strings.ReplaceAll(code, "-", " ")
}

// statusWord is a status in the agency's own word (D-01), else in ours.
func (s *tongue) statusWord(labels map[string]string, status any) (string, error) {
	name := fmt.Sprint(status)
	if own := labels[name]; own != "" {
		return own, nil
	}
	return s.text("status." + name)
}

// outcome is a status with how it ended.
func (s *tongue) outcome(word string, o domain.Outcome) string {
	if o == "" {
		return word
	}
	return word + ": " + s.said(o.Words())
}

// length writes minutes as a person says them: 1 hr 30 mins.
func (s *tongue) length(minutes int) string {
	hours, rest := minutes/60, minutes%60
	var parts []string
	if hours > 0 {
		parts = append(parts, s.count("length.hr", hours))
	}
	if rest > 0 || hours == 0 {
		parts = append(parts, s.count("length.min", rest))
	}
	return strings.Join(parts, " ")
}

// count says how many there are of something: of one, or of several, whose key ends with an s.
func (s *tongue) count(key string, n int) string {
	if n != 1 {
		key += "s"
	}
	return s.say(key, n)
}

// span says how long something still lasts: the two largest units, rounded down, so that it promises nothing.
func (s *tongue) span(d time.Duration) string {
	minutes := int(d / time.Minute)
	var out []string
	for _, part := range []struct {
		key string
		n   int
	}{{"span.day", minutes / (24 * 60)}, {"span.hour", minutes / 60 % 24}, {"span.minute", minutes % 60}} {
		if part.n > 0 && len(out) < 2 {
			out = append(out, s.count(part.key, part.n))
		}
	}
	if len(out) == 0 {
		return s.say("span.less")
	}
	return strings.Join(out, " ")
}

// brief writes a length of time in a table: 5 mins, 3 hrs, 4 days.
func (s *tongue) brief(d time.Duration) string {
	minutes := int(d.Abs().Minutes())
	switch {
	case minutes < 180:
		return s.length(minutes)
	case minutes < 48*60:
		return s.count("length.hr", minutes/60)
	}
	return s.count("span.day", minutes/60/24)
}

// change is what somebody did meanwhile: what, who, as what, and when.
func (s *tongue) change(c domain.Change) string {
	what := s.say("command.other")
	if text, err := s.text("command." + c.Command); err == nil {
		what = text
	}
	who := s.say("role." + string(c.Role))
	if c.By != "" {
		who = s.say("refusal.named", c.By, who)
	}
	return s.say("refusal.change", what, who, c.At.Format(whenLayout))
}

// dated writes a day with its names, in the way that date.<way> has it.
func (s *tongue) dated(way string, t time.Time) (string, error) {
	layout, err := s.text("date." + way)
	if err != nil {
		return "", err
	}
	return s.named(t.Format(layout)), nil
}

// day is dated for ways that are known to be there.
func (s *tongue) day(way string, t time.Time) string {
	text, err := s.dated(way, t)
	if err != nil {
		return t.Format(time.DateOnly)
	}
	return text
}

// named puts the language's own names of days and months in place of the English ones. The long ones come first: they begin as the short ones.
func (s *tongue) named(text string) string {
	var pairs []string
	for _, short := range []bool{false, true} {
		name := func(english string) {
			if short {
				english = english[:3]
			}
			if own, ok := s.own[english]; ok {
				pairs = append(pairs, english, own)
			}
		}
		for day := time.Sunday; day <= time.Saturday; day++ {
			name(day.String())
		}
		for month := time.January; month <= time.December; month++ {
			name(month.String())
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// between is from when till when: 10:00 to 11:30, with the days if they differ.
func (s *tongue) between(start, end time.Time) string {
	if start.Format(time.DateOnly) == end.Format(time.DateOnly) {
		return s.say("time.between", start.Format("15:04"), end.Format("15:04"))
	}
	return s.say("time.between", start.Format(whenLayout), end.Format(whenLayout))
}

// worked is an end of a time that somebody worked. Where the clocks change within that time, or show this end twice, the clock on the wall alone does not
// say how long it was, so the end says its offset too.
func worked(end, from, to time.Time) string {
	shown := end.Format(whenLayout)
	if clocksChange(from, to) || doubled(end.Format("2006-01-02T15:04"), end.Location().String()) != nil {
		shown += " (UTC" + end.Format("-07:00") + ")"
	}
	return shown
}

// clocksChange tells whether two times have different offsets. Both are in the zone of their place.
func clocksChange(from, to time.Time) bool { return from.Format("-07:00") != to.Format("-07:00") }

// serviceName is a type of service as people say it.
func (s *tongue) serviceName(service string) string {
	return s.said(serviceLabel(service))
}
