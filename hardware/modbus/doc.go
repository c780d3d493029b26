// Package modbus asks temperature probes on a Modbus RTU line, and believes an answer
// only when it can be nothing else.
//
// It is a master for two read functions (FC03, FC04), not a general Modbus library:
// the ones there are take the late answer to one request for the answer to the next.
// It never writes to a device.
//
// Master speaks to the line, Bus shares it between probes, Format says how a kind of
// device writes a temperature, TemperatureProbe is one device.
//
// It stores nothing: after a crash the line is opened and drained before first use.
package modbus
