package gnss

import (
	"testing"
	"time"

	"isotherm/hardware"
)

// TestTimekeeper has a receiver report, and says after each report whether its time may set a clock.
func TestTimekeeper(t *testing.T) {
	earliest := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	start := time.Date(2026, time.July, 1, 12, 0, 0, 0, time.UTC)
	type report struct {
		utc, at time.Duration // since start, and by the box's monotonic clock
		doubt   hardware.Fault
		lagging bool
		undated bool
		instead string // "no fix" or "contradiction" instead of a fix
		want    bool
	}
	const ms, s = time.Millisecond, time.Second
	steady := []report{{utc: 0, at: 0}, {utc: s, at: s}, {utc: 2 * s, at: 2 * s, want: true}}
	for _, tt := range []struct {
		name    string
		offset  time.Duration // of start
		reports []report
	}{
		{"three in step", 0, steady},
		{"late by half a second, not always as much", 0, []report{
			{utc: 0, at: 480 * ms}, {utc: s, at: 1100 * ms}, {utc: 2 * s, at: 2400 * ms, want: true},
		}},
		{"ten a second: three are too few", 0, []report{
			{utc: 0, at: 0}, {utc: 100 * ms, at: 100 * ms}, {utc: 200 * ms, at: 200 * ms}, {utc: 2 * s, at: 2 * s, want: true},
		}},
		{"one each five seconds", 0, []report{{}, {utc: 5 * s, at: 5 * s}, {utc: 10 * s, at: 10 * s, want: true}}},
		{"out of step", 0, []report{{}, {utc: s, at: 2 * s}, {utc: 2 * s, at: 4 * s}, {utc: 3 * s, at: 6 * s}}},
		{"frozen", 0, []report{{}, {at: s}, {at: 2 * s}, {at: 3 * s}}},
		{"running back", 0, append(steady[:3:3], report{utc: -75 * s, at: 3 * s})},
		{"jumping ahead", 0, append(steady[:3:3],
			report{utc: time.Hour, at: 3 * s}, report{utc: time.Hour + s, at: 4 * s}, report{utc: time.Hour + 2*s, at: 5 * s, want: true},
		)},
		{"a tunnel keeps the trust", 0, append(steady[:3:3],
			report{instead: "no fix", want: true}, report{utc: 347 * s, at: 347 * s, want: true},
		)},
		{"a contradiction ends it", 0, append(steady[:3:3], report{instead: "contradiction"}, report{utc: 4 * s, at: 4 * s})},
		{"no date", 0, []report{{undated: true}, {utc: s, at: s, undated: true}, {utc: 2 * s, at: 2 * s, undated: true}}},
		{"spoofed", 0, []report{{}, {utc: s, at: s}, {utc: 2 * s, at: 2 * s, doubt: hardware.Jump}, {utc: 3 * s, at: 3 * s}}},
		{"few satellites are no reason", 0, []report{
			{doubt: hardware.LowSatellites}, {utc: s, at: s}, {utc: 2 * s, at: 2 * s, want: true},
		}},
		{"saturated", 0, []report{{lagging: true}, {utc: s, at: s, lagging: true}, {utc: 2 * s, at: 2 * s, lagging: true}}},
		{"1,024 weeks back", -era, []report{{}, {utc: s, at: s}, {utc: 2 * s, at: 2 * s}}},
		{"1,024 weeks ahead", era, []report{{}, {utc: s, at: s}, {utc: 2 * s, at: 2 * s}}},
		{"within 19.6 years", era * 9 / 10, steady},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := timekeeper{earliest: earliest}
			box := time.Now()
			for i, r := range tt.reports {
				utc := start.Add(tt.offset).Add(r.utc)
				switch r.instead {
				case "no fix":
					k.interrupt()
				case "contradiction":
					k.contradict()
				default:
					day := utc.Truncate(24 * time.Hour)
					fix := hardware.Fix{Date: day, TimeOfDay: utc.Sub(day), Doubt: r.doubt}
					if r.undated {
						fix.Date = time.Time{}
					}
					k.fix(fix, box.Add(r.at), r.lagging)
				}
				if k.ok != r.want {
					t.Fatalf("after report %d: trusted %v, want %v", i, k.ok, r.want)
				}
				if k.ok && r.instead == "" && k.epochs > 1 && !k.trusted.utc.Equal(utc) {
					t.Errorf("after report %d: trusts %v, want %v", i, k.trusted.utc, utc)
				}
			}
		})
	}
}

// TestLineLoad feeds a line for some seconds.
func TestLineLoad(t *testing.T) {
	for _, tt := range []struct {
		name  string
		each  time.Duration
		bytes int
		want  bool
	}{
		{"full", 100 * time.Millisecond, 96, true},
		{"full, one byte at a time", time.Second / 960, 1, true},
		{"ten reports a second with short pauses", 100 * time.Millisecond, 70, false},
		{"faster than the line can: USB's own speed", 100 * time.Millisecond, 400, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := time.Now()
			l := lineLoad{baud: 9600}
			l.pause(now)
			for end := now.Add(7 * time.Second); now.Before(end); {
				now = now.Add(tt.each)
				l.bytes(tt.bytes, now)
			}
			if l.saturated != tt.want {
				t.Errorf("saturated %v, want %v", l.saturated, tt.want)
			}
			l.pause(now)
			if l.saturated {
				t.Error("saturated after a pause")
			}
		})
	}
}

func TestArrivals(t *testing.T) {
	var a arrivals
	real, box := time.Now(), time.Unix(1_800_000_000, 0)
	if v := a.of(real); !v.at.IsZero() {
		t.Errorf("of nothing: %v", v)
	}
	for i := range 100 {
		a.add(arrival{real.Add(time.Duration(i) * time.Second), box.Add(time.Duration(i) * time.Minute), time.Duration(i)})
	}
	for i, want := range map[int]int{99: 99, 40: 40, 36: 36, 35: 36, 0: 36} { // forgotten: the oldest that is known
		v := a.of(real.Add(time.Duration(i) * time.Second))
		if !v.at.Equal(real.Add(time.Duration(want)*time.Second)) || !v.boxTime.Equal(box.Add(time.Duration(want)*time.Minute)) || v.asleep != time.Duration(want) {
			t.Errorf("of %d: %v, %v, %v", i, v.at.Sub(real), v.boxTime.Sub(box), v.asleep)
		}
	}
}

// TestReceiver_Latest_sleep is a machine that sleeps for 10 minutes, with a clock that stands meanwhile, as time.Now's
// monotonic one does: a fix from before is not new after it.
func TestReceiver_Latest_sleep(t *testing.T) {
	now, asleep := time.Now(), time.Hour // it slept before, too
	r := NewReceiver(Config{Path: "/dev/none", Now: func() time.Time { return now }})
	r.asleep = func() time.Duration { return asleep }
	r.take(Event{Kind: KindFix, Fix: hardware.Fix{LatE7: 1, LonE7: 1}}, arrival{now, now, asleep}, false)
	now = now.Add(2 * time.Second)
	if _, age, fault := r.Latest(); fault != hardware.None || age != 2*time.Second {
		t.Errorf("awake: age %v, fault %v, want 2 s and none", age, fault)
	}
	asleep += 10 * time.Minute
	if fix, age, fault := r.Latest(); fault != hardware.Stale || age != 10*time.Minute+2*time.Second || fix.LatE7 != 0 {
		t.Errorf("after the sleep: fix %+v, age %v, fault %v, want none, 10m2s and stale", fix, age, fault)
	}
	r.take(Event{Kind: KindFix, Fix: hardware.Fix{LatE7: 2, LonE7: 2}}, arrival{now, now, asleep}, false)
	if fix, age, fault := r.Latest(); fault != hardware.None || age != 0 || fix.LatE7 != 2 {
		t.Errorf("a fix after it: %+v, age %v, fault %v", fix, age, fault)
	}
}

func TestSpeedSearch(t *testing.T) {
	s := newSpeedSearch(250_000)
	if s.first() != 250_000 || len(s.order) != len(speeds())+1 {
		t.Errorf("order %v, want the given speed first", s.order)
	}
	tried := []int{s.first()}
	for {
		baud, more := s.advance(hardware.Binary)
		if !more {
			break
		}
		tried = append(tried, baud)
	}
	if len(tried) != len(s.order) || s.verdict() != hardware.WrongBaud {
		t.Errorf("tried %v of %v, verdict %v", tried, s.order, s.verdict())
	}
	s.worked(38400)
	s.restart()
	for i, want := range []int{0, 38400, 0, 38400} { // between the others, the one that has worked
		baud, more := s.advance(hardware.Binary)
		if !more || want != 0 && baud != want || want == 0 && baud == 38400 {
			t.Errorf("step %d: %d, %v", i, baud, more)
		}
	}
	s.restart()
	if s.first() != 38400 || len(s.order) != len(speeds())+1 {
		t.Errorf("order %v, want 38400 first", s.order)
	}
	s.advance(hardware.Binary)
	s.advance(hardware.Noise)
	s.advance(hardware.ChecksumBad)
	s.advance(hardware.Binary)
	if s.verdict() != hardware.ChecksumBad {
		t.Errorf("verdict %v, want that of the speed that made the most sense", s.verdict())
	}
	s.rotate()
	if s.first() != 38400 {
		t.Error("a configured speed was given up for silence")
	}
	free := newSpeedSearch(0)
	free.rotate()
	if free.first() != speeds()[1] {
		t.Errorf("first %d after silence, want the next", free.first())
	}
}

func TestTeller(t *testing.T) {
	var tell teller
	now, c := time.Now(), hardware.Condition{State: hardware.StateDown}
	told := 0
	for i := range 100 { // to and fro, ten times a second
		now = now.Add(100 * time.Millisecond)
		fault := []hardware.Fault{hardware.Void, hardware.NoFix}[i%2]
		if tell.may(c, now, hardware.StateNoFix, fault) {
			if c.State != hardware.StateNoFix || c.Fault != fault {
				told++
			}
			c = hardware.Condition{State: hardware.StateNoFix, Fault: fault}
		}
	}
	if told > 3 {
		t.Errorf("told %d times in ten seconds", told)
	}
	if !tell.may(c, now, hardware.StateLive, hardware.None) {
		t.Error("a change of state has to wait")
	}
}
