package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/dragoman-booking/dragoman/web"
)

// axeSource is axe-core, which judges a page by WCAG in the browser itself.
var axeSource = sync.OnceValues(func() (string, error) {
	source, err := os.ReadFile("../../web/node_modules/axe-core/axe.min.js")
	if err != nil {
		return "", fmt.Errorf("axe-core is missing, run make assets: %w", err)
	}
	return string(source), nil
})

// What axe is asked for: every rule that is on by default and the one about the size of targets, or those that look at colours.
const (
	allRules    = `rules: { 'target-size': { enabled: true } }`
	colourRules = `runOnly: ['color-contrast', 'link-in-text-block']`
)

// axeRun runs rules on the whole page.
const axeRun = `axe.run(document, { resultTypes: ['violations'], %s }).then((found) => found.violations.flatMap((rule) =>
	rule.nodes.map((node) => ({ rule: rule.id, impact: node.impact ?? rule.impact, html: node.html.slice(0, 300), at: node.target.flat().join(' '), why: node.failureSummary }))))`

// inSight is which elements the page has and which of them can be seen.
const inSight = `[...document.querySelectorAll('*')].map((e) => e.localName + (e.checkVisibility({ visibilityProperty: true }) ? '+' : '-')).join('')`

type finding struct{ Rule, Impact, HTML, At, Why string }

// axe judges the page as it stands by all rules; whatever it finds is a fault.
func (b *tab) axe(of string) { b.t.Helper(); b.axeBy(allRules, of) }

func (b *tab) axeBy(rules, of string) {
	b.t.Helper()
	if !b.axed {
		source, err := axeSource()
		if err != nil {
			b.t.Fatal(err)
		}
		b.run("load axe into this page and all that follow", chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := cdppage.AddScriptToEvaluateOnNewDocument(source).WithRunImmediately(true).Do(ctx)
			return err
		}))
		b.axed = true
	}
	var found []finding
	b.eval(fmt.Sprintf(axeRun, rules), &found)
	for _, f := range found {
		b.t.Errorf("%s, %s: %s (%s) at %s: %s\n\t%s", of, b.screen, f.Rule, f.Impact, f.At, f.HTML, strings.ReplaceAll(f.Why, "\n", "\n\t"))
	}
}

// turn makes the system's colours dark or light while the page stands.
func (b *tab) turn(dark bool) {
	b.t.Helper()
	b.dark = dark
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.run("turn "+scheme, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}))
	b.await("the page is "+scheme, `document.documentElement.dataset.bsTheme === '`+scheme+`'`)
}

// frameFaults are what every page must have, whatever it shows.
const frameFaults = `(() => {
	const faults = []
	if (document.querySelectorAll('h1').length !== 1) faults.push('it has ' + document.querySelectorAll('h1').length + ' headings of the first order')
	if (!/^\S.* · \S/.test(document.title)) faults.push('its title is ' + document.title)
	for (const e of document.querySelectorAll('[href*=Zgotmpl], [src*=Zgotmpl]')) faults.push('a link that the template refused: ' + e.outerHTML.slice(0, 150))
	return faults
})()`

// phoneFaults are what a page must not do to a small screen and to fingers. A link in the middle of a text is as high as its line.
const phoneFaults = `(() => {
	const faults = []
	const width = 390
	if (document.documentElement.scrollWidth > width) {
		const wide = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1 && e.checkVisibility() && !e.closest('.table-responsive'))
		faults.push('it is ' + document.documentElement.scrollWidth + ' px wide, because of ' + wide.slice(0, 5).map((e) => e.outerHTML.slice(0, 120)).join(' | '))
	}
	for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [tabindex="0"]')) {
		if (!e.checkVisibility({ visibilityProperty: true }) || e.closest('.visually-hidden, .skip-link, [aria-hidden=true]')) continue
		let box = e.getBoundingClientRect()
		let [w, h] = [box.width, box.height]
		for (const label of e.matches('[type=checkbox], [type=radio]') ? e.labels : []) { w = Math.max(w, label.getBoundingClientRect().width); h = Math.max(h, label.getBoundingClientRect().height) }
		const inText = getComputedStyle(e).display === 'inline' && [...e.parentElement.childNodes].some((n) => n.nodeType === 3 && n.data.trim().length > 1)
		if (w === 0 || h === 0 || inText) continue
		if (w < 23.9 || h < 23.9) faults.push('a target of ' + Math.round(w) + ' by ' + Math.round(h) + ' px: ' + e.outerHTML.slice(0, 150))
	}
	return faults
})()`

// focusFaults gives the focus to everything that takes it, as the keyboard does, and names what does not show it.
const focusFaults = `(() => {
	const faults = []
	const shows = (e) => [e, e.parentElement, e.parentElement?.parentElement, e.parentElement?.parentElement?.parentElement].some((n) => {
		if (!n || n === document.body || n.matches('main')) return false
		const style = getComputedStyle(n)
		return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
	})
	for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')) {
		if (e.disabled || !e.checkVisibility({ visibilityProperty: true })) continue
		e.focus({ preventScroll: true })
		if (document.activeElement !== e) continue
		if (!shows(e)) faults.push('the focus does not show on ' + e.outerHTML.slice(0, 150))
	}
	document.activeElement?.blur()
	return faults
})()`

func (b *tab) faultsOf(of, script string) {
	b.t.Helper()
	var faults []string
	b.eval(script, &faults)
	for _, fault := range faults {
		b.t.Errorf("%s, %s: %s", of, b.screen, fault)
	}
}

// skips follows the link to the content by keyboard.
func (b *tab) skips(of string) {
	b.t.Helper()
	var starts bool
	b.eval(`document.activeElement === document.body`, &starts)
	if starts {
		b.key("Tab")
	} else { // the page gave the focus to its first input, behind the link
		b.eval(`document.querySelector('.skip-link').focus()`, nil)
	}
	if on := b.focused(); on.role != "link" || on.name != "Skip to the content" {
		b.t.Errorf("%s, %s: the first stop of the Tab key is the %s %q", of, b.screen, on.role, on.name)
		return
	}
	b.key("Enter")
	var there bool
	b.eval(`document.activeElement.matches('main#content')`, &there)
	if !there {
		b.t.Errorf("%s, %s: the skip link does not lead to the content", of, b.screen)
	}
}

// TestEveryPageIsAccessible opens every page as the roles that work with it, on a desk and a phone, light and dark, in its states, and lets axe
// judge it: nothing is found, no rule is off, no element left out; in the dark only the rules about colours, where the same elements are in sight as in
// the light. On the phone nothing scrolls sideways and fingers find their targets; every page has its title and one heading, shows the focus and has a
// way past the header. A route without a page in the table fails. With SCREENSHOTS in the environment each page's picture is written to that folder.
func TestEveryPageIsAccessible(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sights := w.sights()
	for _, route := range web.Routes() {
		shown := slices.ContainsFunc(sights, func(s sight) bool { return s.route == route[1] })
		if route[0] == "GET" && !shown && !slices.Contains(notPages, route[1]) {
			t.Errorf("the page %s is in no test of what can be read and reached", route[1])
		}
	}
	pictures := os.Getenv("SCREENSHOTS")
	byUser := map[string][]sight{}
	for _, s := range sights {
		byUser[s.who] = append(byUser[s.who], s)
	}
	for who, all := range byUser {
		for at, part := range slices.Collect(slices.Chunk(all, 14)) {
			for _, look := range []screen{{}, {phone: true}} {
				t.Run(fmt.Sprintf("%s %d %s", who, at, look), func(t *testing.T) {
					t.Parallel()
					b := newTab(t, w.base, look)
					if who != "" {
						b.signIn(who)
					}
					for _, s := range part {
						b.judge(s, pictures)
					}
				})
			}
		}
	}
}

// seen tells whether something that matches can be seen.
func (b *tab) seen(selector string) (is bool) {
	b.t.Helper()
	b.eval(`[...document.querySelectorAll(`+quoted(selector)+`)].some((e) => e.checkVisibility())`, &is)
	return is
}

// judge looks at one sight from all sides.
func (b *tab) judge(s sight, pictures string) {
	b.t.Helper()
	if status := s.answers(); status != http.StatusOK {
		b.expect(int64(status))
	}
	b.open(s.path)
	if s.do != nil {
		s.do(b)
		b.still()
	}
	if s.who != "" && strings.HasPrefix(b.path(), "/sign-in") {
		b.t.Errorf("%s: %s leads to the sign-in", s.name, s.path)
	}
	var light, shown string
	for _, dark := range []bool{false, true} {
		b.turn(dark)
		if s.shows != "" && !b.seen(s.shows) {
			s.do(b)
		}
		b.eval(inSight, &shown)
		if dark && shown == light { // then only the colours are others
			b.axeBy(colourRules, s.name)
		} else {
			b.axe(s.name)
			light = shown
		}
		if s.shows != "" && !b.seen(s.shows) {
			b.t.Errorf("%s, %s: %s was gone before it was judged", s.name, b.screen, s.shows)
		}
		if pictures != "" {
			name := fmt.Sprintf("%s-%s.png", strings.TrimPrefix(s.name, "-"), strings.ReplaceAll(b.screen.String(), " ", "-"))
			if err := os.WriteFile(filepath.Join(pictures, name), b.picture(s.shows == ""), 0o644); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.turn(false)
	b.faultsOf(s.name, frameFaults)
	if b.phone {
		b.faultsOf(s.name, phoneFaults)
	}
	if s.do == nil { // the states are the same page
		b.skips(s.name)
		b.faultsOf(s.name, focusFaults)
	}
}
