package main

import (
	"slices"
	"time"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/custody"
)

// boxNamed is the identifier of the box with a label.
func (v verbs) boxNamed(label string) ledger.BoxID {
	v.t.Helper()
	var list client.Boxes
	v.read(&list, v.looking("auditor", "box list")...)
	i := slices.IndexFunc(list.Boxes, func(b client.Box) bool { return b.Label == label })
	if i < 0 {
		v.t.Fatalf("no box is labelled %q", label)
	}
	return list.Boxes[i].ID
}

// late packs and moves an hour after the fact, with boxes whose readings of the last hours the ledger holds: those since the
// stated time are of the trip. Of the box that has none of before it, they begin at its newest.
func (v verbs) late() {
	id := v.open("--organ", "kidney", "--side", "right")
	packed, moved := time.Now().Add(-60*time.Minute), time.Now().Add(-30*time.Minute)
	pack := []string{"--organ", "kidney", "--side", "right", "--profile", "chs-4-8", "--label-check", "second-person", "--reference", "staff 12"}
	v.as("courier", "the readings begin at the box's record", "shipment pack", append(pack, "--box", v.boxNamed("BOX-3").String(), "--at", stampOf(packed), id)...)
	x := v.show(id)
	if x.Trip == nil || x.Trip.FirstMS < packed.Truncate(time.Second).UnixMilli() || x.Trip.FirstMS > packed.Add(time.Minute).UnixMilli() || x.Trip.Readings < 42*2 || x.Trip.CoveragePermille < 990 {
		v.t.Fatalf("packed late: %+v", x.Trip)
	}
	last := x.Trip.LastMS
	v.as("courier", "the readings begin at the box's record", "shipment move", "--to-box", v.boxNamed("BOX-5").String(), "--reason", "box-fault", "--at", stampOf(moved), id)
	x = v.show(id)
	if len(x.Segments) != 2 || x.Segments[0].UntilMS != moved.Truncate(time.Second).UnixMilli() || x.Trip.LastMS == last || x.Trip.Readings < 40*2 || x.Trip.CoveragePermille < 980 {
		v.t.Errorf("moved late: %+v, segments %+v", x.Trip, x.Segments)
	}
	if v.flagged(id) {
		v.t.Error("packed and moved late at older heads: flagged")
	}
	id = v.open("--organ", "kidney", "--side", "right")
	v.as("courier", "the readings begin only at the box's newest record", "shipment pack", append(pack, "--box-url", v.j.BoxURL(), "--at", stampOf(time.Now().Add(-48*time.Hour)), id)...)
	if !v.flagged(id) {
		v.t.Error("packed before all that the ledger holds: not flagged")
	}
}

// flagged tells whether readings are missing in a case because an act was signed late.
func (v verbs) flagged(id string) bool {
	v.t.Helper()
	for _, f := range v.show(id).Flags {
		if f.Code == custody.FlagSignedLate {
			return true
		}
	}
	return false
}
