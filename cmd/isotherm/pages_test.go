package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"isotherm/cmd/internal/door"
	"isotherm/cmd/internal/journey"
	"isotherm/cmd/internal/showcase"
)

// stage is the demonstration's cluster with its pages, for all tests of pages.
type stage struct {
	*browser
	journey *journey.Journey
}

// startStage starts what isotherm demo starts, but the drive, and Chromium. Nothing is driven here: people are.
func startStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{}
	listen, err := door.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var pages *door.Door
	s.journey = startJourney(t, t.TempDir(), journey.Options{Pages: true, PagesURL: "http://" + listen, SideTrips: true, Ready: func(j *journey.Journey) error {
		ca, err := os.ReadFile(j.CA())
		if err == nil {
			pages, err = door.Open(door.Options{Nodes: j.URLs(), CA: ca, Listen: listen, Prefix: showcase.Prefix, Extra: showcase.Handler(j)})
		}
		return err
	}})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- pages.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	s.browser = startBrowser(t, pages.URL())
	return s
}

// as opens a device on which somebody of the demonstration is signed in, with a signing key of its own.
func (s *stage) as(t *testing.T, who string, look screen) *device {
	t.Helper()
	d := s.device(t, look)
	d.open("/demo?as=" + who)
	d.until(who+" to be signed in", `location.pathname !== '/demo' && document.querySelector('h1') !== null`)
	return d
}

// TestPages walks the journeys of the people who use the pages, in Chromium, on one cluster.
func TestPages(t *testing.T) {
	began := time.Now()
	s := startStage(t)
	t.Logf("the stage is set after %v", time.Since(began).Round(time.Second))
	t.Run("demo", s.testDemo)
	t.Run("tamper", s.testTamper)
	t.Run("stranger", s.testStranger)
	t.Run("courier", s.testCourier)
	t.Run("center", s.testCenter)
	t.Run("alarm", s.testAlarm)
	t.Run("wall", s.testWall)
	t.Run("share", s.testShare)
	t.Run("auditor", s.testAuditor)
	t.Run("operator", s.testOperator)
	t.Run("arrival", s.testArrival)
	t.Run("handoff", s.testHandoff)
	t.Run("offline", s.testOffline)
	t.Run("first load", s.testFirstLoad)
	t.Run("chart", s.testChart)
	t.Run("leader killed", s.testLeaderKilled)
}

// testDemo is the first minute: a byte is changed, and the verifier names the reading; a node stops and the page goes on.
func (s *stage) testDemo(t *testing.T) {
	for _, look := range []screen{phone, desktop} {
		d := s.device(t, look)
		d.open("/demo")
		d.see("Seven donated organs", "Be somebody", "leads")
		d.check("demo")
		d.press("Change one byte")
		d.see("readings are as the box signed them", "Broken: 2 findings", "at least one of them was changed")
		named := eval[string](d, `document.querySelector('[data-named]').innerText`)
		text := eval[string](d, `document.body.innerText`)
		var from, to, changed int
		_, err := fmt.Sscanf(named, "records %d to %d", &from, &to)
		if _, after, ok := strings.Cut(text, ": reading "); ok && err == nil {
			_, err = fmt.Sscanf(after, "%d,", &changed)
		}
		if err != nil || changed < from || changed > to || to-from > 20 {
			t.Errorf("reading %d was changed, and the verifier says %q, %v", changed, named, err)
		}
		d.check("demo-byte")
		if !look.phone {
			s.testDemoNode(d)
			d.press("Open the heart as the center")
			d.see("Heart for Hill Transplant Center", "6 min while City Couriers")
		}
	}
}

// testDemoNode stops the node that leads: the page goes on, and starts it again.
func (s *stage) testDemoNode(d *device) {
	leader := eval[string](d, `[...document.querySelectorAll('li')].find((e) => /\bleads\b/.test(e.innerText)).querySelector('.mono').innerText`)
	const entries = `Number(document.body.innerText.match(/As of entry ([\d,]+), asked/)[1].replaceAll(',', ''))`
	before := eval[int](d, entries)
	d.press("Stop " + leader)
	d.see("Start "+leader, "stopped", "leads")
	d.until("newer entries", entries+` > `+strconv.Itoa(before))
	d.check("demo-stopped")
	d.press("Start " + leader)
	d.see("Stop " + leader)
}

// testStranger is somebody who finds a box.
func (s *stage) testStranger(t *testing.T) {
	for _, look := range []screen{phone, night, desktop} {
		d := s.device(t, look)
		d.open("/b/" + s.journey.LiveBox().Label)
		d.see("Organ transport.", "Do not open.", "Call +1 206 555 0142")
		if n := d.count(`a[href="tel:+12065550142"]`); n != 1 {
			t.Errorf("the number to call is %d links, want one", n)
		}
		d.check("stranger")
		known := eval[string](d, `document.body.innerText`)
		d.open("/b/no-such-box")
		d.see("Do not open.")
		if unknown := eval[string](d, `document.body.innerText`); unknown != known {
			t.Errorf("a box that does not exist is told from one that does:\n%s\n%s", unknown, known)
		}
	}
}
