package api

import (
	"testing"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/entry"
)

func TestListNodes(t *testing.T) {
	f := newFixture(t)
	got, err := f.admin.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Nodes) != 1 || !got.Agreed || got.Size != got.Entries || got.Node != "node-1" {
		t.Fatalf("got %+v, want one node, of all %d entries", got, got.Entries)
	}
	if n := got.Nodes[0]; n.Name != "node-1" || !n.Voter || !n.Leader || !n.Reached || n.Root == (client.Hash{}) || n.Entries != got.Entries {
		t.Errorf("node: got %+v", n)
	}
	courier, _ := f.enrol("courier", "AIR", entry.RoleCourier)
	if _, err := courier.Nodes(t.Context()); ledger.CodeOf(err) != ledger.CodeForbidden {
		t.Errorf("a courier: got %v, want %s", err, ledger.CodeForbidden)
	}
}
