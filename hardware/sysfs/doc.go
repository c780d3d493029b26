// Package sysfs reads and writes single attributes of the kernel: files under /sys that hold one short line.
//
// It is not a driver: handling, battery and output are, on top of it. What it adds to os.ReadFile is what a box needs:
// an attribute whose driver hangs costs its caller a timeout and one goroutine, never a goroutine for each attempt; an
// error says what, where, why, and what to do, with a Fault; a file that is no attribute (a folder, a flood, a pipe)
// is refused; and text becomes a number only when all of it is one.
//
// It stores nothing, so there is nothing to promise after a crash.
package sysfs
