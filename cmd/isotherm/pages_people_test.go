package main

import (
	"strings"
	"testing"
)

// testCourier is a courier who looks at the box, on a phone by day and by night, and at a desk.
func (s *stage) testCourier(t *testing.T) {
	live := s.journey.Live().String()
	d := s.as(t, "courier", phone)
	for _, look := range []screen{phone, night, desktop} {
		d.look(look)
		d.open("/carry?list")
		d.see("You hold", "Left kidney", s.journey.LiveBox().Label)
		d.check("carry")
		d.open("/carry/" + live)
		d.see("probe", "°C", "to Hill Transplant Center", "program limit 36 h", "Hand over", "Call")
		d.check("carry-box")
		d.press("Call")
		d.see("+1 206 555 0199")
		d.check("carry-call")
	}
}

// testCenter is the transplant center, at a desk and on call with a phone.
func (s *stage) testCenter(t *testing.T) {
	live := s.journey.Live().String()
	d := s.as(t, "center", desktop)
	for _, look := range []screen{desktop, phone} {
		d.look(look)
		d.open("/board")
		d.see("Inbound organs", "Left kidney", "Liver", "Heart", "As of entry")
		d.check("board")
		d.open("/find")
		d.fill("Donor ID", "DEMO-2077")
		d.press("Find")
		d.see("kidney")
		d.check("find")
		d.open("/case/" + live)
		d.see("Left kidney for Hill Transplant Center", "Cold time", "Transport sheet")
		d.check("case")
		d.open("/case/" + s.journey.Showpiece().String())
		if look.phone {
			d.press("Trip") // parts of the case are tabs there
		}
		d.see("6 min", "City Couriers")
		d.check("case-excursion")
		d.open("/case/" + live + "/sheet")
		d.see("Left kidney")
		d.check("sheet")
		d.open("/alarms")
		d.see("Alarms")
		d.check("alarms")
	}
	d.look(desktop)
	s.testWall(t, d)
}

// testWall opens the board on a screen that nobody is signed in at.
func (s *stage) testWall(t *testing.T, d *device) {
	d.open("/board")
	d.press("Wall screen")
	d.fill("Where the screen hangs", "Hall 2")
	d.press("Make the token")
	d.see("It is shown once")
	d.check("wall-token")
	address := eval[string](d, `(document.querySelector('dialog').innerHTML.match(/https?:[^"<\s]*\/wall#token=[^"<\s]*/) ?? [''])[0]`)
	_, path, ok := strings.Cut(strings.TrimPrefix(address, "http://"), "/")
	if !ok {
		d.failed("the address of the wall screen")
	}
	wall := s.device(t, desktop)
	wall.open("/" + path)
	wall.see("Left kidney", "Hill Transplant Center")
	wall.check("wall")
}

// testAuditor exports a case and sees the verdict.
func (s *stage) testAuditor(t *testing.T) {
	d := s.as(t, "auditor", desktop)
	for _, look := range []screen{desktop, phone} {
		d.look(look)
		d.open("/audit")
		d.see("Verification", "nodes vouch for its root")
		d.check("audit")
		d.open("/audit/exports")
		d.see("New export")
		d.check("exports")
		d.press("Chosen cases")
		d.fill("Shipments", s.journey.Showpiece().String())
		d.fill("Reason", "end-to-end test")
		d.press("Export and verify")
		d.see("readings are as the box signed them", "too cold for 6 min while City Couriers held the box")
		d.check("exports-done")
		d.open("/audit/trail")
		d.see("Every entry of the ledger")
		d.check("trail")
	}
}

// testOperator looks after nodes, boxes and people.
func (s *stage) testOperator(t *testing.T) {
	d := s.as(t, "admin", desktop)
	for _, look := range []screen{desktop, phone} {
		d.look(look)
		d.open("/operate")
		d.see("All 3 nodes have the same root", "node-1", "node-2", "node-3")
		d.check("operate")
		d.open("/operate/boxes")
		d.see(s.journey.LiveBox().Label)
		d.check("boxes")
		d.open("/operate/people")
		d.see("Road courier")
		d.check("people")
		d.open("/operate/certificates")
		d.see("Certificates")
		d.check("certificates")
	}
}
