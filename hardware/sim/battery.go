package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Megatec is a battery behind a supply that speaks the Megatec Q1 protocol (as NUT's documentation has it): Q1 asks for
// the state, F for the ratings; any other request comes back as it was.
type Megatec struct {
	MilliVolts func() uint32 // of the whole battery, nominally 12 V
	OnBattery  func() bool   // there is no outside power; nil is never
	PowerOn    func() bool   // it has not measured yet, and answers with zeros; nil is never
}

// lowMilliVolts is where a lead battery of 12 V is nearly empty.
const lowMilliVolts = 11_000

// Serve answers requests on line until ctx is done or the line fails, and returns that error; it closes line when ctx is
// done, because nothing else ends a blocked Read.
func (m Megatec) Serve(ctx context.Context, line io.ReadWriteCloser) error {
	stop := context.AfterFunc(ctx, func() { _ = line.Close() }) // the read below reports it
	defer stop()
	var pending []byte
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return ended(ctx, fmt.Errorf("simulate battery: %w", err))
		}
		pending = append(pending, buf[:n]...)
		for {
			request, rest, whole := bytes.Cut(pending, []byte("\r"))
			if !whole {
				break
			}
			pending = rest
			if _, err := io.WriteString(line, m.answer(string(bytes.TrimSpace(request)))); err != nil {
				return ended(ctx, fmt.Errorf("simulate battery: %w", err))
			}
		}
		if len(pending) > maxRequest {
			pending = nil // noise
		}
	}
}

func (m Megatec) answer(request string) string {
	switch {
	case request == "F":
		return "#220.0 003 012.0 50.0\r"
	case request != "Q1":
		return request + "\r"
	case during(m.PowerOn).now():
		return "(000.0 000.0 000.0 000 00.0 00.0 00.0 00000000\r"
	}
	mv, out := m.MilliVolts(), during(m.OnBattery).now()
	low, in, hertz := mv < lowMilliVolts, "230.0", "50.0"
	if out {
		in, hertz = "000.0", "00.0"
	}
	bit := map[bool]byte{true: '1', false: '0'}
	return fmt.Sprintf("(%s %s 230.0 012 %s %02d.%d 25.0 %c%c000000\r", in, in, hertz, mv/1000, mv%1000/100, bit[out], bit[low])
}
