// Package nmea is the outer form of NMEA 0183: where a sentence begins and ends in a stream of bytes, whether its
// checksum holds, how its fields are written, and what an XDR sentence measures.
//
// It is not a decoder of positions (isotherm/hardware/gnss is) and reads no port. It has no parser of others in it, so
// that probes and contacts that speak in sentences can use it too. It never converts what it has not checked as text:
// an empty field is a missing value and never a zero.
//
// It keeps nothing but the unfinished sentence: after a crash the next line end brings it back into step.
package nmea
