package journal

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/durable"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// Version is the version of the file format, kept in the file.
const Version = 1

const (
	fileSuffix  = ".journal"
	countDigits = 10

	// frontierStep is the distance of the stored frontiers: the root of any size costs at most this many leaf hashes,
	// and a damaged file can be proved good up to one of them. They take about half a byte a record.
	frontierStep = 256

	// allocSize is by how much a file grows: bbolt's 16 MiB is more than a trip's journal.
	allocSize = 64 << 10
)

// Buckets and keys. Records are keyed by seq, frontiers by size, both 8 bytes big endian.
var (
	bucketRecords   = []byte("records")
	bucketFrontiers = []byte("frontiers")
	bucketMeta      = []byte("meta")
	keyVersion      = []byte("version")
	keyHead         = []byte("head")
)

func be64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// name says which incarnation a file holds, and its place in time.
type name struct {
	count uint64
	inc   ledger.IncarnationID
}

// String returns the file's name.
func (n name) String() string {
	return fmt.Sprintf("%0*d-%s%s", countDigits, n.count, n.inc, fileSuffix)
}

func parseName(base string) (name, bool) {
	var n name
	stem, ok := strings.CutSuffix(base, fileSuffix)
	digits, hex, found := strings.Cut(stem, "-")
	if !ok || !found || len(digits) < countDigits {
		return n, false
	}
	count, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return n, false
	}
	inc, err := ledger.ParseID[ledger.IncarnationID](hex)
	if err != nil {
		return n, false
	}
	return name{count: count, inc: inc}, true
}

// signer signs heads of one incarnation.
type signer struct {
	key    ed25519.PrivateKey
	origin string
}

func newSigner(key ed25519.PrivateKey, inc ledger.IncarnationID) signer {
	return signer{key: key, origin: record.Origin(ledger.BoxIDOf(key.Public().(ed25519.PublicKey)), inc)}
}

func (s signer) sign(size int64, root tlog.Hash) ([]byte, error) {
	return merkle.Sign(merkle.Checkpoint{Origin: s.origin, Size: size, Root: root}, s.key)
}

// openDB opens a bbolt file. A damaged one gives an error, not a panic.
func openDB(path string, readOnly bool, maxSize int) (db *bbolt.DB, err error) {
	err = guard(func() error {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:        time.Second,
			NoFreelistSync: true,
			FreelistType:   bbolt.FreelistMapType,
			ReadOnly:       readOnly,
			MaxSize:        maxSize,
			NoStatistics:   true,
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open journal file %s: %w", filepath.Base(path), err)
	}
	db.AllocSize = allocSize
	return db, nil
}

// createFile makes a journal file with its first records, durably: it is built under another name, so that no half-made
// file ever has the name of a journal.
func createFile(path string, s signer, records [][]byte) error {
	temp := path + durable.TempSuffix
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("create journal file: %w", err)
	}
	db, err := openDB(temp, false, 0)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{bucketRecords, bucketFrontiers, bucketMeta} {
			if _, err := tx.CreateBucket(b); err != nil {
				return err
			}
		}
		if err := tx.Bucket(bucketMeta).Put(keyVersion, []byte{Version}); err != nil {
			return err
		}
		_, _, err := appendTx(tx, s, merkle.Frontier{}, records)
		return err
	})
	if e := db.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("create journal file: %w", classify(errors.Join(err, os.Remove(temp))))
	}
	return durable.SyncDir(filepath.Dir(path))
}

// appendTx writes records, frontiers and the new signed head in one transaction, which the caller commits.
func appendTx(tx *bbolt.Tx, s signer, f merkle.Frontier, records [][]byte) (merkle.Frontier, []byte, error) {
	f = f.Clone()
	bucket := tx.Bucket(bucketRecords)
	bucket.FillPercent = 1.0 // keys only grow: a page that was split never gets another
	for _, b := range records {
		if err := bucket.Put(be64(uint64(f.Size())), b); err != nil {
			return f, nil, err
		}
		f.Append(tlog.RecordHash(b))
		if f.Size()%frontierStep != 0 {
			continue
		}
		var hashes []byte
		for _, h := range f.Hashes() {
			hashes = append(hashes, h[:]...)
		}
		if err := tx.Bucket(bucketFrontiers).Put(be64(uint64(f.Size())), hashes); err != nil {
			return f, nil, err
		}
	}
	head, err := s.sign(f.Size(), f.Root())
	if err != nil {
		return f, nil, err
	}
	return f, head, tx.Bucket(bucketMeta).Put(keyHead, head)
}

// verified is what reading a whole file has shown.
type verified struct {
	frontier merkle.Frontier
	proved   int64 // largest size whose root a stored frontier, the head or the hint confirms
	boot     *record.Boot
}

// verify reads the whole file: records numbered without a hole, stored frontiers and signed head as recomputed. On error
// it still says how far the file could be proved. hint is the last head known from elsewhere, if it is of this file.
func verify(db *bbolt.DB, s signer, hint lastHead) (v verified, err error) {
	err = guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			info, err := os.Stat(db.Path())
			if err != nil {
				return err
			}
			if info.Size() < tx.Size() {
				return fmt.Errorf("file is cut: %d bytes of %d", info.Size(), tx.Size())
			}
			return v.read(tx, s, hint)
		})
	})
	if err != nil {
		return v, fmt.Errorf("verify journal file %s: %w", filepath.Base(db.Path()), err)
	}
	return v, nil
}

func (v *verified) read(tx *bbolt.Tx, s signer, hint lastHead) error {
	records, frontiers, meta := tx.Bucket(bucketRecords), tx.Bucket(bucketFrontiers), tx.Bucket(bucketMeta)
	if records == nil || frontiers == nil || meta == nil {
		return errors.New("a bucket is missing")
	}
	if got := meta.Get(keyVersion); len(got) != 1 || got[0] != Version {
		return fmt.Errorf("file format version %d is not known, want %d", got, Version)
	}
	c := records.Cursor()
	for k, b := c.First(); k != nil; k, b = c.Next() {
		if len(k) != 8 || binary.BigEndian.Uint64(k) != uint64(v.frontier.Size()) {
			return fmt.Errorf("record %d is missing", v.frontier.Size())
		}
		if v.frontier.Size() == 0 {
			first, err := record.Parse(b)
			if err != nil || first.Boot == nil {
				return fmt.Errorf("first record is not a boot record: %w", errors.Join(err))
			}
			boot := *first.Boot
			boot.Key = slices.Clone(boot.Key)
			v.boot = &boot
		}
		v.frontier.Append(tlog.RecordHash(b))
		size := v.frontier.Size()
		if size == hint.Size && v.frontier.Root() == hint.Root {
			v.proved = size
		}
		if size%frontierStep != 0 {
			continue
		}
		stored, err := parseFrontier(size, frontiers.Get(be64(uint64(size))))
		if err != nil {
			return err
		}
		if stored.Root() != v.frontier.Root() {
			return fmt.Errorf("records up to %d do not give the root kept for that size", size)
		}
		v.proved = size
	}
	head, err := merkle.Open(meta.Get(keyHead), s.origin, s.key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	if head.Size != v.frontier.Size() || head.Root != v.frontier.Root() {
		return fmt.Errorf("%d records do not give the root of the signed head of size %d", v.frontier.Size(), head.Size)
	}
	v.proved = head.Size
	return nil
}

func parseFrontier(size int64, b []byte) (merkle.Frontier, error) {
	hashes := make([]tlog.Hash, 0, len(b)/tlog.HashSize)
	for h := range slices.Chunk(b, tlog.HashSize) {
		if len(h) != tlog.HashSize {
			return merkle.Frontier{}, fmt.Errorf("frontier of size %d has %d bytes", size, len(b))
		}
		hashes = append(hashes, tlog.Hash(h))
	}
	return merkle.RestoreFrontier(size, hashes)
}

// rootAt returns the root of the first size records, from the stored frontier before it.
func rootAt(tx *bbolt.Tx, size int64) (tlog.Hash, error) {
	start := size / frontierStep * frontierStep
	var f merkle.Frontier
	if start > 0 {
		var err error
		if f, err = parseFrontier(start, tx.Bucket(bucketFrontiers).Get(be64(uint64(start)))); err != nil {
			return tlog.Hash{}, err
		}
	}
	records := tx.Bucket(bucketRecords)
	for seq := start; seq < size; seq++ {
		b := records.Get(be64(uint64(seq)))
		if b == nil {
			return tlog.Hash{}, fmt.Errorf("record %d is missing", seq)
		}
		f.Append(tlog.RecordHash(b))
	}
	return f.Root(), nil
}

// salvage sets a damaged file aside and keeps what of it can be proved under the old name, so that the uplink can still
// deliver it. Only a size whose root was kept or signed before is proved: signing anything else could contradict a head
// that has left the box.
func salvage(path string, s signer, proved int64) (corrupt string, err error) {
	for n := 1; ; n++ {
		corrupt = fmt.Sprintf("%s.corrupt-%d", path, n)
		if _, err := os.Lstat(corrupt); errors.Is(err, os.ErrNotExist) {
			break
		} else if err != nil {
			return "", fmt.Errorf("set damaged journal aside: %w", err)
		}
	}
	if err := os.Rename(path, corrupt); err != nil {
		return "", fmt.Errorf("set damaged journal aside: %w", err)
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil {
		return corrupt, err
	}
	if proved == 0 {
		return corrupt, nil
	}
	var records [][]byte
	db, err := openDB(corrupt, true, 0)
	if err != nil {
		return corrupt, err
	}
	err = guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			for seq := range proved {
				records = append(records, slices.Clone(tx.Bucket(bucketRecords).Get(be64(uint64(seq)))))
			}
			return nil
		})
	})
	if e := db.Close(); err == nil {
		err = e
	}
	if err != nil {
		return corrupt, fmt.Errorf("salvage %s: %w", filepath.Base(corrupt), err)
	}
	return corrupt, createFile(path, s, records)
}
