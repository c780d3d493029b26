package journal

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// Append commits records and the head that signs them in one transaction with fsync. Their seqs MUST follow on the
// journal's size.
//
// After ErrFull nothing is lost and no head was given out; call again with the same records first (more may follow),
// because the disk may have taken them in spite of the error. After ErrBroken the journal takes nothing more.
func (j *Journal) Append(records ...*record.Record) error {
	if len(records) == 0 {
		return nil
	}
	encoded := make([][]byte, len(records))
	for i, r := range records {
		if want := records[0].Seq + uint64(i); r.Seq != want {
			return fmt.Errorf("append record %d: want seq %d", r.Seq, want)
		}
		b, err := r.Append(nil)
		if err != nil {
			return fmt.Errorf("append record %d: %w", r.Seq, err)
		}
		if len(b) > record.MaxSize {
			return fmt.Errorf("append record %d: %d bytes, at most %d are allowed", r.Seq, len(b), record.MaxSize)
		}
		encoded[i] = b
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return fmt.Errorf("append record %d: %w", records[0].Seq, j.broken)
	}
	if err := j.append(int64(records[0].Seq), encoded); err != nil {
		if errors.Is(err, ErrBroken) {
			j.broken = err
		}
		return fmt.Errorf("append record %d: %w", records[0].Seq, err)
	}
	return nil
}

func (j *Journal) append(from int64, encoded [][]byte) error {
	if j.suspect { // the last write failed: what the disk has is read anew before anything is added
		taken := j.tree.Size()
		if err := j.reopen(); err != nil {
			return err
		}
		if from == taken && j.tree.Size() > taken {
			rest, err := j.alreadyTaken(from, encoded)
			if err != nil || len(rest) == 0 {
				return err
			}
			from, encoded = j.tree.Size(), rest
		}
	}
	if from != j.tree.Size() {
		return fmt.Errorf("want seq %d", j.tree.Size())
	}
	var (
		tree merkle.Frontier
		head []byte
	)
	err := guard(func() error {
		return j.db.Update(func(tx *bbolt.Tx) (err error) {
			tree, head, err = appendTx(tx, j.currentSigner(), j.tree, encoded)
			return err
		})
	})
	if err != nil {
		j.suspect = true // bbolt has rolled back: reading goes on meanwhile
		return classify(err)
	}
	return j.publish(tree, head)
}

// alreadyTaken compares records with what a failed write has put on the disk all the same, and returns those it has not.
func (j *Journal) alreadyTaken(from int64, encoded [][]byte) ([][]byte, error) {
	n := j.tree.Size() - from
	stored, err := readRecords(j.db, from, int(n))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if n > int64(len(encoded)) {
		return nil, fmt.Errorf("%w: disk holds %d records that were not repeated", ErrBroken, n-int64(len(encoded)))
	}
	for i, b := range stored {
		if !bytes.Equal(b, encoded[i]) {
			return nil, fmt.Errorf("%w: record %d differs from the one the disk took", ErrBroken, from+int64(i))
		}
	}
	return encoded[n:], nil
}

// reopen opens the current file and takes over what it proves to hold.
func (j *Journal) reopen() error {
	f := j.current()
	if j.db != nil {
		err := j.db.Close()
		j.db = nil
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
	}
	db, err := openDB(j.path(f.name), false, j.maxSize)
	if err != nil {
		return classify(err)
	}
	v, err := verify(db, j.currentSigner(), lastHead{})
	if err == nil && v.frontier.Size() < j.tree.Size() {
		err = fmt.Errorf("disk holds %d records, %d were committed", v.frontier.Size(), j.tree.Size())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, errors.Join(err, db.Close()))
	}
	j.db, j.suspect = db, false
	head, err := j.currentSigner().sign(v.frontier.Size(), v.frontier.Root())
	if err != nil {
		return err
	}
	return j.publish(v.frontier, head)
}

// publish makes a committed head the newest: first beside the journal, then for everyone.
func (j *Journal) publish(tree merkle.Frontier, head []byte) error {
	f := j.current()
	f.size, f.root = tree.Size(), tree.Root()
	j.tree = tree
	if err := j.heads.write(lastHead{BootCount: f.count, Incarnation: f.inc, Size: f.size, Root: f.root}); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	j.relist()
	j.newest.Store(&Head{Incarnation: f.inc, Size: f.size, Root: f.root, Signed: head})
	return nil
}

func (j *Journal) current() *file { return j.files[len(j.files)-1] }

func (j *Journal) currentSigner() signer { return newSigner(j.key, j.current().inc) }
