package sysfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	// maxAttribute is what the kernel gives for one attribute at most: a page.
	maxAttribute = 4096
	// defaultTimeout is for one access. A slow sensor answers within a second; 1-Wire ones within two.
	defaultTimeout = 3 * time.Second
)

var (
	errNotAttribute = errors.New("not an ordinary file")
	errTooLong      = fmt.Errorf("more than %d bytes", maxAttribute)
	errHangs        = errors.New("no answer from the kernel")
)

// Device reaches the attributes of one device. The kernel can't be told to give up on a read, so an access that hangs is
// left behind in a goroutine, which ends when the kernel lets go; until then every other access fails with Timeout, so
// there is never more than one such goroutine. Its methods may be called from any goroutine and take turns.
type Device struct {
	timeout time.Duration
	turn    chan struct{} // holds one token; the goroutine of an access has it until the kernel is done

	access func(path, text string, write bool) (string, error) // what touches the file; tests put in one that hangs
}

// NewDevice returns a device whose accesses give up after timeout, in real time; 0 means defaultTimeout.
func NewDevice(timeout time.Duration) *Device {
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	d := &Device{timeout: timeout, turn: make(chan struct{}, 1), access: touch}
	d.turn <- struct{}{}
	return d
}

// Read returns the attribute at path without the space and the line end around it. Its error is an *Error, or ctx's.
func (d *Device) Read(ctx context.Context, path string) (string, error) {
	return d.do(ctx, "read", path, "")
}

// Write writes text into the attribute at path. Its error is an *Error, or ctx's; after the latter, and after Timeout, it
// is not known whether the kernel took it.
func (d *Device) Write(ctx context.Context, path, text string) error {
	_, err := d.do(ctx, "write", path, text)
	return err
}

func (d *Device) do(ctx context.Context, op, path, text string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("%s %s: %w", op, path, err)
	}
	timer := time.NewTimer(d.timeout)
	defer timer.Stop()
	select {
	case <-d.turn:
	case <-timer.C:
		return "", d.hangs(op, path)
	case <-ctx.Done():
		return "", fmt.Errorf("%s %s: %w", op, path, ctx.Err())
	}
	type outcome struct {
		text string
		err  error
	}
	done := make(chan outcome, 1) // one place, so that an access left behind can end
	go func() {                   // ends when the kernel answers
		got, err := d.access(path, text, op == "write")
		d.turn <- struct{}{}
		done <- outcome{got, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return "", &Error{Op: op, Path: path, Fault: faultOf(o.err), Err: cause(o.err)}
		}
		return o.text, nil
	case <-timer.C:
		return "", d.hangs(op, path)
	case <-ctx.Done():
		return "", fmt.Errorf("%s %s: %w", op, path, ctx.Err())
	}
}

func (d *Device) hangs(op, path string) error {
	err := fmt.Errorf("%w for %v", errHangs, d.timeout)
	return &Error{Op: op, Path: path, Fault: faultOf(os.ErrDeadlineExceeded), Err: err}
}

// touch reads or writes one file. O_NONBLOCK is for a pipe or a terminal that was configured by mistake: opening it would
// wait for ever. Attributes don't mind.
func touch(path, text string, write bool) (string, error) {
	flags := os.O_RDONLY
	if write {
		flags = os.O_WRONLY // not created, not truncated: attributes are there or they are not
	}
	f, err := os.OpenFile(path, flags|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return "", err
	}
	defer f.Close() // what matters was written by then: an attribute has no buffer
	if info, err := f.Stat(); err != nil {
		return "", err
	} else if info.IsDir() || !info.Mode().IsRegular() {
		return "", errNotAttribute
	}
	if write {
		_, err := f.WriteString(text)
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxAttribute+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxAttribute {
		return "", errTooLong
	}
	return strings.Trim(string(b), " \t\r\n"), nil
}
