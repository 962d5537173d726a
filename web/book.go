package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/projections"
	readpeople "github.com/dragoman-booking/dragoman/projections/people"
)

// chooserPage leads to the booking forms (LL-14). Staff say first for whom they book.
type chooserPage struct {
	Customer  *readpeople.Customer // nil: to be chosen
	Own       bool                 // the viewer's own organisation
	Customers []readpeople.Customer
	Search    string
	More      bool // not all customers are listed
	Forms     []forms.Form
	Notices   []formNotice
}

// formNotice is what is to be read before booking (LL-15). A long one is folded under its first sentence.
type formNotice struct {
	forms.Notice
	Title, Rest  string
	ID           string // of the box that acknowledges it
	Acknowledged bool
	Fault        string
}

// customersShown are so many that a list can still be looked through; for more there is a search.
const customersShown = 200

// book is the page before the forms.
func (p *Portal) book(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	if err := access.MayBook(v); err != nil {
		return err
	}
	page := chooserPage{Own: v.OfCustomer(), Search: strings.TrimSpace(r.URL.Query().Get("q"))}
	customer, found, err := p.bookingFor(r.Context(), v, r.URL.Query().Get("customer"))
	if err != nil {
		return err
	}
	if !found {
		ask := projections.ListQuery{Limit: customersShown}
		if page.Search != "" {
			ask.Filter = map[string]string{"name": page.Search}
		}
		list, err := p.Queries.People.Customers(r.Context(), v, ask)
		if err != nil {
			return err
		}
		page.Customers, page.More = list.Items, list.Total > len(list.Items)
		return p.render(w, r, http.StatusOK, "book", "book.title", page)
	}
	page.Customer = &customer
	if page.Forms, err = p.Queries.Settings.FormsFor(r.Context(), customer.ID); err != nil {
		return err
	}
	page.Notices = noticesOf(page.Forms)
	return p.render(w, r, http.StatusOK, "book", "book.title", page)
}

// bookWithin bounds a booking that goes on without its sender.
const bookWithin = 30 * time.Second

// bookingFor is the customer that a booking is for: one's own, or the one that staff chose; not found: they have not chosen yet.
func (p *Portal) bookingFor(ctx context.Context, v access.Viewer, chosen string) (readpeople.Customer, bool, error) {
	id := v.Customer
	if !v.OfCustomer() {
		if chosen == "" {
			return readpeople.Customer{}, false, nil
		}
		id = someID(chosen)
	}
	c, found, err := p.Queries.People.Customer(ctx, v, id)
	if err == nil && !found {
		err = notFound()
	}
	return c, found, err
}

// noticesOf are those that all of the forms carry which carry any: they stand above the choice. A form's own stand on the form.
func noticesOf(list []forms.Form) []formNotice {
	list = slices.DeleteFunc(slices.Clone(list), func(f forms.Form) bool { return len(f.Notices) == 0 })
	var out []formNotice
	if len(list) == 0 {
		return nil
	}
	for _, n := range list[0].Notices {
		if !slices.ContainsFunc(list, func(f forms.Form) bool { return !slices.Contains(f.Notices, n) }) {
			out = append(out, noticeOf(n))
		}
	}
	return out
}

// foldedFrom is how long a notice is before it is folded, in bytes.
const foldedFrom = 200

func noticeOf(n forms.Notice) formNotice {
	out := formNotice{Notice: n, Title: n.Text}
	if end := strings.IndexAny(n.Text, ".!?"); len(n.Text) > foldedFrom && end > 0 {
		out.Title, out.Rest = n.Text[:end+1], strings.TrimSpace(n.Text[end+1:])
	}
	return out
}

// bookPage is a booking form being filled in.
type bookPage struct {
	Form     forms.Form
	Customer readpeople.Customer
	Own      bool
	Notices  []formNotice
	Entry    entryForm
	Key      string    // stays while the form is refused: it is one booking
	NewPlace string    // where a place is added that is not in the list yet; empty: not by this viewer
	Rule     string    // until when this customer's users may book, in words; empty: no limit
	Window   countdown // of the start that is typed (II-71)
	Made     string    // reference of the job that the form was booked as before, with other values: another key was given
}

// bookForm is a booking form as it comes: filled from the profile (LL-37), the duration preset (LL-29). Its address names the one booking that the
// form is for: loaded again while that is being made, or later, it leads to the job (LL-44).
func (p *Portal) bookForm(w http.ResponseWriter, r *http.Request) error {
	form, customer, err := p.formFor(r, r.URL.Query().Get("customer"))
	if err != nil {
		return err
	}
	if form.ID == "" {
		http.Redirect(w, r, "/book", http.StatusSeeOther)
		return nil
	}
	key := r.URL.Query().Get(fieldKey)
	if key == "" || len(key) > maxKey {
		q := r.URL.Query()
		q.Set(fieldKey, newKey(viewer(r.Context()).User))
		http.Redirect(w, r, r.URL.Path+"?"+q.Encode(), http.StatusSeeOther)
		return nil
	}
	req := commands.Request{Viewer: viewer(r.Context()), Name: "create", CommandID: commands.CommandID(viewer(r.Context()).User, http.MethodPost, r.URL.Path, key)}
	p.bookings.wait(r.Context(), req.CommandID)
	made, booked, err := p.Commands.Booked(r.Context(), req)
	if err != nil {
		return err
	}
	if booked {
		return p.booked(w, r, made)
	}
	lists, defaults, err := p.filledFor(r.Context(), customer, form)
	if err != nil {
		return err
	}
	values := preset(form, defaults, lists)
	if start := r.URL.Query().Get("start"); start != "" { // typed, and asked about by the countdown
		values.Set("start", start)
		values.Set("start.offset", r.URL.Query().Get("start.offset"))
	}
	added := someID(r.URL.Query().Get("location")) // a place that was added for this booking is chosen (II-46)
	if slices.ContainsFunc(lists.places, func(l readpeople.Location) bool { return l.ID == added }) {
		values.Set("location", added.String())
	}
	return p.showBooking(w, r, http.StatusOK, bookPage{Form: form, Customer: customer, Key: key}, lists, values, nil)
}

// formFor is the form that is asked for, as the customer may book with it. Without a customer staff are sent to choose one: the form is empty.
func (p *Portal) formFor(r *http.Request, chosen string) (forms.Form, readpeople.Customer, error) {
	v := viewer(r.Context())
	if err := access.MayBook(v); err != nil {
		return forms.Form{}, readpeople.Customer{}, err
	}
	customer, found, err := p.bookingFor(r.Context(), v, chosen)
	if err != nil || !found {
		return forms.Form{}, customer, err
	}
	form, found, err := p.Queries.Settings.FormFor(r.Context(), customer.ID, chi.URLParam(r, "form"), 0)
	if err == nil && !found {
		err = notFound()
	}
	return form, customer, err
}

func (p *Portal) filledFor(ctx context.Context, customer readpeople.Customer, form forms.Form) (entryLists, map[string]string, error) {
	v := viewer(ctx)
	defaults, err := p.Queries.Settings.Defaults(ctx, v, customer.ID, form)
	if err != nil {
		return entryLists{}, nil, err
	}
	last, err := p.Queries.Jobs.LastReportTo(ctx, v)
	if err != nil {
		return entryLists{}, nil, err
	}
	if last != "" {
		defaults["reportTo"] = last
	}
	lists, err := p.entryLists(ctx, v, customer, defaults["billTo"])
	return lists, defaults, err
}

// preset are the values with which a form comes.
func preset(form forms.Form, defaults map[string]string, lists entryLists) url.Values {
	out := url.Values{}
	for _, field := range form.Fields {
		value := defaults[field.Key]
		switch {
		case field.Kind == forms.KindDuration:
			hours, minutes, _ := strings.Cut(value, ":")
			out.Set("duration.hours", hours)
			out.Set("duration.minutes", strings.TrimPrefix(minutes, "0"))
			if minutes == "00" {
				out.Set("duration.minutes", "0")
			}
		case field.Key == "billTo" && lists.billTo != "":
			out.Set("billTo", agreedBillTo)
		case field.Key == "location" && len(lists.places) == 1: // II-35
			out.Set("location", lists.places[0].ID.String())
		case field.Key == "location" && len(lists.places) == 0:
			out.Set("location", otherPlace)
		case field.Key == "client" && len(lists.clients) == 1: // II-33
			out.Set("client", lists.clients[0].ID.String())
		case value != "":
			out.Set(nameOf(field), value)
		}
	}
	return out
}

// showBooking shows a form with what was typed, and with why it was refused.
func (p *Portal) showBooking(w http.ResponseWriter, r *http.Request, status int, page bookPage, lists entryLists, values url.Values, no *domain.Refusal) error {
	d := drawing{name: "book", on: forms.OnCreate, values: values, lists: lists, refusal: no, speak: p.in(r.Context())}
	v := viewer(r.Context())
	page.Own = v.OfCustomer()
	if page.Form.Address == forms.ServiceAddress && access.MayManage(v, access.ManageLocations) == nil {
		back := url.URL{Path: "/book/" + page.Form.ID}
		if !page.Own {
			back.RawQuery = url.Values{"customer": {page.Customer.ID.String()}}.Encode()
		}
		page.NewPlace = customerPath(page.Customer.ID) + "/locations/new?" + url.Values{"back": {back.String()}}.Encode()
	}
	page.Entry = d.entryForm(page.Form, "book.do")
	if err := p.windowToBook(r.Context(), &page, lists, values); err != nil {
		return err
	}
	boxes := 0
	for _, n := range page.Form.Notices {
		notice := noticeOf(n)
		if n.Mandatory {
			if notice.ID = inputID("book", "body.acknowledged"); boxes > 0 { // the summary leads to the first
				notice.ID += "-" + strconv.Itoa(boxes)
			}
			boxes++
		}
		notice.Acknowledged = slices.Contains(values["acknowledged"], n.Key)
		if n.Mandatory && !notice.Acknowledged {
			notice.Fault = faultAt(page.Entry.Summary, "body.acknowledged")
		}
		page.Notices = append(page.Notices, notice)
	}
	return p.render(w, r, status, "bookform", " "+page.Form.Name, page)
}

// doBook books what was typed. Success leads to the new job's page (LL-45); everything else back to the form, nothing lost (LL-46). The same form
// sent again, by a second press or a reload meanwhile, is the same booking (LL-44).
func (p *Portal) doBook(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "create")
	if err != nil {
		return err
	}
	defer p.bookings.begin(req.CommandID)()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), bookWithin) // whoever pressed Book has booked, even if they reload at once
	defer cancel()
	r = r.WithContext(ctx)
	form, customer, err := p.formFor(r, r.PostForm.Get("customer"))
	if err != nil {
		return err
	}
	if form.ID == "" {
		http.Redirect(w, r, "/book", http.StatusSeeOther)
		return nil
	}
	lists, _, err := p.filledFor(ctx, customer, form)
	if err != nil {
		return err
	}
	wish := lists.createIn(plainLines(r.PostForm), form, customer.ID)
	wish.ByCustomer = !viewer(ctx).Staff()
	made, err := p.Commands.CreateBooking(ctx, req, form.ID, wish)
	if no := refusal(err); no != nil {
		page := bookPage{Form: form, Customer: customer, Key: r.PostForm.Get(fieldKey)}
		if no.Code == "idempotency-key-reused" {
			before, booked, err := p.Commands.Booked(ctx, req)
			if err != nil {
				return err
			}
			if booked {
				page.Made = before.Jobs[0].Ref
			}
			page.Key = newKey(req.Viewer.User)
			no = &domain.Refusal{Code: no.Code, Status: no.Status, Detail: p.in(r.Context()).say("book.again")}
		}
		return p.showBooking(w, r, no.Status, page, lists, r.PostForm, no)
	}
	if err != nil {
		return err
	}
	return p.booked(w, r, made)
}

// booked leads to the first job of a booking that was made (LL-45).
func (p *Portal) booked(w http.ResponseWriter, r *http.Request, made commands.BookingAnswer) error {
	done := "booked"
	if len(made.Jobs) > 1 {
		done = "booked-several"
	}
	return p.done(w, r, warned(jobPath(made.Jobs[0].Ref), made.Warnings), done, made.Position)
}

// warned is a path of ours whose page says what an accepted command warned of (LL-33, LL-35, LL-52).
func warned(path string, warnings []domain.Warning) string {
	q := url.Values{}
	for _, warning := range warnings {
		if !slices.Contains(q["warn"], warning.Code) {
			q.Add("warn", warning.Code)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
