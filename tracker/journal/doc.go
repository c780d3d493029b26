// Package journal keeps a box's signed journal on its disk: one bbolt file for each incarnation, a Merkle tree over its
// records, and a signed head.
//
// It is not the tracker: it does not decide what is recorded, when to flush, or what to send. It is the only package of
// the box that knows bbolt.
//
// After a crash, at any instruction:
//
//   - Every record of an Append that returned nil is there, and so is the head that signs it: both are one bbolt
//     transaction with fsync. No head leaves this package before that.
//   - An Append that had not returned is there whole or not at all.
//   - Every Open starts a new incarnation, whose first record cites the one before. An incarnation that no longer gives its
//     signed root is set aside as <file>.corrupt-N, what can be proved of it is kept, and the new one cites the last
//     known head. Nothing is repaired in place, and nothing is deleted that the ledger has not receipted.
//
// It assumes that fsync is honest. Bit rot is found when a file is opened, not before.
//
// Files in the directory:
//
//	box.key                     the box's Ed25519 key, PKCS #8 PEM, mode 0600; trusted: who has it can sign as the box
//	lock                        flock of the one process that may use the directory
//	<count>-<incarnation>.journal          bbolt; count is the box's boot count in 10 digits, so names sort in order
//	<count>-<incarnation>.journal.receipt  newest receipt of the ledger for it, and the size it covers
//	ledger-checkpoint           newest ledger checkpoint; a ledger that later shows less or other is found out
//	last-head.a, last-head.b    the newest head, written in turn, so that one survives a torn write
package journal
