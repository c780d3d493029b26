package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxCapture bounds a capture, which is held in memory: a day of a talkative receiver.
const maxCapture = 64 << 20

// maxGap is the longest silence that is replayed. More is a receiver whose clock
// jumped, for instance from its factory date to the real one.
const maxGap = time.Hour

// Capture is what a receiver once sent, cut where its clock moved on.
type Capture struct {
	data     []byte
	segments []segment
}

// segment is data[start:] up to the next segment, sent at one moment.
type segment struct {
	at    time.Duration // since the start of the capture
	start int
}

// OpenCapture reads a capture file. Leading lines that start with '#' (gpsd's header)
// are left out; everything else is kept byte for byte. The error says when the file
// cannot be read, is too large, or has no sentence with a time, and so no pace.
func OpenCapture(path string) (*Capture, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCapture+1))
	if err != nil {
		return nil, fmt.Errorf("read capture: %w", err)
	}
	if len(data) > maxCapture {
		return nil, fmt.Errorf("capture %s is larger than %d MiB", path, maxCapture>>20)
	}
	for len(data) > 0 && data[0] == '#' {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	c := &Capture{data: data}
	if !c.cut() {
		return nil, fmt.Errorf("capture %s has no sentence with a time of day", path)
	}
	return c, nil
}

// cut finds the segments; it reports whether there is any time at all.
func (c *Capture) cut() bool {
	c.segments = []segment{{}}
	var previous, at time.Duration
	found := false
	for start := 0; start < len(c.data); {
		end := len(c.data)
		if i := bytes.IndexByte(c.data[start:], '\n'); i >= 0 {
			end = start + i + 1
		}
		clock, ok := sentenceTime(c.data[start:end])
		switch {
		case !ok:
		case !found:
			found, previous = true, clock
		case clock != previous:
			at += step(previous, clock)
			previous = clock
			c.segments = append(c.segments, segment{at: at, start: start})
		}
		start = end
	}
	return found
}

// step is how much time passes from one time of day to the next one in the file.
func step(from, to time.Duration) time.Duration {
	d := to - from
	if d < -12*time.Hour {
		d += 24 * time.Hour // midnight
	}
	if d < 0 {
		return 0 // the receiver's clock was set back; time goes on
	}
	if d > maxGap {
		return time.Second
	}
	return d
}

// sentenceTime reads the time of day from an RMC, GGA, GNS, GLL or ZDA line whose
// checksum is right. A damaged time would stall the replay.
func sentenceTime(line []byte) (time.Duration, bool) {
	body, sum, ok := strings.Cut(strings.TrimSpace(string(line)), "*")
	if !ok || len(body) < 7 || body[0] != '$' {
		return 0, false
	}
	if want, err := strconv.ParseUint(sum, 16, 8); err != nil || byte(want) != xorSum(body[1:]) {
		return 0, false
	}
	fields := strings.Split(body, ",")
	index := 1
	switch body[3:6] {
	case "RMC", "GGA", "GNS", "ZDA":
	case "GLL":
		index = 5
	default:
		return 0, false
	}
	if len(fields) <= index || len(fields[index]) < 6 {
		return 0, false
	}
	clock, err := time.Parse("150405", fields[index]) // takes a fraction as well
	if err != nil {
		return 0, false
	}
	midnight := time.Date(clock.Year(), clock.Month(), clock.Day(), 0, 0, 0, 0, time.UTC)
	return clock.Sub(midnight), true
}

// Duration returns how long the replay takes in simulated time.
func (c *Capture) Duration() time.Duration { return c.segments[len(c.segments)-1].at }

// Size returns how many bytes are replayed.
func (c *Capture) Size() int { return len(c.data) }

// Replay writes the capture to w at the pace of the clock, and returns nil after the
// last byte, or the error of ctx or w. A slow w makes it late, never incomplete. A
// Write that blocks ends when w is closed, not when ctx is done.
func (c *Capture) Replay(ctx context.Context, w io.Writer, clock Clock) error {
	return c.ReplayFrom(ctx, w, clock, 0)
}

// ReplayFrom does the same and leaves out what was sent before a moment of the
// capture: a receiver that is switched on then.
func (c *Capture) ReplayFrom(ctx context.Context, w io.Writer, clock Clock, from time.Duration) error {
	for i, s := range c.segments {
		if s.at < from {
			continue
		}
		if err := waitUntil(ctx, clock, s.at); err != nil {
			return err
		}
		end := len(c.data)
		if i+1 < len(c.segments) {
			end = c.segments[i+1].start
		}
		if _, err := w.Write(c.data[s.start:end]); err != nil {
			return fmt.Errorf("replay capture: %w", err)
		}
	}
	return nil
}
