package httpapi

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	"github.com/dragoman-booking/dragoman/projections/settings"
)

type waveBody struct {
	Tier          string `json:"tier,omitempty" doc:"A tier of the languages. Absent: every tier without a row of its own."`
	UnderHours    int    `json:"underHours,omitempty" doc:"The row holds while less than so many hours are left to the start. 0: however many."`
	Size          int    `json:"size,omitempty" doc:"How many are asked at once."`
	WaitMinutes   int    `json:"waitMinutes,omitempty" doc:"Until the next wave."`
	ExpireMinutes int    `json:"expireMinutes,omitempty" doc:"How long an offer stands, never beyond the start. 0: as offerHours says."`
}

type wavesBody struct {
	Waves []waveBody `json:"waves" maxItems:"100" doc:"The whole list; empty: the built-in rows."`
}

type waveItem struct {
	Tier          string `json:"tier" doc:"Empty: every tier without a row of its own."`
	UnderHours    int    `json:"underHours" doc:"0: however much time is left."`
	Size          int    `json:"size"`
	WaitMinutes   int    `json:"waitMinutes"`
	ExpireMinutes int    `json:"expireMinutes"`
}

type wavesAnswer struct {
	Waves     []waveItem `json:"waves" doc:"The rows in force, narrowest first."`
	BuiltIn   bool       `json:"builtIn" doc:"The agency has set none of its own."`
	AutoOffer bool       `json:"autoOffer" doc:"Offers go out in waves by themselves."`
	Revision  uint64     `json:"revision" doc:"Of the agency's settings, for If-Match."`
}

func (w wavesAnswer) revision() uint64 { return w.Revision }

// waves are how offers go out in waves (N-03).
func (a *API) waves() {
	get(a, "/settings/waves", "How offers go out in waves, by the language's tier and the time left (N-03)", []string{settings.Name},
		func(ctx context.Context, v access.Viewer, _ *Asking) (wavesAnswer, error) {
			agency, err := a.Queries.Settings.Settings(ctx, v)
			if err != nil {
				return wavesAnswer{}, err
			}
			out := wavesAnswer{Waves: []waveItem{}, BuiltIn: len(agency.Settings.Waves) == 0, AutoOffer: agency.Settings.AutoOffer, Revision: uint64(agency.Version)}
			for _, w := range agency.Settings.WavePolicy() {
				out.Waves = append(out.Waves, waveItem(w))
			}
			return out, nil
		})
	putting(a, "/settings/waves", "set-waves", "Set how offers go out in waves, whole", access.ManageSettings,
		func(ctx context.Context, r commands.Request, b wavesBody) (commands.Changed, error) {
			rows := make([]people.Wave, len(b.Waves))
			for i, w := range b.Waves {
				rows[i] = people.Wave(w)
			}
			return a.commands.SetWaves(ctx, r, people.SetWaves{Rows: rows})
		})
}

// wavesItem is how far a job has got with offers in waves.
type wavesItem struct {
	Number int        `json:"number" doc:"Of the last wave since the job was booked or last changed; 0: none has gone out."`
	SentAt *time.Time `json:"sentAt"`
	Size   int        `json:"size" doc:"How many were to be asked at once."`
	Left   int        `json:"left" doc:"How many could still be asked then."`
	NextAt *time.Time `json:"nextAt" doc:"When the next wave is due; null: none is. It waits while somebody works on the job, or an acceptance holds it."`
}

func wavesItemOf(w *jobs.Waves) *wavesItem {
	if w == nil {
		return nil
	}
	return &wavesItem{Number: w.Number, SentAt: whenSet(w.SentAt), Size: w.Size, Left: w.Left, NextAt: whenSet(w.NextAt)}
}

// flagItem is what assigners are told of a job.
type flagItem struct {
	Kind  string     `json:"kind" doc:"custody-clock: nobody is left who could finish before it ends; no-candidates: nobody is left to ask; interpreter-suspended: who has the job is suspended (LL-130)."`
	Since time.Time  `json:"since"`
	Text  string     `json:"text"`
	Helps []helpItem `json:"helps" doc:"Wishes that could be given up, one at a time, that which would bring most first."`
}

type helpItem struct {
	Wish     string `json:"wish" doc:"remote, flexibility, gender, skills, precluded or language."`
	Language string `json:"language,omitempty" doc:"Of another language: which."`
	More     int    `json:"more" doc:"How many more could do the job then: in time, if there is a custody clock."`
	Text     string `json:"text"`
}

// flagsOf puts flags into words; languages are named where the agency's list of them is given, else by their codes.
func flagsOf(in []jobs.Flag, languages []people.Language) []flagItem {
	var out []flagItem
	for _, f := range in {
		item := flagItem{Kind: f.Kind, Since: f.Since, Text: flagTexts[f.Kind], Helps: []helpItem{}}
		for _, h := range f.Helps {
			item.Helps = append(item.Helps, helpItem{h.Wish, h.Language, h.More, helpText(h, languages)})
		}
		out = append(out, item)
	}
	return out
}

var flagTexts = map[string]string{
	booking.FlagCustody:      "Nobody is left to ask who could finish before the custody clock ends.",
	booking.FlagNoCandidates: "Nobody is left to ask.",
	jobs.FlagSuspended:       "The interpreter who has this job is suspended.",
}

var helpTexts = map[string]string{
	matching.HelpRemote:      "If the interpreter may join remotely: %d more.",
	matching.HelpFlexibility: "If it may begin at another time that day: %d more.",
	matching.HelpGender:      "If the interpreter may be of another gender: %d more.",
	matching.HelpSkills:      "If not every skill is needed: %d more.",
	matching.HelpPrecluded:   "If those whom the customer does not want may come: %d more.",
}

func helpText(h booking.Help, languages []people.Language) string {
	if h.Wish == matching.HelpLanguage {
		name := h.Language
		for _, l := range languages {
			if strings.EqualFold(l.Code, h.Language) {
				name = l.Name
			}
		}
		return fmt.Sprintf("If the person also speaks %s: %d more.", name, h.More)
	}
	return fmt.Sprintf(helpTexts[h.Wish], h.More)
}
