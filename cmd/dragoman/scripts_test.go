package main

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// TestScriptBudget: the first load of any page takes at most 100 KB of compressed script; what the calendar draws with comes after the first
// paint and is at most 100 KB more, the tabular view's and the forms' at most 70 KB.
func TestScriptBudget(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	more := map[string]int{"calendar.": 100_000, "grid.": 70_000, "form.": 70_000}
	seen := map[string]bool{}
	for _, s := range []struct{ who, path string }{{"", "/sign-in"}, {"requestor", "/"}, {"requestor", "/jobs"}, {"requestor", "/jobs?list=upcoming"}, {"requestor", "/calendar"},
		{"requestor", "/book"}, {"requestor", "/book/face-to-face"}, {"assigner", "/queue"}, {"interpreter", "/offers"}, {"admin", "/settings"}, {"admin", "/interpreters/new"}} {
		b := newTab(t, base, screen{})
		if s.who != "" {
			b.signIn(s.who)
		}
		b.run("take nothing from the cache", network.SetCacheDisabled(true))
		b.open(s.path)
		b.await("the page is painted", `performance.getEntriesByName("first-paint").length`)
		var scripts []struct {
			Name         string
			Bytes        int
			After, Later bool // it was asked for after the first paint; the page names it as a part's bundle
		}
		b.eval(`(() => {
			const paint = performance.getEntriesByName('first-paint')[0].startTime
			const parts = [...document.querySelectorAll('[data-bundle]')].map((e) => new URL(e.dataset.bundle, location).href)
			return performance.getEntriesByType('resource').filter((r) => r.name.endsWith('.js'))
				.map((r) => ({ name: r.name, bytes: r.encodedBodySize, after: r.startTime >= paint, later: parts.includes(r.name) }))
		})()`, &scripts)
		first := 0
		for _, script := range scripts {
			_, name, _ := strings.Cut(script.Name, "/assets/")
			if script.Bytes == 0 {
				t.Errorf("%s: %s came from a cache", s.path, name)
			}
			if !script.Later {
				first += script.Bytes
				continue
			}
			if !script.After {
				t.Errorf("%s: %s is asked for before the page is painted", s.path, name)
			}
			for of, limit := range more {
				if strings.HasPrefix(name, of) {
					seen[of] = true
					if script.Bytes > limit {
						t.Errorf("%s: %s is %d bytes, more than %d", s.path, name, script.Bytes, limit)
					}
				}
			}
		}
		if first == 0 || first > 100_000 {
			t.Errorf("%s: the first load takes %d bytes of script", s.path, first)
		}
	}
	if len(seen) != len(more) {
		t.Errorf("only the bundles %v were seen", seen)
	}
}
