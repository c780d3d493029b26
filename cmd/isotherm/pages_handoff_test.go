package main

import (
	"context"
	"slices"
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
	d.until(name+" to hold the box", `fetch('/v1/shipments/`+s.journey.Live().String()+`').then((r) => r.json()).then((x) => x.summary.custodian?.name === `+quote(name)+`)`)
}

// acts are the kinds of the live case's acts in the ledger, oldest first.
func (s *stage) acts(d *device) []string {
	d.t.Helper()
	return eval[[]string](d, `fetch('/v1/shipments/`+s.journey.Live().String()+`').then((r) => r.json()).then((x) => x.history.map((a) => a.kind + ' ' + a.standing))`)
}

// testOffline is two phones that lose their network: they still show the box and sign, by the codes that they show each
// other, and deliver later. Both deliver the first act, and it is one entry.
func (s *stage) testOffline(t *testing.T) {
	live := "/carry/" + s.journey.Live().String()
	air, road := s.as(t, "courier2", phone), s.as(t, "courier", phone)
	before := s.acts(air)
	for _, d := range []*device{air, road} {
		d.open(live)
		d.see("°C")
		d.until("to be ready to sign offline", `/(^|\n)Ready to sign offline/.test(document.body.innerText)`)
		d.network(false)
		d.see("No network since")
	}
	air.open(live) // the pages come from the device
	air.see("No network since", "°C", "Left kidney")
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
	road.see("You have the box", "waits: will be delivered when a link is back", "2 signed acts wait")
	road.check("offline-receipt")

	for _, d := range []*device{road, air} {
		d.network(true)
	}
	s.custodian(t, road, "Road courier")
	for _, d := range []*device{air, road} {
		d.until("nothing to wait", `!/signed acts? waits?/.test(document.body.innerText) && !document.body.innerText.includes('No network since')`)
	}
	road.see("You have the box", "entry")
	road.check("offline-delivered")
	air.see("Handed over", "Road courier")
	air.check("offline-gave")
	if got, want := s.acts(air), append(before, "release applied", "accept applied"); !slices.Equal(got, want) {
		t.Errorf("acts after the handoff without a network: got %q, want %q", got, want)
	}
}

// photoPatience is how long a scanner may take to accept a photo.
const photoPatience = 3 * time.Second

// showPhoto gives the device photos of the codes that another shows, until it has read them.
func (d *device) showPhoto(other *device) {
	d.t.Helper()
	const scanner = `document.querySelector('input[type=file]')`
	d.until("a scanner", scanner+` !== null`)
	for deadline := time.Now().Add(pagePatience); d.count("input[type=file]") > 0; {
		if time.Now().After(deadline) {
			d.failed("the codes")
		}
		file := d.t.TempDir() + "/code.png"
		other.elementTo(file, ".qr")
		ctx, cancel := context.WithTimeout(d.ctx, photoPatience)
		_ = chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{file})) // the scanner may be gone by now
		cancel()
		d.until("the photo to be read", `(`+scanner+`?.files.length ?? 0) === 0`)
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
