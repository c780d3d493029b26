// Package durable writes small files so that a power cut leaves either the old or the new content, never a mixture.
//
// Every function names the system calls it relies on. After a failed fsync the state of a file is unknown (the kernel
// drops the dirty pages): callers MUST stop the process on an error, and not try again.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// TempSuffix ends the name of a file that is not complete yet. One found after a crash may be overwritten.
const TempSuffix = ".tmp"

// WriteFile replaces the file at path: open(path.tmp), write, fsync, close, rename, fsync of the folder.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	temp := path + TempSuffix
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(temp))) // a full disk needs the room
	}
	return Rename(temp, path)
}

// Rename moves a synced file to path and makes that last: rename, fsync of the folder.
func Rename(from, path string) error {
	if err := os.Rename(from, path); err != nil {
		return fmt.Errorf("publish %s: %w", path, err)
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a folder last: open, fsync, close.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
