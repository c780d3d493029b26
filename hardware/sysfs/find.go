package sysfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"isotherm/hardware"
)

// maxEntries bounds how many devices of a class are looked at; a board has a dozen.
const maxEntries = 256

// CheckName says whether spec can name a device for Find: an absolute path, or a name without a slash.
func CheckName(spec string) error {
	if spec == "" || spec == "." || spec == ".." || !filepath.IsAbs(spec) && strings.ContainsRune(spec, '/') {
		return fmt.Errorf("device %q is neither an absolute path nor a name in its class", spec)
	}
	return nil
}

// Find returns the folders that spec means among the devices of the class at root, "/sys/class/leds": spec itself when it
// is an absolute path; the entry of that name; otherwise every entry of which one of the attributes (such as "name") is
// spec, in order of their names. Numbers in names move from boot to boot, the attributes stay. It finds at least one, or
// the error is an *Error with NotFound that says what is there, or ctx's.
func (d *Device) Find(ctx context.Context, root, spec string, attributes ...string) ([]string, error) {
	if err := CheckName(spec); err != nil {
		return nil, &Error{Op: "find", Path: spec, Fault: hardware.NotFound, Err: err}
	}
	if filepath.IsAbs(spec) {
		return []string{spec}, nil
	}
	entries, err := os.ReadDir(root) // lists names only, which no device can hold up
	if err != nil {
		return nil, &Error{Op: "find", Path: filepath.Join(root, spec), Fault: faultOf(err), Err: cause(err)}
	}
	entries = entries[:min(len(entries), maxEntries)]
	var found, seen []string
	for _, e := range entries {
		if e.Name() == spec {
			return []string{filepath.Join(root, spec)}, nil
		}
		seen = append(seen, e.Name())
	}
	for _, name := range seen {
		for _, attribute := range attributes {
			text, err := d.Read(ctx, filepath.Join(root, name, attribute))
			if ctx.Err() != nil {
				return nil, err
			}
			if err == nil && text == spec {
				found = append(found, filepath.Join(root, name))
				break
			}
		}
	}
	slices.Sort(found)
	if len(found) == 0 {
		err := errors.New("there is none")
		if len(seen) > 0 {
			err = fmt.Errorf("there are only %s", strings.Join(seen[:min(len(seen), 8)], ", "))
		}
		return nil, &Error{Op: "find", Path: filepath.Join(root, spec), Fault: hardware.NotFound, Err: err}
	}
	return found, nil
}
