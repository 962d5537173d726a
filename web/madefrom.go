package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/booking"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// A follow-up and a duplicate are booked on the form of their job, filled with what the form copies (II-51, II-63, LL-111). What comes back as it
// was filled is the command's to take over: it reads the job anew, values included that this viewer may not read.

// madeFromPage is the booking form of a job made from another one.
type madeFromPage struct {
	editPage
	Command string // follow-up, duplicate
}

// again is the form of a follow-up or a duplicate.
func (p *Portal) again(command string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		e, now, err := p.filling(w, r, command)
		if err != nil || !now {
			return err
		}
		values, before := e.copied()
		return e.showAgain(w, r, http.StatusOK, editPage{Key: newKey(e.v.User), Revision: e.d.Revision, Before: before.Encode()}, values, nil)
	}
}

// copied are the values that such a form is filled with, and those of them that the command takes over by itself.
func (e editing) copied() (values, before url.Values) {
	values = e.lists.valuesOf(e.d, e.form)
	filled := url.Values{} // what the command does not fill by itself, chosen by nobody yet: it is always sent
	for _, f := range e.form.Fields {
		name := nameOf(f)
		schedule := f.Key == "start" || f.Key == "duration" // every job's own
		kept := f.Copied && !schedule || e.command == "duplicate" && e.form.AddressLocked && f.Key == e.form.AddressKey()
		if kept && !slices.Contains(values[name], domain.Erased) {
			continue
		}
		for input := range values {
			if input == name || strings.HasPrefix(input, name+".") || name == "location" && strings.HasPrefix(input, "address.") || name == "billTo" && input == "billToOther" {
				values.Set(input, "")
			}
		}
		switch {
		case f.Default == "":
		case f.Kind == forms.KindDuration:
			hours, minutes, _ := strings.Cut(f.Default, ":")
			filled.Set("duration.hours", strings.TrimLeft(hours, "0"))
			filled.Set("duration.minutes", strings.TrimPrefix(minutes, "0"))
		case f.Core:
			filled.Set(name, f.Default)
		default:
			values.Set(name, f.Default)
		}
	}
	if lin := e.d.Interpreter; lin != nil && e.command == "duplicate" && values.Has("fields.preferredInterpreter") && values.Get("fields.precludedInterpreter") != lin.LIN {
		values.Set("fields.preferredInterpreter", lin.LIN) // LL-111
	}
	before = maps.Clone(values)
	maps.Copy(values, filled)
	return values, before
}

func (e editing) showAgain(w http.ResponseWriter, r *http.Request, status int, page editPage, values url.Values, no *domain.Refusal) error {
	d := drawing{name: e.command, on: forms.OnCreate, values: values, lists: e.lists, refusal: no, may: e.may, shown: e.shown, speak: e.words.tongue}
	page.Detail = e.d
	page.Entry = d.entryForm(e.form, "do."+e.command)
	if e.command == "duplicate" && e.form.AddressLocked {
		page.Entry.Ask = "made.address"
	}
	return e.p.render(w, r, status, "madefrom", "act."+e.command, madeFromPage{page, e.command})
}

// doAgain books a follow-up or a duplicate, and leads to it. Everything else leads back to the form, nothing lost (LL-46).
func (p *Portal) doAgain(command string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		req, err := p.request(r, command)
		if err != nil {
			return err
		}
		e, now, err := p.filling(w, r, command)
		if err != nil || !now {
			return err
		}
		sent := plainLines(r.PostForm)
		before, err := url.ParseQuery(sent.Get(fieldBefore))
		if err != nil {
			return &domain.Refusal{Code: "bad-request", Status: http.StatusBadRequest, Detail: p.in(r.Context()).say("error.form")}
		}
		wish := e.wish(changed{sent: sent, before: plainLines(before)})
		var made commands.BookingAnswer
		if command == "duplicate" {
			made, err = p.Commands.Duplicate(r.Context(), req, e.d.Ref, func(booking.Job) (booking.Duplicate, error) {
				return booking.Duplicate{Overrides: wish}, nil
			})
		} else {
			made, err = p.Commands.AddJobs(r.Context(), req, e.d.Ref, func(j booking.Job) (booking.Adding, error) {
				return booking.FollowUp{Job: j.ID, Overrides: wish}, nil
			})
		}
		no := refusal(err)
		if no == nil && err != nil {
			return err
		}
		if no == nil {
			return p.done(w, r, warned(jobPath(made.Jobs[0].Ref), made.Warnings), command, made.Position)
		}
		page := editPage{Key: sent.Get(fieldKey), Before: sent.Get(fieldBefore), Revision: e.d.Revision}
		switch {
		case no.Code == "idempotency-key-reused":
			page.Key = newKey(e.v.User)
			no = &domain.Refusal{Code: no.Code, Status: no.Status, Detail: e.words.say("book.again")}
		case no.Status == http.StatusPreconditionFailed:
			if err := p.told(r.Context(), e.d.Ref, *req.IfMatch, no); err != nil {
				return err
			}
			if e, now, err = p.filling(w, r, command); err != nil || !now {
				return err
			}
			page.Revision = e.d.Revision
		}
		return e.showAgain(w, r, no.Status, page, sent, no)
	}
}
