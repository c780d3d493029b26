package ischemia_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isotherm/ledger/custody"
	"isotherm/ledger/ischemia"
	"isotherm/ledger/profile"
)

var update = flag.Bool("update", false, "write the golden files anew")

const startWall = int64(1_790_000_000_000) // Unix milliseconds; cases count seconds from here

// limits are warn after 180 s, limit after 240 s; a case may reserve a part for implanting.
func limits(implantMS uint64) *profile.Profile {
	return &profile.Profile{Name: "test", Version: 1, ColdWarnMS: 180_000, ColdLimitMS: 240_000, ImplantMS: implantMS}
}

// testCase is a testdata/<case>/in.txt: a line per fact.
//
//	pack <seconds> [cold=<seconds>] [error=<seconds>]
//	cold|cold-perfused|warm-perfused|out-of-cold <seconds> [error=<seconds>]
//	receive|open-box|close|stand-down <seconds> [error=<seconds>]
//	outcome <seconds> <result>
//	implant <seconds>    no-profile    no-limit
//	now <seconds>...     one answer each
type testCase struct {
	t       *testing.T
	state   custody.State
	profile *profile.Profile
	now     []int64
}

func (c *testCase) ms(text string) int64 {
	whole, part, _ := strings.Cut(text, ".")
	ms, err := strconv.ParseInt(whole+(part + "000")[:3], 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return ms
}

func (c *testCase) line(words []string) {
	s := &c.state
	st := &custody.Statement{}
	if len(words) > 1 {
		st.EventTimeMS = startWall + c.ms(words[1])
	}
	for _, w := range words[min(2, len(words)):] {
		switch name, value, _ := strings.Cut(w, "="); name {
		case "cold":
			st.ColdMS = startWall + c.ms(value)
		case "error":
			st.TimeErrorMS = c.ms(value)
		}
	}
	history := func(kind custody.Kind, phase custody.Phase) {
		st.Kind = kind
		s.History = append(s.History, custody.HistoryItem{Standing: custody.Applied, Right: st})
		s.Phase = phase
	}
	switch words[0] {
	case "pack":
		s.Packing = st
	case "receive":
		s.Receipt = st
	case "open-box":
		s.Opened = st
	case "close":
		history(custody.Close, custody.PhaseClosed)
	case "stand-down":
		history(custody.StandDown, custody.PhaseStoodDown)
	case "outcome":
		st.Result, _ = custody.ParseOutcome(words[2])
		s.Outcome = st
	case "implant":
		c.profile.ImplantMS = uint64(c.ms(words[1]))
	case "no-profile":
		c.profile = nil
	case "no-limit":
		c.profile.ColdLimitMS = 0
	case "now":
		for _, w := range words[1:] {
			c.now = append(c.now, startWall+c.ms(w))
		}
	default:
		p, err := custody.ParsePreservation(words[0])
		if err != nil {
			c.t.Fatal(err)
		}
		st.Preservation = p
		s.Preservation = append(s.Preservation, st)
	}
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }

func interval(i ischemia.Interval) string {
	return fmt.Sprintf("%s to %s", seconds(i.LoMS), seconds(i.HiMS))
}

func at(m ischemia.Moment) string {
	if m == (ischemia.Moment{}) {
		return "none"
	}
	return fmt.Sprintf("%s +- %s", seconds(m.MS-startWall), seconds(m.ErrorMS))
}

func show(b *bytes.Buffer, now int64, c ischemia.Clock) {
	fmt.Fprintf(b, "at %s: %s, %s; start %s, stop %s\n", seconds(now-startWall), c.End, c.Status, at(c.Start), at(c.Stop))
	if c.End != ischemia.NotStarted {
		fmt.Fprintf(b, "  now %s; cold %s, perfused %s, left %s\n", c.Now, interval(c.Cold), interval(c.Perfused), interval(c.Left))
	}
	for _, p := range c.Periods {
		fmt.Fprintf(b, "  %s from %s until %s: %s\n", p.State, at(p.Begin), at(p.End), interval(p.Lasts))
	}
	for _, f := range c.Flags {
		fmt.Fprintf(b, "  flag %s: %s\n", f.Code, f.Text)
	}
}

func TestOf_golden(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*", "in.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c := &testCase{t: t, profile: limits(0)}
			for _, line := range strings.Split(string(text), "\n") {
				if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
					c.line(words)
				}
			}
			if len(c.now) == 0 {
				t.Fatal("the case asks for no moment")
			}
			var got bytes.Buffer
			for _, now := range c.now {
				show(&got, now, ischemia.Of(&c.state, c.profile, now))
			}
			golden := filepath.Join(filepath.Dir(path), "want.txt")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

// Whatever is stated, periods follow one another without a hole, their times add up to the totals, no interval is upside
// down, and nothing overflows.
func TestOf_model(t *testing.T) {
	times := rapid.OneOf(rapid.Int64Range(startWall, startWall+100), rapid.SampledFrom([]int64{0, 1, 253_402_300_799_999}))
	errors := rapid.OneOf(rapid.Int64Range(0, 20), rapid.SampledFrom([]int64{0, 253_402_300_799_999}))
	rapid.Check(t, func(rt *rapid.T) {
		s := &custody.State{}
		statement := func() *custody.Statement {
			return &custody.Statement{EventTimeMS: times.Draw(rt, "at"), TimeErrorMS: errors.Draw(rt, "error"), ColdMS: times.Draw(rt, "cold")}
		}
		for _, dst := range []**custody.Statement{&s.Packing, &s.Receipt, &s.Opened, &s.Outcome} {
			if rapid.Bool().Draw(rt, "stated") {
				*dst = statement()
			}
		}
		for range rapid.IntRange(0, 6).Draw(rt, "changes") {
			p := statement()
			p.Preservation = custody.Preservation(rapid.IntRange(1, 4).Draw(rt, "state"))
			s.Preservation = append(s.Preservation, p)
		}
		now := rapid.OneOf(times, rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64})).Draw(rt, "now")
		p := limits(rapid.SampledFrom([]uint64{0, 10, math.MaxUint64}).Draw(rt, "implant"))
		p.ColdLimitMS = rapid.SampledFrom([]uint64{0, 20, math.MaxInt64, math.MaxUint64}).Draw(rt, "limit")
		check(rt, ischemia.Of(s, p, now))
	})
}

func check(t *rapid.T, c ischemia.Clock) {
	var cold, perfused ischemia.Interval
	for i, p := range c.Periods {
		if p.Lasts.LoMS < 0 || p.Lasts.HiMS < p.Lasts.LoMS {
			t.Fatalf("period %d: %+v", i, p)
		}
		if i > 0 && p.Begin != c.Periods[i-1].End || i == 0 && p.Begin != c.Start {
			t.Fatalf("period %d begins at %+v: a hole", i, p.Begin)
		}
		sum := &perfused
		if p.State == custody.Cold {
			sum = &cold
		}
		sum.LoMS, sum.HiMS = sum.LoMS+p.Lasts.LoMS, sum.HiMS+p.Lasts.HiMS
	}
	if cold != c.Cold || perfused != c.Perfused {
		t.Fatalf("cold %+v, perfused %+v, but periods add up to %+v and %+v", c.Cold, c.Perfused, cold, perfused)
	}
	if c.Left.LoMS > c.Left.HiMS {
		t.Fatalf("left: %+v", c.Left)
	}
	if n := len(c.Periods); n > 0 && c.Stop != (ischemia.Moment{}) && c.Periods[n-1].End != c.Stop {
		t.Fatalf("stops at %+v, the last period ends at %+v", c.Stop, c.Periods[n-1].End)
	}
}

func TestNames(t *testing.T) {
	for _, s := range []string{ischemia.End(0).String(), ischemia.End(5).String(), ischemia.Status(0).String(), ischemia.Status(6).String()} {
		if !strings.HasPrefix(s, "unknown(") {
			t.Errorf("got %q, want 'unknown(number)'", s)
		}
	}
}
