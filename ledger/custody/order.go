package custody

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"
)

// node is one act in the tree that parents make.
type node struct {
	hash     [32]byte
	act      *Act
	right    *Statement // corrections worked in; the act's own statement is never changed
	entered  int        // place in the history
	claim    *node      // nearest claim at or before the parent; nil for the first
	children []*node    // claims that follow this claim, in the order in which they were placed
	placed   bool
	standing Standing
	disputed bool // competes with another claim, and nobody has ruled on it
}

// tree is all acts of a shipment by what they follow.
type tree struct {
	nodes []*node            // in entry order
	by    map[[32]byte]*node // by hash
	roots []*node            // claims that follow nothing, in the order in which they were placed
}

// newTree takes the acts in entry order. Copies of the same statement are one act, with the signatures of all copies.
func newTree(acts []Entered) (*tree, []Entered) {
	t := &tree{by: map[[32]byte]*node{}}
	var entered []Entered
	copies := map[*node][]*Act{}
	for _, e := range acts {
		hash := e.Act.Hash()
		n := t.by[hash]
		if n == nil {
			right := e.Act.Statement
			n = &node{hash: hash, act: e.Act, right: &right, entered: len(entered), standing: Waiting}
			t.by[hash] = n
			t.nodes = append(t.nodes, n)
			entered = append(entered, e)
		}
		copies[n] = append(copies[n], e.Act)
	}
	for _, n := range t.nodes {
		if len(copies[n]) > 1 {
			n.act = merged(copies[n])
			entered[n.entered].Act = n.act
		}
	}
	t.place()
	return t, entered
}

// merged returns the act with the signatures of all its copies, each once, in an order that does not hang on that of the
// copies: a second person may sign hours after the first, on another phone.
func merged(copies []*Act) *Act {
	out := &Act{StatementBytes: copies[0].StatementBytes, Statement: copies[0].Statement}
	for _, c := range copies {
		out.Signatures = append(out.Signatures, c.Signatures...)
	}
	slices.SortFunc(out.Signatures, compareSignatures)
	out.Signatures = slices.CompactFunc(out.Signatures, func(a, b ActSignature) bool { return compareSignatures(a, b) == 0 })
	return out
}

func compareSignatures(a, b ActSignature) int {
	return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.SignedAtMS, b.SignedAtMS), bytes.Compare(a.Person[:], b.Person[:]),
		bytes.Compare(a.Head, b.Head), cmp.Compare(a.Signature.Type, b.Signature.Type), bytes.Compare(a.Signature.Key, b.Signature.Key),
		bytes.Compare(a.Signature.Envelope, b.Signature.Envelope), bytes.Compare(a.Signature.Sig, b.Signature.Sig))
}

// indexes is a heap of places in the history.
type indexes []int

func (h indexes) Len() int           { return len(h) }
func (h indexes) Less(i, j int) bool { return h[i] < h[j] }
func (h indexes) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *indexes) Push(x any)        { *h = append(*h, x.(int)) }
func (h *indexes) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// place places each act as soon as its parent is: the acts are taken one by one in entry order, and after each one that
// is placed those that waited for it, the earliest first. So an act that was placed keeps its place whatever enters later.
func (t *tree) place() {
	waiting := map[[32]byte][]int{}
	for i, n := range t.nodes {
		parent := n.act.Statement.Parent
		if before := t.by[parent]; parent != [32]byte{} && (before == nil || !before.placed) {
			waiting[parent] = append(waiting[parent], i)
			continue
		}
		ready := indexes{i}
		for ready.Len() > 0 {
			n := t.nodes[heap.Pop(&ready).(int)]
			t.follow(n)
			for _, i := range waiting[n.hash] {
				heap.Push(&ready, i)
			}
			delete(waiting, n.hash)
		}
	}
}

// follow places one act whose parent is placed, or which has none.
func (t *tree) follow(n *node) {
	n.placed = true
	if before := t.by[n.act.Statement.Parent]; before != nil {
		n.claim = before
		if !before.act.Statement.Kind.Claims() {
			n.claim = before.claim
		}
	}
	switch {
	case !n.act.Statement.Kind.Claims():
	case n.claim == nil:
		t.roots = append(t.roots, n)
	default:
		n.claim.children = append(n.claim.children, n)
	}
}

// line walks from the first claim to the newest, at each fork along the claim that stands, and sets the standings of all
// claims that are placed. rulings holds the act that picked a claim, by the claim's parent.
func (t *tree) line(rulings map[*node]*ruling) ([]*node, []Dispute) {
	var line []*node
	var disputes []Dispute
	var at *node
	for next := t.roots; len(next) > 0; next = at.children {
		stands, ruled := next[0], rulings[at]
		if ruled != nil && len(next) > 1 {
			stands = ruled.pick
		}
		if len(next) > 1 {
			disputes = append(disputes, dispute(at, next, stands, ruled))
		}
		for _, n := range next {
			n.disputed = len(next) > 1 && ruled == nil
			switch {
			case n == stands:
				n.standing = Applied
			case ruled != nil:
				n.mark(SetAside)
			default:
				n.mark(Conflicting)
			}
		}
		line = append(line, stands)
		at = stands
	}
	return line, disputes
}

// mark gives a claim and all that follow it a standing.
func (n *node) mark(s Standing) {
	todo := []*node{n} // not by recursion: a chain may be long
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], n.children...)
		n.standing = s
	}
}

func dispute(parent *node, claims []*node, stands *node, ruled *ruling) Dispute {
	d := Dispute{Stands: stands.hash}
	if parent != nil {
		d.Parent = parent.hash
	}
	if ruled != nil {
		d.Ruling = ruled.by.hash
	}
	for _, n := range inTime(claims) {
		d.Claims = append(d.Claims, n.hash)
	}
	return d
}

// inTime returns acts by event time, then hash: an order that does not hang on that of their arrival.
func inTime(nodes []*node) []*node {
	return slices.SortedFunc(slices.Values(nodes), compareTime)
}

func compareTime(a, b *node) int {
	return cmp.Or(cmp.Compare(a.right.EventTimeMS, b.right.EventTimeMS), bytes.Compare(a.hash[:], b.hash[:]))
}
