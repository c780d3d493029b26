// Package serial opens a serial port the way a box needs it: real deadlines on read
// and on write, an unplugged device told apart from a silent one, and a Close that
// returns at once whatever else is going on.
//
// It is not a protocol and does not re-open: the callers do, with Backoff, because
// only they know what counts as working. It is for Linux. It stores nothing, so
// there is nothing to promise after a crash: the kernel drops the lock and the port.
package serial
