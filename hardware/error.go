package hardware

import (
	"context"
	"errors"
)

// Reasoner is an error that knows the fault it stands for: the error type of each driver package is one.
type Reasoner interface {
	error
	Reason() Fault
}

// FaultOf returns why something that was asked of a device failed: the fault of the outermost Reasoner that err wraps,
// Canceled for the end of a context, IOError for any other error, None for nil.
func FaultOf(err error) Fault {
	if err == nil {
		return None
	}
	if r, ok := errors.AsType[Reasoner](err); ok {
		return r.Reason()
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Canceled
	}
	return IOError
}
