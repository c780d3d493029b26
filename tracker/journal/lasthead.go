package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/durable"
)

// lastHead is the newest head this box has committed, kept beside the journals so that it outlives them.
type lastHead struct {
	BootCount   uint64
	Incarnation ledger.IncarnationID
	Size        int64
	Root        tlog.Hash
}

// lastHeadSize is the length of a last-head file. It never changes, so overwriting one needs no room on the disk.
const lastHeadSize = 512

// lastHeads writes two files in turn. A write that is torn by a power cut leaves the other.
type lastHeads struct {
	files [2]*os.File
	turn  uint64
}

// openLastHeads opens or makes the two files and returns the newer head that is whole; the zero head when there is none.
func openLastHeads(dir string) (*lastHeads, lastHead, error) {
	l := &lastHeads{}
	var newest lastHead
	for i, name := range []string{"last-head.a", "last-head.b"} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, lastHead{}, errors.Join(fmt.Errorf("open last head: %w", err), l.close())
		}
		l.files[i] = f
		b := make([]byte, lastHeadSize)
		if _, err := f.ReadAt(b, 0); err != nil {
			if errors.Is(err, io.EOF) { // new, or never written whole
				continue
			}
			return nil, lastHead{}, errors.Join(fmt.Errorf("read last head: %w", err), l.close())
		}
		if turn, head, err := parseLastHead(b); err == nil && turn > l.turn {
			l.turn, newest = turn, head
		}
	}
	if err := durable.SyncDir(dir); err != nil {
		return nil, lastHead{}, errors.Join(err, l.close())
	}
	return l, newest, nil
}

// write makes head durable: pwrite and fsync of the file whose turn it is.
func (l *lastHeads) write(head lastHead) error {
	next := l.turn + 1
	b := cbor.AppendArray(make([]byte, 0, lastHeadSize), 6)
	b = cbor.AppendUint(b, 1) // version
	b = cbor.AppendUint(b, next)
	b = cbor.AppendUint(b, head.BootCount)
	b = cbor.AppendBytes(b, head.Incarnation[:])
	b = cbor.AppendUint(b, uint64(head.Size))
	b = cbor.AppendBytes(b, head.Root[:])
	b = seal(b)
	f := l.files[next%2]
	// The length comes first, so that the rest of the block can be filled up.
	block := make([]byte, lastHeadSize)
	block[0] = byte(len(b))
	copy(block[1:], b)
	if _, err := f.WriteAt(block, 0); err != nil {
		return fmt.Errorf("write last head: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write last head: %w", err)
	}
	l.turn = next
	return nil
}

func parseLastHead(block []byte) (turn uint64, head lastHead, err error) {
	payload, err := unseal(block[1 : 1+int(block[0])])
	if err != nil {
		return 0, lastHead{}, fmt.Errorf("read last head: %w", err)
	}
	d := cbor.NewDecoder(payload)
	d.ArrayOf(6)
	if version := d.Uint(); d.Err() == nil && version != 1 {
		d.Fail(fmt.Errorf("version %d is not known", version))
	}
	turn = d.Uint()
	head.BootCount = d.Uint()
	d.Fixed(head.Incarnation[:])
	head.Size = int64(d.UintMax(1 << 62))
	d.Fixed(head.Root[:])
	if err := d.Done(); err != nil {
		return 0, lastHead{}, fmt.Errorf("read last head: %w", err)
	}
	return turn, head, nil
}

func (l *lastHeads) close() error {
	var errs []error
	for _, f := range l.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
