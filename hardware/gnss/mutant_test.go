package gnss

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"isotherm/hardware"
)

// Under the race detector there are fewer: there are no goroutines in the decoder, and it makes it ten times slower.
const (
	mutants     = 1_000_000
	mutantsRace = 20_000
	mutantLines = 8                // lines of a capture in one mutant: two epochs, at times
	mutantLimit = 10 * time.Second // takes microseconds; a loaded machine may stop for long
)

// TestDecoder_Mutants decodes seeded mutants of the captures: pieces of them with bytes, fields and lines changed,
// swapped, cut and doubled, half of them with checksums that are right again. Whatever they are, there is no panic, no
// hang and no impossible event. A failure names the number of the mutant, which is its seed.
func TestDecoder_Mutants(t *testing.T) {
	var lines [][]byte
	for _, path := range captures(t, "*") {
		for line := range bytes.Lines(readFile(t, path)) {
			lines = append(lines, line)
		}
	}
	total := mutants
	if underRace || testing.Short() {
		total = mutantsRace
	}
	var mu sync.Mutex // guards sum
	var sum mutantTally
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() { // ends when its share is done
			var mine mutantTally
			for i := w; i < total && !t.Failed(); i += workers {
				mine.decode(t, lines, uint64(i))
			}
			mu.Lock()
			defer mu.Unlock()
			sum.add(mine)
		})
	}
	group.Wait()
	t.Logf("%d mutants, %d bytes: %d fixes, %d epochs without, %d gaps, %d temperatures, %d faults; %d panics of go-nmea caught; the longest took %v",
		sum.decoded, sum.bytes, sum.kinds[KindFix], sum.kinds[KindNoFix], sum.kinds[KindGap], sum.kinds[KindTemperature], sum.kinds[KindFault], sum.panics, sum.longest)
	if sum.decoded != total {
		t.Errorf("%d mutants, want %d", sum.decoded, total)
	}
}

// mutantTally is what came of some mutants.
type mutantTally struct {
	decoded, bytes, panics int
	kinds                  [KindTemperature + 1]int
	longest                time.Duration
}

func (c *mutantTally) add(other mutantTally) {
	c.decoded, c.bytes, c.panics = c.decoded+other.decoded, c.bytes+other.bytes, c.panics+other.panics
	for k := range c.kinds {
		c.kinds[k] += other.kinds[k]
	}
	c.longest = max(c.longest, other.longest)
}

func (c *mutantTally) decode(t *testing.T, lines [][]byte, seed uint64) {
	in := mutant(lines, seed)
	fail := failerOf(func(what string) { t.Errorf("mutant %d, %q: %s", seed, in, what) })
	defer func() {
		if r := recover(); r != nil {
			fail.Errorf("panic: %v", r)
		}
	}()
	start := time.Now()
	d := NewDecoder(func(e Event) {
		checkEvent(fail, e)
		c.kinds[e.Kind]++
		if e.Fault == hardware.ParserPanic {
			c.panics++
		}
	})
	half := len(in) / 2
	d.Receive(in[:half], start)
	d.Flush()
	d.Receive(in[half:], start)
	d.Close()
	took := time.Since(start)
	c.decoded, c.bytes, c.longest = c.decoded+1, c.bytes+len(in), max(c.longest, took)
	if took > mutantLimit {
		fail.Errorf("took %v", took)
	}
}

// failerOf reports what is wrong with one mutant.
type failerOf func(what string)

func (f failerOf) Errorf(format string, args ...any) { f(fmt.Sprintf(format, args...)) }

// mutant makes the mutant of a number: always the same one.
func mutant(lines [][]byte, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0x6e6d6561))
	from := r.IntN(len(lines) - mutantLines)
	piece := make([][]byte, mutantLines)
	for i, line := range lines[from : from+mutantLines] {
		piece[i] = bytes.Clone(line)
	}
	for range 1 + r.IntN(4) {
		i := r.IntN(len(piece))
		switch r.IntN(4) {
		case 0: // a line of another place, or of another receiver
			piece[i] = bytes.Clone(lines[r.IntN(len(lines))])
			if r.IntN(4) == 0 { // the captures have no temperatures
				piece[i] = []byte(nmeaLine("IIXDR,C,4.2,C,T1,C,-0.05,C,T2"))
			}
		case 1:
			piece[i] = mutateFields(r, piece[i])
		default:
			piece[i] = mutateBytes(r, piece[i])
		}
	}
	if r.IntN(2) == 0 {
		for i := range piece {
			piece[i] = resum(piece[i])
		}
	}
	return bytes.Join(piece, nil)
}

// mutateBytes changes, drops, doubles or inserts bytes, or cuts the line.
func mutateBytes(r *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	at := r.IntN(len(b))
	const telling = "$!*,.-\\\r\n\x00\x7F\x80\xB5\xBA\xD3\xFF0159ANV "
	switch r.IntN(5) {
	case 0:
		b[at] ^= 1 << r.IntN(8)
	case 1:
		b[at] = telling[r.IntN(len(telling))]
	case 2:
		return append(b[:at:at], b[min(at+1+r.IntN(8), len(b)):]...)
	case 3:
		return append(b[:at:at], append([]byte{telling[r.IntN(len(telling))]}, b[at:]...)...)
	default:
		return append(b[:at:at], b[r.IntN(len(b)):]...)
	}
	return b
}

// mutateFields swaps, drops, doubles or replaces a field.
func mutateFields(r *rand.Rand, line []byte) []byte {
	f := bytes.Split(line, []byte{','})
	i, j := r.IntN(len(f)), r.IntN(len(f))
	values := []string{"", "-1", "NaN", "1e400", "0x1p5", "99.99", "000000", "235960", "A", "V", "8", "0000.0000", "36000.0000", "999999999999999999999", "C"}
	switch r.IntN(4) {
	case 0:
		f[i], f[j] = f[j], f[i]
	case 1:
		f = append(f[:i:i], f[i+1:]...)
	case 2:
		f = append(f[:i:i], append([][]byte{f[j]}, f[i:]...)...)
	default:
		f[i] = []byte(values[r.IntN(len(values))])
	}
	return bytes.Join(f, []byte{','})
}

// resum gives a line with a '*' the right checksum.
func resum(line []byte) []byte {
	body, _, ok := bytes.Cut(line, []byte{'*'})
	if !ok || len(body) == 0 {
		return line
	}
	var sum byte
	for _, c := range body[1:] {
		sum ^= c
	}
	return fmt.Appendf(nil, "%s*%02X\r\n", body, sum)
}
