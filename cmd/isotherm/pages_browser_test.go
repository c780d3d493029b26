package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe finds what keeps people from using a page: axe-core 4.14, MPL-2.0, with its licence beside it.
//
//go:embed testdata/axe/axe.min.js
var axe string

// browserFlags make Chromium ask nobody but the page's server.
var browserFlags = append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.NoSandbox, chromedp.DisableGPU,
	chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))

// patience is how long a page may take to show something, on a busy machine under the race detector.
const pagePatience = 30 * time.Second

// browser is Chromium, for all tests of pages.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string // of the pages
}

// startBrowser starts Chromium, or skips the test where there is none.
func startBrowser(t *testing.T, url string) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no Chromium: .ci/run installs it")
		}
		t.Skip("there is no Chromium")
	}
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), append(browserFlags, chromedp.ExecPath(path))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{t: t, ctx: ctx, url: url}
}

// screen is what a person looks at.
type screen struct {
	name          string
	width, height int64
	phone         bool
	dark          bool
}

var (
	phone   = screen{name: "phone", width: 360, height: 740, phone: true}
	desktop = screen{name: "desktop", width: 1440, height: 900}
	night   = screen{name: "phone-dark", width: 360, height: 740, phone: true, dark: true}
)

// device is a browser of its own, as a person's phone or computer: with its own cookies, keys and stored files.
type device struct {
	t      *testing.T
	ctx    context.Context
	url    string
	screen screen

	mu       sync.Mutex // guards what follows
	problems []string
	offline  bool
	expected []string // that the browser complains of because the test wants it so
}

// device opens an empty page in a browser of its own.
func (b *browser) device(t *testing.T, s screen) *device {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	d := &device{t: t, ctx: ctx, url: b.url, screen: s}
	t.Cleanup(func() {
		cancel()
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, p := range d.problems {
			t.Errorf("console: %s", p)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a page: %v", err)
	}
	if err := chromedp.Listen(ctx, d.listen); err != nil {
		t.Fatal(err)
	}
	call(d, network.Enable, network.EnableParams{})
	d.look(s)
	return d
}

// look changes the screen that the person looks at; who is signed in stays.
func (d *device) look(s screen) {
	d.t.Helper()
	d.screen = s
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	scale := 1.0
	if s.phone {
		scale = 2
	}
	call(d, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height, DeviceScaleFactor: scale, Mobile: s.phone})
	call(d, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: s.phone})
	call(d, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// listen collects what the browser complains of.
func (d *device) listen(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			problem += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning {
			return
		}
		var words []string
		for _, a := range e.Args {
			words = append(words, string(a.Value)+a.Description)
		}
		problem = strings.Join(words, " ")
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			problem = e.Entry.Text + " " + e.Entry.URL
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if problem != "" && !(d.offline && strings.Contains(problem, "ERR_INTERNET_DISCONNECTED")) && !containsAny(problem, d.expected...) {
		d.problems = append(d.problems, problem)
	}
}

// in returns what the page is asked in, with a time limit.
func (d *device) in() (context.Context, context.CancelFunc) {
	return context.WithTimeout(d.ctx, pagePatience)
}

// call sends a command to the browser.
func call[P, R any](d *device, command cdp.Command[P, R], params P) R {
	d.t.Helper()
	ctx, cancel := d.in()
	defer cancel()
	out, err := chromedp.Call(ctx, command, params)
	if err != nil {
		d.t.Fatalf("%s: %v", d.screen.name, err)
	}
	return out
}

// run does something in the page.
func (d *device) run(steps ...chromedp.Action[chromedp.Void]) {
	d.t.Helper()
	ctx, cancel := d.in()
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		d.t.Fatalf("%s: %v", d.screen.name, err)
	}
}

// eval evaluates a script, which may be a promise, and returns its value.
func eval[T any](d *device, script string) T {
	d.t.Helper()
	ctx, cancel := d.in()
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		d.t.Fatalf("%s: %v in %.200s", d.screen.name, err, script)
	}
	return out
}

// open goes to an address of the pages.
func (d *device) open(path string) {
	d.t.Helper()
	d.run(chromedp.Navigate(d.url + path))
}

// until waits until a script, which may be a promise, is true, over changes of the page, and says what it shows when it never is.
func (d *device) until(what, script string) {
	d.t.Helper()
	ctx, cancel := d.in()
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise)); err == nil && ok {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			d.failed(what)
		}
	}
}

// failed ends the test with what the page shows.
func (d *device) failed(what string) {
	d.t.Helper()
	shown := eval[string](d, `document.body.innerText`)
	at := eval[string](d, `location.href`)
	d.picture("failed-" + strings.ReplaceAll(d.t.Name(), "/", "-"))
	d.t.Fatalf("%s waits for %s at %s; it shows:\n%s", d.screen.name, what, at, shown)
}

func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a text has a JSON form
	}
	return string(b)
}

// see waits until the page shows all texts. Whether letters are capital ones does not matter: styles change that.
func (d *device) see(texts ...string) {
	d.t.Helper()
	for _, text := range texts {
		d.until(fmt.Sprintf("%q", text), `document.body.innerText.replace(/\s+/g, ' ').toLowerCase().includes(`+quote(strings.ToLower(text))+`)`)
	}
}

// find is a script that returns the first element that a person can press whose name begins with a text.
const find = `((name) => {
	const dialogs = [...document.querySelectorAll('dialog[open]')];
	const root = dialogs.at(-1) ?? document;
	const all = [...root.querySelectorAll('button, a[href], label, summary, [role=tab], [role=radio], [role=option], option')];
	const named = (e) => (e.getAttribute('aria-label') ?? e.innerText ?? '').trim().replace(/\s+/g, ' ').toLowerCase();
	const shown = (e) => e.checkVisibility() && !e.disabled && e.getAttribute('aria-disabled') !== 'true';
	const fits = all.filter((e) => shown(e) && named(e).startsWith(name.toLowerCase()));
	fits.sort((a, b) => (a.closest('main') === null) - (b.closest('main') === null));
	return fits.find((e) => named(e) === name.toLowerCase()) ?? fits[0];
})`

// press presses a button, link or choice by its name, with the pointer.
func (d *device) press(name string) {
	d.t.Helper()
	d.until(fmt.Sprintf("something to press named %q", name), find+`(`+quote(name)+`) !== undefined`)
	d.pressElement(find + `(` + quote(name) + `)`)
}

// pressElement presses the element that a script returns, in its middle.
func (d *device) pressElement(script string) {
	d.t.Helper()
	at := eval[struct{ X, Y float64 }](d, `(async () => {
		const e = `+script+`;
		e.scrollIntoView({ block: 'center' });
		await new Promise(requestAnimationFrame);
		const r = e.getBoundingClientRect();
		return { X: r.x + r.width / 2, Y: r.y + r.height / 2 };
	})()`)
	d.run(chromedp.MouseClickXY(at.X, at.Y))
}

// fill types into the field of a label.
func (d *device) fill(label, text string) {
	d.t.Helper()
	field := `(() => {
		const dialogs = [...document.querySelectorAll('dialog[open]')];
		const root = dialogs.at(-1) ?? document;
		return [...root.querySelectorAll('input, textarea')].find((e) => e.checkVisibility() &&
			[...(e.labels ?? [])].map((l) => l.innerText).concat(e.getAttribute('aria-label') ?? '').some((n) => n.trim().toLowerCase().startsWith(` + quote(strings.ToLower(label)) + `)));
	})()`
	d.until(fmt.Sprintf("a field %q", label), field+` !== undefined`)
	eval[bool](d, `(() => { const e = `+field+`; e.focus(); e.select?.(); return true; })()`)
	call(d, input.InsertText, input.InsertTextParams{Text: text})
}

// expect says what the browser will complain of because the test wants it so, such as a token that was revoked.
func (d *device) expect(problem string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expected = append(d.expected, problem)
}

// choose picks an option of the list with a label, by how its text begins. What a browser shows for a list is not of the page.
func (d *device) choose(label, option string) {
	d.t.Helper()
	list := `(() => {
		const root = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document;
		const s = [...root.querySelectorAll('select')].find((e) => !e.disabled && [...e.labels].some((l) => l.innerText.trim().startsWith(` + quote(label) + `)));
		const o = [...(s?.options ?? [])].find((o) => o.text.toLowerCase().startsWith(` + quote(strings.ToLower(option)) + `));
		return o && { s, o };
	})()`
	d.until(fmt.Sprintf("%q among %q", option, label), list+` !== undefined`)
	eval[bool](d, `(() => { const { s, o } = `+list+`; s.focus(); o.selected = true; s.dispatchEvent(new Event('input', { bubbles: true })); return s.dispatchEvent(new Event('change', { bubbles: true })); })()`)
}

// copied presses a button that copies a text, and returns the text.
func (d *device) copied(button string) string {
	d.t.Helper()
	eval[bool](d, `(() => { navigator.clipboard.writeText = async (text) => { globalThis.copiedText = text; }; return true; })()`)
	d.press(button)
	d.until("a copied text", `globalThis.copiedText !== undefined`)
	return eval[string](d, `(() => { const text = globalThis.copiedText; delete globalThis.copiedText; return text; })()`)
}

// count returns how many elements fit a selector.
func (d *device) count(selector string) int {
	d.t.Helper()
	return eval[int](d, `document.querySelectorAll(`+quote(selector)+`).length`)
}

// network takes the device's network away, or gives it back.
func (d *device) network(on bool) {
	d.t.Helper()
	d.mu.Lock()
	d.offline = d.offline || !on // what failed meanwhile may be told later
	d.mu.Unlock()
	call(d, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: !on, DownloadThroughput: -1, UploadThroughput: -1})
	offline := true
	call(d, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{EmulateOfflineServiceWorker: &offline,
		MatchedNetworkConditions: []*network.Conditions{{Offline: !on, DownloadThroughput: -1, UploadThroughput: -1}}})
}

// sign types the PIN into the dialog that shows what is signed, and signs.
func (d *device) sign(button string) {
	d.t.Helper()
	d.fill("Your PIN", "314159")
	d.press(button)
	d.until("the dialog to be gone", `document.querySelector('dialog[open]') === null`)
}

// check holds the page against axe and its own width, and takes a picture of this state.
func (d *device) check(state string) {
	d.t.Helper()
	d.t.Logf("%s, %s", state, d.screen.name)
	d.until("a heading", `document.querySelector('h1') !== null`)
	if !eval[bool](d, `'axe' in globalThis`) {
		eval[bool](d, axe+`; true`)
	}
	type node struct {
		Target []string
		HTML   string
	}
	type violation struct {
		ID, Help string
		Nodes    []node
	}
	result := eval[[]violation](d, `axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations.map((v) => ({ ID: v.id, Help: v.help,
		Nodes: v.nodes.map((n) => ({ Target: n.target.map(String), HTML: n.html.slice(0, 160) })) })))`)
	for _, v := range result {
		for _, n := range v.Nodes[:min(len(v.Nodes), 3)] {
			d.t.Errorf("%s, %s: axe: %s (%s): %s %s", state, d.screen.name, v.Help, v.ID, strings.Join(n.Target, " "), n.HTML)
		}
	}
	if over := eval[int](d, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
		d.t.Errorf("%s, %s: the page is %d pixels wider than the window", state, d.screen.name, over)
	}
	d.picture(state)
}

// picture writes a screenshot into the folder of ISOTHERM_SCREENSHOTS.
func (d *device) picture(state string) {
	d.t.Helper()
	dir := os.Getenv("ISOTHERM_SCREENSHOTS")
	if dir == "" {
		return
	}
	d.pictureTo(filepath.Join(dir, state+"-"+d.screen.name+".png"))
}

func (d *device) pictureTo(file string) {
	d.t.Helper()
	ctx, cancel := d.in()
	defer cancel()
	b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		d.t.Fatalf("%s: take a picture: %v", d.screen.name, err)
	}
	d.write(file, b)
}

// write writes a picture.
func (d *device) write(file string, b []byte) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// containsAny tells whether a text holds one of the others.
func containsAny(text string, others ...string) bool {
	return slices.ContainsFunc(others, func(o string) bool { return strings.Contains(text, o) })
}
