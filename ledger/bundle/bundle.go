package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger/cbor"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// Source is what a bundle is made of.
type Source struct {
	Checkpoint []byte  // signed and cosigned; its tree holds all Entries
	Entries    []Entry // by index: the whole chain of every subject that the export touches
	Journals   []Journal
}

// Entry is an entry of the ledger with its proof.
type Entry struct {
	Index  int64
	Leaf   []byte // canonical bytes
	Salted []byte // its salted payload, in the clear
	Path   []tlog.Hash
}

// Journal is a run of records of one incarnation, up to the size that the ledger holds.
type Journal struct {
	Origin   string
	From     int64       // seq of the first of Records
	Frontier []tlog.Hash // of the tree of size From, see merkle.Frontier; empty when From is 0
	Boot     []byte      // record 0, when From is not 0
	BootPath []tlog.Hash // its audit path in the tree of the last size
	Records  [][]byte
}

const (
	manifestName   = "MANIFEST"
	readmeName     = "VERIFY.md"
	checkpointName = "checkpoint"
	entriesName    = "entries.cbor"
	journalPrefix  = "journals/"
	journalSuffix  = ".cbor"
)

const readme = `# How to verify this bundle

    isotherm verify --policy POLICY BUNDLE

POLICY is the file with the keys of the ledger. Obtain it from the ledger's operator, not together with the bundle.
The command needs no network and no server. FORMAT.md in isotherm's ledger/ folder describes every byte, so that a verifier
can be written without isotherm:

- MANIFEST: SHA-256 of every other file, as sha256sum writes it.
- checkpoint: C2SP signed note of the ledger's Merkle tree, with the cosignatures of its nodes.
- entries.cbor: entries of the ledger with their payloads and inclusion proofs.
- journals/: the records of the box, the leaves of its own Merkle tree.
`

// Write writes the bundle of a source. The same source gives the same bytes.
func Write(w io.Writer, src Source) error {
	files := []file{{checkpointName, src.Checkpoint}, {entriesName, marshalEntries(src.Entries)}}
	for _, j := range src.Journals {
		name, err := journalName(j.Origin)
		if err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
		files = append(files, file{name, j.marshal()})
	}
	files = append(files, file{readmeName, []byte(readme)})
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	files = slices.Insert(files, 0, file{manifestName, manifest(files)})
	b, err := pack(files)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

func manifest(files []file) []byte {
	var b bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(f.data), f.name)
	}
	return b.Bytes()
}

// journalName returns the file name of a journal: its box and incarnation.
func journalName(origin string) (string, error) {
	box, inc, err := record.ParseOrigin(origin)
	if err != nil {
		return "", err
	}
	return journalPrefix + box.String() + "-" + inc.String() + journalSuffix, nil
}

func appendHashes(b []byte, hashes []tlog.Hash) []byte {
	b = cbor.AppendArray(b, len(hashes))
	for _, h := range hashes {
		b = cbor.AppendBytes(b, h[:])
	}
	return b
}

func readHashes(d *cbor.Decoder) []tlog.Hash {
	var out []tlog.Hash
	for range d.Array(64) {
		var h tlog.Hash
		d.Fixed(h[:])
		out = append(out, h)
	}
	return out
}

func marshalEntries(entries []Entry) []byte {
	b := cbor.AppendArray(nil, len(entries))
	for _, e := range entries {
		b = cbor.AppendUint(cbor.AppendArray(b, 4), uint64(e.Index))
		b = cbor.AppendBytes(b, e.Leaf)
		b = cbor.AppendBytes(b, e.Salted)
		b = appendHashes(b, e.Path)
	}
	return b
}

// maxItems bounds entries and records of a bundle; MaxSize is reached first.
const maxItems = 1 << 26

func parseEntries(b []byte) ([]Entry, error) {
	d := cbor.NewDecoder(b)
	var out []Entry
	for range d.Array(maxItems) {
		d.ArrayOf(4)
		e := Entry{Index: int64(d.UintMax(1<<62 - 1)), Leaf: d.Bytes(entry.MaxLeaf),
			Salted: d.Bytes(entry.SaltSize + entry.MaxPayload), Path: readHashes(d)}
		if d.Err() != nil {
			break
		}
		if n := len(out); n > 0 && out[n-1].Index >= e.Index {
			return out, fmt.Errorf("%s: entry %d stands after entry %d", entriesName, e.Index, out[n-1].Index)
		}
		out = append(out, e)
	}
	if err := d.Done(); err != nil {
		return out, fmt.Errorf("%s: %w", entriesName, err)
	}
	return out, nil
}

func (j *Journal) marshal() []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 6), j.Origin)
	b = cbor.AppendUint(b, uint64(j.From))
	b = appendHashes(b, j.Frontier)
	b = cbor.AppendBytes(b, j.Boot)
	b = appendHashes(b, j.BootPath)
	b = cbor.AppendArray(b, len(j.Records))
	for _, r := range j.Records {
		b = cbor.AppendBytes(b, r)
	}
	return b
}

func parseJournal(b []byte) (*Journal, error) {
	d := cbor.NewDecoder(b)
	d.ArrayOf(6)
	j := &Journal{Origin: d.Text(200), From: int64(d.UintMax(1<<62 - 1)), Frontier: readHashes(d),
		Boot: d.Bytes(record.MaxSize), BootPath: readHashes(d)}
	for range d.Array(maxItems) {
		r := d.Bytes(record.MaxSize)
		if d.Err() != nil {
			break
		}
		j.Records = append(j.Records, r)
	}
	if err := d.Done(); err != nil {
		return j, err
	}
	if (j.From == 0) != (len(j.Boot) == 0) {
		return j, errors.New("has a boot record apart exactly when it must not")
	}
	return j, nil
}

// prefix returns the tree before the first record.
func (j *Journal) prefix() (merkle.Frontier, error) {
	return merkle.RestoreFrontier(j.From, j.Frontier)
}
