package sim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/gnss"
	"isotherm/hardware/serial"
	"isotherm/hardware/sim"
)

// fast is a clock at many times real time.
func fast(speed int) sim.Clock {
	start := time.Now()
	return func() time.Duration { return time.Since(start) * time.Duration(speed) }
}

// always is a clock that stands at the end of everything.
func always() time.Duration { return 1000 * time.Hour }

// start runs fn and returns a channel with its error.
func start(fn func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- fn() }() // every test receives from done
	return done
}

// testRoute is a drive with a stop and a crossing of the equator.
func testRoute(t *testing.T) *sim.Route {
	t.Helper()
	return newRoute(t, []sim.Waypoint{
		{LatE7: 100_000, LonE7: 133_999_999, At: 10 * time.Second},
		{LatE7: 200_000, LonE7: 134_000_000, At: 70 * time.Second},
		{LatE7: 200_000, LonE7: 134_000_000, At: 100 * time.Second},
		{LatE7: -100_000, LonE7: 133_800_000, At: 300 * time.Second},
	})
}

func newRoute(t *testing.T, points []sim.Waypoint) *sim.Route {
	t.Helper()
	r, err := sim.NewRoute(points)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNewRoute_Errors(t *testing.T) {
	for _, points := range [][]sim.Waypoint{
		nil,
		{{LatE7: 900_000_001}},
		{{LonE7: -1_800_000_001}},
		{{At: time.Second}, {At: time.Second}},
		{{At: time.Second}, {At: 0}},
	} {
		if _, err := sim.NewRoute(points); err == nil {
			t.Errorf("%+v was accepted", points)
		}
	}
}

func TestRoute_Position(t *testing.T) {
	r := testRoute(t)
	tests := []struct {
		at       time.Duration
		lat, lon int32
	}{
		{-time.Hour, 100_000, 133_999_999},
		{10 * time.Second, 100_000, 133_999_999},
		{40 * time.Second, 150_000, 134_000_000},
		{90 * time.Second, 200_000, 134_000_000},
		{200 * time.Second, 50_000, 133_900_000},
		{300 * time.Second, -100_000, 133_800_000},
		{time.Hour, -100_000, 133_800_000},
	}
	for _, tt := range tests {
		if lat, lon := r.Position(tt.at); lat != tt.lat || lon != tt.lon {
			t.Errorf("Position(%v) = %d, %d, want %d, %d", tt.at, lat, lon, tt.lat, tt.lon)
		}
	}
	if got, want := r.Duration(), 300*time.Second; got != want {
		t.Errorf("Duration = %v, want %v", got, want)
	}
}

// TestRouteReceiver_RoundTrip drives across midnight, and across the equator or Greenwich, through a tty and the decoder.
func TestRouteReceiver_RoundTrip(t *testing.T) {
	t.Run("equator", func(t *testing.T) { roundTrip(t, testRoute(t)) })
	t.Run("Greenwich", func(t *testing.T) {
		roundTrip(t, newRoute(t, []sim.Waypoint{{LatE7: -525_000_000, LonE7: 134_000}, {LatE7: -525_100_000, LonE7: -200_000, At: 5 * time.Minute}}))
	})
}

func roundTrip(t *testing.T, r *sim.Route) {
	t.Helper()
	const want = 290
	began := time.Date(2026, 12, 31, 23, 58, 0, 0, time.UTC)
	tty := openPTY(t)
	port := openPort(t, tty)
	receiver := sim.RouteReceiver{Route: r, Start: began, Clock: fast(2000)}
	done := start(func() error { return receiver.Run(t.Context(), tty) })

	var fixes []hardware.Fix
	dec := gnss.NewDecoder(func(e gnss.Event) {
		if e.Kind != gnss.KindFix {
			t.Errorf("event %+v", e)
		}
		fixes = append(fixes, e.Fix)
	})
	buf := make([]byte, 512)
	for len(fixes) < want {
		if err := port.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := port.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		dec.Receive(buf[:n], time.Time{})
	}
	for i, fix := range fixes[:want] {
		at := time.Duration(i) * time.Second
		lat, lon := r.Position(at)
		if d := max(fix.LatE7-lat, lat-fix.LatE7, fix.LonE7-lon, lon-fix.LonE7); d > 1 {
			t.Errorf("fix %d is %d, %d, want %d, %d", i, fix.LatE7, fix.LonE7, lat, lon)
		}
		if utc, ok := fix.UTC(); !ok || !utc.Equal(began.Add(at)) {
			t.Errorf("fix %d at %v, %v, want %v", i, utc, ok, began.Add(at))
		}
		if fix.Quality != hardware.QualityGPS || fix.Satellites != 9 || fix.HDOPx100 != 90 {
			t.Errorf("fix %d: %+v", i, fix)
		}
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("Run ended without an error")
	}
}

func TestRouteReceiver_Cancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	receiver := sim.RouteReceiver{Route: testRoute(t), Clock: func() time.Duration { return 0 }}
	done := start(func() error { return receiver.Run(ctx, new(bytes.Buffer)) })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want canceled", err)
	}
}

func writeCapture(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "capture.log")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func sentence(body string) string {
	var sum byte
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X\r\n", body, sum)
}

func TestOpenCapture_Duration(t *testing.T) {
	gga := func(clock string) string { return sentence("GPGGA," + clock + ",,,,,0,,,,,,,,") }
	tests := []struct {
		name, in string
		want     time.Duration
	}{
		{"one moment", gga("120000"), 0},
		{"seconds", gga("120000") + gga("120001") + gga("120003.5"), 3500 * time.Millisecond},
		{"midnight", gga("235959") + gga("000001"), 2 * time.Second},
		{"clock set back", gga("120100") + gga("120000") + gga("120001"), time.Second},
		{"clock jumps", gga("000000") + gga("102523") + gga("102524"), 2 * time.Second},
		{"GLL and ZDA", sentence("GPZDA,095559,,,,00,") + sentence("GPGLL,,,,,095601,V"), 2 * time.Second},
		{"wrong checksum does not count", gga("120000") + "$GPGGA,130000*00\r\n" + gga("120001"), time.Second},
		{"other lines do not count", "x\r\n\x00\xff" + sentence("GPTXT,130000") + gga("120000"), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := sim.OpenCapture(writeCapture(t, []byte(tt.in)))
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Duration(); got != tt.want {
				t.Errorf("Duration = %v, want %v", got, tt.want)
			}
		})
	}
	for _, in := range []string{"", "# only a header", "#a\n#b\n", "no sentences\n"} {
		if _, err := sim.OpenCapture(writeCapture(t, []byte(in))); err == nil {
			t.Errorf("%q was accepted", in)
		}
	}
	if _, err := sim.OpenCapture("/nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// TestCapture_Replay sends binary, noise and sentences through a tty: every byte but
// the header must arrive, and not before its time.
func TestCapture_Replay(t *testing.T) {
	early := "\x00\xB5\x62noise\n" + sentence("GPRMC,120000,V,,,,,,,,,,N") + "$GPGSV,x\n"
	late := sentence("GPRMC,120010,V,,,,,,,,,,N") + "\xFF\xFEcut"
	c, err := sim.OpenCapture(writeCapture(t, []byte("# header\n#\n"+early+late)))
	if err != nil {
		t.Fatal(err)
	}
	if c.Size() != len(early)+len(late) {
		t.Errorf("Size = %d, want %d", c.Size(), len(early)+len(late))
	}
	tty := openPTY(t)
	port := openPort(t, tty)
	ticks := make(chan time.Duration, 1)
	now := time.Duration(0)
	clock := func() time.Duration {
		select {
		case now = <-ticks:
		default:
		}
		return now
	}
	done := start(func() error { return c.Replay(t.Context(), tty, clock) })
	if got := readSome(t, port, len(early), 10*time.Second); got != early {
		t.Errorf("at the start: %q, want %q", got, early)
	}
	if got := readSome(t, port, 1, 50*time.Millisecond); got != "" {
		t.Errorf("before its time: %q", got)
	}
	ticks <- 10 * time.Second
	if got := readSome(t, port, len(late), 10*time.Second); got != late {
		t.Errorf("then: %q, want %q", got, late)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// readSome reads until want bytes have come or the line is quiet for as long as wait.
func readSome(t *testing.T, port *serial.Port, want int, wait time.Duration) string {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, 1024)
	for got.Len() < want {
		if err := port.SetReadDeadline(time.Now().Add(wait)); err != nil {
			t.Fatal(err)
		}
		n, err := port.Read(buf)
		got.Write(buf[:n])
		if hardware.FaultOf(err) == hardware.Silent {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return got.String()
}

func TestCapture_CloseEndsReplay(t *testing.T) {
	big := sentence("GPGGA,120000,,,,,0,,,,,,,,") + strings.Repeat("x", 1<<20)
	c, err := sim.OpenCapture(writeCapture(t, []byte(big)))
	if err != nil {
		t.Fatal(err)
	}
	tty := openPTY(t)
	port := openPort(t, tty)
	done := start(func() error { return c.Replay(t.Context(), tty, always) })
	if got := readSome(t, port, 1, 10*time.Second); got == "" { // it is under way
		t.Fatal("nothing came")
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("a replay that was cut off reports success")
	}
}

// TestCapture_Trip replays the four-hour trip through a tty as fast as it goes, and
// counts that no byte and no fix is lost.
func TestCapture_Trip(t *testing.T) {
	root := os.Getenv("ISOTHERM_TESTDATA")
	if root == "" {
		t.Skip("ISOTHERM_TESTDATA is not set: it names the folder of third-party captures")
	}
	path := filepath.Join(root, "nmea", "signalk", "plaka.log")
	c, err := sim.OpenCapture(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Duration(), 4*time.Hour+7*time.Minute+25*time.Second; got != want {
		t.Errorf("Duration = %v, want %v", got, want)
	}
	var direct, through int
	count := func(n *int) *gnss.Decoder {
		return gnss.NewDecoder(func(e gnss.Event) {
			if e.Kind == gnss.KindFix {
				*n++
			}
		})
	}
	whole := count(&direct)
	if err := c.Replay(t.Context(), whole, always); err != nil {
		t.Fatal(err)
	}
	whole.Flush()

	tty := openPTY(t)
	port := openPort(t, tty)
	done := start(func() error { return c.Replay(t.Context(), tty, always) })
	dec, buf := count(&through), make([]byte, 4096)
	for total := 0; total < c.Size(); {
		if err := port.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := port.Read(buf)
		if err != nil {
			t.Fatalf("after %d of %d bytes: %v", total, c.Size(), err)
		}
		total += n
		dec.Receive(buf[:n], time.Time{})
	}
	dec.Flush()
	if err := <-done; err != nil {
		t.Error(err)
	}
	t.Logf("%d bytes, %d fixes direct, %d through the tty", c.Size(), direct, through)
	if direct == 0 || through != direct {
		t.Errorf("%d fixes through the tty, want %d", through, direct)
	}
}
