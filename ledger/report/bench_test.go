package report

import (
	"bytes"
	"os"
	"testing"

	"isotherm/ledger/bundle"
)

// BenchmarkDocument verifies the bundle that ISOTHERM_BUNDLE names, or the golden one, and makes a document of it.
func BenchmarkDocument(b *testing.B) {
	path := os.Getenv("ISOTHERM_BUNDLE")
	if path == "" {
		path = goldenBundle
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			bundle.Open(raw, nil)
		}
	})
	c := open(b, path)
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			var out bytes.Buffer
			t, err := NewTable(&out, false)
			if err != nil {
				b.Fatal(err)
			}
			if err := t.Add(c); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(out.Len()), "bytes")
		}
	})
	for name, form := range map[string]Form{"sheet": Sheet, "report": Audit} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(float64(len(render(b, form, A4, c))), "bytes")
			}
		})
	}
}
