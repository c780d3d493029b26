package ascii

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// fakeLine is a port in the time of a synctest bubble, with a device at its other end.
type fakeLine struct {
	mu      sync.Mutex // guards in
	in      []byte
	arrived chan struct{}
	device  func(request string, say func(after time.Duration, text string)) // called for each Write
}

func newFakeLine(device func(request string, say func(after time.Duration, text string))) *fakeLine {
	return &fakeLine{arrived: make(chan struct{}, 1), device: device}
}

func (l *fakeLine) say(after time.Duration, text string) {
	time.AfterFunc(after, func() {
		l.mu.Lock()
		l.in = append(l.in, text...)
		l.mu.Unlock()
		select {
		case l.arrived <- struct{}{}:
		default:
		}
	})
}

func (l *fakeLine) Write(p []byte) (int, error) {
	l.device(string(p), l.say)
	return len(p), nil
}

func (l *fakeLine) SetWriteDeadline(time.Time) error { return nil }

func (l *fakeLine) ReadWithin(p []byte, wait time.Duration) (int, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		l.mu.Lock()
		n := copy(p, l.in)
		l.in = l.in[n:]
		l.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		select {
		case <-l.arrived:
		case <-timer.C:
			return 0, &serial.Error{Op: "read", Path: "fake", Fault: hardware.Silent, Err: os.ErrDeadlineExceeded}
		}
	}
}

func newTestAsker(t testing.TB, profile string) *asker {
	t.Helper()
	p, err := Preset(profile)
	if err != nil {
		t.Fatal(err)
	}
	return newAsker(newParser(t, profile), Config{Profile: p, Address: 1, Timeout: p.Timeout})
}

// TestAsker_BadAnswers names what a device can do wrong to a question. The third question gets the bad answer; the first
// two are the throw-away one and a good one.
func TestAsker_BadAnswers(t *testing.T) {
	type say = func(time.Duration, string)
	const ms = time.Millisecond
	tests := []struct {
		name string
		bad  func(say say)
		want hardware.Fault
	}{
		{"nothing", func(say) {}, hardware.Timeout},
		{"half a line", func(say say) { say(ms, ">+025.") }, hardware.Truncated},
		{"no line end", func(say say) { say(ms, ">+025.12") }, hardware.Truncated},
		{"two answers", func(say say) { say(ms, ">+025.12\r>+025.13\r") }, hardware.LateReply},
		{"two answers, one after the other", func(say say) { say(ms, ">+025.12\r"); say(30*ms, ">+025.13\r") }, hardware.LateReply},
		{"glued", func(say say) { say(ms, ">+025.12>+025.12\r") }, hardware.Interleaved},
		{"console", func(say say) { say(ms, "\r\nraspberrypi login: \r\n") }, hardware.Noise},
		{"noise and answer", func(say say) { say(ms, "\xff\xfe\r>+025.12\r") }, hardware.Binary},
		{"a megabyte without a line end", func(say say) { say(ms, strings.Repeat("x", 1<<20)) }, hardware.TooLong},
		{"a line that is too long", func(say say) { say(ms, strings.Repeat("9", 500)+"\r") }, hardware.TooLong},
		{"late", func(say say) { say(700*ms, ">+099.99\r") }, hardware.Timeout},
		{"refused", func(say say) { say(ms, "?01\r") }, hardware.DeviceError},
		{"over range", func(say say) { say(ms, ">+9999\r") }, hardware.Disconnected},
		{"echo only", func(say say) { say(ms, "#01\r") }, hardware.Timeout},
		{"echo and answer", func(say say) { say(ms, "#01\r>+005.00\r") }, hardware.None},
		{"one byte per 40 ms", func(say say) {
			for i, c := range ">+005.00\r" {
				say(time.Duration(i)*40*ms, string(c))
			}
		}, hardware.None},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				line := newFakeLine(func(_ string, say func(time.Duration, string)) {
					if n++; n == 3 {
						tt.bad(say)
						return
					}
					say(ms, ">+005.00\r")
				})
				a := newTestAsker(t, "adam")
				if got, err := a.read(t.Context(), line, true); err != nil || got.verdict.Temp != 5_000 || n != 2 {
					t.Fatalf("first reading %+v, %v after %d questions, want 5 °C after 2", got, err, n)
				}
				got, err := a.read(t.Context(), line, false)
				fault := got.verdict.Fault
				if err != nil {
					fault = hardware.FaultOf(err)
				}
				if fault != tt.want || fault != hardware.None && got.verdict.Temp != 0 {
					t.Errorf("got %+v, %v, want %v", got, err, tt.want)
				}
				if got, err := a.read(t.Context(), line, err != nil); err != nil || got.verdict.Temp != 5_000 {
					t.Errorf("after it: %+v, %v, want 5 °C", got, err)
				}
				synctest.Wait()
			})
		})
	}
}

// TestAsker_Scale: an EZO does not say its unit with a value, so it is asked.
func TestAsker_Scale(t *testing.T) {
	for _, tt := range []struct {
		name, scale string
		want        hardware.Fault
	}{
		{"?S,c", "?S,c\r*OK\r", hardware.None},
		{"?S,C", "?S,C\r*OK\r", hardware.None},
		{"?S,f", "?S,f\r*OK\r", hardware.UnitMismatch},
		{"?S,k", "?S,k\r*OK\r", hardware.UnitMismatch},
		{"*ER", "*ER\r", hardware.DeviceError},
		{"nothing", "", hardware.Timeout},
		{"only *OK", "*OK\r", hardware.Timeout},
		{"a late reading", "25.104\r*OK\r", hardware.LateReply},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := newFakeLine(func(request string, say func(time.Duration, string)) {
					switch request {
					case "C,0\r":
						say(300*time.Millisecond, "*OK\r")
					case "S,?\r":
						say(300*time.Millisecond, tt.scale)
					case "R\r":
						say(600*time.Millisecond, "25.104\r*OK\r")
					}
				})
				a := newTestAsker(t, "ezo-rtd")
				begin := time.Now()
				got, err := a.read(t.Context(), line, true)
				fault := got.verdict.Fault
				if err != nil {
					fault = hardware.FaultOf(err)
				}
				if fault != tt.want || (fault == hardware.None) != (got.verdict.Temp == 25_104) {
					t.Errorf("got %+v, %v, want %v", got, err, tt.want)
				}
				if took := time.Since(begin); took > 4*time.Second { // a round of the tracker lasts five
					t.Errorf("the first reading took %v, want below 4 s", took)
				}
				synctest.Wait()
			})
		})
	}
}

// TestAsker_RandomLate asks devices that answer, stay silent, or answer late, at random, and checks that each value belongs
// to the question it was returned for. Every answer carries the number of its question.
func TestAsker_RandomLate(t *testing.T) {
	const trials = 5_000
	for _, reach := range []time.Duration{3, 4, 20} { // how many timeouts the latest answer is late
		synctest.Test(t, func(t *testing.T) {
			a := newTestAsker(t, "adam")
			random := rand.New(rand.NewPCG(5, uint64(reach)))
			n := 0
			line := newFakeLine(func(_ string, say func(time.Duration, string)) {
				n++
				text := fmt.Sprintf(">+%03d.%02d\r", n%8000/100, n%100)
				switch random.IntN(10) {
				case 0: // silent
				case 1, 2:
					say(time.Duration(random.Int64N(int64(reach*a.timeout))), text)
				default:
					say(time.Duration(random.Int64N(int64(a.timeout/2))), text)
				}
			})
			values, wrong, dirty := 0, 0, true
			for range trials {
				got, err := a.read(context.Background(), line, dirty)
				if dirty = err != nil; dirty || got.verdict.Fault != hardware.None {
					continue
				}
				values++
				if got.verdict.Temp != hardware.Temperature(n%8000*10) {
					wrong++
				}
				time.Sleep(time.Duration(random.Int64N(int64(10 * time.Second))))
			}
			t.Logf("answers late by up to %d timeouts: %d readings, %d temperatures, %d from a late answer", reach, trials, values, wrong)
			if wrong > 0 && reach <= 3 || values < trials/3 {
				t.Errorf("%d late answers passed on, %d values in %d readings", wrong, values, trials)
			}
			time.Sleep(time.Minute) // for what is under way
		})
	}
}

// TestAsker_Continuous: an EZO leaves the factory reporting once a second, more often than a line is quiet for two timeouts.
func TestAsker_Continuous(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		reports, over := true, false
		line := newFakeLine(func(request string, say func(time.Duration, string)) {
			switch request {
			case "C,0\r":
				mu.Lock()
				reports = false
				mu.Unlock()
				say(300*time.Millisecond, "*OK\r")
			case "S,?\r":
				say(300*time.Millisecond, "?S,c\r*OK\r")
			case "R\r":
				say(600*time.Millisecond, "25.104\r*OK\r")
			}
		})
		done := make(chan struct{})
		go func() { // ends with over
			defer close(done)
			for {
				time.Sleep(time.Second)
				mu.Lock()
				if over {
					mu.Unlock()
					return
				}
				if reports {
					line.say(0, "99.999\r")
				}
				mu.Unlock()
			}
		}()
		a := newTestAsker(t, "ezo-rtd")
		begin := time.Now()
		got, err := a.read(t.Context(), line, true)
		if err != nil || got.verdict.Temp != 25_104 {
			t.Errorf("got %+v, %v, want 25.104 °C", got, err)
		}
		took := time.Since(begin)
		t.Logf("first reading after opening: %v", took)
		if took > 4500*time.Millisecond {
			t.Errorf("the first reading took %v, want less than a round of 5 s", took)
		}
		mu.Lock()
		over = true
		mu.Unlock()
		<-done
	})
}

// TestAsker_Babble: a device that can't be silenced is given up in time, with a reason.
func TestAsker_Babble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newFakeLine(func(string, func(time.Duration, string)) {})
		for i := range 20 {
			line.say(time.Duration(i)*500*time.Millisecond, "99.999\r")
		}
		a := newTestAsker(t, "ezo-rtd")
		begin := time.Now()
		if got, err := a.read(t.Context(), line, true); hardware.FaultOf(err) != hardware.Noise || got.verdict.Temp != 0 {
			t.Errorf("got %+v, %v, want noise", got, err)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("it took %v to give up", took)
		}
		time.Sleep(time.Minute)
	})
}

func TestAsker_Cancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newFakeLine(func(string, func(time.Duration, string)) {})
		a := newTestAsker(t, "adam")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.read(ctx, line, false); hardware.FaultOf(err) != hardware.Canceled {
			t.Errorf("error %v, want canceled", err)
		}
	})
}
