package replica

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"isotherm/ledger/store"
)

const (
	raftDir   = "raft"
	stateFile = "state.db"

	// segmentSize is the size of one file of the raft log: old entries are dropped in such pieces.
	segmentSize = 16 << 20
	// stallLimit is how long one write of the raft log may take. Raft's heartbeats do not notice a stalled disk: the
	// leader would stay leader and do nothing (raft issues 503 and 614). The process stops instead, and another leads.
	stallLimit = 10 * time.Second
	// cachedLogs is how many raft entries are kept in memory for followers: at most 128 MiB, mostly well under 1.
	cachedLogs = 512
)

// guardedLog is the raft log on disk; it reports writes that fail or stall.
type guardedLog struct {
	*wal.WAL
	fatal func(error)
}

// StoreLog appends one entry.
func (g *guardedLog) StoreLog(l *raft.Log) error { return g.StoreLogs([]*raft.Log{l}) }

// StoreLogs appends entries with one fsync.
func (g *guardedLog) StoreLogs(logs []*raft.Log) error {
	timer := time.AfterFunc(stallLimit, func() { g.fatal(fmt.Errorf("the disk has not taken a raft entry for %v", stallLimit)) })
	defer timer.Stop()
	if err := g.WAL.StoreLogs(logs); err != nil {
		err = fmt.Errorf("write raft log: %w", err)
		g.fatal(err)
		return err
	}
	return nil
}

// openLog opens the raft log in a node's folder.
func openLog(cfg *Config, fatal func(error)) (*guardedLog, error) {
	path, size := filepath.Join(cfg.Dir, raftDir), cfg.segment
	if size == 0 {
		size = segmentSize
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("open raft log: %w", err)
	}
	w, err := wal.Open(path, wal.WithLogger(raftLogger(cfg.Logger)), wal.WithSegmentSize(size))
	if err != nil {
		return nil, fmt.Errorf("open raft log: %w", err)
	}
	return &guardedLog{WAL: w, fatal: fatal}, nil
}

// currentTerm is raft's key for the term in its stable store.
var currentTerm = []byte("CurrentTerm")

// reconcile checks that raft's log and the state belong together, and drops a log that the state has overtaken. It
// reports whether this node has taken part in a cluster before.
//
// A crash between installing another node's state and dropping the old log leaves a log that ends before the state, or
// that runs on beside it. Neither holds anything committed that the state lacks, and raft can't append behind a gap.
func reconcile(log *guardedLog, s *store.Store, marker uint64) (used bool, err error) {
	var applied, appliedTerm uint64
	if err := s.View(func(v *store.View) error { applied, appliedTerm = v.Applied(); return nil }); err != nil {
		return false, err
	}
	first, err1 := log.FirstIndex()
	last, err2 := log.LastIndex()
	term, err3 := log.GetUint64(currentTerm)
	if errors.Is(err3, wal.ErrNotFound) {
		err3 = nil
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return false, fmt.Errorf("read raft log: %w", err)
	}
	switch {
	case applied < marker:
		return false, fmt.Errorf("the state is at raft index %d, but was at %d before: an older copy was put in its place; give this node a new name and an empty folder", applied, marker)
	case applied > 0 && term == 0:
		return false, errors.New("the state is here but raft's log is lost, and with it this node's votes: give this node a new name and an empty folder")
	case last > 0 && first > applied+1:
		return false, fmt.Errorf("the state is at raft index %d, but raft's log begins at %d: give this node a new name and an empty folder", applied, first)
	}
	used = applied > 0 || last > 0 || term > 0
	if last == 0 {
		return used, nil
	}
	drop := last < applied
	if !drop && applied >= first {
		var l raft.Log
		if err := log.GetLog(applied, &l); err != nil {
			return used, fmt.Errorf("read raft log: %w", err)
		}
		drop = l.Term != appliedTerm
	}
	if drop {
		if err := log.DeleteRange(first, last); err != nil {
			return used, fmt.Errorf("drop raft log that the state has overtaken: %w", err)
		}
	}
	return used, nil
}
