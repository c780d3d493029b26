// Package hardware holds the words that a box's senses speak: temperatures, fixes,
// what is done to the box, batteries, switches; faults, states and the Monitor that
// tells of them; and the small interfaces that drivers satisfy.
//
// It is not a driver and touches no device: the packages below it do that, and sim
// stands in for the devices. It imports only the standard library, so that the journal
// and the ledger can name a Fault without pulling in a tty.
//
// It stores nothing and promises nothing after a crash. Its one promise is about
// values: a reading that failed has a Fault and no number, so a failure can never
// be taken for a plausible temperature or position.
package hardware
