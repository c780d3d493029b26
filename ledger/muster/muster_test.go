package muster_test

import (
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger/muster"
)

func TestCommonSize(t *testing.T) {
	up := func(entries int64) muster.Node { return muster.Node{Reached: true, Entries: entries} }
	for _, tt := range []struct {
		name  string
		nodes []muster.Node
		want  int64
	}{
		{"no node", nil, 0},
		{"one", []muster.Node{up(7)}, 7},
		{"the shortest", []muster.Node{up(9), up(7), up(8)}, 7},
		{"one that was not reached says nothing", []muster.Node{up(9), {Entries: 3}, up(8)}, 8},
		{"an empty one has nothing to compare", []muster.Node{up(9), up(0), up(8)}, 8},
		{"all empty", []muster.Node{up(0), up(0)}, 0},
	} {
		if got := muster.CommonSize(tt.nodes); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestCompare(t *testing.T) {
	a, same, b := tlog.Hash{1}, tlog.Hash{1}, tlog.Hash{2}
	node := func(entries int64, root *tlog.Hash) muster.Node {
		return muster.Node{Reached: true, Entries: entries, Root: root}
	}
	for _, tt := range []struct {
		name   string
		nodes  []muster.Node
		agreed bool
	}{
		{"no node", nil, true},
		{"the same root in two places", []muster.Node{node(9, &a), node(7, &same)}, true},
		{"the second differs", []muster.Node{node(9, &a), node(7, &b), node(8, &a)}, false},
		{"the last differs", []muster.Node{node(9, &a), node(7, &a), node(8, &b)}, false},
		{"one did not say", []muster.Node{node(9, &a), node(7, nil), {Name: "dead"}}, true},
		{"one did not say, and two differ", []muster.Node{node(9, nil), node(7, &a), node(7, &b)}, false},
	} {
		if got := muster.Compare(7, tt.nodes); got.Agreed != tt.agreed || got.Size != 7 {
			t.Errorf("%s: got agreed %v at %d, want %v at 7", tt.name, got.Agreed, got.Size, tt.agreed)
		}
	}
	got := muster.Compare(4, []muster.Node{node(9, nil), node(4, nil), {Name: "dead"}}).Nodes
	if got[0].Behind != 0 || got[1].Behind != 5 || got[2].Behind != 0 {
		t.Errorf("behind: got %d, %d, %d, want 0, 5, 0", got[0].Behind, got[1].Behind, got[2].Behind)
	}
}
