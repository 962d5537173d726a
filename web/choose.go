package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/matching"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/projections/jobs"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

// choicePage is a command for one or several interpreters, who are chosen from a list.
type choicePage struct {
	actionPage
	Many       bool   // several may be chosen
	Language   string // code that the list is narrowed to; empty: all
	Q          string // part of a name or a LIN
	Languages  []people.Language
	Candidates []candidate
	Others     []candidate // against whom something speaks, and what (N-04)
	Ranked     bool        // the list is a search's answer: who could do it, in order
	More       bool        // there are more than the list shows
	Fixed      *candidate
}

// candidate is an interpreter in the list.
type candidate struct {
	ID        uuid.UUID
	LIN, Name string
	Languages []string // names
	Preferred bool     // by the customer (LL-38)
	Precluded bool     // by the customer (LL-39)
	Suspended bool
	Speaks    bool   // the job's language or an alternative
	Offer     string // state of the newest offer; empty: none
	Chosen    bool
	Why       []domain.Because // what the rules say; empty: they were not asked
	Against   []string         // the sentences of those that speak against
	Short     []string         // what tells one candidate from the next
	Rank      int
	Shifted   string // start to offer, RFC 3339; empty: the requested one
	ShiftedTo string // the same for people
	Eligible  bool
	Never     bool // no reason goes past what speaks against this one
}

// mostCandidates is how many interpreters the list shows; narrow it to find the others.
const mostCandidates = 200

// showChoice is the page on which interpreters are chosen for an offer or the assignment.
func (p *Portal) showChoice(w http.ResponseWriter, r *http.Request, status int, a asked) error {
	page, err := p.choicePage(r, a)
	if err != nil {
		return err
	}
	if !page.Can[page.Command] && a.Refusal == nil {
		return p.notNow(w, r, page.actionPage)
	}
	return p.render(w, r, status, "choose", page.Title(), page)
}

// showAnswer is the page on which an offer is accepted or declined: by the interpreter, or by staff on behalf of one, chosen first.
func (p *Portal) showAnswer(w http.ResponseWriter, r *http.Request, status int, a asked) error {
	page, err := p.choicePage(r, a)
	if err != nil {
		return err
	}
	if !page.Can[page.Command] && a.Refusal == nil {
		return p.notNow(w, r, page.actionPage)
	}
	if viewer(r.Context()).Role == domain.Interpreter {
		return p.render(w, r, status, "action", page.Title(), page)
	}
	for i, c := range page.Candidates {
		if c.Chosen {
			page.Fixed = &page.Candidates[i]
			return p.render(w, r, status, "action", page.Title(), page)
		}
	}
	return p.render(w, r, status, "choose", page.Title(), page)
}

func (p *Portal) choicePage(r *http.Request, a asked) (choicePage, error) {
	base, err := p.actionPage(r, a)
	if err != nil {
		return choicePage{}, err
	}
	v := viewer(r.Context())
	page := choicePage{actionPage: base, Many: base.Command == "send-offer", Language: base.Detail.Language, Q: strings.TrimSpace(base.Sent.Get("q"))}
	if page.Sent.Has("language") {
		page.Language = page.Sent.Get("language")
	}
	page.offerAt()
	if v.Role == domain.Interpreter {
		return page, nil
	}
	agency, err := p.agency(r.Context())
	if err != nil {
		return choicePage{}, err
	}
	page.Languages = agency.Settings.Languages
	speak := words{p.in(r.Context()), agency.Settings.Languages}
	if (base.Command == "send-offer" || base.Command == "assign") && access.MayManage(v, access.ReadCandidates) == nil {
		return page, p.rank(r, &page, speak)
	}
	found, err := p.candidates(r.Context(), page.Language, page.Q, chosen(page.Sent))
	if err != nil {
		return choicePage{}, err
	}
	for _, i := range found {
		page.Candidates = append(page.Candidates, candidateOf(i, page.Detail, page.Sent, speak))
	}
	slices.SortStableFunc(page.Candidates, func(a, b candidate) int { return cmp.Compare(a.order(), b.order()) })
	if page.More = len(page.Candidates) > mostCandidates; page.More {
		page.Candidates = page.Candidates[:mostCandidates]
	}
	return page, nil
}

// rank fills the page with who could do the job, in order, and with who could not, each with the reasons. Whoever looks for a name or another
// language finds these, with the reasons too.
func (p *Portal) rank(r *http.Request, page *choicePage, speak words) error {
	ctx, v := r.Context(), viewer(r.Context())
	search, err := p.Commands.Search(ctx, v, page.Ref)
	if err != nil {
		return err
	}
	page.Ranked = page.Q == "" && page.Language == page.Detail.Language
	var ids []uuid.UUID
	if page.Ranked {
		ids = chosen(page.Sent)
	} else {
		found, err := p.candidates(ctx, page.Language, page.Q, chosen(page.Sent))
		if err != nil {
			return err
		}
		for _, i := range found {
			ids = append(ids, i.ID)
		}
	}
	list, more, err := p.Queries.Candidates.Choose(ctx, search.Job, search.World, search.Postcodes, page.Ranked, ids, mostCandidates)
	if err != nil {
		return err
	}
	page.More = more
	for _, found := range list {
		w := found.Verdict.Worker
		c := candidateOf(readpeople.Interpreter{ID: w.ID, LIN: w.LIN, Name: found.Name, Languages: w.Languages, Suspended: w.Suspended}, page.Detail, page.Sent, speak)
		c.Eligible, c.Rank = found.Verdict.Eligible, found.Rank
		c.explain(found.Verdict, search.Trace(v, found.Verdict))
		if c.Eligible {
			page.Candidates = append(page.Candidates, c)
		} else {
			page.Others = append(page.Others, c)
		}
	}
	return nil
}

// explain puts a trace beside the name: all of it to unfold, and at once what speaks against, or what the order goes by.
func (c *candidate) explain(v matching.Verdict, trace []domain.Because) {
	c.Why, c.Never = trace, !v.Eligible && !v.Overridable()
	for _, b := range trace {
		switch {
		case b.Finding == domain.Against:
			c.Against = append(c.Against, b.Text)
		case b.Finding == domain.Noted, b.Rule == matching.RuleLanguage && len(b.Facts.Missing) > 0:
			c.Short = append(c.Short, b.Text)
		}
	}
	if v.Eligible && v.Shifted {
		c.Shifted, c.ShiftedTo = v.Start.Stamp(), v.Start.In().Format("02/01/2006 15:04")
		if doubled(v.Start.Local[:len("2006-01-02T15:04")], v.Start.Zone) != nil {
			c.ShiftedTo += v.Start.In().Format(" -07:00")
		}
	}
}

// offerAt takes up the start at which one interpreter can come, with what was typed and ticked so far.
func (p choicePage) offerAt() {
	id, at, asked := strings.Cut(p.Sent.Get(fieldOfferAt), " ")
	delete(p.Sent, fieldOfferAt)
	start, err := time.Parse(time.RFC3339, at)
	if !asked || err != nil {
		return
	}
	if !slices.Contains(p.Sent["interpreters"], id) {
		p.Sent.Add("interpreters", id)
	}
	p.Sent.Set("proposedStart", start.Format("2006-01-02T15:04"))
	p.Sent.Set("proposedStart.offset", "")
	if doubled(p.Sent.Get("proposedStart"), p.Detail.TimeZone) != nil {
		p.Sent.Set("proposedStart.offset", start.Format("-07:00"))
	}
}

// fieldOfferAt is the button that takes up the start at which one interpreter can come: the interpreter, and that start with its offset.
const fieldOfferAt = "offer-at"

// chosen are the interpreters that a form names.
func chosen(f url.Values) []uuid.UUID {
	var ids []uuid.UUID
	for _, s := range slices.Concat(f["interpreters"], f["interpreter"]) {
		if id, err := parseInterpreter(s, ""); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// candidates are the interpreters of a language whose name or LIN holds a text, and those already chosen, by name.
func (p *Portal) candidates(ctx context.Context, language, q string, chosen []uuid.UUID) ([]readpeople.Interpreter, error) {
	v := viewer(ctx)
	seen := map[uuid.UUID]bool{}
	var list []readpeople.Interpreter
	add := func(i readpeople.Interpreter) {
		if !seen[i.ID] {
			seen[i.ID] = true
			list = append(list, i)
		}
	}
	for _, id := range chosen {
		i, found, err := p.Queries.People.Interpreter(ctx, v, id)
		if err != nil {
			return nil, err
		}
		if found {
			add(i)
		}
	}
	filters := []map[string]string{{}}
	if q != "" {
		filters = []map[string]string{{"name": q}, {"lin": q}}
	}
	for _, filter := range filters {
		if language != "" {
			filter["languages"] = language
		}
		page, err := p.Queries.People.Interpreters(ctx, v, projections.ListQuery{Limit: mostCandidates + 1, Filter: filter})
		if err != nil {
			return nil, err
		}
		for _, i := range page.Items {
			if language == "" || slices.Contains(i.Languages, language) {
				add(i)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b readpeople.Interpreter) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

func candidateOf(i readpeople.Interpreter, d jobs.Detail, sent url.Values, speak words) candidate {
	named := func(key string) bool {
		return slices.ContainsFunc(d.Fields[key].Items, func(lin string) bool { return strings.EqualFold(lin, i.LIN) })
	}
	c := candidate{ID: i.ID, LIN: i.LIN, Name: i.Name, Suspended: i.Suspended, Preferred: named("preferredInterpreter"), Precluded: named("precludedInterpreter"),
		Chosen: slices.Contains(chosen(sent), i.ID)}
	for _, code := range i.Languages {
		c.Languages = append(c.Languages, speak.language(code))
		c.Speaks = c.Speaks || strings.EqualFold(code, d.Language) ||
			slices.ContainsFunc(d.AlternativeLanguages, func(a string) bool { return strings.EqualFold(a, code) })
	}
	for _, o := range d.Offers {
		if o.Interpreter.ID == i.ID {
			c.Offer = o.State
		}
	}
	return c
}

// order orders a list that no rules have ranked: whom the customer prefers first, who cannot or should not come last.
func (c candidate) order() int {
	switch {
	case c.Suspended:
		return 5
	case c.Precluded:
		return 4
	case c.Preferred && c.Speaks:
		return 0
	case c.Preferred:
		return 1
	case c.Speaks:
		return 2
	}
	return 3
}

// AnOtherChosen tells whether somebody is chosen against whom something speaks: then the list of these stands open.
func (p choicePage) AnOtherChosen() bool {
	return slices.ContainsFunc(p.Others, func(c candidate) bool { return c.Chosen })
}

// Asked tells whether the interpreter holds an offer already.
func (c candidate) Asked() bool { return c.Offer == "open" || c.Offer == "accepted" }
