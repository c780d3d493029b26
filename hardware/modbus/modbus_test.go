package modbus

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
	"isotherm/hardware/serial"
	"isotherm/hardware/sim"
)

const testTimeout = 250 * time.Millisecond // of devices on pseudo-terminals; a loaded machine answers late

// slave is a scripted device: answer gets the number of the request, from 1, and the
// request, and returns the bytes to send.
type slave struct {
	tty    *sim.PTY
	answer func(n int, req []byte) []byte
	done   chan struct{}
}

func newSlave(t *testing.T, answer func(n int, req []byte) []byte) *slave {
	t.Helper()
	tty, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	s := &slave{tty: tty, answer: answer, done: make(chan struct{})}
	go s.run() // ends when tty closes
	t.Cleanup(func() {
		_ = tty.Close() // tests unplug it themselves
		<-s.done
	})
	return s
}

func (s *slave) run() {
	defer close(s.done)
	var req [8]byte
	for n := 1; ; n++ {
		for got := 0; got < len(req); {
			more, err := s.tty.Read(req[got:])
			if err != nil {
				return
			}
			got += more
		}
		if _, err := s.tty.Write(s.answer(n, req[:])); err != nil {
			return
		}
	}
}

// good answers a request with value in every register.
func good(req []byte, value uint16) []byte {
	count := binary.BigEndian.Uint16(req[4:])
	frame := []byte{req[0], req[1], byte(2 * count)}
	for range count {
		frame = binary.BigEndian.AppendUint16(frame, value)
	}
	return appendCRC(frame)
}

func newTestBus(t *testing.T, path string) *Bus {
	t.Helper()
	bus := NewBus(BusConfig{Path: path, Timeout: testTimeout})
	t.Cleanup(func() {
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
	return bus
}

func TestCRC16(t *testing.T) {
	// Example frames of the Modbus literature, and the standard check value.
	for _, frame := range []string{
		"\x01\x03\x00\x00\x00\x0A\xC5\xCD",
		"\x11\x03\x00\x6B\x00\x03\x76\x87",
		"123456789\x37\x4B",
	} {
		if !crcGood([]byte(frame)) {
			t.Errorf("% x: checksum is not accepted", frame)
		}
		if damaged := "\x7F" + frame[1:]; crcGood([]byte(damaged)) {
			t.Errorf("% x: checksum is accepted", damaged)
		}
	}
}

func TestMaster_BadAnswers(t *testing.T) {
	req := Request{Address: 7, Function: ReadInput, Register: 1, Count: 2}
	frame := func(b ...byte) func([]byte) []byte { return func([]byte) []byte { return appendCRC(b) } }
	edit := func(fn func(ok []byte) []byte) func([]byte) []byte {
		return func(req []byte) []byte { return fn(good(req, 0xBAD)) }
	}
	tests := []struct {
		name   string
		answer func(req []byte) []byte
		want   hardware.Fault
	}{
		{"nothing", func([]byte) []byte { return nil }, hardware.Timeout},
		{"wrong address", frame(8, 4, 4, 0, 1, 0, 2), hardware.WrongAddress},
		{"wrong function", frame(7, 3, 4, 0, 1, 0, 2), hardware.WrongFunction},
		{"exception", frame(7, 0x84, 2), hardware.Exception},
		{"exception of another function", frame(7, 0x83, 2), hardware.WrongFunction},
		{"exception of another device", frame(8, 0x84, 2), hardware.WrongAddress},
		{"exception damaged", func([]byte) []byte { return []byte{7, 0x84, 2, 0, 0} }, hardware.CRCBad},
		{"one register", frame(7, 4, 2, 0, 1), hardware.WrongLength},
		{"three registers", frame(7, 4, 6, 0, 1, 0, 2, 0, 3), hardware.WrongLength},
		{"byte count odd", frame(7, 4, 3, 0, 1, 0, 2), hardware.WrongLength},
		{"byte count 0", frame(7, 4, 0), hardware.WrongLength},
		{"byte count 255", frame(7, 4, 255, 0, 1, 0, 2), hardware.WrongLength},
		{"checksum swapped", edit(func(b []byte) []byte {
			b[len(b)-1], b[len(b)-2] = b[len(b)-2], b[len(b)-1]
			return b
		}), hardware.CRCBad},
		{"bit flipped", edit(func(b []byte) []byte { b[4] ^= 1; return b }), hardware.CRCBad},
		{"one byte", edit(func(b []byte) []byte { return b[:1] }), hardware.Truncated},
		{"short by one", edit(func(b []byte) []byte { return b[:len(b)-1] }), hardware.Truncated},
		{"short by two", edit(func(b []byte) []byte { return b[:len(b)-2] }), hardware.Truncated},
		{"short by three", edit(func(b []byte) []byte { return b[:len(b)-3] }), hardware.Truncated},
		{"short by four", edit(func(b []byte) []byte { return b[:len(b)-4] }), hardware.Truncated},
		{"short by five", edit(func(b []byte) []byte { return b[:len(b)-5] }), hardware.Truncated},
		{"short by six", edit(func(b []byte) []byte { return b[:len(b)-6] }), hardware.Truncated},
		{"short by seven", edit(func(b []byte) []byte { return b[:len(b)-7] }), hardware.Truncated},
		{"two slaves overlapped", edit(func(b []byte) []byte { // the levels of both on the line
			for i, c := range good([]byte{9, 4, 0, 1, 0, 2}, 0x1234) {
				b[i] &= c
			}
			return b
		}), hardware.CRCBad},
		{"two slaves one after the other", edit(func(b []byte) []byte { return append(b, good([]byte{7, 4, 0, 1, 0, 2}, 1)...) }), hardware.WrongLength},
		{"all ones", func([]byte) []byte { return bytes.Repeat([]byte{0xFF}, 9) }, hardware.CRCBad},
		{"extra byte", edit(func(b []byte) []byte { return append(b, 0) }), hardware.WrongLength},
		{"twice", edit(func(b []byte) []byte { return append(b, b...) }), hardware.WrongLength},
		{"noise before", edit(func(b []byte) []byte { return append([]byte{0xFF}, b...) }), hardware.CRCBad},
		{"own echo", func(req []byte) []byte { return bytes.Clone(req) }, hardware.WrongLength},
		{"all zero", func([]byte) []byte { return make([]byte, 9) }, hardware.CRCBad},
		{"console text", func([]byte) []byte { return []byte("raspberrypi login: ") }, hardware.CRCBad},
		{"flood", func([]byte) []byte { return bytes.Repeat([]byte{0x55}, 600) }, hardware.CRCBad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := uint16(0)
				bus := newMaster(newFakePort(func(req []byte, say func(time.Duration, []byte)) {
					if n++; n == 3 { // 1 and 2 are the first, throw-away pair
						say(time.Millisecond, tt.answer(req))
						return
					}
					say(time.Millisecond, good(req, n))
				}), 9600, lineTimeout)
				if got, err := bus.read(t.Context(), req); err != nil || !cmp.Equal(got, []uint16{2, 2}) {
					t.Fatalf("good answer: %v, %v", got, err)
				}
				got, err := bus.read(t.Context(), req)
				e, ok := errors.AsType[*Error](err)
				if !ok || e.Fault != tt.want || got != nil {
					t.Errorf("read = %v, %v, want fault %v", got, err, tt.want)
				}
				if tt.want == hardware.Exception && (e.Exception != 2 || !strings.Contains(err.Error(), "exception 2")) {
					t.Errorf("exception code %d in %q, want 2", e.Exception, err)
				}
				if got, err := bus.read(t.Context(), req); err != nil || len(got) != 2 || got[0] == 0xBAD {
					t.Errorf("after it: %v, %v, want values", got, err)
				}
			})
		})
	}
}

// TestError_exceptions names each refusal that the standard knows.
func TestError_exceptions(t *testing.T) {
	req := Request{Address: 7, Function: ReadInput, Register: 1, Count: 1}
	for code := uint8(1); code <= 11; code++ {
		values, err := parse(req, appendCRC([]byte{7, 0x84, code}))
		if values != nil || err == nil || err.Fault != hardware.Exception || err.Exception != code {
			t.Fatalf("exception %d: %v, %v", code, values, err)
		}
		if named := !strings.Contains(err.Error(), "not in the standard"); named != (code != 9) {
			t.Errorf("exception %d: %v", code, err)
		}
	}
}

// TestMaster_LateReply: register 1 holds 100 and register 2 holds 200, and the device is
// late with 100. A master that takes what comes reads 100 from register 2, and the
// answer has the right address, function and length.
func TestMaster_LateReply(t *testing.T) {
	byRegister := func(req []byte) []byte { return good(req, 100*binary.BigEndian.Uint16(req[2:])) }
	late := func(req []byte) []byte { return good(req, 100) }
	tests := []struct {
		name   string
		answer func(n int, req []byte) []byte // from request 4 on, which follows the timeout
		want   []hardware.Fault               // of the reads of register 2
	}{
		{"instead of the next", func(n int, req []byte) []byte {
			if n == 4 {
				return late(req)
			}
			return byRegister(req)
		}, []hardware.Fault{hardware.None}},
		{"right before the next", func(n int, req []byte) []byte {
			if n == 4 {
				return append(late(req), byRegister(req)...)
			}
			return byRegister(req)
		}, []hardware.Fault{hardware.WrongLength, hardware.None}},
		{"in time but after", func(n int, req []byte) []byte { return byRegister(req) }, []hardware.Fault{hardware.None}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				m := newMaster(newFakePort(func(req []byte, say func(time.Duration, []byte)) {
					switch n++; {
					case n < 3:
						say(time.Millisecond, byRegister(req))
					case n > 3:
						say(time.Millisecond, tt.answer(n, req))
					}
				}), 9600, lineTimeout)
				one := Request{Address: 1, Function: ReadHolding, Register: 1, Count: 1}
				two := Request{Address: 1, Function: ReadHolding, Register: 2, Count: 1}
				if _, err := m.read(t.Context(), one); err != nil {
					t.Fatal(err)
				}
				if _, err := m.read(t.Context(), one); hardware.FaultOf(err) != hardware.Timeout {
					t.Fatalf("error %v, want a timeout", err)
				}
				for i, want := range tt.want {
					got, err := m.read(t.Context(), two)
					if want != hardware.None {
						if hardware.FaultOf(err) != want {
							t.Errorf("read %d: %v, %v, want %v", i, got, err, want)
						}
					} else if err != nil || !cmp.Equal(got, []uint16{200}) {
						t.Errorf("read %d: %v, %v, want 200", i, got, err)
					}
				}
			})
		})
	}
}

// TestMaster_LateReplyAfterAnswer: the throw-away request gets the straggler, and its own
// answer comes while the master still listens.
func TestMaster_LateReplyAfterAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		m := newMaster(newFakePort(func(req []byte, say func(time.Duration, []byte)) {
			if n++; n == 1 {
				say(time.Millisecond, good(req, 100))
				say(lineTimeout/2, good(req, 200))
				return
			}
			say(time.Millisecond, good(req, 200))
		}), 9600, lineTimeout)
		req := Request{Address: 1, Function: ReadHolding, Register: 2, Count: 1}
		if got, err := m.read(t.Context(), req); hardware.FaultOf(err) != hardware.LateReply {
			t.Errorf("read = %v, %v, want late_reply", got, err)
		}
		if got, err := m.read(t.Context(), req); err != nil || !cmp.Equal(got, []uint16{200}) {
			t.Errorf("read = %v, %v, want 200", got, err)
		}
	})
}

// TestBus_Cancelled: a request that its caller gave up is still under way in the
// device, so its answer is as late as one after a timeout.
func TestBus_Cancelled(t *testing.T) {
	asked := make(chan struct{}, 1)
	s := newSlave(t, func(n int, req []byte) []byte {
		switch n {
		case 3:
			asked <- struct{}{}
			return nil
		case 4:
			return good(req, 100) // the answer to request 3
		}
		return good(req, 200)
	})
	bus := newTestBus(t, s.tty.Path())
	req := Request{Address: 1, Function: ReadHolding, Register: 2, Count: 1}
	if _, err := bus.Read(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }() // ends with the third request
	if _, err := bus.Read(ctx, req); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want canceled", err)
	}
	if got, err := bus.Read(t.Context(), req); err != nil || !cmp.Equal(got, []uint16{200}) {
		t.Errorf("Read = %v, %v, want 200", got, err)
	}
}

func TestBus_Babble(t *testing.T) {
	s := newSlave(t, func(int, []byte) []byte { return nil })
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() { // ends with stop
		defer close(ended)
		ticker := time.NewTicker(testTimeout / 4)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				_, _ = s.tty.Write([]byte("x")) // lost when the line closes first
			}
		}
	}()
	defer func() { close(stop); <-ended }()
	bus := newTestBus(t, s.tty.Path())
	_, err := bus.Read(t.Context(), Request{Address: 1, Function: ReadInput, Count: 1})
	if hardware.FaultOf(err) != hardware.Noise {
		t.Errorf("error %v, want noise", err)
	}
	// A caller without the time for that is told the same.
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if _, err := bus.Read(ctx, Request{Address: 2, Function: ReadInput, Count: 1}); hardware.FaultOf(err) != hardware.Noise {
		t.Errorf("error %v, want noise", err)
	}
}

func TestBus_CloseEndsRead(t *testing.T) {
	asked := make(chan struct{}, 8)
	s := newSlave(t, func(int, []byte) []byte { asked <- struct{}{}; return nil })
	bus := NewBus(BusConfig{Path: s.tty.Path(), Timeout: time.Minute})
	errs := make(chan error, 2)
	err := bus.line.Do(t.Context(), func(_ context.Context, p *serial.Port, _ bool) error {
		bus.use(p)
		bus.master.dirty = false // or it would drain for two minutes before it asks
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // one has the turn, one waits for it
		go func() {
			_, err := bus.Read(context.Background(), Request{Address: 1, Function: ReadInput, Count: 1})
			errs <- err
		}()
	}
	<-asked
	start := time.Now()
	if err := bus.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-errs; hardware.FaultOf(err) != hardware.Closed {
			t.Errorf("error %v, want closed", err)
		}
	}
	if took := time.Since(start); took > 100*time.Millisecond {
		t.Errorf("Close took %v, want under 100 ms", took)
	}
	if err := bus.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := bus.Read(t.Context(), Request{Address: 1, Function: ReadInput, Count: 1}); hardware.FaultOf(err) != hardware.Closed {
		t.Errorf("Read after Close: %v, want closed", err)
	}
}

func TestBus_BadRequest(t *testing.T) {
	bus := newTestBus(t, "/dev/none")
	for _, req := range []Request{
		{}, {Address: 248, Function: 3, Count: 1}, {Address: 1, Function: 6, Count: 1},
		{Address: 1, Function: 3}, {Address: 1, Function: 3, Count: 126},
	} {
		if _, err := bus.Read(t.Context(), req); err == nil || errors.Is(err, os.ErrNotExist) {
			t.Errorf("%+v: error %v, want it refused before the port", req, err)
		}
	}
}

// TestTemperatureProbe_Isolation: one silent device must not take its neighbour along.
func TestTemperatureProbe_Isolation(t *testing.T) {
	s := newSlave(t, func(n int, req []byte) []byte {
		if req[0] == 2 {
			return nil
		}
		return good(req, 55)
	})
	bus := newTestBus(t, s.tty.Path())
	probe := func(address uint8) *TemperatureProbe {
		p, err := bus.Probe(ProbeConfig{Address: address, Register: 1, Decode: XYMD02})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	alive, dead := probe(1), probe(2)
	for range 3 {
		if s := dead.Read(t.Context()); s.Fault != hardware.Timeout || s.Temp != 0 || s.Detail == "" || s.At.IsZero() {
			t.Errorf("silent device: %+v, want a timeout", s)
		}
		if got, ok := alive.Read(t.Context()).Value(); !ok || got != 5_500 {
			t.Errorf("its neighbour: %v, %v, want 5.5 °C", got, ok)
		}
	}
	if got, want := alive.Info(), (hardware.ProbeInfo{Model: "xy-md02", Bus: s.tty.Path() + "#1"}); got != want {
		t.Errorf("Info = %+v, want %+v", got, want)
	}
}

// TestTemperatureProbe_Replug pulls the plug and puts another device at the same name.
func TestTemperatureProbe_Replug(t *testing.T) {
	link := filepath.Join(t.TempDir(), "probe")
	bus := newTestBus(t, link)
	p, err := bus.Probe(ProbeConfig{Address: 1, Decode: PT100Hundredth})
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Read(t.Context()); s.Fault != hardware.NotFound {
		t.Errorf("before plugging in: %+v, want not_found", s)
	}
	for _, value := range []uint16{550, 610} {
		s := newSlave(t, func(_ int, req []byte) []byte { return good(req, value) })
		if err := os.Symlink(s.tty.Path(), link); err != nil {
			t.Fatal(err)
		}
		readUntil(t, p, hardware.None, hardware.Temperature(value)*10)
		if err := errors.Join(os.Remove(link), s.tty.Close()); err != nil {
			t.Fatal(err)
		}
		if s := p.Read(t.Context()); s.Fault != hardware.Unplugged {
			t.Errorf("plug pulled: %+v, want unplugged", s)
		}
		readUntil(t, p, hardware.NotFound, 0)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s := p.Read(ctx); s.Fault != hardware.Canceled {
		t.Errorf("cancelled: %+v, want canceled", s)
	}
}

func readUntil(t *testing.T, p *TemperatureProbe, want hardware.Fault, temp hardware.Temperature) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(10 * time.Second)
	for {
		s := p.Read(t.Context())
		if s.Fault == want {
			if s.Temp != temp {
				t.Errorf("read %v, want %v", s.Temp, temp)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %+v, want %v", s, want)
		}
		<-ticker.C
	}
}
