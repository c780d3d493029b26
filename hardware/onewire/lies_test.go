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
// one end, the simulated bridge the other.
type memoryLine struct {
	toDevice, toDriver chan byte
	done               chan struct{}
	baud               atomic.Int64 // of the driver's end
	close              sync.Once
	spoil              func(answer []byte) ([]byte, time.Duration) // what the line does to an answer
	spoilCommand       func(sent []byte) []byte
}

func newMemoryLine() *memoryLine {
	const room = 1 << 16 // more than any test leaves unread
	return &memoryLine{toDevice: make(chan byte, room), toDriver: make(chan byte, room), done: make(chan struct{})}
}

// ReadWithin, Write and the rest are the driver's end.
func (l *memoryLine) ReadWithin(p []byte, wait time.Duration) (int, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case p[0] = <-l.toDriver:
	case <-timer.C:
		return 0, &serial.Error{Op: "read", Path: "memory", Fault: hardware.Silent, Err: context.DeadlineExceeded}
	}
	for n := 1; n < len(p); n++ {
		select {
		case p[n] = <-l.toDriver:
		default:
			return n, nil
		}
	}
	return len(p), nil
}

func (l *memoryLine) Write(p []byte) (int, error) {
	sent := p
	if l.spoilCommand != nil {
		sent = l.spoilCommand(append([]byte(nil), p...))
	}
	for _, b := range sent {
		l.toDevice <- b
	}
	return len(p), nil
}

func (l *memoryLine) SetWriteDeadline(time.Time) error { return nil }
func (l *memoryLine) SetBaud(baud int) error           { l.baud.Store(int64(baud)); return nil }
func (l *memoryLine) Flush() error                     { return nil }

// memoryDevice is the simulated bridge's end.
type memoryDevice struct{ *memoryLine }

func (d memoryDevice) Read(p []byte) (int, error) {
	select {
	case p[0] = <-d.toDevice:
	case <-d.done:
		return 0, io.EOF
	}
	for n := 1; n < len(p); n++ {
		select {
		case p[n] = <-d.toDevice:
		default:
			return n, nil
		}
	}
	return len(p), nil
}

func (d memoryDevice) Write(p []byte) (int, error) {
	answer := append([]byte(nil), p...)
	if d.spoil != nil && len(p) > 0 {
		var late time.Duration
		answer, late = d.spoil(answer)
		time.Sleep(late) // in a bubble
	}
	for _, b := range answer {
		d.toDriver <- b
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

func (s spoiler) bytes(p []byte) []byte {
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

func (s spoiler) answer(p []byte) ([]byte, time.Duration) {
	switch s.r.IntN(12) {
	case 0:
		return s.bytes(p), 0
	case 1: // late, up to several timeouts; what follows waits behind it
		return p, time.Duration(s.r.Int64N(int64(3 * defaultTimeout)))
	}
	return p, 0
}

// TestBridge_NoLies makes a seeded random choice of faults for each trial: of the probes, of the wire, of the bridge, and of
// single bytes on the line. Each trial has its own true temperatures, so that an old value shows.
func TestBridge_NoLies(t *testing.T) {
	const trials = 20_000
	const well = sim.OneWireWell
	faults := []sim.OneWireFault{well, well, well, well, well, well, well, well, well, well, sim.OneWireGone, sim.OneWireWrongCRC,
		sim.OneWirePowerOn, sim.OneWireZeros, sim.OneWireOnes, sim.OneWireNoPower, sim.OneWireIDChanged, sim.OneWireNeverReady}
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		truth := make([]hardware.Temperature, 3)
		var mu sync.Mutex // guards truth
		var probes []sim.OneWireProbe
		for i := range truth {
			probes = append(probes, sim.OneWireProbe{ID: testIDs[i], Parasite: i == 2, Conversion: conversion,
				Temperature: func() hardware.Temperature { mu.Lock(); defer mu.Unlock(); return truth[i] }})
		}
		bus, err := sim.NewOneWireBus(probes...)
		if err != nil {
			t.Fatal(err)
		}
		line := newMemoryLine()
		ended := make(chan struct{})
		go func() { // ends with Close
			defer close(ended)
			_ = sim.ServeOneWire(context.Background(), memoryDevice{line}, bus)
		}()
		b := bridgeOn(line)
		values, lies, seen := 0, 0, map[hardware.Fault]int{}
		for trial := range trials {
			mu.Lock()
			for i := range truth {
				// No sentinel, and a whole number of sixteenths that ends in no half thousandth.
				truth[i] = 125 * hardware.Temperature(1+(trial*len(truth)+i)%640)
			}
			want := append([]hardware.Temperature(nil), truth...)
			mu.Unlock()
			wrong := make([]sim.OneWireFault, len(truth))
			for i := range wrong {
				wrong[i] = faults[r.IntN(len(faults))]
				bus.SetProbe(i, wrong[i])
			}
			bus.SetBus(sim.OneWireBusFault(max(0, r.IntN(20)-17)))
			bus.SetSilent(r.IntN(25) == 0)
			bus.SetHalf(r.IntN(25) == 0)
			bus.SetLate(0)
			if r.IntN(25) == 0 {
				bus.SetLate(time.Duration(r.Int64N(int64(2 * time.Second))))
			}
			if r.IntN(20) == 0 {
				bus.Unpower()
			}
			s := spoiler{rand.New(rand.NewPCG(3, uint64(trial)))}
			line.spoil, line.spoilCommand = nil, nil
			if r.IntN(2) == 0 {
				line.spoil = s.answer
			}
			if r.IntN(8) == 0 {
				c := spoiler{rand.New(rand.NewPCG(4, uint64(trial)))}
				line.spoilCommand = func(p []byte) []byte {
					if c.r.IntN(12) == 0 {
						return c.bytes(p)
					}
					return p
				}
			}
			for i := range truth {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				sample := testProbe(t, b, testIDs[i]).Read(ctx)
				cancel()
				got, ok := sample.Value()
				seen[sample.Fault]++
				if ok {
					values++
				}
				if ok && (got != want[i] || wrong[i] != sim.OneWireWell) {
					lies++
					t.Errorf("trial %d, probe %d with fault %d: got %v, true %v, raw %s", trial, i, wrong[i], got, want[i], sample.Raw)
				}
			}
			time.Sleep(shareFor + 100*time.Millisecond) // so that no conversion serves two trials
		}
		_ = memoryDevice{line}.Close() // never fails
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
