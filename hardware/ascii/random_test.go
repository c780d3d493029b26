package ascii

import (
	"bytes"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"isotherm/hardware"
)

// goodLine is a line as the device of a profile sends it for a temperature in hundredths of a degree.
func goodLine(profile string, hundredths int) string {
	sign, amount := "+", hundredths
	if hundredths < 0 {
		sign, amount = "-", -hundredths
	}
	minus := strings.TrimPrefix(sign, "+")
	whole, part := amount/100, amount%100
	switch profile {
	case "ezo-rtd":
		return fmt.Sprintf("%s%d.%02d0", minus, whole, part)
	case "omega-i":
		return fmt.Sprintf("X01%s%03d.%02dC", minus, whole, part)
	case "adam":
		return fmt.Sprintf(">%s%03d.%02d", sign, whole, part)
	case "temperx232":
		return fmt.Sprintf("Temp-Inner:%s%d.%02d [C],45.00 [%%RH]", minus, whole, part)
	case "papouch-tm":
		return fmt.Sprintf("%s%03d.%dC", sign, whole, part/10)
	case "tsm125":
		return fmt.Sprintf("%5s", fmt.Sprintf("%s%d.%d", minus, whole, part/10))
	case "sk-l200ii":
		return fmt.Sprintf("S %s%04d, 0250", strings.Replace(sign, "+", " ", 1), amount/10)
	case "lutron":
		return fmt.Sprintf("\x02410%d%d2%08d", 1, map[string]int{"+": 0, "-": 1}[sign], amount)
	case "arduino":
		return sealed(fmt.Sprintf("T:%s%d.%02d,C", minus, whole, part))
	case "xdr":
		return sentence(fmt.Sprintf("YXXDR,C,%s%d.%02d,C,TEMP", minus, whole, part))
	}
	return ""
}

// badLines are what devices say instead of a temperature, in the form of a profile where it has one for it.
func badLines(profile string) []string {
	common := []string{"", " ", "nan", "NaN", "inf", "OL", "Err.1", "Err.3", "-H-", "-L-", "-E-", "25,3", "login:", "0", "+", "-", ".", "\x00", "\xff\xff"}
	switch profile {
	case "ezo-rtd":
		return append(common, "-1023.000", "85.000", "-127.000", "850.000", "-200.000", "*ER", "*OV", "*UV", "*RS", "*RE", "*SL", "*WA", "?S,f", "?S,k")
	case "omega-i":
		return append(common, "X01", "X01025.3", "X01077.5F", "?43", "?46", "?50", "?56", "?+999", "?-999")
	case "adam":
		return append(common, ">", ">+9999", ">-0000", ">-9999", ">+9999.9", "?01", ">+085.00", ">-127.00")
	case "temperx232":
		return append(common, "unknow!", "Temp-Inner:nan [C],nan [%RH]", "Temp-Inner: [C], [%RH]", "Temp-Inner:25.50 [F],45.00 [%RH]", "Temp-Inner:25.50 [],45.00 [%RH]")
	case "papouch-tm":
		return append(common, "+ERR", "+025.3", "+077.5F", "+085.0C", "-127.0C")
	case "tsm125":
		return append(common, " 85.0", "Err.2")
	case "sk-l200ii":
		return append(common, "S -H-, 0250", "S -L-, 0250", "S -E-, 0250", "S     , 0250")
	case "lutron":
		return append(common, "\x0241020100000775", "\x0241010100018888", "\x0241010100000850", "\x024101010000000")
	case "arduino":
		return append(common, sealed("T:nan,C"), sealed("T:,C"), sealed("T:-127.00,C"), sealed("T:85.00,C"), sealed("T:-0.0625,C"), sealed("T:-0.06,C"), sealed("T:4.20,F"),
			sealed("T:4.20,"), "T:4.20,C", "T:4.20,C*00")
	}
	return append(common, sentence("YXXDR,C,,C,TEMP"), sentence("YXXDR,C,NaN,C,TEMP"), sentence("YXXDR,C,85.00,C,TEMP"), sentence("YXXDR,C,-127.00,C,TEMP"),
		sentence("YXXDR,C,40.1,F,TEMP"), "$YXXDR,C,4.20,C,TEMP", "$YXXDR,C,4.20,C,TEMP*00")
}

// TestParser_Random holds that good lines give their value and that no bad one gives any, alone, cut, or glued.
func TestParser_Random(t *testing.T) {
	const trials = 10_000
	for _, name := range Presets() {
		r := newParser(t, name)
		random := rand.New(rand.NewPCG(7, 1))
		wrong, sentinels, cut := 0, 0, 0
		bad := badLines(name)
		for range trials {
			hundredths := random.IntN(16_000) - 8_000
			if name != "ezo-rtd" && name != "omega-i" && name != "adam" && name != "temperx232" && name != "lutron" && name != "arduino" && name != "xdr" {
				hundredths = hundredths / 10 * 10 // one decimal
			}
			if hundredths == -6 {
				continue // all ones
			}
			line := goodLine(name, hundredths)
			if v := r.Parse([]byte(line)); v.Fault != hardware.None || v.Temp != hardware.Temperature(hundredths*10) {
				if wrong++; wrong < 5 {
					t.Errorf("%s: %q = %+v, want %v", name, line, v, hardware.Temperature(hundredths*10))
				}
			}
			if v := r.Parse([]byte(bad[random.IntN(len(bad))])); v.Fault == hardware.None && !v.Nothing || v.Temp != 0 {
				sentinels++
			}
			glued := goodLine(name, random.IntN(8000)/10*10) + line
			if v := r.Parse([]byte(glued)); v.Fault == hardware.None && !v.Nothing {
				cut++
			}
		}
		t.Logf("%-11s %d good lines: %d wrong; %d sentinels, errors and empty lines: %d temperatures; %d glued lines: %d temperatures", name, trials, wrong, trials, sentinels, trials, cut)
		if wrong+sentinels+cut > 0 {
			t.Errorf("%s: %d wrong, %d temperatures from bad lines, %d from glued ones", name, wrong, sentinels, cut)
		}
	}
}

// FuzzParser_Parse holds for every profile that a temperature is in range and is what its digits say, worked out another
// way, and that a fault carries none.
func FuzzParser_Parse(f *testing.F) {
	var parsers []*Parser
	for i, name := range Presets() {
		parsers = append(parsers, newParser(f, name))
		for _, hundredths := range []int{420, -1250, 0} {
			f.Add(uint8(i), []byte(goodLine(name, hundredths)))
		}
		for _, line := range badLines(name) {
			f.Add(uint8(i), []byte(line))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, line []byte) {
		r := parsers[int(which)%len(parsers)]
		before := bytes.Clone(line)
		v := r.Parse(line)
		if !bytes.Equal(before, line) {
			t.Fatal("the line was changed")
		}
		if v.Fault != hardware.None || v.Nothing {
			if v.Temp != 0 {
				t.Errorf("%q: %+v carries a temperature", line, v)
			}
			return
		}
		if v.Temp < -80_000 || v.Temp > 85_000 || !v.Formed {
			t.Errorf("%q: %+v is out of range or not whole", line, v)
		}
		if r.p.XDR != "" || r.p.Name == "lutron" || r.p.Name == "sk-l200ii" {
			return // no decimal point in the line, or not its only number
		}
		match := r.whole.FindSubmatch(line)
		text := strings.TrimSpace(string(match[r.whole.SubexpIndex("value")]))
		want, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q: value %q is no number", line, text)
		}
		got := big.NewRat(int64(v.Temp), 1000)
		if diff := new(big.Rat).Sub(got, want); diff.Abs(diff).Cmp(big.NewRat(1, 2000)) > 0 {
			t.Errorf("%q: %v, want %s", line, v.Temp, text)
		}
	})
}

// FuzzSplitter holds that any bytes, cut anywhere, give the same lines, none too long and none from a first half.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte("5.3C\r+025.3C\r\n\xff\x00"), uint8(3))
	f.Add(bytes.Repeat([]byte("9"), 300), uint8(7))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		run := func(size int) (lines []string) {
			s := newSplitter("<", false, func(line []byte) {
				if len(line) == 0 || len(line) > maxLine {
					t.Errorf("a line of %d bytes", len(line))
				}
				lines = append(lines, string(line))
			}, func(fault hardware.Fault, raw []byte) { lines = append(lines, fault.String()) })
			for rest := data; len(rest) > 0; {
				n := min(size, len(rest))
				s.write(rest[:n])
				rest = rest[n:]
			}
			s.pause()
			return lines
		}
		whole, pieces := run(len(data)+1), run(int(step)+1)
		if fmt.Sprint(whole) != fmt.Sprint(pieces) {
			t.Errorf("whole %q, in pieces %q", whole, pieces)
		}
	})
}
