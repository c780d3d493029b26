// Package store is the replicated state of the ledger: one bbolt file that every node builds from the same commands.
//
// Applying is total and deterministic: no clock, no randomness, no map order, no signature check. All commands of a call
// to ApplyBatch, the raft index they end at and the cluster's configuration take effect in one transaction with fsync. So
// after a crash the file is at some raft index, whole, and raft replays what comes after; entries at or below that index
// are passed over. An error of ApplyBatch means that the disk failed or that the file contradicts itself: the process
// MUST stop, and the store refuses everything else.
//
// It is not the door: signatures, roles and clocks are checked by whoever makes commands. Nor does it know raft; that is
// ledger/replica. The file holds personal data (sealed where it must be possible to destroy it) and no key.
package store
