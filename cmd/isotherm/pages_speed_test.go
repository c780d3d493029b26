package main

import (
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
)

// What the pages promise.
const (
	firstLoad  = 60_000 // bytes of the courier page as they travel
	usableMS   = 1000   // until the temperature is there, on a slow phone
	slowness   = 4      // of that phone
	chartMS    = 100    // to draw 12 hours at 1 Hz
	longSeries = "../../api/web/src/chart/testdata/longseries.js"
)

// usableAt notes when the page first shows a temperature.
const usableAt = `new MutationObserver((_, o) => {
	if (document.body?.innerText.includes('°C')) { globalThis.usableAt = performance.now(); o.disconnect(); }
}).observe(document, { childList: true, subtree: true, characterData: true });`

// testFirstLoad opens the courier's page for the first time, on a slow phone.
func (s *stage) testFirstLoad(t *testing.T) {
	d := s.as(t, "courier", phone)
	call(d, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	call(d, network.SetBypassServiceWorker, network.SetBypassServiceWorkerParams{Bypass: true})
	call(d, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: usableAt})
	call(d, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: slowness})
	// What the page asks for until the temperature is there; what it asks for later does not keep anybody waiting.
	const early = `performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
		.filter((e) => !/\/v1\//.test(e.name) && e.startTime <= globalThis.usableAt).map((e) => ({ Name: e.name, Size: e.encodedBodySize }))`
	best, size := 1e9, 0
	var files []struct {
		Name string
		Size int
	}
	for n := 0; n == 0 || n < 10 && best > usableMS; n++ { // the machine may be busy with other tests
		d.open("/carry/" + s.journey.Live().String())
		d.until("the temperature", `globalThis.usableAt !== undefined`)
		if at := eval[float64](d, `globalThis.usableAt`); at < best {
			best, files = at, files[:0]
			files = append(files, eval[[]struct {
				Name string
				Size int
			}](d, early)...)
		}
	}
	for _, f := range files {
		size += f.Size
		t.Logf("%7d B  %s", f.Size, f.Name)
	}
	call(d, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 1})
	t.Logf("usable after %.0f ms, %d bytes", best, size)
	if best > usableMS {
		t.Errorf("the courier page is usable after %.0f ms, want %d at most", best, usableMS)
	}
	if size > firstLoad || size < 10_000 {
		t.Errorf("the first load is %d bytes, want %d at most", size, firstLoad)
	}
}

// testChart draws 12 hours of one reading a second from three probes.
func (s *stage) testChart(t *testing.T) {
	script, err := os.ReadFile(longSeries)
	if err != nil {
		t.Fatal(err)
	}
	d := s.as(t, "center", desktop)
	call(d, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: string(script)})
	best := 1e9
	const draws = `performance.getEntriesByName('chart draw').filter((e) => e.detail.rows >= 43200).map((e) => e.duration)`
	for range 3 {
		d.open("/case/" + s.journey.Live().String())
		d.until("the long chart", draws+`.length > 0`)
		for _, ms := range eval[[]float64](d, draws) {
			best = min(best, ms)
		}
	}
	d.check("case-long")
	t.Logf("43,200 readings of three probes are drawn in %.0f ms", best)
	if best > chartMS {
		t.Errorf("43,200 readings are drawn in %.0f ms, want %d at most", best, chartMS)
	}
}
