package serial

import (
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"isotherm/hardware"
)

// TestError_Faults covers what a pty, or root, cannot be made to do.
func TestError_Faults(t *testing.T) {
	open := map[error]hardware.Fault{
		unix.ENOENT: hardware.NotFound, unix.ENXIO: hardware.NotFound, unix.ENODEV: hardware.NotFound,
		unix.EBUSY: hardware.Busy, unix.EWOULDBLOCK: hardware.Busy,
		unix.EACCES: hardware.Denied, unix.EPERM: hardware.Denied,
		unix.ENOTTY: hardware.NotATTY, unix.EISDIR: hardware.NotATTY,
		unix.EIO: hardware.Unplugged, unix.EMFILE: hardware.IOError,
	}
	for err, want := range open {
		if got := openFault(fmt.Errorf("step: %w", err)); got != want {
			t.Errorf("openFault(%v) = %v, want %v", err, got, want)
		}
	}
	use := map[error]hardware.Fault{
		os.ErrDeadlineExceeded: hardware.Silent, os.ErrClosed: hardware.Closed, io.EOF: hardware.Unplugged,
		unix.EIO: hardware.Unplugged, unix.ENODEV: hardware.Unplugged, unix.EINVAL: hardware.IOError,
	}
	for err, want := range use {
		if got := useFault(fmt.Errorf("step: %w", err), hardware.Silent); got != want {
			t.Errorf("useFault(%v) = %v, want %v", err, got, want)
		}
	}
}

func TestBackoff_Next(t *testing.T) {
	var b Backoff
	wants := []time.Duration{250, 500, 1000, 2000, 4000, 8000, 10000, 10000}
	for round := range 2 {
		for i, ms := range wants {
			want := ms * time.Millisecond
			if got := b.Next(); got < want*4/5 || got > want*6/5 {
				t.Errorf("round %d, wait %d = %v, want %v within 20 %%", round, i, got, want)
			}
		}
		b.Reset()
	}
}
