// Package gnss turns the bytes of a satellite receiver into positions that can be
// trusted, or into the reason why there is none; and says of which moments nothing
// came, what the receiver's clock did, and which temperatures were in the stream.
//
// It reads NMEA 0183 as isotherm/hardware/nmea frames it, with go-nmea behind a guard:
// the library panics on some short sentences and takes empty or impossible fields for
// numbers, so every field that is used is checked before it gets there. It does not
// configure the receiver, does not set the clock and does not smooth or guess positions.
//
// Nothing is stored: after a crash the next burst of sentences gives the next fix.
package gnss
