// Package batch is the wire form of a run of journal records: what a box sends, and what the ledger stores as it came.
//
// A batch carries values, not bytes. Readings are split into columns, the receiver rebuilds their canonical records byte
// for byte. Whatever the columns can't carry exactly (other kinds, kinds of a newer version, odd readings) travels as it
// is in the same batch, so nothing ever blocks a box.
//
// It is not proof of anything: a batch is believed only after its records gave the root of its signed head. It keeps no
// state and writes no disk.
//
// # Format, version 1
//
// The envelope is deterministic CBOR (package cbor), a map with all of these keys:
//
//	1  version, 1
//	2  box ID, 16 bytes            3  incarnation ID, 16 bytes: together the origin
//	4  seq of the first record     5  number of records, 1 to 4,096
//	6  packing of the body: 0 plain, 1 one zstd frame (RFC 8878)
//	7  body, packed; at most 4 MiB unpacked
//	8  head: [size, root, signature line's 68 bytes], or [whole signed note] when the note has another form
//
// In the body, uvarint is LEB128 as in protobuf, varint is a uvarint of the zigzag form. It holds, without gaps:
//
//	number of shapes, one byte, at most 64; for each shape:
//	  flags, one byte: 1 has a fix, 2 has a fix fault
//	  number of samples, one byte, at most 16; for each a uvarint: probe << 1, plus 1 for a fault in place of a temperature
//	column of shape numbers, one for each record: 0 travels as it is, k has the k-th shape
//	columns over the records that have a shape: monotonic time, wall time less monotonic time, clock quality
//	for each of the 16 places in the list of samples: column of temperatures, column of faults, over the records that have one
//	columns over the records with a fix: latitude, longitude, quality, satellites, HDOP, age
//	column of fix faults, over the records with one
//	column of lengths of the records that travel as they are
//	those records, one after the other, to the end of the body
//
// A column of no values takes no bytes. Any other begins with a head byte: order in bits 0 and 1 (0, 1 or 2), 4 constant,
// 8 has a base, 16 has a scale; other bits are zero. Then, each if there: as many first values as the order says (varint),
// base (varint, else 0), scale (uvarint, else 1), and unless constant a varint for each further value; constant means
// that all of these are 0. A further value's difference of that order is varint * scale + base; order 0 is the value
// itself, order 1 the difference to the value before, order 2 the difference of two such differences. All arithmetic is
// modulo 2^64. The seq of a rebuilt reading follows from its place.
package batch
