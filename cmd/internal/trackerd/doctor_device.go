package trackerd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"isotherm/hardware"
	"isotherm/tracker"
)

// boxFindings looks at what a running box says of itself.
func boxFindings(s *tracker.Status) []finding {
	out := []finding{{Part: "box", Verdict: verdictOK, Text: fmt.Sprintf("runs; %d records on disk, %d of them wait for the ledger", s.Flushed, s.Unsent), Value: s.Box.String()}}
	out = append(out, clockFinding(s.Clock, time.UnixMilli(s.NowMS)))
	if st := s.Storage; st != nil {
		out = append(out, finding{Part: "storage", Verdict: verdictWrong, Text: st.Problem, Value: fmt.Sprintf("%d records in memory only, %d readings lost", st.Waiting, st.Dropped),
			Do: "make room on the disk, or replace it"})
	}
	for _, d := range s.Damage {
		out = append(out, finding{Part: "journal " + d.Incarnation.String(), Verdict: verdictWrong, Text: d.Problem, Value: fmt.Sprintf("%d of %d records kept", d.Kept, d.Known),
			Do: "replace the disk; what could be proved is kept and delivered"})
	}
	link := finding{Part: "ledger", Verdict: verdictOK, Text: "link is " + string(s.Link.State)}
	switch {
	case s.Link.State == tracker.LinkOff:
		link.Verdict, link.Do = verdictNote, "switch the radio on after the flight"
	case s.Link.Problem != "":
		link.Verdict, link.Text, link.Do = verdictWrong, s.Link.Problem, "check network, address and enrolment; nothing is lost meanwhile"
	}
	return append(out, link)
}

// linkOf asks a ledger node for its genesis, as a box that does not run would when it starts.
func linkOf(ctx context.Context, cfg *Config) finding {
	f := finding{Part: "ledger", Verdict: verdictWrong, Do: "check network, address and certificate authority; the box records without it"}
	link, err := newUplink(cfg)
	switch {
	case err != nil:
		f.Text = err.Error()
		return f
	case link == nil:
		return finding{Part: "ledger", Verdict: verdictNote, Text: "none is configured: the box only records", Do: "give ledger, then run trackerd enrol"}
	}
	defer link.close()
	ctx, cancel := context.WithTimeout(ctx, 2*nodeTimeout)
	defer cancel()
	if _, err := link.client.Genesis(ctx); err != nil {
		f.Text = err.Error()
		return f
	}
	return finding{Part: "ledger", Verdict: verdictOK, Text: "a node answers, and the box is enrolled"}
}

// deviceFindings looks at every device of the configuration by what the status says of it.
func deviceFindings(cfg *Config, s *tracker.Status) []finding {
	var out []finding
	for i, p := range cfg.Probe {
		out = append(out, probeFinding(i, p.Place, s))
	}
	if len(cfg.Probe) == 0 {
		out = append(out, finding{Part: "probes", Verdict: verdictWrong, Text: "none is configured", Do: "add a [[probe]] table; trackerd ports lists what is attached"})
	}
	if cfg.GNSS != nil {
		out = append(out, receiverFinding(s))
	}
	if cfg.Battery != nil {
		out = append(out, batteryFinding(s))
	}
	deaf := slices.ContainsFunc(s.Devices, func(d tracker.DeviceStatus) bool {
		return strings.HasPrefix(d.Device, handlingDevice) && d.State != hardware.StateLive.String()
	})
	for _, h := range s.Handling {
		f := finding{Part: h.Kind, Verdict: verdictOK, Text: "as its sensor says", Value: handlingValue(h)}
		if deaf {
			f.Verdict, f.Text = verdictNote, "as it was when its sensor was last heard"
		}
		out = append(out, f)
	}
	for _, d := range s.Devices {
		told := d.Device == "gnss" || d.Device == "battery" || strings.HasPrefix(d.Device, "probe ") // above
		if told || d.State == hardware.StateLive.String() || d.Fault == "" {
			continue
		}
		f := finding{Part: d.Device, Verdict: verdictWrong}
		f.Text, f.Do = explain(d.State+": "+d.Fault, d.Fault, d.Detail)
		out = append(out, f)
	}
	return out
}

// explain returns what to say of a fault and what to do about it. What a driver says of a port ends with advice.
func explain(what, fault, detail string) (text, do string) {
	switch f := faultNamed(fault); {
	case detail == "":
		return what, doForFault(f)
	case f < hardware.Noise:
		return what + ": " + detail, ""
	default:
		return what + ": " + detail, doForFault(f)
	}
}

func probeFinding(number int, place string, s *tracker.Status) finding {
	f := finding{Part: fmt.Sprintf("probe %d (%s)", number, place), Verdict: verdictWrong, Text: "no reading yet", Do: "ask again after a sample interval"}
	if s.Reading == nil {
		return f
	}
	for _, sample := range s.Reading.Samples {
		if int(sample.Probe) != number {
			continue
		}
		f.Raw = sample.Raw
		switch {
		case sample.Fault != "":
			f.Text, f.Do = explain(sample.Fault, sample.Fault, sample.Detail)
			return f
		case sample.TempMC == nil:
			return f
		}
		f.Verdict, f.Text, f.Do = verdictOK, "answers", ""
		f.Value = hardware.Temperature(*sample.TempMC).String()
		if sample.IndicatedMC != nil {
			f.Value += fmt.Sprintf(" (shown %v, corrected by its certificate)", hardware.Temperature(*sample.IndicatedMC))
		}
		if sample.Doubt != "" {
			f.Verdict, f.Text, f.Do = verdictWrong, "answers, and is doubted: "+sample.Doubt, doForFault(faultNamed(sample.Doubt))
		}
	}
	return f
}

func receiverFinding(s *tracker.Status) finding {
	f := finding{Part: "gnss", Verdict: verdictWrong, Text: "nothing is known of it yet"}
	for _, d := range s.Devices {
		if d.Device != "gnss" {
			continue
		}
		f.Text, f.Do = explain(d.State, d.Fault, d.Detail)
		if d.State == hardware.StateLive.String() {
			f.Verdict = verdictOK
		}
	}
	if r := s.Receiver; r != nil {
		f.Raw = fmt.Sprintf("%s (%d sentences at %d baud)", r.Sentence, r.Sentences, r.Baud)
	}
	if r := s.Reading; r != nil && r.LatE7 != nil && r.LonE7 != nil {
		f.Value = fmt.Sprintf("%.5f, %.5f", float64(*r.LatE7)/1e7, float64(*r.LonE7)/1e7)
	} else if f.Verdict == verdictOK {
		f.Value = "a position, which is recorded only while a shipment is under way"
	}
	return f
}

func batteryFinding(s *tracker.Status) finding {
	f := finding{Part: "battery", Verdict: verdictWrong, Text: "was not read yet", Do: "ask again in a minute"}
	b := s.Battery
	if b == nil {
		return f
	}
	if b.ChargePermille != nil {
		f.Value = fmt.Sprintf("%d.%d %%", *b.ChargePermille/10, *b.ChargePermille%10)
	}
	if b.MilliVolts != nil {
		f.Value = strings.TrimPrefix(fmt.Sprintf("%s, %d.%02d V", f.Value, *b.MilliVolts/1000, *b.MilliVolts%1000/10), ", ")
	}
	f.Verdict, f.Text, f.Do = verdictOK, b.State, ""
	if b.Fault != "" {
		f.Verdict = verdictWrong
		f.Text, f.Do = explain(b.Fault, b.Fault, b.Detail)
	}
	return f
}

func handlingValue(h tracker.HandlingStatus) string {
	on := map[bool]string{true: "on", false: "off"}[h.On]
	if h.Kind == hardware.HandlingLid.String() {
		on = map[bool]string{true: "open", false: "closed"}[h.On]
	}
	unit := map[string]string{hardware.HandlingLight.String(): " lux", hardware.HandlingShock.String(): " milli-g"}[h.Kind]
	if unit == "" {
		return on
	}
	return fmt.Sprintf("%s, %d%s", on, h.Value, unit)
}

// examineDevices runs a box with the configured devices for a while and says how it stood at the end. It keeps nothing, is
// no box that a ledger knows, and switches nothing.
func examineDevices(ctx context.Context, cfg *Config, wait time.Duration) (*tracker.Status, error) {
	clock, err := tracker.NewSystemClock() // also where the box's own runs faster: people wait in real time
	if err != nil {
		return nil, err
	}
	d, err := openDevices(cfg, clock, slog.New(slog.DiscardHandler)) // what a log would say is in the findings
	if err != nil {
		return nil, err
	}
	defer d.close()
	dir, err := os.MkdirTemp("", "trackerd-doctor-")
	if err != nil {
		return nil, fmt.Errorf("make a place for the examination: %w", err)
	}
	defer os.RemoveAll(dir)
	box := d.box(cfg)
	box.DataDir, box.Local, box.Outputs = dir, "", nil
	box.Sample = examinedEvery
	t, err := tracker.New(box)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var status tracker.Status
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.run(ctx) })
	group.Go(func() error { return t.Run(ctx) })
	group.Go(func() error {
		<-ctx.Done() // the end of the examination, or the failure of one of the others
		status = t.Status()
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	d.addPosition(&status)
	return &status, nil
}

// examinedEvery is how often probes are asked during an examination, by the box's clock.
const examinedEvery = time.Second

// addPosition adds what the receiver knows: readings carry positions only while a shipment is under way.
func (d *devices) addPosition(s *tracker.Status) {
	if d.receiver == nil || s.Reading == nil {
		return
	}
	if fix, _, fault := d.receiver.Latest(); fault == hardware.None {
		s.Reading.LatE7, s.Reading.LonE7 = &fix.LatE7, &fix.LonE7
	}
}
