package nmea

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"isotherm/hardware"
)

// sum frames a body with its checksum, without a line end.
func sum(body string) string {
	var x byte
	for i := range len(body) {
		x ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X", body, x)
}

// frames feeds the parts, ends the stream and lists what came out: sentences as they are, faults by name, each with its
// offset.
func frames(parts ...string) []string {
	var out []string
	f := NewFramer(
		func(offset int64, line []byte) { out = append(out, fmt.Sprintf("%d %s", offset, line)) },
		func(offset int64, fault hardware.Fault) { out = append(out, fmt.Sprintf("%d %v", offset, fault)) })
	for _, part := range parts {
		f.Write([]byte(part))
	}
	f.Close()
	return out
}

// TestFramer_frames has the bad frames of which bytes make a sentence. Each is tried alone, with a good sentence behind
// it, and cut at every byte.
func TestFramer_frames(t *testing.T) {
	good := sum("GPGLL,5230.0000,N,01315.0000,E,120000.00,A,A")
	tests := []struct {
		name, in string
		want     string // names of faults and "line" for sentences, in order, of in alone
	}{
		{"dollar", "$\r\n", "line"},
		{"dollar at the end", "$", "truncated"},
		{"dollar dollar", "$$", "interleaved truncated"},
		{"empty with sum", "$*00\r\n", "line"},
		{"sum alone", "*00\r\n", "noise"},
		{"no line end for 20 sentences, then a star", strings.Repeat(good[:40], 3) + "*00\r\n", "interleaved interleaved line"},
		{"only line ends", "\r\n\r\r\n\n", ""},
		{"carriage returns only", good + "\r" + good + "\r", "line line"},
		{"line feeds only", good + "\n" + good + "\n", "line line"},
		{"empty lines between", good + "\r\n\r\n" + good + "\r\n\r\n", "line line"},
		{"no line end", good, "line"},
		{"no line end, wrong sum", good + "0", "truncated"},
		{"glued", good + good + "\r\n", "line line"},
		{"glued, first without sum", "$GPGLL,1,2" + good + "\r\n", "interleaved line"},
		{"one inside another", "$GPRMC,1200" + good + "\r\n00.00,A,,\r\n", "interleaved line noise"},
		{"! inside a sentence", "$GPRMC,12!AIVDM,1\r\n", "interleaved line"},
		{"encapsulated", "!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*23\r\n", "line"},
		{"first line cut", "230.0000,N,013*4C\r\n", "noise"},
		{"login prompt", "raspberrypi login: ", "noise"},
		{"kernel text", "[    0.000000] Booting Linux on physical CPU 0x0\r\n", "noise"},
		{"BOM", "\xEF\xBB\xBF" + good + "\r\n", "binary line"},
		{"NUL before", "\x00" + good + "\r\n", "binary line"},
		{"NUL inside", "$GPGGA,12\x00\x00\r\n", "binary"},
		{"byte above 7F inside", "$GPGGA,12\xC2\xB0,N\r\n", "binary"},
		{"escape code inside", "$GPGSA,A\x1b[0m,3*11\r\n", "binary"},
		{"space and tab before", " \t " + good + "\r\n", "line"},
		{"space and tab behind", good + " \t\r\n", "line"},
		{"83 bytes", sum("GPTXT,"+strings.Repeat("x", 83-10)) + "\r\n", "line"},
		{"120 bytes", sum("GPTXT,"+strings.Repeat("x", 120-10)) + "\r\n", "line"},
		{"121 bytes", sum("GPTXT,"+strings.Repeat("x", 121-10)) + "\r\n", "too_long"},
		{"500 bytes", "$GP" + strings.Repeat("X", 500) + "\r\n", "too_long"},
		{"20,000 commas", "$" + strings.Repeat(",", 20_000) + "\r\n", "too_long"},
		{"no line end for a million bytes", strings.Repeat("x", 1_000_000), "noise"},
		{"all 00", strings.Repeat("\x00", 1000), "binary"},
		{"all FF", strings.Repeat("\xff", 1000), "binary"},
		{"TAG block", `\s:gnss,c:1789000000*` + xor("s:gnss,c:1789000000") + `\` + good + "\r\n", "line"},
		{"TAG block, wrong sum", `\s:gnss*00\` + good + "\r\n", "checksum_bad line"},
		{"TAG block, no sum", `\s:gnss\` + good + "\r\n", "checksum_missing line"},
		{"TAG block, open", `\s:gnss*5A` + "\r\n" + good + "\r\n", "noise line"},
		{"TAG block, open before a sentence", `\s:gnss*5A` + good + "\r\n", "noise line"},
		{"TAG block, without its first backslash", `s:gnss*5A\` + good + "\r\n", "noise line"},
		{"TAG block, too long", `\` + strings.Repeat("s", 100) + `\` + good + "\r\n", "noise line"},
		{"backslash at the end", `\`, "noise"},
		{"UBX with a sentence", ubx(good + "\r\n"), "binary"},
		{"UBX with a line end", ubx("\n") + good + "\r\n", "binary line"},
		{"UBX length FFFF", "\xB5\x62\x01\x02\xFF\xFF" + good + "\r\n", "binary line"},
		{"UBX cut", ubx("$GPRMC,120000")[:9] + "\r\n", "binary line"},
		{"UBX damaged, sentence inside", ubx(good + "\r\n")[:6+len(good)+2] + "xy", "binary line noise"},
		{"CASIC with a dollar", casic("abc$GPRM"), "binary"},
		{"RTCM with a dollar", rtcm("$GPGGA,1\r\n"), "binary"},
		{"RTCM damaged", rtcm("xxx")[:5] + "y" + rtcm("xxx")[6:], "binary"},
		{"RTCM preamble", "\xD3" + good + "\r\n", "binary line"},
		{"RTCM preamble and a plausible length", "\xD3\x03\xFF" + good + "\r\n", "binary line"},
		{"binary, then a good line in one write", ubx("abc") + good + "\r\n", "binary line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := kinds(frames(tt.in)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			whole := frames(tt.in + "\r\n" + good + "\r\n")
			if last := whole[len(whole)-1]; last != fmt.Sprintf("%d %s", len(tt.in)+2, good) {
				t.Errorf("the good sentence behind it: %q", last)
			}
			if len(tt.in) > 1000 {
				return // cutting noise of one kind shows nothing new
			}
			for cut := range len(tt.in) {
				if got, want := strings.Join(frames(tt.in[:cut], tt.in[cut:]), "\n"), strings.Join(frames(tt.in), "\n"); got != want {
					t.Fatalf("cut at %d:\n%s\nwant\n%s", cut, got, want)
				}
			}
		})
	}
}

// kinds shortens the list of frames.
func kinds(list []string) string {
	var out []string
	for _, s := range list {
		_, what, _ := strings.Cut(s, " ")
		if what[0] == '$' || what[0] == '!' {
			what = "line"
		}
		out = append(out, what)
	}
	return strings.Join(out, " ")
}

func TestFramer_Flush(t *testing.T) {
	var got []string
	f := NewFramer(func(_ int64, line []byte) { got = append(got, string(line)) }, func(_ int64, fault hardware.Fault) { got = append(got, fault.String()) })
	good := sum("GPZDA,120000,,,,00,")
	f.Write([]byte(good[:10]))
	f.Flush()
	f.Write([]byte(good[10:]))
	f.Flush()
	f.Flush()
	f.Write([]byte("\r\n\xB5\x62"))
	f.Flush()
	if want := good + " binary"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, " "), want)
	}
}

// TestFramer_memory holds that noise of any length is not kept.
func TestFramer_memory(t *testing.T) {
	f := NewFramer(func(int64, []byte) {}, func(int64, hardware.Fault) {})
	for _, chunk := range []string{"x", "$x", "\xD3\x03", "\\x", "\xB5\x62\x01\x02\x40\x04", "\xff", "$" + strings.Repeat(",", 50)} {
		for range 1000 {
			f.Write([]byte(chunk))
			if len(f.buf) > maxPacket {
				t.Fatalf("%q: %d bytes are kept, want at most %d", chunk, len(f.buf), maxPacket)
			}
		}
	}
}

func TestChecksum(t *testing.T) {
	tests := []struct {
		in   string
		want hardware.Fault
	}{
		{"$*00", hardware.None},
		{"$,*2C", hardware.None},
		{"$GPTXT*4F", hardware.None},
		{"$GPTXT*4f", hardware.None},
		{"$GPTXT*4F \t ", hardware.None},
		{"$GPTXT*4G", hardware.ChecksumBad},
		{"$GPTXT*ZZ", hardware.ChecksumBad},
		{"$GPTXT*00", hardware.ChecksumBad},
		{"$GPTXT*4", hardware.ChecksumBad},
		{"$GPTXT*4F4", hardware.ChecksumBad},
		{"$GPTXT*4F x", hardware.ChecksumBad},
		{"$GPTXT*4F*4F", hardware.ChecksumBad},
		{"$GPTXT*", hardware.ChecksumBad},
		{"$GPTXT", hardware.ChecksumMissing},
		{"$", hardware.ChecksumMissing},
		{"", hardware.ChecksumMissing},
	}
	for _, tt := range tests {
		if got := Checksum([]byte(tt.in)); got != tt.want {
			t.Errorf("Checksum(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

// TestPacket_crc24q uses the example message of RTKLIB's and u-blox's documentation: a message 1005 of RTCM 10403, with
// its checksum at the end.
func TestPacket_crc24q(t *testing.T) {
	message, err := hex.DecodeString("d300133ed7d30202980edeef34b4bd62ac0941986f33360b98")
	if err != nil {
		t.Fatal(err)
	}
	if n, verdict := packet(message); verdict != packetGood || n != len(message) {
		t.Errorf("packet = %d, %v, want %d, good", n, verdict, len(message))
	}
}

func xor(s string) string {
	_, hexadecimal, _ := strings.Cut(sum(s), "*")
	return hexadecimal
}

func ubx(payload string) string {
	b := []byte{0xB5, 0x62, 0x01, 0x02}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(payload)))
	b = append(b, payload...)
	var a, c byte
	for _, x := range b[2:] {
		a += x
		c += a
	}
	return string(append(b, a, c))
}

func casic(payload string) string {
	b := []byte{0xBA, 0xCE}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(payload)))
	b = append(append(b, 0x04, 0x07), payload...)
	total := uint32(0x07)<<24 + uint32(0x04)<<16 + uint32(len(payload))
	for i := 0; i < len(payload); i += 4 {
		total += binary.LittleEndian.Uint32([]byte(payload[i:]))
	}
	return string(binary.LittleEndian.AppendUint32(b, total))
}

func rtcm(payload string) string {
	b := append([]byte{0xD3, 0, byte(len(payload))}, payload...)
	crc := crc24q(b)
	return string(append(b, byte(crc>>16), byte(crc>>8), byte(crc)))
}

// FuzzFramer holds what must be true of any bytes: no panic, the same outcome however they are cut, every sentence is a
// piece of the stream at its offset, and offsets rise.
func FuzzFramer(f *testing.F) {
	good := sum("GPGLL,5230.0000,N,01315.0000,E,120000.00,A,A") + "\r\n"
	for _, seed := range []string{
		good, good + good, ubx(good), casic("abc$GPRM"), rtcm("$GPGGA,1\r\n"), `\s:a*28\` + good, "$GP" + strings.Repeat("X", 200),
		"\xD3\x03\xFF" + good, "$$!!\\\\", "!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*23\r\n", "\xEF\xBB\xBF\t " + good,
	} {
		f.Add([]byte(seed), uint16(7))
	}
	f.Fuzz(func(t *testing.T, in []byte, cut uint16) {
		last := int64(-1)
		check := func(offset int64) {
			if offset < last || offset >= int64(len(in)) {
				t.Errorf("offset %d after %d, of %d bytes", offset, last, len(in))
			}
			last = offset
		}
		framer := NewFramer(func(offset int64, line []byte) {
			check(offset)
			if !bytes.HasPrefix(in[offset:], line) || len(line) > MaxSentence {
				t.Errorf("%q is not at %d, or too long", line, offset)
			}
		}, func(offset int64, _ hardware.Fault) { check(offset) })
		framer.Write(in)
		framer.Close()
		at := min(int(cut), len(in))
		if got, want := strings.Join(frames(string(in[:at]), string(in[at:])), "\n"), strings.Join(frames(string(in)), "\n"); got != want {
			t.Errorf("cut at %d:\n%s\nwhole:\n%s", at, got, want)
		}
	})
}
