package api

import (
	"bytes"
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// TestAPI_boxHead asks for the heads of a box that sent two batches.
func TestAPI_boxHead(t *testing.T) {
	f := newFixture(t)
	courier, _ := f.enrol("Courier", "COURIER", entry.RoleCourier)
	b := newBox(t, "box")
	b.read(4, 5000)
	f.enrolBox(b)
	f.sync(b, 0)
	size := b.size()
	b.read(6, 5000)
	f.sync(b, int(size))
	made := func(size int) int64 { return b.wall + int64(size-1)*10_000 } // when the box made the last of so many records
	got, err := courier.Linearizable().BoxHeadAt(t.Context(), b.id(), time.UnixMilli(made(b.size())-1))
	if err != nil || got.Box != b.id() || got.Size != int64(size) || got.WallMS != made(size) || !bytes.Equal(got.Head, b.head(size)) || got.Node == "" {
		t.Errorf("before the second batch ended: got %+v, %v, want the head at %d", got, err, size)
	}
	if _, err := courier.BoxHeadAt(t.Context(), b.id(), time.UnixMilli(1)); ledger.CodeOf(err) != ledger.CodeNotFound {
		t.Errorf("before all: got %v, want not found", err)
	}
}
