package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// paintings is how often a page is opened in the browser.
const paintings = 10

// painted measures in Chromium how soon a dashboard is painted for the first time and a calendar shows its jobs. Without Chromium it says so.
func (s *size) painted(ctx context.Context, base string) error {
	path, err := exec.LookPath("chromium")
	if err != nil { // the tests are content with its shell
		path, err = exec.LookPath("chromium-headless-shell")
	}
	if err != nil {
		s.say("Chromium is not installed: no page is painted")
		return nil
	}
	allocator, end := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(time.Minute))
	defer end()
	full := "/calendar?view=month&date=" + calendarMonth(len(calendars)-1).AddDate(0, 0, 14).Format(time.DateOnly)
	for _, p := range []struct{ name, user, path, ready, time string }{
		{"dashboard: first contentful paint", "assigner", "/", `true`, firstPaint},
		{"dashboard of a customer: first contentful paint", "requestor", "/", `true`, firstPaint},
		{"calendar of 500 jobs: first event drawn", "requestor2", "/calendar?view=month&date=" + calendarMonth(1).AddDate(0, 0, 14).Format(time.DateOnly), eventsThere, sinceStart},
		{"calendar of 2,700 jobs: first event drawn", "requestor2", full, eventsThere, sinceStart},
	} {
		times, err := paint(ctx, allocator, base, p.user, p.path, p.ready, p.time)
		if err != nil {
			return fmt.Errorf("paint %s as %s: %w", p.path, p.user, err)
		}
		var wall time.Duration
		for _, t := range times {
			wall += t
		}
		s.add(measured(p.name, "paintings", len(times), wall, cpu{}, times))
	}
	return nil
}

// What the browser is asked: times are milliseconds since the navigation began.
const (
	firstPaint  = `performance.getEntriesByName("first-contentful-paint")[0].startTime`
	sinceStart  = `performance.now()`
	eventsThere = `document.querySelector("#cal-drawn .cal-event") !== null`
)

func paint(ctx, allocator context.Context, base, user, path, ready, measure string) (times []time.Duration, err error) {
	v, err := visitAs(ctx, base, portalUser{name: user, password: "dragoman-demo"})
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	tab, leave := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	defer leave()
	tab, cancel := context.WithTimeout(tab, 2*time.Minute)
	defer cancel()
	for _, c := range v.http.Jar.Cookies(at) {
		if err := chromedp.Run(tab, setCookie(base, c)); err != nil {
			return nil, err
		}
	}
	for range paintings + 1 { // the first fills the cache with scripts and styles
		var took float64
		err := chromedp.Run(tab, chromedp.Navigate("about:blank"), chromedp.Navigate(base+path),
			chromedp.Poll(`(() => { if (!performance.getEntriesByName("first-contentful-paint").length || !(`+ready+`)) return false; return `+measure+` })()`,
				&took, chromedp.WithPollingInterval(4*time.Millisecond)))
		if err != nil {
			return nil, err
		}
		if took <= 0 {
			return nil, errors.New("the browser tells no time")
		}
		times = append(times, time.Duration(took*float64(time.Millisecond)))
	}
	return times[1:], nil
}

func setCookie(base string, c *http.Cookie) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie(c.Name, c.Value).WithURL(base).WithHTTPOnly(true).Do(ctx)
	})
}
