package gnss

import (
	"fmt"
	"log/slog"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// listener decodes what one open port says. It is for one goroutine.
type listener struct {
	r       *Receiver
	s       *serial.Session
	log     *slog.Logger
	dec     *Decoder
	arrived arrivals
	load    lineLoad
	trial   trial
	teller  teller

	last    time.Time  // when the last byte came
	good    time.Time  // when the last good sentence came, or the port was opened
	seen    uint64     // good sentences at this speed
	pending bool       // bytes came since the last pause
	garbled impression // the bytes since the last good sentence
	lag     time.Duration
	count   serial.Counters // the driver's, when they were looked at last
}

// trial is the time at one speed.
type trial struct {
	baud   int
	begin  time.Time
	first  time.Time // when the first byte came; zero before
	search bool      // others were tried before, and something came
	// judged says that the receiver has told of a moment, with a position or without.
	judged bool
}

// teller keeps a monitor from hearing of a reason that changes to and fro with each sentence: after two changes of the
// reason alone, the present one has to stand for a while.
type teller struct {
	told    time.Time // when it was told last
	changes int       // of the reason alone, since the state changed
}

// may reports whether the monitor, which has heard c, may be told now.
func (t *teller) may(c hardware.Condition, now time.Time, state hardware.State, fault hardware.Fault) bool {
	const calm, free = 10 * time.Second, 2
	switch {
	case c.State == state && c.Fault == fault:
	case c.State != state || now.Sub(t.told) >= calm:
		t.told, t.changes = now, 0
	case t.changes >= free:
		return false
	default:
		t.told, t.changes = now, t.changes+1
	}
	return true
}

func newListener(r *Receiver, s *serial.Session, log *slog.Logger) *listener {
	now := time.Now()
	l := &listener{r: r, s: s, log: log, good: now}
	l.count = l.counters()
	l.listenAt(r.speed.first(), now)
	return l
}

// listenAt begins anew at a speed.
func (l *listener) listenAt(baud int, now time.Time) {
	l.trial = trial{baud: baud, begin: now}
	l.seen, l.pending, l.garbled = 0, false, impression{}
	l.load = lineLoad{baud: baud}
	l.load.pause(now)
	l.dec = NewDecoder(l.event)
	l.dec.SetEarliest(l.r.cfg.Earliest)
}

// event takes what the decoder found.
func (l *listener) event(e Event) {
	if e.Kind == KindFault {
		l.garbled.add(e.Fault)
	}
	var came arrival
	if e.Kind == KindFix {
		came = l.arrived.of(e.Fix.Received)
		l.lag = 0
		if utc, ok := e.Fix.UTC(); ok && l.r.cfg.ClockGood() {
			l.lag = came.boxTime.Sub(utc)
		}
	}
	l.trial.judged = l.trial.judged || e.Kind == KindFix || e.Kind == KindNoFix
	l.r.take(e, came, l.load.saturated || !within(l.lag, maxLag))
}

// run listens until the port is lost or gives nothing of use. It always returns an error.
func (l *listener) run() error {
	l.r.speed.restart()
	// Keep opened the port at the speed that was first when it started; the search may have found a better one since.
	if l.trial.baud != l.s.Baud() {
		if err := l.s.SetBaud(l.trial.baud); err != nil {
			return err
		}
	}
	buf := make([]byte, readSize)
	for {
		n, err := l.s.ReadWithin(buf, l.wait())
		now := time.Now()
		if n > 0 {
			l.bytes(buf[:n], now)
		}
		if err != nil && hardware.FaultOf(err) != hardware.Silent {
			return err
		}
		if err != nil && l.pending && now.Sub(l.last) >= burstPause {
			l.dec.Flush()
			l.pending = false
			l.load.pause(now)
		}
		l.sentences(now)
		if err := l.judge(now); err != nil {
			return err
		}
	}
}

// wait is how long the next read may take: until something is due.
func (l *listener) wait() time.Duration {
	wait := min(lookInterval, time.Until(l.due()))
	if l.pending {
		wait = min(wait, burstPause)
	}
	return max(wait, time.Millisecond)
}

// due is when the present speed, or the port, is given up.
func (l *listener) due() time.Time {
	switch {
	case l.seen > 0 || !l.searching():
		return l.good.Add(l.r.cfg.Stall)
	case l.trial.first.IsZero():
		return l.trial.begin.Add(l.r.cfg.Stall / 2)
	}
	return l.trial.first.Add(l.r.cfg.Stall / 2) // which is two reports of most receivers
}

// bytes takes what has arrived.
func (l *listener) bytes(p []byte, now time.Time) {
	if l.trial.first.IsZero() {
		l.trial.first = now
	}
	l.last, l.pending = now, true
	l.load.bytes(len(p), now)
	l.garbled.see(p)
	l.arrived.add(arrival{now, l.r.cfg.Now(), l.r.asleep()})
	l.dec.Receive(p, now)
}

// sentences notes good sentences since the last call.
func (l *listener) sentences(now time.Time) {
	if l.dec.Sentences() == l.seen {
		return
	}
	if l.seen == 0 {
		if l.trial.baud != l.r.Heard().Baud {
			l.log.Info("gnss receiver talks", "baud", l.trial.baud)
		}
		l.r.speed.worked(l.trial.baud)
	}
	l.r.understood(l.dec.Sentences()-l.seen, l.dec.Last(), l.trial.baud)
	l.good, l.seen, l.garbled = now, l.dec.Sentences(), impression{}
}

// judge tells the monitor how the receiver stands, tries another speed, or gives the port up with an error.
func (l *listener) judge(now time.Time) error {
	due := now.After(l.due())
	switch {
	case l.seen > 0 && !due:
		l.tell(now)
		return nil
	case !due:
		return nil
	case l.seen > 0:
		return l.s.Stalled(l.garbled.fault(), fmt.Sprintf("no good sentence for %v", l.r.cfg.Stall))
	case l.garbled.readable():
		return l.s.Stalled(l.garbled.fault(), fmt.Sprintf(
			"no good sentence at %d baud, and that is the right speed for what comes", l.trial.baud))
	case l.searching():
		return l.trySpeed(now)
	}
	if l.r.Heard().Baud == 0 {
		l.r.speed.rotate()
	}
	return l.s.Stalled(hardware.Silent, fmt.Sprintf("no byte for %v at %d baud", l.r.cfg.Stall, l.trial.baud))
}

// searching reports whether the line is known to talk in a way nobody understands at this speed: bytes came now or at a
// speed that was tried before, or the driver has dropped characters without a stop bit.
func (l *listener) searching() bool {
	const many = 10 // plugging in makes one or two
	return !l.trial.first.IsZero() || l.trial.search || l.counters().Framing-l.count.Framing >= many
}

// trySpeed goes to the next speed, or gives the port up after the last one.
func (l *listener) trySpeed(now time.Time) error {
	seen := l.garbled.fault()
	if seen == hardware.Silent {
		seen = hardware.WrongBaud // a wrong speed can drop everything
	}
	if l.r.cfg.Monitor.Condition().State != hardware.StateGarbled { // or each round would be news
		l.s.Set(hardware.StateGarbled, seen, fmt.Sprintf("no good sentence at %d baud: trying other speeds", l.trial.baud))
	}
	for {
		baud, more := l.r.speed.advance(seen)
		if !more {
			const detail = "no speed gives a good sentence: is it a receiver, and does it send NMEA 0183?"
			return l.s.Stalled(l.r.speed.verdict(), detail)
		}
		err := l.s.SetBaud(baud)
		if err == nil {
			l.listenAt(baud, now)
			l.trial.search = true
			return nil
		}
		if hardware.FaultOf(err) != hardware.Unsupported { // by this driver: then the next one
			return err
		}
	}
}

// tell tells the monitor how a receiver stands that talks. It is live as long as Latest gives its fix.
func (l *listener) tell(now time.Time) {
	if !l.trial.judged && now.Sub(l.trial.begin) < l.r.cfg.Stall {
		return // its first report is not over
	}
	_, age, fault := l.r.Latest()
	switch {
	case fault == hardware.None:
		l.tellLive(now)
	case fault == hardware.Stale:
		l.set(now, hardware.StateStale, fault, fmt.Sprintf("the newest position is %v old", age.Round(time.Second)))
	default:
		l.set(now, hardware.StateNoFix, fault, "the receiver talks and has no position: "+
			"it needs a view of the sky, and up to 15 minutes after a cold start")
	}
}

// tellLive says what is wrong with a line that gives fixes all the same.
func (l *listener) tellLive(now time.Time) {
	before := l.count.Overruns
	l.count = l.counters()
	switch {
	case l.load.saturated:
		l.set(now, hardware.StateLive, hardware.Saturated, fmt.Sprintf("the line never pauses at %d baud, and what comes is late: "+
			"have the receiver send fewer kinds of sentences, or at a higher speed", l.trial.baud))
	case l.lag > maxLag:
		l.set(now, hardware.StateLive, hardware.LagHigh, fmt.Sprintf(
			"sentences come %v after the moment they speak of", l.lag.Round(100*time.Millisecond)))
	case l.count.Overruns != before:
		l.set(now, hardware.StateLive, hardware.Overrun, fmt.Sprintf(
			"%d characters were lost: the computer is too busy", l.count.Overruns-before))
	default:
		l.set(now, hardware.StateLive, hardware.None, "")
	}
}

// set tells the monitor, unless it was told too often.
func (l *listener) set(now time.Time, state hardware.State, fault hardware.Fault, detail string) {
	if l.teller.may(l.r.cfg.Monitor.Condition(), now, state, fault) {
		l.s.Set(state, fault, detail)
	}
}

// counters are the driver's, zero where it does not count.
func (l *listener) counters() serial.Counters {
	c, _ := l.s.Counters()
	return c
}
