package custody_test

import (
	"strings"
	"testing"

	"isotherm/ledger/custody"
)

// roundTrip checks that each code from 1 to last has a name of its own that reads back.
func roundTrip[C interface {
	~uint8
	String() string
}](t *testing.T, last C, parse func(string) (C, error)) {
	t.Helper()
	for c := C(1); c <= last; c++ {
		if back, err := parse(c.String()); err != nil || back != c {
			t.Errorf("%T %s: got %s, %v", c, c, back, err)
		}
	}
	for _, name := range []string{"", " ", "unknown(1)", (last + 1).String()} {
		if c, err := parse(name); err == nil {
			t.Errorf("%T %q: got %s, want an error", last, name, c)
		}
	}
}

func roundTrips(t *testing.T) {
	t.Helper()
	roundTrip(t, custody.Intestine, custody.ParseOrgan)
	roundTrip(t, custody.NotReported, custody.ParseOutcome)
	roundTrip(t, custody.ABOA2B, custody.ParseABO)
	roundTrip(t, custody.OtherPack, custody.ParsePackaging)
	roundTrip(t, custody.OutOfCold, custody.ParsePreservation)
	roundTrip(t, custody.LabelNotDone, custody.ParseLabelCheck)
	roundTrip(t, custody.NoTracker, custody.ParseSegmentCode)
	roundTrip(t, custody.OnFoot, custody.ParseMode)
	seen := map[custody.Reason]bool{}
	for k := custody.Open; k <= custody.OpenBox; k++ {
		for _, r := range custody.ReasonsFor(k) {
			if back, err := custody.ParseReason(r.String()); err != nil || back != r {
				t.Errorf("reason %s: got %s, %v", r, back, err)
			}
			seen[r] = true
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d reasons fit a kind", len(seen))
	}
}

func TestNames(t *testing.T) {
	roundTrips(t)
	for o := custody.Heart; o <= custody.Intestine; o++ {
		if back, err := custody.ParseOrgan(o.String()); err != nil || back != o {
			t.Errorf("organ %s: got %s, %v", o, back, err)
		}
	}
	for s := custody.SideNone; s <= custody.SideBoth; s++ {
		if back, err := custody.ParseSide(s.String()); err != nil || back != s {
			t.Errorf("side %s: got %s, %v", s, back, err)
		}
	}
	for o := custody.Transplanted; o <= custody.NotReported; o++ {
		if back, err := custody.ParseOutcome(o.String()); err != nil || back != o {
			t.Errorf("outcome %s: got %s, %v", o, back, err)
		}
	}
	for _, name := range []string{"", "Heart", "heart ", "unknown(0)"} {
		if o, err := custody.ParseOrgan(name); err == nil {
			t.Errorf("organ %q: got %s, want an error", name, o)
		}
		if o, err := custody.ParseOutcome(name); err == nil {
			t.Errorf("outcome %q: got %s, want an error", name, o)
		}
	}
	if s, err := custody.ParseSide("Left"); err == nil {
		t.Errorf("side: got %s, want an error", s)
	}
	// No code says nothing: it means that nobody stated one.
	for _, s := range []string{custody.Organ(0).String(), custody.Side(0).String(), custody.ArrivalCode(0).String(), custody.Reason(0).String()} {
		if s != "" {
			t.Errorf("no code: got %q", s)
		}
	}
	// A number of a later version is shown as such; it must not look like a known one, or fail.
	for _, s := range []string{custody.Organ(99).String(), custody.Side(4).String(),
		custody.OutcomeCode(5).String(), custody.Kind(0).String(), custody.Kind(17).String(), custody.Role(3).String(),
		custody.Standing(0).String(), custody.Phase(7).String(), custody.ABO(9).String(), custody.Packaging(5).String(), custody.Preservation(5).String(),
		custody.LabelCheck(5).String(), custody.SegmentCode(4).String(), custody.Evidence(5).String(), custody.LegCode(3).String(), custody.Mode(8).String(), custody.Reason(15).String()} {
		if !strings.HasPrefix(s, "unknown(") {
			t.Errorf("got %q, want 'unknown(number)'", s)
		}
	}
}

func TestParseCondition(t *testing.T) {
	tests := []struct{ in, want, text string }{
		{"", "", ""},
		{"  ", "", ""},
		{"SB", "SB", "seal broken (SB)"},
		{"xref sb", "SB XREF", "seal broken (SB), not kept refrigerated (XREF)"},
		{"CC cl CT CC", "CC CL CT", "container cracked (CC), container leaking (CL), container torn (CT)"},
		{"XAMB XFRZ", "XAMB XFRZ", "not kept at ambient temperature (XAMB), not kept frozen (XFRZ)"},
	}
	for _, tt := range tests {
		got, err := custody.ParseCondition(tt.in)
		if err != nil || got != tt.want || custody.ConditionText(got) != tt.text {
			t.Errorf("%q: got %q, %v, %q, want %q, %q", tt.in, got, err, custody.ConditionText(got), tt.want, tt.text)
		}
	}
	for _, in := range []string{"X", "SB,CC", "XC38", "seal broken"} {
		if got, err := custody.ParseCondition(in); err == nil || !strings.Contains(err.Error(), "SB (seal broken)") {
			t.Errorf("%q: got %q, %v, want an error that lists the codes", in, got, err)
		}
	}
	if len(custody.Conditions()) != 7 {
		t.Errorf("got %v", custody.Conditions())
	}
}
