package record_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// key returns a key that is the same in every run.
func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

var at = record.Stamp{MonoMS: 70_123, WallMS: 1_790_000_000_123, Quality: record.ClockGNSS}

// samples is a record of every kind, with every optional field once there and once not.
func samples() map[string]*record.Record {
	boot := record.Boot{Key: public(key("box")), Incarnation: ledger.IncarnationID{1, 2}, BootID: [16]byte{3, 4}, BootCount: 7, Software: "isotherm 0.1",
		Probes: []record.Probe{{Number: 0, Place: "organ/left", Model: "pt100", Certificate: "DAkkS 2026-117", UntilMS: 1_800_000_000_000, ErrorMC: 70_000,
			IssuedMS: 1_768_435_200_000, Points: []record.Point{{ReferenceMC: -20_000, IndicatedMC: -19_960}, {ReferenceMC: 0, IndicatedMC: 20}, {ReferenceMC: 8000, IndicatedMC: 8031}}},
			{Number: 3, Place: "ambient", Model: "tmp117"}},
		SampleMS: 10_000}
	followed := boot
	followed.Predecessor = &record.Predecessor{Incarnation: ledger.IncarnationID{9}, Size: 300, Root: merkle.EmptyRoot}
	temps := []record.Sample{{Probe: 0, TempMC: -5250}, {Probe: 1, Fault: 2}, {Probe: 2, TempMC: 0}}
	return map[string]*record.Record{
		"boot":           {Seq: 0, Kind: record.KindBoot, At: at, Boot: &boot},
		"boot-followed":  {Seq: 0, Kind: record.KindBoot, At: at, Boot: &followed},
		"boot-bare":      {Seq: 0, Kind: record.KindBoot, At: record.Stamp{Quality: record.ClockUnset}, Boot: &record.Boot{}},
		"reading":        {Seq: 1, Kind: record.KindReading, At: at, Reading: &record.Reading{Samples: temps, Fix: &record.Fix{LatE7: 481370000, LonE7: -115750000, Quality: 1, Satellites: 9, HDOPx100: 85, AgeMS: 312}}},
		"reading-no-fix": {Seq: 24, Kind: record.KindReading, At: at, Reading: &record.Reading{Samples: temps, FixFault: 4}},
		"reading-bare":   {Seq: 1 << 40, Kind: record.KindReading, At: record.Stamp{WallMS: -1, Quality: record.ClockRTC}, Reading: &record.Reading{}},
		"gap":            {Seq: 2, Kind: record.KindGap, At: at, Gap: &record.Gap{Reason: record.GapSuspended, FromMono: 10_000, ToMono: 70_000}},
		"excursion-open": {Seq: 3, Kind: record.KindExcursionOpened, At: at, Excursion: &record.Excursion{Rule: "too cold", Probe: 3, BeganMono: 10_000, ExtremeMC: -7000}},
		"excursion-end":  {Seq: 4, Kind: record.KindExcursionClosed, At: at, Excursion: &record.Excursion{Rule: "too warm", Probe: 3, BeganMono: 10_000, EndedMono: 70_000, ExtremeMC: 9000}},
		"act":            {Seq: 5, Kind: record.KindAct, At: at, Act: &record.Act{Bytes: []byte("an act")}},
		"act-empty":      {Seq: 5, Kind: record.KindAct, At: at, Act: &record.Act{}},
		"probe-change":   {Seq: 6, Kind: record.KindProbeChange, At: at, Probe: &record.ProbeChange{Probe: 3, Fault: 2}},
		"output":         {Seq: 7, Kind: record.KindOutput, At: at, Output: &record.Output{Name: "alarm", On: true}},
		"shutdown":       {Seq: 8, Kind: record.KindShutdown, At: at, Shutdown: &record.Shutdown{Reason: "switched off by a person"}},
		"reading-doubted": {Seq: 25, Kind: record.KindReading, At: at, Reading: &record.Reading{Samples: temps, FixFault: 48,
			Fix: &record.Fix{LatE7: -33_8650000, LonE7: 151_2094000, Quality: 6, Satellites: 255, AgeMS: 40}}},
		"device-down":     {Seq: 10, Kind: record.KindDevice, At: at, Device: &record.Device{Name: "gnss", State: 1, Fault: 5, Port: "/dev/serial/by-id/usb-u-blox"}},
		"device-live":     {Seq: 11, Kind: record.KindDevice, At: at, Device: &record.Device{Name: "probe 0", State: 6}},
		"handling-lid":    {Seq: 12, Kind: record.KindHandling, At: at, Handling: &record.Handling{Kind: 1, On: true}},
		"handling-shock":  {Seq: 13, Kind: record.KindHandling, At: at, Handling: &record.Handling{Kind: 3, On: true, Value: 4350}},
		"battery":         {Seq: 14, Kind: record.KindBattery, At: at, Battery: &record.Battery{ChargePermille: 870, MilliVolts: 3912, State: 2, LeftS: 68_400}},
		"battery-unknown": {Seq: 15, Kind: record.KindBattery, At: at, Battery: &record.Battery{ChargePermille: record.ChargeUnknown, MilliVolts: record.MilliVoltsUnknown, State: 1, Fault: 92}},
		"unknown":         {Seq: 9, Kind: 4711, At: at, Unknown: cbor.AppendUint(cbor.AppendText(cbor.AppendArray(nil, 2), "from a later version"), 1)},
	}
}

func marshal(t testing.TB, r *record.Record) []byte {
	t.Helper()
	b, err := r.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A change of these files is a change of the format: every journal written before would no longer verify.
func TestRecord_Append_golden(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			got := marshal(t, r)
			path := filepath.Join("testdata", "golden", name+".hex")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(hex.EncodeToString(got)+"\n"), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if want := golden(t, path); !bytes.Equal(got, want) {
				t.Errorf("got %x, want %x", got, want)
			}
		})
	}
	for name := range goldens(t) {
		if samples()[name] == nil {
			t.Errorf("golden file %s has no record", name)
		}
	}
}

func golden(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return b
}

// goldens returns the bytes of all golden files by name.
func goldens(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "golden", "*.hex"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	out := map[string][]byte{}
	for _, p := range paths {
		out[strings.TrimSuffix(filepath.Base(p), ".hex")] = golden(t, p)
	}
	return out
}

func TestParse(t *testing.T) {
	for name, want := range samples() {
		t.Run(name, func(t *testing.T) {
			b := marshal(t, want)
			got, err := record.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			for n := range b {
				if _, err := record.Parse(b[:n]); err == nil {
					t.Errorf("the first %d bytes were taken", n)
				}
			}
			if _, err := record.Parse(append(bytes.Clone(b), 0)); err == nil {
				t.Error("a byte after the end was taken")
			}
		})
	}
}

// calibrated is a boot record with one probe of these points.
func calibrated(points ...record.Point) *record.Boot {
	return &record.Boot{Probes: []record.Probe{{Certificate: "DAkkS 2026-117", Points: points}}}
}

func rising(n int) []record.Point {
	points := make([]record.Point, n)
	for i := range points {
		points[i] = record.Point{ReferenceMC: int32(i) * 1000, IndicatedMC: int32(i) * 999}
	}
	return points
}

// A box of as many probes as are allowed, each with a full certificate, fits into one record.
func TestRecord_Append_fullBoot(t *testing.T) {
	b := record.Boot{Key: public(key("box")), Software: "isotherm 0.1"}
	for i := range record.MaxProbes {
		b.Probes = append(b.Probes, record.Probe{Number: uint8(i), Place: strings.Repeat("p", 60), Model: strings.Repeat("m", 60),
			Certificate: strings.Repeat("c", 60), UntilMS: 1 << 42, ErrorMC: 1 << 20, IssuedMS: 1 << 42, Points: rising(record.MaxPoints)})
	}
	got, err := record.Parse(marshal(t, &record.Record{Kind: record.KindBoot, At: at, Boot: &b}))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&b, got.Boot); d != "" {
		t.Error(d)
	}
}

func TestRecord_Append_refuses(t *testing.T) {
	tests := []struct {
		name string
		r    record.Record
	}{
		{"no body", record.Record{Kind: record.KindReading, At: at}},
		{"two bodies", record.Record{Kind: record.KindReading, At: at, Reading: &record.Reading{}, Gap: &record.Gap{}}},
		{"body of another kind", record.Record{Kind: record.KindReading, At: at, Gap: &record.Gap{}}},
		{"no kind", record.Record{At: at, Reading: &record.Reading{}}},
		{"no kind, unknown body", record.Record{At: at, Unknown: []byte{0}}},
		{"known kind, unknown body", record.Record{Kind: record.KindGap, At: at, Unknown: []byte{0}}},
		{"unknown kind, known body", record.Record{Kind: 99, At: at, Gap: &record.Gap{}}},
		{"no clock quality", record.Record{Kind: record.KindGap, Gap: &record.Gap{}}},
		{"certificate too long", record.Record{Kind: record.KindBoot, At: at, Boot: &record.Boot{Probes: []record.Probe{{Certificate: strings.Repeat("x", 257)}}}}},
		{"certificate not UTF-8", record.Record{Kind: record.KindBoot, At: at, Boot: &record.Boot{Probes: []record.Probe{{Certificate: "\xff"}}}}},
		{"17 calibration points", record.Record{Kind: record.KindBoot, At: at, Boot: calibrated(rising(17)...)}},
		{"calibration points that fall", record.Record{Kind: record.KindBoot, At: at, Boot: calibrated(record.Point{ReferenceMC: 1, IndicatedMC: 2}, record.Point{ReferenceMC: 2, IndicatedMC: 1})}},
		{"two corrections of one value", record.Record{Kind: record.KindBoot, At: at, Boot: calibrated(record.Point{ReferenceMC: 1, IndicatedMC: 1}, record.Point{ReferenceMC: 2, IndicatedMC: 1})}},
		{"one corrected value of two", record.Record{Kind: record.KindBoot, At: at, Boot: calibrated(record.Point{ReferenceMC: 1, IndicatedMC: 1}, record.Point{ReferenceMC: 1, IndicatedMC: 2})}},
		{"device without a state", record.Record{Kind: record.KindDevice, At: at, Device: &record.Device{Name: "gnss"}}},
		{"name of a device too long", record.Record{Kind: record.KindDevice, At: at, Device: &record.Device{State: 1, Name: strings.Repeat("x", 257)}}},
		{"port not UTF-8", record.Record{Kind: record.KindDevice, At: at, Device: &record.Device{State: 1, Port: "\xff"}}},
		{"handling without a kind", record.Record{Kind: record.KindHandling, At: at, Handling: &record.Handling{On: true}}},
		{"battery without a state", record.Record{Kind: record.KindBattery, At: at, Battery: &record.Battery{}}},
		{"battery over full", record.Record{Kind: record.KindBattery, At: at, Battery: &record.Battery{State: 4, ChargePermille: 1001}}},
		{"device's body in a battery", record.Record{Kind: record.KindBattery, At: at, Device: &record.Device{State: 1}}},
		{"known kind 12, unknown body", record.Record{Kind: record.KindBattery, At: at, Unknown: []byte{0}}},
		{"17 probes", record.Record{Kind: record.KindBoot, At: at, Boot: &record.Boot{Probes: make([]record.Probe, 17)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if b, err := tt.r.Append(nil); err == nil {
				t.Errorf("got %x, want an error", b)
			}
		})
	}
}

// body writes a record of the kind around a hand-made body.
func body(kind record.Kind, body ...byte) []byte {
	return wrap(uint64(kind), 4, body)
}

func wrap(kind, quality uint64, body []byte) []byte {
	b := cbor.AppendMap(nil, 6)
	for key, v := range []uint64{kind, 0, 0, 0, quality} {
		b = cbor.AppendUint(cbor.AppendUint(b, uint64(key)+1), v)
	}
	return append(cbor.AppendUint(b, 6), body...)
}

func TestParse_refuses(t *testing.T) {
	reading := func(sample ...byte) []byte {
		return body(record.KindReading, append([]byte{0xA1, 0x01, 0x81}, sample...)...)
	}
	boot := func(probe ...byte) []byte {
		b := append([]byte{0xA7, 0x01, 0x40, 0x02, 0x50}, make([]byte, 16)...)
		b = append(append(b, 0x03, 0x50), make([]byte, 16)...)
		b = append(append(b, 0x04, 0x00, 0x05, 0x60, 0x06, 0x81), probe...)
		return body(record.KindBoot, append(b, 0x07, 0x00)...)
	}
	for _, b := range [][]byte{reading(0x83, 0x00, 0x00, 0x05), boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x20, 0x00, 0x20, 0x81, 0x82, 0x00, 0x20)} {
		if _, err := record.Parse(b); err != nil {
			t.Fatalf("the test's own record is wrong: %v", err)
		}
	}
	tests := []struct {
		name string
		in   []byte
	}{
		{"empty", nil},
		{"no map", []byte{0x80}},
		{"reading's body in a gap", body(record.KindGap, 0xA1, 0x01, 0x80)},
		{"gap's body in a reading", body(record.KindReading, 0x83, 0x01, 0x02, 0x03)},
		{"probe of three values", boot(0x83, 0x00, 0x60, 0x60)},
		{"probe of the six values of an older version", boot(0x86, 0x00, 0x60, 0x60, 0x60, 0x00, 0x00)},
		{"probe of nine values", boot(0x89, 0x00, 0x60, 0x60, 0x60, 0x00, 0x00, 0x00, 0x80, 0x00)},
		{"points as a map", boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x00, 0x00, 0x00, 0xA0)},
		{"point of three values", boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x00, 0x00, 0x00, 0x81, 0x83, 0x00, 0x00, 0x00)},
		{"point as a float", boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x00, 0x00, 0x00, 0x81, 0x82, 0x00, 0xF9, 0x3C, 0x00)},
		{"point over 32 bits", boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x00, 0x00, 0x00, 0x81, 0x82, 0x00, 0x1B, 0, 0, 0, 1, 0, 0, 0, 0)},
		{"points that fall", boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x00, 0x00, 0x00, 0x82, 0x82, 0x01, 0x01, 0x82, 0x00, 0x00)},
		{"17 points", boot(append([]byte{0x88, 0x00, 0x60, 0x60, 0x60, 0x00, 0x00, 0x00, 0x91}, bytes.Repeat([]byte{0x82, 0x00, 0x00}, 17)...)...)},
		{"day of calibration as a text", boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x00, 0x00, 0x60, 0x80)},
		{"certificate as bytes", boot(0x88, 0x00, 0x60, 0x60, 0x40, 0x00, 0x00, 0x00, 0x80)},
		{"end of validity as a text", boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x60, 0x00, 0x00, 0x80)},
		{"negative probe error", boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x00, 0x20, 0x00, 0x80)},
		{"probe error over 32 bits", boot(0x88, 0x00, 0x60, 0x60, 0x60, 0x00, 0x1B, 0, 0, 0, 1, 0, 0, 0, 0, 0x00, 0x80)},
		{"certificate too long", boot(append(append([]byte{0x88, 0x00, 0x60, 0x60, 0x79, 0x01, 0x01}, bytes.Repeat([]byte{'x'}, 257)...), 0x00, 0x00, 0x00, 0x80)...)},
		{"gap's body in a boot", body(record.KindBoot, 0x83, 0x01, 0x02, 0x03)},
		{"probe change with three values", body(record.KindProbeChange, 0x83, 0x01, 0x02, 0x03)},
		{"text in an act", body(record.KindAct, 0x61, 0x61)},
		{"bytes in a shutdown", body(record.KindShutdown, 0x41, 0x61)},
		{"output neither on nor off", body(record.KindOutput, 0x82, 0x61, 0x61, 0xF6)},
		{"device of three values", body(record.KindDevice, 0x83, 0x60, 0x01, 0x00)},
		{"device of five values", body(record.KindDevice, 0x85, 0x60, 0x01, 0x00, 0x60, 0x00)},
		{"device without a state", body(record.KindDevice, 0x84, 0x60, 0x00, 0x00, 0x60)},
		{"state over 8 bits", body(record.KindDevice, 0x84, 0x60, 0x19, 0x01, 0x00, 0x00, 0x60)},
		{"fault over 16 bits", body(record.KindDevice, 0x84, 0x60, 0x01, 0x1A, 0, 1, 0, 0, 0x60)},
		{"port as bytes", body(record.KindDevice, 0x84, 0x60, 0x01, 0x00, 0x40)},
		{"handling without a kind", body(record.KindHandling, 0x83, 0x00, 0xF5, 0x00)},
		{"handling neither on nor off", body(record.KindHandling, 0x83, 0x01, 0x01, 0x00)},
		{"handling over 32 bits", body(record.KindHandling, 0x83, 0x01, 0xF5, 0x1A, 0x80, 0, 0, 0)},
		{"battery of four values", body(record.KindBattery, 0x84, 0x00, 0x00, 0x01, 0x00)},
		{"battery of 1,001 permille", body(record.KindBattery, 0x85, 0x19, 0x03, 0xE9, 0x00, 0x01, 0x00, 0x00)},
		{"battery without a state", body(record.KindBattery, 0x85, 0x00, 0x00, 0x00, 0x00, 0x00)},
		{"battery of negative charge", body(record.KindBattery, 0x85, 0x20, 0x00, 0x01, 0x00, 0x00)},
		{"fix fault 0 next to a fix", body(record.KindReading, 0xA3, 0x01, 0x80, 0x02, 0x86, 0, 0, 1, 0, 0, 0, 0x03, 0x00)},
		{"sample with fault and temperature", reading(0x83, 0x00, 0x01, 0x05)},
		{"sample with neither", reading(0x82, 0x00, 0x00)},
		{"sample of one value", reading(0x81, 0x00)},
		{"sample of no value", reading(0x80)},
		{"sample of four values", reading(0x84, 0x00, 0x00, 0x05, 0x05)},
		{"temperature over 32 bits", reading(0x83, 0x00, 0x00, 0x1B, 0, 0, 0, 1, 0, 0, 0, 0)},
		{"temperature as a float", reading(0x83, 0x00, 0x00, 0xF9, 0x3C, 0x00)},
		{"probe over 8 bits", reading(0x83, 0x19, 0x01, 0x00, 0x00, 0x05)},
		{"17 samples", body(record.KindReading, append([]byte{0xA1, 0x01, 0x91}, bytes.Repeat([]byte{0x82, 0x00, 0x01}, 17)...)...)},
		{"reading without samples key", body(record.KindReading, 0xA0)},
		{"no fix fault, written out", body(record.KindReading, 0xA2, 0x01, 0x80, 0x03, 0x00)},
		{"unknown key in a reading", body(record.KindReading, 0xA2, 0x01, 0x80, 0x04, 0x00)},
		{"kind not in its shortest form", bytes.Replace(body(record.KindGap, 0x83, 0x01, 0x02, 0x03), []byte{0x01, 0x03}, []byte{0x01, 0x18, 0x03}, 1)},
		{"kind 0", wrap(0, 4, []byte{0})},
		{"kind over 16 bits", wrap(1<<16, 4, []byte{0})},
		{"no clock quality", wrap(99, 0, []byte{0})},
		{"clock quality over 8 bits", wrap(99, 256, []byte{0})},
		{"no body", wrap(99, 4, nil)},
		{"unknown kind with a tag", body(99, 0xC0)},
		{"unknown kind with a float", body(99, 0xF9, 0x3C, 0x00)},
		{"unknown kind with keys out of order", body(99, 0xA2, 0x02, 0x00, 0x01, 0x00)},
		{"unknown kind with two bodies", body(99, 0x00, 0x00)},
		{"unknown key", append([]byte{0xA6}, 0x01, 0x03, 0x02, 0x00, 0x03, 0x00, 0x04, 0x00, 0x05, 0x04, 0x07, 0x00)},
		{"five keys", append([]byte{0xA5}, 0x01, 0x18, 0x63, 0x02, 0x00, 0x03, 0x00, 0x04, 0x00, 0x06, 0x00)},
		{"one byte over the limit", sized(t, record.MaxSize+1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if r, err := record.Parse(tt.in); err == nil {
				t.Errorf("got %+v, want an error", r)
			}
		})
	}
}

// sized returns the bytes of an unknown record of exactly that length.
func sized(t *testing.T, n int) []byte {
	t.Helper()
	const around = 20
	b := body(99, cbor.AppendBytes(nil, make([]byte, n-around))...)
	b = body(99, cbor.AppendBytes(nil, make([]byte, n-around-(len(b)-n)))...)
	if len(b) != n {
		t.Fatalf("got %d bytes, want %d", len(b), n)
	}
	return b
}

func TestParse_maxSize(t *testing.T) {
	if _, err := record.Parse(sized(t, record.MaxSize)); err != nil {
		t.Error(err)
	}
}

func TestParseOrigin(t *testing.T) {
	box, inc := ledger.BoxIDOf(public(key("box"))), ledger.IncarnationID{1, 2, 3}
	gotBox, gotInc, err := record.ParseOrigin(record.Origin(box, inc))
	if err != nil || gotBox != box || gotInc != inc {
		t.Errorf("got %s, %s, %v, want %s, %s", gotBox, gotInc, err, box, inc)
	}
	good := record.Origin(box, inc)
	for name, text := range map[string]string{
		"empty": "", "a ledger's": "isotherm/ledger/test", "no incarnation": good[:len(good)-33], "empty incarnation": good[:len(good)-32],
		"a part more": good + "/x", "upper case": "isotherm/box/" + strings.ToUpper(box.String()) + "/" + inc.String(), "blank after": good + " ",
		"other prefix": "x" + good,
	} {
		if _, _, err := record.ParseOrigin(text); err == nil {
			t.Errorf("%s: %q was taken", name, text)
		}
	}
}

func TestOpenHead(t *testing.T) {
	box, other := key("box"), key("other")
	inc := ledger.IncarnationID{1, 2, 3}
	want := merkle.Checkpoint{Origin: record.Origin(ledger.BoxIDOf(public(box)), inc), Size: 3, Root: tlog.RecordHash(nil)}
	sign := func(c merkle.Checkpoint, k ed25519.PrivateKey) []byte {
		signed, err := merkle.Sign(c, k)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	got, gotInc, err := record.OpenHead(sign(want, box), public(box))
	if err != nil || got != want || gotInc != inc {
		t.Errorf("got %+v, %s, %v, want %+v, %s", got, gotInc, err, want, inc)
	}
	ledgers := want
	ledgers.Origin = "isotherm/ledger/test"
	tests := []struct {
		name   string
		signed []byte
		key    ed25519.PublicKey
	}{
		{"empty", nil, public(box)},
		{"key of another box", sign(want, box), public(other)},
		{"signed by another key", sign(want, other), public(box)},
		{"signed by another key, which is given", sign(want, other), public(other)},
		{"of a ledger", sign(ledgers, box), public(box)},
		{"changed", bytes.Replace(sign(want, box), []byte("\n3\n"), []byte("\n4\n"), 1), public(box)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, _, err := record.OpenHead(tt.signed, tt.key); err == nil {
				t.Errorf("got %+v, want an error", c)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, b := range goldens(f) {
		if _, err := record.Parse(b); err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := record.Parse(b)
		if err != nil {
			return
		}
		again, err := r.Append(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("got %x, %v, want %x", again, err, b)
		}
	})
}
