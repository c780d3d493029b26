package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// testCenter is the transplant center, at a desk and on call with a phone.
func (s *stage) testCenter(t *testing.T) {
	d := s.as(t, "center", phone)
	for _, look := range []screen{phone, desktop} {
		d.look(look)
		s.testBoard(d)
		s.testCase(d)
		s.testFind(d)
		d.open("/case/" + s.journey.Live().String() + "/sheet")
		d.see("Left kidney", "Contains a human organ for transplant", "Hill Transplant Center", "Arrival check", "A print is a copy of the moment")
		d.check("sheet")
	}
}

// testBoard is the board: what wants attention is on top, with its reason.
func (s *stage) testBoard(d *device) {
	d.open("/board")
	d.see("Inbound organs", "6 shipments", "Too cold: 2.4 °C", "Left kidney", "Liver", "Heart", "Left lung", "As of entry")
	if first := eval[string](d, `document.querySelector('a[data-row]').innerText`); first != "Pancreas" {
		d.t.Errorf("first on the board: got %q, want the pancreas that is too cold", first)
	}
	d.check("board")
	if d.screen.phone {
		return
	}
	d.readme("board.png")
	d.fill("Search", "lung")
	d.see("1 shipment of 6")
	d.check("board-search")
	if query := eval[string](d, `location.search`); query != "?q=lung" {
		d.t.Errorf("a search stands in the address as %q", query)
	}
	d.run(chromedp.KeyEvent("\r")) // to the first line
	d.until("the first line to have the focus", `document.activeElement.matches('a[data-row]')`)
	d.run(chromedp.KeyEvent("\r"))
	d.see("Left lung for Hill Transplant Center")
	d.see("Ruling")
	d.check("case-ruled")
}

// testCase goes from the board to the heart, to its six cold minutes, and to how one act is proven.
func (s *stage) testCase(d *device) {
	d.open("/board")
	d.press("Heart")
	d.until("the case", `location.pathname === '/case/`+s.journey.Showpiece().String()+`'`)
	d.see("Heart for Hill Transplant Center", "Cold time", "Program limit", "Held by North Air, Flight courier")
	d.until("the box's battery", `/Box battery\s+\d\d\s%, about \d\d\sh/.test(document.body.innerText)`)
	d.check("case")
	d.readmeCase()
	if d.screen.phone {
		d.press("Trip") // parts of the case are tabs there
	}
	d.see("too cold", "6 min while City Couriers", "Readings", "Coverage", "What the box noticed", "lid open for 1 min", "shock, 4.3 g",
		"radio off for 35 min", "satellite receiver: no position for 17 min", "It decides nothing")
	d.until("the chart and the map", `document.querySelector('canvas') !== null && document.querySelector('.leaflet-container') !== null`)
	d.check("case-trip")
	if d.screen.phone {
		d.press("Custody")
	}
	d.see("Accepted", "Released", "Packed", "Evidence: Both keys")
	d.press("How this is proven")
	d.see("Signed by", "This browser checked the signature just now", "Cosigned by", "Path to the root", "it leads from the entry's hash to this root")
	d.check("case-proof")
}

// readmeCase takes the README's picture of a case once its chart is drawn.
func (d *device) readmeCase() {
	d.t.Helper()
	if d.screen.phone {
		return
	}
	d.until("the chart", `document.querySelector('canvas') !== null`)
	d.readme("case.png")
}

// testFind finds cases by what is said on the phone.
func (s *stage) testFind(d *device) {
	d.open("/find")
	d.fill("Donor ID", "DEMO-0000")
	d.press("Find")
	d.see("No case has this donor ID")
	d.check("find-none")
	d.fill("Donor ID", "DEMO-2077")
	d.press("Find")
	d.until("the only case to open", `location.pathname === '/case/`+s.journey.Live().String()+`'`)
	d.see("Left kidney for Hill Transplant Center")
	d.check("find")
}

// testWall opens the board on a screen that nobody is signed in at.
func (s *stage) testWall(t *testing.T) {
	d := s.as(t, "center", desktop)
	d.open("/board")
	d.press("Wall screen")
	d.fill("Where the screen hangs", "Hall 2")
	d.check("wall-ask")
	d.press("Make the token")
	d.see("It is shown once")
	d.check("wall-token")
	wall := s.device(t, desktop)
	wall.open(s.path(t, d.copied("Copy the address")))
	wall.see("Left kidney", "Hill Transplant Center", "Pancreas", "Too cold: 2.4 °C", "As of entry")
	if shown := eval[string](wall, `location.href`); strings.Contains(shown, "token") {
		t.Errorf("the wall shows its token in the address: %s", shown)
	}
	if n := eval[int](wall, `document.querySelectorAll('main a, main button').length`); n != 0 {
		t.Errorf("the wall has %d things to press, want none", n)
	}
	wall.check("wall")
	wall.open("/wall") // the token stays with the screen
	wall.see("Left kidney")
}

// path returns the path of an address of the pages, with its fragment.
func (s *stage) path(t *testing.T, address string) string {
	t.Helper()
	path, ok := strings.CutPrefix(address, s.url)
	if !ok {
		t.Fatalf("%q is no address of %s", address, s.url)
	}
	return path
}

// testShare gives somebody without a login a link to one case, and takes it back.
func (s *stage) testShare(t *testing.T) {
	d := s.as(t, "center", phone)
	d.open("/case/" + s.journey.Showpiece().String())
	d.press("Share")
	d.fill("For whom", "Surgical team")
	d.both("share-ask")
	d.press("Make the link")
	d.see("Shown once")
	d.both("share-made")
	reader := s.device(t, phone)
	reader.open(s.path(t, d.copied("Copy the address")))
	reader.see("Heart for Hill Transplant Center", "too cold, 6 min", "North Air", "Shared with Surgical team", "As of entry")
	reader.both("shared")
	if text := eval[string](reader, `document.body.innerText`); containsAny(text, "River OPO", "Harbor Hospital", "Flight courier", "blood group O", "DEMO-") {
		t.Errorf("the link shows what it must hide:\n%s", text)
	}
	reader.expect("status of 401")
	d.press("Revoke the link for Surgical team")
	d.see("None.")
	d.both("share-none")
	reader.see("This link shows nothing any more")
	reader.both("shared-ended")
}

// testArrival is the heart's arrival: received with a PIN, its label compared, its outcome reported.
func (s *stage) testArrival(t *testing.T) {
	d := s.as(t, "center", phone)
	id := s.journey.Showpiece().String()
	d.open("/case/" + id)
	d.press("To do")
	d.press("Receive the box")
	d.fill("Place", "Theatre 3")
	d.fill("Seal", "0552")
	d.see("Another seal", "Before it was 0551")
	d.both("receive")
	d.fill("Seal", "0551")
	d.press("Sign: received")
	d.see("Your PIN")
	d.both("receive-sign")
	d.fill("Your PIN", "271828")
	d.press("Sign")
	d.see("That PIN is wrong.")
	d.both("receive-wrong-pin")
	d.sign("Sign")
	d.see("Received: in the ledger as entry", "Arrival check")
	d.both("received")

	d.press("Arrival check")
	d.fill("Donor ID on the label", "DEMO-3088")
	d.choose("Organ", "Kidney")
	d.choose("Side", "Left")
	d.press("Compare")
	d.see("Mismatch: organ, side", "Do not transplant before it is settled")
	d.both("arrival-mismatch")
	d.choose("Organ", "Heart")
	d.choose("Blood group", "O")
	d.press("Compare")
	d.see("Donor ID, organ and side are as opened and packed.")
	d.both("arrival-match")
	d.press("Sign: match")
	d.sign("Sign")
	d.see("Arrival check: in the ledger as entry")

	d.press("Other statements")
	d.press("Report the outcome")
	d.press("Transplanted")
	d.both("outcome")
	d.press("Sign the outcome")
	d.sign("Sign")
	d.see("Outcome reported: in the ledger as entry")
	d.press("Custody")
	d.see("Outcome reported", "Arrival check", "Received", "at Theatre 3", "seal 0551")
	d.both("arrived")
	s.testArrived(d, id)
}

// testArrived asks the API what the pages made.
func (s *stage) testArrived(d *device, id string) {
	d.t.Helper()
	type act struct{ Kind, Standing, Place, Seal, Arrival, Outcome string }
	type shipment struct {
		Summary struct {
			Phase     string
			Custodian struct{ Organisation string }
		}
		History []act
	}
	x := eval[shipment](d, `fetch('/v1/shipments/`+id+`').then((r) => r.json()).then((x) => ({ Summary: x.summary, History: x.history }))`)
	if x.Summary.Phase != "outcome reported" || len(x.History) < 3 {
		d.t.Fatalf("after the outcome the API says %+v", x)
	}
	got := x.History[len(x.History)-3:]
	for i, want := range []act{
		{Kind: "receive", Standing: "applied", Place: "Theatre 3", Seal: "0551"},
		{Kind: "arrival-check", Standing: "applied", Arrival: "match"},
		{Kind: "outcome", Standing: "applied", Outcome: "transplanted"},
	} {
		if got[i] != want {
			d.t.Errorf("act %d: got %+v, want %+v", i, got[i], want)
		}
	}
}

// both checks a state as it looks on a phone and at a desk, and goes on with the phone.
func (d *device) both(state string) {
	d.t.Helper()
	for _, look := range []screen{desktop, phone} {
		d.look(look)
		d.until("the size "+strconv.FormatInt(look.width, 10), `innerWidth === `+strconv.FormatInt(look.width, 10))
		d.check(state)
	}
}
