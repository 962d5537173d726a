package web

import (
	"net/http"

	"github.com/dragoman-booking/dragoman/projections/messages"
)

type messagesPage struct {
	jobPage
	Thread   []messages.Message
	Contacts []messages.Contact // what staff logged; of those who keep such promises
}

// messages is the thread between customer and agency about a job (LL-97); interpreters do not find it (LL-98).
func (p *Portal) messages(w http.ResponseWriter, r *http.Request) error {
	return p.showMessages(w, r, http.StatusOK, asked{Ref: refOf(r)})
}

func (p *Portal) showMessages(w http.ResponseWriter, r *http.Request, status int, a asked) error {
	v := viewer(r.Context())
	thread, err := p.Queries.Messages.Thread(r.Context(), v, a.Ref)
	if err != nil {
		return err
	}
	job, err := p.readJob(r.Context(), a)
	if err != nil {
		return err
	}
	page := messagesPage{jobPage: job, Thread: thread}
	contacts, err := p.Queries.Messages.Contacts(r.Context(), v, a.Ref)
	switch {
	case err == nil:
		page.Contacts = contacts
	case refusal(err) == nil:
		return err
	}
	return p.render(w, r, status, "messages", "msg.title", page)
}
