package booking

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/windows"
)

// Name is the command's name.
func (Edit) Name() string { return "edit" }

// Decide changes values (LL-108..110, II-69, II-73, II-74). What stands above the form's calendar spreads to the booking's other live jobs
// by itself; what stands in or below it goes as far as the scope says. Offers that showed the old time, place or service, open or accepted,
// are revoked and sent again with the new fee; those in another language are revoked only (LL-91). An assigned job's diary holds the new time.
//
//	given  new, offered to Ana
//	when   Edit{start 11:00} by staff
//	then   Edited, with Ana's offer revoked and sent again
//
//	given  assigned
//	when   Edit{reportTo} by the customer
//	then   Edited; nothing else moves
//
//	again  nothing
//	error  too-late: a customer after the window to edit, or to a start after the window to book (II-70, II-71); not-editable: the customer asks with an admin message (LL-109); wrong-status; scope-required; erased; invalid
func (c Edit) Decide(s State, env Env) (Decision, error) {
	j, err := begin(s, c.Job, c, env)
	if err != nil {
		return Decision{}, err
	}
	c.Fields = speaker(c.Fields, env.Form)
	if err := c.editable(j, env.Form, s.Frozen(j, c.ByCustomer, env)); err != nil {
		return Decision{}, err
	}
	var f faults
	c.several = len(s.Jobs) > 1 && (c.Scope == ScopeFollowing || c.Scope == ScopeAll)
	above, below, warnings := c.wish(j, &f, env)
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	scope := c.Scope
	if !c.needsScope(env.Form) {
		scope = scopeOf(scope)
	}
	meant, err := s.scoped(j, scope, c.Except, env)
	if err != nil {
		return Decision{}, err
	}
	if err := c.inTime(j, below, above, env); err != nil {
		return Decision{}, err
	}
	e := Edited{Key: s.Key, Scope: scopeOf(c.Scope), Policy: Policy{Version: env.AgencyVersion}}
	if c.ByCustomer {
		e.Policy.Window = bound(env.window(windows.Edit, j.Begin(), j.Details.Location))
	}
	d := Decision{Warnings: warnings}
	var edited, moved []Job
	for _, k := range s.spread(j, above, meant, env) {
		own, shared, keeps, why := below, above, Change{}, WhyNothing
		if k.ID != j.ID {
			frozen := s.Frozen(k, c.ByCustomer, env)
			if frozen.Window != nil {
				meant.left[k.ID] = WhyFrozen
				continue
			}
			shared, keeps = frozen.thawed(above, k)
			if own.Schedule != nil && frozen.Locked {
				own.Schedule = nil
			}
			if frozen.Locked && (own.Schedule == nil && below.Schedule != nil || !keeps.empty()) {
				why = frozen.locker() + " is assigned, which locks its time, place and service."
			}
		}
		switch {
		case !meant.holds(k.ID):
			own = Change{}
		case k.ID != j.ID:
			own = c.along(j, k, own, &f, env)
		}
		shared, own = k.differing(shared), k.differing(own)
		after := k
		after.apply(&shared)
		after.apply(&own)
		if shared.empty() && own.empty() {
			meant.left[k.ID] = why
			continue
		}
		if err := s.stands(k, after); err != nil {
			return Decision{}, err
		}
		f.whole(c, after, env.Form)
		e.Shared = union(e.Shared, shared)
		change := JobChange{Job: k.ID}
		if own = own.over(keeps); !own.empty() {
			change.Own = &own
		}
		if err := d.follow(&change, s, k, after, env); err != nil {
			return Decision{}, err
		}
		e.Jobs = append(e.Jobs, change)
		edited, moved = append(edited, k), append(moved, after)
	}
	if err := f.refusal(); err != nil {
		return Decision{}, err
	}
	d.Skipped = s.skips(meant, c.Scope)
	if !above.empty() {
		d.Skipped = s.skips(meant, ScopeAll) // what spreads by itself means all of them
	}
	if len(e.Jobs) == 0 {
		return Decision{Warnings: warnings, Skipped: d.Skipped}, nil
	}
	e.UndoUntil = s.undoUntil(env, edited, moved)
	d.Events = []Event{e}
	return d, nil
}

func (c Edit) allowed(s State, j Job, env Env) error {
	switch j.Status {
	case domain.Cancelled:
		return wrongStatus(j, "it cannot be edited.")
	case domain.Complete:
		if c.ByCustomer {
			return wrongStatus(j, "it cannot be edited. Ask the agency with an admin message.")
		}
	}
	w := s.Frozen(j, c.ByCustomer, env).Window
	if w == nil {
		return nil
	}
	r := tooLate(*w, j.Begin(), "Job "+j.Ref+" could be changed", useAdminMessage)
	r.Actions = askAgency("Please change job %s: ", j.Ref)
	if labels := c.labels(env.Form); len(labels) > 0 {
		r.Actions = askAgency("Please change %s of job %s.", strings.Join(labels, ", "), j.Ref)
	}
	return r
}

// inTime refuses a customer a new start that is nearer than the customer may book (II-71), or that the named job's siblings would get: the
// window to edit was asked at the old start, the one to book at the new.
func (c Edit) inTime(j Job, below, above Change, env Env) error {
	if !c.ByCustomer || below.Schedule == nil || below.Schedule.Start.Equal(j.Schedule.Start) {
		return nil
	}
	location := j.Details.Location
	for _, w := range []Change{above, below} {
		if w.Location != nil {
			location = *w.Location
		}
	}
	start := below.Schedule.Start
	w := env.window(windows.Create, start, location)
	if w.Open(env.Now) {
		return nil
	}
	r := tooLate(w, start, "A job could be moved to that time", useAdminMessage)
	r.Errors = []domain.FieldError{{Location: "body.start", Message: "This is too soon to book here: use Admin Message."}}
	r.Actions = askAgency("Please move job %s to %s.", j.Ref, start.In().Format("02/01/2006 15:04"))
	return r
}

// labels are what was sent, as the form calls it.
func (c Edit) labels(form forms.Form) []string {
	var list []string
	for _, key := range c.keys() {
		list = append(list, label(form, key))
	}
	return list
}

func label(form forms.Form, key string) string {
	field, _ := form.Field(key)
	return cmp.Or(field.Label, key)
}

// keys are the names of what was sent, core values as the form calls them.
func (c Edit) keys() []string {
	var keys []string
	for key, sent := range map[string]bool{
		"client": c.Client != nil, "location": c.Location != nil || c.Address != nil, "billTo": c.BillTo != nil, "language": c.Language != nil,
		"alternativeLanguages": c.Alternatives != nil, "serviceType": c.ServiceType != nil, "start": c.Start != nil || c.TimeZone != nil,
		"duration": c.Hours != nil || c.Minutes != nil,
	} {
		if sent {
			keys = append(keys, key)
		}
	}
	for key := range c.Fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// editable refuses a customer what the form does not leave to customers (LL-108, LL-109) and what the lock on assignment closes (II-72), with
// the message that asks the agency for it.
func (c Edit) editable(j Job, form forms.Form, frozen Frozen) error {
	if !c.ByCustomer {
		return nil
	}
	var no []domain.FieldError
	var labels []string
	for _, key := range c.keys() {
		field, known := form.Field(key)
		_, added := c.Fields[key]
		locked := !added && frozen.Why(key) == FrozenByLock
		if !locked && (field.Editable || added && !known) { // what the form does not know is invalid, not forbidden
			continue
		}
		location, message := "body."+key, "The agency changes this: use Admin Message."
		if added {
			location = "body.fields." + key
		}
		if locked {
			message = frozen.locker() + " is assigned, so the agency changes this: use Admin Message."
		}
		no = append(no, domain.FieldError{Location: location, Message: message})
		labels = append(labels, label(form, key))
	}
	if len(no) == 0 {
		return nil
	}
	r := domain.Forbidden("not-editable", "Only the agency can change this after booking: use Admin Message.")
	r.Errors = no
	r.Actions = askAgency("Please change %s of job %s.", strings.Join(labels, ", "), j.Ref)
	return r
}

// needsScope tells whether something was sent that does not spread by itself.
func (c Edit) needsScope(form forms.Form) bool {
	return slices.ContainsFunc(c.keys(), func(key string) bool { return form.Place(key) != forms.Above })
}

// wish reads what was sent, as it would stand in the named job: what spreads by itself, and what does not.
func (c Edit) wish(j Job, f *faults, env Env) (above, below Change, warnings []domain.Warning) {
	put := func(key string, set func(*Change)) {
		if env.Form.Place(key) == forms.Above {
			set(&above)
		} else {
			set(&below)
		}
	}
	zone := j.Schedule.Start.Zone
	if c.Client != nil {
		if _, ok := env.Clients[*c.Client]; !ok && *c.Client != uuid.Nil {
			f.add("body.client", "Choose one of the customer's clients.")
		}
		put("client", func(w *Change) { w.Client = c.Client })
	}
	switch {
	case c.Location != nil && c.Address != nil:
		f.add("body.address", "Send either a location or a typed address.")
	case env.Form.Address == forms.BillingAddress && c.Address != nil:
		f.add("body.address", "A remote booking has no service address.")
	case c.Address != nil:
		typed := f.address(*c.Address)
		put("location", func(w *Change) { w.Location, w.Address = new(uuid.UUID), typed })
	case c.Location != nil:
		place, ok := env.Locations[*c.Location]
		if !ok {
			f.add("body.location", "Choose one of the customer's locations.")
			break
		}
		if place.TimeZone != "" {
			zone = place.TimeZone
		}
		switch {
		case place.Client == uuid.Nil:
		case c.Client == nil:
			put("client", func(w *Change) { w.Client = &place.Client }) // a location's client is taken over
		case *c.Client != place.Client:
			f.add("body.location", "This location belongs to another client.")
		}
		put("location", func(w *Change) {
			w.Location = c.Location
			if env.Form.Address != forms.BillingAddress {
				w.Address = addressOf(place)
			}
		})
	}
	if c.BillTo != nil {
		billTo := f.text("body.billTo", *c.BillTo, env.Form.Address == forms.BillingAddress)
		put("billTo", func(w *Change) { w.BillTo = &billTo })
	}
	language := j.Details.Language
	if c.Language != nil {
		l, tier := f.language("body.language", *c.Language, env)
		language = l
		put("language", func(w *Change) { w.Language, w.LanguageTier = &l, &tier })
	}
	if c.Alternatives != nil {
		list := f.alternatives(*c.Alternatives, language, env)
		put("alternativeLanguages", func(w *Change) { w.AlternativeLanguages = &list })
	}
	if c.ServiceType != nil {
		service := f.serviceType(*c.ServiceType, env)
		put("serviceType", func(w *Change) { w.ServiceType = &service })
	}
	if schedule := c.schedule(j, zone, f, env); schedule != nil {
		below.Schedule = schedule
	}
	fields, warnings := f.fields(c.Fields, forms.OnChange, zone, env)
	for key, v := range fields {
		put(key, func(w *Change) {
			if w.Fields == nil {
				w.Fields = map[string]domain.Value{}
			}
			w.Fields[key] = v
		})
	}
	return above, below, warnings
}

// schedule reads a new start and duration. Customers do not move a job into the past; staff may, to record what was.
func (c Edit) schedule(j Job, zone string, f *faults, env Env) *Schedule {
	to := j.Schedule
	if c.TimeZone != nil {
		zone = *c.TimeZone
		if c.Start == nil {
			f.add("body.timeZone", "Send the start with its time zone.")
		}
	}
	if c.Start != nil {
		resolve := f.moment
		if c.several {
			resolve = f.earlierMoment
		}
		start, ok := resolve("body.start", *c.Start, zone)
		if ok && c.ByCustomer && !start.Instant.After(env.Now) {
			f.add("body.start", "This time has passed.")
		}
		to.Start = start
	}
	if c.Hours != nil || c.Minutes != nil {
		to.Minutes = f.duration(c.Hours, c.Minutes)
	}
	if c.Start == nil && c.Hours == nil && c.Minutes == nil {
		return nil
	}
	return &to
}

// along is what a sibling in scope gets: moved by as many local days as the named job, and to the same local time; a doubled one takes the
// earlier offset.
func (c Edit) along(j, k Job, below Change, f *faults, env Env) Change {
	if below.Schedule == nil {
		return below
	}
	to := k.Schedule
	if c.Hours != nil {
		to.Minutes = below.Schedule.Minutes
	}
	if c.Start != nil {
		zone := k.Schedule.Start.Zone
		if c.TimeZone != nil {
			zone = *c.TimeZone
		}
		from, there, here := wall(j.Schedule.Start), wall(below.Schedule.Start), wall(k.Schedule.Start)
		days := int(day(there).Sub(day(from)) / (24 * time.Hour))
		start, err := domain.EarlierMoment(day(here).AddDate(0, 0, days).Add(there.Sub(day(there))), zone)
		switch {
		case err != nil:
			f.special("nonexistent-local-time", "body.start", "Job "+k.Ref+" would fall into a local time that does not exist.")
		case c.ByCustomer && !start.Instant.After(env.Now):
			f.add("body.start", "Job "+k.Ref+" would begin in the past.")
		case c.ByCustomer && !start.Equal(k.Schedule.Start) && !env.window(windows.Create, start, k.Details.Location).Open(env.Now):
			f.special("too-late", "body.start", "Job "+k.Ref+" would begin too soon to book here: use Admin Message.")
		}
		to.Start = start
	}
	below.Schedule = &to
	return below
}

// wall is a moment's local time on a calendar without zones.
func wall(m domain.Moment) time.Time {
	t, err := time.Parse(domain.LocalLayout, m.Local)
	if err != nil {
		panic(fmt.Sprintf("booking: stored local time: %v", err)) // it was made by us
	}
	return t
}

func day(wall time.Time) time.Time {
	return time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
}

// spread are the jobs that an edit may touch: those in scope, and for what stands above the calendar every other one that lies ahead.
func (s State) spread(j Job, above Change, meant reach, env Env) []Job {
	jobs := slices.Clone(meant.jobs)
	if above.empty() {
		return jobs
	}
	for _, k := range s.known(env).Jobs {
		if k.ID != j.ID && ahead(k, env.Now) && meant.left[k.ID] == "" && !meant.holds(k.ID) {
			jobs = append(jobs, k)
		}
	}
	return jobs
}

// stands refuses what an edit cannot change any more: time, place, language and service once hours were entered, and personal values once
// they were erased.
func (s State) stands(before, after Job) error {
	if before.Status == domain.Ongoing || before.Status == domain.Complete {
		if rescheduled(before, after) || moved(before, after) || before.Details.Language != after.Details.Language {
			return wrongStatus(before, "its time, place, language and service stand.")
		}
	}
	if !s.Erased {
		return nil
	}
	if moved(before, after) {
		return errErased()
	}
	for key, v := range after.Details.Fields {
		if v.Personal && !v.Equal(before.Details.Fields[key]) {
			return errErased()
		}
	}
	return nil
}

func rescheduled(before, after Job) bool {
	return !before.Schedule.Start.Equal(after.Schedule.Start) || before.Schedule.Minutes != after.Schedule.Minutes
}

// moved: another place, or another service, which is paid otherwise.
func moved(before, after Job) bool {
	b, a := before.Details, after.Details
	return b.Location != a.Location || !sameAddress(b.Address, a.Address) || b.ServiceType != a.ServiceType
}

func sameAddress(a, b *Address) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// whole notes sections that must be whole or empty and would not be (LL-35), and fields that a rule of the form requires and that would be empty,
// if the edit touches them.
func (f *faults) whole(c Edit, after Job, form forms.Form) {
	keys := c.keys()
	touched := func(key string) bool { return slices.Contains(keys, key) }
	for _, fault := range form.Wanting(after.Details.Fields, after.Details.core(1), forms.OnChange, touched) {
		if !slices.ContainsFunc(f.list, func(e domain.FieldError) bool { return e.Location == fault.Location }) {
			f.list = append(f.list, fault)
		}
	}
	for _, fault := range form.Incomplete(after.Details.Fields) {
		field, _ := form.Field(strings.TrimPrefix(fault.Location, "body.fields."))
		for key := range c.Fields {
			if sent, _ := form.Field(key); sent.Section == field.Section && !slices.Contains(f.list, fault) {
				f.list = append(f.list, fault)
			}
		}
	}
	fields := after.Details.Fields
	if p := fields["precludedInterpreter"].First(); p != "" && p == fields["preferredInterpreter"].First() {
		fault := domain.FieldError{Location: "body.fields.precludedInterpreter", Message: "This interpreter is preferred: nobody can be both."}
		if !slices.Contains(f.list, fault) {
			f.list = append(f.list, fault)
		}
	}
}

// follow does what an edit of one job brings with it: offers are revoked and sent again, the diary holds an assigned job's new time.
func (d *Decision) follow(change *JobChange, s State, before, after Job, env Env) error {
	language := before.Details.Language != after.Details.Language
	shown := rescheduled(before, after) || moved(before, after)
	if before.Status == domain.New {
		for _, o := range before.Offers {
			if !o.alive(env.Now) {
				continue
			}
			unwanted := slices.Contains(after.Details.Fields["precludedInterpreter"].Items, o.LIN) && o.Override == nil
			if language || shown || unwanted {
				change.Revoked = append(change.Revoked, o.named())
			}
			if shown && !language && !unwanted && !env.Candidates[o.Interpreter].Suspended && !over(after, env.Now) {
				change.Resent = append(change.Resent, again(o, s, before, after, env))
			}
		}
	}
	a := before.Assignment
	if a == nil || before.Status != domain.Assigned {
		return nil
	}
	if c, ok := env.Candidates[a.Interpreter]; ok && language && !speaks(c, after.Details) {
		d.Warnings = append(d.Warnings, domain.Warning{
			Location: "body.language", Code: "not-qualified", Message: "The assigned interpreter of job " + before.Ref + " does not speak this language.",
		})
	}
	wasFrom, wasTo := before.Window()
	from, to := after.Window()
	if shown {
		d.warn("body", before, after, env)
	}
	if from.Equal(wasFrom) && to.Equal(wasTo) {
		return nil
	}
	id, _, err := d.reserve(s, after, a.Interpreter, a.Reservation, env)
	change.Reservation = id
	return err
}

// again is an offer as it is sent once more after an edit: the new values, until the same hour if that is still before the start. A start
// that was proposed with it belonged to the old time.
func again(o Offering, s State, before, after Job, env Env) Offer {
	expires := o.ExpiresAt
	if start, _ := after.Window(); expires != nil && (!expires.After(env.Now) || expires.After(start)) {
		expires = nil
	}
	fresh := newOffer(after, o.named(), expires, env)
	if before.Schedule.Start.Equal(after.Schedule.Start) {
		fresh.ProposedStart = o.Offer.ProposedStart
	}
	if !s.Erased {
		fresh.Override = o.Override
	}
	return fresh
}

// differing is the part of a change that changes something in this job.
func (j Job) differing(c Change) Change {
	d := j.Details
	if c.Schedule != nil && c.Schedule.Start.Equal(j.Schedule.Start) && c.Schedule.Minutes == j.Schedule.Minutes {
		c.Schedule = nil
	}
	if c.Client != nil && *c.Client == d.Client {
		c.Client = nil
	}
	if c.Location != nil && *c.Location == d.Location && (c.Address == nil || sameAddress(c.Address, d.Address)) {
		c.Location, c.Address = nil, nil
	}
	if c.BillTo != nil && *c.BillTo == d.BillTo {
		c.BillTo = nil
	}
	if c.Language != nil && *c.Language == d.Language && *c.LanguageTier == d.LanguageTier {
		c.Language, c.LanguageTier = nil, nil
	}
	if c.AlternativeLanguages != nil && slices.Equal(*c.AlternativeLanguages, d.AlternativeLanguages) {
		c.AlternativeLanguages = nil
	}
	if c.ServiceType != nil && *c.ServiceType == d.ServiceType {
		c.ServiceType = nil
	}
	var fields map[string]domain.Value
	for key, v := range c.Fields {
		if old := d.Fields[key]; !v.Equal(old) && !(empty(v) && empty(old)) {
			if fields == nil {
				fields = map[string]domain.Value{}
			}
			fields[key] = v
		}
	}
	c.Fields = fields
	return c
}

// over is the change with another under it: what both set is as this one says.
func (c Change) over(under Change) Change {
	if c.Schedule == nil {
		c.Schedule = under.Schedule
	}
	if c.Client == nil {
		c.Client = under.Client
	}
	if c.Location == nil {
		c.Location, c.Address = under.Location, under.Address
	}
	if c.ServiceType == nil {
		c.ServiceType = under.ServiceType
	}
	return c
}

func (c Change) empty() bool {
	return c.Schedule == nil && c.Client == nil && c.Location == nil && c.Address == nil && c.BillTo == nil && c.Language == nil &&
		c.AlternativeLanguages == nil && c.ServiceType == nil && len(c.Fields) == 0
}

// union is what both changes set. They come from one wish, so where both set a value it is the same one.
func union(a *Change, b Change) *Change {
	if b.empty() {
		return a
	}
	if a == nil {
		return &b
	}
	u := *a
	if b.Client != nil {
		u.Client = b.Client
	}
	if b.Location != nil {
		u.Location, u.Address = b.Location, b.Address
	}
	if b.BillTo != nil {
		u.BillTo = b.BillTo
	}
	if b.Language != nil {
		u.Language, u.LanguageTier = b.Language, b.LanguageTier
	}
	if b.AlternativeLanguages != nil {
		u.AlternativeLanguages = b.AlternativeLanguages
	}
	if b.ServiceType != nil {
		u.ServiceType = b.ServiceType
	}
	fields := make(map[string]domain.Value, len(a.Fields)+len(b.Fields))
	for key, v := range a.Fields {
		fields[key] = v
	}
	for key, v := range b.Fields {
		fields[key] = v
	}
	if len(fields) > 0 {
		u.Fields = fields
	}
	return &u
}
