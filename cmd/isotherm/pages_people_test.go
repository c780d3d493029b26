package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"isotherm/cmd/internal/journey"
	"isotherm/ledger/bundle"
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
		d.until("the box's clock to have met the time", `/\d\ss\sago/.test(document.body.innerText) && !document.body.innerText.includes('Not live')`)
		d.until("the battery of the box", `/box battery \d+\s%, about \d+\sh/.test(document.body.innerText)`)
		d.check("carry-box")
		if look == phone {
			d.readme("courier.png")
		}
		d.press("Call")
		d.see("+1 206 555 0199")
		d.check("carry-call")
	}
}

// testAuditor exports a case and everything, sees the verdicts, and holds an entry against the log.
func (s *stage) testAuditor(t *testing.T) {
	d := s.as(t, "auditor", desktop)
	for _, look := range []screen{desktop, phone} {
		d.look(look)
		d.open("/audit")
		d.see("Verification", "nodes vouch for its root")
		d.check("audit")
		if look == desktop {
			d.readme("audit.png")
		}
		d.open("/audit/exports")
		d.see("New export")
		d.check("exports")
		d.press("Chosen cases")
		d.fill("Shipments", s.journey.Showpiece().String())
		one := "one case, on a " + look.name
		d.fill("Reason", one)
		d.press("Export and verify")
		d.exported(one, `includes('readings are as the box signed them') && text.includes('too cold for 6 min while City Couriers held the box')`)
		d.check("exports-done")
		d.open("/audit/exports")
		d.press("All cases")
		all := "all cases, on a " + look.name
		d.fill("Reason", all)
		d.press("Export and verify")
		d.exported(all, `match(/([0-9]+) of ([0-9]+) cases verified/)?.slice(1).every((n, _, both) => Number(n) >= 6 && n === both[0]) === true`)
		d.check("exports-all")
		d.open("/audit/trail")
		d.see("Every entry of the ledger", "export")
		d.check("trail")
		d.press("Proof of entry")
		d.see("nodes vouch for", "to the root")
		d.check("trail-proof")
	}
}

// exported waits until the export with a reason is ready and its text is as a script says.
func (d *device) exported(reason, script string) {
	d.t.Helper()
	d.until("the export "+reason, `(() => {
		const job = [...document.querySelectorAll('article')].find((e) => e.ariaLabel.includes(`+quote(reason)+`));
		const text = (job?.innerText ?? '').replace(/\s+/g, ' ');
		return text.includes('Download') && text.`+script+`;
	})()`)
}

// testOperator looks after nodes, boxes and people.
func (s *stage) testOperator(t *testing.T) {
	d := s.as(t, "admin", desktop)
	for _, look := range []screen{desktop, phone} {
		d.look(look)
		d.open("/operate")
		d.see("All 3 nodes have the same root", "node-1", "node-2", "node-3")
		d.check("operate")
		if look == desktop {
			d.readme("operate.png")
		}
		d.open("/operate/boxes")
		d.see(s.journey.LiveBox().Label)
		d.check("boxes")
		d.open("/operate/people")
		d.see("Road courier")
		d.check("people")
		d.press("Organisations")
		d.see("Hill Transplant Center")
		d.check("organisations")
		d.open("/operate/certificates")
		d.see("Certificates")
		d.check("certificates")
	}
	s.testNodeStopped(t, d)
}

// testNodeStopped shows the operator a node that does not answer, and that it is back.
func (s *stage) testNodeStopped(t *testing.T, d *device) {
	nodes, err := s.journey.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stopped := nodes[slices.IndexFunc(nodes, func(n journey.NodeState) bool { return !n.Leader })].Name
	if err := s.journey.StopNode(stopped); err != nil {
		t.Fatal(err)
	}
	d.open("/operate")
	for _, look := range []screen{phone, desktop} {
		d.look(look)
		d.see("One node does not answer: "+stopped, "Not reached", "not if one more is lost")
		d.check("operate-stopped")
	}
	if err := s.journey.StartNode(t.Context(), stopped); err != nil {
		t.Fatal(err)
	}
	d.see("All 3 nodes have the same root")
}

// testTamper asks the demonstration to change a byte, as its page does: the verifier names the changed reading.
func (s *stage) testTamper(t *testing.T) {
	d := s.as(t, "auditor", desktop)
	got := eval[journey.Tampered](d, `fetch('/demo-api/tamper', { method: 'POST', headers: { 'Isotherm-Request': '1' }, body: JSON.stringify({ shipment: `+
		quote(s.journey.Showpiece().String())+` }) }).then((r) => r.json())`)
	if got.Before.Verdict == nil || got.After.Verdict == nil {
		t.Fatalf("no verdict: %+v", got)
	}
	if got.Before.Verdict.Result != bundle.Verified || got.After.Verdict.Result != bundle.Broken {
		t.Errorf("got %v, then %v, want verified, then broken", got.Before.Sentence, got.After.Sentence)
	}
	if got.NowMC != got.WasMC+4096 || got.Was == got.Now {
		t.Errorf("byte %s became %s: from %d to %d m°C", got.Was, got.Now, got.WasMC, got.NowMC)
	}
	found := slices.ContainsFunc(got.After.Verdict.Findings, func(f bundle.Finding) bool {
		return strings.HasPrefix(f.Where, "journals/") && f.What == got.Named
	})
	var first, last uint64 // readings travel in packets, whose roots are signed
	if _, err := fmt.Sscanf(got.Named, "records %d to %d", &first, &last); err != nil || !found || got.Record < first || got.Record > last || last-first > 60 {
		t.Errorf("the finding %q does not name record %d", got.Named, got.Record)
	}
}
