package handling

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
)

// t0 is some moment.
func t0() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// record returns a report function and what it was called with, each as "1.5s on 2000".
func record() (func(hardware.Handling), *[]string) {
	var got []string
	return func(h hardware.Handling) {
		state := "off"
		if h.On {
			state = "on"
		}
		got = append(got, fmt.Sprintf("%v %s %d", h.At.Sub(t0()), state, h.Value))
	}, &got
}

func TestContact_see(t *testing.T) {
	const step = 50 * time.Millisecond
	tests := []struct {
		name  string
		looks string // one each step: 0, 1, or x for a failure
		want  []string
	}{
		{"closed", "0000", []string{"0s off 0"}},
		{"opened and closed", "0000111100000", []string{"0s off 0", "200ms on 0", "400ms off 0"}},
		{"open at the start", "1111", []string{"0s on 0"}},
		{"bounces", "000010101110000", []string{"0s off 0", "400ms on 0", "550ms off 0"}},
		{"a single odd look", "0000100000", []string{"0s off 0"}},
		{"never at rest", "0101010101", nil},
		{"fails, and is as before", "0000xxx0000", []string{"0s off 0"}},
		{"fails, and is open then", "0000xxx1111", []string{"0s off 0", "350ms on 0"}},
		{"fails while it opens", "00001x11x1x1x1x", []string{"0s off 0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report, got := record()
			c := contact{kind: hardware.HandlingLid, hold: 2 * step, report: report}
			for i, look := range tt.looks {
				now := t0().Add(time.Duration(i) * step)
				if look == 'x' {
					c.lose()
				} else {
					c.see(now, now, look == '1', 0)
				}
			}
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
		})
	}
}

// TestContact_see_flaps: a contact that changes each second for a day makes no more reports than the package promises.
func TestContact_see_flaps(t *testing.T) {
	count := 0
	var last hardware.Handling
	c := contact{kind: hardware.HandlingLid, report: func(h hardware.Handling) { count++; last = h }}
	now := t0()
	for i := range 24 * 3600 {
		now = t0().Add(time.Duration(i) * time.Second)
		c.see(now, now, i%2 == 1, 0)
		if i == 30 && (count != burst || !c.restless(now)) {
			t.Errorf("after 30 s: %d reports, restless %v, want %d, true", count, c.restless(now), burst)
		}
	}
	if most := 24*60 + burst; count > most || count < most-10 {
		t.Errorf("%d reports in a day, want about %d and not more", count, most)
	}
	for range 2 * 60 { // it comes to rest open
		now = now.Add(time.Second)
		c.see(now, now, true, 0)
	}
	if !last.On || c.restless(now) {
		t.Errorf("at rest: last report %+v, restless %v, want open, false", last, c.restless(now))
	}
}

func TestContact_chatters(t *testing.T) {
	report, got := record()
	c := contact{kind: hardware.HandlingLid, hold: 100 * time.Millisecond, report: report}
	for i := range 200 {
		now := t0().Add(time.Duration(i) * 50 * time.Millisecond)
		c.see(now, now, i%2 == 1, 0)
		if want := i > 100; c.chatters(now) != want {
			t.Fatalf("after %v: chatters %v, want %v", now.Sub(t0()), !want, want)
		}
	}
	if len(*got) > 0 {
		t.Errorf("reports of a contact that was never at rest: %q", *got)
	}
}

func TestShaker_see(t *testing.T) {
	const step = 100 * time.Millisecond
	type looks map[int]int32 // by step, the others are 10
	tests := []struct {
		name  string
		looks looks
		steps int
		want  []string
	}{
		{"rest", nil, 50, []string{"0s off 10"}},
		{"one shock", looks{10: 2000}, 50, []string{"0s off 10", "1s on 2000", "3s off 2000"}},
		{"its peak comes a little later", looks{10: 2000, 11: 4000, 12: 3000}, 50, []string{"0s off 10", "1s on 4000", "3.2s off 4000"}},
		{"its peak comes much later", looks{10: 2000, 25: 9000}, 80, []string{"0s off 10", "1s on 2000", "4.5s off 9000"}},
		{"two shocks", looks{10: 2000, 40: 3000}, 80, []string{"0s off 10", "1s on 2000", "3s off 2000", "4s on 3000", "6s off 3000"}},
		{"below the threshold", looks{10: 1499}, 50, []string{"0s off 10"}},
		{"at the threshold", looks{10: 1500}, 50, []string{"0s off 10", "1s on 1500", "3s off 1500"}},
		{"from the start", looks{0: 2000}, 50, []string{"0s on 2000", "2s off 2000"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report, got := record()
			s := shaker{threshold: 1500, gather: shockGather, report: report}
			for i := range tt.steps {
				now, value := t0().Add(time.Duration(i)*step), int32(10)
				if v, ok := tt.looks[i]; ok {
					value = v
				}
				s.see(now, now, value)
			}
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
		})
	}
}

// TestShaker_see_flood: a shock each three seconds for an hour; no more reports than promised, and the highest peak is
// among them although its report had to wait.
func TestShaker_see_flood(t *testing.T) {
	on, off, peak := 0, 0, int32(0)
	s := shaker{threshold: 1500, gather: shockGather, report: func(h hardware.Handling) {
		if h.On {
			on++
		} else {
			off++
		}
		peak = max(peak, h.Value)
	}}
	for i := range 36_000 {
		now, value := t0().Add(time.Duration(i)*100*time.Millisecond), int32(10)
		if i%30 == 0 {
			value = 2000
		}
		if i == 30*1111 {
			value = 7777
		}
		s.see(now, now, value)
		if i == 3600 && !s.restless(now) {
			t.Error("not restless after two minutes")
		}
	}
	if most := 60 + burst; on > most || on < 15 || off > on+1 || peak != 7777 {
		t.Errorf("%d on, %d off, peak %d, want at most %d, as many, 7777", on, off, peak, most)
	}
}

func TestRest_see(t *testing.T) {
	type span struct {
		seconds int
		g       float64
		want    restVerdict // at its end
	}
	tests := []struct {
		name  string
		spans []span
	}{
		{"good", []span{{1, 1.02, restUnknown}, {2, 1.02, restGood}}},
		{"no power: all zero", []span{{3, 0, restWrong}}},
		{"wrong scale", []span{{3, 9.8, restWrong}, {5, 1, restGood}}},
		{"dies", []span{{3, 1, restGood}, {8, 0, restGood}, {4, 0, restWrong}}},
		{"falls for a second", []span{{3, 1, restGood}, {1, 0, restGood}, {20, 1, restGood}}},
		{"shaken for six seconds", []span{{3, 1, restGood}, {6, 2.5, restGood}, {10, 1, restGood}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r rest
			now := t0()
			for i, s := range tt.spans {
				got := restUnknown
				for range s.seconds * 10 {
					now = now.Add(100 * time.Millisecond)
					got = r.see(now, s.g)
				}
				if got != s.want {
					t.Errorf("after span %d verdict %d, want %d", i, got, s.want)
				}
			}
		})
	}
}

func TestHealth(t *testing.T) {
	var told []string
	h := health{set: func(state hardware.State, fault hardware.Fault, detail string) {
		text := fmt.Sprint(state, " ", fault)
		if len(told) == 0 || told[len(told)-1] != text {
			told = append(told, text)
		}
		if (detail == "") != (fault == hardware.None) {
			t.Errorf("%s with detail %q", text, detail)
		}
	}}
	at := func(s int) time.Time { return t0().Add(time.Duration(s) * time.Second) }
	noise := &Error{Op: "read contact", Path: "/x", Fault: hardware.Noise, Err: fmt.Errorf("no rest")}
	h.good(at(0), "/x", false)
	h.bad(at(1), noise)
	for s := range 60 { // fails each fifth second: one event, not twelve
		h.good(at(2+s), "/x", false)
		if s%5 == 0 {
			h.bad(at(2+s), noise)
		}
	}
	h.good(at(80), "/x", false)
	h.good(at(81), "/x", true)
	h.good(at(82), "/x", false)
	want := []string{"live none", "garbled noise", "live none", "garbled overrun", "live none"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
