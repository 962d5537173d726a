package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/dragoman-booking/dragoman/domain"
)

// TestAnalystsFindNobody: an analyst who knows a LIN, and so the id that follows from it, finds that interpreter in no answer of the API, in no
// export and on no page, by asking for either finds nothing, and is not told by the order of a list.
func TestAnalystsFindNobody(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	w := newRoleWorld(t, base)
	api, pages := w.people["anl"], browse(t, base, w.users["anl"])
	ref := w.assigned()
	var telling []string
	for _, lin := range []string{hasLIN, hadLIN} {
		id := domain.InterpreterID(lin).String()
		telling = append(telling, lin, url.PathEscape(lin), id, id[:8])
	}
	for _, i := range w.people["adm"].get("/interpreters?limit=500").items() {
		if i["lin"] == hasLIN || i["lin"] == hadLIN {
			telling = append(telling, i["name"].(string), i["email"].(string), i["telephone"].(string))
		}
	}
	silent := func(what, text string) {
		t.Helper()
		for _, word := range telling {
			if strings.Contains(text, word) {
				t.Errorf("%s shows an analyst %q", what, word)
			}
		}
	}

	answers := 0
	for file, ask := range map[string]func(roleRow){
		"../../httpapi/testdata/roles.txt": func(row roleRow) {
			path := w.fill(row)
			for _, form := range []string{"application/json", "text/csv"} {
				r := api.send("GET", path, nil, map[string]string{"Accept": form})
				silent(path+" as "+form, string(r.raw))
				answers++
			}
		},
		"../../web/testdata/roles.txt": func(row roleRow) {
			if strings.Contains(row.path, "{interpreter}") { // the very id, which the answer repeats in its address
				return
			}
			path := w.put(row.path)
			if strings.Contains(row.path, "{ref}") {
				w.shown()
			}
			silent(path, pages.get(path).text)
			answers++
		},
	} {
		columns, rows := roleTable(t, file)
		for _, row := range rows {
			for i, persona := range columns {
				if persona == "anl" && row.method == http.MethodGet && row.want[i] == "o" {
					ask(row)
				}
			}
		}
	}
	if answers < 50 {
		t.Errorf("only %d answers were looked at", answers)
	}

	// What is there to be found, was there: with pseudonyms, and not with the words.
	job := string(api.get("/jobs/" + ref).raw)
	if found := regexp.MustCompile(`"interpreter [0-9a-f]{16}"`).FindAllString(job, -1); len(found) < 4 {
		t.Errorf("the job shows the pseudonyms %v", found)
	}
	for _, who := range []string{hasLIN, domain.InterpreterID(hasLIN).String()} {
		asked := url.QueryEscape(who)
		for _, path := range []string{"/jobs?interpreter=" + asked, "/jobs?q=" + asked, "/jobs?filter[interpreter]=" + asked,
			"/calendar?from=2032-01-01&to=2032-02-01&interpreter=" + asked, "/calendar?from=2032-01-01&to=2032-02-01&q=" + asked,
			"/interpreters?filter[lin]=" + asked, "/interpreters?filter[id]=" + asked} {
			r := api.send("GET", "/api/v1"+path, nil, nil)
			if r.status == http.StatusOK && len(r.items()) > 0 {
				t.Errorf("%s finds an analyst %d", path, len(r.items()))
			}
		}
		if p := pages.get("/interpreters/" + url.PathEscape(who)); p.status != http.StatusNotFound {
			t.Errorf("the page of %s: %d", who, p.status)
		}
	}
	before := ""
	for _, i := range api.get("/interpreters?limit=500").items() {
		id := i["id"].(string)
		if !strings.HasPrefix(strings.ReplaceAll(id, "-", ""), strings.TrimPrefix(i["name"].(string), "interpreter ")) {
			t.Errorf("%s is called %s", id, i["name"])
		}
		if id <= before {
			t.Errorf("%s comes after %s", id, before)
		}
		before = id
	}
}
