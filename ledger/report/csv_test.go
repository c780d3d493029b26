package report

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{"": "", "ntp": "ntp", "=1+1": "'=1+1", "+cmd": "'+cmd", "@x": "'@x", "-x": "'-x", "-5": "'-5", "\tx": "'\tx", "\rx": "'\rx", "\x00": "'\x00", "a=b": "a=b"} {
		if got := Text(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, tt := range []struct {
		n      int64
		places int
		want   string
	}{{0, 3, "0.000"}, {5, 3, "0.005"}, {-5, 3, "-0.005"}, {-1200, 3, "-1.200"}, {4_312_000, 3, "4312.000"}, {-1_234_567_890, 7, "-123.4567890"}} {
		if got := decimal(tt.n, tt.places); got != tt.want {
			t.Errorf("%d with %d places: got %s, want %s", tt.n, tt.places, got, tt.want)
		}
	}
}

func TestTable_Add(t *testing.T) {
	c := heart(t)
	for _, several := range []bool{false, true} {
		var out bytes.Buffer
		table, err := NewTable(&out, several)
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Add(c); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "\n"); n != strings.Count(out.String(), "\r\n") {
			t.Error("lines don't end as RFC 4180 says")
		}
		lines, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(lines) != 1+c.Verdict.Counts.Readings {
			t.Fatalf("got %d lines, %v, want %d", len(lines), err, 1+c.Verdict.Counts.Readings)
		}
		want := tableHeader
		row := []string{"cfe8e8525a84908322ab8cc8b3162803", "01020300000000000000000000000000", "5", "2026-09-21T14:14:10.000Z", "gnss", "true", "1", "organ", "true", "5.200", "", "", "", "", ""}
		if several {
			want, row = append([]string{"case"}, want...), append([]string{c.Verdict.Shipment.ID}, row...)
		}
		if d := cmp.Diff([][]string{want, row}, lines[:2]); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

// TestTable_formula gives a probe a name that a spreadsheet would run.
func TestTable_formula(t *testing.T) {
	c := heart(t)
	for _, j := range c.Contents.Journals() {
		for i := range j.Boot.Probes {
			j.Boot.Probes[i].Place = `=HYPERLINK("http://example.org")`
		}
	}
	var out bytes.Buffer
	table, err := NewTable(&out, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Add(c); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte(`,"=`)) || !bytes.Contains(out.Bytes(), []byte(`,"'=HYPERLINK`)) {
		t.Errorf("a formula stands in the table: %.200s", out.String())
	}
}

func TestCurve_thin(t *testing.T) {
	var r run
	for i := range int64(43_200) { // 12 hours, one a second
		r.samples = append(r.samples, sample{i * 1000, 5000})
	}
	r.samples[30_000].mc, r.samples[30_001].mc = -3000, 12_000 // a peak of one second each way
	c := &curve{runs: []run{r}}
	c.thin()
	got := c.runs[0].samples
	if len(got) > drawn || len(got) < 10 {
		t.Errorf("got %d samples", len(got))
	}
	low, high := got[0].mc, got[0].mc
	for i, s := range got {
		low, high = min(low, s.mc), max(high, s.mc)
		if i > 0 && s.ms <= got[i-1].ms {
			t.Fatalf("sample %d is not after the one before", i)
		}
	}
	if low != -3000 || high != 12_000 {
		t.Errorf("range %d to %d, a peak is lost", low, high)
	}
}
