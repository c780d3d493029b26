package sysfs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
)

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantFault checks the fault of err, and that its text says where and what to do.
func wantFault(t *testing.T, err error, path string, want hardware.Fault) {
	t.Helper()
	if got := hardware.FaultOf(err); got != want {
		t.Errorf("fault %v, want %v: %v", got, want, err)
	}
	if want == hardware.None {
		return
	}
	if e, ok := errors.AsType[*Error](err); !ok || e.Unwrap() == nil || !strings.Contains(err.Error(), path) || strings.Count(err.Error(), ": ") < 2 {
		t.Errorf("error %q (%T) does not say where and what to do", err, err)
	}
}

func TestDevice_Read(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		path string
		want string
		err  hardware.Fault
	}{
		{"a line", write(t, filepath.Join(dir, "line"), "87\n"), "87", hardware.None},
		{"space around it", write(t, filepath.Join(dir, "space"), " 87 \r\n\n"), "87", hardware.None},
		{"NUL is kept", write(t, filepath.Join(dir, "nul"), "8\x007\x00"), "8\x007\x00", hardware.None},
		{"empty", write(t, filepath.Join(dir, "empty"), ""), "", hardware.None},
		{"a page", write(t, filepath.Join(dir, "page"), strings.Repeat("x", 4096)), strings.Repeat("x", 4096), hardware.None},
		{"more than a page", write(t, filepath.Join(dir, "more"), strings.Repeat("x", 4097)), "", hardware.TooLong},
		{"missing", filepath.Join(dir, "missing"), "", hardware.NotFound},
		{"below a file", filepath.Join(dir, "line", "x"), "", hardware.NotFound},
		{"a folder", dir, "", hardware.Unsupported},
		{"a pipe that nobody writes", fifo, "", hardware.Unsupported},
		{"/dev/null", "/dev/null", "", hardware.Unsupported},
		{"/dev/zero", "/dev/zero", "", hardware.Unsupported},
		{"an attribute of the kernel", "/proc/sys/kernel/ostype", "Linux", hardware.None},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := NewDevice(0).Read(t.Context(), tt.path)
			if got != tt.want {
				t.Errorf("Read = %.40q, want %.40q", got, tt.want)
			}
			wantFault(t, err, tt.path, tt.err)
		})
	}
}

func TestDevice_Write(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "value"), "0\n")
	d := NewDevice(0)
	if err := d.Write(t.Context(), path, "1"); err != nil {
		t.Error(err)
	}
	if got, err := d.Read(t.Context(), path); got != "1" || err != nil {
		t.Errorf("Read = %q, %v, want 1", got, err)
	}
	missing := filepath.Join(dir, "missing")
	wantFault(t, d.Write(t.Context(), missing, "1"), missing, hardware.NotFound)
	if _, err := os.Stat(missing); err == nil {
		t.Error("Write made a file that was not there")
	}
}

// TestDevice_hangs: a driver that hangs costs one goroutine, however often it is asked, and works again when it is over.
func TestDevice_hangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var calls atomic.Int32
		d := NewDevice(time.Second)
		d.access = func(string, string, bool) (string, error) {
			calls.Add(1)
			<-release
			return "87", nil
		}
		before := runtime.NumGoroutine()
		for range 100 {
			begin := time.Now()
			_, err := d.Read(t.Context(), "/sys/x")
			wantFault(t, err, "/sys/x", hardware.Timeout)
			if took := time.Since(begin); took != time.Second {
				t.Fatalf("Read gave up after %v, want 1 s", took)
			}
		}
		if extra := runtime.NumGoroutine() - before; calls.Load() != 1 || extra > 1 {
			t.Errorf("%d accesses, %d goroutines, want one of each", calls.Load(), extra)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if _, err := d.Read(ctx, "/sys/x"); hardware.FaultOf(err) != hardware.Canceled || time.Since(begin) != 100*time.Millisecond {
			t.Errorf("Read with a context of 0.1 s = %v after %v", err, time.Since(begin))
		}
		close(release)
		synctest.Wait()
		if got, err := d.Read(t.Context(), "/sys/x"); got != "87" || err != nil {
			t.Errorf("when it is over: Read = %q, %v, want 87", got, err)
		}
	})
}

// TestDevice_Fault covers what a file system can't be made to do.
func TestDevice_Fault(t *testing.T) {
	for err, want := range map[error]hardware.Fault{
		syscall.ENOENT: hardware.NotFound, syscall.ENODEV: hardware.Unplugged, syscall.ENXIO: hardware.Unplugged,
		syscall.EACCES: hardware.Denied, syscall.EPERM: hardware.Denied, syscall.EROFS: hardware.Denied,
		syscall.EBUSY: hardware.Busy, syscall.EAGAIN: hardware.Busy, syscall.ETIMEDOUT: hardware.Timeout,
		syscall.EIO: hardware.IOError, syscall.EREMOTEIO: hardware.IOError, syscall.ENODATA: hardware.IOError, syscall.EINVAL: hardware.IOError,
	} {
		d := NewDevice(0)
		d.access = func(path string, _ string, _ bool) (string, error) {
			return "", &os.PathError{Op: "read", Path: path, Err: err}
		}
		_, got := d.Read(t.Context(), "/sys/x")
		wantFault(t, got, "/sys/x", want)
		if absent := err == syscall.ENOENT || err == syscall.ENODATA; Absent(got) != absent {
			t.Errorf("Absent(%v) = %v, want %v", err, !absent, absent)
		}
	}
}

func TestDevice_Find(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"iio:device0/name": "bh1750\n", "iio:device1/name": "adxl345\n", "iio:device2/name": "bh1750\n", "trigger0/other": "x", "wwan0/type": "wwan\n",
	} {
		write(t, filepath.Join(root, path), text)
	}
	tests := []struct {
		spec string
		want []string
		err  hardware.Fault
	}{
		{"adxl345", []string{"iio:device1"}, hardware.None},
		{"bh1750", []string{"iio:device0", "iio:device2"}, hardware.None},
		{"iio:device2", []string{"iio:device2"}, hardware.None},
		{"wwan", []string{"wwan0"}, hardware.None},
		{filepath.Join(root, "elsewhere"), []string{"elsewhere"}, hardware.None},
		{"bmp280", nil, hardware.NotFound},
		{"bh17", nil, hardware.NotFound},
		{"", nil, hardware.NotFound},
		{"..", nil, hardware.NotFound},
		{"../x", nil, hardware.NotFound},
		{"iio:device0/name", nil, hardware.NotFound},
	}
	for _, tt := range tests {
		got, err := NewDevice(0).Find(t.Context(), root, tt.spec, "name", "type")
		for i := range got {
			got[i], _ = filepath.Rel(root, got[i])
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Find(%q) (-want +got):\n%s", tt.spec, diff)
		}
		wantFault(t, err, tt.spec, tt.err)
	}
	missing := filepath.Join(root, "missing")
	_, err := NewDevice(0).Find(t.Context(), missing, "x")
	wantFault(t, err, missing, hardware.NotFound)
}

func TestParse(t *testing.T) {
	tests := []struct {
		text    string
		integer string // "" when it is none
		decimal string // "" when it is none
	}{
		{"0", "0", "0"}, {"87", "87", "87"}, {"-5", "-5", "-5"}, {"007", "7", "7"}, {"-0", "0", "-0"},
		{"9223372036854775807", "9223372036854775807", "9.223372036854776e+18"}, {"9223372036854775808", "", "9.223372036854776e+18"},
		{"0.038307", "", "0.038307"}, {"-1.500000000", "", "-1.5"}, {"12.", "", ""}, {".5", "", ""}, {"1.2.3", "", ""}, {"", "", ""}, {"-", "", ""}, {"--5", "", ""},
		{"+5", "", ""}, {"5 ", "", ""}, {"0x10", "", ""}, {"1e3", "", ""}, {"1_0", "", ""}, {"nan", "", ""}, {"inf", "", ""}, {"-Inf", "", ""}, {"0x1p5", "", ""},
		{"1,5", "", ""}, {"٥", "", ""}, {strings.Repeat("9", 33), "", ""},
	}
	for _, tt := range tests {
		integer, decimal := "", ""
		if v, ok := parseInt(tt.text); ok {
			integer = strconv.FormatInt(v, 10)
		}
		if v, ok := parseDecimal(tt.text); ok {
			decimal = strconv.FormatFloat(v, 'g', -1, 64)
		}
		if integer != tt.integer || decimal != tt.decimal {
			t.Errorf("%q is %q and %q, want %q and %q", tt.text, integer, decimal, tt.integer, tt.decimal)
		}
	}
}

// FuzzParse: what is taken as an integer and written again is the same number, and every integer is a decimal.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"87", "-5", "0.038307", "nan", "1e3", "0x1p5", "", "-", "9223372036854775808", "1.", ".1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, isInt := parseInt(text)
		d, isDecimal := parseDecimal(text)
		if isInt {
			if again, ok := parseInt(strconv.FormatInt(v, 10)); !ok || again != v {
				t.Errorf("%q is %d, and written again %d", text, v, again)
			}
			if len(text) <= 32 && (!isDecimal || d != float64(v)) {
				t.Errorf("%q is the integer %d and the decimal %v, %v", text, v, d, isDecimal)
			}
		}
		if isDecimal && (d != d || d > 1e32 || d < -1e32) {
			t.Errorf("%q is %v", text, d)
		}
	})
}
