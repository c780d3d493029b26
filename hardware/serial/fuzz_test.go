package serial_test

import (
	"path/filepath"
	"strings"
	"testing"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// FuzzHost_Find gives any text for a port: it is refused as malformed, or it is looked for; it never finds another port than
// one of the machine's own, and a malformed one never finds any.
func FuzzHost_Find(f *testing.F) {
	for _, seed := range []string{
		"", "/dev/ttyUSB0", "ttyUSB0", "usb:", "usb:0403", "usb:0403:6001", "usb:0403:6001:", "usb:0403:6001:A10K2X5B",
		"USB:0403:6001", "usb:0403:6001:a:b", "usb:04 3:6001", "usb:٠403:6001", "usb:0403:6001\x00", "\x00", "/dev/serial/by-id/../../tty",
	} {
		f.Add(seed)
	}
	host := serial.Host{Dev: f.TempDir(), Sys: f.TempDir()}
	f.Fuzz(func(t *testing.T, spec string) {
		path, err := host.Find(spec)
		bad := serial.CheckSpec(spec)
		if bad != nil && (err == nil || hardware.FaultOf(bad) != hardware.NotATTY) {
			t.Errorf("%q is malformed (%v) and finds %q, %v", spec, bad, path, err)
		}
		if strings.HasPrefix(spec, "usb:") && err == nil {
			t.Errorf("%q finds %q on a machine without a device", spec, path)
		}
		if err == nil && filepath.Clean(path) != path {
			t.Errorf("%q finds %q, which is no real path", spec, path)
		}
		if err != nil && hardware.FaultOf(err) == hardware.None {
			t.Errorf("%q: error %v without a fault", spec, err)
		}
	})
}
