package excursion_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

const startWall = int64(1_790_000_000_000) // Unix milliseconds

// A case is a testdata/<case>/records.txt, and a profile.json beside it when it is not testProfile that judges. One record
// a line:
//
//	<seconds> boot <name of the power-on> <probe>=<place>[,cert=<number>][,until=<seconds>][,error=<K>]...
//	<seconds> read <probe>:<°C or 'fault'>...
//	<seconds> gap suspended|storage|probes
//	<seconds> act | output | found | shutdown
//
// or what the caller of the evaluator, and its clock, does:
//
//	space <name>                of the box, from the first record or the next segment on
//	settled                     begins settled
//	configure <as boot>         says what the boot record said, which is not among the records
//	interval <seconds>          between readings, of the boot records from here on; 10 at first
//	clock <seconds>             shifts the wall clock from here on
//	quality unset|rtc|ntp|gnss|simulated
//	segment <name of the gap>   the organ goes on in another box
//	open                        the box was opened
//
// Seconds count from the first record, real time, and have up to three places; '10..60/10' repeats a line every 10 s.
type script struct {
	t        testing.TB
	clockMS  int64            // shift of the wall clock
	powerOn  map[string]int64 // when each power-on began, milliseconds
	boot     string           // the running one
	interval int64            // milliseconds
	quality  record.ClockQuality
	seq      uint64
	profile  *profile.Profile
	steps    []step
}

// step is one thing that happens to an evaluator.
type step struct {
	record *record.Record
	do     func(e *excursion.Evaluator) []excursion.Change // when record is nil
	name   string                                          // of do
}

func (s step) run(e *excursion.Evaluator) []excursion.Change {
	if s.record != nil {
		return e.Step(s.record)
	}
	return s.do(e)
}

func readScript(t testing.TB, dir string) *script {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "records.txt"))
	if err != nil {
		t.Fatal(err)
	}
	r := &script{t: t, powerOn: map[string]int64{}, interval: 10_000, quality: record.ClockNTP, profile: testProfile()}
	if b, err := os.ReadFile(filepath.Join(dir, "profile.json")); err == nil {
		if r.profile, err = profile.ParseJSON(b); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range strings.Split(string(text), "\n") {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			r.line(words)
		}
	}
	if len(r.steps) == 0 {
		t.Fatalf("%s has no records", dir)
	}
	return r
}

// evaluator returns a new one for the script's profile.
func (r *script) evaluator() *excursion.Evaluator { return excursion.New(r.profile, "") }

func (r *script) line(words []string) {
	rest := strings.Join(words[1:], " ")
	switch words[0] {
	case "clock":
		r.clockMS += r.ms(rest)
	case "interval":
		r.interval = r.ms(rest)
	case "quality":
		r.quality = map[string]record.ClockQuality{"unset": record.ClockUnset, "rtc": record.ClockRTC, "ntp": record.ClockNTP, "gnss": record.ClockGNSS, "simulated": record.ClockSimulated}[rest]
	case "space":
		r.do(step{name: "space", do: func(e *excursion.Evaluator) []excursion.Change { e.StartSegment(rest, ""); return nil }})
	case "settled":
		r.do(step{name: "settled", do: func(e *excursion.Evaluator) []excursion.Change { e.Settle(); return nil }})
	case "configure":
		b := r.bootRecord(0, words[1:])
		r.do(step{name: "configure", do: func(e *excursion.Evaluator) []excursion.Change { e.Configure(b); return nil }})
	case "segment":
		space, gap := "", rest
		if before, after, ok := strings.Cut(rest, " space "); ok {
			gap, space = before, after
		}
		r.seq = 0
		r.do(step{name: "end of segment", do: func(e *excursion.Evaluator) []excursion.Change {
			out := e.EndSegment()
			e.StartSegment(space, gap)
			return out
		}})
	case "open":
		r.do(step{name: "opening", do: func(e *excursion.Evaluator) []excursion.Change { return e.Open() }})
	default:
		r.records(words)
	}
}

func (r *script) do(s step) { r.steps = append(r.steps, s) }

func (r *script) records(words []string) {
	if len(words) < 2 {
		r.t.Fatalf("what is %q?", words)
	}
	span, every, repeated := strings.Cut(words[0], "/")
	if !repeated {
		r.add(r.ms(words[0]), words[1], words[2:])
		return
	}
	from, to, _ := strings.Cut(span, "..")
	for ms := r.ms(from); ms <= r.ms(to); ms += r.ms(every) {
		r.add(ms, words[1], words[2:])
	}
}

// ms reads seconds with up to three places.
func (r *script) ms(text string) int64 {
	whole, part, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole+(part + "000")[:3], 10, 64)
	if err != nil || len(part) > 3 {
		r.t.Fatalf("%q are no seconds: %v", text, err)
	}
	return n
}

func (r *script) add(ms int64, verb string, words []string) {
	rec := &record.Record{Seq: r.seq}
	r.seq++
	switch verb {
	case "boot":
		rec.Kind, rec.Boot = record.KindBoot, r.bootRecord(ms, words)
	case "read":
		rec.Kind, rec.Reading = record.KindReading, &record.Reading{}
		for _, w := range words {
			rec.Reading.Samples = append(rec.Reading.Samples, r.sample(w))
		}
	case "gap":
		reason := map[string]record.GapReason{"suspended": record.GapSuspended, "storage": record.GapStorage, "probes": record.GapProbes}[words[0]]
		rec.Kind, rec.Gap = record.KindGap, &record.Gap{Reason: reason}
	case "act":
		rec.Kind, rec.Act = record.KindAct, &record.Act{}
	case "output":
		rec.Kind, rec.Output = record.KindOutput, &record.Output{Name: "radio"}
	case "found":
		rec.Kind, rec.Excursion = record.KindExcursionOpened, &record.Excursion{Rule: "too cold", Probe: 1}
	case "shutdown":
		rec.Kind, rec.Shutdown = record.KindShutdown, &record.Shutdown{Reason: "test"}
	default:
		r.t.Fatalf("unknown word %q", verb)
	}
	rec.At = record.Stamp{MonoMS: uint64(ms - r.powerOn[r.boot]), WallMS: startWall + r.clockMS + ms, Quality: r.quality}
	r.steps = append(r.steps, step{record: rec})
}

// bootRecord begins a power-on the first time it is named: 3 s earlier, for the kernel has run by then.
func (r *script) bootRecord(ms int64, words []string) *record.Boot {
	r.boot = words[0]
	if _, known := r.powerOn[r.boot]; !known {
		r.powerOn[r.boot] = ms - 3000
	}
	b := &record.Boot{SampleMS: uint32(r.interval), BootID: [16]byte([]byte(fmt.Sprintf("%-16s", r.boot)))}
	for _, w := range words[1:] {
		fields := strings.Split(w, ",")
		n, place, _ := strings.Cut(fields[0], "=")
		p := record.Probe{Number: uint8(r.number(n)), Place: place}
		for _, f := range fields[1:] {
			key, value, _ := strings.Cut(f, "=")
			switch key {
			case "cert":
				p.Certificate = value
			case "until":
				p.UntilMS = startWall + r.ms(value)
			case "error":
				p.ErrorMC = uint32(r.ms(value))
			default:
				r.t.Fatalf("unknown word %q", f)
			}
		}
		b.Probes = append(b.Probes, p)
	}
	return b
}

func (r *script) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *script) sample(word string) record.Sample {
	n, value, _ := strings.Cut(word, ":")
	s := record.Sample{Probe: uint8(r.number(n))}
	if value == "fault" {
		s.Fault = 1
		return s
	}
	c, err := strconv.ParseFloat(value, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	s.TempMC = int32(c*1000 + 0.5)
	if c < 0 {
		s.TempMC = int32(c*1000 - 0.5)
	}
	return s
}
