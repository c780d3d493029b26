package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// disk is an ext4 file system of its own, whose power can be cut.
type disk struct {
	image, dir string
}

// newDisk makes and mounts a file system, or skips where that is not possible.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a power cut needs root, to mount a file system of its own")
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skip("a power cut needs mkfs.ext4")
	}
	base := t.TempDir()
	d := &disk{image: filepath.Join(base, "image"), dir: filepath.Join(base, "disk")}
	if err := errors.Join(os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, 1<<30), os.Mkdir(d.dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := command("mkfs.ext4", "-q", d.image); err != nil {
		t.Fatal(err)
	}
	if err := d.powerOn(); err != nil {
		t.Skipf("a power cut needs loop mounts: %v", err)
	}
	t.Cleanup(func() {
		if err := command("umount", d.dir); err != nil {
			t.Error(err)
		}
	})
	return d
}

func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// goingDown is FS_IOC_SHUTDOWN of Linux's ext4 and xfs; noLogFlush drops everything that is not on the disk yet, the
// file system's own journal included. File system developers test power cuts with it.
const (
	goingDown  = 0x8004587d
	noLogFlush = 2
)

// powerOff ends all writing at once: what was not synced is gone.
func (d *disk) powerOff() error {
	if err := os.WriteFile(d.canary(), []byte("not synced"), 0o600); err != nil {
		return err
	}
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	flag := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), goingDown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		return fmt.Errorf("cut the power: %w", errno)
	}
	return nil
}

// powerOn mounts the disk, after a power cut with what the file system recovers. Its users must have ended.
func (d *disk) powerOn() error {
	if err := command("mountpoint", "-q", d.dir); err == nil {
		if err := command("umount", d.dir); err != nil {
			return err
		}
	}
	if err := command("mount", "-o", "loop", d.image, d.dir); err != nil {
		return err
	}
	if _, err := os.Stat(d.canary()); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("a file that was never synced outlived the power cut: %v", err)
	}
	return nil
}

// canary is a file that is written just before the power goes, and must be gone after.
func (d *disk) canary() string { return filepath.Join(d.dir, "canary") }
