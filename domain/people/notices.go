package people

import (
	"cmp"
	"time"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
)

// Notice is a message of the agency at the head of the dashboard (II-19), for one customer's users or for everyone.
type Notice struct {
	Key      string    `json:"key"` // one of a kind among the notices
	Text     string    `json:"text"`
	Customer uuid.UUID `json:"customer,omitzero"` // zero: for everyone
	From     string    `json:"from,omitempty"`    // first day, 2006-01-02; empty: at once
	Until    string    `json:"until,omitempty"`   // last day; empty: until it is taken away
}

// On tells whether the notice stands on a day such as 2026-01-31; both its ends are included.
func (n Notice) On(day string) bool { return n.From <= day && day <= cmp.Or(n.Until, day) }

// PostNotices sets the notices, whole, and the splash above them (II-20); nil means untouched.
//
//	given  a deployment
//	when   PostNotices{notices}
//	then   AgencyChanged{the settings with these notices}
//	again  nothing
//	error  invalid: a key or text is missing, a key is there twice, a day is none or the last one comes before the first
type PostNotices struct {
	Notices *[]Notice
	Splash  *string
}

// Decide answers with the whole new settings under the next version.
func (c PostNotices) Decide(s Agency) ([]Event, error) {
	return ChangeAgency{Notices: c.Notices, Splash: c.Splash}.Decide(s)
}

// maxNotices is more than anybody reads.
const maxNotices = 100

func (f *faults) notices(all []Notice) {
	f.check(len(all) <= maxNotices, "body.notices", "Too many notices.")
	seen := map[string]bool{}
	for i, n := range all {
		location := at("body.notices", i)
		f.required(location+".key", n.Key, maxWord)
		f.check(!seen[n.Key], location+".key", "This key is in the list twice.")
		f.required(location+".text", n.Text, maxText)
		f.days(location, n.From, n.Until)
		seen[n.Key] = true
	}
}

func (f *faults) days(location, from, until string) {
	first, err1 := time.Parse(time.DateOnly, from)
	last, err2 := time.Parse(time.DateOnly, until)
	f.check(from == "" || err1 == nil, location+".from", "Send a day such as 2026-01-31.")
	f.check(until == "" || err2 == nil, location+".until", "Send a day such as 2026-01-31.")
	if err1 == nil && err2 == nil {
		f.check(!last.Before(first), location+".until", "It cannot end before it begins.")
	}
}

// UnknownCustomer is the fault of a notice for a customer that does not exist.
func UnknownCustomer(notice int) domain.FieldError {
	return domain.FieldError{Location: at("body.notices", notice) + ".customer", Message: "There is no such customer."}
}
