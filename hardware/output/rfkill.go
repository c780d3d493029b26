package output

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

// RFKillConfig says which radio to switch. Zero values other than Name mean the defaults.
type RFKillConfig struct {
	Name    string            // "rfkill0"; or a device ("phy0"); or a type ("wwan", "wlan"): every radio of it
	Root    string            // default /sys/class/rfkill
	Timeout time.Duration     // real time for one attribute, default 3 s
	Monitor *hardware.Monitor // may be nil
}

const defaultRFKill = "/sys/class/rfkill"

// RFKill is one radio of the kernel's rfkill class, or all of a type. It implements hardware.Switch: on is transmitting.
// Numbers move when a modem is attached again, so a type or a name is looked up at each Set. Source of the format: the
// kernel's Documentation/ABI/stable/sysfs-class-rfkill: soft is 1 when software blocks it, hard when a switch does.
type RFKill struct {
	cfg  RFKillConfig
	dev  *sysfs.Device
	turn turn
}

// NewRFKill prepares a radio; nothing is touched before Set. The error is about cfg.
func NewRFKill(cfg RFKillConfig) (*RFKill, error) {
	if err := sysfs.CheckName(cfg.Name); err != nil {
		return nil, fmt.Errorf("configure rfkill: %w", err)
	}
	if cfg.Root == "" {
		cfg.Root = defaultRFKill
	}
	return &RFKill{cfg: cfg, dev: sysfs.NewDevice(cfg.Timeout), turn: newTurn()}, nil
}

// Info says which radio it is.
func (r *RFKill) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: "rfkill", Bus: r.where()}
}

func (r *RFKill) where() string {
	if filepath.IsAbs(r.cfg.Name) {
		return r.cfg.Name
	}
	return filepath.Join(r.cfg.Root, r.cfg.Name)
}

// Set blocks or unblocks the radios and reads them back. When one of several can't be switched the others are all the
// same. Its error is an *Error; NotFound when there is no such radio, which for off may be what was wanted, but is not
// known to be.
func (r *RFKill) Set(ctx context.Context, on bool) error {
	if err := r.turn.take(ctx); err != nil {
		return finish(r.cfg.Monitor, r.where(), on, err)
	}
	defer r.turn.give()
	return finish(r.cfg.Monitor, r.where(), on, r.set(ctx, on))
}

func (r *RFKill) set(ctx context.Context, on bool) error {
	folders, err := r.dev.Find(ctx, r.cfg.Root, r.cfg.Name, "name", "type")
	if err != nil {
		return err
	}
	var first error
	for _, folder := range folders {
		if err := r.block(ctx, folder, !on); err != nil && first == nil {
			first = fmt.Errorf("%s: %w", filepath.Base(folder), err)
		}
	}
	return first
}

func (r *RFKill) block(ctx context.Context, folder string, blocked bool) error {
	want := "0"
	if blocked {
		want = "1"
	}
	soft := filepath.Join(folder, "soft")
	if err := r.dev.Write(ctx, soft, want); err != nil {
		return err
	}
	got, err := r.dev.Read(ctx, soft)
	if err != nil {
		return err
	}
	if got != want {
		return wrong("soft is %.20q after %s was written", got, want)
	}
	if blocked {
		return nil
	}
	hard, err := r.dev.Read(ctx, filepath.Join(folder, "hard"))
	if err != nil && !sysfs.Absent(err) {
		return err
	}
	if hard == "1" {
		return wrong("a switch on the device keeps the radio off")
	}
	return nil
}
