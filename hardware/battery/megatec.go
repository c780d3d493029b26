package battery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// MegatecConfig says where a UPS is. Zero values other than Port mean the defaults.
type MegatecConfig struct {
	Port         string            // as for serial.Open: a path, or usb:VVVV:PPPP
	Baud         int               // default 2400, the protocol's only speed
	Timeout      time.Duration     // real time for one answer, default 1 s; one takes 0.2 s at 2400 baud
	Cells        int               // of the battery, for a UPS that tells the voltage of one; 0: then it is unknown
	LowMilliVolt uint32            // of the battery; at or below it, without mains, it is BatteryLow too; 0: never
	Host         serial.Host       // default the real machine
	Now          func() time.Time  // the box's clock, default time.Now
	Monitor      *hardware.Monitor // may be nil
	Logger       *slog.Logger      // default discards
}

const (
	defaultUPSBaud    = 2400
	defaultUPSTimeout = time.Second
	maxCells          = 400 // of a battery of 800 V

	// gapBits of silence end an exchange: 24 characters, which is 100 ms at 2400 baud; and at least what a USB adapter
	// holds back.
	gapBits = 240
	gapMin  = 20 * time.Millisecond

	// maxDrain is for how many timeouts a line may babble before an attempt gives up: 8 s as a rule, so that a caller who
	// waits 10 s hears the reason.
	maxDrain = 8
)

// Megatec is a UPS that answers Q1 on a serial line. It implements hardware.Gauge.
//
// The protocol has no checksum, and an answer does not say which question it belongs to. So the UPS is asked twice, both
// answers must be whole, sensible in every field, and agree; and after a silent or broken answer the line is drained until
// it has been quiet for two timeouts.
type Megatec struct {
	cfg  MegatecConfig
	line *serial.Line
	gap  time.Duration

	turn     chan struct{} // holds one token: who has it owns the fields below
	jumps    jumps
	standing standing
}

// NewMegatec prepares a gauge; the port is opened by the first Read. The error is about cfg.
func NewMegatec(cfg MegatecConfig) (*Megatec, error) {
	if err := serial.CheckSpec(cfg.Port); err != nil {
		return nil, fmt.Errorf("configure ups: %w", err)
	}
	if cfg.Baud < 0 {
		return nil, fmt.Errorf("configure ups: baud rate %d is not possible", cfg.Baud)
	}
	if cfg.Cells < 0 || cfg.Cells > maxCells {
		return nil, fmt.Errorf("configure ups: %d cells are not between 0 and %d", cfg.Cells, maxCells)
	}
	if cfg.Baud == 0 {
		cfg.Baud = defaultUPSBaud
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultUPSTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	m := &Megatec{cfg: cfg, turn: make(chan struct{}, 1), standing: standing{monitor: cfg.Monitor}}
	m.gap = max(gapMin, gapBits*time.Second/time.Duration(cfg.Baud))
	m.line = serial.NewLine(serial.KeepConfig{Spec: cfg.Port, Config: serial.Config{Baud: cfg.Baud}, Host: cfg.Host,
		Monitor: cfg.Monitor, Logger: cfg.Logger})
	m.turn <- struct{}{}
	return m, nil
}

// Info says where the UPS is.
func (m *Megatec) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: "megatec", Bus: m.cfg.Port}
}

// Close ends a Read under way and gives the port up.
func (m *Megatec) Close() error { return m.line.Close() }

// Read asks the UPS. Its faults: those of a port; Timeout, Truncated, TooLong, Noise, FieldCount, FieldSyntax and
// FieldRange for an answer that did not come or is none; Unsupported for a UPS that does not know Q1; DeviceError when it
// says that it has failed; GaugeGlitch for 0 V, for two answers that differ, and for a jump. The charge is always unknown.
// BatteryLow is the word of the UPS (low, or about to switch off), or the voltage below LowMilliVolt.
func (m *Megatec) Read(ctx context.Context) hardware.Battery {
	select {
	case <-m.turn:
	case <-ctx.Done():
		return failed(m.cfg.Now(), hardware.Canceled, "the caller gave up")
	}
	defer func() { m.turn <- struct{}{} }()
	var answer status
	err := m.line.Do(ctx, func(ctx context.Context, p *serial.Port, dirty bool) (err error) {
		answer, err = m.exchange(ctx, p, dirty)
		return err
	})
	m.standing.port = m.line.Path()
	now := m.cfg.Now()
	b := failed(now, hardware.FaultOf(err), "")
	if err != nil {
		b.Detail = err.Error()
	} else {
		b = m.judge(now, answer)
	}
	m.standing.note(b)
	return b
}

// exchange asks twice on a quiet line, and returns the second of two answers that agree.
func (m *Megatec) exchange(ctx context.Context, p *serial.Port, dirty bool) (status, error) {
	if err := m.drain(ctx, p, dirty); err != nil {
		return status{}, err
	}
	first, err := m.ask(ctx, p)
	if err != nil {
		return status{}, err
	}
	second, err := m.ask(ctx, p)
	if err != nil {
		return status{}, err
	}
	if !first.agrees(second) {
		return status{}, m.fail(hardware.GaugeGlitch, "two answers right after each other differ")
	}
	return second, nil
}

// drain waits until nothing comes any more: at once on a clean line, for two timeouts on a dirty one, or on one where
// something comes that nobody asked for.
func (m *Megatec) drain(ctx context.Context, p *serial.Port, dirty bool) error {
	if !dirty {
		if stray, err := serial.Discard(ctx, p, m.gap); err != nil || !stray {
			return err
		}
	}
	babbles, err := serial.Drain(ctx, p, 2*m.cfg.Timeout, maxDrain*m.cfg.Timeout)
	if babbles && err == nil {
		err = m.fail(hardware.Noise, "the line never rests")
	}
	return err
}

// readWithin is p.ReadWithin that ends with ctx.
func readWithin(ctx context.Context, p *serial.Port, b []byte, wait time.Duration) (int, error) {
	n, err := p.ReadWithin(b, wait)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return n, err
}

// ask makes one request and takes the answer; what comes within a gap after it makes the answer void.
func (m *Megatec) ask(ctx context.Context, p *serial.Port) (status, error) {
	if err := p.SetWriteDeadline(time.Now().Add(m.cfg.Timeout)); err != nil {
		return status{}, err
	}
	if err := ctx.Err(); err != nil {
		return status{}, err
	}
	if _, err := p.Write([]byte("Q1\r")); err != nil {
		return status{}, err
	}
	var buf [maxAnswer + 2]byte
	n := 0
	for end := time.Now().Add(m.cfg.Timeout); n < len(buf) && bytes.IndexByte(buf[:n], '\r') < 0; {
		more, err := readWithin(ctx, p, buf[n:], time.Until(end))
		n += more
		if hardware.FaultOf(err) == hardware.Silent {
			break
		}
		if err != nil {
			return status{}, err
		}
	}
	line, rest, ended := bytes.Cut(buf[:n], []byte("\r"))
	switch {
	case n == 0:
		return status{}, m.fail(hardware.Timeout, fmt.Sprintf("no answer within %v", m.cfg.Timeout))
	case !ended && n < len(buf):
		return status{}, m.fail(hardware.Truncated, fmt.Sprintf("%q does not end", line))
	case len(bytes.Trim(rest, "\n")) > 0:
		return status{}, m.fail(hardware.Noise, fmt.Sprintf("%q comes after the answer", rest))
	}
	s, fault, why := parseQ1(line)
	if fault != hardware.None {
		return status{}, m.fail(fault, why)
	}
	stray, err := serial.Discard(ctx, p, m.gap)
	if err != nil {
		return status{}, err
	}
	if stray {
		return status{}, m.fail(hardware.LateReply, "another answer came after the one that was expected")
	}
	return s, nil
}

// judge draws the conclusions of an answer that was confirmed.
func (m *Megatec) judge(now time.Time, s status) hardware.Battery {
	b := failed(now, hardware.None, "")
	if s.flags&upsFailed != 0 {
		b.Fault, b.Detail = hardware.DeviceError, m.fail(hardware.DeviceError, "it says that it has failed").Error()
		return b
	}
	l := level{hardware.ChargeUnknown, s.volts(m.cfg.Cells)}
	if m.jumps.blank(now) {
		m.jumps.accept(now, l) // the two answers confirm each other
	} else if !m.jumps.take(now, l) {
		b.Fault, b.Detail = hardware.GaugeGlitch, m.fail(hardware.GaugeGlitch, "it "+m.jumps.why(l)).Error()
		return b
	}
	b.MilliVolts, b.State = l.volts, s.state()
	weak := m.cfg.LowMilliVolt != 0 && l.volts != hardware.VoltsUnknown && l.volts <= m.cfg.LowMilliVolt &&
		b.State == hardware.PowerDischarging
	if s.flags&(batteryLow|shutdown) != 0 || weak {
		b.Fault = hardware.BatteryLow
		b.Detail = fmt.Sprintf("ups at %s (%v) has little charge left or is about to switch off: give it mains", m.cfg.Port, l)
	}
	return b
}

// volts returns the voltage of the whole battery.
func (s status) volts(cells int) uint32 {
	switch {
	case s.milliVolts == hardware.VoltsUnknown || s.perCell && cells == 0:
		return hardware.VoltsUnknown
	case s.perCell:
		return s.milliVolts * uint32(cells)
	}
	return s.milliVolts
}

func (m *Megatec) fail(fault hardware.Fault, why string) error {
	return &Error{Op: "ask ups at", Path: m.cfg.Port, Fault: fault, Err: errors.New(why)}
}
