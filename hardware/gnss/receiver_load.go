package gnss

import "time"

// arrivals remembers when the newest bytes came, by the monotonic clock and by the box's. A report of one moment is
// passed on up to a pause after its last byte, and by then the box's clock, which may be a simulated one, has moved on.
type arrivals struct {
	ring [64]arrival // more reads than a report with the first sentence after it takes
	next int
}

// arrival is when bytes came. asleep is how long the machine had slept by then, which neither of the clocks need tell.
type arrival struct {
	at, boxTime time.Time
	asleep      time.Duration
}

func (a *arrivals) add(v arrival) {
	a.ring[a.next] = v
	a.next = (a.next + 1) % len(a.ring)
}

// of returns the times of the bytes that came at the given time. When they are not remembered any more it takes the
// oldest ones that are: a fix looks older then than it is, and never younger.
func (a *arrivals) of(at time.Time) arrival {
	oldest := arrival{}
	for i := range a.ring {
		// From the newest backwards.
		v := a.ring[(a.next-1-i+2*len(a.ring))%len(a.ring)]
		if v.at.IsZero() {
			break
		}
		if v.at.Equal(at) {
			return v
		}
		oldest = v
	}
	return oldest
}

// lineLoad tells whether a line is full: the device sends more than fits, and what comes is later and later.
type lineLoad struct {
	baud      int
	begin     time.Time // of the bytes that are counted
	count     int
	saturated bool
}

// fullAfter is how long a line may go without a pause. A full report at 4800 baud takes more than a second.
const fullAfter = 2 * time.Second

// pause notes that the line was quiet.
func (l *lineLoad) pause(now time.Time) { l.begin, l.count, l.saturated = now, 0, false }

// bytes notes n bytes. A receiver that reports ten times a second leaves pauses too short to see, so the bytes are
// counted as well. More of them than the speed allows come from a line that has none, USB's own or a pseudo-terminal:
// of that nothing is known.
func (l *lineLoad) bytes(n int, now time.Time) {
	l.count += n
	took := now.Sub(l.begin)
	if took < fullAfter {
		return
	}
	const bitsPerByte = 10 // start, eight, stop
	share := float64(l.count*bitsPerByte) / (float64(l.baud) * took.Seconds())
	l.saturated = share > 0.95 && share < 1.05
	l.begin, l.count = now, 0
}
