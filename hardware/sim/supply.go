package sim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Supply is a battery as the kernel's power_supply class shows it: a folder with an attribute in each file (Linux,
// Documentation/ABI/testing/sysfs-class-power). It is discharged at an even rate and tells its charge.
type Supply struct {
	Permille uint16        // charge at simulated time zero, up to 1000
	Lasts    time.Duration // simulated time from full to empty
	Clock    Clock
}

// supplyEvery is the real time between two looks at the clock; gauges are asked each minute of a box's time.
const supplyEvery = 200 * time.Millisecond

// Run keeps the files in dir until ctx is done, and returns ctx's error, or says which file could not be written. A reader
// finds an old file or a new one, never half of one.
func (s Supply) Run(ctx context.Context, dir string) error {
	ticker := time.NewTicker(supplyEvery)
	defer ticker.Stop()
	for told := ""; ; {
		if now := s.capacity(); now != told {
			if err := s.write(dir); err != nil {
				return fmt.Errorf("simulate battery: %w", err)
			}
			told = now
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// left is the charge in shares of a thousand.
func (s Supply) left() float64 {
	return max(float64(s.Permille)-1000*float64(s.Clock())/float64(s.Lasts), 0)
}

func (s Supply) capacity() string { return strconv.Itoa(int(s.left() / 10)) }

// write writes all attributes, those that a reader believes the others by first.
func (s Supply) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	const empty, full = 3_300_000, 4_150_000 // µV of a lithium cell
	left := s.left()
	for _, a := range [][2]string{
		{"type", "Battery"}, {"present", "1"}, {"status", "Discharging"},
		{"voltage_now", strconv.Itoa(empty + int(left*(full-empty)/1000))},
		{"time_to_empty_now", strconv.Itoa(int(left / 1000 * s.Lasts.Seconds()))},
		{"capacity", s.capacity()},
	} {
		path := filepath.Join(dir, a[0])
		if err := os.WriteFile(path+".new", []byte(a[1]+"\n"), 0o644); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}
