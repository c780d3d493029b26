package onewire

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
	"isotherm/hardware/sim"
)

// memoryLine is a serial line without a kernel, so that thousands of timeouts pass in a synctest bubble. The driver has
// one end, the simulated bridge the other. What is written in one go arrives in one piece, so that a seed always gives the
// same trials.
type memoryLine struct {
	toDevice, toDriver chan []byte
	unread             []byte // of the piece that the driver reads
	done               chan struct{}
	baud               atomic.Int64 // of the driver's end
	close              sync.Once
	spoil              atomic.Pointer[spoiler] // what the line does to answers; nil for nothing
	spoilCommand       *spoiler                // to commands
}

func newMemoryLine() *memoryLine {
	const room = 1 << 12 // pieces; more than any test leaves unread
	return &memoryLine{toDevice: make(chan []byte, room), toDriver: make(chan []byte, room), done: make(chan struct{})}
}

// ReadWithin, Write and the rest are the driver's end.
func (l *memoryLine) ReadWithin(p []byte, wait time.Duration) (int, error) {
	if len(l.unread) == 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case l.unread = <-l.toDriver:
		case <-timer.C:
			return 0, &serial.Error{Op: "read", Path: "memory", Fault: hardware.Silent, Err: context.DeadlineExceeded}
		}
	}
	n := copy(p, l.unread)
	l.unread = l.unread[n:]
	return n, nil
}

func (l *memoryLine) Write(p []byte) (int, error) {
	sent := append([]byte(nil), p...)
	if l.spoilCommand != nil {
		sent = l.spoilCommand.command(sent)
	}
	if len(sent) > 0 {
		l.toDevice <- sent
	}
	return len(p), nil
}

func (l *memoryLine) SetWriteDeadline(time.Time) error { return nil }
func (l *memoryLine) SetBaud(baud int) error           { l.baud.Store(int64(baud)); return nil }

// memoryDevice is the simulated bridge's end.
type memoryDevice struct{ *memoryLine }

func (d memoryDevice) Read(p []byte) (int, error) {
	select {
	case piece := <-d.toDevice:
		return copy(p, piece), nil // which no piece fills
	case <-d.done:
		return 0, io.EOF
	}
}

func (d memoryDevice) Write(p []byte) (int, error) {
	answer := append([]byte(nil), p...)
	if len(p) == 0 {
		return 0, nil
	}
	if s := d.spoil.Load(); s != nil {
		var late time.Duration
		answer, late = s.answer(answer)
		time.Sleep(late) // in a bubble
	}
	if len(answer) > 0 {
		d.toDriver <- answer
	}
	return len(p), nil
}

// Baud is how the simulated bridge sees that the driver resets it.
func (d memoryDevice) Baud() (int, error) { return int(d.baud.Load()), nil }

func (d memoryDevice) Close() error {
	d.memoryLine.close.Do(func() { close(d.done) })
	return nil
}

// bridgeOn puts a bridge's driver on a memory line.
func bridgeOn(l *memoryLine) *Bridge {
	b := NewBridge(BridgeConfig{Path: "memory"})
	dirty := true
	b.use = func(ctx context.Context, exchange func(ctx context.Context, p port, dirty bool) error) error {
		err := exchange(ctx, l, dirty)
		dirty = err != nil
		return err
	}
	return b
}

// spoiler damages what passes a line, in one place at most each time.
type spoiler struct{ r *rand.Rand }

func (s *spoiler) bytes(p []byte) []byte {
	i := s.r.IntN(len(p))
	switch s.r.IntN(5) {
	case 0: // a byte is lost
		return append(p[:i], p[i+1:]...)
	case 1: // a byte comes twice
		return append(p[:i+1], p[i:]...)
	case 2: // a byte is damaged
		p[i] ^= byte(1 + s.r.IntN(255))
	case 3: // a byte comes from nowhere
		return append(p[:i], append([]byte{byte(s.r.Uint32())}, p[i:]...)...)
	case 4: // the rest is lost
		return p[:i]
	}
	return p
}

func (s *spoiler) command(p []byte) []byte {
	if s.r.IntN(12) == 0 {
		return s.bytes(p)
	}
	return p
}

func (s *spoiler) answer(p []byte) ([]byte, time.Duration) {
	switch s.r.IntN(12) {
	case 0:
		return s.bytes(p), 0
	case 1: // late, up to several timeouts; what follows waits behind it
		return p, time.Duration(s.r.Int64N(int64(3 * defaultTimeout)))
	}
	return p, 0
}

// liar is a bus with three probes that is given random faults, and knows the true temperatures.
type liar struct {
	r    *rand.Rand
	bus  *sim.OneWireBus
	line *memoryLine

	mu    sync.Mutex // guards truth
	truth []hardware.Temperature
	wrong []sim.OneWireFault // of the probes in this trial
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	l := &liar{r: rand.New(rand.NewPCG(1, 2)), line: newMemoryLine(), truth: make([]hardware.Temperature, 3), wrong: make([]sim.OneWireFault, 3)}
	var probes []sim.OneWireProbe
	for i := range l.truth {
		probes = append(probes, sim.OneWireProbe{ID: testIDs[i], Parasite: i == 2, Conversion: conversion,
			Temperature: func() hardware.Temperature { l.mu.Lock(); defer l.mu.Unlock(); return l.truth[i] }})
	}
	var err error
	if l.bus, err = sim.NewOneWireBus(probes...); err != nil {
		t.Fatal(err)
	}
	return l
}

// next changes all temperatures, to none that another trial near had, and chooses faults.
func (l *liar) next(trial int) {
	const well = sim.OneWireWell
	faults := []sim.OneWireFault{well, well, well, well, well, well, well, well, well, well, sim.OneWireGone, sim.OneWireWrongCRC,
		sim.OneWirePowerOn, sim.OneWireZeros, sim.OneWireOnes, sim.OneWireNoPower, sim.OneWireIDChanged, sim.OneWireNeverReady}
	l.mu.Lock()
	for i := range l.truth {
		l.truth[i] = 125 * hardware.Temperature(1+(trial*len(l.truth)+i)%640)
	}
	l.mu.Unlock()
	for i := range l.wrong {
		l.wrong[i] = faults[l.r.IntN(len(faults))]
		l.bus.SetProbe(i, l.wrong[i])
	}
	l.bus.SetBus(sim.OneWireBusFault(max(0, l.r.IntN(20)-17)))
	l.bus.SetSilent(l.r.IntN(25) == 0)
	l.bus.SetHalf(l.r.IntN(25) == 0)
	l.bus.SetLate(0)
	if l.r.IntN(25) == 0 {
		l.bus.SetLate(time.Duration(l.r.Int64N(int64(2 * time.Second))))
	}
	if l.r.IntN(20) == 0 {
		l.bus.Unpower()
	}
	l.line.spoil.Store(nil)
	l.line.spoilCommand = nil
	if l.r.IntN(2) == 0 {
		l.line.spoil.Store(&spoiler{rand.New(rand.NewPCG(3, uint64(trial)))})
	}
	if l.r.IntN(8) == 0 {
		l.line.spoilCommand = &spoiler{rand.New(rand.NewPCG(4, uint64(trial)))}
	}
}

// TestBridge_NoLies makes a seeded random choice of faults for each trial: of the probes, of the wire, of the bridge, and of
// single bytes on the line. Each trial has its own true temperatures, so that an old value shows.
func TestBridge_NoLies(t *testing.T) {
	// Of a million such trials one gave old values: a doubled bit of a command, and the echo of the double lost as well.
	const trials = 6000
	synctest.Test(t, func(t *testing.T) {
		l := newLiar(t)
		ended := make(chan struct{})
		go func() { // ends with Close
			defer close(ended)
			_ = sim.ServeOneWire(context.Background(), memoryDevice{l.line}, l.bus)
		}()
		b := bridgeOn(l.line)
		values, lies, seen := 0, 0, map[hardware.Fault]int{}
		for trial := range trials {
			synctest.Wait() // the device is not in the middle of something
			l.next(trial)
			for i, want := range l.truth {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				sample := testProbe(t, b, testIDs[i]).Read(ctx)
				cancel()
				got, ok := sample.Value()
				seen[sample.Fault]++
				if ok {
					values++
				}
				if ok && (got != want || l.wrong[i] != sim.OneWireWell) {
					lies++
					t.Errorf("trial %d, probe %d with fault %d: got %v, true %v, raw %s", trial, i, l.wrong[i], got, want, sample.Raw)
				}
			}
			time.Sleep(shareFor + 100*time.Millisecond) // so that no conversion serves two trials
		}
		_ = memoryDevice{l.line}.Close() // never fails
		<-ended
		t.Logf("%d trials with 3 probes: %d temperatures, all true but %d; faults %v", trials, values, lies, seen)
		if values < trials/2 {
			t.Errorf("only %d temperatures: the trials prove little", values)
		}
	})
}

// TestScratchpad_Random says how much the checksum leaves to chance when all nine bytes are noise.
func TestScratchpad_Random(t *testing.T) {
	const trials = 1_000_000
	r := rand.New(rand.NewPCG(5, 6))
	accepted := 0
	for range trials {
		var s scratchpad
		for i := range s {
			s[i] = byte(r.Uint32())
		}
		if _, fault := s.decode(familyDS18B20); fault == hardware.None {
			accepted++
		}
	}
	t.Logf("%d of %d scratchpads of pure noise are accepted", accepted, trials)
	if accepted > trials/4096 {
		t.Errorf("%d of %d accepted: a check is missing", accepted, trials)
	}
}
