package serial_test

import (
	"os"
	"path/filepath"
	"testing"

	"isotherm/hardware/serial"
)

// tree is a machine's /dev and /sys in a folder of the test, laid out as Linux does.
type tree struct {
	t    *testing.T
	root string
	serial.Host
}

func newTree(t *testing.T) *tree {
	t.Helper()
	root := t.TempDir()
	tr := &tree{t: t, root: root, Host: serial.Host{Dev: filepath.Join(root, "dev"), Sys: filepath.Join(root, "sys")}}
	for _, dir := range []string{"dev/serial/by-id", "dev/serial/by-path", "sys/class/tty"} {
		tr.mkdir(filepath.Join(root, dir))
	}
	return tr
}

func (tr *tree) mkdir(dir string) {
	tr.t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) write(path, text string) {
	tr.t.Helper()
	tr.mkdir(filepath.Dir(path))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) link(target, path string) {
	tr.t.Helper()
	tr.mkdir(filepath.Dir(path))
	if err := os.Symlink(target, path); err != nil {
		tr.t.Fatal(err)
	}
}

// node makes /dev/name, leading to target or, with "", a plain file: List does not open it.
func (tr *tree) node(name, target string) string {
	tr.t.Helper()
	path := filepath.Join(tr.Dev, name)
	if target == "" {
		tr.write(path, "")
	} else {
		tr.link(target, path)
	}
	return path
}

// class makes /sys/class/tty/name for a device in folder device; "" is a terminal without one.
func (tr *tree) class(name, device string) {
	tr.t.Helper()
	home := filepath.Join(tr.Sys, "devices/virtual/tty", name)
	if device != "" {
		home = filepath.Join(device, "tty", name)
	}
	tr.mkdir(home)
	if device != "" {
		tr.link("../../../"+filepath.Base(device), filepath.Join(home, "device"))
	}
	tr.link(home, filepath.Join(tr.Sys, "class/tty", name))
}

// bus puts device on a bus, with a driver unless it is "".
func (tr *tree) bus(device, bus, driver string) {
	tr.t.Helper()
	tr.mkdir(device)
	tr.mkdir(filepath.Join(tr.Sys, "bus", bus))
	tr.link(filepath.Join(tr.Sys, "bus", bus), filepath.Join(device, "subsystem"))
	if driver != "" {
		tr.mkdir(filepath.Join(tr.Sys, "bus", bus, "drivers", driver))
		tr.link(filepath.Join(tr.Sys, "bus", bus, "drivers", driver), filepath.Join(device, "driver"))
	}
}

// usb describes a USB device in a socket ("1-1.4").
type usb struct{ socket, vendor, product, serial, manufacturer, text string }

func (tr *tree) usbFolder(u usb) string {
	return filepath.Join(tr.Sys, "devices/pci0000:00/0000:00:14.0/usb1", u.socket)
}

// plugUSB attaches u as /dev/name, through the usb-serial layer as FTDI and CH340 adapters are.
func (tr *tree) plugUSB(name string, u usb, target string) {
	tr.t.Helper()
	home := tr.usbFolder(u)
	for file, text := range map[string]string{
		"idVendor": u.vendor, "idProduct": u.product, "serial": u.serial, "manufacturer": u.manufacturer, "product": u.text,
	} {
		if text != "" {
			tr.write(filepath.Join(home, file), text+"\n")
		}
	}
	tr.bus(home, "usb", "usb")
	face := filepath.Join(home, u.socket+":1.0")
	tr.bus(face, "usb", "ftdi_sio")
	tr.bus(filepath.Join(face, name), "usb-serial", "ftdi_sio")
	tr.class(name, filepath.Join(face, name))
	tr.node(name, target)
	tr.link("../../"+name, filepath.Join(tr.Dev, "serial/by-path/pci-0000:00:14.0-usb-0:"+u.socket+":1.0-port0"))
}

// unplugUSB takes it all away again.
func (tr *tree) unplugUSB(name string, u usb) {
	tr.t.Helper()
	for _, path := range []string{
		filepath.Join(tr.Dev, name), filepath.Join(tr.Sys, "class/tty", name), tr.usbFolder(u),
		filepath.Join(tr.Dev, "serial/by-path/pci-0000:00:14.0-usb-0:"+u.socket+":1.0-port0"),
	} {
		if err := os.RemoveAll(path); err != nil {
			tr.t.Fatal(err)
		}
	}
}
