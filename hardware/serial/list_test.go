package serial_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Devices of the trees below.
var (
	ftdi  = usb{"1-1", "0403", "6001", "A10K2X5B", "FTDI", "FT232R USB UART"}
	ch340 = usb{"1-2", "1a86", "7523", "", "", "USB Serial"}
)

// raspberry is a board with its own UART, a ghost of another one, consoles and an FTDI adapter.
func raspberry(t *testing.T) *tree {
	t.Helper()
	tr := newTree(t)
	for _, name := range []string{"console", "ptmx", "tty", "tty0", "tty1", "ttyprintk"} {
		tr.class(name, "")
		tr.node(name, "")
	}
	// Linux 6.6 and later: port on ctrl on the real device.
	uart := filepath.Join(tr.Sys, "devices/platform/soc/fe201000.serial")
	tr.bus(uart, "amba", "uart-pl011")
	ctrl := filepath.Join(uart, "fe201000.serial:0")
	tr.bus(ctrl, "serial-base", "ctrl")
	port := filepath.Join(ctrl, "fe201000.serial:0.0")
	tr.bus(port, "serial-base", "port")
	tr.class("ttyAMA0", port)
	tr.write(filepath.Join(port, "tty/ttyAMA0/type"), "32\n")
	tr.node("ttyAMA0", "")
	// The 8250 driver: ttyS0 is real, ttyS1 is a reserved number, ttyS2 is shown to a container that has no node for it.
	old := filepath.Join(tr.Sys, "devices/platform/serial8250")
	tr.bus(old, "platform", "serial8250")
	for name, kind := range map[string]string{"ttyS0": "4\n", "ttyS1": "0\n", "ttyS2": "4\n"} {
		tr.class(name, old)
		tr.write(filepath.Join(old, "tty", name, "type"), kind)
	}
	tr.node("ttyS0", "")
	tr.node("ttyS1", "")
	tr.plugUSB("ttyUSB0", ftdi, "")
	tr.link("../../ttyUSB0", filepath.Join(tr.Dev, "serial/by-id/usb-FTDI_FT232R_USB_UART_A10K2X5B-if00-port0"))
	tr.link("../../ttyUSB7", filepath.Join(tr.Dev, "serial/by-id/usb-gone")) // udev is not done yet
	return tr
}

func TestHost_List(t *testing.T) {
	tr := raspberry(t)
	tr.plugUSB("ttyUSB1", ch340, "")
	got, err := tr.List()
	if err != nil {
		t.Fatal(err)
	}
	dev := func(name string) string { return filepath.Join(tr.Dev, name) }
	want := []serial.Info{
		{Path: dev("ttyAMA0"), Driver: "uart-pl011"},
		{Path: dev("ttyS0"), Driver: "serial8250"},
		{
			Path: dev("ttyUSB0"), Driver: "ftdi_sio", VendorID: "0403", ProductID: "6001", Serial: "A10K2X5B",
			Manufacturer: "FTDI", Product: "FT232R USB UART",
			ByID:   dev("serial/by-id/usb-FTDI_FT232R_USB_UART_A10K2X5B-if00-port0"),
			ByPath: dev("serial/by-path/pci-0000:00:14.0-usb-0:1-1:1.0-port0"),
		},
		{
			Path: dev("ttyUSB1"), Driver: "ftdi_sio", VendorID: "1a86", ProductID: "7523", Product: "USB Serial",
			ByPath: dev("serial/by-path/pci-0000:00:14.0-usb-0:1-2:1.0-port0"),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

// TestHost_List_Hostile is a device whose texts try to break a terminal or a log.
func TestHost_List_Hostile(t *testing.T) {
	tr := newTree(t)
	tr.plugUSB("ttyUSB0", usb{"1-1", "DEAD", "BEEF", "a\x1b[31m\nb", "\x00\xff", strings.Repeat("x", 5000)}, "")
	got, err := tr.List()
	if err != nil || len(got) != 1 {
		t.Fatalf("List = %v, %v, want one port", got, err)
	}
	port := got[0]
	if port.VendorID != "dead" || port.Serial != "a[31mb" || len(port.Product) > 400 || strings.ContainsAny(port.String(), "\x1b\n\x00") {
		t.Errorf("texts are not tamed: %+v", port)
	}
}

func TestHost_List_Nothing(t *testing.T) {
	host := serial.Host{Dev: t.TempDir(), Sys: t.TempDir()} // a machine without ttys, or without /sys
	if got, err := host.List(); len(got) != 0 || err != nil {
		t.Errorf("List = %v, %v, want nothing", got, err)
	}
	if _, err := (serial.Host{Sys: "/dev/null"}).List(); err == nil {
		t.Error("a /sys that can't be read gives no error")
	}
	if _, err := (serial.Host{}).List(); err != nil { // this machine's
		t.Errorf("List: %v", err)
	}
}

func TestInfo_Stable(t *testing.T) {
	full := serial.Info{Path: "/dev/ttyUSB0", ByID: "id", ByPath: "path", VendorID: "0403", ProductID: "6001", Serial: "A1"}
	without := func(change func(*serial.Info)) serial.Info {
		i := full
		change(&i)
		return i
	}
	for _, tt := range []struct {
		name string
		in   serial.Info
		want string
	}{
		{"own serial number", full, "id"},
		{"no serial number: the socket", without(func(i *serial.Info) { i.Serial = "" }), "path"},
		{"CH340, serial number 0", without(func(i *serial.Info) { i.Serial = "0" }), "path"},
		{"no udev", without(func(i *serial.Info) { i.ByID, i.ByPath = "", "" }), "usb:0403:6001:A1"},
		{"no udev, no serial number", without(func(i *serial.Info) { i.ByID, i.ByPath, i.Serial = "", "", "" }), "usb:0403:6001"},
		{"by-id alone", without(func(i *serial.Info) { i.ByPath, i.Serial = "", "" }), "id"},
		{"on the board", serial.Info{Path: "/dev/ttyAMA0", Driver: "uart-pl011"}, "/dev/ttyAMA0"},
	} {
		if got := tt.in.Stable(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestHost_Find(t *testing.T) {
	tr := raspberry(t)
	want := filepath.Join(tr.Dev, "ttyUSB0")
	for _, spec := range []string{
		want, filepath.Join(tr.Dev, "serial/by-id/usb-FTDI_FT232R_USB_UART_A10K2X5B-if00-port0"),
		filepath.Join(tr.Dev, "serial/by-path/pci-0000:00:14.0-usb-0:1-1:1.0-port0"),
		"usb:0403:6001", "usb:0403:6001:A10K2X5B",
	} {
		if got, err := tr.Find(spec); got != want || err != nil {
			t.Errorf("Find(%q) = %q, %v, want %q", spec, got, err, want)
		}
	}
	tr.plugUSB("ttyUSB1", usb{"1-3", "abcd", "00ef", "with:colon", "", ""}, "")
	if got, err := tr.Find("usb:ABCD:00EF:with:colon"); got != filepath.Join(tr.Dev, "ttyUSB1") || err != nil {
		t.Errorf("in upper case, with a colon: %q, %v", got, err)
	}
}

func TestHost_Find_Errors(t *testing.T) {
	tr := raspberry(t)
	tr.plugUSB("ttyUSB1", usb{"1-2", "0403", "6001", "B2", "FTDI", "FT232R USB UART"}, "")
	both := []string{"ttyUSB0", "ttyUSB1", "A10K2X5B", "B2"}
	for _, tt := range []struct {
		name, spec string
		want       hardware.Fault
		says       []string
	}{
		{"missing path", filepath.Join(tr.Dev, "ttyUSB9"), hardware.NotFound, []string{"ttyAMA0", "ttyUSB0"}},
		{"link to what is gone", filepath.Join(tr.Dev, "serial/by-id/usb-gone"), hardware.NotFound, both},
		{"no such device", "usb:067b:2303", hardware.NotFound, append(both, "usb:0403:6001 FTDI FT232R USB UART")},
		{"other serial number", "usb:0403:6001:a10k2x5b", hardware.NotFound, both},
		{"two devices match", "usb:0403:6001", hardware.Ambiguous, append(both, "by-path")},
		{"empty", "", hardware.NotATTY, []string{"path"}},
		{"not hexadecimal", "usb:04g3:6001", hardware.NotATTY, []string{"hexadecimal"}},
		{"three digits", "usb:403:6001", hardware.NotATTY, []string{"four"}},
		{"no product", "usb:0403", hardware.NotATTY, []string{"usb:0403:6001"}},
		{"empty serial number", "usb:0403:6001:", hardware.NotATTY, []string{"colon"}},
		{"NUL", "/dev/tty\x00", hardware.NotATTY, nil},
		{"below a file", "/dev/null/x", hardware.NotATTY, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := tr.Find(tt.spec)
			if path != "" {
				t.Errorf("found %q", path)
			}
			wantFault(t, err, "", tt.want)
			for _, text := range tt.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q does not say %q", err, text)
				}
			}
			if malformed := serial.CheckSpec(tt.spec) != nil; malformed != (tt.want == hardware.NotATTY && tt.spec != "/dev/null/x") {
				t.Errorf("CheckSpec says malformed = %v", malformed)
			}
		})
	}
}

// TestHost_Find_Elsewhere is a re-plug under another name, and another device under the old one.
func TestHost_Find_Elsewhere(t *testing.T) {
	tr := newTree(t)
	tr.plugUSB("ttyUSB0", ftdi, "")
	tr.unplugUSB("ttyUSB0", ftdi)
	if _, err := tr.Find("usb:0403:6001"); hardware.FaultOf(err) != hardware.NotFound || !strings.Contains(err.Error(), "no serial port") {
		t.Errorf("unplugged: %v", err)
	}
	tr.plugUSB("ttyUSB0", ch340, "") // took the name
	if _, err := tr.Find("usb:0403:6001"); hardware.FaultOf(err) != hardware.NotFound {
		t.Errorf("another device has its name: %v", err)
	}
	tr.plugUSB("ttyUSB1", ftdi, "")
	if got, err := tr.Find("usb:0403:6001"); got != filepath.Join(tr.Dev, "ttyUSB1") || err != nil {
		t.Errorf("back as ttyUSB1: %q, %v", got, err)
	}
}
