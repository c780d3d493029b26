package gnss

import (
	"slices"

	"isotherm/hardware"
)

// speeds are those that receivers use, the likely ones first: 9600 is the default of most, 38400 and 115200 that of newer
// u-blox and of fast ones, 4800 that of NMEA 0183 itself.
func speeds() []int { return []int{9600, 38400, 115200, 4800, 57600, 19200, 230400} }

// speedSearch goes through the speeds, the one that worked last first. It is for one goroutine.
type speedSearch struct {
	given bool // the configuration names a speed
	known bool // the first one has worked
	order []int
	next  int  // in order: the one to try after the present one
	away  bool // the present one is not the first
	// best is what the bytes of this round looked like at the speed that made the most of them.
	best hardware.Fault
}

// newSpeedSearch begins at baud, or at the likeliest speed when it is 0.
func newSpeedSearch(baud int) speedSearch {
	s := speedSearch{given: baud != 0, order: speeds()}
	if baud != 0 {
		s.worked(baud)
		s.known = false
	}
	s.restart()
	return s
}

// first is the speed that a round begins with.
func (s *speedSearch) first() int { return s.order[0] }

// worked puts baud first.
func (s *speedSearch) worked(baud int) {
	s.known = true
	s.order = slices.DeleteFunc(s.order, func(b int) bool { return b == baud })
	s.order = slices.Insert(s.order, 0, baud)
}

// restart begins a new round at the first speed.
func (s *speedSearch) restart() { s.next, s.away, s.best = 1, false, hardware.None }

// advance returns the next speed of the round, and false when there is none. seen is what the bytes at the present speed
// were. A speed that has worked is tried again after each other one: noise passes, and receivers seldom change their speed.
func (s *speedSearch) advance(seen hardware.Fault) (int, bool) {
	if sense(seen) > sense(s.best) {
		s.best = seen
	}
	if s.known && s.away {
		s.away = false
		return s.first(), true
	}
	if s.next >= len(s.order) {
		return 0, false
	}
	baud := s.order[s.next]
	s.next, s.away = s.next+1, true
	return baud, true
}

// rotate makes the second speed the first. A UART at a wrong speed can also stay silent: it drops every character whose
// stop bit it can't find.
func (s *speedSearch) rotate() {
	if !s.given {
		s.order = append(s.order[1:], s.order[0])
	}
}

// verdict is what a round without a single good sentence says of the line.
func (s *speedSearch) verdict() hardware.Fault {
	if sense(s.best) <= sense(hardware.Binary) {
		return hardware.WrongBaud
	}
	return s.best
}

// impression is what bytes without a good sentence looked like.
type impression struct {
	bytes, text int               // all, and those that text has
	count       [4]int            // of faults, by sense
	last        [4]hardware.Fault // by sense
}

func (i *impression) see(p []byte) {
	i.bytes += len(p)
	for _, c := range p {
		if c >= ' ' && c < 0x7F || c == '\r' || c == '\n' || c == '\t' {
			i.text++
		}
	}
}

// readable reports whether the speed is right, whatever is wrong with the text: bytes at a wrong one are mostly no text.
func (i *impression) readable() bool {
	const enough = 32 // bytes, or a few of them could be text by chance
	return i.bytes >= enough && sense(i.fault()) > sense(hardware.Binary)
}

func (i *impression) add(f hardware.Fault) {
	i.count[sense(f)]++
	i.last[sense(f)] = f
}

// fault is Silent when there was nothing. What a wrong speed makes of text is mostly no text, and random bytes hold a bit
// of everything, so single faults decide only on a line that carries text.
func (i *impression) fault() hardware.Fault {
	const textShare = 0.8
	damaged, noise := 3, 2
	switch {
	case i.bytes == 0:
		return hardware.Silent
	case float64(i.text) < textShare*float64(i.bytes):
		return hardware.Binary
	case i.count[damaged] > 0 && i.count[damaged] >= i.count[noise]:
		return i.last[damaged]
	case i.count[noise] > 0:
		return i.last[noise]
	}
	return hardware.Truncated // not even wrong yet: a sentence that never ends
}

// sense ranks what bytes look like: sentences that are damaged say more than text, and text more than binary.
func sense(f hardware.Fault) int {
	switch f {
	case hardware.None, hardware.Silent:
		return 0
	case hardware.Binary, hardware.WrongBaud:
		return 1
	case hardware.Noise, hardware.TooLong:
		return 2
	}
	return 3
}
