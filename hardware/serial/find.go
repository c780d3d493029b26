package serial

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"isotherm/hardware"
)

// Host says where a machine shows its devices. The zero value is the machine itself; tests give folders of their own.
type Host struct {
	Dev string // default /dev
	Sys string // default /sys
}

func (h Host) dev() string {
	if h.Dev == "" {
		return "/dev"
	}
	return h.Dev
}

func (h Host) sys() string {
	if h.Sys == "" {
		return "/sys"
	}
	return h.Sys
}

// usbSpec is a port named by what is attached.
type usbSpec struct {
	vendor, product string // four lower-case hexadecimal digits
	serial          string // "" matches any
}

const usbPrefix = "usb:"

// CheckSpec reports whether spec has the form of a port: a path, usb:VVVV:PPPP or usb:VVVV:PPPP:SERIAL. Whether there is
// such a port is for Find to say. Its error is an *Error with NotATTY.
func CheckSpec(spec string) error {
	if !strings.HasPrefix(spec, usbPrefix) {
		if spec == "" || strings.ContainsRune(spec, 0) {
			return badSpec(spec, errors.New("no path is given"))
		}
		return nil
	}
	_, err := parseUSB(spec)
	return err
}

func parseUSB(spec string) (usbSpec, error) {
	// A serial number may hold colons itself.
	part := strings.SplitN(strings.TrimPrefix(spec, usbPrefix), ":", 3)
	if len(part) < 2 || !isUSBID(part[0]) || !isUSBID(part[1]) {
		return usbSpec{}, badSpec(spec, errors.New("vendor and product are four hexadecimal digits each, as in usb:0403:6001"))
	}
	u := usbSpec{vendor: strings.ToLower(part[0]), product: strings.ToLower(part[1])}
	if len(part) == 3 {
		if part[2] == "" {
			return usbSpec{}, badSpec(spec, errors.New("the serial number is empty: leave its colon out"))
		}
		u.serial = part[2]
	}
	return u, nil
}

func badSpec(spec string, err error) error {
	return &Error{Op: "find", Path: fmt.Sprintf("%q", spec), Fault: hardware.NotATTY, Err: err}
}

func isUSBID(s string) bool {
	if len(s) != 4 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

func (u usbSpec) matches(i Info) bool {
	return u.vendor == i.VendorID && u.product == i.ProductID && (u.serial == "" || u.serial == i.Serial)
}

// Find returns the device's own path for spec: a path, of which links are followed (/dev/serial/by-id/...), or
// usb:VVVV:PPPP or usb:VVVV:PPPP:SERIAL for what is attached (numbers in hexadecimal, the serial number exactly as the
// device gives it). Its error is an *Error: NotFound, which lists the ports that are there, NotATTY for a spec that is
// neither, Ambiguous when several devices match, which names them all, or Denied or IOError for a path.
func (h Host) Find(spec string) (string, error) {
	path, err := h.locate(spec)
	if e, ok := errors.AsType[*Error](err); ok && e.Fault == hardware.NotFound {
		e.Err = fmt.Errorf("%w; %s", e.Err, h.present())
	}
	return path, err
}

// locate is Find without the list of what is there, for callers that look often.
func (h Host) locate(spec string) (string, error) {
	if err := CheckSpec(spec); err != nil {
		return "", err
	}
	if !strings.HasPrefix(spec, usbPrefix) {
		path, err := filepath.EvalSymlinks(spec)
		if err != nil {
			return "", &Error{Op: "find", Path: spec, Fault: openFault(err), Err: cause(err)}
		}
		return path, nil
	}
	want, err := parseUSB(spec)
	if err != nil {
		return "", err
	}
	ports, err := h.List()
	if err != nil {
		return "", &Error{Op: "find", Path: spec, Fault: hardware.IOError, Err: err}
	}
	var found []Info
	for _, port := range ports {
		if want.matches(port) {
			found = append(found, port)
		}
	}
	switch len(found) {
	case 0:
		return "", &Error{Op: "find", Path: spec, Fault: hardware.NotFound, Err: errors.New("no such device is attached")}
	case 1:
		return found[0].Path, nil
	}
	err = fmt.Errorf("%d ports match; configure one of them by its path: %s", len(found), describe(found))
	return "", &Error{Op: "find", Path: spec, Fault: hardware.Ambiguous, Err: err}
}

// isBack reports whether spec is there, without touching any device. The kernel may hold that up while a USB device hangs in
// its set-up; when ctx ends first it is not.
func (h Host) isBack(ctx context.Context, spec string) bool {
	_, err := await(ctx, func() (string, error) { return h.locate(spec) }, func(string) {})
	return err == nil
}

// present says for a person which ports there are.
func (h Host) present() string {
	ports, err := h.List()
	switch {
	case err != nil:
		return "what is there can't be listed: " + err.Error()
	case len(ports) == 0:
		return "this machine has no serial port"
	}
	return "there are " + describe(ports)
}

// maxDescribed keeps an error readable: a server has 32 ports, a box three.
const maxDescribed = 8

func describe(ports []Info) string {
	var text []string
	for i, port := range ports {
		if i == maxDescribed {
			text = append(text, fmt.Sprintf("%d more", len(ports)-i))
			break
		}
		text = append(text, port.String())
	}
	return strings.Join(text, ", ")
}
