package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
)

// formatVersion is the version of the file's layout. A change keeps a fixture of the old one in testdata.
const formatVersion = 1

// The buckets. Numbers in keys are big-endian, so that the order of keys is the order of numbers.
var bucketNames = [...]string{
	bucketMeta:     "meta",
	bucketLeaves:   "leaves",
	bucketStored:   "stored",
	bucketHashes:   "hashes",
	bucketLast:     "last",
	bucketChains:   "chains",
	bucketActs:     "acts",
	bucketBoxes:    "boxes",
	bucketJournals: "journals",
	bucketOfBox:    "journals-of-box",
	bucketBatches:  "batches",
	bucketSecrets:  "secrets",
}

const (
	bucketMeta     = iota // the keys below
	bucketLeaves          // index -> leaf
	bucketStored          // index -> length of name (1 byte), name of the data key, stored payload
	bucketHashes          // stored hash index, see tlog.StoredHashIndex -> hash
	bucketLast            // subject -> count, index of its last entry
	bucketChains          // subject, count -> index
	bucketActs            // act -> index
	bucketBoxes           // box -> index of its enrolment, public key
	bucketJournals        // incarnation -> Journal
	bucketOfBox           // box, index of opening -> incarnation
	bucketBatches         // incarnation, from -> to, index, root, wire form
	bucketSecrets         // name -> sealed value
	bucketCount
)

// Keys of the meta bucket.
var (
	keyFormat        = []byte("format")        // formatVersion
	keyApplied       = []byte("applied")       // raft index, raft term
	keyConfiguration = []byte("configuration") // raft index, raft's encoding of the cluster's configuration
	keySize          = []byte("size")          // number of entries
)

type buckets [bucketCount]*bolt.Bucket

// openBuckets returns the buckets of a transaction; ok is false when one is missing.
func openBuckets(tx *bolt.Tx) (b buckets, ok bool) {
	for i, name := range bucketNames {
		if b[i] = tx.Bucket([]byte(name)); b[i] == nil {
			return b, false
		}
	}
	return b, true
}

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// num reads a number at an offset; ok is false when the value is too short.
func num(b []byte, offset int) (v int64, ok bool) {
	if len(b) < offset+8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(b[offset:])), true
}

const subjectKeySize = 1 + ledger.IDSize

func subjectKey(s entry.Subject) []byte {
	return append([]byte{byte(s.Kind)}, s.ID[:]...)
}

func batchKey(inc ledger.IncarnationID, from int64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(nil), inc[:]...), uint64(from))
}

// Box is a box that batches are taken from.
type Box struct {
	ID    ledger.BoxID
	Key   []byte // Ed25519 public key of its journals
	Index int64  // of its enrolment
}

// Journal is what the ledger holds of one incarnation of a box's journal.
type Journal struct {
	Incarnation ledger.IncarnationID
	Box         ledger.BoxID
	Size        int64           // records held
	Root        tlog.Hash       // at Size
	Frontier    merkle.Frontier // at Size
	Head        []byte          // signed head of Size, as the box sent it
	Opened      int64           // index of the entry of its first batch
	Advanced    int64           // index of the entry of its last batch
}

func (j *Journal) marshal() []byte {
	hashes := j.Frontier.Hashes()
	b := cbor.AppendBytes(cbor.AppendArray(nil, 7), j.Box[:])
	b = cbor.AppendUint(b, uint64(j.Size))
	b = cbor.AppendBytes(b, j.Root[:])
	b = cbor.AppendArray(b, len(hashes))
	for _, h := range hashes {
		b = cbor.AppendBytes(b, h[:])
	}
	b = cbor.AppendBytes(b, j.Head)
	b = cbor.AppendUint(b, uint64(j.Opened))
	return cbor.AppendUint(b, uint64(j.Advanced))
}

const (
	maxHashes = 63 // of a frontier
	maxInt    = 1<<63 - 1
)

func parseJournal(inc ledger.IncarnationID, b []byte) (*Journal, error) {
	d := cbor.NewDecoder(b)
	j := &Journal{Incarnation: inc}
	d.ArrayOf(7)
	d.Fixed(j.Box[:])
	j.Size = int64(d.UintMax(maxInt))
	d.Fixed(j.Root[:])
	var hashes []tlog.Hash
	for range d.Array(maxHashes) {
		var h tlog.Hash
		d.Fixed(h[:])
		hashes = append(hashes, h)
	}
	j.Head = append([]byte(nil), d.Bytes(merkle.MaxNote)...)
	j.Opened = int64(d.UintMax(maxInt))
	j.Advanced = int64(d.UintMax(maxInt))
	if err := d.Done(); err != nil {
		return nil, err
	}
	var err error
	j.Frontier, err = merkle.RestoreFrontier(j.Size, hashes)
	return j, err
}

// Batch is a batch as it arrived. The ledger holds the journal's records From up to, not including, To by it.
type Batch struct {
	From, To int64
	Index    int64     // of its journal advance
	Root     tlog.Hash // of the journal at To
	Wire     []byte    // valid until View returns; batch.Decode reads it
}

const batchHeader = 8 + 8 + tlog.HashSize

func (b *Batch) marshal() []byte {
	out := make([]byte, 0, batchHeader+len(b.Wire))
	out = binary.BigEndian.AppendUint64(out, uint64(b.To))
	out = binary.BigEndian.AppendUint64(out, uint64(b.Index))
	return append(append(out, b.Root[:]...), b.Wire...)
}

func parseBatch(key, value []byte) (Batch, bool) {
	from, ok := num(key, ledger.IDSize)
	if !ok || len(value) < batchHeader {
		return Batch{}, false
	}
	to, _ := num(value, 0)
	index, _ := num(value, 8)
	return Batch{From: from, To: to, Index: index, Root: tlog.Hash(value[16:batchHeader]), Wire: value[batchHeader:]}, true
}
