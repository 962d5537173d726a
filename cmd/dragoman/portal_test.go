package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/chromedp"
)

// pictureOf is a PNG of this size.
func pictureOf(t testing.TB, width, height int) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			picture.Set(x, y, color.RGBA{R: 240, G: uint8(120 + x%100), B: 40, A: 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestTheCountdownIsTheServers: how long a customer may still cancel is counted by the server's clock while the page is open; once the window has
// closed the page says so, and what was typed is still there. What was done is said in the live region, and can be put away.
func TestTheCountdownIsTheServers(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	early, late := d.book("2020-03-26T14:00", 60, nil), d.book("2020-03-27T14:00", 60, nil)
	d.settled(late)
	b := newTab(t, d.base, screen{zone: "America/New_York"})
	b.signIn("requestor")
	b.open("/jobs/" + early + "/cancel")
	b.sees("You can cancel until 23/03/2020 14:00. That is in 3 days 5 hours.")
	b.fill("Details", "The suspect was released.")
	d.customer.clock("23/03/2020 13:30")
	b.sees("That is in 30 minutes.")
	d.customer.clock("23/03/2020 14:00")
	b.sees("You could cancel this job yourself until 23/03/2020 14:00.")
	var typed string
	b.eval(`document.querySelector('#cancel [name=details]').value`, &typed)
	if typed != "The suspect was released." {
		t.Errorf("what was typed became %q", typed)
	}
	b.fill("Authorised By", "Inspector Hale")
	b.expect(422)
	b.send("Cancel Job")
	b.sees("Send the admin message")

	b.open("/jobs/" + late + "/cancel")
	b.fill("Authorised By", "Inspector Hale")
	b.send("Cancel Job")
	b.await("the live region says what was done", `document.querySelector('#toasts[role=status]').innerText.includes('The job is cancelled.')`)
	b.click("button", "Close")
	b.await("it is put away", `!document.querySelector('#toasts .toast')`)
}

// TestTheCalendarSaysWhatItDoes: jobs that take a moment to come, and jobs that do not come, are said where they would be, with a way to ask again.
func TestTheCalendarSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-04-02T14:00", 60, nil)
	d.settled(ref)
	b := newTab(t, d.base, screen{})
	b.signIn("requestor")
	b.open("/calendar?view=month")
	b.eval(`window.real = window.fetch; window.held = []; window.fetch = (at, how) => String(at).startsWith('/calendar.json') ?
		new Promise((done, failed) => held.push({ done: () => real(at, how).then(done, failed), fail: () => failed(new TypeError('away')) })) : real(at, how)`, nil)
	b.click("link", "Next")
	b.await("it says that jobs are being loaded", `document.getElementById('cal-loading').innerText === 'Loading jobs…'`)
	b.eval(`held.pop().fail()`, nil)
	b.sees("The jobs could not be loaded.")
	b.await("nothing is being loaded", `document.getElementById('cal-loading').innerText === ''`)
	b.eval(`window.fetch = real`, nil)
	b.click("button", "Try again")
	b.await("the job is drawn", `document.querySelector('#cal-drawn [href="/jobs/`+ref+`"]')`)
	b.await("the fault is gone", `!document.getElementById('cal-failed').checkVisibility()`)

	// An answer that is slow, and that nobody waits for any more, says nothing.
	b.eval(`window.slow = []; window.timer = window.setTimeout
		window.setTimeout = (does, ms, ...more) => ms === 300 ? (slow.push(does), 0) : timer(does, ms, ...more)
		window.held = []; window.fetch = (at, how) => String(at).startsWith('/calendar.json') ? new Promise((done, failed) => held.push(() => real(at, how).then(done, failed))) : real(at, how)`, nil)
	b.click("link", "Next")
	b.await("jobs are asked for", `held.length === 1`)
	b.click("link", "Previous")
	b.await("others are asked for", `held.length === 2`)
	b.eval(`held[1]()`, nil)
	b.await("they are drawn", `document.querySelector('#cal-drawn [href="/jobs/`+ref+`"]')`)
	var said string
	b.eval(`slow[0](); document.getElementById('cal-loading').textContent`, &said)
	if said != "" {
		t.Errorf("of jobs that nobody waits for it says %q", said)
	}

	// A screen that is turned shows what is there already.
	b.eval(`window.asked = 0; window.fetch = (at, how) => { asked++; return real(at, how) }`, nil)
	b.run("a narrow window", chromedp.EmulateViewport(600, 900))
	b.await("it is narrow", `matchMedia('(max-width: 48rem)').matches`)
	b.run("a wide window", chromedp.EmulateViewport(1280, 900))
	b.await("it is wide", `!matchMedia('(max-width: 48rem)').matches`)
	b.still()
	var asked int
	b.eval(`asked`, &asked)
	if asked != 0 {
		t.Errorf("a turned screen asked %d times", asked)
	}
}

// TestTheWeekKeepsWordsWhole: jobs beside one another in a day of the week say their time and language in a line each, cut off rather than broken,
// and whole for whoever has them read; on a phone the views take the width, and an interpreter's form begins at the edge.
func TestTheWeekKeepsWordsWhole(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	refs := []string{d.book("2020-03-26T14:00", 60, nil), d.book("2020-03-26T14:00", 60, nil), d.book("2020-03-26T14:15", 30, nil), d.book("2020-03-26T14:15", 90, nil)}
	d.settled(refs[3])
	b := newTab(t, d.base, screen{})
	b.signIn("requestor")
	b.open("/calendar?view=week&date=2020-03-26")
	b.await("all are drawn", `document.querySelectorAll('#cal-drawn .cal-event').length === 4`)
	var broken []string
	b.eval(`[...document.querySelectorAll('#cal-drawn :is(.cal-time, .cal-name)')].filter((e) => e.getBoundingClientRect().height > 24 || !e.closest('.cal-short') &&
		e.getBoundingClientRect().right > e.closest('.cal-event').getBoundingClientRect().right + 1).map((e) => e.outerHTML)`, &broken)
	if len(broken) > 0 {
		t.Errorf("not in one line: %q", broken)
	}
	for _, ref := range refs {
		things, err := b.things("link")
		if err != nil || !slices.ContainsFunc(things, func(one thing) bool {
			return strings.Contains(one.name, ref) && strings.Contains(one.name, "14:") && strings.Contains(one.name, "Polish , Face to face")
		}) {
			t.Errorf("%s is not read whole: %+v %v", ref, things, err)
		}
	}
	b = newTab(t, d.base, screen{phone: true})
	b.signIn("interpreter")
	b.open("/calendar")
	var at struct{ Views, Bar, Date, Legend float64 }
	b.eval(`(() => {
		const of = (at) => document.querySelector(at).getBoundingClientRect()
		return { views: of('#cal-bar > [aria-label="View"]').width, bar: of('#cal-bar').width, date: of('[for=cal-date]').left, legend: of('.cal-legend').left }
	})()`, &at)
	if at.Views < at.Bar-1 || at.Date != at.Legend {
		t.Errorf("on a phone: %+v", at)
	}
}

// TestHoursOnAPhone: the grid of hours shows the rows that hold something and one more, and the next one when it is asked for; a desk shows all.
func TestHoursOnAPhone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T09:00", 120, nil)
	d.assigner.get("/jobs/"+ref, d.customer)
	d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	d.customer.clock("27/03/2020 09:00")
	d.settled(ref)
	for _, look := range []screen{{}, {phone: true}} {
		b := newTab(t, d.base, look)
		b.signIn("interpreter")
		b.open("/jobs/" + ref + "/timesheet")
		rows := func() (n int) {
			b.eval(`[...document.querySelectorAll('[data-grid-rows] > tr')].filter((row) => row.checkVisibility()).length`, &n)
			return n
		}
		want := []int{7, 14}
		if look.phone {
			want = []int{2, 3, 4}
		}
		for press, n := range want {
			if press > 0 {
				b.click("button", "Add rows")
			}
			if got := rows(); got != n {
				t.Errorf("%s: %d rows after %d presses, want %d", look, got, press, n)
			}
		}
		var on string
		b.eval(`String(document.activeElement.closest("tr") === [...document.querySelectorAll('[data-grid-rows] > tr')].filter((row) => row.checkVisibility())[`+fmt.Sprint(want[len(want)-2])+`] && document.activeElement.name)`, &on)
		if on != "blocks.start" {
			t.Errorf("%s: the focus is on %q", look, on)
		}
	}
}

// TestLooksOfAnAgency: an admin gives the agency its colours and its logo; every page wears them, light and dark, on a desk and a phone, and axe finds
// nothing wrong with that.
func TestLooksOfAnAgency(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	file := filepath.Join(t.TempDir(), "logo.png")
	if err := os.WriteFile(file, pictureOf(t, 160, 48), 0o644); err != nil {
		t.Fatal(err)
	}
	admin := newTab(t, d.base, screen{})
	admin.signIn("admin")
	admin.open("/settings/look")
	admin.fill("Name in the header", "Speak Easy")
	admin.fill("Colour of buttons and links", "#7a1f5c")
	admin.fill("Colour of the header", "#20304a")
	admin.send("Save")
	admin.open("/settings/look")
	picture := admin.find("Logo", "button")
	admin.run("choose a file", dom.SetFileInputFiles([]string{file}).WithBackendNodeID(picture.node))
	admin.send("Use this logo")
	admin.sees("The settings are changed.")
	for _, look := range []screen{{}, {phone: true}} {
		b := newTab(t, d.base, look)
		b.signIn("assigner")
		for _, path := range []string{"/", "/queue"} {
			b.open(path)
			b.await("the logo shows", `document.querySelector('.navbar-brand img').naturalWidth === 160`)
			if look.phone {
				b.click("summary", "Menu")
			} else {
				b.click("summary", "Jobs")
			}
			for _, dark := range []bool{false, true} {
				b.turn(dark)
				b.await("the header has its colour", `getComputedStyle(document.querySelector('.site-header')).backgroundColor === 'rgb(32, 48, 74)'`)
				b.axe(path)
			}
			b.turn(false)
		}
	}
}

// TestMyJobsUseTheScreen: a job to attend takes the width of a desk, its parts beside one another, and stands in one column on a phone.
func TestMyJobsUseTheScreen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "20/03/2020 09:00")
	ref := d.book("2020-03-26T14:00", 60, map[string]any{"jobNotes": "Bring the consent form"})
	d.assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	d.settled(ref)
	for _, look := range []screen{{}, {phone: true}} {
		b := newTab(t, d.base, look)
		b.signIn("interpreter")
		b.open("/my-jobs")
		var at struct{ Card, Page, Beside float64 }
		b.eval(fmt.Sprintf(`(() => {
			const card = document.querySelector('article[aria-labelledby="job-%s"]'), [what, where] = card.querySelectorAll('.my-job > div')
			return { card: card.getBoundingClientRect().width, page: document.querySelector('main h1').getBoundingClientRect().width,
				beside: where.getBoundingClientRect().left - what.getBoundingClientRect().right }
		})()`, ref), &at)
		if at.Card < at.Page*.98 || (at.Beside >= 0) == look.phone {
			t.Errorf("%s: a job is %.0f px wide of %.0f, its place is %.0f px right of its time", look, at.Card, at.Page, at.Beside)
		}
		if !strings.Contains(b.text(), "Bring the consent form") {
			t.Errorf("%s: it lacks the notes: %s", look, b.text())
		}
	}
}

// TestAJobThatIsNotShownYet: whoever books while the list of jobs is behind is not told that the job is missing, but that it comes, and then it does.
func TestAJobThatIsNotShownYet(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	one := d.start("demo", "--small")
	location := signIn(t, one.base, "requestor").get("/locations").items()[0]["id"].(string)
	b := browse(t, one.base, "requestor")
	form := b.see(b.get("/book/face-to-face").location())
	wish := faceToFace(location, "2031-06-03T10:00", 60)
	typed := map[string][]string{"location": {location}, "language": {"pl"}, "start": {"2031-06-03T10:00"}, "duration.hours": {"1"}, "duration.minutes": {"0"}}
	for name, value := range wish["fields"].(map[string]any) {
		typed["fields."+name] = []string{value.(string)}
	}
	let := d.hold("jobs", "jobs")
	made := b.submit(form, "book", typed)
	if made.status != http.StatusSeeOther {
		t.Fatalf("book: %d %s", made.status, made.words())
	}
	early := b.get(made.location())
	if early.status != http.StatusServiceUnavailable || early.header.Get("Refresh") != "1" || early.header.Get("Retry-After") != "1" {
		t.Errorf("before it is there: %d %v", early.status, early.header)
	}
	wants(t, early, "Not here yet", "This page opens by itself in a moment.", "Still catching up: what you just did is saved")
	lacks(t, early, "Not found")
	if none := b.get("/jobs/DTP999999"); none.status != http.StatusNotFound {
		t.Errorf("a job that nobody made: %d", none.status)
	}
	let()
	wants(t, b.see(made.location()), "Jan Kowalski")
}
