package ascii

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Config says where a thermometer is and how it speaks. Zero values other than Path and Profile mean the defaults.
type Config struct {
	Path    string // the port, as serial.Open takes it: /dev/serial/by-id/..., usb:VVVV:PPPP
	Profile Profile
	Baud    int           // default the profile's
	Parity  serial.Parity // default none
	RS485   bool          // let the port's driver switch the direction of the line
	Address uint8         // of a device whose command has one, default 1
	Timeout time.Duration // real time for an answer, default the profile's
	MaxAge  time.Duration // a report older than this by Now is not passed on, default three periods and a second
	// AssumeCelsius believes lines without a unit although the profile's lines can have one. Whoever sets it has looked at
	// the device.
	AssumeCelsius bool
	Now           func() time.Time  // the box's clock, default time.Now; may run faster in a demonstration
	Monitor       *hardware.Monitor // is told how the device stands; may be nil
	Logger        *slog.Logger      // default discards
	Host          serial.Host       // where ports are looked for; default this machine
}

// Thermometer is a thermometer on a port of its own. It implements hardware.Probe. Its methods may be called from any
// goroutine; Run MUST run, once, for as long as it is read.
type Thermometer struct {
	cfg    Config
	parser *Parser
	line   *serial.Line         // of a device that is asked, else nil
	asker  *asker               // likewise; owned by whoever the line lets have its turn
	asleep func() time.Duration // serial.Asleep; a test has its own

	mu     sync.Mutex      // guards what follows, for a device that reports
	latest hardware.Sample // the newest report that said something; zero At: none yet
	slept  time.Duration   // asleep when it came
	reason hardware.Fault  // why there is none, or none newer
	raw    string          // what came last, when it was no report
}

const (
	// periods is how many reports may be missing before the last one is too old to pass on.
	periods = 3

	// minStall is how long a port may be without a good line before it is opened again, in real time.
	minStall = 5 * time.Second

	// linePause ends a line that has no end. Lines of even 300 baud have none inside, and a USB adapter holds bytes back for
	// 16 ms.
	linePause = 300 * time.Millisecond
)

// NewThermometer checks the configuration; nothing is opened yet.
func NewThermometer(cfg Config) (*Thermometer, error) {
	parser, err := NewParser(cfg.Profile, cfg.AssumeCelsius)
	if err != nil {
		return nil, err
	}
	if err := serial.CheckSpec(cfg.Path); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Address == 0 {
		cfg.Address = 1
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = cfg.Profile.Timeout
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = periods*cfg.Profile.Period + time.Second
	}
	t := &Thermometer{cfg: cfg, parser: parser, asleep: serial.Asleep, reason: hardware.Silent}
	if cfg.Profile.Ask != "" {
		t.line = serial.NewLine(t.keepConfig())
		t.asker = newAsker(parser, cfg)
	}
	return t, nil
}

func (t *Thermometer) keepConfig() serial.KeepConfig {
	line := t.cfg.Profile.Line
	if t.cfg.Baud != 0 {
		line.Baud = t.cfg.Baud
	}
	if t.cfg.Parity != serial.ParityNone {
		line.Parity = t.cfg.Parity
	}
	line.RS485 = line.RS485 || t.cfg.RS485
	return serial.KeepConfig{Spec: t.cfg.Path, Config: line, Host: t.cfg.Host, Monitor: t.cfg.Monitor, Logger: t.cfg.Logger, Lost: t.lost}
}

// Info says what the thermometer is and at which port.
func (t *Thermometer) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: t.cfg.Profile.Name, Bus: t.cfg.Path}
}

// Run listens to a device that reports, and opens its port again whenever it is lost or stalls. For a device that is
// asked it only waits, and then closes the port. It returns ctx's error when ctx is done, within 100 ms.
func (t *Thermometer) Run(ctx context.Context) error {
	if t.line != nil {
		<-ctx.Done()
		_ = t.line.Close() // nothing was written that could be lost
		return ctx.Err()
	}
	return serial.Keep(ctx, t.keepConfig(), t.listen)
}

// Read asks the device, or returns the newest report, with At telling when that came. A report that is older than MaxAge
// is Stale.
func (t *Thermometer) Read(ctx context.Context) hardware.Sample {
	if t.line == nil {
		return t.newest()
	}
	var answer answer
	var given error // why the caller's time was over
	err := t.line.Do(ctx, func(ctx context.Context, p *serial.Port, dirty bool) error {
		var err error
		answer, err = t.asker.read(ctx, p, dirty)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && t.asker.doing != nil {
			err = t.asker.doing // the caller waited long enough to know more than that
			given = err
		}
		if !errors.Is(err, context.Canceled) {
			t.tell(err, p.Path())
		}
		return err
	})
	if given != nil {
		err = given
	}
	sample := hardware.Sample{At: t.cfg.Now(), Raw: printable(answer.raw)}
	if err != nil {
		sample.Fault, sample.Detail = hardware.FaultOf(err), err.Error()
		return sample
	}
	t.judge(&sample, answer.verdict)
	return sample
}

// judge puts a verdict into a sample.
func (t *Thermometer) judge(s *hardware.Sample, v Verdict) {
	s.Temp, s.Fault = v.Temp, v.Fault
	if v.Fault != hardware.None {
		s.Temp = 0
		s.Detail = fmt.Sprintf("thermometer %s on %s says %s: %v: %s", t.cfg.Profile.Name, t.cfg.Path, s.Raw, v.Fault, advice(v.Fault))
	}
}

func advice(f hardware.Fault) string {
	switch f {
	case hardware.UnitMismatch:
		return "set the device to °C"
	case hardware.Disconnected, hardware.Shorted:
		return "check the sensing element and its wires"
	case hardware.PowerOnValue, hardware.ConversionFailed:
		return "it has not measured; check its supply"
	case hardware.OutOfRange:
		return "check the element, and that this is the right profile"
	}
	return "see the device's manual, and check that this is the right profile"
}

// tell tells the monitor of failures in a row; the line tells it of success and of port faults.
func (t *Thermometer) tell(err error, path string) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		t.asker.failures = 0
		return
	case !ok:
		return
	}
	if t.asker.failures++; t.asker.failures < silentAfter {
		return
	}
	t.cfg.Monitor.Set(hardware.StateOf(e.Fault), e.Fault, path, err.Error())
}

// silentAfter is how many failures in a row make the monitor hear of them.
const silentAfter = 3

// newest returns the newest report while it is fresh.
func (t *Thermometer) newest() hardware.Sample {
	now, asleep := t.cfg.Now(), t.asleep()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.latest.At.IsZero() {
		detail := fmt.Sprintf("thermometer %s on %s: no report yet: %v", t.cfg.Profile.Name, t.cfg.Path, t.reason)
		return hardware.Sample{At: now, Fault: t.reason, Detail: detail, Raw: t.raw}
	}
	// A negative age is a clock that was set back: it can't vouch for anything.
	age := now.Sub(t.latest.At)
	if age >= 0 { // time.Now stands while the machine sleeps
		age += serial.SleptSince(t.slept, asleep)
	}
	if age >= 0 && age <= t.cfg.MaxAge {
		return t.latest
	}
	fault := hardware.Stale
	if t.reason != hardware.None {
		fault = t.reason
	}
	detail := fmt.Sprintf("thermometer %s on %s: last report %v ago: %v", t.cfg.Profile.Name, t.cfg.Path, age.Round(time.Second), fault)
	return hardware.Sample{At: now, Fault: fault, Detail: detail, Raw: t.raw}
}

// lost notes why the port is gone.
func (t *Thermometer) lost(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reason = hardware.FaultOf(err)
}

// listen is a session of Keep: it takes reports until the port is lost or gives nothing of use any more.
func (t *Thermometer) listen(ctx context.Context, s *serial.Session) error {
	reason, good := hardware.Silent, false
	feed := t.feeder(func(v Verdict, raw []byte) {
		if t.take(v, raw) {
			good = true
		} else if v.Fault != hardware.None {
			reason = v.Fault
		}
	})
	stall := max(minStall, periods*t.cfg.Profile.Period)
	// pending from the start: when nothing comes for a while after opening, the next byte begins a line.
	lastGood, pending, buf := time.Now(), true, make([]byte, 512)
	for {
		wait := time.Until(lastGood.Add(stall))
		if wait <= 0 {
			return s.Stalled(reason, "no good line for "+stall.String())
		}
		if pending {
			wait = min(wait, linePause)
		}
		n, err := s.ReadWithin(buf, wait)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if n > 0 {
			feed.write(buf[:n])
			pending = true
		}
		switch {
		case err == nil:
		case hardware.FaultOf(err) != hardware.Silent:
			return err
		case pending:
			feed.pause()
			pending = false
		}
		if good {
			s.Live()
			lastGood, reason, good = time.Now(), hardware.Silent, false
		}
	}
}

// feeder cuts what the device sends into lines and judges each.
func (t *Thermometer) feeder(heard func(v Verdict, raw []byte)) feeder {
	onLine := func(line []byte) { heard(t.parser.Parse(line), line) }
	onFault := func(fault hardware.Fault, raw []byte) { heard(Verdict{Fault: fault}, raw) }
	if t.cfg.Profile.XDR != "" {
		return newSentences(onLine, onFault)
	}
	return newSplitter(t.cfg.Profile.End, false, onLine, onFault)
}

// take keeps a report, and tells whether it is one. A line that makes no sense costs itself alone: the report before it
// stays the newest until it is too old.
func (t *Thermometer) take(v Verdict, raw []byte) bool {
	if v.Nothing {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !v.Formed {
		t.reason, t.raw = v.Fault, printable(raw)
		return false
	}
	s := hardware.Sample{At: t.cfg.Now(), Raw: printable(raw)}
	t.judge(&s, v)
	t.latest, t.slept, t.reason, t.raw = s, t.asleep(), hardware.None, s.Raw
	return true
}

// printable is what came as a person reads it: quoted, with what is no text as escapes.
func printable(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	text := strconv.QuoteToASCII(string(raw[:min(len(raw), hardware.MaxRaw)]))
	return text[:min(len(text), hardware.MaxRaw)]
}
