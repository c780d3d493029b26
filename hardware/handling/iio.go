package handling

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

const defaultIIO = "/sys/bus/iio/devices"

// iio reaches the sensor of one device of the kernel's Industrial I/O. Source of names, units and formula: the kernel's
// Documentation/ABI/testing/sysfs-bus-iio.
type iio struct {
	dev  *sysfs.Device
	root string
	name string
}

// newIIO is an iio; the error is about name. An empty root means the default.
func newIIO(root, name string, dev *sysfs.Device) (iio, error) {
	if root == "" {
		root = defaultIIO
	}
	return iio{dev: dev, root: root, name: name}, sysfs.CheckName(name)
}

func (d iio) where() string {
	if filepath.IsAbs(d.name) {
		return d.name
	}
	return filepath.Join(d.root, d.name)
}

// find returns the folder of the device: its number moves from boot to boot, its name does not.
func (d iio) find(ctx context.Context) (string, error) {
	folders, err := d.dev.Find(ctx, d.root, d.name, "name")
	if err != nil {
		return "", err
	}
	if len(folders) > 1 {
		err := fmt.Errorf("%d devices have this name: give the folder of one", len(folders))
		return "", &Error{Op: "find", Path: d.where(), Fault: hardware.Unsupported, Err: err}
	}
	return folders[0], nil
}

// decimalOr reads an attribute that may be missing: then it is fallback.
func (d iio) decimalOr(ctx context.Context, path string, fallback float64) (float64, error) {
	v, err := d.dev.ReadDecimal(ctx, path)
	if sysfs.Absent(err) {
		return fallback, nil
	}
	return v, err
}

// channel is one quantity of a device.
type channel struct {
	processed     string // attribute in the quantity's unit; "" when there is none
	raw           string // else (raw + offset) * scale is
	scale, offset float64
}

// channel looks for a quantity under its possible names, "in_illuminance", and reads its scale. shared are the names under
// which scale and offset are given for several channels at once.
func (d iio) channel(ctx context.Context, folder string, names []string, shared string) (channel, error) {
	var err error
	for _, name := range names {
		base := filepath.Join(folder, name)
		if _, err = d.dev.ReadDecimal(ctx, base+"_input"); err == nil {
			return channel{processed: base + "_input"}, nil
		} else if !sysfs.Absent(err) {
			return channel{}, err
		}
		if _, err = d.dev.ReadInt(ctx, base+"_raw"); err == nil {
			return d.scaled(ctx, channel{raw: base + "_raw", scale: 1}, filepath.Join(folder, shared), base)
		} else if !sysfs.Absent(err) {
			return channel{}, err
		}
	}
	return channel{}, err
}

// scaled reads scale and offset of a raw channel; what a later base gives counts.
func (d iio) scaled(ctx context.Context, c channel, bases ...string) (channel, error) {
	for _, base := range bases {
		var err error
		if c.scale, err = d.decimalOr(ctx, base+"_scale", c.scale); err != nil {
			return c, err
		}
		if c.offset, err = d.decimalOr(ctx, base+"_offset", c.offset); err != nil {
			return c, err
		}
	}
	if c.scale == 0 {
		return c, &Error{Op: "read", Path: c.raw, Fault: hardware.OutOfRange, Err: errors.New("its scale is 0")}
	}
	return c, nil
}

// read takes one measurement, in the quantity's unit.
func (d iio) read(ctx context.Context, c channel) (float64, error) {
	if c.processed != "" {
		return d.dev.ReadDecimal(ctx, c.processed)
	}
	raw, err := d.dev.ReadInt(ctx, c.raw)
	return (float64(raw) + c.offset) * c.scale, err
}
