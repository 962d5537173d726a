package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// wavesForm is the form of how offers go out in waves (N-03).
type wavesForm struct {
	filled
	BuiltIn   bool // the agency has set no rows of its own
	AutoOffer bool
	Tiers     []string
	Rows      []waveRow
}

// waveRow is a row of the policy as it is typed.
type waveRow struct{ Tier, UnderHours, Size, WaitMinutes, ExpireMinutes string }

// emptyWaves is how many rows for further lead times the form has.
const emptyWaves = 2

// Names of the inputs of a row.
const (
	waveTier   = "waves.tier"
	waveUnder  = "waves.underHours"
	waveSize   = "waves.size"
	waveWait   = "waves.waitMinutes"
	waveExpire = "waves.expireMinutes"
)

// waveValues are what the form is filled with: the rows in force.
func waveValues(s people.AgencySettings) url.Values {
	f := url.Values{}
	for _, w := range s.WavePolicy() {
		f.Add(waveTier, w.Tier)
		f.Add(waveUnder, numberOr(w.UnderHours))
		f.Add(waveSize, strconv.Itoa(w.Size))
		f.Add(waveWait, strconv.Itoa(w.WaitMinutes))
		f.Add(waveExpire, numberOr(w.ExpireMinutes))
	}
	return f
}

// numberOr is a number as an input holds it; nothing for 0.
func numberOr(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// waveRows are the rows of a form, as they are typed, without those that hold nothing.
func waveRows(f url.Values) (rows []waveRow) {
	for i := range f[waveSize] {
		text := func(name string) string { return strings.TrimSpace(nth(f[name], i)) }
		row := waveRow{text(waveTier), text(waveUnder), text(waveSize), text(waveWait), text(waveExpire)}
		if row.UnderHours == "" && row.Size == "" && row.WaitMinutes == "" && row.ExpireMinutes == "" {
			continue // taken away, or never filled in
		}
		rows = append(rows, row)
	}
	return rows
}

// wavesIn reads them.
func wavesIn(rows []waveRow) ([]people.Wave, error) {
	waves := make([]people.Wave, len(rows))
	var faults []domain.FieldError
	for i, row := range rows {
		number := func(name, text string) int {
			n, err := strconv.Atoi(text)
			if text != "" && err != nil {
				faults = append(faults, domain.FieldError{Location: "body.waves[" + strconv.Itoa(i) + "]." + name, Message: "fault.whole"})
			}
			return n
		}
		waves[i] = people.Wave{Tier: row.Tier, UnderHours: number("underHours", row.UnderHours), Size: number("size", row.Size),
			WaitMinutes: number("waitMinutes", row.WaitMinutes), ExpireMinutes: number("expireMinutes", row.ExpireMinutes)}
	}
	if len(faults) > 0 {
		return nil, domain.Invalid(faults...)
	}
	return waves, nil
}

// waves is the form of the policy.
func (p *Portal) waves(w http.ResponseWriter, r *http.Request) error {
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	return p.showWaves(w, r, http.StatusOK, filledAt(waveValues(agency.Settings), uint64(agency.Version)))
}

func (p *Portal) showWaves(w http.ResponseWriter, r *http.Request, status int, f filled) error {
	agency, err := p.mayChangeSettings(r)
	if err != nil {
		return err
	}
	page := wavesForm{filled: f, BuiltIn: len(agency.Settings.Waves) == 0, AutoOffer: agency.Settings.AutoOffer, Rows: waveRows(f.Sent)}
	for _, l := range agency.Settings.Languages {
		if l.Tier != "" && !slices.Contains(page.Tiers, l.Tier) {
			page.Tiers = append(page.Tiers, l.Tier)
		}
	}
	slices.Sort(page.Tiers)
	for _, row := range page.Rows {
		if row.Tier != "" && !slices.Contains(page.Tiers, row.Tier) {
			page.Tiers = append(page.Tiers, row.Tier) // no language has it any more
		}
	}
	page.Rows = append(page.Rows, make([]waveRow, emptyWaves)...)
	return p.render(w, r, status, "waves", "waves.title", page)
}

// setWaves sets the policy, unless somebody else did while the form was open.
func (p *Portal) setWaves(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "set-waves")
	if err != nil {
		return err
	}
	if err := access.MayManage(req.Viewer, access.ManageSettings); err != nil {
		return err
	}
	done, again, err := p.sendSettings(r, req, waveValues, func(req commands.Request, now people.AgencySettings) (commands.Changed, error) {
		e := editsIn(r.PostForm)
		rows := waveRows(e.sent)
		if slices.Equal(rows, waveRows(e.before)) {
			return p.Commands.SetWaves(r.Context(), req, people.SetWaves{Rows: now.Waves}) // untouched
		}
		waves, err := wavesIn(rows)
		if err != nil {
			return commands.Changed{}, err
		}
		return p.Commands.SetWaves(r.Context(), req, people.SetWaves{Rows: waves})
	})
	if err != nil {
		return err
	}
	if no := again.Refusal; no != nil {
		return p.showWaves(w, r, no.Status, again)
	}
	return p.done(w, r, "/settings", "set-waves", done.Position)
}

// alarm is what assigners are told of a job, with what would help, in words.
type alarm struct {
	Kind  string
	Since time.Time
	Helps []string
}

func (s *tongue) alarms(flags []jobs.Flag, languages []people.Language) (all []alarm) {
	w := words{s, languages}
	for _, f := range flags {
		a := alarm{Kind: f.Kind, Since: f.Since}
		for _, h := range f.Helps {
			if h.Wish == matching.HelpLanguage {
				a.Helps = append(a.Helps, s.say("help.language", w.language(h.Language), h.More))
			} else {
				a.Helps = append(a.Helps, s.say("help."+h.Wish, h.More))
			}
		}
		all = append(all, a)
	}
	return all
}

// progress says how far offers in waves have got; nothing for a job for which nobody is sought in waves.
func (s *tongue) progress(d jobs.Detail, auto bool, now time.Time) (said []string) {
	if d.Status != domain.New || !auto && d.Waves == nil {
		return nil
	}
	w := jobs.Waves{NextAt: now}
	if d.Waves != nil {
		w = *d.Waves
	}
	if w.Number == 0 {
		said = append(said, s.say("waves.none-yet"))
	} else {
		of := w.Number + (w.Left+w.Size-1)/max(1, w.Size)
		said = append(said, s.say("waves.sent", w.Number, of, w.SentAt.Format(whenLayout)), s.say("waves.left", w.Left))
	}
	held := slices.ContainsFunc(d.Offers, func(o jobs.Offer) bool { return o.State == "accepted" })
	switch {
	case !auto:
		return append(said, s.say("waves.next-off"))
	case !begin(d).After(now):
		return append(said, s.say("waves.begun"))
	case d.BeingWorkedOn:
		return append(said, s.say("waves.taken"))
	case held:
		return append(said, s.say("waves.held"))
	case w.NextAt.IsZero():
		return append(said, s.say("waves.no-next"))
	case !w.NextAt.After(now):
		return append(said, s.say("waves.now"))
	}
	return append(said, s.say("waves.next", w.NextAt.Format(whenLayout)))
}
