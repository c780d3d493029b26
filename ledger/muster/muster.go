// Package muster lays the nodes of a ledger side by side: what each said of itself, how far it is, and whether all have the
// same history as far as all reach. It asks nobody; package replica does. Nothing in it is a promise: it is for operators.
package muster

import (
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Certificate is one of a node's certificates: what it is for (api, cluster, ca), and until when it is valid.
type Certificate struct {
	Use     string
	UntilMS int64
}

// Node is a node as the one that asked sees it.
type Node struct {
	Name         string
	Voter        bool
	Leader       bool
	Reached      bool          // it answered just now; what follows is set only then, but for Problem
	Problem      string        // why it was not reached, or why it signs or takes nothing more
	Entries      int64         // that it has applied
	Behind       int64         // entries that it lacks against the node that has most
	Checkpoint   int64         // size of the newest checkpoint that it publishes
	Root         *tlog.Hash    // at the common size; nil when it has not that many entries, or did not say
	Took         time.Duration // until it answered
	Certificates []Certificate
}

// Muster is all nodes of a ledger.
type Muster struct {
	Size   int64 // at which roots are compared
	Agreed bool  // all roots that could be had are the same
	Nodes  []Node
}

// CommonSize returns the largest size that every node has which was reached. A node without any entry has nothing to compare,
// and does not count. 0 when there is none.
func CommonSize(nodes []Node) int64 {
	var size int64
	for _, n := range nodes {
		if n.Reached && n.Entries > 0 && (size == 0 || n.Entries < size) {
			size = n.Entries
		}
	}
	return size
}

// Compare says how far each node is behind, and whether the roots at size, which the nodes hold, are the same.
func Compare(size int64, nodes []Node) Muster {
	out := Muster{Size: size, Agreed: true, Nodes: nodes}
	var most int64
	var first *tlog.Hash
	for _, n := range nodes {
		most = max(most, n.Entries)
		if n.Root == nil {
			continue
		}
		if first == nil {
			first = n.Root
		}
		out.Agreed = out.Agreed && *n.Root == *first
	}
	for i := range nodes {
		if nodes[i].Reached {
			nodes[i].Behind = most - nodes[i].Entries
		}
	}
	return out
}
