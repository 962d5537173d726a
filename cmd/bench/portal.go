package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/dragoman-booking/dragoman/web"
)

const (
	pageRequests = 20                     // of each page, one after the other; the one that finds it does not count
	pageAim      = 100 * time.Millisecond // the 95th percentile of every page
)

// portalNow is the business time at which the portal is looked at: the load's first days are over, so lists, queue and dashboards have work.
func portalNow() time.Time { return loadYear.AddDate(0, 0, 3).Add(9 * time.Hour) }

// portalUser is who looks at pages, and pages that are looked at besides those that links lead to.
type portalUser struct {
	name, password string
	also           []string
}

// An interpreter of the load, with hundreds of jobs, signs in by these.
const loadedName, loadedPassword = "loaded", "a long enough password"

// portalUsers are one of each role that the portal serves.
func portalUsers() []portalUser {
	month := loadYear.AddDate(0, 0, 14).Format(time.DateOnly)
	last := calendarMonth(len(calendars) - 1)
	full := "/calendar?view=month&date=" + last.AddDate(0, 0, 14).Format(time.DateOnly)
	events := func(from time.Time) string {
		return "/calendar.json?from=" + from.Format(time.DateOnly) + "&to=" + from.AddDate(0, 1, 0).Format(time.DateOnly)
	}
	user := func(name string, also ...string) portalUser { return portalUser{name, "dragoman-demo", also} }
	lists := []string{"/jobs?q=pl", "/calendar?view=month&date=" + month, "/calendar?view=week&date=" + month, "/calendar?view=day&date=" + month, events(loadYear)}
	return []portalUser{
		user("requestor", lists...), user("requestor2", full, events(last)), user("customer-admin", lists...), user("assigner", lists...), user("finance", lists...),
		user("admin", lists...), user("safeguarding"), user("auditor", lists...), user("analyst"), {loadedName, loadedPassword, nil},
	}
}

// visit is a page as one user gets it.
type visit struct {
	page, user string // the page by its route and, of lists and calendars, which
	path       string
	bytes      int
	row
	other row // the same page of the build beside
}

// visitor is a signed-in person's browser, as far as a server sees it.
type visitor struct {
	base string
	http *http.Client
}

// visitAs signs in by the form.
func visitAs(ctx context.Context, base string, u portalUser) (visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return visitor{}, err
	}
	v := visitor{base, &http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	form := url.Values{"username": {u.name}, "password": {u.password}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return v, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _, err := v.do(r)
	if err == nil && status != http.StatusSeeOther {
		err = fmt.Errorf("the answer is %d", status)
	}
	if err != nil {
		return v, fmt.Errorf("sign in to the portal as %s: %w", u.name, err)
	}
	return v, nil
}

func (v visitor) do(r *http.Request) (status int, body []byte, err error) {
	response, err := v.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

func (v visitor) get(ctx context.Context, path string) (status int, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+path, nil)
	if err != nil {
		return 0, nil, err
	}
	return v.do(r)
}

// notPages are routes that a visitor does not look at, and why.
var notPages = map[string]string{
	"/assets/*":      "files",
	"/look.css":      "the agency's colours, which browsers keep",
	"/job":           "leads on to a job's page",
	"/jobs.csv":      "a download of whatever length",
	"/sign-in":       "nobody is signed in there",
	"/password-link": "needs a link from a mail",
}

// pageOf names the page behind a path: its route, and of lists and calendars which one. Empty: it is none.
func pageOf(routes chi.Routes, path string) string {
	at, err := url.Parse(path)
	if err != nil || at.Host != "" || !strings.HasPrefix(at.Path, "/") {
		return ""
	}
	route := routes.Find(chi.NewRouteContext(), http.MethodGet, at.Path)
	if _, not := notPages[route]; not || route == "" {
		return ""
	}
	var which []string
	for _, name := range []string{"list", "view", "date", "q", "from"} {
		if value := at.Query().Get(name); value != "" && (name != "date" && name != "from" || strings.HasPrefix(route, "/calendar")) {
			which = append(which, name+"="+value)
		}
	}
	if len(which) > 0 {
		route += "?" + strings.Join(which, "&")
	}
	return route
}

// portalRoutes finds routes of the portal by path.
func portalRoutes() chi.Routes {
	r := chi.NewRouter()
	for _, route := range web.Routes() {
		r.Method(route[0], route[1], http.NotFoundHandler())
	}
	return r
}

var links = regexp.MustCompile(`href="(/[^"]*)"`)

// explore follows the links of pages, one of each kind, from the first page on, and answers with those that the user may see.
func (v visitor) explore(ctx context.Context, user portalUser) (found []visit, err error) {
	routes := portalRoutes()
	seen := map[string]bool{}
	queue := append([]string{"/"}, user.also...)
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		page := pageOf(routes, path)
		if page == "" || seen[page] || strings.HasPrefix(page, "/calendar") && path != "/calendar" && !slices.Contains(user.also, path) {
			continue
		}
		seen[page] = true
		status, body, err := v.get(ctx, path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("open %s as %s: %w", path, user.name, err)
		case status >= 500:
			return nil, fmt.Errorf("open %s as %s: %d", path, user.name, status)
		case status != http.StatusOK:
			continue // leads on, or is not for this user
		}
		found = append(found, visit{page: page, user: user.name, path: path, bytes: len(body)})
		for _, link := range links.FindAllSubmatch(body, -1) {
			queue = append(queue, html.UnescapeString(string(link[1])))
		}
	}
	return found, nil
}

// ready brings a deployment to the time at which its portal is looked at.
func ready(ctx context.Context, base string) (err error) {
	if err := caughtUp(ctx, base); err != nil {
		return err
	}
	err = setClock(ctx, base, portalNow())
	for tries := 1; err != nil && tries < 20; tries++ { // what falls due in the load's first days takes longer than one request may
		err = setClock(ctx, base, portalNow())
	}
	if err != nil {
		return err
	}
	return caughtUp(ctx, base)
}

// portal measures how long the server takes for every page that one of each role can reach; with another base, the build there in turns.
func (s *size) portal(ctx context.Context, base, other string, p processes) error {
	for _, b := range []string{base, other} {
		if b == "" {
			continue
		}
		if err := ready(ctx, b); err != nil {
			return err
		}
	}
	for _, user := range portalUsers() {
		v, err := visitAs(ctx, base, user)
		if err != nil {
			return err
		}
		var beside *visitor
		if other != "" {
			b, err := visitAs(ctx, other, user)
			if err != nil {
				return err
			}
			beside = &b
		}
		pages, err := v.explore(ctx, user)
		if err != nil {
			return err
		}
		pages = slices.DeleteFunc(pages, func(v visit) bool { return s.visited != nil && !s.visited.MatchString(v.page) })
		s.begin()
		before, began := p.spent(), time.Now()
		for i := range pages {
			if err := pages[i].measure(ctx, v, beside); err != nil {
				return err
			}
		}
		s.end()
		n := len(pages) * pageRequests
		if beside == nil { // otherwise what was spent is both builds'
			s.add(measured(fmt.Sprintf("portal as %s, %d pages", user.name, len(pages)), "pages", n, time.Since(began), p.spent().since(before), nil))
		}
		s.pages = append(s.pages, pages...)
	}
	slices.SortFunc(s.pages, func(a, b visit) int { return cmp.Compare(b.quantile(0.95), a.quantile(0.95)) })
	if len(s.pages) > 0 {
		s.aim(atMost("the slowest page of the portal, p95", ms(s.pages[0].quantile(0.95)), ms(pageAim), "ms"))
	}
	if other != "" || s.visited != nil {
		return nil
	}
	return s.painted(ctx, base)
}

// measure asks for a page again and again, of the build beside in between.
func (page *visit) measure(ctx context.Context, v visitor, beside *visitor) (err error) {
	times, others := make([]time.Duration, pageRequests), make([]time.Duration, pageRequests)
	began := time.Now()
	for i := range times {
		if times[i], err = v.timed(ctx, page.path); err != nil {
			return fmt.Errorf("open %s as %s: %w", page.path, page.user, err)
		}
		if beside == nil {
			continue
		}
		if others[i], err = beside.timed(ctx, page.path); err != nil {
			return fmt.Errorf("open %s of the build beside as %s: %w", page.path, page.user, err)
		}
	}
	page.row = measured(page.page, "pages", pageRequests, time.Since(began), cpu{}, times)
	page.other = measured(page.page, "pages", pageRequests, time.Since(began), cpu{}, others)
	return nil
}

func (v visitor) timed(ctx context.Context, path string) (time.Duration, error) {
	start := time.Now()
	status, _, err := v.get(ctx, path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the answer is %d", status)
	}
	return time.Since(start), err
}

// loadedInterpreter lets one of the load's interpreters sign in.
func loadedInterpreter(ctx context.Context, base string) error {
	admin, err := signIn(ctx, base, "admin")
	if err != nil {
		return err
	}
	_, err = admin.send(ctx, http.MethodPost, "/api/v1/users", fmt.Sprintf(`{"username":%q,"name":"Wanda Load","email":"wanda@dragoman.example",
		"role":"interpreter","interpreter":%q,"password":"the first password"}`, loadedName, lin(0)), "")
	if err != nil {
		return err
	}
	c := caller{base: base}
	a, err := c.send(ctx, http.MethodPost, "/api/v1/sessions", fmt.Sprintf(`{"username":%q,"password":"the first password"}`, loadedName), "")
	if err == nil {
		var session struct{ Token string }
		err = json.Unmarshal(a.body, &session)
		c.token = session.Token
	}
	if err == nil {
		_, err = c.send(ctx, http.MethodPut, "/api/v1/me/password", fmt.Sprintf(`{"current":"the first password","new":%q}`, loadedPassword), "")
	}
	if err != nil {
		return fmt.Errorf("let an interpreter of the load sign in: %w", err)
	}
	return nil
}

// reportPages prints the pages, slowest first.
func (s *size) reportPages(out io.Writer) {
	if len(s.pages) == 0 {
		return
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "\n  %-70s %-14s %9s %9s %9s", "pages of the portal, server time, slowest first", "as", "p50", "p95", "KiB")
	if s.beside != "" {
		fmt.Fprintf(&text, " %12s %9s %9s", "beside: p50", "p95", "ratio p50")
	}
	fmt.Fprintln(&text)
	for _, v := range s.pages {
		fmt.Fprintf(&text, "  %-70s %-14s %6.1f ms %6.1f ms %9d", v.page, v.user, ms(v.quantile(0.5)), ms(v.quantile(0.95)), v.bytes>>10)
		if s.beside != "" {
			fmt.Fprintf(&text, " %9.1f ms %6.1f ms %9.2f", ms(v.other.quantile(0.5)), ms(v.other.quantile(0.95)), ms(v.quantile(0.5))/ms(v.other.quantile(0.5)))
		}
		fmt.Fprintln(&text)
	}
	_, _ = out.Write(text.Bytes())
}
