package main

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// checkBox says that the box is the right one and whole, as every side of a handoff does.
func (d *device) checkBox() {
	d.t.Helper()
	d.see("The label reads BOX-20")
	d.check("handoff-check")
	d.press("The label reads")
	d.press("The seal reads")
	d.press("Whole, nothing found")
}

// testHandoff is two couriers with two phones who sign one handoff: by the ledger first, then back without any network, by
// the codes that their phones show each other.
func (s *stage) testHandoff(t *testing.T) {
	live := s.journey.Live().String()
	road, air := s.as(t, "courier", phone), s.as(t, "courier2", phone)
	road.open("/carry/" + live)
	road.press("Hand over")
	road.see("Who", "They can’t sign")
	road.check("handoff-who")
	road.press("Flight courier")
	road.checkBox()
	road.press("Sign: I hand over")
	road.check("handoff-sign")
	road.sign("Hand over")
	road.see("Waiting for Flight courier")
	road.check("handoff-wait")

	air.open("/carry?list")
	air.see("Offered to you")
	air.open("/carry/" + live + "/handoff")
	air.see("offers you the left kidney")
	air.check("handoff-offer")
	air.press("Take the box")
	air.checkBox()
	air.press("Sign: I take it")
	air.sign("Take it")
	air.see("You have the box", "Road courier", "Flight courier", "both signed, each with their own key", "entry")
	air.check("handoff-receipt")
	road.see("Handed over", "Flight courier")
	road.check("handoff-gave")
	s.custodian(t, road, "Flight courier")
}

// custodian waits until the ledger says who holds the live box.
func (s *stage) custodian(t *testing.T, d *device, name string) {
	t.Helper()
	d.until(name+" to hold the box", `(window.custodian ??= setInterval(async () => {
		window.held = (await (await fetch('/v1/shipments/`+s.journey.Live().String()+`')).json()).summary.custodian?.name;
	}, 200), window.held === `+quote(name)+`)`)
}

// testOffline is a phone that loses its network: it still shows the box, signs, and delivers later.
func (s *stage) testOffline(t *testing.T) {
	live := s.journey.Live().String()
	air, road := s.as(t, "courier2", phone), s.as(t, "courier", phone)
	for _, d := range []*device{air, road} {
		d.open("/carry/" + live)
		d.see("°C", "Ready to sign offline")
		d.network(false)
		d.see("No network since")
	}
	air.check("offline")
	air.press("Hand over")
	air.press("Road courier")
	air.checkBox()
	air.press("Sign: I hand over")
	air.sign("Hand over")
	air.see("Waiting for Road courier", "1 signed act waits")
	air.check("offline-code")

	road.open("/take")
	road.showPhoto(air)
	road.see("offers you the")
	road.press("Take the box")
	road.checkBox()
	road.press("Sign: I take it")
	road.sign("Take it")
	road.see("You have the box", "waits: will be delivered when a link is back")
	road.check("offline-receipt")

	for _, d := range []*device{air, road} {
		d.network(true)
	}
	s.custodian(t, road, "Road courier")
}

// showPhoto gives the device photos of the codes that another shows, until it has read them.
func (d *device) showPhoto(other *device) {
	d.t.Helper()
	d.until("a scanner", `document.querySelector('input[type=file]') !== null`)
	deadline := time.Now().Add(pagePatience)
	for frame := 0; d.count("input[type=file]") > 0 && time.Now().Before(deadline); frame++ {
		file := d.t.TempDir() + "/code.png"
		other.elementTo(file, ".qr")
		ctx, cancel := d.in()
		err := chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{file}))
		cancel()
		if err != nil {
			d.t.Fatal(err)
		}
		eval[bool](d, `new Promise((done) => setTimeout(done, 1200, true))`)
		if eval[bool](other, find+`('Next code') !== undefined`) {
			other.press("Next code")
		}
	}
}

// elementTo takes a picture of one element.
func (d *device) elementTo(file, selector string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, pagePatience)
	defer cancel()
	b, err := chromedp.Run(ctx, chromedp.Screenshot(chromedp.CSS(selector)))
	if err != nil {
		d.t.Fatal(err)
	}
	d.write(file, b)
}

// testLeaderKilled kills the node that leads while pages are open: they go on, and nobody sees an error.
func (s *stage) testLeaderKilled(t *testing.T) {
	board, carry := s.as(t, "center", desktop), s.as(t, "courier", phone)
	board.open("/board")
	board.see("Left kidney", "As of entry")
	carry.open("/carry/" + s.journey.Live().String())
	carry.see("°C")
	before := eval[int](board, `fetch('/v1/status').then((r) => r.json()).then((s) => s.entries)`)
	if _, err := s.journey.KillNode(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	// The live box goes on: its readings are entries of the new leader, and the page shows one of them.
	board.until("the page to show newer entries", `(([...document.body.innerText.matchAll(/entry ([\d,]+)/gi)].map((m) => Number(m[1].replaceAll(',', '')))).some((n) => n > `+strconv.Itoa(before+2)+`))`)
	board.check("leader-killed")
	carry.see("°C")
	carry.check("leader-killed-carry")
	for _, d := range []*device{board, carry} {
		if text := eval[string](d, `document.body.innerText`); containsAny(text, "No network since", "No node answers", "went wrong") {
			t.Errorf("%s shows an error:\n%s", d.screen.name, text)
		}
	}
	if err := s.journey.StartNodes(t.Context()); err != nil {
		t.Fatal(err)
	}
}
