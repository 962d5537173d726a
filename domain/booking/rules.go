package booking

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// ErrVoided refuses a decision that names a reservation which the repair has voided. The handler decides again with the next attempt, whose
// ids differ; a client never sees it.
var ErrVoided = domain.Conflict("reservation-voided", "The reserved time was given back meanwhile. Please try again.")

// checked is a command that can say, before its values are looked at, whether it may be sent now. Decide and Actions ask the same check, so
// what a job lists and what it refuses cannot differ (LL-69).
type checked interface {
	allowed(s State, j Job, env Env) error
}

// begin finds the job and asks the command's check.
func begin(s State, id uuid.UUID, c checked, env Env) (Job, error) {
	j, err := s.find(id)
	if err != nil {
		return Job{}, err
	}
	return j, c.allowed(s, j, env)
}

func (s State) find(id uuid.UUID) (Job, error) {
	j, ok := s.Job(id)
	if !ok {
		return Job{}, domain.NotFound("There is no such job.")
	}
	return j, nil
}

// decide is a decision of these events.
func decide(events ...Event) Decision { return Decision{Events: events} }

func wrongStatus(j Job, why string) error {
	return domain.Unprocessable("wrong-status", "Job %s is %s: %s", j.Ref, j.Status, why)
}

// standing refuses a job whose status is none of these.
func standing(j Job, why string, in ...domain.Status) error {
	if slices.Contains(in, j.Status) {
		return nil
	}
	return wrongStatus(j, why)
}

// keyless refuses new free text on a booking whose key was destroyed: there is nothing left to seal it with.
func (s State) keyless(texts ...string) error {
	if s.Erased && strings.Join(texts, "") != "" {
		return errErased()
	}
	return nil
}

func errErased() error {
	return domain.Unprocessable("erased", "The personal details of this booking were erased. No further text can be added to it.")
}

// faults collects everything that is wrong with what was sent.
type faults struct {
	list    []domain.FieldError
	code    string // of the first fault that has its own
	choices []string
}

func (f *faults) add(location, message string) {
	f.list = append(f.list, domain.FieldError{Location: location, Message: message})
}

func (f *faults) special(code, location, message string, choices ...string) {
	f.add(location, message)
	if f.code == "" {
		f.code, f.choices = code, choices
	}
}

// refusal is nil if nothing is wrong.
func (f *faults) refusal() error {
	if len(f.list) == 0 {
		return nil
	}
	r := domain.Invalid(f.list...)
	if f.code != "" {
		r.Code, r.Choices = f.code, f.choices
	}
	return r
}

// moment resolves a local time, or notes why it cannot be.
func (f *faults) moment(location, local, zone string) (domain.Moment, bool) {
	if strings.TrimSpace(local) == "" {
		f.add(location, "This field is required.")
		return domain.Moment{}, false
	}
	m, err := domain.ParseMoment(local, zone)
	switch {
	case err == nil:
		return m, true
	case errors.Is(err, domain.ErrNonexistentLocal):
		f.special("nonexistent-local-time", location, "This local time does not exist: the clocks go forward then.")
	case errors.Is(err, domain.ErrDoubledLocal):
		f.special("doubled-local-time", location, "This local time occurs twice: send its offset.", offsets(local, zone)...)
	case errors.Is(err, domain.ErrUnknownZone):
		f.add("body.timeZone", "There is no such time zone.")
	default:
		f.add(location, "Enter a date and time such as 2026-12-01T10:00.")
	}
	return domain.Moment{}, false
}

// offsets are the two that a doubled local time may carry.
func offsets(local, zone string) []string {
	earlier, err := earlierOf(local, zone)
	if err != nil {
		return nil
	}
	_, first := earlier.In().Zone()
	for _, d := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour, 24 * time.Hour} {
		later := earlier.Add(d)
		if _, second := later.In().Zone(); second != first {
			return []string{earlier.In().Format("-07:00"), later.In().Format("-07:00")}
		}
	}
	return nil
}

// earlierMoment resolves a local time as several jobs are moved to it: a doubled one without its offset takes the earlier.
func (f *faults) earlierMoment(location, local, zone string) (domain.Moment, bool) {
	if _, err := domain.ParseMoment(local, zone); errors.Is(err, domain.ErrDoubledLocal) {
		if earlier, err := earlierOf(local, zone); err == nil {
			return earlier, true
		}
	}
	return f.moment(location, local, zone)
}

// earlierOf is a local time without an offset; of a doubled one the earlier.
func earlierOf(local, zone string) (domain.Moment, error) {
	wall, err := time.Parse(domain.LocalLayout, local)
	if err != nil {
		if wall, err = time.Parse("2006-01-02T15:04", local); err != nil {
			return domain.Moment{}, err
		}
	}
	return domain.EarlierMoment(wall, zone)
}

// text trims a free text and notes what is wrong with it.
func (f *faults) text(location, s string, required bool) string {
	s = strings.TrimSpace(s)
	switch {
	case s == "" && required:
		f.add(location, "This field is required.")
	case utf8.RuneCountInString(s) > forms.MaxMultiline:
		f.add(location, fmt.Sprintf("At most %d characters.", forms.MaxMultiline))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }):
		f.add(location, "This text contains characters that cannot be stored.")
	}
	return s
}

// line trims one short line, such as a part of an address.
func (f *faults) line(location, s string, required bool) string {
	s = strings.TrimSpace(s)
	switch {
	case s == "" && required:
		f.add(location, "This field is required.")
	case len(s) > 4*forms.MaxText || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		f.add(location, "Enter one short line.")
	}
	return s
}

// MaxMinutes is the longest duration that can be booked.
const MaxMinutes = 24 * 60

// duration reads hours and minutes, both of which must be sent (II-44, LL-29).
func (f *faults) duration(hours, minutes *int) int {
	if hours == nil {
		f.add("body.duration.hours", "Send hours and minutes, even if one of them is 0.")
	}
	if minutes == nil {
		f.add("body.duration.minutes", "Send hours and minutes, even if one of them is 0.")
	}
	if hours == nil || minutes == nil {
		return 0
	}
	switch total := *hours*60 + *minutes; {
	case *hours < 0 || *hours > MaxMinutes/60:
		f.add("body.duration.hours", "From 0 to 24 hours.")
	case *minutes < 0 || *minutes > 59:
		f.add("body.duration.minutes", "From 0 to 59 minutes.")
	case total == 0:
		f.add("body.duration", "The duration must be longer than 0 minutes.")
	case total > MaxMinutes:
		f.add("body.duration", "At most 24 hours.")
	default:
		return total
	}
	return 0
}

// over tells whether a job's time has passed.
func over(j Job, now time.Time) bool {
	_, end := j.Window()
	return !end.After(now)
}

// begun tells whether a job's time has come.
func begun(j Job, now time.Time) bool {
	start, _ := j.Window()
	return !start.After(now)
}

// OpenAt tells whether the offer can still be answered (deciders test expiry themselves; a timer only writes it down).
func (o Offering) OpenAt(now time.Time) bool {
	return o.State == Open && (o.ExpiresAt == nil || now.Before(*o.ExpiresAt))
}

// alive tells whether the offer is open or accepted.
func (o Offering) alive(now time.Time) bool { return o.State == Accepted || o.OpenAt(now) }

// starts is when the job begins for whoever takes an open offer as it stands: the start that staff proposed in it, else the job's own.
func (o Offering) starts(j Job) domain.Moment {
	if o.State == Open && o.Offer.ProposedStart != nil {
		return *o.Offer.ProposedStart
	}
	return j.Begin()
}

// Offering finds an interpreter's latest offer.
func (j Job) Offering(interpreter uuid.UUID) (Offering, bool) {
	for _, o := range j.Offers {
		if o.Interpreter == interpreter {
			return o, true
		}
	}
	return Offering{}, false
}

// named is an offer's interpreter as events name one.
func (o Offer) named() Offered { return Offered{Interpreter: o.Interpreter, LIN: o.LIN} }

// who finds how events name an interpreter: from the job's own offers and assignment, else from the profile.
func (j Job) who(id uuid.UUID, env Env) (Offered, error) {
	if o, ok := j.Offering(id); ok {
		return o.named(), nil
	}
	if j.Assignment != nil && j.Assignment.Interpreter == id {
		return j.Assignment.Offered, nil
	}
	if c, ok := env.Candidates[id]; ok {
		return Offered{Interpreter: c.ID, LIN: c.LIN}, nil
	}
	return Offered{}, domain.NotFound("There is no such interpreter.")
}

// reserve asks the diary for a job's window and gives the old reservation back. It answers with the id that the event names, and with
// whether the window is over already and so only recorded.
func (d *Decision) reserve(s State, j Job, interpreter uuid.UUID, old uuid.UUID, env Env) (id uuid.UUID, unchecked bool, err error) {
	id = env.NewID("reservation/" + j.ID.String() + "/" + interpreter.String())
	if slices.Contains(s.Voided, id) {
		return uuid.Nil, false, ErrVoided
	}
	start, end := j.Window()
	unchecked = !end.After(env.Now)
	d.Reserve = append(d.Reserve, Reserve{ID: id, Interpreter: interpreter, Job: j.ID, Start: start, End: end, Replaces: old, Unchecked: unchecked})
	if old != uuid.Nil {
		d.Release = append(d.Release, Release{Interpreter: interpreter, Reservation: old, Why: "replaced"})
	}
	return id, unchecked, nil
}

// free gives a job's reservation back, after the event that ends the assignment.
func (d *Decision) free(j Job) uuid.UUID {
	if j.Assignment == nil {
		return uuid.Nil
	}
	d.Release = append(d.Release, Release{Interpreter: j.Assignment.Interpreter, Reservation: j.Assignment.Reservation, Why: "ended"})
	return j.Assignment.Reservation
}
