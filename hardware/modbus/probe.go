package modbus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// ProbeConfig says which device to ask, and how to read its answer.
type ProbeConfig struct {
	Address  uint8             // 1 to 247
	Register uint16            // where the temperature is, if not where the preset has it; zero: as the preset
	Function Function          // likewise
	Decode   Decode            // a preset, or Custom
	Format   *Format           // of Custom
	Monitor  *hardware.Monitor // is told how this device stands; may be nil
}

// TemperatureProbe is one device on a bus. It implements hardware.Probe.
type TemperatureProbe struct {
	bus     *Bus
	cfg     ProbeConfig
	form    Format
	request Request

	mu       sync.Mutex // guards what follows
	offset   offset
	order    evidence
	failures int // reads in a row, for the monitor
}

// evidence is what the answers say about the configured order of words of a float32.
type evidence uint8

const (
	orderUnknown evidence = iota
	orderProven           // an answer made sense in the configured order and none in the other
	orderRefuted          // the other way round
)

// offset is what is known of the correction inside of a device.
type offset struct {
	known      bool
	first      uint16    // the value that was read first
	now        uint16    // and last
	generation int       // of the bus when it was read
	due        time.Time // when it is to be read again, in real time
	reported   bool      // that it is not as it should be
}

const (
	// offsetEvery is how often the correction is read again: somebody may change it on the way.
	offsetEvery = 10 * time.Minute
	// offsetRetry is how long after it could not be read.
	offsetRetry = time.Minute
	// silentAfter is how many failures in a row make the monitor hear of them: one damaged answer is no state.
	silentAfter = 3
)

// Probe returns a probe on the bus. It touches no device; the error is about cfg.
//
// Give probes on one bus different addresses: an answer says nothing else of where it comes from.
func (b *Bus) Probe(cfg ProbeConfig) (*TemperatureProbe, error) {
	form, err := cfg.format()
	if err != nil {
		return nil, fmt.Errorf("configure modbus probe: %w", err)
	}
	p := &TemperatureProbe{bus: b, cfg: cfg, form: form}
	p.request = Request{Address: cfg.Address, Function: form.Function, Register: form.Register, Count: form.count()}
	if err := p.request.check(); err != nil {
		return nil, fmt.Errorf("configure modbus probe: %w", err)
	}
	b.add(cfg.Address)
	return p, nil
}

// Info says what the probe is and where: port and address.
func (p *TemperatureProbe) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: string(p.cfg.Decode), Bus: fmt.Sprintf("%s#%d", p.bus.cfg.Path, p.cfg.Address)}
}

// Read asks the device once. A silent device costs its neighbours on the line one timeout, and after three in a row at
// most a ninth of the time; any other failure a few timeouts, until the line is clean again.
func (p *TemperatureProbe) Read(ctx context.Context) hardware.Sample {
	values, err := p.bus.Read(ctx, p.request)
	sample := hardware.Sample{At: p.bus.cfg.Now()}
	if err != nil {
		sample.Fault, sample.Detail = hardware.FaultOf(err), err.Error()
		if e, ok := errors.AsType[*Error](err); ok && len(e.Answer) > 0 {
			sample.Raw = bounded(fmt.Sprintf("% x", e.Answer))
		}
		p.tell(sample, err)
		return sample
	}
	sample.Raw = rawText(p.request, values)
	sample.Temp, sample.Fault = p.decode(values)
	if sample.Fault != hardware.None {
		sample.Detail = fmt.Sprintf("modbus probe %s: %s is no temperature: %s", p.Info().Bus, sample.Raw, p.advice(sample.Fault))
	} else if p.form.Offset != 0 {
		sample.Doubt, sample.Detail = p.checkOffset(ctx)
	}
	p.tell(sample, nil)
	return sample
}

// decode turns registers into a temperature. A float32 in the wrong order of words looks like a temperature in one of ten
// cases; so a value that makes sense in both orders, and not the same, is believed only once another has shown that the
// configured order is right.
func (p *TemperatureProbe) decode(values []uint16) (hardware.Temperature, hardware.Fault) {
	temp, fault := p.form.decode(values)
	if p.form.Type != Float32 {
		return temp, fault
	}
	other, otherFault := p.form.swapped().decode(values)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch here, there := fault == hardware.None, otherFault == hardware.None; {
	case here && !there:
		p.order = orderProven
	case there && !here:
		p.order = orderRefuted
	case here && there && temp != other && p.order != orderProven:
		return 0, hardware.FieldRange
	}
	return temp, fault
}

// rawText is "04@0x0001: 0x0131 0x0222": function, register, and the registers' values.
func rawText(req Request, values []uint16) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%02d@0x%04x:", req.Function, req.Register)
	for _, v := range values {
		fmt.Fprintf(&text, " 0x%04x", v)
	}
	return bounded(text.String())
}

func bounded(text string) string { return text[:min(len(text), hardware.MaxRaw)] }

// advice says what to do about registers that are no temperature.
func (p *TemperatureProbe) advice(fault hardware.Fault) string {
	switch fault {
	case hardware.Disconnected, hardware.Shorted:
		return "check the sensing element and its wires"
	case hardware.FieldRange:
		return "check the order of words and the type in the configuration, unless this is the first answer"
	case hardware.ConversionFailed:
		return "the sensor did not measure; check its supply"
	}
	return "check register, type, scale and sign in the configuration"
}

// checkOffset reads the device's own correction when that is due, and says what speaks against the temperature: a
// correction that is not zero, or was another before, changes what a calibration certificate was made for.
func (p *TemperatureProbe) checkOffset(ctx context.Context) (doubt hardware.Fault, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := &p.offset
	if generation := p.bus.generation(); o.generation != generation || !time.Now().Before(o.due) {
		p.readOffset(ctx, generation)
	}
	if !o.known || o.now == 0 && o.first == 0 {
		return hardware.None, ""
	}
	detail = fmt.Sprintf("modbus probe %s: its register 0x%04x adds %+.1f K to what it measures, and %+.1f K when it was first read: set it to 0",
		p.Info().Bus, p.form.Offset, float64(int16(o.now))/10, float64(int16(o.first))/10)
	return hardware.OffsetChanged, detail
}

// readOffset notes the correction, and logs it when it is new. The caller holds mu.
func (p *TemperatureProbe) readOffset(ctx context.Context, generation int) {
	o, log := &p.offset, p.bus.cfg.Logger
	values, err := p.bus.Read(ctx, Request{Address: p.cfg.Address, Function: ReadHolding, Register: p.form.Offset, Count: 1})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		o.due, o.generation = time.Now().Add(offsetRetry), generation
		if !o.reported {
			log.Warn("modbus probe does not tell its correction", "probe", p.Info().Bus, "register", p.form.Offset, "err", err)
			o.reported = true
		}
		return
	}
	changed := !o.known || o.now != values[0]
	if !o.known {
		o.first = values[0]
	}
	o.known, o.now, o.generation, o.due, o.reported = true, values[0], generation, time.Now().Add(offsetEvery), false
	switch {
	case changed && (o.now != 0 || o.first != 0):
		log.Warn("modbus probe corrects by itself", "probe", p.Info().Bus, "register", p.form.Offset, "tenths", int16(o.now), "first", int16(o.first))
	case changed:
		log.Info("modbus probe adds no correction of its own", "probe", p.Info().Bus, "register", p.form.Offset)
	}
}

// tell tells the probe's monitor how it stands.
func (p *TemperatureProbe) tell(s hardware.Sample, err error) {
	path := p.bus.line.Path()
	p.mu.Lock()
	defer p.mu.Unlock()
	_, port := errors.AsType[*serial.Error](err)
	switch {
	case s.Fault == hardware.Canceled:
		return
	case s.Fault == hardware.None:
		p.failures = 0
		p.cfg.Monitor.Set(hardware.StateLive, hardware.None, path, "")
		return
	case port:
		p.failures = 0
		p.cfg.Monitor.Set(hardware.StateDown, s.Fault, path, s.Detail)
		return
	}
	if p.failures++; p.failures < silentAfter {
		return
	}
	p.cfg.Monitor.Set(hardware.StateOf(s.Fault), s.Fault, path, s.Detail)
}
