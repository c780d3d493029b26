package sim

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestScript_Check(t *testing.T) {
	tests := []struct {
		name string
		in   Fault
		want string // in the error; empty is none
	}{
		{"plain", Fault{Kind: Silence, At: time.Second, For: time.Second}, ""},
		{"for ever", Fault{Kind: Garbage}, ""},
		{"again and again", Fault{Kind: Unplug, For: time.Second, Every: time.Minute, As: "ttyUSB1"}, ""},
		{"late", Fault{Kind: Late, Delay: time.Second}, ""},
		{"speed", Fault{Kind: Speed, Baud: 4800}, ""},
		{"no kind", Fault{}, "no such kind"},
		{"unknown kind", Fault{Kind: "gremlin"}, "gremlin"},
		{"before the start", Fault{Kind: Silence, At: -1}, "negative"},
		{"lasts longer than its period", Fault{Kind: Silence, For: time.Minute, Every: time.Minute}, "shorter"},
		{"repeats what has no end", Fault{Kind: Silence, Every: time.Minute}, "shorter"},
		{"name of something else", Fault{Kind: Silence, As: "x"}, "only unplug"},
		{"name with a folder", Fault{Kind: Unplug, As: "../x"}, "without a folder"},
		{"name that is a folder", Fault{Kind: Unplug, As: ".."}, "without a folder"},
		{"delay of something else", Fault{Kind: Silence, Delay: time.Second}, "only late"},
		{"delay too long", Fault{Kind: Late, Delay: time.Hour}, "at most"},
		{"no speed", Fault{Kind: Speed}, "baud 0"},
		{"speed of something else", Fault{Kind: Silence, Baud: 9600}, "only baud"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Script{{Kind: Open}, tt.in}.Check()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "fault 2")) {
				t.Errorf("Check = %v, want %q of fault 2", err, tt.want)
			}
		})
	}
	if err := make(Script, maxFaults+1).Check(); err == nil {
		t.Error("a script without end was accepted")
	}
}

func TestScript_During(t *testing.T) {
	s := Script{
		{Kind: NoFix, At: 10 * time.Second, For: 5 * time.Second},
		{Kind: NoFix, At: 100 * time.Second, For: 2 * time.Second, Every: 10 * time.Second},
		{Kind: Open, At: time.Minute},
	}
	tests := []struct {
		kind Kind
		at   time.Duration
		want bool
	}{
		{NoFix, 0, false}, {NoFix, 10 * time.Second, true}, {NoFix, 15*time.Second - 1, true}, {NoFix, 15 * time.Second, false},
		{NoFix, 101 * time.Second, true}, {NoFix, 102 * time.Second, false}, {NoFix, 131 * time.Second, true},
		{Open, time.Minute - 1, false}, {Open, time.Hour, true}, {PowerOn, time.Hour, false},
	}
	for _, tt := range tests {
		if got := s.During(tt.kind, func() time.Duration { return tt.at })(); got != tt.want {
			t.Errorf("%s at %v: %v, want %v", tt.kind, tt.at, got, tt.want)
		}
	}
}

// TestHeard compares with levels drawn by hand: at double speed each bit counts twice, at half speed two count as one.
func TestHeard(t *testing.T) {
	tests := []struct {
		name     string
		sent     string
		from, to int
		want     string
	}{
		{"same", "\x00\x55\xff", 9600, 9600, "\x00\x55\xff"},
		{"as good as the same", "\x00\x55\xff", 115200, 117000, "\x00\x55\xff"},
		{"any speed of the device", "abc", 0, 9600, "abc"},
		{"any speed of the driver", "abc", 9600, 0, "abc"},
		{"twice, one long low", "\x00", 9600, 19200, "\x00"},
		{"twice, a short low", "\xff", 9600, 19200, "\xfe"},
		{"twice, each bit two", "\x55", 9600, 19200, "\x66\xe6"},
		{"half, too short for a start bit", "\xff\xff\xff", 9600, 4800, ""},
		{"half, every second bit", "\x00", 9600, 4800, "\xf8"},
		{"nothing", "", 9600, 4800, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(heard([]byte(tt.sent), tt.from, tt.to)); got != tt.want {
				t.Errorf("heard % x, want % x", got, tt.want)
			}
		})
	}
	sentence := appendSentence(nil, "GPRMC,120000.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,,,A")
	speeds := []int{4800, 9600, 19200, 38400, 57600, 115200}
	for _, from := range speeds {
		for _, to := range speeds {
			if got := heard(sentence, from, to); bytes.Equal(got, sentence) != (from == to) {
				t.Errorf("sent at %d, heard at %d: %q", from, to, got)
			}
		}
	}
}

func TestDamage(t *testing.T) {
	tests := []struct {
		name string
		fn   func([]byte) []byte
		in   string
		want string
	}{
		{"checksum of a sentence", wrongChecksum, "$GPTXT,a*5C\r\n", "$GPTXT,a*0C\r\n"},
		{"checksums of two", wrongChecksum, "$A*0F\r\n$B*10\r\n", "$A*1F\r\n$B*00\r\n"},
		{"line without one", wrongChecksum, "25.104\r", "25.104\r"},
		{"star that is none", wrongChecksum, "*\r*OK\r*1\r", "*\r*OK\r*1\r"},
		{"binary answer", wrongChecksum, "\x01\x03\x02\x01\x31\x79\x74", "\x01\x03\x02\x01\x31\x79\x21"},
		{"nothing", wrongChecksum, "", ""},
		{"half of each line", halved, "$GPTXT,a*5C\r\nabcd\r", "$GPTXTab"},
		{"half of an answer", halved, "\x01\x03\x02\x01\x31\x79\x74", "\x01\x03\x02"},
		{"half of nothing", halved, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := []byte(tt.in)
			if got := string(tt.fn(in)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if string(in) != tt.in {
				t.Errorf("the device's own bytes became %q", in)
			}
		})
	}
}
