package onewire

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
)

// recordPort notes what is sent, in hex, and answers as echoPort does.
type recordPort struct {
	echoPort
	sent []byte
	baud []int // with each byte sent
	now  int
}

func (p *recordPort) Write(b []byte) (int, error) {
	for range b {
		p.baud = append(p.baud, p.now)
	}
	p.sent = append(p.sent, b...)
	return p.echoPort.Write(b)
}

func (p *recordPort) SetBaud(baud int) error { p.now = baud; return nil }

// TestChip_start holds the bytes on the line against those of the datasheet and of Maxim's application note 192.
func TestChip_start(t *testing.T) {
	p := &recordPort{echoPort: echoPort{data: answers(nil, nil, nil, []byte{0x3E, 0x00, 0x93})}}
	c := &chip{port: p, where: "test", timeout: time.Second}
	if err := c.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []byte{
		0x00,             // at 4800 baud: a master reset
		0xC1,             // sets the clock
		0xE3, 0xF1, 0xA1, // command mode, no pull-up, no search
		0x3F, 0x0F, 0x91, // pull-up without end; which speed; one bit
	}
	if diff := cmp.Diff(want, p.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{4800, 9600, 9600, 9600, 9600, 9600, 9600, 9600}, p.baud); diff != "" {
		t.Errorf("speed (-want +got):\n%s", diff)
	}
}

// TestChip_startRefuses: what answers must be a DS2480B.
func TestChip_startRefuses(t *testing.T) {
	tests := []struct {
		name   string
		answer []byte
		want   hardware.Fault
	}{
		{"nothing", nil, hardware.Timeout},
		{"half an answer", []byte{0x3E, 0x00}, hardware.Truncated},
		{"own echo", []byte{0x3F, 0x0F, 0x91}, hardware.Noise},
		{"text", []byte("log"), hardware.Noise},
		{"zeros", []byte{0, 0, 0}, hardware.Noise},
		{"ones", []byte{0xFF, 0xFF, 0xFF}, hardware.Noise},
		{"another speed", []byte{0x3E, 0x02, 0x93}, hardware.Noise},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &chip{port: &echoPort{data: answers(nil, nil, nil, tt.answer)}, where: "test", timeout: time.Second}
			if err := c.start(t.Context()); hardware.FaultOf(err) != tt.want {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// TestChip_read holds the answers to a reading that are refused.
func TestChip_read(t *testing.T) {
	id, err := ParseID("28-e3e1f1a279c4") // bytes that are commands to the bridge
	if err != nil {
		t.Fatal(err)
	}
	good := pad(t, "91 01 4b 46 7f ff 0f 10")
	block := goodRead(id, good)[4:]
	edit := func(fn func(b []byte) []byte) []byte { return fn(bytes.Clone(block)) }
	tests := []struct {
		name  string
		reset []byte
		block []byte
		want  hardware.Fault
	}{
		{"good", []byte{marks[1], 0xCD}, block, hardware.None},
		{"with programming voltage", []byte{marks[1], 0xED}, block, hardware.None},
		{"alarming presence", []byte{marks[1], 0xCE}, block, hardware.None},
		{"short", []byte{marks[1], 0xCC}, block, hardware.Shorted},
		{"no presence", []byte{marks[1], 0xCF}, block, hardware.NoPresence},
		{"no answer to the reset", nil, block, hardware.Timeout},
		{"half an answer to the reset", []byte{marks[1]}, block, hardware.Truncated},
		{"answer to an older reset", []byte{marks[7], 0xCD}, block, hardware.LateReply},
		{"not an answer to a reset", []byte{marks[1], 0x4D}, block, hardware.Noise},
		{"more after the reset", []byte{marks[1], 0xCD, 0xCD}, block, hardware.LateReply},
		{"no answer to the reading", []byte{marks[1], 0xCD}, nil, hardware.Timeout},
		{"a byte is missing", []byte{marks[1], 0xCD}, edit(func(b []byte) []byte { return append(b[:15], b[16:]...) }), hardware.Truncated},
		{"a byte comes twice", []byte{marks[1], 0xCD}, edit(func(b []byte) []byte { return append(b[:15], b[14:]...) }), hardware.Noise},
		{"the ID is changed on the bus", []byte{marks[1], 0xCD}, edit(func(b []byte) []byte { b[3] ^= 4; return b }), hardware.Noise},
		{"the mark is wrong", []byte{marks[1], 0xCD}, edit(func(b []byte) []byte { b[len(b)-1] ^= 2; return b }), hardware.Noise},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &recordPort{echoPort: echoPort{data: answers(tt.reset, tt.block)}}
			c := &chip{port: p, where: "test", timeout: time.Second}
			r, err := c.read(t.Context(), id)
			if hardware.FaultOf(err) != tt.want || r.fault != hardware.None {
				t.Fatalf("%v, %v, want %v", r.fault, err, tt.want)
			}
			if tt.want != hardware.None {
				if r.temp != 0 {
					t.Errorf("temperature %v with a fault", r.temp)
				}
				return
			}
			if r.temp != 25_062 {
				t.Errorf("temperature %v, want 25.062 °C", r.temp)
			}
			want := []byte{0x23, 0xC1, 0xE1, 0x55, 0x28, 0xC4, 0x79, 0xA2, 0xF1, 0xE1, 0xE3, 0xE3, id[7], 0xBE,
				0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xE3, 0x25}
			if diff := cmp.Diff(want, p.sent); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPassResult: a device at 1 beside one at 0 in bit 2, which is where the next pass goes.
func TestPassResult(t *testing.T) {
	id, err := ParseID("28-0316a279c4ff")
	if err != nil {
		t.Fatal(err)
	}
	answer := pathBytes(id)
	answer[0] |= 1 << 4 // both ways at bit 2, which is zero in this ID
	got, next, more, err := passResult(answer, ID{})
	if err != nil || got != id || !more || next != (ID{0x04}) {
		t.Errorf("got %v, next % x, more %v, %v", got, next[:], more, err)
	}
	broken := map[string][16]byte{
		"all zeros": {},
		"nobody answers any more": {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
			0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
		"a bit is wrong": func() [16]byte { a := pathBytes(id); a[7] ^= 2; return a }(),
	}
	for name, answer := range broken {
		if got, _, _, err := passResult(answer, ID{}); err == nil {
			t.Errorf("%s: found %v", name, got)
		}
	}
}
