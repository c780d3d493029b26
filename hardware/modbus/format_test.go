package modbus

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"isotherm/hardware"
)

// floatWords are the two registers of a float32 in an order.
func floatWords(v float32, o Order) []uint16 { return words32(math.Float32bits(v), o) }

// words32 lays four bytes out as a device does; it is written apart from the decoder's way.
func words32(v uint32, o Order) []uint16 {
	a, b, c, d := uint16(v>>24), uint16(v>>16&0xFF), uint16(v>>8&0xFF), uint16(v&0xFF)
	switch o {
	case WordSwapped:
		return []uint16{c<<8 | d, a<<8 | b}
	case ByteSwapped:
		return []uint16{b<<8 | a, d<<8 | c}
	case Little:
		return []uint16{d<<8 | c, b<<8 | a}
	}
	return []uint16{a<<8 | b, c<<8 | d}
}

func preset(t testing.TB, d Decode) Format {
	t.Helper()
	f, err := ProbeConfig{Decode: d}.format()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFormat_decode names each register value that is no temperature, and the fault it must give.
func TestFormat_decode(t *testing.T) {
	tenth, hundredth := preset(t, PT100Tenth), preset(t, PT100Hundredth)
	float, swapped := preset(t, PT100Float), preset(t, PT100FloatSwapped)
	xymd, kincony := preset(t, XYMD02), preset(t, KinConySHT30)
	wide := Format{Type: Int32, Step: 1}.withDefaults()
	wideSwapped := Format{Type: Int32, Step: 1, Order: WordSwapped}.withDefaults()
	listed := Format{Step: 100, Absent: []uint32{0xFFFF}}.withDefaults()
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	tests := []struct {
		name  string
		form  Format
		words []uint16
		want  hardware.Temperature
		fault hardware.Fault
	}{
		{"tenth above zero", tenth, []uint16{0x0131}, 30_500, 0},
		{"tenth below zero", tenth, []uint16{0xFF33}, -20_500, 0},
		{"tenth zero", tenth, []uint16{0}, 0, 0},
		{"tenth 85.0", tenth, []uint16{850}, 85_000, 0},
		{"tenth 85.1", tenth, []uint16{851}, 0, hardware.OutOfRange},
		{"tenth -80.0", tenth, []uint16{0xFCE0}, -80_000, 0},
		{"tenth -80.1", tenth, []uint16{0xFCDF}, 0, hardware.OutOfRange},
		{"tenth 850.0", tenth, []uint16{8500}, 0, hardware.Disconnected},
		{"tenth 850.1", tenth, []uint16{8501}, 0, hardware.Disconnected},
		{"tenth -200.0", tenth, []uint16{0xF830}, 0, hardware.Shorted},
		{"tenth -242.0", tenth, []uint16{0xF68C}, 0, hardware.Shorted},
		{"tenth 0x7FFF", tenth, []uint16{0x7FFF}, 0, hardware.Disconnected},
		{"tenth 0x8000", tenth, []uint16{0x8000}, 0, hardware.Disconnected},
		{"tenth 0xFFFF is -0.1", tenth, []uint16{0xFFFF}, -100, 0},
		{"tenth 0xFFFF listed", listed, []uint16{0xFFFF}, 0, hardware.Disconnected},
		{"hundredth", hundredth, []uint16{550}, 5_500, 0},
		{"hundredth 0xFFFF is -0.01", hundredth, []uint16{0xFFFF}, -10, 0},
		{"hundredth -200.00", hundredth, []uint16{0xB1E0}, 0, hardware.Shorted},
		{"hundredth 0x7FFF", hundredth, []uint16{0x7FFF}, 0, hardware.Disconnected},
		{"hundredth 0x8000", hundredth, []uint16{0x8000}, 0, hardware.Disconnected},
		{"hundredth 90.00", hundredth, []uint16{9000}, 0, hardware.OutOfRange},

		{"xy-md02", xymd, []uint16{55, 500}, 5_500, 0},
		{"xy-md02 below zero", xymd, []uint16{0xFF33, 500}, -20_500, 0},
		{"xy-md02 all ones", xymd, []uint16{0xFFFF, 0xFFFF}, 0, hardware.Disconnected},
		{"xy-md02 all zero", xymd, []uint16{0, 0}, 0, hardware.ConversionFailed},
		{"xy-md02 0 °C", xymd, []uint16{0, 500}, 0, 0},
		{"xy-md02 -0.1 °C", xymd, []uint16{0xFFFF, 500}, -100, 0},
		{"xy-md02 humidity above 100 %", xymd, []uint16{55, 1001}, 0, hardware.Disconnected},
		{"xy-md02 0x7FFF", xymd, []uint16{0x7FFF, 500}, 0, hardware.Disconnected},

		{"kincony 25.0", kincony, []uint16{250, 500}, 25_000, 0},
		{"kincony sign at 10000", kincony, []uint16{10250, 500}, -25_000, 0},
		{"kincony -0.0", kincony, []uint16{10000, 500}, 0, 0},
		{"kincony two's complement", kincony, []uint16{0xFF33, 500}, 0, hardware.Disconnected},
		{"kincony 0x7FFF", kincony, []uint16{0x7FFF, 500}, 0, hardware.Disconnected},
		{"kincony 0x8000", kincony, []uint16{0x8000, 500}, 0, hardware.Disconnected},
		{"kincony 0xFFFF", kincony, []uint16{0xFFFF, 500}, 0, hardware.Disconnected},
		{"kincony 999.9", kincony, []uint16{9999, 500}, 0, hardware.Disconnected},
		{"sign at 10000 misread as two's complement", tenth, []uint16{10250}, 0, hardware.Disconnected}, // 1025 °C

		{"int32", wide, words32(5_500, Big), 5_500, 0},
		{"int32 below zero", wide, words32(uint32(0xFFFFFFFF-18_249), Big), -18_250, 0},
		{"int32 swapped", wideSwapped, words32(5_500, WordSwapped), 5_500, 0},
		{"int32 in the wrong order", wide, words32(5_500, WordSwapped), 0, hardware.Disconnected},
		{"int32 0x7FFFFFFF", wide, []uint16{0x7FFF, 0xFFFF}, 0, hardware.Disconnected},
		{"int32 0x80000000", wide, []uint16{0x8000, 0}, 0, hardware.Disconnected},

		{"float", float, floatWords(5.5, Big), 5_500, 0},
		{"float below zero", float, floatWords(-18.25, Big), -18_250, 0},
		{"float zero", float, floatWords(0, Big), 0, 0},
		{"float minus zero", float, []uint16{0x8000, 0}, 0, 0},
		{"float rounds", float, floatWords(4.20049, Big), 4_200, 0},
		{"float swapped", swapped, floatWords(5.3, WordSwapped), 5_300, 0},
		{"float word-swapped, read straight", float, floatWords(5.3, WordSwapped), 0, hardware.FieldRange},
		{"float straight, read word-swapped", swapped, floatWords(4.2, Big), 0, hardware.FieldRange},
		{"float byte-swapped, read straight", float, floatWords(5.5, ByteSwapped), 0, hardware.FieldRange},
		{"float NaN", float, floatWords(nan, Big), 0, hardware.Disconnected},
		{"float +Inf", float, floatWords(inf, Big), 0, hardware.Disconnected},
		{"float -Inf", float, floatWords(-inf, Big), 0, hardware.Disconnected},
		{"float subnormal", float, []uint16{0x0000, 0x40B0}, 0, hardware.FieldRange},
		{"float negative subnormal", float, []uint16{0x8000, 0x0001}, 0, hardware.FieldRange},
		{"float largest", float, floatWords(math.MaxFloat32, Big), 0, hardware.FieldRange},
		{"float 850.0", float, floatWords(850, Big), 0, hardware.Disconnected},
		{"float -200.0", float, floatWords(-200, Big), 0, hardware.Shorted},
		{"float 85.0004", float, floatWords(85.0004, Big), 85_000, 0},
		{"float 90", float, floatWords(90, Big), 0, hardware.OutOfRange},
		{"float all ones", float, []uint16{0xFFFF, 0xFFFF}, 0, hardware.Disconnected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, fault := tt.form.decode(tt.words); got != tt.want || fault != tt.fault {
				t.Errorf("% x = %v, %v, want %v, %v", tt.words, got, fault, tt.want, tt.fault)
			}
		})
	}
}

// TestFormat_orders writes numbers in every order and reads them back.
func TestFormat_orders(t *testing.T) {
	for _, o := range []Order{Big, WordSwapped, ByteSwapped, Little} {
		f := Format{Type: Float32, Order: o}.withDefaults()
		n := Format{Type: Int32, Order: o, Step: 10}.withDefaults()
		for milli := hardware.Temperature(-79_990); milli <= 84_990; milli += 10 {
			if got, fault := f.decode(floatWords(float32(milli)/1000, o)); got != milli || fault != 0 {
				t.Fatalf("float32 %s: %v, %v, want %v", o, got, fault, milli)
			}
			if got, fault := n.decode(words32(uint32(milli/10), o)); got != milli || fault != 0 {
				t.Fatalf("int32 %s: %v, %v, want %v", o, got, fault, milli)
			}
		}
	}
	f := Format{Order: ByteSwapped, Step: 100}.withDefaults()
	if got, fault := f.decode([]uint16{0x3101}); got != 30_500 || fault != 0 {
		t.Errorf("int16 %s: %v, %v, want 30.5 °C", ByteSwapped, got, fault)
	}
}

func TestBus_Probe_refuses(t *testing.T) {
	bus := newTestBus(t, "/dev/none")
	for _, tt := range []struct {
		cfg  ProbeConfig
		want string
	}{
		{ProbeConfig{Address: 1}, "xy-md02"},
		{ProbeConfig{Address: 1, Decode: "pt1000"}, "xy-md02"},
		{ProbeConfig{Decode: XYMD02}, "address"},
		{ProbeConfig{Address: 248, Decode: XYMD02}, "address"},
		{ProbeConfig{Address: 1, Decode: XYMD02, Function: 5}, "function 5"},
		{ProbeConfig{Address: 1, Decode: XYMD02, Format: &Format{}}, "custom"},
		{ProbeConfig{Address: 1, Decode: Custom}, "format"},
		{ProbeConfig{Address: 1, Decode: Custom, Format: &Format{}}, "step"},
		{ProbeConfig{Address: 1, Decode: Custom, Format: &Format{Step: 50}}, "step"},
		{ProbeConfig{Address: 1, Decode: Custom, Format: &Format{Step: 100, Type: "int64"}}, "int64"},
		{ProbeConfig{Address: 1, Decode: Custom, Format: &Format{Step: 100, Order: "middle"}}, "middle"},
		{ProbeConfig{Address: 1, Decode: Custom, Format: &Format{Step: 100, Order: WordSwapped}}, "two registers"},
		{ProbeConfig{Address: 1, Decode: Custom, Format: &Format{Step: 100, Sign: "ones"}}, "ones"},
		{ProbeConfig{Address: 1, Decode: Custom, Format: &Format{Step: 100, Type: Int32, Sign: Offset10000}}, "int16"},
		{ProbeConfig{Address: 1, Decode: Custom, Format: &Format{Step: 100, Type: Float32}}, "no step"},
		{ProbeConfig{Address: 1, Decode: Custom, Format: &Format{Step: 100, Absent: make([]uint32, 9)}}, "at most 8"},
	} {
		if _, err := bus.Probe(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want one about %q", tt.cfg, err, tt.want)
		}
	}
	if _, err := bus.Probe(ProbeConfig{Address: 1, Decode: Custom, Format: &Format{Type: Float32, Order: Little, Function: ReadHolding, Register: 7}}); err != nil {
		t.Error(err)
	}
}

// TestFormat_random holds that of a million sentinels and ends of range none is a temperature, and prints how many words in
// the wrong order look like one: nothing but a plausibility check can find those.
func TestFormat_random(t *testing.T) {
	const trials = 1_000_000
	random := rand.New(rand.NewPCG(3, 3))
	forms := []Format{preset(t, PT100Tenth), preset(t, PT100Hundredth), preset(t, XYMD02), preset(t, KinConySHT30), preset(t, PT100Float), preset(t, PT100FloatSwapped)}
	sentinels := [][][]uint16{
		{{0x7FFF}, {0x8000}, {8500}, {0xF830}, {10250}},
		{{0x7FFF}, {0x8000}, {0xB1E0}},
		{{0x7FFF, 500}, {0x8000, 500}, {0xFFFF, 0xFFFF}, {0, 0}, {8500, 500}},
		{{0x7FFF, 500}, {0x8000, 500}, {0xFFFF, 500}, {0xFF33, 500}, {0, 0}},
		{floatWords(float32(math.NaN()), Big), floatWords(float32(math.Inf(1)), Big), floatWords(float32(math.Inf(-1)), Big), floatWords(850, Big), floatWords(-200, Big), {0, 1}, {0xFFFF, 0xFFFF}},
		{floatWords(float32(math.NaN()), WordSwapped), floatWords(850, WordSwapped), floatWords(-200, WordSwapped), {1, 0}, {0xFFFF, 0xFFFF}},
	}
	bad, swapped := 0, 0
	for range trials {
		i := random.IntN(len(forms))
		set := sentinels[i]
		if _, fault := forms[i].decode(set[random.IntN(len(set))]); fault == hardware.None {
			bad++
		}
		v := float32(random.IntN(165_000)-80_000) / 1000
		if _, fault := forms[4].decode(floatWords(v, WordSwapped)); fault == hardware.None && v != 0 {
			swapped++
		}
	}
	t.Logf("%d sentinels: %d temperatures; %d float32 in the wrong order of words: %d (%.1f %%) look like a temperature", trials, bad, trials, swapped, 100*float64(swapped)/trials)
	if bad > 0 {
		t.Errorf("%d temperatures from sentinels", bad)
	}
}

// TestTemperatureProbe_order reads random float32 in the right and in the wrong order of words.
func TestTemperatureProbe_order(t *testing.T) {
	const trials, each = 20_000, 20
	random := rand.New(rand.NewPCG(4, 4))
	wrong, unproven, temps := 0, 0, 0
	for range trials {
		straight := &TemperatureProbe{form: preset(t, PT100Float)}
		mistaken := &TemperatureProbe{form: preset(t, PT100Float)}
		for range each {
			milli := random.IntN(60_000) - 30_000
			v := float32(milli) / 1000
			if temp, fault := straight.decode(floatWords(v, Big)); fault != hardware.None {
				unproven++
			} else if temps++; temp != hardware.Temperature(milli) {
				t.Fatalf("%v read as %v", v, temp)
			}
			if temp, fault := mistaken.decode(floatWords(v, WordSwapped)); fault == hardware.None && temp != hardware.Temperature(milli) {
				wrong++
			}
		}
	}
	t.Logf("float32 in the right order: %d temperatures, %d held back until the order was proven; in the wrong order: %d of %d passed on", temps, unproven, wrong, trials*each)
	if wrong > 0 || unproven > trials/4 {
		t.Errorf("%d in the wrong order passed on, %d good ones held back", wrong, unproven)
	}
}

// FuzzFormat_decode holds that any registers in any format give a temperature in range or a fault without one.
func FuzzFormat_decode(f *testing.F) {
	f.Add(uint8(0), uint8(0), uint8(0), []byte{0x01, 0x31, 0x02, 0x22, 0, 0})
	f.Add(uint8(2), uint8(1), uint8(0), []byte{0x99, 0x9A, 0x40, 0xA9, 0, 0})
	f.Add(uint8(0), uint8(0), uint8(1), []byte{0x28, 0x0A, 0x02, 0x22, 0, 0})
	f.Add(uint8(1), uint8(3), uint8(0), []byte{0xFF, 0xFF, 0xFF, 0x7F, 0, 0})
	f.Fuzz(func(t *testing.T, kind, order, sign uint8, raw []byte) {
		form := Format{Type: []Type{Int16, Int32, Float32}[kind%3], Order: []Order{Big, WordSwapped, ByteSwapped, Little}[order%4],
			Sign: []Sign{TwosComplement, Offset10000}[sign%2], Step: []hardware.TemperatureDelta{1, 10, 100, 1000}[sign/2%4], Humidity: sign&8 != 0}
		if form.Type == Float32 {
			form.Step = 0
		}
		if form.Check() != nil || len(raw) < 6 {
			return
		}
		words := []uint16{binary.BigEndian.Uint16(raw), binary.BigEndian.Uint16(raw[2:]), binary.BigEndian.Uint16(raw[4:])}[:form.count()]
		temp, fault := form.decode(words)
		if fault != hardware.None && temp != 0 || temp < probeMin || temp > probeMax {
			t.Errorf("%+v, % x: %v, %v", form, words, temp, fault)
		}
		if fault == hardware.None && form.Type == Int16 && form.Sign == TwosComplement {
			want := hardware.Temperature(int16(form.ordered16(words[0]))) * hardware.Temperature(form.Step)
			if temp != want {
				t.Errorf("%+v, % x: %v, want %v", form, words, temp, want)
			}
		}
	})
}
