// Package journey runs a whole trip with real parts: ledger nodes and a box as processes of their own, simulated devices
// behind pseudo-terminals, people who sign, a network that can be cut. The demonstration shows it; the end-to-end tests
// run the same trip and break things on the way.
//
// It is no simulation of the system: only time, weather and devices are simulated, and the journal says so.
package journey
