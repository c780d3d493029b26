package bundle_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
)

func TestVerify_OK(t *testing.T) {
	j, b := travel(t, "a-")
	v := bundle.Verify(b, j.ledger.pin())
	if v.Result != bundle.Verified {
		t.Fatalf("result %q, findings %v", v.Result, v.Findings)
	}
	if got, want := v.Counts.Records, 68; got != want { // and none of those after receipt
		t.Errorf("records: got %d, want %d", got, want)
	}
	if got, want := v.Counts.Readings, 68; got != want {
		t.Errorf("readings: got %d, want %d", got, want)
	}
	if got, want := len(v.Excursions), 1; got != want {
		t.Fatalf("excursions: got %d, want %d", got, want)
	}
	x := v.Excursions[0]
	if x.Rule != "too cold" || x.ExtremeC != "1.2" || x.Length != "6 min" {
		t.Errorf("excursion: got %+v", x)
	}
	var held []string
	for _, h := range x.Held {
		held = append(held, h.Organisation+" "+h.ReleasedTo)
	}
	if want := []string{"City Courier ", "City Courier North Air", "North Air "}; !slices.Equal(held, want) {
		t.Errorf("held by: got %v, want %v", held, want)
	}
	if got, want := len(v.Ledger.Cosigners), 2; got != want {
		t.Errorf("cosigners: got %d, want %d", got, want)
	}
	var names []string
	for _, c := range v.Custodians {
		names = append(names, c.Organisation)
	}
	if want := []string{"City Courier", "North Air", "City Transplant Center"}; !slices.Equal(names, want) {
		t.Errorf("custodians: got %v, want %v", names, want)
	}
	if c := v.Custodians[0]; c.Unconfirmed != "10 s" || c.ReleasedTo != "North Air" || c.Evidence != "own key" || v.Custodians[1].Evidence != "both keys" {
		t.Errorf("custodians: got %+v", v.Custodians)
	}
	if v.Coverage.Permille != 1000 || len(v.Flags) != 1 { // the box of this test reports no excursions itself
		t.Errorf("coverage %d, flags %v", v.Coverage.Permille, v.Flags)
	}
}

func TestVerify_withoutPin(t *testing.T) {
	_, b := travel(t, "a-")
	if v := bundle.Verify(b, nil); v.Result != bundle.Consistent || v.Result.ExitCode() != 3 {
		t.Errorf("result %q, findings %v", v.Result, v.Findings)
	}
}

func TestVerify_otherKeys(t *testing.T) {
	j, _ := travel(t, "a-")
	_, forged := travel(t, "b-")
	v := bundle.Verify(forged, j.ledger.pin())
	if v.Result != bundle.Broken || v.Findings[0].Where != "policy" {
		t.Errorf("result %q, findings %v", v.Result, v.Findings)
	}
}

func TestVerify_leavesOut(t *testing.T) {
	without := func(src *bundle.Source, index int64) {
		src.Entries = slices.DeleteFunc(src.Entries, func(e bundle.Entry) bool { return e.Index == index })
	}
	kindOf := func(t *testing.T, e bundle.Entry) entry.Kind {
		leaf, err := entry.ParseLeaf(e.Leaf)
		if err != nil {
			t.Fatal(err)
		}
		return leaf.Kind
	}
	tests := []struct {
		name string
		edit func(t *testing.T, src *bundle.Source)
		want string
	}{
		{"act", func(t *testing.T, src *bundle.Source) {
			for _, e := range src.Entries {
				if kindOf(t, e) != entry.KindAct {
					continue
				}
				if a, err := custody.ParseAct(e.Salted[entry.SaltSize:]); err == nil && a.Statement.Kind == custody.Release {
					without(src, e.Index)
					return
				}
			}
		}, "is missing: it is number"},
		{"advance", func(t *testing.T, src *bundle.Source) {
			for _, e := range src.Entries {
				if kindOf(t, e) == entry.KindJournalAdvance {
					without(src, e.Index)
					return
				}
			}
		}, "is missing: it is number"},
		{"export", func(t *testing.T, src *bundle.Source) { src.Entries = src.Entries[:len(src.Entries)-1] }, "not an export"},
		{"payload", func(t *testing.T, src *bundle.Source) { src.Entries[len(src.Entries)-2].Salted = nil }, "too short"},
		{"reading", func(t *testing.T, src *bundle.Source) {
			src.Journals[0].Records = slices.Delete(slices.Clone(src.Journals[0].Records), 10, 11)
		}, "record 15: is numbered 16"},
		{"last readings", func(t *testing.T, src *bundle.Source) {
			src.Journals[0].Records = src.Journals[0].Records[:len(src.Journals[0].Records)-3]
		}, "and no signed head ends there"},
		{"last batch", func(t *testing.T, src *bundle.Source) {
			src.Journals[0].Records = src.Journals[0].Records[:35] // up to 40, where a batch ended
			src.Journals[0].BootPath = nil
			src.Journals[0].From, src.Journals[0].Frontier, src.Journals[0].Boot = 0, nil, nil
			src.Journals[0].Records = slices.Concat(whole(t).Records[:5], src.Journals[0].Records)
		}, "and the trip was not over"},
		{"journal", func(t *testing.T, src *bundle.Source) { src.Journals = nil }, "is not in the bundle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j, _ := travel(t, "a-")
			src := j.ledger.source(j.trip())
			tt.edit(t, &src)
			v := bundle.Verify(write(t, src), j.ledger.pin())
			text := fmt.Sprint(v.Findings)
			if v.Result != bundle.Broken || !strings.Contains(text, tt.want) {
				t.Errorf("result %q, findings %v, want %q", v.Result, text, tt.want)
			}
		})
	}
}

// TestVerify_flipped changes bytes in every file of a bundle and in the container around them.
func TestVerify_flipped(t *testing.T) {
	j, b := travel(t, "a-")
	step := 13 // odd and prime, so that every kind of place is hit
	if testing.Short() {
		step = 101
	}
	for at := 0; at < len(b); at += step {
		for _, mask := range []byte{0x01, 0x80} {
			bad := bytes.Clone(b)
			bad[at] ^= mask
			v := bundle.Verify(bad, j.ledger.pin())
			if v.Result != bundle.Broken {
				t.Fatalf("byte %d of %d with mask %#x flipped: result %q", at, len(b), mask, v.Result)
			}
		}
	}
}

// TestVerify_forged changes bytes in every file and repairs the manifest, so that only signatures and trees can tell.
func TestVerify_forged(t *testing.T) {
	j, b := travel(t, "a-")
	for name, step := range map[string]int{"VERIFY.md": 7, "checkpoint": 1, "entries.cbor": 17, "journals/": 7} {
		tried := 0
		for at := 0; bundle.Forge(b, name, at, 1) != nil; at += step {
			tried++
			for mask := byte(1); mask != 0; mask <<= 1 {
				if step > 1 && mask != 1<<(tried%8) {
					continue // one bit of each byte is enough where there are many
				}
				if v := bundle.Verify(bundle.Forge(b, name, at, mask), j.ledger.pin()); v.Result != bundle.Broken {
					t.Errorf("%s: byte %d changed by %#x and the manifest repaired: result %q", name, at, mask, v.Result)
				}
			}
		}
		if tried < 50 {
			t.Errorf("%s: only %d bytes tried", name, tried)
		}
	}
}

// TestVerify_cutOff ends a bundle early and late.
func TestVerify_cutOff(t *testing.T) {
	j, b := travel(t, "a-")
	for _, bad := range [][]byte{nil, b[:1], b[:512], b[:len(b)/2], b[:len(b)-1], append(bytes.Clone(b), 0)} {
		if v := bundle.Verify(bad, j.ledger.pin()); v.Result != bundle.Broken {
			t.Errorf("%d of %d bytes: result %q", len(bad), len(b), v.Result)
		}
	}
}

// TestVerify_namesReadings changes one reading and repairs the manifest, as a careful forger would.
func TestVerify_namesReadings(t *testing.T) {
	j, _ := travel(t, "a-")
	src := j.ledger.source(j.trip())
	records := slices.Clone(src.Journals[0].Records)
	bad := bytes.Clone(records[20])
	bad[len(bad)-1] ^= 1 // the lowest bits of the temperature
	records[20] = bad
	src.Journals[0].Records = records
	v := bundle.Verify(write(t, src), j.ledger.pin())
	if v.Result != bundle.Broken || len(v.Findings) != 1 || !strings.Contains(v.Findings[0].What, "records 5 to 39") {
		t.Errorf("findings %v", v.Findings)
	}
}

// TestVerify_withheld exports a case whose box has not delivered anything since it was packed.
func TestVerify_withheld(t *testing.T) {
	l := newLedger(t, "a-")
	j := &journey{ledger: l, box: newBox(t, "a-box"), shipment: ledger.ShipmentID{9}}
	driver := l.enrol(2, "Driver", "City Courier", entry.RoleAdmin)
	b := j.box
	enrolment := entry.BoxEnrolled{Key: public(b.key), Label: "box 1", Head: b.head(0)}
	l.add(entry.KindBoxEnrolled, enrolment.Marshal(), entry.Box(b.id()))
	p, _ := profile.Default("chs-4-8")
	j.act(custody.Statement{Kind: custody.Open, Organ: custody.Heart, From: "Donor Hospital", Dest: "City Transplant Center"}, driver)
	j.act(custody.Statement{Kind: custody.Pack, Organ: custody.Heart, Box: b.id(), Head: b.newest(), Profile: p.Marshal()}, driver)
	l.export(j.shipment, driver)
	v := bundle.Verify(write(t, l.source()), l.pin())
	if v.Result != bundle.Verified || !strings.Contains(fmt.Sprint(v.Flags), "withheld") || !strings.Contains(v.Sentence(), "nothing is known of the temperature") {
		t.Errorf("result %q, findings %v, flags %v, %s", v.Result, v.Findings, v.Flags, v.Sentence())
	}
	if got, want := len(v.Custodians), 1; got != want {
		t.Errorf("custodians: got %d, want %d", got, want)
	}
}

func TestVerify_text(t *testing.T) {
	j, b := travel(t, "a-")
	var out strings.Builder
	if err := bundle.Verify(b, j.ledger.pin()).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"too cold for 6 min while City Courier, then North Air held the box", "keys match the policy you gave", "heart, from Donor Hospital to City Transplant Center", "1.2 °C", "04000000000000000000000000000000: audit"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("text lacks %q:\n%s", want, out.String())
		}
	}
}

func FuzzVerify(f *testing.F) {
	_, b := travel(f, "a-")
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if v := bundle.Verify(b, nil); v.Result == bundle.Verified {
			t.Error("verified without a pin")
		}
	})
}
