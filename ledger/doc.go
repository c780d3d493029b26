// Package ledger holds the words that every part of the custody ledger shares: the types of its identifiers, its one
// error type, and signatures with domain separation.
//
// It is not the ledger itself: records are in ledger/record, the Merkle log in ledger/merkle, entries in ledger/entry,
// the rules of custody in ledger/custody, storage and replication in ledger/store and ledger/replica, and the offline
// verifier in ledger/bundle. It promises nothing about disks: it only computes.
package ledger
