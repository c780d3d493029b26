package privacy_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"isotherm/ledger/privacy"
)

var fields = map[string]privacy.Field{"code": privacy.Code, "label": privacy.Label, "place": privacy.Place, "reference": privacy.Reference,
	"reason": privacy.Reason, "phone": privacy.Phone, "name": privacy.Name}

// corpus returns the rows of a file of tab-separated values; \u and \n are escapes in the last column.
func corpus(t testing.TB, name string, columns int) [][]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	unescape := strings.NewReplacer(`\u200b`, "\u200b", `\u202e`, "\u202e", `\n`, "\n", `\t`, "\t")
	var out [][]string
	for line := range strings.Lines(string(b)) {
		row := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", columns)
		if len(row) != columns || fields[row[0]] == 0 {
			t.Fatalf("%s: %q is no row", name, line)
		}
		row[columns-1] = unescape.Replace(row[columns-1])
		out = append(out, row)
	}
	if len(out) < 50 {
		t.Fatalf("%s has %d rows, there must be more", name, len(out))
	}
	return out
}

func TestCheck_refused(t *testing.T) {
	rules := map[string]bool{}
	for _, row := range corpus(t, "refused.tsv", 3) {
		err := privacy.Check(fields[row[0]], row[2])
		var got *privacy.Error
		if !errors.As(err, &got) {
			t.Errorf("%s %q: taken, want rule %s", row[0], row[2], row[1])
			continue
		}
		if got.Rule != row[1] {
			t.Errorf("%s %q: got rule %s (%v), want %s", row[0], row[2], got.Rule, err, row[1])
		}
		rules[got.Rule] = true
		if got.Text == "" || got.Hint == "" || got.Offset < 0 || got.Offset+utf8.RuneCountInString(got.Text) > utf8.RuneCountInString(row[2]) {
			t.Errorf("%s %q: got place %d of %q, hint %q", row[0], row[2], got.Offset, got.Text, got.Hint)
		}
	}
	if len(rules) != 10 {
		t.Errorf("got %d rules, want each of 10: %v", len(rules), rules)
	}
}

func TestCheck_taken(t *testing.T) {
	for _, row := range corpus(t, "taken.tsv", 2) {
		if err := privacy.Check(fields[row[0]], row[1]); err != nil {
			t.Errorf("%s %q: %v", row[0], row[1], err)
		}
	}
}

func TestCheck_error(t *testing.T) {
	for _, tt := range []struct {
		field privacy.Field
		text  string
		want  string
	}{
		{privacy.Reference, "für 12.03.1961", `"12.03.1961" at character 5 of the reference looks like a date of birth: write a day of this trip as 2026-11-23; leave any other out`},
		{privacy.Reason, "asked by John Smith", `"John Smith" at character 10 of the reason looks like a person's name: write the role, the organisation or a staff number instead`},
	} {
		if err := privacy.Check(tt.field, tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

// TestCheck_linear feeds long texts that make rules begin again and again.
func TestCheck_linear(t *testing.T) {
	for _, part := range []string{"1", "1-", "12.03.", "Aa ", "+1 ", "a@", "12-Mar-", "a.", "(617) ", "\u0661"} {
		text := strings.Repeat(part, 1<<16/len(part))
		begin := time.Now()
		for f := privacy.Code; f <= privacy.Name; f++ {
			_ = privacy.Check(f, text) // that it ends is what matters
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("64 KiB of %q took %v", part, took)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, row := range append(corpus(f, "refused.tsv", 3), corpus(f, "taken.tsv", 2)...) {
		f.Add(uint8(fields[row[0]]), row[len(row)-1])
	}
	f.Fuzz(func(t *testing.T, field uint8, text string) {
		err := privacy.Check(privacy.Field(field%8), text)
		var e *privacy.Error
		if err == nil {
			return
		}
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > utf8.RuneCountInString(text) {
			t.Errorf("%q: got %v", text, err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		if err := privacy.Check(privacy.Reason, "called at night, coordinator not reached, box 7 at Gate B12 of Memorial Hospital"); err != nil {
			b.Fatal(err)
		}
	}
}
