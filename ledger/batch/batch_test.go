package batch_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/cbor"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

var (
	testKey    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	testOrigin = record.Origin(ledger.BoxIDOf(testKey.Public().(ed25519.PublicKey)), ledger.IncarnationID{1, 2, 3})
)

func signHead(t testing.TB, from int64, records [][]byte) []byte {
	t.Helper()
	var f merkle.Frontier
	for _, r := range records {
		f.Append(tlog.RecordHash(r))
	}
	head, err := merkle.Sign(merkle.Checkpoint{Origin: testOrigin, Size: from + int64(len(records)), Root: f.Root()}, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func marshal(t testing.TB, records ...*record.Record) [][]byte {
	t.Helper()
	out := make([][]byte, len(records))
	for i, r := range records {
		b, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = b
	}
	return out
}

// trip makes the readings of a drive: three probes (0.1 °C in the organ's and the box's, 0.05 °C outside), a receiver
// with 1e-4 minutes of arc, a sampler that is some milliseconds late, one reading in 10 s.
func trip(n int) []*record.Record {
	rng := rand.New(rand.NewPCG(1, 2))
	temps := [3]float64{4.6, 4.1, 21.3}
	targets := [3]float64{4.8, 4.2, 19.5}
	units := [3]float64{100, 100, 50}
	lat, lon, speed, course := 48.137, 11.575, 8.0, 0.6
	sats, dop := 11, 85
	records := make([]*record.Record, n)
	for i := range records {
		mono := 60_000 + uint64(i)*10_000 + uint64(rng.IntN(4))
		r := &record.Reading{}
		for p := range temps {
			temps[p] += (targets[p]-temps[p])*0.003 + rng.NormFloat64()*0.012
			mc := math.Round(temps[p]*1000/units[p]) * units[p]
			r.Samples = append(r.Samples, record.Sample{Probe: uint8(p), TempMC: int32(mc)})
		}
		speed = min(max(speed+rng.NormFloat64()*1.5, 0), 28)
		course += rng.NormFloat64() * 0.15
		lat += math.Cos(course) * speed * 10 / 111_200
		lon += math.Sin(course) * speed * 10 / 74_200
		if rng.IntN(12) == 0 {
			sats = min(max(sats+rng.IntN(3)-1, 6), 14)
			dop = 60 + 300/sats
		}
		grid := func(deg float64) int32 { return int32(math.Round(math.Round(deg*60e4) / 60e4 * 1e7)) }
		r.Fix = &record.Fix{LatE7: grid(lat), LonE7: grid(lon), Quality: 1, Satellites: uint8(sats), HDOPx100: uint16(dop),
			AgeMS: uint32(300 + rng.IntN(12))}
		records[i] = &record.Record{Seq: uint64(i), Kind: record.KindReading, Reading: r,
			At: record.Stamp{MonoMS: mono, WallMS: 1_790_000_000_000 + int64(mono), Quality: record.ClockGNSS}}
	}
	return records
}

func TestEncode_BytesPerReading(t *testing.T) {
	records := marshal(t, trip(600)...)
	canonical := 0
	for _, r := range records {
		canonical += len(r)
	}
	for _, tt := range []struct {
		size  int
		limit float64 // a little above what this trip takes, near the 9.4 and 6.2 of DESIGN.md
	}{{1, 230}, {64, 10.5}, {600, 6.6}} {
		wire, err := batch.Encode(testOrigin, 0, records[:tt.size], signHead(t, 0, records[:tt.size]))
		if err != nil {
			t.Fatal(err)
		}
		got := float64(len(wire)) / float64(tt.size)
		t.Logf("%d readings a batch: %.2f B a reading with envelope and head, %d B in all (canonical: %.1f B)",
			tt.size, got, len(wire), float64(canonical)/600)
		if got > tt.limit {
			t.Errorf("%d readings a batch: got %.2f B a reading, want at most %.1f", tt.size, got, tt.limit)
		}
	}
}

var update = flag.Bool("update", false, "write the fixture of the current version anew")

// The fixture of a version stays readable for as long as its entries live: 30 years.
func TestDecode_FixtureV1(t *testing.T) {
	const path = "testdata/v1-trip-and-odd.batch"
	if *update {
		records := append(marshal(t, trip(64)...), marshal(t, odd()...)...)
		wire, err := batch.Encode(testOrigin, 0, records, signHead(t, 0, records))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, wire, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wire, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := batch.Decode(wire)
	if err != nil {
		t.Fatal(err)
	}
	var f merkle.Frontier
	for i, r := range got.Records {
		if _, err := record.Parse(r); err != nil {
			t.Errorf("fixture: record %d: %v", i, err)
		}
		f.Append(tlog.RecordHash(r))
	}
	head, err := merkle.Open(got.Head, testOrigin, testKey.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	if head.Size != 79 || f.Size() != head.Size || f.Root() != head.Root {
		t.Errorf("fixture: got %d records with root %s, want the %d of root %s that its head signs", f.Size(), f.Root(), head.Size, head.Root)
	}
}

// odd returns records of every kind, and readings with every edge that columns must carry or leave alone.
func odd() []*record.Record {
	at := record.Stamp{MonoMS: math.MaxUint64, WallMS: math.MinInt64, Quality: 250}
	reading := func(r record.Reading) *record.Record {
		return &record.Record{Kind: record.KindReading, At: at, Reading: &r}
	}
	many := record.Reading{FixFault: 65535}
	for i := range record.MaxProbes {
		many.Samples = append(many.Samples, record.Sample{Probe: 255, TempMC: int32(math.MinInt32 + i)})
	}
	records := []*record.Record{
		{Kind: record.KindBoot, At: at, Boot: &record.Boot{Key: testKey.Public().(ed25519.PublicKey), Software: "test",
			Probes:      []record.Probe{{Number: 1, Place: "organ", Certificate: "C-1", IssuedMS: 1, Points: []record.Point{{ReferenceMC: 0, IndicatedMC: 20}, {ReferenceMC: 8000, IndicatedMC: 8031}}}},
			Predecessor: &record.Predecessor{Size: 9}}},
		reading(record.Reading{}),
		reading(many),
		reading(record.Reading{Samples: []record.Sample{{Probe: 3, Fault: 1}, {Probe: 3, TempMC: -1}, {Probe: 0, Fault: 65535}}}),
		reading(record.Reading{Fix: &record.Fix{LatE7: math.MinInt32, LonE7: math.MaxInt32, Quality: 255, Satellites: 255, HDOPx100: 65535, AgeMS: math.MaxUint32}, FixFault: 1}),
		{Kind: record.KindGap, At: at, Gap: &record.Gap{Reason: record.GapStorage, FromMono: 1, ToMono: math.MaxUint64}},
		{Kind: record.KindExcursionOpened, At: at, Excursion: &record.Excursion{Rule: "warm", ExtremeMC: -5}},
		{Kind: record.KindAct, At: at, Act: &record.Act{Bytes: bytes.Repeat([]byte("act"), 1000)}},
		{Kind: record.KindProbeChange, At: at, Probe: &record.ProbeChange{Probe: 2, Fault: 9}},
		{Kind: record.KindOutput, At: at, Output: &record.Output{Name: "alarm", On: true}},
		{Kind: record.KindDevice, At: at, Device: &record.Device{Name: "gnss", State: 1, Fault: 65535, Port: "/dev/ttyUSB0"}},
		{Kind: record.KindHandling, At: at, Handling: &record.Handling{Kind: 255, On: true, Value: math.MinInt32}},
		{Kind: record.KindBattery, At: at, Battery: &record.Battery{ChargePermille: record.ChargeUnknown, MilliVolts: record.MilliVoltsUnknown, State: 1, LeftS: math.MaxUint32, Fault: 92}},
		{Kind: 4711, At: at, Unknown: cbor.AppendText(nil, "from the future")},
		{Kind: record.KindShutdown, At: at, Shutdown: &record.Shutdown{Reason: "test"}},
	}
	for i, r := range records {
		r.Seq = uint64(i)
	}
	return records
}

func TestEncode_RoundTrip(t *testing.T) {
	shifted := marshal(t, trip(5)...)
	for _, tt := range []struct {
		name    string
		from    int64
		records [][]byte
	}{
		{"one reading", 0, marshal(t, trip(1)...)},
		{"a trip", 0, marshal(t, trip(700)...)},
		{"every kind", 0, marshal(t, odd()...)},
		{"seq differs from place", 1 << 40, shifted},
		{"not records at all", 3, [][]byte{{0}, []byte("hello"), bytes.Repeat([]byte{1}, record.MaxSize)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			head := signHead(t, tt.from, tt.records)
			wire, err := batch.Encode(testOrigin, tt.from, tt.records, head)
			if err != nil {
				t.Fatal(err)
			}
			again, err := batch.Encode(testOrigin, tt.from, tt.records, head)
			if err != nil || !bytes.Equal(wire, again) {
				t.Errorf("encoding twice: got other bytes, error %v", err)
			}
			got, err := batch.Decode(wire)
			if err != nil {
				t.Fatal(err)
			}
			want := &batch.Batch{Origin: testOrigin, From: tt.from, Records: tt.records, Head: head}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decoded batch differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncode_OddHead(t *testing.T) {
	records := marshal(t, trip(2)...)
	signed := signHead(t, 0, records)
	for _, head := range [][]byte{[]byte("x"), append(bytes.Clone(signed), "— other AAAA\n"...), bytes.TrimSuffix(signed, []byte("\n"))} {
		wire, err := batch.Encode(testOrigin, 0, records, head)
		if err != nil {
			t.Fatal(err)
		}
		b, err := batch.Decode(wire)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(b.Head), string(head); got != want {
			t.Errorf("head: got %q, want %q", got, want)
		}
	}
}

func TestEncode_Refuses(t *testing.T) {
	records := marshal(t, trip(1)...)
	head := signHead(t, 0, records)
	large := make([][]byte, 40)
	rng := rand.NewChaCha8([32]byte{})
	for i := range large {
		large[i] = make([]byte, record.MaxSize)
		rng.Read(large[i])
	}
	for _, tt := range []struct {
		name    string
		origin  string
		from    int64
		records [][]byte
		head    []byte
		want    error
	}{
		{"too many", testOrigin, 0, make([][]byte, batch.MaxRecords+1), head, batch.ErrTooMany},
		{"too large", testOrigin, 0, large, head, batch.ErrTooLarge},
		{"body too large", testOrigin, 0, slicesRepeat(bytes.Repeat([]byte{9}, record.MaxSize), 300), head, batch.ErrTooLarge},
		{"none", testOrigin, 0, nil, head, nil},
		{"origin of something else", "example.com/log", 0, records, head, nil},
		{"no head", testOrigin, 0, records, nil, nil},
		{"before the start", testOrigin, -1, records, head, nil},
		{"empty record", testOrigin, 0, [][]byte{{}}, head, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wire, err := batch.Encode(tt.origin, tt.from, tt.records, tt.head)
			if err == nil || wire != nil {
				t.Fatalf("got %d bytes and error %v, want an error only", len(wire), err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
		})
	}
}

func slicesRepeat(b []byte, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = b
	}
	return out
}

// envelope writes an envelope by hand, for bodies that Encode would not write.
func envelope(version, count, pack uint64, body []byte) []byte {
	b := cbor.AppendMap(nil, 8)
	b = cbor.AppendUint(cbor.AppendUint(b, 1), version)
	b = cbor.AppendBytes(cbor.AppendUint(b, 2), make([]byte, 16))
	b = cbor.AppendBytes(cbor.AppendUint(b, 3), make([]byte, 16))
	b = cbor.AppendUint(cbor.AppendUint(b, 4), 0)
	b = cbor.AppendUint(cbor.AppendUint(b, 5), count)
	b = cbor.AppendUint(cbor.AppendUint(b, 6), pack)
	b = cbor.AppendBytes(cbor.AppendUint(b, 7), body)
	return cbor.AppendBytes(cbor.AppendArray(cbor.AppendUint(b, 8), 1), []byte("head"))
}

func TestDecode_Refuses(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	bomb := enc.EncodeAll(make([]byte, 16*batch.MaxBody), nil)
	good, err := batch.Encode(testOrigin, 0, marshal(t, trip(100)...), []byte("head"))
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte{0, 0x04, 0x0c, 2, 'h'} // no shapes; one row as it is; of length 1
	if b, err := batch.Decode(envelope(1, 1, 0, plain)); err != nil || string(b.Records[0]) != "h" {
		t.Fatalf("the hand-written batch that the cases below spoil: %v", err)
	}
	for _, tt := range []struct {
		name string
		wire []byte
	}{
		{"nothing", nil},
		{"bomb", envelope(1, 1, 1, bomb)},
		{"newer version", envelope(2, 1, 0, plain)},
		{"no records", envelope(1, 0, 0, plain)},
		{"more records than allowed", envelope(1, batch.MaxRecords+1, 0, plain)},
		{"more records than bytes", envelope(1, 4096, 0, []byte{0, 0})},
		{"unknown packing", envelope(1, 1, 2, plain)},
		{"not zstd", envelope(1, 1, 1, plain)},
		{"left over", envelope(1, 1, 0, append(bytes.Clone(plain), 'x'))},
		{"cut body", envelope(1, 1, 0, plain[:4])},
		{"cut", good[:len(good)-1]},
		{"trailing", append(bytes.Clone(good), 0)},
		{"too long", make([]byte, batch.MaxWire+1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if b, err := batch.Decode(tt.wire); err == nil || b != nil {
				t.Errorf("got %v and error %v, want an error only", b, err)
			}
		})
	}
}

// drawRecord draws a canonical record of any kind, or now and then bytes that are none.
func drawRecord(t *rapid.T, seq uint64) []byte {
	if rapid.IntRange(0, 9).Draw(t, "what") == 0 {
		return rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "bytes")
	}
	r := &record.Record{Seq: seq, Kind: record.KindReading, At: record.Stamp{
		MonoMS: rapid.Uint64().Draw(t, "mono"), WallMS: rapid.Int64().Draw(t, "wall"), Quality: record.ClockQuality(rapid.IntRange(1, 255).Draw(t, "quality"))}}
	r.Reading = &record.Reading{FixFault: record.Fault(rapid.IntRange(0, 3).Draw(t, "fix fault"))}
	for range rapid.IntRange(0, 4).Draw(t, "samples") {
		s := record.Sample{Probe: rapid.Byte().Draw(t, "probe"), Fault: record.Fault(rapid.IntRange(0, 2).Draw(t, "fault"))}
		if s.Fault == 0 {
			s.TempMC = rapid.Int32().Draw(t, "temperature")
		}
		r.Reading.Samples = append(r.Reading.Samples, s)
	}
	if rapid.Bool().Draw(t, "fix") {
		r.Reading.Fix = &record.Fix{LatE7: rapid.Int32().Draw(t, "lat"), LonE7: rapid.Int32().Draw(t, "lon"), AgeMS: rapid.Uint32().Draw(t, "age")}
	}
	b, err := r.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBatch_RoundTripProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(0, 1<<62).Draw(t, "from")
		records := make([][]byte, rapid.IntRange(1, 40).Draw(t, "count"))
		for i := range records {
			records[i] = drawRecord(t, uint64(from)+uint64(i))
		}
		wire, err := batch.Encode(testOrigin, from, records, []byte("head"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := batch.Decode(wire)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(records, got.Records); diff != "" {
			t.Fatalf("records differ (-want +got):\n%s", diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, records := range [][][]byte{marshal(f, trip(3)...), marshal(f, trip(300)...), marshal(f, odd()...)} {
		wire, err := batch.Encode(testOrigin, 0, records, signHead(f, 0, records))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Add(envelope(1, 1, 0, []byte{0, 0x04, 0x0c, 2, 'h'}))
	f.Fuzz(func(t *testing.T, wire []byte) {
		b, err := batch.Decode(wire)
		if err != nil {
			if b != nil {
				t.Fatal("a batch beside an error")
			}
			return
		}
		again, err := batch.Encode(b.Origin, b.From, b.Records, b.Head)
		if errors.Is(err, batch.ErrTooLarge) { // hostile columns can say in 1 kB what takes us more
			return
		}
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		second, err := batch.Decode(again)
		if err != nil {
			t.Fatalf("decode what was encoded: %v", err)
		}
		if diff := cmp.Diff(b, second); diff != "" {
			t.Fatalf("batch changes (-first +second):\n%s", diff)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, bb := range []struct {
		name string
		n    int
	}{{"1", 1}, {"64", 64}, {"600", 600}, {"4096", 4096}} {
		records := marshal(b, trip(bb.n)...)
		wire, err := batch.Encode(testOrigin, 0, records, signHead(b, 0, records))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := batch.Decode(wire); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(bb.n)*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	records := marshal(b, trip(600)...)
	head := signHead(b, 0, records)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := batch.Encode(testOrigin, 0, records, head); err != nil {
			b.Fatal(err)
		}
	}
}
