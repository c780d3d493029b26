package store

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// prepared is what a batch says by itself, without the state it meets: it depends on nothing but the wire bytes.
type prepared struct {
	err     error // why the batch is malformed; then nothing else is set
	box     ledger.BoxID
	inc     ledger.IncarnationID
	origin  string
	from    int64
	leaves  []tlog.Hash
	head    merkle.Checkpoint // as claimed
	signed  []byte
	bootKey ed25519.PublicKey // of record 0, when from is 0
}

func (p *prepared) to() int64 { return p.from + int64(len(p.leaves)) }

// prepare decodes a batch, parses every record and hashes it.
func prepare(wire []byte) *prepared {
	b, err := batch.Decode(wire)
	if err != nil {
		return &prepared{err: err}
	}
	return prepareDecoded(b)
}

func prepareDecoded(b *batch.Batch) *prepared {
	fail := func(format string, args ...any) *prepared { return &prepared{err: fmt.Errorf(format, args...)} }
	p := &prepared{origin: b.Origin, from: b.From, signed: b.Head, leaves: make([]tlog.Hash, 0, len(b.Records))}
	var err error
	if p.box, p.inc, err = record.ParseOrigin(b.Origin); err != nil {
		return fail("%w", err)
	}
	var ok bool
	if p.head, ok = merkle.PeekCheckpoint(b.Head); !ok {
		return fail("head is not a checkpoint")
	}
	for i, raw := range b.Records {
		r, err := record.Parse(raw)
		if err != nil {
			return fail("record %d: %w", b.From+int64(i), err)
		}
		if r.Seq != uint64(b.From)+uint64(i) {
			return fail("record %d is numbered %d", b.From+int64(i), r.Seq)
		}
		if r.Seq == 0 {
			if r.Boot == nil || r.Boot.Incarnation != p.inc {
				return fail("the first record is not the boot record of this incarnation")
			}
			p.bootKey = r.Boot.Key
		}
		p.leaves = append(p.leaves, tlog.RecordHash(raw))
	}
	return p
}

// Limits of the cache: enough for what is under way between the door and Apply. An entry is at most 4,096 hashes.
const (
	maxPrepared       = 256
	maxPreparedHashes = 1 << 18 // 8 MiB
)

// preparedCache keeps what the door has decoded until Apply takes it, so that the proposer does not rebuild a batch
// twice. The key is the SHA-256 of the wire bytes, and only prepare fills it: a hit equals a rebuild.
type preparedCache struct {
	mu     sync.Mutex // guards what follows
	byWire map[[sha256.Size]byte]*prepared
	order  [][sha256.Size]byte // oldest first; may name what was taken
	hashes int
}

func (c *preparedCache) put(wire []byte, p *prepared) {
	key := sha256.Sum256(wire)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byWire == nil {
		c.byWire = map[[sha256.Size]byte]*prepared{}
	}
	if c.byWire[key] != nil {
		return
	}
	c.byWire[key] = p
	c.order = append(c.order, key)
	c.hashes += len(p.leaves)
	for len(c.order) > maxPrepared || c.hashes > maxPreparedHashes {
		c.remove(c.order[0])
		c.order = c.order[1:]
	}
}

func (c *preparedCache) remove(key [sha256.Size]byte) *prepared {
	p := c.byWire[key]
	if p != nil {
		delete(c.byWire, key)
		c.hashes -= len(p.leaves)
	}
	return p
}

// take returns what is known of the wire bytes and forgets it, or nil.
func (c *preparedCache) take(wire []byte) *prepared {
	c.mu.Lock()
	empty := len(c.byWire) == 0
	c.mu.Unlock()
	if empty {
		return nil
	}
	key := sha256.Sum256(wire)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remove(key)
}

// DecodeBatch is batch.Decode for the door of a node: it keeps its result for a moment, so that applying the same wire
// bytes on this node costs no second rebuild. Errors are batch.Decode's.
func (s *Store) DecodeBatch(wire []byte) (*batch.Batch, error) {
	b, err := batch.Decode(wire)
	if err != nil {
		return nil, err
	}
	s.cache.put(wire, prepareDecoded(b))
	return b, nil
}

// prepareAll rebuilds the batches of a run of raft entries on all processors, before the one writer needs them in turn.
func (s *Store) prepareAll(logs []Log) []*prepared {
	out := make([]*prepared, len(logs))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(logs)) {
		workers.Go(func() {
			for i := range next {
				wire := logs[i].Command.Batch
				if out[i] = s.cache.take(wire); out[i] == nil {
					out[i] = prepare(wire)
				}
			}
		})
	}
	for i, l := range logs {
		if l.Command != nil && len(l.Command.Batch) > 0 {
			next <- i
		}
	}
	close(next)
	workers.Wait()
	return out
}
