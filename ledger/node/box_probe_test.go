package node

import "testing"

// TestNode_Boxes_probes shows a box's probes with their certificates from its first batch on, and a recall at once.
func TestNode_Boxes_probes(t *testing.T) {
	m := newMoved(t)
	first := func() []BoxProbe {
		t.Helper()
		boxes, _, err := m.Boxes(t.Context(), m.admin)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range boxes {
			if b.ID == m.first.id {
				return b.Probes
			}
		}
		t.Fatal("the box is not listed")
		return nil
	}
	if got := first(); len(got) != 0 {
		t.Errorf("before a batch: got %+v, want no probes", got)
	}
	m.deliver(m.first, 0, 41)
	for range 2 { // the second time from memory
		if got := first(); len(got) != 1 || got[0].Place != "organ" || got[0].Certificate != "K-1" || got[0].UntilMS != 1<<50 || got[0].Recall != nil {
			t.Errorf("after a batch: got %+v, want the organ's probe with certificate K-1", got)
		}
	}
	if _, err := m.RecallCertificate(t.Context(), m.admin, "K-1", "reference thermometer out of tolerance"); err != nil {
		t.Fatal(err)
	}
	if got := first(); len(got) != 1 || got[0].Recall == nil || got[0].Recall.Reason != "reference thermometer out of tolerance" {
		t.Errorf("after its recall: got %+v", got)
	}
}
