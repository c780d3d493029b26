// Package serial opens serial ports the way a box needs it: found by a name that
// survives a re-plug, with real deadlines on read and on write, an unplugged device
// told apart from a silent one, and a Close that returns at once whatever else is
// going on. Keep holds a port open for a device that talks, Line for devices that
// answer; both open it again with growing pauses and tell a hardware.Monitor.
//
// It is not a protocol: what counts as working, silent or garbled, its callers say.
// It is for Linux. It stores nothing, so there is nothing to promise after a crash:
// the kernel drops the lock and the port.
package serial
