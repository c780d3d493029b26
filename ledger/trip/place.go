package trip

import (
	"math"

	"isotherm/ledger/custody"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// place is where on the route something happened: at a record of a piece, or, when no known record is cited, by the time
// that people state.
type place struct {
	known  bool
	piece  int
	size   int64
	wallMS int64
}

// place finds a head that an act cites on the route. In a box that the organ came back to, it is in the piece that holds
// the head.
func (r *route) place(head merkle.Checkpoint, wallMS int64) place {
	at := place{wallMS: wallMS}
	if head.Origin == "" {
		return at
	}
	for k, p := range r.pieces {
		if p.journal.Origin != head.Origin {
			continue
		}
		at.known, at.piece, at.size = true, k, head.Size
		if p.to < 0 || head.Size <= p.to {
			return at
		}
	}
	return at
}

// reached tells whether a record of a piece lies at the place or behind it.
func (at place) reached(piece int, r *record.Record) bool {
	if at.known {
		return piece > at.piece || piece == at.piece && int64(r.Seq) >= at.size
	}
	return r.At.WallMS >= at.wallMS
}

// behind tells whether one known place lies behind another.
func (at place) behind(other place) bool {
	return at.piece > other.piece || at.piece == other.piece && at.size > other.size
}

// ends are where readings cease to count, and where records cease to be taken.
type ends struct {
	counts place
	taken  place
}

// end returns where the trip ends: readings count until the box was opened, else until it was received, else until the
// shipment was stood down or closed; records are taken until the farther of the first two. It never ends while it is under
// way.
func (r *route) end(state *custody.State) ends {
	never := place{wallMS: math.MaxInt64}
	ms, ended := state.CountsUntilMS()
	if !ended {
		st := state.Stopped()
		if st == nil {
			return ends{never, never}
		}
		head, _ := custody.HeadOf(st.Head)
		stop := r.place(head, st.EventTimeMS)
		return ends{stop, stop}
	}
	head, _ := state.Counts()
	out := ends{counts: r.place(head, ms)}
	out.taken = out.counts
	for _, cp := range state.Ends() {
		if at := r.place(cp, ms); at.known && (!out.taken.known || at.behind(out.taken)) {
			out.taken = at
		}
	}
	return out
}
