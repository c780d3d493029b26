package node

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/merkle"
	"isotherm/ledger/store"
)

// TileHeight is the height of C2SP tiles: 256 hashes each.
const TileHeight = 8

// A checkpoint that anybody asks for is collected at most once in collectEvery, and for at most collectLimit: asking is
// free, but a collection makes every node write and sign.
const (
	collectEvery = time.Second
	collectLimit = 2 * time.Second
)

// Checkpoint returns a checkpoint with a majority of cosignatures: of all entries that this node holds where one can be
// had, else the newest that it has published. CodeUnavailable before the first.
func (n *Node) Checkpoint(ctx context.Context) ([]byte, error) {
	at, err := n.At()
	if err != nil {
		return nil, err
	}
	signed := n.replica.Published()
	if at.Entries == 0 {
		return nil, errNotBootstrapped()
	}
	if n.published() >= at.Entries || !n.mayCollect() && signed != nil {
		return signed, nil
	}
	ctx, cancel := context.WithTimeout(ctx, collectLimit)
	defer cancel()
	newer, err := n.replica.Checkpoint(ctx, at.Entries)
	if err != nil && signed != nil {
		return signed, nil // older, but as true as ever: without a majority there is no other
	}
	return newer, err
}

// mayCollect tells whether the last collection is long enough ago, and counts this one.
func (n *Node) mayCollect() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if now.Sub(n.collected).Abs() < collectEvery {
		return false
	}
	n.collected = now
	return true
}

// published returns the size of the newest published checkpoint.
func (n *Node) published() int64 {
	cp, _ := merkle.PeekCheckpoint(n.replica.Published())
	return cp.Size
}

// Tile returns a tile of hashes, or one of entries when t.L is -1: see c2sp.org/tlog-tiles. Only what the published
// checkpoint covers can be had. CodeNotFound for anything else.
func (n *Node) Tile(t tlog.Tile) ([]byte, error) {
	size := n.published()
	level := max(t.L, 0)
	// A tile's last hash is over this many entries at least; computed so that no number can run over.
	last := (t.N << TileHeight) + int64(t.W)
	if t.H != TileHeight || t.N < 0 || t.N >= 1<<48 || t.W < 1 || t.W > 1<<TileHeight || level > 7 || last > size>>(TileHeight*level) {
		return nil, ledger.Errorf(ledger.CodeNotFound, "no such tile, the published tree has %d entries", size)
	}
	var out []byte
	err := n.replica.View(func(v *store.View) error {
		var err error
		if t.L >= 0 {
			out, err = tlog.ReadTileData(t, v.HashReader())
			return err
		}
		for i := t.N << TileHeight; i < last; i++ {
			leaf, err := v.Leaf(i)
			if err != nil {
				return err
			}
			if len(leaf) > 1<<16-1 {
				return fmt.Errorf("leaf %d of %d bytes does not fit a tile", i, len(leaf))
			}
			out = binary.BigEndian.AppendUint16(out, uint16(len(leaf)))
			out = append(out, leaf...)
		}
		return nil
	})
	return out, err
}
