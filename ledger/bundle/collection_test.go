package bundle_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"isotherm/ledger/bundle"
	"isotherm/ledger/entry"
)

// collected returns two bundles of the same journey by ledgers with different keys, and a tar of both.
func collected(t testing.TB) (pin *entry.Pin, first, second, all []byte) {
	t.Helper()
	j, first := travel(t, "a-")
	_, second = travel(t, "b-")
	var out bytes.Buffer
	c := bundle.NewCollector(&out)
	for _, b := range [][]byte{first, second} {
		v := bundle.Verify(b, nil)
		if err := c.Add(b, v, v.Sentence()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return j.ledger.pin(), first, second, out.Bytes()
}

func verifyAll(b []byte, pin *entry.Pin) (results []bundle.Result, findings []bundle.Finding) {
	findings = bundle.VerifyCollection(bytes.NewReader(b), pin, func(_ bundle.Indexed, v *bundle.Verdict) { results = append(results, v.Result) })
	return results, findings
}

func TestVerifyCollection(t *testing.T) {
	pin, first, _, all := collected(t)
	if !bundle.IsCollection(all) || bundle.IsCollection(first) || bundle.IsCollection(nil) {
		t.Error("a collection is not told from a bundle")
	}
	if results, findings := verifyAll(all, nil); len(findings) != 0 || len(results) != 2 || results[0] != bundle.Consistent || results[1] != bundle.Consistent {
		t.Errorf("without a policy: %v, %v", results, findings)
	}
	if results, findings := verifyAll(all, pin); len(findings) != 0 || results[0] != bundle.Verified || results[1] != bundle.Broken {
		t.Errorf("with one ledger's policy: %v, %v", results, findings)
	}
	var names []string
	for r := tar.NewReader(bytes.NewReader(all)); ; { // any tar program opens it
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	if got := strings.Join(names, " "); got != "09000000000000000000000000000000.isotherm.tar 09000000000000000000000000000000.isotherm.tar index.json" {
		t.Errorf("files: %s", got)
	}
}

// TestVerifyCollection_damaged changes a byte here and there: something is always found.
func TestVerifyCollection_damaged(t *testing.T) {
	_, first, second, all := collected(t)
	between := 512 + len(first) + (512-len(first)%512)%512
	index := between + 512 + len(second)
	for _, at := range []int{0, 100, 130, 200, 512, 700, 512 + len(first)/2, between - 1, between, between + 130, index + 3, index + 130, index + 512 + 5, index + 700, len(all) - 600, len(all) - 1} {
		b := bytes.Clone(all)
		b[at] ^= 1
		results, findings := verifyAll(b, nil)
		broken := len(findings) > 0
		for _, r := range results {
			broken = broken || r == bundle.Broken
		}
		if !broken {
			t.Errorf("byte %d of %d changed, and nothing is found: %v", at, len(all), results)
		}
	}
	for _, b := range [][]byte{all[:index], all[:between], all[:700], nil, append(bytes.Clone(all), 0), append(bytes.Clone(all[:between]), all[index:]...)} {
		if _, findings := verifyAll(b, nil); len(findings) == 0 {
			t.Errorf("%d bytes of %d: nothing is found", len(b), len(all))
		}
	}
}

func FuzzVerifyCollection(f *testing.F) {
	_, _, _, all := collected(f)
	f.Add(all)
	f.Add(all[:2000])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if results, findings := verifyAll(b, nil); len(results) == 0 && len(findings) == 0 && !bytes.Contains(b, []byte("index.json")) {
			t.Error("nothing is in it, and nothing is found")
		}
	})
}

func TestVerdict_Sentence(t *testing.T) {
	short := bundle.Excursion{Rule: "too cold", Length: "6 min", Held: []bundle.Share{{Organisation: "NA"}, {Organisation: "NA"}}}
	v := bundle.Verdict{Result: bundle.Verified, Counts: bundle.Counts{Records: 4400, Readings: 4312}, Coverage: bundle.Coverage{Gaps: make([]bundle.Gap, 2)},
		Answers: bundle.Answers{Custodians: []bundle.Custodian{{Organisation: "NA", OrganisationName: "North Air"}}}, Excursions: []bundle.Excursion{short}}
	for _, tt := range []struct {
		name, want string
		change     func(*bundle.Verdict)
	}{
		{"as on the pages", "All 4,312 readings are as the box signed them; 2 gaps; 1 excursion, too cold for 6 min while North Air held the box; keys match the policy you gave.", func(*bundle.Verdict) {}},
		{"no excursion", "All 4,312 readings are as the box signed them; 2 gaps; no excursion; 1 note to read; keys match the policy you gave.", func(v *bundle.Verdict) {
			v.Excursions, v.Flags = nil, []string{"x"}
		}},
		{"many", "The 1 reading is as the box signed them; 2 gaps; 5 excursions, too cold for 6 min while North Air held the box, and too cold for 6 min while North Air held the box, and too cold for 6 min while North Air held the box, and 2 more; but no policy was given, so the keys could be anyone's.", func(v *bundle.Verdict) {
			v.Result, v.Counts.Readings, v.Excursions = bundle.Consistent, 1, []bundle.Excursion{short, short, short, short, short}
		}},
		{"no readings", "All 4,400 records are as the box signed them, but none is a reading that counts, so nothing is known of the temperature; keys match the policy you gave.", func(v *bundle.Verdict) { v.Counts.Readings = 0 }},
		{"broken", "Broken: 1 finding. Nothing in this bundle can be relied on until that is explained.", func(v *bundle.Verdict) {
			v.Result, v.Findings = bundle.Broken, []bundle.Finding{{Where: "x", What: "y"}}
		}},
	} {
		changed := v
		tt.change(&changed)
		if got := changed.Sentence(); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}
