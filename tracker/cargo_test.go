package tracker

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/custody"
)

var (
	thisBox  = ledger.BoxID{1}
	otherBox = ledger.BoxID{2}
)

// step is an act of a shipment that follows the one before it in its list, in one chain.
type step struct {
	kind custody.Kind
	box  ledger.BoxID // Pack: the box; Move: the new one
}

// chain makes the acts of a shipment; their hashes are their places, from 1.
func chain(id ledger.ShipmentID, space string, steps []step) []heldAct {
	out := make([]heldAct, len(steps))
	for i, s := range steps {
		st := custody.Statement{Kind: s.kind, Shipment: id, Space: space, Parent: [32]byte{id[0], byte(i)}}
		if s.kind == custody.Move {
			st.NewBox = s.box
		} else {
			st.Box = s.box
		}
		out[i] = heldAct{hash: [32]byte{id[0], byte(i + 1)}, st: st}
	}
	return out
}

// orders calls f for every order of n things.
func orders(n int, f func([]int)) {
	var walk func(done []int)
	walk = func(done []int) {
		if len(done) == n {
			f(done)
			return
		}
		for i := range n {
			if !slices.Contains(done, i) {
				walk(append(slices.Clone(done), i))
			}
		}
	}
	walk(nil)
}

func TestHold_Settle(t *testing.T) {
	pack, move := custody.Pack, custody.Move
	type state struct{ Here, Received, Profile bool }
	for _, tt := range []struct {
		name  string
		steps []step
		want  state
	}{
		{"packed here", []step{{pack, thisBox}}, state{Here: true, Profile: true}},
		{"packed elsewhere", []step{{pack, otherBox}}, state{}},
		{"handed over", []step{{pack, thisBox}, {custody.Release, thisBox}, {custody.Accept, thisBox}}, state{Here: true, Profile: true}},
		{"received", []step{{pack, thisBox}, {custody.Receive, thisBox}}, state{Here: true, Received: true, Profile: true}},
		{"received and opened", []step{{pack, thisBox}, {custody.Receive, thisBox}, {custody.OpenBox, thisBox}}, state{}},
		{"stood down", []step{{pack, thisBox}, {custody.StandDown, thisBox}}, state{}},
		{"closed", []step{{pack, thisBox}, {custody.Close, thisBox}}, state{}},
		{"moved away", []step{{pack, thisBox}, {move, otherBox}}, state{}},
		{"moved into no tracker", []step{{pack, thisBox}, {move, ledger.BoxID{}}}, state{}},
		{"moved here", []step{{pack, otherBox}, {move, thisBox}}, state{Here: true, Profile: true}},
		{"moved away and back", []step{{pack, thisBox}, {move, otherBox}, {move, thisBox}}, state{Here: true, Profile: true}},
		{"moved here and away", []step{{pack, otherBox}, {move, thisBox}, {move, otherBox}}, state{}},
		{"received, then sent on in this box", []step{{pack, otherBox}, {custody.Receive, otherBox}, {pack, thisBox}}, state{Here: true, Profile: true}},
	} {
		acts := chain(ledger.ShipmentID{7}, "", tt.steps)
		orders(len(acts), func(order []int) {
			h := hold{cargo: map[ledger.ShipmentID]*cargo{}}
			for _, i := range order {
				h.add(acts[i].hash, acts[i].st)
			}
			h.settle(thisBox)
			c := h.cargo[ledger.ShipmentID{7}]
			got := state{Here: c.here != nil, Received: c.received, Profile: c.key() != watchKey{}}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s, acts in order %v (-want +got):\n%s", tt.name, order, diff)
			}
			if got, want := h.inCase(), tt.want.Here && !tt.want.Received; got != want {
				t.Errorf("%s, acts in order %v: position recorded: got %v, want %v", tt.name, order, got, want)
			}
			if tip := c.tip(); tt.name == "handed over" && tip.hash != acts[2].hash {
				t.Errorf("tip, acts in order %v: got %x", order, tip.hash[:2])
			}
		})
	}
}

// TestHold_SettleWithoutPack has a shipment that was moved here, whose Pack act is not known yet.
func TestHold_SettleWithoutPack(t *testing.T) {
	h := hold{cargo: map[ledger.ShipmentID]*cargo{}}
	acts := chain(ledger.ShipmentID{7}, "left", []step{{custody.Pack, otherBox}, {custody.Move, thisBox}})
	h.add(acts[1].hash, acts[1].st)
	h.settle(thisBox)
	c := h.cargo[ledger.ShipmentID{7}]
	if c.here == nil || c.key() != (watchKey{}) || !h.inCase() {
		t.Errorf("got here %v, key %v, want it here without a profile", c.here, c.key())
	}
	if !h.isMoved(c.id, thisBox) || h.isMoved(c.id, otherBox) || h.isMoved(ledger.ShipmentID{8}, thisBox) {
		t.Error("isMoved: want only this shipment into this box")
	}
}

func TestHold_SettleSpaces(t *testing.T) {
	first := []step{{custody.Pack, thisBox}, {custody.Receive, thisBox}}
	second := []step{{custody.Pack, thisBox}}
	for _, tt := range []struct {
		name          string
		spaces        [2]string
		first, second []step
		want          []byte // shipments in the box
	}{
		{"same space, first not received", [2]string{"", ""}, first[:1], second, []byte{1, 2}},
		{"same space, first received", [2]string{"", ""}, first, second, []byte{2}},
		{"other space, first received", [2]string{"left", "right"}, first, second, []byte{1, 2}},
	} {
		h := hold{cargo: map[ledger.ShipmentID]*cargo{}}
		for _, a := range append(chain(ledger.ShipmentID{1}, tt.spaces[0], tt.first), chain(ledger.ShipmentID{2}, tt.spaces[1], tt.second)...) {
			h.add(a.hash, a.st)
		}
		h.settle(thisBox)
		var got []byte
		for _, c := range h.aboard() {
			got = append(got, c.id[0])
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
