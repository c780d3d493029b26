package sim

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// Handled is one thing that is done to a box.
type Handled struct {
	From, To time.Duration // simulated time; To is not included, and not used for a blow
	Lid      bool          // the lid is open, and light falls in
	Blow     int           // peak of a blow at From, in thousandths of g; zero is none
}

// HandlingBoard is a small computer in a box that watches lid, light and blows, and reports them as an XDR sentence of
// NMEA 0183: once a period, and at once when the lid moves or the box is struck. LID is a switch, 1 while open; LIGHT is
// the light inside in lux; SHOCK the hardest blow since the report before, in g.
type HandlingBoard struct {
	Period  time.Duration // simulated time between reports; zero means 1 s
	Clock   Clock
	Handled []Handled
	// Begin says when, by the clock, the times of Handled begin, and false as long as that is not known; nil is at zero.
	Begin   func() (at time.Duration, known bool)
	PowerOn func() bool // it has not measured yet: its fields are empty; nil is never
}

// Light inside of a box, in lux: with the lid open in a room, and closed.
const (
	luxOpen   = 320
	luxClosed = 2
)

// Run writes reports to w, the first one at once, until ctx is done or w fails, and returns that error.
func (d HandlingBoard) Run(ctx context.Context, w io.Writer) error {
	if d.Period <= 0 {
		d.Period = time.Second
	}
	last := d.Clock()
	for at := last; ; at = d.next(last) {
		if err := waitUntil(ctx, d.Clock, at); err != nil {
			return err
		}
		if _, err := w.Write(d.report(last, at)); err != nil {
			return fmt.Errorf("simulate handling board: %w", err)
		}
		last = at
	}
}

// next is when it reports again: at the end of the period, or earlier when something happens.
func (d HandlingBoard) next(last time.Duration) time.Duration {
	at := nextPeriod(last, d.Period)
	for _, h := range d.handled() {
		for _, change := range []time.Duration{h.From, h.To} {
			if change > last {
				at = min(at, change)
			}
		}
	}
	return at
}

// handled is Handled by the clock.
func (d HandlingBoard) handled() []Handled {
	if d.Begin == nil {
		return d.Handled
	}
	begin, known := d.Begin()
	if !known {
		return nil
	}
	out := slices.Clone(d.Handled)
	for i := range out {
		out[i].From, out[i].To = out[i].From+begin, out[i].To+begin
	}
	return out
}

func (d HandlingBoard) report(last, at time.Duration) []byte {
	if during(d.PowerOn).now() {
		return appendSentence(nil, "WIXDR,S,,,LID,G,,L,LIGHT,G,,G,SHOCK")
	}
	lid, lux, blow := 0, luxClosed, 0
	for _, h := range d.handled() {
		if h.Lid && at >= h.From && at < h.To {
			lid, lux = 1, luxOpen
		}
		if last < h.From && h.From <= at {
			blow = max(blow, h.Blow)
		}
	}
	return appendSentence(nil, fmt.Sprintf("WIXDR,S,%d,,LID,G,%d,L,LIGHT,G,%d.%03d,G,SHOCK", lid, lux, blow/1000, blow%1000))
}
