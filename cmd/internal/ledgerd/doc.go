// Package ledgerd is the program of a ledger node: setting up a ledger, running a node, and asking how one is.
//
// It only puts parts together: replication is ledger/replica, the door ledger/node, HTTP api. What it writes itself are
// the files of a new ledger, all or none, and a mark beside the configuration that a node has run, so that one whose disk
// was lost never starts empty under its old name.
package ledgerd
