// Package replica replicates the ledger's state over hashicorp/raft, collects cosigned checkpoints, and is the only
// package that knows raft.
//
// A proposed command goes to the leader, and Propose returns after this node has applied it. What is answered is on a
// majority of disks. An outcome that can't be known is CodeUnavailable: commands are idempotent (by act, by position in a
// journal), so the caller proposes again.
//
// A node cosigns a size only after it has applied it, has computed the root itself, and has written (size, root) to the
// file last-signed, which is in no backup: so no node ever vouches for two histories. Should a node find that its history
// is not the others', it halts: it answers reads and signs nothing more.
//
// After a crash everything is as the last fsync left it: raft's log (raft-wal), the state (one bbolt file, which is its own
// snapshot), last-signed and published. A node whose raft log, state and last-signed do not fit together refuses to start.
// Failures of the disk are fatal: Done reports them, and the process must stop.
package replica
