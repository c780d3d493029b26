// Package node is a ledger node's door and its views. At the door, what comes from outside is read and checked: forms,
// signatures, roles, limits. There the clock is read, payloads and secrets are sealed, and commands are made and proposed.
// The views answer questions from the replicated state: the board, one case, its readings, an export, the audit trail. While
// it leads, a node also looks for alarms and has them sent.
//
// It is not the replicated state machine (ledger/store), not consensus (ledger/replica), and knows no HTTP (api). It keeps
// nothing on disk: after a crash everything but caches and reads not yet noted is in the replica.
package node
