package onewire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// BridgeConfig says how a DS2480B bridge is driven. Zero values other than Path mean the defaults.
type BridgeConfig struct {
	Path     string            // the port, as serial.Open takes it: a path, a by-id name, "usb:VVVV:PPPP"
	Host     serial.Host       // where ports are looked for; the zero value is this computer
	Parasite bool              // feed the probes through the data wire, also when they say that they have a supply of their own
	Timeout  time.Duration     // real time for one answer of the bridge, default 500 ms
	Now      func() time.Time  // the box's clock, for Sample.At; default time.Now
	Monitor  *hardware.Monitor // of the bridge with all that is on it; may be nil
	Logger   *slog.Logger      // default discards
}

const (
	defaultTimeout = 500 * time.Millisecond

	// shareFor is how old a conversion may be, in real time, that another probe uses: the others of a round come at once
	// after the first. It bounds how old a temperature can be when it is asked for.
	shareFor = 500 * time.Millisecond
	// patience is how many failures in a row make the monitor say so. One can be a disturbance.
	patience = 2
)

// Bridge is a DS2480B with the probes on its bus. It opens the port when a probe is first read, and again, with growing
// pauses, after it was lost. All probes measure at the same time; their answers are read one after the other. Its methods
// may be called from any goroutine.
type Bridge struct {
	cfg  BridgeConfig
	line *serial.Line
	use  useLine // line.Do; tests put in a line without a port

	// Only used inside of an exchange on the line, so by one goroutine at a time.
	chip      *chip
	converted time.Time // when the probes measured last; zero when that is not to be used
	round     uint64    // counts conversions
	failures  int       // of the bus, in a row
	mute      int       // answers of probes without a temperature, in a row

	probes atomic.Int32 // how many were asked for
}

// neverHeard is a count of failures that is beyond all patience: a bus that has not given a temperature yet does not live.
const neverHeard = 1 << 30

// NewBridge prepares a bridge; nothing is opened yet.
func NewBridge(cfg BridgeConfig) *Bridge {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b := &Bridge{cfg: cfg, mute: neverHeard, line: serial.NewLine(serial.KeepConfig{
		Spec: cfg.Path, Host: cfg.Host, Config: serial.Config{Baud: bridgeBaud}, Monitor: cfg.Monitor, Logger: cfg.Logger,
	})}
	b.use = func(ctx context.Context, exchange func(ctx context.Context, p port, dirty bool) error) error {
		return b.line.Do(ctx, func(ctx context.Context, p *serial.Port, dirty bool) error { return exchange(ctx, p, dirty) })
	}
	return b
}

// useLine runs exchange with the port, one at a time; dirty says that the bridge may be out of step. See serial.Line.Do.
type useLine func(ctx context.Context, exchange func(ctx context.Context, p port, dirty bool) error) error

// Close ends every read under way and gives the port up, for good. It returns at once and may be called more than once.
func (b *Bridge) Close() error { return b.line.Close() }

// Search lists the devices on the bus, thermometers or not; none is no error. The error is an *Error of the bus, a
// *serial.Error of the port, or the reason ctx ended.
func (b *Bridge) Search(ctx context.Context) ([]ID, error) {
	var found []ID
	err := b.do(ctx, func(ctx context.Context) error {
		var err error
		found, err = b.chip.search(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// do runs fn on a bridge that is in step.
func (b *Bridge) do(ctx context.Context, fn func(ctx context.Context) error) error {
	return b.use(ctx, func(ctx context.Context, p port, dirty bool) error {
		if dirty || b.chip == nil {
			last := byte(0) // marks go on, or an answer of before could fit
			if b.chip != nil {
				last = b.chip.count
			}
			b.chip = &chip{port: p, where: b.cfg.Path, timeout: b.cfg.Timeout, count: last}
			b.converted = time.Time{}
			if err := b.chip.start(ctx); err != nil {
				b.failed(ctx, err)
				return err
			}
		}
		err := fn(ctx)
		b.failed(ctx, err)
		return err
	})
}

// failed tells the monitor when failures go on. Faults of the port are told by the line, and so is success.
func (b *Bridge) failed(ctx context.Context, err error) {
	if err == nil {
		b.failures = 0
		return
	}
	b.failures++
	state := stateOf(hardware.FaultOf(err))
	if ctx.Err() != nil || state == 0 || b.failures < patience {
		return
	}
	b.cfg.Monitor.Set(state, hardware.FaultOf(err), b.line.Path(), err.Error())
}

// stateOf says how a bus stands that fails with fault; 0 for a fault of the port.
func stateOf(fault hardware.Fault) hardware.State {
	switch fault {
	case hardware.Timeout, hardware.NoPresence, hardware.Shorted, hardware.Disconnected, hardware.ConversionFailed,
		hardware.PowerOnValue:
		return hardware.StateSilent
	case hardware.Noise, hardware.Truncated, hardware.LateReply, hardware.CRCBad, hardware.FieldRange, hardware.OutOfRange:
		return hardware.StateGarbled
	}
	return 0
}

// BridgeProbe is one thermometer on a bridge. It implements hardware.Probe.
type BridgeProbe struct {
	bridge *Bridge
	id     ID

	// Only used inside of an exchange on the line.
	used   uint64 // the conversion it took a value from last
	absent string // what the bus had instead, when it was not found last time
}

// Probe returns the thermometer with the given ID, in the kernel's form: "28-0316a279c4ff". It touches no device; the
// error is about the ID.
func (b *Bridge) Probe(id string) (hardware.Probe, error) {
	parsed, err := ParseID(id)
	if err != nil {
		return nil, err
	}
	if err := parsed.thermometer(); err != nil {
		return nil, err
	}
	b.probes.Add(1)
	return &BridgeProbe{bridge: b, id: parsed}, nil
}

// Info says what the probe is and where: port and ID.
func (p *BridgeProbe) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: p.id.Model(), Bus: p.bridge.cfg.Path + "#" + p.id.String()}
}

// Read returns what the probe measured, at most half a second before. It takes up to a second; for the other probes of
// the bus that are read together with it, a few hundredths more.
func (p *BridgeProbe) Read(ctx context.Context) hardware.Sample {
	var r reading
	var own error // why this probe has no value, while the bus works
	err := p.bridge.do(ctx, func(ctx context.Context) error {
		if err := p.measure(ctx); err != nil {
			return err
		}
		var err error
		if r, err = p.bridge.chip.read(ctx, p.id); err != nil {
			return err
		}
		if own, err = p.judge(ctx, r); err != nil {
			return err
		}
		return p.bridge.heard(own)
	})
	if err == nil {
		err = own
	}
	sample := hardware.Sample{At: p.bridge.cfg.Now(), Raw: hexText(r.raw)}
	if err == nil {
		sample.Temp = r.temp
		return sample
	}
	sample.Fault, sample.Detail = hardware.FaultOf(err), err.Error()
	if e, ok := errors.AsType[*Error](err); ok {
		sample.Raw = hexText(e.Answer)
	}
	return sample
}

// heard notes whether a probe gave a temperature. One that does not is its own affair; the error says that none does any
// more, which is that of the bus.
func (b *Bridge) heard(own error) error {
	if own == nil {
		b.mute = 0
		return nil
	}
	b.mute = min(b.mute+1, neverHeard)
	if b.mute > patience*int(b.probes.Load()) {
		return own
	}
	return nil
}

// hexText shows what came, for a person.
func hexText(p []byte) string { return fmt.Sprintf("% x", p[:min(len(p), hardware.MaxRaw/3)]) }

// measure makes the probes measure, unless they just did for another one of them.
func (p *BridgeProbe) measure(ctx context.Context) error {
	b := p.bridge
	if fresh := !b.converted.IsZero() && time.Since(b.converted) < shareFor; fresh && p.used != b.round {
		p.used = b.round
		return nil
	}
	b.converted = time.Time{}
	if err := b.chip.convert(ctx, b.cfg.Parasite); err != nil {
		return err
	}
	b.round++
	b.converted, p.used = time.Now(), b.round
	return nil
}

// judge says why the probe has no value, nil when it has one. For one that is gone it looks what is there instead: most
// often it was replaced. err is about the bus.
func (p *BridgeProbe) judge(ctx context.Context, r reading) (own, err error) {
	fail := &Error{Op: "read probe", Where: p.Info().Bus, Fault: r.fault, Answer: r.raw}
	switch r.fault {
	case hardware.None:
		p.absent = ""
		return nil, nil
	case hardware.NoPresence:
		if p.absent == "" { // otherwise known; a search takes its time from the other probes
			found, err := p.bridge.chip.search(ctx)
			if err != nil {
				return nil, err
			}
			p.absent = list(found)
		}
		fail.Err = fmt.Errorf("the bus has %s", p.absent)
	default:
		p.absent = ""
	}
	return fail, nil
}

// list names devices for a person.
func list(ids []ID) string {
	if len(ids) == 0 {
		return "none"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}
	return strings.Join(names, ", ")
}
