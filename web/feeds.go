package web

import (
	"errors"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/projections/jobs"
)

// feedsPage is where an interpreter makes and revokes calendar feeds (M-25).
type feedsPage struct {
	Feeds   []accounts.Feed
	Levels  []string
	Level   string
	Address string // of the one just made: shown this once
	Refusal *domain.Refusal
}

func (p *Portal) feeds(w http.ResponseWriter, r *http.Request) error {
	return p.showFeeds(w, r, http.StatusOK, feedsPage{Level: jobs.FeedBusy})
}

func (p *Portal) showFeeds(w http.ResponseWriter, r *http.Request, status int, page feedsPage) (err error) {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return err
	}
	page.Levels = jobs.FeedLevels
	if page.Feeds, err = p.Accounts.Feeds(r.Context(), v.User); err != nil {
		return err
	}
	return p.render(w, r, status, "feeds", "feeds.title", page)
}

// makeFeed answers with the page itself: the secret address is shown once and stands in no address of ours.
func (p *Portal) makeFeed(w http.ResponseWriter, r *http.Request) error {
	req, err := p.request(r, "make-feed")
	if err != nil {
		return err
	}
	v := req.Viewer
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return err
	}
	level := r.PostForm.Get("level")
	if !slices.Contains(jobs.FeedLevels, level) {
		no := domain.Invalid(domain.FieldError{Location: "body.level", Message: p.in(r.Context()).say("feeds.which")})
		return p.showFeeds(w, r, no.Status, feedsPage{Refusal: no})
	}
	id, secret := p.Commands.Secret("feed", req)
	_, err = p.Accounts.CreateFeed(r.Context(), v.User, id, secret, level)
	var no *domain.Refusal
	switch {
	case errors.Is(err, accounts.ErrTooManyFeeds):
		no = domain.Unprocessable("too-many-feeds", "%s", p.in(r.Context()).say("feeds.too-many"))
	case errors.Is(err, accounts.ErrOtherFeed): // the page comes with another key
		no = domain.Unprocessable("idempotency-key-reused", "%s", p.in(r.Context()).say("feeds.again"))
	case err != nil:
		return err
	}
	if no != nil {
		return p.showFeeds(w, r, no.Status, feedsPage{Level: level, Refusal: no})
	}
	return p.showFeeds(w, r, http.StatusCreated, feedsPage{Level: level, Address: p.address(r) + "/api/v1/feeds/" + secret + ".ics"})
}

func (p *Portal) revokeFeed(w http.ResponseWriter, r *http.Request) error {
	v := viewer(r.Context())
	if err := access.MayManage(v, access.ReadOwnOffers); err != nil {
		return err
	}
	id, err := uuid.Parse(chi.URLParam(r, "id"))
	if err == nil {
		err = p.Accounts.RevokeFeed(r.Context(), v.User, id)
	} else {
		err = accounts.ErrNoFeed
	}
	switch {
	case errors.Is(err, accounts.ErrNoFeed):
		return notFound()
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/feeds?done=feed-revoked", http.StatusSeeOther)
	return nil
}
