package modbus

import (
	"context"
	"errors"
	"fmt"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Decode names how a kind of device writes a temperature into its registers.
type Decode string

// The devices that are known.
const (
	PT100Tenth      Decode = "pt100-tenth"     // one signed register, 0.1 °C
	PT100Hundredth  Decode = "pt100-hundredth" // one signed register, 0.01 °C
	XYMD02          Decode = "xy-md02"         // temperature then humidity, signed, 0.1 °C
	probeMin               = hardware.Temperature(-80_000)
	probeMax               = hardware.Temperature(85_000)
	defaultFunction        = ReadInput
)

// ProbeConfig says which device to ask, and how to read its answer.
type ProbeConfig struct {
	Address  uint8    // 1 to 247
	Register uint16   // where the temperature is; XY-MD02 has it at 1
	Function Function // default ReadInput
	Decode   Decode
}

// TemperatureProbe is one device on a bus. It implements hardware.Probe.
type TemperatureProbe struct {
	bus     *Bus
	cfg     ProbeConfig
	request Request
	scale   int32 // thousandths of a degree per step of the register
}

// Probe returns a probe on the bus. It touches no device; the error is about cfg.
//
// Give probes on one bus different addresses; an answer that is late by more than two
// timeouts can otherwise only be told from another by its length.
func (b *Bus) Probe(cfg ProbeConfig) (*TemperatureProbe, error) {
	if cfg.Function == 0 {
		cfg.Function = defaultFunction
	}
	p := &TemperatureProbe{bus: b, cfg: cfg}
	p.request = Request{Address: cfg.Address, Function: cfg.Function, Register: cfg.Register, Count: 1}
	switch cfg.Decode {
	case PT100Tenth:
		p.scale = 100
	case PT100Hundredth:
		p.scale = 10
	case XYMD02:
		p.scale = 100
		p.request.Count = 2
	default:
		return nil, fmt.Errorf("unknown modbus probe %q: use %s, %s or %s", cfg.Decode, PT100Tenth, PT100Hundredth, XYMD02)
	}
	if err := p.request.check(); err != nil {
		return nil, fmt.Errorf("configure modbus probe: %w", err)
	}
	return p, nil
}

// Info says what the probe is and where: port and address.
func (p *TemperatureProbe) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: string(p.cfg.Decode), Bus: fmt.Sprintf("%s#%d", p.bus.cfg.Path, p.cfg.Address)}
}

// Read asks the device once. A failure of one probe leaves the others on the bus
// readable; it costs them the time until the line is clean again, at most a few
// timeouts.
func (p *TemperatureProbe) Read(ctx context.Context) hardware.Sample {
	values, err := p.bus.Read(ctx, p.request)
	sample := hardware.Sample{At: p.bus.cfg.Now()}
	if err != nil {
		sample.Fault, sample.Detail = faultOf(err), err.Error()
		return sample
	}
	sample.Temp, sample.Fault = p.decode(values[0])
	if sample.Fault != hardware.None {
		sample.Detail = fmt.Sprintf("modbus probe %s: register value 0x%04x is no temperature; check the sensing element",
			p.Info().Bus, values[0])
	}
	return sample
}

func faultOf(err error) hardware.Fault {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fault
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return hardware.Canceled
	}
	return serial.FaultOf(err)
}

// decode turns a register into a temperature. Transmitters report an open or shorted
// element as the end of the register's range, or as the end of a PT100's: 850 °C and
// -200 °C.
func (p *TemperatureProbe) decode(register uint16) (hardware.Temperature, hardware.Fault) {
	temp := hardware.Temperature(int32(int16(register)) * p.scale)
	switch {
	case register == 0x7FFF || register == 0x8000 || temp == 850_000 || temp == -200_000:
		return 0, hardware.Disconnected
	case temp < probeMin || temp > probeMax:
		return 0, hardware.OutOfRange
	}
	return temp, hardware.None
}
