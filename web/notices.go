package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/projections"
)

// noticesPage is the form of the agency's messages at the head of the dashboard, and of the splash above them (II-19, II-20).
type noticesPage struct {
	filled
	Rows      []noticeRow
	Customers []forms.Option
	Day       string // today, to tell which stand
}

// noticeRow is a notice as typed.
type noticeRow struct {
	Key, Text, Customer, From, Until string
	Ended                            bool
}

// emptyNotices is how many rows for further notices the form has.
const emptyNotices = 2

// notices is the form of notices and splash.
func (p *Portal) notices(w http.ResponseWriter, r *http.Request) error {
	agency, err := p.Queries.Settings.Agency(r.Context())
	if err != nil {
		return err
	}
	return p.showNotices(w, r, http.StatusOK, filledAt(noticesForm(agency.Settings), uint64(agency.Version)))
}

func noticesForm(s people.AgencySettings) url.Values {
	f := url.Values{"splash": {s.Splash}}
	for _, n := range s.Notices {
		f.Add("notices.key", n.Key)
		f.Add("notices.text", n.Text)
		customer := ""
		if n.Customer != uuid.Nil {
			customer = n.Customer.String()
		}
		f.Add("notices.customer", customer)
		f.Add("notices.from", n.From)
		f.Add("notices.until", n.Until)
	}
	return f
}

// noticesIn are the rows that hold a text. A new one gets a key of its own.
func noticesIn(f url.Values, newKey func(i int) string) ([]people.Notice, error) {
	list := []people.Notice{}
	for i, text := range f["notices.text"] {
		n := people.Notice{Key: nth(f["notices.key"], i), Text: text, From: nth(f["notices.from"], i), Until: nth(f["notices.until"], i)}
		if nth(f["notices.text"], i) == "" {
			continue // taken away
		}
		if n.Key == "" {
			n.Key = newKey(i)
		}
		var err error
		if n.Customer, err = clientIn(nth(f["notices.customer"], i)); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

func (p *Portal) showNotices(w http.ResponseWriter, r *http.Request, status int, f filled) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.PostNotices); err != nil {
		return err
	}
	all, err := p.Queries.People.Customers(r.Context(), v, projections.ListQuery{Limit: mostOfCustomer})
	if err != nil {
		return err
	}
	page := noticesPage{filled: f, Day: v.Now.In(zoneOf(v)).Format("2006-01-02")}
	for _, c := range all.Items {
		page.Customers = append(page.Customers, forms.Option{Value: c.ID.String(), Label: c.Name})
	}
	for i := range f.Sent["notices.text"] {
		row := noticeRow{nth(f.Sent["notices.key"], i), f.Sent["notices.text"][i], nth(f.Sent["notices.customer"], i), nth(f.Sent["notices.from"], i), nth(f.Sent["notices.until"], i), false}
		row.Ended = row.Until != "" && row.Until < page.Day
		if nth(f.Sent["notices.text"], i) != "" {
			page.Rows = append(page.Rows, row)
		}
	}
	page.Rows = append(page.Rows, make([]noticeRow, emptyNotices)...)
	return p.render(w, r, status, "notices", "notices.title", page)
}

// postNotices sets notices and splash, unless somebody else did while the form was open.
func (p *Portal) postNotices(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "post-notices")
	if err != nil {
		return err
	}
	if err := access.MayManage(req.Viewer, access.PostNotices); err != nil {
		return err
	}
	done, again, err := p.sendSettings(r, req, noticesForm, func(req commands.Request, _ people.AgencySettings) (commands.Changed, error) {
		return p.sendNotices(r, req)
	})
	if err != nil {
		return err
	}
	if no := again.Refusal; no != nil {
		return p.showNotices(w, r, no.Status, again)
	}
	return p.done(w, r, "/", "post-notices", done.Position)
}

func (p *Portal) sendNotices(r *http.Request, req commands.Request) (commands.Changed, error) {
	e := editsIn(r.PostForm)
	change := people.PostNotices{Splash: e.text("splash")}
	// The key of a new notice follows from the command: sent again, it is the same notice.
	sent, err := noticesIn(e.sent, func(i int) string { return uuid.NewSHA1(req.CommandID, []byte{byte(i)}).String()[:8] })
	if err != nil {
		return commands.Changed{}, err
	}
	before, err := noticesIn(e.before, func(int) string { return "" })
	if err != nil {
		return commands.Changed{}, err
	}
	if !slices.Equal(sent, before) {
		change.Notices = &sent
	}
	return p.Commands.PostNotices(r.Context(), req, change)
}
