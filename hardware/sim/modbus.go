package sim

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"isotherm/hardware"
)

// ModbusProbe is a temperature probe on a Modbus RTU line. It answers FC03 and FC04 with the temperature at Register and
// the relative humidity (50.0 %) after it, as an XY-MD02 does, and with Constants; it refuses every other register.
type ModbusProbe struct {
	Address     uint8 // 1 to 247
	Register    uint16
	Hundredths  bool        // the register counts 0.01 °C; otherwise 0.1 °C. Not for Form ModbusFloat32, which counts 1 °C
	Form        ModbusForm  // zero is ModbusInt16
	Order       ModbusOrder // of the bytes of a form that takes two registers; zero is ModbusABCD
	Constants   map[uint16]uint16
	Temperature func() hardware.Temperature
	PowerOn     func() bool // it has not measured yet: the register shows the end of its range, or NaN; nil is never
	Open        func() bool // its element is open: 850.0 °C, or the end of the range where that does not fit; nil is never
}

const humidityTenths = 500

// maxModbusCount is the most registers that one answer can carry (Modbus application protocol V1.1b3, 6.3).
const maxModbusCount = 125

// ServeModbus answers requests on line for all probes, until ctx is done or the line
// fails (a PTY that is closed), and returns that error. When ctx can end before the
// line is closed, line must be a PTY or another io.Closer: it is then closed, because
// nothing else ends a blocked Read.
func ServeModbus(ctx context.Context, line io.ReadWriteCloser, probes ...ModbusProbe) error {
	stop := context.AfterFunc(ctx, func() { _ = line.Close() }) // the read below reports it
	defer stop()
	var pending []byte
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return ended(ctx, fmt.Errorf("simulate modbus probe: %w", err))
		}
		pending = append(pending, buf[:n]...)
		for len(pending) >= requestSize {
			frame := pending[:requestSize]
			if !modbusCRCGood(frame) {
				pending = pending[1:] // noise, or someone else's answer: look for the next start
				continue
			}
			pending = pending[requestSize:]
			if _, err := line.Write(answer(frame, probes)); err != nil {
				return ended(ctx, fmt.Errorf("simulate modbus probe: %w", err))
			}
		}
	}
}

// requestSize is that of a read request: address, function, register, count, checksum.
const requestSize = 8

// answer is what the addressed probe sends; nothing when there is none.
func answer(request []byte, probes []ModbusProbe) []byte {
	for _, p := range probes {
		if p.Address == request[0] {
			return p.answer(request)
		}
	}
	return nil
}

func (p ModbusProbe) answer(request []byte) []byte {
	function := request[1]
	register, count := binary.BigEndian.Uint16(request[2:]), binary.BigEndian.Uint16(request[4:])
	const illegalFunction, illegalRegister, illegalValue = 1, 2, 3
	if function != 3 && function != 4 {
		return withModbusCRC([]byte{p.Address, function | 0x80, illegalFunction})
	}
	if count < 1 || count > maxModbusCount {
		return withModbusCRC([]byte{p.Address, function | 0x80, illegalValue})
	}
	frame := []byte{p.Address, function, byte(2 * count)}
	values := append(p.registers(), humidityTenths)
	for i := range int(count) {
		at := int(register) + i
		v, ok := p.Constants[uint16(at)]
		if first := at - int(p.Register); first >= 0 && first < len(values) {
			v, ok = values[first], true
		}
		if !ok || at > 0xFFFF {
			return withModbusCRC([]byte{p.Address, function | 0x80, illegalRegister})
		}
		frame = binary.BigEndian.AppendUint16(frame, v)
	}
	return withModbusCRC(frame)
}

// modbusCRC is computed with a table-free loop of its own, apart from the driver's:
// a shared mistake would go unnoticed.
func modbusCRC(p []byte) uint16 {
	remainder := uint16(0xFFFF)
	for _, b := range p {
		for bit := range 8 {
			carry := remainder&1 != uint16(b>>bit)&1
			remainder >>= 1
			if carry {
				remainder ^= 0xA001
			}
		}
	}
	return remainder
}

func withModbusCRC(p []byte) []byte { return binary.LittleEndian.AppendUint16(p, modbusCRC(p)) }

func modbusCRCGood(p []byte) bool {
	n := len(p) - 2
	return binary.LittleEndian.Uint16(p[n:]) == modbusCRC(p[:n])
}
