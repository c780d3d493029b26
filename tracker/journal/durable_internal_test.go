package journal

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	bbolterrors "go.etcd.io/bbolt/errors"
)

// Test_classify says which failures of a disk are waited out, and which end the journal.
func Test_classify(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want error
	}{
		"ENOSPC":          {syscall.ENOSPC, ErrFull},
		"EROFS":           {syscall.EROFS, ErrFull},
		"EDQUOT":          {syscall.EDQUOT, ErrFull},
		"EFBIG":           {syscall.EFBIG, ErrFull},
		"limit of a test": {bbolterrors.ErrMaxSizeReached, ErrFull},
		"EIO":             {syscall.EIO, ErrBroken},
		"damaged":         {errors.New("file is damaged"), ErrBroken},
	} {
		got := classify(fmt.Errorf("write: %w", &os.PathError{Op: "write", Path: "x.journal", Err: tt.err}))
		other := map[error]error{ErrFull: ErrBroken, ErrBroken: ErrFull}[tt.want]
		if !errors.Is(got, tt.want) || errors.Is(got, other) || !errors.Is(got, tt.err) {
			t.Errorf("%s: got %v, want %v and the cause", name, got, tt.want)
		}
	}
}
