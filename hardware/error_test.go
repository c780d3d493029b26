package hardware

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// reasoned stands for the error type of a driver.
type reasoned struct {
	fault Fault
	cause error
}

func (e *reasoned) Error() string { return e.fault.String() }
func (e *reasoned) Unwrap() error { return e.cause }
func (e *reasoned) Reason() Fault { return e.fault }

func TestFaultOf(t *testing.T) {
	busy := &reasoned{fault: Busy}
	for _, tt := range []struct {
		name string
		err  error
		want Fault
	}{
		{"nil", nil, None},
		{"a driver's", busy, Busy},
		{"wrapped", fmt.Errorf("start: %w", busy), Busy},
		{"the outermost counts", &reasoned{fault: SwitchFailed, cause: busy}, SwitchFailed},
		{"a driver's that was caused by the end of a context", &reasoned{fault: Noise, cause: context.DeadlineExceeded}, Noise},
		{"canceled", context.Canceled, Canceled},
		{"too late", fmt.Errorf("read: %w", context.DeadlineExceeded), Canceled},
		{"another", errors.New("other"), IOError},
	} {
		if got := FaultOf(tt.err); got != tt.want {
			t.Errorf("%s: FaultOf(%v) = %v, want %v", tt.name, tt.err, got, tt.want)
		}
	}
}

func TestStateOf(t *testing.T) {
	for fault, want := range map[Fault]State{
		NotFound: StateDown, NotATTY: StateDown, Ambiguous: StateDown, WriteStuck: StateDown, Unplugged: StateDown,
		Silent: StateSilent, Timeout: StateSilent,
		Noise: StateGarbled, CRCBad: StateGarbled, WrongBaud: StateGarbled, GaugeGlitch: StateGarbled,
	} {
		if got := StateOf(fault); got != want {
			t.Errorf("StateOf(%v) = %v, want %v", fault, got, want)
		}
	}
}
