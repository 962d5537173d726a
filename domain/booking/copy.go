package booking

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// A job made from another one takes over what the form copies, by default all that stands above the calendar (II-51, II-56, II-63). What is taken
// over passes the rules again, as if it had been typed: a location may have moved, an option may be gone, a rule may be new.

// copyOf is the wish to book what a job has. Keep tells of a field that the form does not copy whether it is taken over all the same; nil: none is.
// What was erased is not there to be taken over.
func copyOf(j Job, form forms.Form, keep func(forms.Field) bool) Create {
	copied := func(key string) bool {
		field, listed := form.Field(key)
		return !listed || field.Copied || keep != nil && keep(field)
	}
	d := j.Details
	c := Create{Fields: map[string][]string{}}
	if copied("client") {
		c.Client = d.Client
	}
	if copied("billTo") {
		c.BillTo = d.BillTo
	}
	switch remote := form.Address == forms.BillingAddress; {
	case remote && copied("billTo"):
		c.Location = d.Location
	case remote, !copied("location"):
	case d.Location != uuid.Nil:
		c.Location = d.Location
	case d.Address != nil && d.Address.Line1.Reveal() != domain.Erased:
		typed := *d.Address
		c.Address = &typed
	}
	if copied("language") {
		c.Language = d.Language
	}
	if copied("alternativeLanguages") {
		c.Alternatives = slices.Clone(d.AlternativeLanguages)
	}
	if copied("serviceType") {
		c.ServiceType = d.ServiceType
	}
	for _, field := range form.Fields {
		value, there := d.Fields[field.Key]
		if field.Core || !there || !field.Copied && (keep == nil || !keep(field)) || slices.Contains(value.Items, domain.Erased) {
			continue
		}
		if value.NotApplicable {
			value.Items = []string{"N/A"} // as it was typed (D-04)
		}
		c.Fields[field.Key] = slices.Clone(value.Items)
	}
	return c
}

// with is the wish with values that were sent over it. A location brings its client, and on a remote form its name as the billing address.
func (c Create) with(o Edit, env Env) Create {
	if o.Client != nil {
		c.Client = *o.Client
	}
	if o.Location != nil || o.Address != nil {
		c.Location, c.Address = uuid.Nil, o.Address
		if o.Location != nil {
			c.Location = *o.Location
		}
		if env.Form.Address == forms.BillingAddress {
			c.BillTo = ""
		}
		if place, known := env.Locations[c.Location]; known && place.Client != uuid.Nil && o.Client == nil {
			c.Client = place.Client
		}
	}
	if o.BillTo != nil {
		c.BillTo = *o.BillTo
	}
	if o.Language != nil {
		c.Language = *o.Language
	}
	if o.Alternatives != nil {
		c.Alternatives = *o.Alternatives
	}
	if o.ServiceType != nil {
		c.ServiceType = *o.ServiceType
	}
	if o.Start != nil {
		c.Start = *o.Start
	}
	if o.TimeZone != nil {
		c.TimeZone = *o.TimeZone
	}
	c.Hours, c.Minutes, c.ByCustomer = o.Hours, o.Minutes, o.ByCustomer
	c.Fields = maps.Clone(c.Fields)
	maps.Copy(c.Fields, speaker(o.Fields, env.Form))
	return c
}

// What Details.Without may name.
const (
	withoutClient       = "client"
	withoutLocation     = "location"
	withoutBillTo       = "billTo"
	withoutAlternatives = "alternativeLanguages"
)

// ownValues are what a job has of its own over a base, so that Merge makes want of them; nil: nothing.
func ownValues(base, want Details) *Details {
	own, differs := Details{}, false
	put := func(different, there bool, without string, set func()) {
		switch {
		case !different:
			return
		case there:
			set()
		default:
			own.Without = append(own.Without, without)
		}
		differs = true
	}
	put(want.Client != base.Client, want.Client != uuid.Nil, withoutClient, func() { own.Client = want.Client })
	put(want.Location != base.Location || !sameAddress(want.Address, base.Address), want.Location != uuid.Nil || want.Address != nil, withoutLocation,
		func() { own.Location, own.Address = want.Location, want.Address })
	put(want.BillTo != base.BillTo, want.BillTo != "", withoutBillTo, func() { own.BillTo = want.BillTo })
	put(want.Language != base.Language || want.LanguageTier != base.LanguageTier, true, "", func() { own.Language, own.LanguageTier = want.Language, want.LanguageTier })
	put(!slices.Equal(want.AlternativeLanguages, base.AlternativeLanguages), len(want.AlternativeLanguages) > 0, withoutAlternatives,
		func() { own.AlternativeLanguages = slices.Clone(want.AlternativeLanguages) })
	put(want.ServiceType != base.ServiceType, true, "", func() { own.ServiceType = want.ServiceType })
	fields := map[string]domain.Value{}
	for key, v := range want.Fields {
		if old, there := base.Fields[key]; !there || !v.Equal(old) {
			fields[key] = v
		}
	}
	for key := range base.Fields {
		if _, there := want.Fields[key]; !there {
			fields[key] = domain.Value{}
		}
	}
	if len(fields) > 0 {
		own.Fields, differs = fields, true
	}
	if !differs {
		return nil
	}
	return &own
}

// room refuses more jobs than a booking may have (design, section 3).
func (s State) room(more int) error {
	if len(s.Jobs)+more > MaxJobs {
		return domain.Unprocessable("too-many-jobs", "A booking holds at most %d jobs.", MaxJobs)
	}
	return nil
}

// mayGrow refuses further jobs of a booking that has no room for them, or whose personal values were erased with the key that would seal those of
// the new job.
func (s State) mayGrow() error {
	if s.Erased {
		return domain.Unprocessable("erased", "The personal details of this booking were erased. No further job can be made from it: make a new booking.")
	}
	return s.room(1)
}

// added is a further job of the booking. Kept is the window that the customer kept by asking for it now.
func (s State) added(from Job, why string, job NewJob, kept *windows.Applied, env Env) JobAdded {
	e := JobAdded{Key: s.Key, From: from.ID, Why: why, Status: env.Form.InitialStatus(), Job: job, Policy: policy(env, job.Schedule.Start.Instant)}
	e.Policy.Window = kept
	return e
}
