package serial

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// Info is one serial port and what is attached to it.
type Info struct {
	Path   string // "/dev/ttyUSB0"
	ByID   string // "/dev/serial/by-id/...", named after the device; "" without one
	ByPath string // "/dev/serial/by-path/...", named after the socket it is plugged into; "" without one
	Driver string // the kernel driver: "ftdi_sio", "uart-pl011"; "" when unknown

	// Only of USB devices, as the device gives them; "" otherwise.
	VendorID     string // four lower-case hexadecimal digits
	ProductID    string // four lower-case hexadecimal digits
	Serial       string
	Manufacturer string
	Product      string
}

// Stable returns the spec to write into a configuration: the name that survives a re-plug. Devices without a serial number
// of their own share one by-id name, so they are named after their socket.
func (i Info) Stable() string {
	switch {
	case i.ByID != "" && i.Serial != "" && strings.Trim(i.Serial, "0") != "":
		return i.ByID
	case i.ByPath != "":
		return i.ByPath
	case i.ByID != "":
		return i.ByID
	case i.VendorID != "" && i.Serial != "":
		return usbPrefix + i.VendorID + ":" + i.ProductID + ":" + i.Serial
	case i.VendorID != "":
		return usbPrefix + i.VendorID + ":" + i.ProductID
	}
	return i.Path
}

// String describes the port for a person: "/dev/ttyUSB0 (usb:0403:6001 FTDI FT232R USB UART, serial A10K2X5B, by-path ...)".
func (i Info) String() string {
	var about []string
	if i.VendorID != "" {
		about = append(about, usbPrefix+i.VendorID+":"+i.ProductID)
	}
	for _, text := range []string{i.Manufacturer, i.Product} {
		if text != "" {
			about = append(about, text)
		}
	}
	text := strings.Join(about, " ")
	for _, more := range []struct{ label, value string }{
		{"serial ", i.Serial}, {"driver ", i.Driver}, {"by-path ", filepath.Base(i.ByPath)},
	} {
		if more.value == "" || more.value == "." {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += more.label + more.value
	}
	if text == "" {
		return i.Path
	}
	return i.Path + " (" + text + ")"
}

// maxText bounds what is taken over of a device's own text; USB allows 126 characters.
const maxText = 126

// List returns the serial ports of h, sorted by path. Virtual consoles and the ports that the 8250 driver lists without
// hardware behind them are left out. A port that goes away meanwhile is left out too; the error is that of the listing.
// Source: Linux, Documentation/ABI/testing/sysfs-tty (type) and Documentation/ABI/stable/sysfs-bus-usb.
func (h Host) List() ([]Info, error) {
	class := filepath.Join(h.sys(), "class", "tty")
	entries, err := os.ReadDir(class)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	byID, byPath := h.links("by-id"), h.links("by-path")
	var ports []Info
	for _, entry := range entries {
		port, ok := h.port(class, entry.Name())
		if !ok {
			continue
		}
		port.ByID, port.ByPath = byID[port.Path], byPath[port.Path]
		ports = append(ports, port)
	}
	slices.SortFunc(ports, func(a, b Info) int { return strings.Compare(a.Path, b.Path) })
	return ports, nil
}

// port describes one entry of /sys/class/tty, and returns false when no serial port is behind it.
func (h Host) port(class, name string) (Info, bool) {
	// The cheap looks first: there are about a hundred entries, and this is asked each second while a device is absent.
	// Virtual consoles, pseudo-terminals and the console itself have no device.
	entry := filepath.Join(class, name)
	if _, err := os.Lstat(entry + "/device"); err != nil {
		return Info{}, false
	}
	if attribute(entry, "type") == "0" {
		return Info{}, false // PORT_UNKNOWN: the driver reserves a number, and nothing answers there
	}
	// A container sees the machine's ports in /sys and not in /dev.
	path := filepath.Join(h.dev(), strings.ReplaceAll(name, "!", "/"))
	if _, err := os.Lstat(path); err != nil {
		return Info{}, false
	}
	device, err := filepath.EvalSymlinks(entry + "/device")
	if err != nil {
		return Info{}, false
	}
	port := Info{Path: path, Driver: h.driver(device)}
	if usb := h.usbDevice(device); usb != "" {
		port.VendorID = strings.ToLower(attribute(usb, "idVendor"))
		port.ProductID = strings.ToLower(attribute(usb, "idProduct"))
		port.Serial = attribute(usb, "serial")
		port.Manufacturer = attribute(usb, "manufacturer")
		port.Product = attribute(usb, "product")
	}
	return port, true
}

// driver returns the name of the driver of device. Since Linux 6.6 a UART's device is a "port" of the serial-base bus
// below a "ctrl", and the real driver is above both.
func (h Host) driver(device string) string {
	for dir := range h.upwards(device) {
		bus, err := os.Readlink(filepath.Join(dir, "subsystem"))
		if err == nil && filepath.Base(bus) == "serial-base" {
			continue
		}
		if driver, err := os.Readlink(filepath.Join(dir, "driver")); err == nil {
			return filepath.Base(driver)
		}
		if err == nil {
			return "" // a device of its own, that says nothing
		}
	}
	return ""
}

// usbDevice returns the folder of the USB device that device belongs to, or "".
func (h Host) usbDevice(device string) string {
	for dir := range h.upwards(device) {
		if attribute(dir, "idVendor") != "" {
			return dir
		}
	}
	return ""
}

// upwards yields dir and the folders above it, inside of h.Sys.
func (h Host) upwards(dir string) func(yield func(string) bool) {
	// Links were followed, so the root must be a real path as well.
	root, err := filepath.EvalSymlinks(h.sys())
	return func(yield func(string) bool) {
		for err == nil && strings.HasPrefix(dir, root+"/") {
			if !yield(dir) {
				return
			}
			dir = filepath.Dir(dir)
		}
	}
}

// links returns the link of each device that udev lists in /dev/serial/kind; the first by name where there are several.
func (h Host) links(kind string) map[string]string {
	folder := filepath.Join(h.dev(), "serial", kind)
	entries, err := os.ReadDir(folder) // sorted by name
	if err != nil {
		return nil // a machine without udev, or without a serial device
	}
	links := make(map[string]string, len(entries))
	for _, entry := range entries {
		link := filepath.Join(folder, entry.Name())
		target, err := os.Readlink(link)
		if err != nil {
			continue
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(folder, target)
		}
		if _, taken := links[target]; !taken {
			links[target] = link
		}
	}
	return links
}

// attribute returns one line of text that the kernel shows about a device, "" when there is none. The text comes from the
// device, and goes to screens and logs.
func attribute(dir, name string) string {
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	raw = raw[:min(len(raw), maxText*3)] // UTF-8 of what fits a descriptor
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(raw)))
}
