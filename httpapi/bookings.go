package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/booking"
)

func (a *API) bookings() {
	op := a.operation(http.MethodPost, "/bookings", "Book (II-28..47, LL-17..57)", http.StatusCreated)
	op = a.may(op, func(_ context.Context, v access.Viewer, _ func(string) string) error { return access.MayBook(v) })
	huma.Register(a.huma, op, func(ctx context.Context, in *order[bookingBody]) (*commandAnswer[bookingAnswer], error) {
		req, err := a.request(ctx, "create", in.Ordering, in.RawBody)
		if err != nil {
			return nil, a.wrong(ctx, err)
		}
		form, wish, err := createOf(in.Body)
		if err != nil {
			return nil, a.wrong(ctx, err)
		}
		v := viewer(ctx)
		wish.ByCustomer = !v.Staff()
		if v.OfCustomer() && wish.Customer == uuid.Nil {
			wish.Customer = v.Customer
		}
		done, err := a.commands.CreateBooking(ctx, req, form, wish)
		if err != nil {
			return nil, a.answerTo(ctx, err)
		}
		return positioned(done.Position, &done.Revision, bookingAnswerOf(done)), nil
	})
}

func createOf(b bookingBody) (form string, c booking.Create, err error) {
	fields, faults := fieldTexts(b.Fields)
	id := func(s, location string) uuid.UUID {
		got := optionalID(&s, location, &faults)
		if got == nil {
			return uuid.Nil
		}
		return *got
	}
	c = booking.Create{
		Customer: id(b.Customer, "body.customer"), Client: id(b.Client, "body.client"), Location: id(b.Location, "body.location"),
		Address: addressOf(b.Address), BillTo: b.BillTo, Language: b.Language, Alternatives: b.AlternativeLanguages,
		ServiceType: b.ServiceType, Interpreters: b.InterpretersRequested, Start: b.Start, TimeZone: b.TimeZone,
		Fields: fields, Acknowledged: b.Acknowledged,
	}
	if b.Duration != nil {
		c.Hours, c.Minutes = b.Duration.Hours, b.Duration.Minutes
	}
	if b.Form == "" {
		faults = append(faults, domain.FieldError{Location: "body.form", Message: "Choose a form, such as face-to-face or remote."})
	}
	if len(faults) > 0 {
		return "", c, domain.Invalid(faults...)
	}
	return b.Form, c, nil
}

// outward is the first half of a UK postcode: what an offered interpreter may know of the place.
func outward(postcode string) string {
	p := strings.ToUpper(strings.TrimSpace(postcode))
	if i := strings.IndexByte(p, ' '); i > 0 {
		return p[:i]
	}
	if len(p) > 3 {
		return p[:len(p)-3]
	}
	return p
}
