package web

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	readaccess "github.com/dragoman-booking/dragoman/projections/access"
)

// sessionCookie is the API's too, so that a signed-in browser may call it.
const sessionCookie = "dragoman_session"

var (
	errSignedOut = errors.New("nobody is signed in")
	sameOrigin   = http.NewCrossOriginProtection()
)

// caller is who asks, with the session's token. MustChange: the password was issued, so choosing another comes before everything else (II-03).
type caller struct {
	access.Viewer
	token      string
	mustChange bool
}

// whoIs finds out who asks, anew at every request.
func (p *Portal) whoIs(r *http.Request) (caller, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return caller{}, errSignedOut
	}
	session, err := p.Accounts.Lookup(r.Context(), c.Value)
	if err != nil {
		return caller{}, signedOut(err)
	}
	v, err := p.Queries.Access.Viewer(r.Context(), session.UserID, p.now())
	if err != nil {
		return caller{}, signedOut(err)
	}
	return caller{v, c.Value, session.MustChange}, nil
}

func signedOut(err error) error {
	for _, worthless := range []error{accounts.ErrNoSession, accounts.ErrNoLogin, readaccess.ErrUnknownUser, readaccess.ErrDisabled} {
		if errors.Is(err, worthless) {
			return errSignedOut
		}
	}
	return err
}

// mostTyped is how much of a form the sign-in can send along, as it stands in another form: the rest of that is small.
const mostTyped = maxForm - 4096

// toSignIn sends a visitor to sign in, and to the same page afterwards. A form that was sent after its session had ended is kept on the page of
// the sign-in, so that what was typed is not lost.
func (p *Portal) toSignIn(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost && r.URL.Path != "/sign-out" && r.ParseForm() == nil && len(r.PostForm) > 0 && !hasPassword(r.PostForm) {
		page := signInPage{Next: "/", Unsent: r.URL.Path, Typed: r.PostForm.Encode(), Fault: p.in(r.Context()).say("signin.ended")}
		if len(url.QueryEscape(page.Typed)) >= mostTyped {
			page = signInPage{Next: "/", Fault: p.in(r.Context()).say("signin.ended-long")}
		}
		return p.showSignIn(w, r, http.StatusUnauthorized, page)
	}
	to := "/sign-in"
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// hasPassword tells whether a form holds what is not to stand on a page.
func hasPassword(f url.Values) bool {
	return f.Has("password") || f.Has("current") || f.Has("new") || f.Has("again")
}

// safeNext is a path of ours to go to after signing in. Control characters make none: browsers leave out tabs and ends of lines, so that two
// slashes around one would lead elsewhere.
func safeNext(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, "\\") || strings.ContainsFunc(next, unicode.IsControl) {
		return "/"
	}
	return next
}

func (p *Portal) setSession(w http.ResponseWriter, token string, expires time.Time) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: token, Path: "/", Expires: expires, HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode})
}

func remote(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(host)
	return addr
}
