package main

import (
	"bytes"
	"testing"
)

func TestTable_write(t *testing.T) {
	for _, tt := range []struct {
		name string
		fill func(*table)
		want string
	}{
		{"aligned", func(t *table) {
			t.head = []string{"ORGAN", "°C", "HELD BY"}
			t.row("heart", "4.6", "North Air")
			t.row("left kidney", "−0.3", "")
		}, "ORGAN        °C    HELD BY\nheart        4.6   North Air\nleft kidney  −0.3\n"},
		{"no head", func(t *table) { t.row("a", 1); t.row("bb", 22) }, "a   1\nbb  22\n"},
		{"short row", func(t *table) { t.row("a"); t.row("bb", "c") }, "a\nbb  c\n"},
		{"marks are for terminals", func(t *table) { t.row(cell{"too cold", high}, "x") }, "too cold  x\n"},
		{"text of others", func(t *table) { t.row("a\x1b[2Jb\nc\u202ed", "x") }, "a�[2Jb�c�d  x\n"},
		{"nothing", func(*table) {}, ""},
		{"head only", func(t *table) { t.head = []string{"A"} }, "none\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var x table
			tt.fill(&x)
			var b bytes.Buffer
			x.write(&b)
			if got := b.String(); got != tt.want {
				t.Errorf("got:\n%swant:\n%s", got, tt.want)
			}
		})
	}
}
