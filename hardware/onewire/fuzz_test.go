package onewire

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// FuzzScratchpad holds that a temperature is the one its bytes say, and never one of the values of a probe that failed.
func FuzzScratchpad(f *testing.F) {
	for _, text := range []string{"91 01 4b 46 7f ff 0f 10", "50 05 4b 46 7f ff 0c 10", "ff 07 4b 46 7f ff 0c 10", "32 00 4b 46 ff ff 0c 10",
		"90 fc 4b 46 1f ff 10 10", "00 00 00 00 00 00 00 00", "ff ff ff ff ff ff ff ff"} {
		s := pad(f, text)
		f.Add(byte(familyDS18B20), s[:])
		f.Add(byte(familyDS18S20), s[:])
	}
	f.Fuzz(func(t *testing.T, family byte, b []byte) {
		if len(b) < 8 {
			return
		}
		s := scratchpad{}
		copy(s[:8], b)
		s[8] = crc8(s[:8]) // or the fuzzer would spend its time on the checksum
		temp, fault := s.decode(family)
		if fault != hardware.None {
			if temp != 0 {
				t.Errorf("% x: %v with %v", s[:], temp, fault)
			}
			return
		}
		raw := float64(int16(uint16(s[0]) | uint16(s[1])<<8))
		want, slack := raw/16, 0.5 // the low bits may mean nothing
		if family == familyDS18S20 {
			want, slack = raw/2, 1.26 // the counters move it by less than that
		}
		if got := float64(temp) / 1000; got < want-slack || got > want+slack || got < -55 || got > 125 {
			t.Errorf("% x: %v, want about %v", s[:], temp, want)
		}
		if s.all(0) || s.all(0xFF) || family != familyDS18S20 && (raw == rawNoPower || raw == rawPowerOn && s[6] == countFresh) {
			t.Errorf("% x: %v from a value of a failure", s[:], temp)
		}
	})
}

// FuzzParseW1 holds that what is believed is, letter for letter, what the kernel writes for these bytes.
func FuzzParseW1(f *testing.F) {
	f.Add(goodW1)
	f.Add(zeroW1 + "\n")
	f.Add(strings.Replace(goodW1, "YES", "NO", 1))
	f.Add("ff ff ff ff ff ff ff ff ff : crc=c9 NO\n58 01 4b 46 7f ff 0c 10 c2 t=21500\n")
	f.Add("50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		temp, fault := parseW1(text, familyDS18B20)
		if fault != hardware.None {
			if temp != 0 {
				t.Errorf("%q: %v with %v", text, temp, fault)
			}
			return
		}
		b, err := hex.DecodeString(strings.ReplaceAll(text[:26], " ", ""))
		if err != nil {
			t.Fatalf("%q was believed: %v", text, err)
		}
		if s := scratchpad(b); crc8(s[:8]) != s[8] {
			t.Errorf("%q was believed with a wrong checksum", text)
		}
		hexes := fmt.Sprintf("% x ", b)
		again := hexes + ": crc=" + hexes[24:26] + " YES\n" + hexes + "t="
		number := strings.TrimRight(text[min(len(text), len(again)):], "\n")
		if !strings.HasPrefix(strings.ToLower(text), strings.ToLower(again)) || text[36:39] != "YES" {
			t.Errorf("%q was believed, want %q", text, again)
		}
		if got, fault := parseTemperature(number); fault == hardware.None && !agrees(temp, int64(got)) {
			t.Errorf("%q: %v", text, temp)
		}
	})
}

// echoPort answers each write with the next piece of data: its first byte says how many bytes that is.
type echoPort struct {
	data, ready []byte
	writes      int
}

func (p *echoPort) Write(b []byte) (int, error) {
	p.writes++
	if len(p.data) > 0 {
		n := min(int(p.data[0])%48, len(p.data)-1)
		p.ready = append(p.ready, p.data[1:1+n]...)
		p.data = p.data[1+n:]
	}
	return len(b), nil
}

func (p *echoPort) ReadWithin(b []byte, _ time.Duration) (int, error) {
	if len(p.ready) == 0 {
		return 0, &serial.Error{Op: "read", Path: "fuzz", Fault: hardware.Silent, Err: errZeroID}
	}
	n := copy(b, p.ready)
	p.ready = p.ready[n:]
	return n, nil
}

func (p *echoPort) SetWriteDeadline(time.Time) error { return nil }
func (p *echoPort) SetBaud(int) error                { return nil }

// answers makes data for an echoPort.
func answers(pieces ...[]byte) (data []byte) {
	for _, p := range pieces {
		data = append(append(data, byte(len(p))), p...)
	}
	return data
}

// marks are the answers to the marks that a new chip sends, in order.
var marks = []byte{0x20, 0x22, 0x24, 0x26, 0x28, 0x2A, 0x2C, 0x2E}

// goodRead is what a bridge says when the probe is read right after it was opened.
func goodRead(id ID, s scratchpad) []byte {
	block := append(append([]byte{romMatch}, id[:]...), readScratchpad)
	block = append(append(block, s[:]...), marks[2])
	return answers([]byte{marks[1], 0xCD}, block)
}

// FuzzChip feeds the driver any answers: it ends, does not panic, and believes only what came whole.
func FuzzChip(f *testing.F) {
	id, err := ParseID("28-0316a279c4ff")
	if err != nil {
		f.Fatal(err)
	}
	good := pad(f, "91 01 4b 46 7f ff 0f 10")
	f.Add(goodRead(id, good))
	f.Add(answers([]byte{marks[1], 0xCC}))
	f.Add(answers([]byte{marks[1], 0xCF}, []byte("raspberrypi login: ")))
	f.Add(answers(nil, nil, nil, []byte{0x3E, 0x00, 0x93}, []byte{marks[1], 0xCD}))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &chip{port: &echoPort{data: bytes.Clone(data)}, where: "fuzz", timeout: time.Second}
		r, err := c.read(t.Context(), id)
		if err == nil && r.fault == hardware.None {
			temp, fault := scratchpad(r.raw).decode(id[0])
			head := append(append([]byte{romMatch}, id[:]...), readScratchpad)
			if fault != hardware.None || temp != r.temp || !bytes.Contains(data, append(head, r.raw...)) {
				t.Errorf("believed %v from % x", r.temp, r.raw)
			}
		}
		if (err != nil || r.fault != hardware.None) && r.temp != 0 {
			t.Errorf("%v with %v, %v", r.temp, r.fault, err)
		}
		c = &chip{port: &echoPort{data: bytes.Clone(data)}, where: "fuzz", timeout: time.Second}
		found, err := c.search(t.Context())
		if err != nil && len(found) > 0 || len(found) > maxDevices {
			t.Errorf("found %v with %v", found, err)
		}
		for _, id := range found {
			if id.check() != nil {
				t.Errorf("found %v, which is no ID", id)
			}
		}
		c = &chip{port: &echoPort{data: bytes.Clone(data)}, where: "fuzz", timeout: time.Second}
		if c.start(t.Context()) == nil {
			_ = c.convert(t.Context(), false) // must end; whether it may succeed is for the tests with a simulated bridge
		}
	})
}
