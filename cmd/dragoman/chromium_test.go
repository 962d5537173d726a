package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a condition in the browser is waited for.
const patience = time.Minute

// chromium is the one browser process of the tests; TestMain ends it. Every tab of a test lies in a browser context of its own. The shell is the same
// Chromium without a browser around its pages: the tests of pages take half the time with it, as each tab brings a window's toolbars along otherwise.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path, err := exec.LookPath("chromium-headless-shell")
	if err != nil {
		path, err = exec.LookPath("chromium")
	}
	if err != nil {
		return nil, errors.New("Chromium is missing, which the tests of pages need: install it (Debian: apt-get install chromium-headless-shell)")
	}
	alone, _ := chromedp.NewExecAllocator(context.Background(), // a fresh --user-data-dir, removed with the process, which ends with this one
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en-GB"), chromedp.Env("LANGUAGE=en_GB"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), // everything is served by us
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewContext(alone, chromedp.WithErrorf(func(string, ...any) {})) // it complains of events that are newer than itself
	if err := chromedp.Run(ctx); err != nil {
		cancel()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	endChromium = func() {
		ctx, done := context.WithTimeout(ctx, 20*time.Second)
		defer done()
		_ = chromedp.Cancel(ctx) // one that does not close in time is killed
	}
	return ctx, nil
})

var endChromium = func() {}

// screen is what a tab is looked at with. The zero value is a desk's, light, in the machine's zone, with script.
type screen struct {
	phone     bool // 390 by 844, touched
	dark      bool
	zone      string // the browser's time zone
	noScript  bool
	sharpness float64 // pixels per CSS pixel; 0: one
}

func (s screen) String() string {
	name := "desktop"
	if s.phone {
		name = "phone"
	}
	if s.dark {
		return name + " dark"
	}
	return name
}

// tab is a tab of Chromium as a person uses it: things are found by what they are and how they are called, by the browser's own accessibility
// tree. Whatever goes wrong in the page fails the test: errors and warnings in the console, exceptions, failed requests, breaches of the policy.
type tab struct {
	t     testing.TB
	ctx   context.Context
	base  string
	apart cdp.BrowserContextID // shared with no other test
	screen
	axed bool // axe is in its pages

	mu      sync.Mutex
	faults  []string
	expects []int64                            // statuses of 400 and more that the test is about
	loads   int                                // documents loaded so far
	asking  map[network.RequestID]cdp.LoaderID // requests under way
	changed chan struct{}                      // closed when one of these changed
}

// newTab opens a tab in a browser context of its own: nothing is shared with any other test.
func newTab(t testing.TB, base string, s screen) *tab {
	t.Helper()
	browser, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	executor := cdp.WithExecutor(browser, chromedp.FromContext(browser).Browser)
	apart, err := target.CreateBrowserContext().WithDisposeOnDetach(true).Do(executor)
	if err != nil {
		t.Fatalf("make a browser context: %v", err)
	}
	t.Cleanup(func() {
		if err := target.DisposeBrowserContext(apart).Do(executor); err != nil {
			t.Errorf("close the browser context: %v", err)
		}
	})
	return openTab(t, browser, apart, base, s)
}

// another is a second tab beside this one: the same person, signed in.
func (b *tab) another() *tab {
	b.t.Helper()
	browser, err := chromium()
	if err != nil {
		b.t.Fatal(err)
	}
	return openTab(b.t, browser, b.apart, b.base, b.screen)
}

// openTab opens it in a window of its own: a tab behind another one is not painted.
func openTab(t testing.TB, browser context.Context, apart cdp.BrowserContextID, base string, s screen) *tab {
	t.Helper()
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(apart).WithNewWindow(true).Do(cdp.WithExecutor(browser, chromedp.FromContext(browser).Browser))
	if err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithTargetID(id))
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, apart: apart, base: base, screen: s, asking: map[network.RequestID]cdp.LoaderID{}, changed: make(chan struct{})}
	chromedp.ListenTarget(ctx, b.heard)
	width, height, scheme := int64(1280), int64(900), "light"
	if s.phone {
		width, height = 390, 844
	}
	if s.dark {
		scheme = "dark"
	}
	touches := int64(1)
	b.run("set up the tab",
		emulation.SetDeviceMetricsOverride(width, height, max(1, s.sharpness), s.phone),
		emulation.SetTouchEmulationEnabled(s.phone).WithMaxTouchPoints(touches),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}),
		emulation.SetScriptExecutionDisabled(s.noScript),
		chromedp.ActionFunc(func(ctx context.Context) error {
			if s.zone == "" {
				return nil
			}
			return emulation.SetTimezoneOverride(s.zone).Do(ctx)
		}),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := cdppage.AddScriptToEvaluateOnNewDocument(`addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective, e.blockedURI))`).Do(ctx)
			return err
		}),
		accessibility.Enable())
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, fault := range b.faults {
			t.Errorf("%s: %s", b.screen, fault)
		}
	})
	return b
}

// heard keeps what the browser tells of the tab.
func (b *tab) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fault := func(format string, args ...any) { b.faults = append(b.faults, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning || e.Type == runtime.APITypeAssert {
			var said []string
			for _, arg := range e.Args {
				said = append(said, strings.Trim(string(arg.Value), `"`)+arg.Description)
			}
			fault("console %s: %s", e.Type, strings.Join(said, " "))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		fault("exception at %s:%d: %s", e.ExceptionDetails.URL, e.ExceptionDetails.LineNumber+1, text)
	case *log.EventEntryAdded:
		refused := e.Entry.Source == log.SourceNetwork && strings.Contains(e.Entry.Text, "responded with a status of") // judged by its answer
		if !refused && (e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning) {
			fault("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.asking[e.RequestID] = e.LoaderID
	case *network.EventResponseReceived:
		_, early := e.Response.Headers["Refresh"] // the page comes by itself
		if e.Response.Status >= http.StatusBadRequest && !slices.Contains(b.expects, e.Response.Status) && !early {
			fault("%s answered %d", strings.TrimPrefix(e.Response.URL, b.base), e.Response.Status)
		}
	case *network.EventLoadingFinished:
		delete(b.asking, e.RequestID)
	case *network.EventLoadingFailed:
		delete(b.asking, e.RequestID)
		if !e.Canceled && e.ErrorText != "net::ERR_ABORTED" {
			fault("a request for a %s failed: %s %s", e.Type, e.ErrorText, e.BlockedReason)
		}
	case *cdppage.EventFrameNavigated:
		for id, loader := range b.asking { // what the page before it asked for is gone
			if loader != e.Frame.LoaderID {
				delete(b.asking, id)
			}
		}
	case *cdppage.EventLoadEventFired:
		b.loads++
	case *cdppage.EventJavascriptDialogOpening:
		fault("a dialog opened: %s", e.Message)
		go func() { _ = chromedp.Run(b.ctx, cdppage.HandleJavaScriptDialog(true)) }()
		return
	default:
		return
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// expect allows answers of these statuses from now on: a refused form answers 422.
func (b *tab) expect(statuses ...int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expects = append(b.expects, statuses...)
}

func (b *tab) run(what string, actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatalf("%s: %s: %v", b.screen, what, err)
	}
}

// until waits for a state of requests and loads.
func (b *tab) until(what string, is func() bool) {
	b.t.Helper()
	late := time.After(patience)
	for {
		b.mu.Lock()
		done, changed := is(), b.changed
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-b.ctx.Done():
			b.t.Fatalf("the tab ended before %s", what)
		case <-late:
			b.t.Fatalf("%s within %s: not so, at %s", what, patience, b.path())
		}
	}
}

// leads does what leads to another page (or to the same one, answered anew) and waits until that is loaded and still, with all that its address
// waits for.
func (b *tab) leads(do func()) {
	b.t.Helper()
	b.arrives(do)
	for late := time.Now().Add(patience); strings.Contains(b.text(), catchingUp) && time.Now().Before(late); {
		b.arrives(func() { b.run("reload", cdppage.Reload()) })
	}
}

func (b *tab) arrives(do func()) {
	b.t.Helper()
	b.mu.Lock()
	before := b.loads
	b.mu.Unlock()
	do()
	b.until("a page is loaded", func() bool { return b.loads > before })
	b.still()
}

// still waits until the page has loaded, its parts have their scripts and nothing is asked for any more.
func (b *tab) still() {
	b.t.Helper()
	quiet := func() {
		b.until("nothing is asked for any more", func() bool { return len(b.asking) == 0 })
	}
	quiet()
	if b.noScript {
		return
	}
	b.await("the page's scripts have started", `document.readyState === 'complete' && !document.querySelector('[data-bundle]:not([data-started], .without-script)')`)
	quiet()
	b.eval(`new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(true))))`, nil) // what has come is painted
}

// open goes to a path by the address bar.
func (b *tab) open(path string) {
	b.t.Helper()
	b.leads(func() {
		b.run("open "+path, chromedp.ActionFunc(func(ctx context.Context) error {
			_, _, failed, _, err := cdppage.Navigate(b.base + path).Do(ctx)
			if failed != "" {
				return errors.New(failed)
			}
			return err
		}))
	})
}

// reload presses the browser's button.
func (b *tab) reload() {
	b.t.Helper()
	b.leads(func() { b.run("reload", cdppage.Reload()) })
}

// signIn signs a demo user in by the form.
func (b *tab) signIn(user string) {
	b.t.Helper()
	b.open("/sign-in")
	b.fill("User name, e-mail or PIN", user)
	b.fill("Password", "dragoman-demo")
	b.leads(func() { b.click("button", "Sign in") })
	if at := b.path(); strings.HasPrefix(at, "/sign-in") {
		b.t.Fatalf("sign in as %s: still at %s: %s", user, at, b.text())
	}
}

// eval asks the page; a promise is waited for. The answer goes into got unless that is nil.
func (b *tab) eval(script string, got any) {
	b.t.Helper()
	if err := b.try(script, got); err != nil {
		b.t.Fatalf("%s: evaluate %.120q at %s: %v", b.screen, script, b.path(), err)
	}
}

func (b *tab) try(script string, got any) error {
	return chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		answer, wrong, err := runtime.Evaluate(script).WithAwaitPromise(true).WithReturnByValue(true).Do(ctx)
		if err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
		if got == nil {
			return nil
		}
		return json.Unmarshal(answer.Value, got)
	}))
}

// await waits until an expression is true, also while pages change.
func (b *tab) await(what, script string) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		var is bool
		err := b.try("!!("+script+")", &is)
		if err == nil && is {
			return
		}
		select {
		case <-tick.C:
		case <-b.ctx.Done():
			b.t.Fatalf("the tab ended before %s", what)
		case <-late:
			b.t.Fatalf("%s: %s within %s: not so, at %s (%v): %.2000s", b.screen, what, patience, b.path(), err, b.text())
		}
	}
}

// path is the path and query that the tab is at.
func (b *tab) path() (at string) {
	_ = chromedp.Run(b.ctx, chromedp.Location(&at))
	return strings.TrimPrefix(at, b.base)
}

// text is what the page says, spaces folded; what is hidden is not said.
func (b *tab) text() (said string) {
	_ = b.try(`document.body.innerText`, &said)
	return strings.Join(strings.Fields(said), " ")
}

// sees waits until the page says something.
func (b *tab) sees(what string) {
	b.t.Helper()
	b.await(fmt.Sprintf("the page says %q", what), fmt.Sprintf(`document.body.innerText.replace(/\s+/g, ' ').toLowerCase().includes(%s)`, quoted(strings.ToLower(what))))
}

func quoted(s string) string {
	text, _ := json.Marshal(s) // a string always is JSON
	return string(text)
}

// thing is an element as the accessibility tree has it.
type thing struct {
	node       cdp.BackendNodeID
	role, name string
}

// things are what the page has of a role, in the order of the document, the hidden ones left out. Roles are those of ARIA and, where it has none,
// the browser's: Date, DateTime, InputTime; the head of what opens is a summary. No role: everything.
func (b *tab) things(role string) (found []thing, err error) {
	err = chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		document, err := dom.GetDocument().WithDepth(0).Do(ctx)
		if err != nil {
			return err
		}
		found, err = axTree(ctx, accessibility.CommandQueryAXTree, accessibility.QueryAXTree().WithBackendNodeID(document.BackendNodeID).WithRole(axRole(role)))
		return err
	}))
	return found, err
}

// axRole is a role in the browser's word.
func axRole(role string) string {
	if role == "summary" {
		return "DisclosureTriangle"
	}
	return role
}

// axTree asks for a part of the accessibility tree and reads of it what matters; chromedp's own reader stumbles over properties newer than itself.
func axTree(ctx context.Context, command string, params any) (found []thing, err error) {
	type value struct {
		Value json.RawMessage `json:"value"`
	}
	var answer struct {
		Nodes []struct {
			Ignored          bool              `json:"ignored"`
			Role             value             `json:"role"`
			Name             value             `json:"name"`
			BackendDOMNodeID cdp.BackendNodeID `json:"backendDOMNodeId"`
		} `json:"nodes"`
	}
	if err := cdp.Execute(ctx, command, params, &answer); err != nil {
		return nil, err
	}
	text := func(v value) (text string) {
		_ = json.Unmarshal(v.Value, &text)                                      // names and roles are texts
		return strings.TrimSuffix(strings.Join(strings.Fields(text), " "), "*") // the mark of what must be filled
	}
	for _, n := range answer.Nodes {
		if !n.Ignored && n.BackendDOMNodeID != 0 {
			role := text(n.Role)
			if role == axRole("summary") {
				role = "summary"
			}
			found = append(found, thing{n.BackendDOMNodeID, role, text(n.Name)})
		}
	}
	return found, nil
}

// find waits for a thing of one of the roles that is called so and can be seen; the first of several.
func (b *tab) find(name string, roles ...string) thing {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		var names []string
		for _, role := range roles {
			things, err := b.things(role)
			for _, thing := range things {
				if err == nil && thing.name == name && b.shown(thing) {
					return thing
				}
				names = append(names, thing.name)
			}
		}
		select {
		case <-tick.C:
		case <-b.ctx.Done():
			b.t.Fatalf("the tab ended before there was a %s %q", roles[0], name)
		case <-late:
			b.t.Fatalf("%s: there is no %s %q at %s, only %q", b.screen, strings.Join(roles, " or "), name, b.path(), names)
		}
	}
}

func (b *tab) shown(of thing) bool {
	var quads []dom.Quad
	err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		quads, err = dom.GetContentQuads().WithBackendNodeID(of.node).Do(ctx)
		return err
	}))
	return err == nil && len(quads) > 0
}

// click presses the middle of what is called so: with the mouse, or with a finger on a phone.
func (b *tab) click(role, name string) {
	b.t.Helper()
	b.press(b.find(name, role))
}

func (b *tab) press(on thing) {
	b.t.Helper()
	if err := b.tap(on); err != nil {
		b.t.Fatalf("%s: press the %s %q: %v", b.screen, on.role, on.name, err)
	}
}

// tap presses what may be gone by now.
func (b *tab) tap(on thing) error {
	return chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		x, y, err := middle(ctx, on.node)
		if err != nil {
			return err
		}
		if b.phone {
			if err := input.DispatchTouchEvent(input.TouchStart, []*input.TouchPoint{{X: x, Y: y}}).Do(ctx); err != nil {
				return err
			}
			return input.DispatchTouchEvent(input.TouchEnd, []*input.TouchPoint{}).Do(ctx)
		}
		return chromedp.MouseClickXY(x, y).Do(ctx)
	}))
}

func middle(ctx context.Context, node cdp.BackendNodeID) (x, y float64, err error) {
	if err := dom.ScrollIntoViewIfNeeded().WithBackendNodeID(node).Do(ctx); err != nil {
		return 0, 0, err
	}
	quads, err := dom.GetContentQuads().WithBackendNodeID(node).Do(ctx)
	if err != nil {
		return 0, 0, err
	}
	if len(quads) == 0 {
		return 0, 0, errors.New("it has no place on the page")
	}
	q := quads[0]
	return (q[0] + q[2] + q[4] + q[6]) / 4, (q[1] + q[3] + q[5] + q[7]) / 4, nil
}

// inputs are the roles of what takes a text.
var inputs = []string{"textbox", "searchbox", "spinbutton", "Date", "DateTime", "InputTime", "combobox"}

// fill puts a text into the input with this label in place of what it holds. Dates and times are given as the input's value has them
// (2020-03-26T10:00).
func (b *tab) fill(label, text string) {
	b.t.Helper()
	of := b.find(label, inputs...)
	b.run("fill "+label, dom.Focus().WithBackendNodeID(of.node))
	if slices.Contains([]string{"Date", "DateTime", "InputTime"}, of.role) {
		b.call(of, `function (text) { this.value = text; for (const e of ['input', 'change']) this.dispatchEvent(new Event(e, { bubbles: true })) }`, text)
		return
	}
	b.run("fill "+label, chromedp.ActionFunc(func(ctx context.Context) error {
		if err := input.DispatchKeyEvent(input.KeyDown).WithCommands([]string{"selectAll"}).Do(ctx); err != nil {
			return err
		}
		if text == "" {
			return chromedp.KeyEvent(kb.Delete).Do(ctx)
		}
		return input.InsertText(text).Do(ctx)
	}))
}

// choose takes an option by its text from the list with this label, drawn by the browser or searched by typing.
func (b *tab) choose(label, option string) {
	b.t.Helper()
	of := b.find(label, "combobox", "listbox")
	if b.call(of, `function (text) {
		if (!this.options) return false
		const option = [...this.options].find((o) => o.text.trim().replace(/\s+/g, ' ') === text)
		if (!option) throw new Error('the list has no ' + text + ', only ' + [...this.options].map((o) => o.text.trim()).join(', '))
		option.selected = true
		for (const e of ['input', 'change']) this.dispatchEvent(new Event(e, { bubbles: true }))
		return true
	}`, option) {
		return
	}
	b.press(of)
	b.types(option)
	b.press(b.find(option, "option"))
}

// call runs a function on a thing and tells whether it answered true.
func (b *tab) call(of thing, function, arg string) (yes bool) {
	b.t.Helper()
	b.run(fmt.Sprintf("set the %s %q", of.role, of.name), chromedp.ActionFunc(func(ctx context.Context) error {
		object, err := dom.ResolveNode().WithBackendNodeID(of.node).Do(ctx)
		if err != nil {
			return err
		}
		answer, wrong, err := runtime.CallFunctionOn(function).WithObjectID(object.ObjectID).WithArguments([]*runtime.CallArgument{{Value: []byte(quoted(arg))}}).
			WithReturnByValue(true).Do(ctx)
		if err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
		yes = string(answer.Value) == "true"
		return nil
	}))
	return yes
}

// types presses the keys of a text, into whatever has the focus.
func (b *tab) types(text string) {
	b.t.Helper()
	b.run("type", chromedp.KeyEvent(text))
}

// keyNames are the keys that are not letters.
var keyNames = map[string]string{"Tab": kb.Tab, "Enter": kb.Enter, "Escape": kb.Escape, "Space": " ", "Up": kb.ArrowUp, "Down": kb.ArrowDown,
	"Left": kb.ArrowLeft, "Right": kb.ArrowRight, "Home": kb.Home, "End": kb.End, "Delete": kb.Delete, "Backspace": kb.Backspace}

// key presses keys by their names, one after another: "Tab", "Shift+Tab", "Enter".
func (b *tab) key(names ...string) {
	b.t.Helper()
	for _, name := range names {
		plain, shift := strings.CutPrefix(name, "Shift+")
		key, ok := keyNames[plain]
		if !ok {
			b.t.Fatalf("there is no key %q", name)
		}
		if name == "Enter" { // as one event, so that a page that takes the key keeps it from the form
			enter := input.DispatchKeyEvent(input.KeyDown).WithKey("Enter").WithCode("Enter").WithWindowsVirtualKeyCode(13)
			b.run("press Enter", enter.WithText("\r").WithUnmodifiedText("\r"), input.DispatchKeyEvent(input.KeyUp).WithKey("Enter").WithCode("Enter").WithWindowsVirtualKeyCode(13))
			continue
		}
		var with []chromedp.KeyOption
		if shift {
			with = append(with, chromedp.KeyModifiers(input.ModifierShift))
		}
		b.run("press "+name, chromedp.KeyEvent(key, with...))
	}
}

// focused is what has the focus.
func (b *tab) focused() (on thing) {
	b.t.Helper()
	b.run("ask for the focus", chromedp.ActionFunc(func(ctx context.Context) error {
		object, wrong, err := runtime.Evaluate(`document.activeElement`).Do(ctx)
		if err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
		things, err := axTree(ctx, accessibility.CommandGetPartialAXTree, accessibility.GetPartialAXTree().WithObjectID(object.ObjectID).WithFetchRelatives(false))
		if len(things) > 0 {
			on = things[0]
		}
		return err
	}))
	return on
}

// tabTo presses Tab until what is called so has the focus.
func (b *tab) tabTo(role, name string) {
	b.t.Helper()
	var passed []string
	for range 300 {
		b.key("Tab")
		on := b.focused()
		if on.role == role && on.name == name {
			return
		}
		passed = append(passed, on.role+" "+on.name)
	}
	b.t.Fatalf("Tab does not lead to the %s %q at %s, only to %q", role, name, b.path(), passed)
}

// picture is the page as PNG: the whole of it, or what is in the window, which is not resized for it.
func (b *tab) picture(whole bool) (png []byte) {
	b.t.Helper()
	if whole {
		b.run("take a picture", chromedp.FullScreenshot(&png, 100))
	} else {
		b.run("take a picture", chromedp.CaptureScreenshot(&png))
	}
	return png
}
