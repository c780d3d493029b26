package journal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime/debug"
	"syscall"

	bbolterrors "go.etcd.io/bbolt/errors"
)

// ErrFull says that the disk has no room. Nothing was recorded; the journal goes on when there is room again.
var ErrFull = errors.New("no room in the journal's file system")

// ErrBroken says that the disk failed in a way that leaves what it holds uncertain. The journal takes no more records;
// opening it again starts a new incarnation from what the disk then holds.
var ErrBroken = errors.New("journal is broken")

// classify wraps an error of a write in ErrFull or ErrBroken. After a failed fsync the page cache may differ from the
// disk (see https://lwn.net/Articles/752063/), so only errors that come before any fsync count as full.
func classify(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EFBIG, bbolterrors.ErrMaxSizeReached} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// guard calls f and turns a panic into an error: bbolt panics on a damaged file, and a file that was cut while mapped
// faults.
func guard(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("file is damaged: %v", r)
		}
	}()
	return f()
}

// seal adds a checksum, so that a torn or rotten file is not taken for a value. It proves no origin.
func seal(payload []byte) []byte {
	sum := sha256.Sum256(payload)
	return append(bytes.Clone(payload), sum[:]...)
}

// unseal undoes seal.
func unseal(sealed []byte) ([]byte, error) {
	if len(sealed) < sha256.Size {
		return nil, errors.New("file is too short")
	}
	payload := sealed[:len(sealed)-sha256.Size]
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], sealed[len(payload):]) {
		return nil, errors.New("checksum does not match")
	}
	return payload, nil
}
