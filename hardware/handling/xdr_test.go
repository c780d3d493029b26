package handling

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
	"isotherm/hardware/nmea"
	"isotherm/hardware/sim"
)

// sentence makes an XDR of its fields, with its checksum.
func sentence(fields string) string {
	body, sum := "WIXDR,"+fields, byte(0)
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X", body, sum)
}

func TestMeasured(t *testing.T) {
	tests := []struct {
		name   string
		fields string
		want   int32
		fault  hardware.Fault
	}{
		{"closed", "S,0,,LID", 0, hardware.None},
		{"open", "S,1,,LID", 1, hardware.None},
		{"lid empty", "S,,,LID", 0, hardware.FieldSyntax},
		{"lid 2", "S,2,,LID", 0, hardware.FieldSyntax},
		{"lid 1.0", "S,1.0,,LID", 0, hardware.FieldSyntax},
		{"lid -0", "S,-0,,LID", 0, hardware.FieldSyntax},
		{"lid nan", "S,NaN,,LID", 0, hardware.FieldSyntax},
		{"lid in degrees", "S,1,C,LID", 0, hardware.UnitMismatch},
		{"lid as a number", "G,1,,LID", 0, hardware.UnitMismatch},
		{"light", "G,120,L,LIGHT", 120, hardware.None},
		{"light rounded", "G,0.5,L,LIGHT", 1, hardware.None},
		{"light empty", "G,,L,LIGHT", 0, hardware.FieldSyntax},
		{"light without a unit", "G,120,,LIGHT", 0, hardware.UnitMismatch},
		{"light in percent", "G,12,P,LIGHT", 0, hardware.UnitMismatch},
		{"light NaN", "G,NaN,L,LIGHT", 0, hardware.FieldSyntax},
		{"light 1e400", "G,1e400,L,LIGHT", 0, hardware.FieldSyntax},
		{"light negative", "G,-1,L,LIGHT", 0, hardware.OutOfRange},
		{"light of 65 million", "G,65535000,L,LIGHT", 0, hardware.OutOfRange},
		{"light of many digits", "G,99999999999999999999,L,LIGHT", 0, hardware.OutOfRange},
		{"shock", "G,2.5,G,SHOCK", 2500, hardware.None},
		{"shock in m/s2", "G,24.5,M,SHOCK", 0, hardware.UnitMismatch},
		{"shock of 65535 g", "G,65535,G,SHOCK", 0, hardware.OutOfRange},
		{"shock negative", "G,-0.5,G,SHOCK", 0, hardware.OutOfRange},
		{"shock hexadecimal", "G,0x1p5,G,SHOCK", 0, hardware.FieldSyntax},
	}
	kinds := []string{"LID", "LIGHT", "SHOCK"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, fault := nmea.ParseXDR([]byte(sentence(tt.fields)))
			if fault != hardware.None || len(list) != 1 {
				t.Fatalf("ParseXDR: %v, %v", list, fault)
			}
			if got, fault := measured(slices.Index(kinds, list[0].Name), list[0]); got != tt.want || fault != tt.fault {
				t.Errorf("measured = %d, %v, want %d, %v", got, fault, tt.want, tt.fault)
			}
		})
	}
}

// listen makes a listener in a bubble, and what it tells and how it stands.
func listen(t *testing.T) (l *listener, told, stands *[]string) {
	t.Helper()
	x, err := NewXDR(XDRConfig{Port: "/dev/ttyUSB0"})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	told, stands = new([]string), new([]string)
	l = x.listener(func(h hardware.Handling) {
		*told = append(*told, fmt.Sprintf("%v %v %v %d", h.At.Sub(begin), h.Kind, h.On, h.Value))
	})
	m := hardware.NewMonitor("handling", time.Now, func(c hardware.Condition) {
		*stands = append(*stands, c.State.String()+" "+c.Fault.String())
	})
	l.health.set = func(state hardware.State, fault hardware.Fault, detail string) { m.Set(state, fault, "", detail) }
	l.begin(begin)
	return l, told, stands
}

// TestListener plays one sentence a second.
func TestListener(t *testing.T) {
	const all = "S,0,,LID,G,0,L,LIGHT,G,0.01,G,SHOCK"
	repeat := func(n int, s string) []string { return slices.Repeat([]string{s}, n) }
	begun := []string{"0s lid false 0", "0s light false 0", "0s shock false 10"}
	tests := []struct {
		name   string
		fields []string
		told   []string
		stands []string
	}{
		{"rest", repeat(20, all), begun, []string{"live none"}},
		{"opened", slices.Concat(repeat(5, all), repeat(5, "S,1,,LID,G,120,L,LIGHT,G,0.01,G,SHOCK")),
			append(slices.Clone(begun), "5s lid true 0", "5s light true 120"), []string{"live none"}},
		{"struck", slices.Concat(repeat(5, all), []string{"G,3.2,G,SHOCK"}, repeat(5, all)),
			append(slices.Clone(begun), "5s shock true 3200", "7s shock false 3200"), []string{"live none"}},
		{"lid only", repeat(20, "S,1,,LID"), []string{"0s lid true 0"}, []string{"live none"}},
		{"others are passed over", repeat(3, "C,4.2,C,TEMP,S,1,,LID,G,5,,SEQ"), []string{"0s lid true 0"}, []string{"live none"}},
		{"lid empty once", slices.Concat(repeat(3, all), []string{"S,,,LID,G,0,L,LIGHT,G,0.01,G,SHOCK"}, repeat(3, all)), begun, []string{"live none"}},
		{"lid stays empty", slices.Concat(repeat(3, all), repeat(9, "S,,,LID,G,0,L,LIGHT,G,0.01,G,SHOCK")), begun,
			[]string{"live none", "garbled field_syntax"}},
		{"lid comes back", slices.Concat(repeat(3, all), repeat(4, "S,,,LID,G,0,L,LIGHT"), repeat(15, all)), begun,
			[]string{"live none", "garbled field_syntax", "live none"}},
		{"light has another unit", slices.Concat(repeat(3, all), repeat(5, "S,0,,LID,G,12,P,LIGHT")), begun,
			[]string{"live none", "garbled unit_mismatch"}},
		{"lid stays away", slices.Concat(repeat(3, all), repeat(15, "G,0,L,LIGHT,G,0.01,G,SHOCK")), begun,
			[]string{"live none", "silent silent"}},
		{"two lids", slices.Concat(repeat(3, all), repeat(5, "S,0,,LID,S,1,,LID")), begun, []string{"live none"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, told, stands := listen(t)
				for _, fields := range tt.fields {
					l.sentence(0, []byte(sentence(fields)))
					time.Sleep(time.Second)
				}
				if diff := cmp.Diff(tt.told, *told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.stands, *stands); diff != "" {
					t.Errorf("monitor (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestListener_reason: what a stall is for.
func TestListener_reason(t *testing.T) {
	tests := []struct {
		name string
		line string
		want hardware.Fault
	}{
		{"nothing", "", hardware.Silent},
		{"a receiver", "$GPGGA,,,,,,0,,,,,,,,*66", hardware.UnknownType},
		{"a thermometer", sentence("C,4.2,C,TEMP"), hardware.UnknownType},
		{"wrong checksum", strings.Replace(sentence("S,0,,LID"), "0", "1", 1), hardware.ChecksumBad},
		{"no checksum", "$WIXDR,S,0,,LID", hardware.ChecksumMissing},
		{"three fields", sentence("S,0,LID"), hardware.FieldCount},
		{"duplicate name", sentence("S,0,,LID,S,1,,LID"), hardware.Conflicting},
		{"empty lid", sentence("S,,,LID"), hardware.FieldSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, told, stands := listen(t)
			if tt.line != "" {
				l.heard = true
				l.sentence(0, []byte(tt.line))
			}
			if got := l.reason(); got != tt.want || len(*told) > 0 || len(*stands) > 0 {
				t.Errorf("reason %v, told %q, monitor %q, want %v and nothing", got, *told, *stands, tt.want)
			}
		})
	}
}

// TestXDR_Run: a real port that is opened, unplugged, plugged in again elsewhere, and goes silent.
func TestXDR_Run(t *testing.T) {
	link := filepath.Join(t.TempDir(), "handling")
	var tty *sim.PTY
	plug := func() {
		var err error
		if tty, err = sim.OpenPTY(); err != nil {
			t.Fatal(err)
		}
		this := tty
		t.Cleanup(func() { _ = this.Close() }) // the test unplugs it itself
		_ = os.Remove(link)
		if err := os.Symlink(tty.Path(), link); err != nil {
			t.Fatal(err)
		}
	}
	plug()
	m := hardware.NewMonitor("handling", time.Now, nil)
	x, err := NewXDR(XDRConfig{Port: link, Stall: 700 * time.Millisecond, Monitor: m})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards told
	var told []string
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { // ends with ctx
		done <- x.Run(ctx, func(h hardware.Handling) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprintf("%v %v %d", h.Kind, h.On, h.Value))
		})
	}()
	send := func(line string) {
		// The driver throws away what came before it opened the port, so it is sent again and again.
		_, _ = tty.Write([]byte(line + "\r\n"))
	}
	// until sends line each 20 ms until the condition and what was told are as wanted.
	until := func(line string, state hardware.State, fault hardware.Fault, want ...string) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(30 * time.Second); ; <-tick.C {
			if line != "" {
				send(line)
			}
			mu.Lock()
			got := slices.Clone(told)
			mu.Unlock()
			c := m.Condition()
			if c.State == state && c.Fault == fault && slices.Equal(got, want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("told %q, condition %+v, want %q, %v, %v", got, c, want, state, fault)
			}
		}
	}
	closed, open := sentence("S,0,,LID"), sentence("S,1,,LID")
	until(closed, hardware.StateLive, hardware.None, "lid false 0")
	until(open, hardware.StateLive, hardware.None, "lid false 0", "lid true 0")
	until("", hardware.StateSilent, hardware.Silent, "lid false 0", "lid true 0")
	until(open, hardware.StateLive, hardware.None, "lid false 0", "lid true 0")
	until("raspberrypi login:", hardware.StateGarbled, hardware.Noise, "lid false 0", "lid true 0")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	until("", hardware.StateDown, hardware.NotFound, "lid false 0", "lid true 0")
	plug()
	until(closed, hardware.StateLive, hardware.None, "lid false 0", "lid true 0", "lid false 0")
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want the error of ctx", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Run does not end with ctx")
	}
}

// FuzzXDR: any bytes, through the framer, give no panic, and reports that mean something.
func FuzzXDR(f *testing.F) {
	for _, fields := range []string{
		"S,1,,LID,G,120,L,LIGHT,G,0.250,G,SHOCK", "S,,,LID", "G,NaN,L,LIGHT", "G,65535,G,SHOCK", "S,0,,LID,S,1,,LID", "C,4.2,C,TEMP", "",
	} {
		f.Add([]byte(sentence(fields) + "\r\n"))
		f.Add([]byte("\xB5\x62$" + sentence(fields) + sentence(fields) + "\n"))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		x, err := NewXDR(XDRConfig{Port: "/dev/ttyUSB0"})
		if err != nil {
			t.Fatal(err)
		}
		l := x.listener(func(h hardware.Handling) {
			if h.Kind < hardware.HandlingLid || h.Kind > hardware.HandlingShock || h.Value < 0 || h.Value > maxShock || h.Kind == hardware.HandlingLid && h.Value != 0 {
				t.Errorf("report %+v", h)
			}
		})
		l.health.set = func(hardware.State, hardware.Fault, string) {}
		l.begin(time.Now())
		framer := nmea.NewFramer(l.sentence, l.fault)
		framer.Write(stream)
		framer.Close()
	})
}

// FuzzContact: only a whole 0 or 1 is a state, and nothing but 1 is high.
func FuzzContact(f *testing.F) {
	for _, seed := range []string{"0", "1", "", "10", " 1 ", "\x00", "-1", "0x1", "true"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		high, ok := parseContact(text)
		again := map[bool]string{false: "0", true: "1"}[high]
		if ok && text != again || !ok && high {
			t.Errorf("parseContact(%q) = %v, %v", text, high, ok)
		}
	})
}
