package booking

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// MaxJobs is how many jobs one booking may have (design, section 3).
const MaxJobs = 400

// Response tiers, by the time between booking and start (LL-60..64, D-05): exactly 3 hours and exactly 24 hours belong to the nearer tier.
const (
	Within3Hours  = "within-3h"
	Within24Hours = "within-24h"
	Over24Hours   = "over-24h"
)

// Name is the command's name.
func (Create) Name() string { return "create" }

// Decide books (LL-17..57, II-28..47).
//
//	given  nothing
//	when   Create on a form that the customer has, with every required value
//	then   Created, with one job per interpreter asked for (II-39), new on the interpreting forms
//	again  nothing: the booking's id comes from the command
//	error  invalid with every fault at once; too-late for a customer whose window to book has closed; nonexistent-local-time, doubled-local-time, acknowledgement-required, too-many-jobs
func (c Create) Decide(s State, env Env) (Decision, error) {
	if s.Exists() {
		if s.ID != c.Booking {
			return Decision{}, fmt.Errorf("create booking %s in the stream of booking %s", c.Booking, s.ID)
		}
		return Decision{}, nil
	}
	if c.Interpreters > MaxJobs {
		return Decision{}, domain.Unprocessable("too-many-jobs", "A booking holds at most %d jobs.", MaxJobs)
	}
	n := max(1, c.Interpreters)
	if len(c.JobRefs) != n {
		return Decision{}, fmt.Errorf("create booking %s: %d job refs drawn for %d jobs", c.Booking, len(c.JobRefs), n)
	}

	var f faults
	f.bookable(env)
	if c.Interpreters < 0 {
		f.add("body.interpretersRequested", "At least 1.")
	}
	shared, zone, warnings := c.details(&f, env)
	schedule := c.schedule(&f, zone, env)
	if missing := unread(env.Form, c.Acknowledged); len(missing) > 0 {
		f.special("acknowledgement-required", "body.acknowledged", "Read and acknowledge the notices first.", missing...)
	}
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	kept, err := c.inTime(schedule.Start, shared, env)
	if err != nil {
		return Decision{}, err
	}

	e := Created{
		Booking: c.Booking, Ref: c.Ref, Key: c.Key, Customer: c.Customer,
		Form: env.Form.ID, FormVersion: env.Form.Version, Status: env.Form.InitialStatus(),
		Shared: shared, Jobs: make([]NewJob, n),
		Policy: policy(env, schedule.Start.Instant),
	}
	e.Policy.Window = kept
	for i := range e.Jobs {
		e.Jobs[i] = NewJob{ID: env.NewID(fmt.Sprintf("job/%d", i)), Ref: c.JobRefs[i], Schedule: schedule}
	}
	return Decision{Events: []Event{e}, Warnings: warnings}, nil
}

// inTime refuses a customer a start that is nearer than the customer may book by the portal (II-71); it answers with the window that was kept.
func (c Create) inTime(start domain.Moment, d Details, env Env) (*windows.Applied, error) {
	if !c.ByCustomer {
		return nil, nil
	}
	w := env.window(windows.Create, start, d.Location)
	if w.Open(env.Now) {
		return bound(w), nil
	}
	r := tooLate(w, start, "A job that starts then could be booked", "Please contact the agency.")
	r.Errors = []domain.FieldError{{Location: "body.start", Message: "This is too soon to book here: please contact the agency."}}
	return nil, r
}

// bookable notes that the customer does not book with this form.
func (f *faults) bookable(env Env) {
	if !slices.Contains(env.Customer.BookableForms(), env.Form.ID) {
		f.add("body.form", "This form is not among those of the customer.")
	}
}

// details reads what is booked, all but the time, and the time zone in which that is meant.
func (c Create) details(f *faults, env Env) (shared Details, zone string, warnings []domain.Warning) {
	c.BillTo = f.text("body.billTo", c.BillTo, false)
	shared = Details{BillTo: cmp.Or(c.BillTo, env.Customer.BillTo)}
	zone = c.place(&shared, f, env)
	zone = cmp.Or(c.TimeZone, zone)

	shared.Language, shared.LanguageTier = f.language("body.language", c.Language, env)
	shared.AlternativeLanguages = f.alternatives(c.Alternatives, shared.Language, env)
	shared.ServiceType = f.serviceType(c.ServiceType, env)
	shared.Fields, warnings = f.fields(c.Fields, forms.OnCreate, zone, env)
	f.list = append(f.list, env.Form.Wanting(env.Form.Sent(speaker(c.Fields, env.Form)), shared.core(c.Interpreters), forms.OnCreate, nil)...)
	return shared, zone, warnings
}

// schedule reads when the job is wanted.
func (c Create) schedule(f *faults, zone string, env Env) Schedule {
	start, ok := f.moment("body.start", c.Start, zone)
	if ok && !start.Instant.After(env.Now) {
		f.add("body.start", "This time has passed.") // LL-27, for staff too
	}
	return Schedule{Start: start, Minutes: f.duration(c.Hours, c.Minutes)}
}

// place reads where the job takes place, or who pays if nobody travels (LL-19, LL-20, LL-48), and answers with the time zone there.
func (c Create) place(d *Details, f *faults, env Env) (zone string) {
	zone = cmp.Or(env.CustomerZone, env.Agency.TimeZone)
	d.Client = c.Client
	_, known := env.Clients[c.Client]
	if c.Client != uuid.Nil && !known {
		f.add("body.client", "Choose one of the customer's clients.")
	}
	remote := env.Form.Address == forms.BillingAddress
	switch {
	case c.Location != uuid.Nil && c.Address != nil:
		f.add("body.address", "Send either a location or a typed address.")
	case c.Location != uuid.Nil:
		place, ok := env.Locations[c.Location]
		if !ok {
			f.add("body.location", "Choose one of the customer's locations.")
			break
		}
		if known && place.Client != uuid.Nil && place.Client != c.Client {
			f.add("body.location", "This location belongs to another client.")
		}
		if d.Client == uuid.Nil {
			d.Client = place.Client
		}
		zone = cmp.Or(place.TimeZone, zone)
		d.Location = c.Location
		if remote {
			d.BillTo = cmp.Or(c.BillTo, place.Name)
		} else {
			d.Address = addressOf(place)
		}
	case remote:
		if c.BillTo == "" {
			f.add("body.billTo", "This field is required.")
		}
		if c.Address != nil {
			f.add("body.address", "A remote booking has no service address.")
		}
	case c.Address != nil:
		d.Address = f.address(*c.Address)
	default:
		f.add("body.location", "Choose a location, or type an address.")
	}
	return zone
}

// addressOf is a listed location's address as it stands now.
func addressOf(p people.Place) *Address {
	return &Address{
		Line1: domain.Personal(p.Address.Line1), Line2: domain.Personal(p.Address.Line2), Town: p.Address.Town,
		Postcode: domain.Personal(p.Address.Postcode), Outward: Outward(p.Address.Postcode),
	}
}

// address reads a typed address (LL-20).
func (f *faults) address(a Address) *Address {
	postcode := f.line("body.address.postcode", a.Postcode.Reveal(), true)
	return &Address{
		Line1:    domain.Personal(f.line("body.address.line1", a.Line1.Reveal(), true)),
		Line2:    domain.Personal(f.line("body.address.line2", a.Line2.Reveal(), false)),
		Town:     f.line("body.address.town", a.Town, true),
		Postcode: domain.Personal(postcode),
		Outward:  Outward(postcode),
	}
}

// Outward is the part of a British postcode that names the district, "LS1" of "LS1 4AP": what an interpreter with an offer may read
// (design, section 6). Of any other postcode it is empty, so that it never gives more away.
func Outward(postcode string) string {
	p := strings.ToUpper(strings.Join(strings.Fields(postcode), ""))
	if !britishPostcode.MatchString(p) {
		return ""
	}
	return p[:len(p)-3]
}

var britishPostcode = regexp.MustCompile(`^[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-Z]{2}$`)

// language reads a language and finds its tier (LL-24, II-37, LL-73). An agency that lists no languages supplies every one.
func (f *faults) language(location, code string, env Env) (language, tier string) {
	code = strings.TrimSpace(code)
	if code == "" {
		f.add(location, "This field is required.")
		return "", ""
	}
	for _, l := range env.Agency.Languages {
		if strings.EqualFold(l.Code, code) {
			return l.Code, l.Tier
		}
	}
	if len(env.Agency.Languages) > 0 || !bcp47.MatchString(code) {
		f.add(location, "Choose a language from the list.")
		return "", ""
	}
	return code, ""
}

var bcp47 = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// alternatives reads the other languages that the person speaks (LL-26), each once.
func (f *faults) alternatives(codes []string, language string, env Env) []string {
	list := []string{} // never nil: none is stored as none, not as left alone
	for i, code := range codes {
		l, _ := f.language(fmt.Sprintf("body.alternativeLanguages[%d]", i), code, env)
		if l != "" && l != language && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}

// serviceType reads the service type; a form that books one service needs none (II-38).
func (f *faults) serviceType(sent string, env Env) string {
	service := cmp.Or(strings.TrimSpace(sent), env.Form.ServiceType)
	switch {
	case service == "":
		f.add("body.serviceType", "This field is required.")
	case env.Form.ServiceType != "" && service != env.Form.ServiceType:
		f.add("body.serviceType", "This form books another service.")
	case len(env.Customer.ServiceTypes) > 0 && !slices.Contains(env.Customer.ServiceTypes, service):
		f.add("body.serviceType", "This service is not enabled for the customer.")
	}
	return service
}

// fields reads what the form adds.
func (f *faults) fields(in map[string][]string, on, zone string, env Env) (map[string]domain.Value, []domain.Warning) {
	now := env.Now
	if m, err := domain.MomentAt(now, zone); err == nil {
		now = m.In()
	}
	form := env.Form
	if rule := env.Customer.SpeakerName; rule != "" && rule != forms.SpeakerByName { // D-15
		form = form.WithSpeaker(rule)
	}
	values, list, warnings := form.Validate(speaker(in, form), on, now)
	f.list = append(f.list, list...)
	if p := values["precludedInterpreter"].First(); p != "" && p == values["preferredInterpreter"].First() {
		f.add("body.fields.precludedInterpreter", "This interpreter is preferred: nobody can be both.")
	}
	return values, warnings
}

// core are the values that every booking has, as a form's rules read them. Interpreters is how many were asked for, if it was said.
func (d Details) core(interpreters int) forms.Core {
	some := func(filled bool, text string) []string {
		if !filled {
			return nil
		}
		return []string{text}
	}
	c := forms.Core{
		"language": some(d.Language != "", d.Language), "alternativeLanguages": d.AlternativeLanguages,
		"serviceType": some(d.ServiceType != "", d.ServiceType), "client": some(d.Client != uuid.Nil, d.Client.String()),
		"location": some(d.Location != uuid.Nil || d.Address != nil, "given"), "billTo": some(d.BillTo != "", "given"),
		"interpretersRequested": some(interpreters > 0, "given"),
	}
	for _, key := range []string{"start", "duration"} { // every job has them
		c[key] = []string{"given"}
	}
	return c
}

// speaker renames consumer and nonEnglishSpeaker, which are one value, to the one that the form has.
func speaker(in map[string][]string, form forms.Form) map[string][]string {
	const here, there = "nonEnglishSpeaker", "consumer"
	rename := func(from, to string) map[string][]string {
		v, sent := in[from]
		_, both := in[to]
		_, has := form.Field(to)
		_, hasFrom := form.Field(from)
		if !sent || both || !has || hasFrom {
			return in
		}
		out := maps.Clone(in)
		delete(out, from)
		out[to] = v
		return out
	}
	in = rename(there, here)
	return rename(here, there)
}

// unread are the mandatory notices that were not acknowledged (LL-15).
func unread(form forms.Form, acknowledged []string) []string {
	var keys []string
	for _, n := range form.Notices {
		if n.Mandatory && !slices.Contains(acknowledged, n.Key) {
			keys = append(keys, n.Key)
		}
	}
	return keys
}

// policy is what holds for a job that starts then, as the agency has it now.
func policy(env Env, start time.Time) Policy {
	tier := Over24Hours
	switch lead := start.Sub(env.Now); {
	case lead <= 3*time.Hour:
		tier = Within3Hours
	case lead <= 24*time.Hour:
		tier = Within24Hours
	}
	p := cancelPolicy(env)
	p.ResponseTier, p.Editable = tier, env.Form.Editable()
	return p
}

// cancelPolicy is how long before the start the customer may cancel, as agreed now, if that is agreed in hours (LL-113, D-06).
func cancelPolicy(env Env) Policy {
	p := Policy{Version: env.AgencyVersion}
	if rule := people.Window(env.Agency, env.Customer, windows.Cancel); !rule.Off && rule.Unit == windows.Hours {
		p.CancelHours, p.CancelStrict = rule.Span, !rule.Inclusive
	}
	return p
}
