package main

import "testing"

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
		if look == phone {
			d.readme("courier.png")
		}
		d.press("Call")
		d.see("+1 206 555 0199")
		d.check("carry-call")
	}
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
