package main

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// browser is a visitor of the portal who has no script: it follows links, fills forms and keeps cookies.
type browser struct {
	t    testing.TB
	base string
	http *http.Client
}

// page is what the portal answered.
type page struct {
	t      testing.TB
	path   string
	status int
	header http.Header
	text   string
	doc    *html.Node
}

// browse signs a demo user in by the form, as a person does.
func browse(t testing.TB, base, username string) *browser {
	t.Helper()
	b := stranger(t, base)
	if p := b.post("/sign-in", url.Values{"username": {username}, "password": {"dragoman-demo"}}); p.status != http.StatusSeeOther {
		t.Fatalf("sign in as %s: %d", username, p.status)
	}
	return b
}

// stranger is a browser that nobody has signed in with.
func stranger(t testing.TB, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, base: base, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// get opens a path of the portal; it follows no redirect, so that tests see it.
func (b *browser) get(path string) *page {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// catchingUp is what a page says that shows less than what its address waits for.
const catchingUp = "Still catching up"

// see opens a page that must be there, with all that its address waits for.
func (b *browser) see(path string) *page {
	b.t.Helper()
	p := b.get(path)
	for late := time.Now().Add(time.Minute); (p.status == http.StatusServiceUnavailable || strings.Contains(p.text, catchingUp)) && time.Now().Before(late); {
		breathe(b.t.Context())
		p = b.get(path)
	}
	if p.status != http.StatusOK {
		b.t.Fatalf("GET %s: %d %s", path, p.status, p.words())
	}
	return p
}

// post sends a form's values.
func (b *browser) post(path string, values url.Values) *page {
	b.t.Helper()
	return b.do(http.MethodPost, path, values)
}

// submit sends the form of the page that has this id, as it stands but for the changes; nil leaves a control out. Changes to a control that
// the form does not have are a fault of the test.
func (b *browser) submit(p *page, id string, changes map[string][]string) *page {
	b.t.Helper()
	form := p.byID(id)
	if form == nil || form.DataAtom != atom.Form {
		b.t.Fatalf("%s has no form %q", p.path, id)
	}
	values, names := formValues(form)
	for name, value := range changes {
		if !names[name] {
			b.t.Fatalf("the form %q of %s has no control %q", id, p.path, name)
		}
		delete(values, name)
		if value != nil {
			values[name] = value
		}
	}
	action := attr(form, "action")
	if action == "" {
		action = p.path
	}
	if strings.EqualFold(attr(form, "method"), "post") {
		return b.post(action, values)
	}
	return b.get(action + "?" + values.Encode())
}

// upload sends a form of the page with a file.
func (b *browser) upload(p *page, id, control, name string, content []byte) *page {
	b.t.Helper()
	form := p.byID(id)
	if form == nil || attr(form, "enctype") != "multipart/form-data" {
		b.t.Fatalf("%s has no form %q that takes a file", p.path, id)
	}
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	values, _ := formValues(form)
	for name := range values {
		if name != control {
			_ = parts.WriteField(name, values.Get(name)) // memory does not fail
		}
	}
	file, _ := parts.CreateFormFile(control, name)
	_, _ = file.Write(content)
	_ = parts.Close()
	return b.ask(http.MethodPost, attr(form, "action"), &body, parts.FormDataContentType())
}

func (b *browser) do(method, path string, values url.Values) *page {
	b.t.Helper()
	if values == nil {
		return b.ask(method, path, nil, "")
	}
	return b.ask(method, path, strings.NewReader(values.Encode()), "application/x-www-form-urlencoded")
}

func (b *browser) ask(method, path string, body io.Reader, kind string) *page {
	b.t.Helper()
	req, err := http.NewRequest(method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	doc, err := html.Parse(strings.NewReader(string(raw)))
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return &page{t: b.t, path: path, status: res.StatusCode, header: res.Header, text: string(raw), doc: doc}
}

// location is the path that a redirect leads to.
func (p *page) location() string { return p.header.Get("Location") }

// byID finds an element by its id; nil: none.
func (p *page) byID(id string) *html.Node {
	if id == "" {
		return nil
	}
	return first(p.doc, func(n *html.Node) bool { return attr(n, "id") == id })
}

// named finds the controls of this name.
func (p *page) named(name string) []*html.Node {
	return every(p.doc, func(n *html.Node) bool { return control(n) && attr(n, "name") == name })
}

// value is what the first control of this name holds; a test that asks for a control that is not there has failed.
func (p *page) value(name string) string {
	p.t.Helper()
	found := p.named(name)
	if len(found) == 0 {
		p.t.Fatalf("%s has no control %q", p.path, name)
	}
	values := url.Values{}
	for _, n := range found {
		collect(n, values)
	}
	return values.Get(name)
}

// heading is the page's one h1; more or fewer are a fault.
func (p *page) heading() string {
	p.t.Helper()
	found := every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.H1 })
	if len(found) != 1 {
		p.t.Errorf("%s has %d headings of the first order", p.path, len(found))
		return ""
	}
	return textOf(found[0])
}

// words is the text of the page's main part, spaces folded.
func (p *page) words() string {
	if main := first(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.Main }); main != nil {
		return textOf(main)
	}
	return textOf(p.doc)
}

// links are the paths that the page's links lead to.
func (p *page) links() (paths []string) {
	for _, n := range every(p.doc, func(n *html.Node) bool { return n.DataAtom == atom.A }) {
		paths = append(paths, attr(n, "href"))
	}
	return paths
}

func first(n *html.Node, is func(*html.Node) bool) *html.Node {
	if n.Type == html.ElementNode && is(n) {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if found := first(c, is); found != nil {
			return found
		}
	}
	return nil
}

func every(n *html.Node, is func(*html.Node) bool) (found []*html.Node) {
	if n.Type == html.ElementNode && is(n) {
		found = append(found, n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		found = append(found, every(c, is)...)
	}
	return found
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// textOf is an element's text, spaces folded.
func textOf(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
		case n.Type == html.ElementNode && (n.DataAtom == atom.Script || n.DataAtom == atom.Style):
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode {
			b.WriteByte(' ')
		}
	}
	walk(n)
	return strings.Join(strings.Fields(b.String()), " ")
}

func control(n *html.Node) bool {
	return n.DataAtom == atom.Input || n.DataAtom == atom.Select || n.DataAtom == atom.Textarea
}

// formValues are what a browser would send of a form, buttons apart, and the names of all its controls.
func formValues(form *html.Node) (url.Values, map[string]bool) {
	values, names := url.Values{}, map[string]bool{}
	for _, n := range every(form, control) {
		names[attr(n, "name")] = true
		collect(n, values)
	}
	return values, names
}

func collect(n *html.Node, values url.Values) {
	name := attr(n, "name")
	if name == "" || has(n, "disabled") {
		return
	}
	switch n.DataAtom {
	case atom.Textarea:
		values.Add(name, rawText(n))
	case atom.Select:
		options := every(n, func(o *html.Node) bool { return o.DataAtom == atom.Option })
		chosen := false
		for _, o := range options {
			if has(o, "selected") && !has(o, "disabled") {
				values.Add(name, optionValue(o))
				chosen = true
			}
		}
		if !chosen && len(options) > 0 && !has(n, "multiple") {
			values.Add(name, optionValue(options[0]))
		}
	default:
		switch strings.ToLower(attr(n, "type")) {
		case "checkbox", "radio":
			if has(n, "checked") {
				value := "on"
				if has(n, "value") {
					value = attr(n, "value")
				}
				values.Add(name, value)
			}
		case "submit", "button", "reset", "image":
		default:
			values.Add(name, attr(n, "value"))
		}
	}
}

func optionValue(o *html.Node) string {
	if has(o, "value") {
		return attr(o, "value")
	}
	return textOf(o)
}

func rawText(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}
