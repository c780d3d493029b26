package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// fakePort is a port in the time of a synctest bubble, with devices at its other end.
type fakePort struct {
	mu      sync.Mutex // guards what follows
	in      []byte
	arrived chan struct{}
	devices func(req []byte, say func(after time.Duration, frame []byte)) // called for each Write
}

func newFakePort(devices func(req []byte, say func(after time.Duration, frame []byte))) *fakePort {
	return &fakePort{arrived: make(chan struct{}, 1), devices: devices}
}

func (p *fakePort) say(after time.Duration, frame []byte) {
	time.AfterFunc(after, func() {
		p.mu.Lock()
		p.in = append(p.in, frame...)
		p.mu.Unlock()
		select {
		case p.arrived <- struct{}{}:
		default:
		}
	})
}

func (p *fakePort) Write(b []byte) (int, error) {
	p.devices(b, p.say)
	return len(b), nil
}

func (p *fakePort) SetWriteDeadline(time.Time) error { return nil }

func (p *fakePort) ReadWithin(b []byte, wait time.Duration) (int, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		p.mu.Lock()
		n := copy(b, p.in)
		p.in = p.in[n:]
		p.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		select {
		case <-p.arrived:
		case <-timer.C:
			return 0, &serial.Error{Op: "read", Path: "fake", Fault: hardware.Silent, Err: os.ErrDeadlineExceeded}
		}
	}
}

const lineTimeout = 500 * time.Millisecond

// TestMaster_RandomLate asks three devices, at random registers, that answer, stay silent, refuse, or answer late, at
// random, and checks that each value is of the register it was asked for and of the last question. Every answer carries the
// number of its question, every register has answers of its own.
func TestMaster_RandomLate(t *testing.T) {
	const trials = 10_000
	for _, reach := range []time.Duration{3, 20} { // how many timeouts the latest answer is late
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(6, uint64(reach)))
			n := uint16(0)
			port := newFakePort(func(req []byte, say func(time.Duration, []byte)) {
				n++
				frame := good(req, n)
				switch random.IntN(20) {
				case 0, 1: // silent
				case 2, 3:
					say(time.Duration(random.Int64N(int64(reach*lineTimeout))), frame)
				case 4:
					frame[random.IntN(len(frame))] ^= 1 << random.IntN(8)
					say(time.Duration(random.Int64N(int64(lineTimeout/2))), frame)
				case 5:
					say(time.Duration(random.Int64N(int64(lineTimeout/2))), appendCRC([]byte{req[0], req[1] | 0x80, 6}))
				default:
					say(time.Duration(random.Int64N(int64(lineTimeout/2))), frame)
				}
			})
			m := newMaster(port, 9600, lineTimeout)
			values, wrong := 0, 0
			for range trials {
				req := Request{Address: uint8(1 + random.IntN(3)), Function: ReadInput, Register: uint16(random.IntN(4)), Count: 1}
				got, err := m.read(context.Background(), req)
				if err == nil {
					values++
					if got[0] != n {
						wrong++
					}
				}
				if random.IntN(2) == 0 {
					time.Sleep(time.Duration(random.Int64N(int64(5 * time.Second))))
				}
			}
			t.Logf("answers late by up to %d timeouts: %d requests, %d answered, %d with a late answer", reach, trials, values, wrong)
			if wrong > 0 && reach <= 3 || values < trials/2 {
				t.Errorf("%d late answers passed on, %d values in %d requests", wrong, values, trials)
			}
			time.Sleep(time.Minute) // for what is under way
		})
	}
}

// TestMaster_Neighbours measures what a device that is silent, or slower than the timeout, costs the two others on its line.
func TestMaster_Neighbours(t *testing.T) {
	for _, tt := range []struct {
		name  string
		late  time.Duration // of device 2; zero: silent
		pause time.Duration // between rounds
		most  time.Duration // that a good device may take
	}{
		{"silent, asked without a pause", 0, 0, lineTimeout / 10},
		{"silent, asked each 10 s", 0, 10 * time.Second, lineTimeout / 10},
		{"too slow by 100 ms", lineTimeout + 100*time.Millisecond, 10 * time.Second, 5 * lineTimeout},
		{"too slow by a whole timeout", 2 * lineTimeout, 10 * time.Second, 5 * lineTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				port := newFakePort(func(req []byte, say func(time.Duration, []byte)) {
					switch {
					case req[0] != 2:
						say(20*time.Millisecond, good(req, 55))
					case tt.late > 0:
						say(tt.late, good(req, 99))
					}
				})
				m := newMaster(port, 9600, lineTimeout)
				ask := func(address uint8) (time.Duration, error) {
					begin := time.Now()
					_, err := m.read(t.Context(), Request{Address: address, Function: ReadInput, Count: 1})
					return time.Since(begin), err
				}
				first, err := ask(1) // the line was just opened
				if err != nil {
					t.Fatal(err)
				}
				var most, silent time.Duration
				for range 20 {
					for address := uint8(1); address <= 3; address++ {
						took, err := ask(address)
						if address == 2 {
							silent = max(silent, took)
							continue
						}
						if most = max(most, took); err != nil {
							t.Errorf("device %d: %v", address, err)
						}
					}
					time.Sleep(tt.pause)
				}
				t.Logf("first reading of the line %v; then a good device at most %v, the bad one %v (timeout %v)", first, most, silent, lineTimeout)
				if most > tt.most {
					t.Errorf("a good device took %v, want at most %v", most, tt.most)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestBus_Rest: a silent device is asked rarely, and says why.
func TestBus_Rest(t *testing.T) {
	asked := make(chan uint8, 1000)
	s := newSlave(t, func(_ int, req []byte) []byte {
		asked <- req[0]
		if req[0] == 2 {
			return nil
		}
		return good(req, 55)
	})
	bus := newTestBus(t, s.tty.Path())
	var probes []*TemperatureProbe
	for address := uint8(1); address <= 2; address++ {
		p, err := bus.Probe(ProbeConfig{Address: address, Decode: PT100Tenth})
		if err != nil {
			t.Fatal(err)
		}
		probes = append(probes, p)
	}
	var detail string
	const rounds = 40
	for range rounds {
		if s := probes[0].Read(t.Context()); s.Fault != hardware.None {
			t.Errorf("good device: %+v", s)
		}
		s := probes[1].Read(t.Context())
		if s.Fault != hardware.Timeout || s.Temp != 0 {
			t.Errorf("silent device: %+v, want timeout", s)
		}
		detail = s.Detail
	}
	count := map[uint8]int{}
	for len(asked) > 0 {
		count[<-asked]++
	}
	t.Logf("%d rounds: good device asked %d times, silent one %d times; %s", rounds, count[1], count[2], detail)
	if count[2] > rounds/3 || count[1] < rounds {
		t.Errorf("asked %v, want the silent one rarely", count)
	}
}

// TestBus_Rest_line: when nobody on a line answers nobody rests, so that the first round after a loose cable has values.
func TestBus_Rest_line(t *testing.T) {
	var mute atomic.Bool
	s := newSlave(t, func(_ int, req []byte) []byte {
		if mute.Load() {
			return nil
		}
		return good(req, 55)
	})
	bus := newTestBus(t, s.tty.Path())
	var probes []*TemperatureProbe
	for address := uint8(1); address <= 2; address++ {
		p, err := bus.Probe(ProbeConfig{Address: address, Decode: PT100Tenth})
		if err != nil {
			t.Fatal(err)
		}
		probes = append(probes, p)
	}
	round := func(when string, want hardware.Fault) {
		t.Helper()
		for i, p := range probes {
			if s := p.Read(t.Context()); s.Fault != want {
				t.Errorf("%s: probe %d: %+v, want %v", when, i, s, want)
			}
		}
	}
	round("at first", hardware.None)
	mute.Store(true)
	for range 10 {
		round("cut", hardware.Timeout)
	}
	mute.Store(false)
	round("back", hardware.None)
}

// TestBus_Monitor: one device that answers keeps the line live; none makes it silent or garbled.
func TestBus_Monitor(t *testing.T) {
	var mu sync.Mutex
	talks := map[uint8]bool{1: true}
	garbled := false
	s := newSlave(t, func(_ int, req []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case garbled:
			return []byte("login: ")
		case talks[req[0]]:
			return good(req, 55)
		}
		return nil
	})
	monitor := hardware.NewMonitor("line", time.Now, nil)
	device := hardware.NewMonitor("probe 1", time.Now, nil)
	bus := NewBus(BusConfig{Path: s.tty.Path(), Timeout: testTimeout, Monitor: monitor})
	defer bus.Close()
	var probes []*TemperatureProbe
	for address := uint8(1); address <= 2; address++ {
		cfg := ProbeConfig{Address: address, Decode: PT100Tenth}
		if address == 1 {
			cfg.Monitor = device
		}
		p, err := bus.Probe(cfg)
		if err != nil {
			t.Fatal(err)
		}
		probes = append(probes, p)
	}
	round := func(n int) {
		for range n {
			for _, p := range probes {
				p.Read(t.Context())
			}
		}
	}
	is := func(want hardware.State) {
		t.Helper()
		if c := monitor.Condition(); c.State != want {
			t.Errorf("line is %v (%v), want %v", c.State, c.Fault, want)
		}
	}
	is(hardware.StateDown)
	round(2)
	is(hardware.StateLive)
	mu.Lock()
	talks[1] = false
	mu.Unlock()
	round(3)
	is(hardware.StateSilent)
	mu.Lock()
	talks[1] = true
	mu.Unlock()
	readUntil(t, probes[0], hardware.None, 5_500)
	is(hardware.StateLive)
	mu.Lock()
	garbled = true
	mu.Unlock()
	round(3)
	is(hardware.StateGarbled)
	if err := s.tty.Close(); err != nil {
		t.Fatal(err)
	}
	round(1)
	is(hardware.StateDown)
	if c := device.Condition(); c.State != hardware.StateDown {
		t.Errorf("device is %v, want down", c.State)
	}
}

// TestTemperatureProbe_Offset: an XY-MD02 adds a correction of its own, which hides an error.
func TestTemperatureProbe_Offset(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(req []byte) []byte
		doubt  hardware.Fault
	}{
		{"zero", func(req []byte) []byte { return good(req, 0) }, hardware.None},
		{"one degree", func(req []byte) []byte { return good(req, 10) }, hardware.OffsetChanged},
		{"minus one tenth", func(req []byte) []byte { return good(req, 0xFFFF) }, hardware.OffsetChanged},
		{"no such register", func(req []byte) []byte { return appendCRC([]byte{req[0], req[1] | 0x80, 2}) }, hardware.None},
		{"silent", func([]byte) []byte { return nil }, hardware.None},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSlave(t, func(_ int, req []byte) []byte {
				if req[1] == byte(ReadHolding) && binary.BigEndian.Uint16(req[2:]) == 0x0103 {
					return tt.answer(req)
				}
				return good(req, 55)
			})
			bus := newTestBus(t, s.tty.Path())
			p, err := bus.Probe(ProbeConfig{Address: 1, Decode: XYMD02})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // read at open, and remembered
				got := p.Read(t.Context())
				if got.Temp != 5_500 || got.Fault != hardware.None || got.Doubt != tt.doubt || (got.Detail == "") != (tt.doubt == hardware.None) {
					t.Errorf("sample %+v, want 5.5 °C and doubt %v", got, tt.doubt)
				}
				if got.Raw != "04@0x0001: 0x0037 0x0037" {
					t.Errorf("raw %q", got.Raw)
				}
			}
		})
	}
}

// TestTemperatureProbe_OffsetChanges: somebody changes the correction on the way, and sets it back.
func TestTemperatureProbe_OffsetChanges(t *testing.T) {
	offsets := []uint16{0, 5, 0}
	var mu sync.Mutex
	n := 0
	s := newSlave(t, func(_ int, req []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		if binary.BigEndian.Uint16(req[2:]) == 0x0103 {
			return good(req, offsets[n])
		}
		return good(req, 55)
	})
	bus := newTestBus(t, s.tty.Path())
	p, err := bus.Probe(ProbeConfig{Address: 1, Decode: XYMD02})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []hardware.Fault{hardware.None, hardware.OffsetChanged, hardware.None} {
		mu.Lock()
		n = i
		mu.Unlock()
		p.mu.Lock()
		p.offset.due = time.Time{} // as after ten minutes
		p.mu.Unlock()
		if got := p.Read(t.Context()); got.Doubt != want {
			t.Errorf("offset %d: doubt %v, want %v", offsets[i], got.Doubt, want)
		}
	}
}

func TestBus_ReadEnded(t *testing.T) {
	s := newSlave(t, func(_ int, req []byte) []byte { return good(req, 1) })
	bus := newTestBus(t, s.tty.Path())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bus.Read(ctx, Request{Address: 1, Function: ReadInput, Count: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
}

// TestBus_RS485: what the port's driver can't do is said, not passed over.
func TestBus_RS485(t *testing.T) {
	s := newSlave(t, func(_ int, req []byte) []byte { return good(req, 1) })
	bus := NewBus(BusConfig{Path: s.tty.Path(), RS485: true})
	defer bus.Close()
	if _, err := bus.Read(t.Context(), Request{Address: 1, Function: ReadInput, Count: 1}); hardware.FaultOf(err) != hardware.Unsupported {
		t.Errorf("error %v, want unsupported", err)
	}
}
