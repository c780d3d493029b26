// Package modbus asks temperature probes on a Modbus RTU line, and believes an answer
// only when it can be nothing else.
//
// It is a master for two read functions (FC03, FC04), not a general Modbus library:
// the ones there are take the late answer to one request for the answer to the next.
// It never writes to a device.
//
// It stores nothing: after a crash the line is opened and drained before first use.
package modbus
