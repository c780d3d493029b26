package journal_test

import "testing"

func BenchmarkJournal_Append(b *testing.B) {
	for _, bb := range []struct {
		name string
		n    int
	}{{"1", 1}, {"100", 100}} {
		b.Run(bb.name, func(b *testing.B) {
			j := open(b, b.TempDir())
			for b.Loop() {
				fill(b, j, uint64(j.Newest().Size)+uint64(bb.n))
			}
			checkClose(b, j)
		})
	}
}

func BenchmarkOpen_Verify(b *testing.B) {
	dir := b.TempDir()
	j := open(b, dir)
	fill(b, j, 60_480) // a week at 10 s
	checkClose(b, j)
	for b.Loop() {
		if err := open(b, dir).Close(); err != nil {
			b.Fatal(err)
		}
	}
}
