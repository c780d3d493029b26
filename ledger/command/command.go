// Package command defines what nodes replicate: the commands of the raft log, and what applying one answers.
//
// A command is made at the door, where signatures are checked, clocks read and secrets sealed. Applying it is total and
// deterministic: the same command on the same state gives the same result on every node. A version that a node does not
// know stops that node; it is never passed over.
package command

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/cbor"
	"isotherm/ledger/entry"
)

// Version is the version of the command format that this program writes and knows.
const Version = 1

// ErrVersion is returned by Parse for a command of a later version: the node must stop and be upgraded.
var ErrVersion = errors.New("command of a version that this program does not know: upgrade it")

// Entry is an entry to append. Links get their counts and predecessors when it is applied.
type Entry struct {
	Kind         entry.Kind
	RecordTimeMS int64
	Node         string
	Subjects     []entry.Subject // whose chains it lengthens; ordered, each once
	Observed     []entry.Subject // whose chains' ends it names; ordered, each once, none of Subjects
	Commitment   [32]byte
	Stored       []byte // the salted payload, clear or sealed
	SealedFor    string // name of the sealed data key in the private state; empty when Stored is clear
}

// Secret is a write to the private state: sealed before it enters raft. An empty value deletes.
type Secret struct {
	Name  string
	Value []byte
}

// Command is one change of the replicated state. All its parts take effect together or not at all.
type Command struct {
	Entry   *Entry        // appended, if any
	Dedup   *ledger.ActID // when the ledger already has an entry under this ID, nothing changes: the answer is that entry's index
	Batch   []byte        // wire form of a batch; Entry is then its journal advance
	Require string        // name that must be in the private state, such as an unused enrolment token
	Secrets []Secret
	Box     *Box // registers a box with its enrolment entry
}

// Box makes a box known to the state machine, so that batches of its journals are taken.
type Box struct {
	ID  ledger.BoxID
	Key []byte // Ed25519 public key
}

// Limits of a command.
const (
	MaxSize    = 512 << 10 // raft's suggested limit; a batch is at most half of it
	maxName    = 128       // of secrets
	maxSecret  = 4 << 10
	MaxSecrets = 16
	maxKeys    = 64                                     // more than this version knows: a later one must be told by its version, not by its number of keys
	maxStored  = entry.SaltSize + entry.MaxPayload + 64 // and what sealing adds
)

// Marshal returns the canonical bytes.
func (c *Command) Marshal() []byte {
	n := 2
	for _, is := range []bool{c.Entry != nil, c.Dedup != nil, len(c.Batch) > 0, c.Require != "", c.Box != nil} {
		if is {
			n++
		}
	}
	b := cbor.AppendMap(make([]byte, 0, 512+len(c.Batch)), n)
	b = cbor.AppendUint(cbor.AppendUint(b, 1), Version)
	if c.Entry != nil {
		b = c.Entry.append(cbor.AppendUint(b, 2))
	}
	if c.Dedup != nil {
		b = cbor.AppendBytes(cbor.AppendUint(b, 3), c.Dedup[:])
	}
	if len(c.Batch) > 0 {
		b = cbor.AppendBytes(cbor.AppendUint(b, 4), c.Batch)
	}
	if c.Require != "" {
		b = cbor.AppendText(cbor.AppendUint(b, 5), c.Require)
	}
	b = cbor.AppendArray(cbor.AppendUint(b, 6), len(c.Secrets))
	for _, s := range c.Secrets {
		b = cbor.AppendBytes(cbor.AppendText(cbor.AppendArray(b, 2), s.Name), s.Value)
	}
	if c.Box != nil {
		b = cbor.AppendBytes(cbor.AppendArray(cbor.AppendUint(b, 7), 2), c.Box.ID[:])
		b = cbor.AppendBytes(b, c.Box.Key)
	}
	return b
}

func (e *Entry) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 8), uint64(e.Kind))
	b = cbor.AppendInt(b, e.RecordTimeMS)
	b = cbor.AppendText(b, e.Node)
	b = appendSubjects(b, e.Subjects)
	b = appendSubjects(b, e.Observed)
	b = cbor.AppendBytes(b, e.Commitment[:])
	b = cbor.AppendBytes(b, e.Stored)
	return cbor.AppendText(b, e.SealedFor)
}

func appendSubjects(b []byte, subjects []entry.Subject) []byte {
	b = cbor.AppendArray(b, len(subjects))
	for _, s := range subjects {
		b = cbor.AppendUint(cbor.AppendArray(b, 2), uint64(s.Kind))
		b = cbor.AppendBytes(b, s.ID[:])
	}
	return b
}

func parseSubjects(d *cbor.Decoder) []entry.Subject {
	var out []entry.Subject
	for range d.Array(entry.MaxLinks) {
		d.ArrayOf(2)
		s := entry.Subject{Kind: entry.SubjectKind(d.UintMax(255))}
		d.Fixed(s.ID[:])
		out = append(out, s)
	}
	return out
}

// Parse reads what Marshal writes. It returns ErrVersion, wrapped, for a version it does not know.
func Parse(b []byte) (*Command, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("command of %d bytes, at most %d are allowed", len(b), MaxSize)
	}
	d := cbor.NewDecoder(b)
	var c Command
	version := uint64(0)
	d.Map(maxKeys, func(key uint64) bool {
		switch key {
		case 1:
			if version = d.Uint(); version > Version {
				d.Fail(fmt.Errorf("version %d: %w", version, ErrVersion))
			}
		case 2:
			c.Entry = parseEntry(d)
		case 3:
			c.Dedup = new(ledger.ActID)
			d.Fixed(c.Dedup[:])
		case 4:
			c.Batch = d.Bytes(batch.MaxWire)
		case 5:
			c.Require = d.Text(maxName)
		case 6:
			for range d.Array(MaxSecrets) {
				d.ArrayOf(2)
				c.Secrets = append(c.Secrets, Secret{Name: d.Text(maxName), Value: d.Bytes(maxSecret)})
			}
		case 7:
			d.ArrayOf(2)
			c.Box = &Box{}
			d.Fixed(c.Box.ID[:])
			c.Box.Key = d.Bytes(64)
		default:
			return false
		}
		return true
	})
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read command: %w", err)
	}
	if version == 0 || !bytes.Equal(c.Marshal(), b) {
		return nil, errors.New("read command: not in canonical form")
	}
	return &c, nil
}

func parseEntry(d *cbor.Decoder) *Entry {
	var e Entry
	d.ArrayOf(8)
	e.Kind = entry.Kind(d.UintMax(1<<16 - 1))
	e.RecordTimeMS = d.Int()
	e.Node = d.Text(entry.MaxNode)
	e.Subjects = parseSubjects(d)
	e.Observed = parseSubjects(d)
	d.Fixed(e.Commitment[:])
	e.Stored = d.Bytes(maxStored)
	e.SealedFor = d.Text(maxName)
	return &e
}

// Status says what applying a command did. Numbers are append only: they are the same on every node.
type Status uint8

// The statuses. All but Done and Duplicate changed nothing.
const (
	Done        Status = 1
	Duplicate   Status = 2 // the entry was there already; Index names it
	Conflict    Status = 3 // the batch starts elsewhere than the ledger's journal ends: see Next and Root
	WrongRoot   Status = 4 // the batch's records do not give the signed root
	UnknownBox  Status = 5
	NoSecret    Status = 6 // Require is not in the private state: used, expired or never made
	Malformed   Status = 7 // the batch can't be read, or breaks a limit
	Quarantined Status = 8
)

// Result is the answer to a command.
type Result struct {
	Status Status
	Index  int64     // of the entry, for Done and Duplicate
	Next   int64     // size of the journal as the ledger holds it, for batches
	Root   tlog.Hash // its root there
}
