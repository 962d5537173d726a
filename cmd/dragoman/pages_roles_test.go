package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/web"
)

// TestEveryRoleOnEveryPage walks the table of web/testdata/roles.txt over HTTP as a browser does: who may open which page and send which form,
// about whose things. A route without a row fails, a row without a route fails, and a refused form appends nothing to the log.
func TestEveryRoleOnEveryPage(t *testing.T) {
	t.Parallel()
	columns, rows := roleTable(t, "../../web/testdata/roles.txt")
	var served [][2]string
	for _, route := range web.Routes() {
		if !strings.HasPrefix(route[1], "/assets/") { // scripts and styles, the same for everybody
			served = append(served, route)
		}
	}
	rows = heldAgainst(t, rows, served)
	base, data := startDemoIn(t)
	w := newRoleWorld(t, base)
	newest := newestOf(t, data)
	visitors := map[string]*browser{"guest": stranger(t, base)}
	enter := func(persona string) { visitors[persona] = browse(t, base, w.users[persona]) }
	for persona := range w.users {
		enter(persona)
	}
	for _, row := range rows {
		path, values := w.put(row.path), url.Values{}
		if strings.HasPrefix(path, "/invoices/issue") { // whose drafts
			path += "?customer=" + w.customer
			values.Set("customer", w.customer)
		}
		if strings.Contains(row.path, "{ref}") {
			w.shown()
		}
		for i, persona := range columns {
			before := newest()
			var p *page
			if row.method == http.MethodPost {
				values.Set("key", uuid.NewString())
				p = visitors[persona].post(path, values)
			} else {
				p = visitors[persona].get(path)
			}
			if row.path == "/sign-out" && persona != "guest" {
				enter(persona)
			}
			if got := p.verdict(); got != row.want[i] {
				t.Errorf("%s %s by %s: %d %s, want %s", row.method, path, persona, p.status, p.words(), row.want[i])
			} else if got != "o" && row.method == http.MethodPost && newest() != before {
				t.Errorf("%s %s by %s was refused and yet appended something", row.method, path, persona)
			}
		}
	}
}

// verdict is how the tables write what became of a request.
func (p *page) verdict() string {
	switch {
	case p.status == http.StatusForbidden:
		return "3"
	case p.status == http.StatusNotFound:
		return "4"
	case p.status == http.StatusSeeOther && strings.HasPrefix(p.location(), "/sign-in"), p.status == http.StatusUnauthorized && p.path != "/sign-in":
		return "1"
	case p.status < http.StatusInternalServerError:
		return "o"
	}
	return http.StatusText(p.status)
}
