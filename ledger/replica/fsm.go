package replica

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"isotherm/ledger/command"
	"isotherm/ledger/store"
)

// machine hands committed raft entries to the store. It is the whole of what raft sees of the ledger.
type machine struct {
	store     *store.Store
	members   *members
	fatal     func(error)   // stops the node; called at most a few times
	replaced  func()        // called when the state was replaced by another node's
	changed   signal        // after every change of what follows
	applied   atomic.Uint64 // raft index the state is at
	size      atomic.Int64  // entries in the log
	installed *sink         // what Open of the snapshot store hands to Restore; only raft's goroutines use it
}

// refresh takes over what the state says about itself.
func (m *machine) refresh() error {
	return m.store.View(func(v *store.View) error {
		m.size.Store(v.Size())
		m.applied.Store(v.AppliedIndex())
		if _, encoded := v.Configuration(); encoded != nil {
			c, err := decodeConfiguration(encoded)
			if err != nil {
				return err
			}
			m.members.set(c)
		}
		return nil
	})
}

// ApplyBatch applies committed entries. A failure is answered to whoever proposed them and stops the node; whatever
// raft hands over afterwards fails as well, so that nothing is ever passed over.
func (m *machine) ApplyBatch(logs []*raft.Log) []any {
	answers := make([]any, len(logs))
	results, err := m.apply(logs)
	for i := range answers {
		if err != nil {
			answers[i] = err
		} else {
			answers[i] = results[i]
		}
	}
	if err != nil {
		m.fatal(err)
		return answers
	}
	m.changed.change()
	return answers
}

func (m *machine) apply(logs []*raft.Log) ([]command.Result, error) {
	entries := make([]store.Log, len(logs))
	for i, l := range logs {
		entries[i] = store.Log{Index: l.Index, Term: l.Term}
		if l.Type == raft.LogConfiguration {
			entries[i].Configuration = l.Data
			continue
		}
		c, err := command.Parse(l.Data)
		if errors.Is(err, command.ErrVersion) {
			return nil, fmt.Errorf("raft entry %d: %w", l.Index, err)
		}
		if err == nil {
			entries[i].Command = c
		}
	}
	results, err := m.store.ApplyBatch(entries)
	if err != nil {
		return nil, err
	}
	return results, m.refresh()
}

// Apply is ApplyBatch for one entry.
func (m *machine) Apply(l *raft.Log) any { return m.ApplyBatch([]*raft.Log{l})[0] }

// Snapshot returns a marker: the state on disk is the snapshot.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) { return marker{}, nil }

type marker struct{}

// Persist writes nothing: closing the sink records how far the state is.
func (marker) Persist(raft.SnapshotSink) error { return nil }

// Release has nothing to let go of.
func (marker) Release() {}

// Restore replaces the state by what another node sent, which the snapshot store holds ready.
func (m *machine) Restore(source io.ReadCloser) error {
	in := m.installed
	m.installed = nil
	if in == nil {
		return errors.New("restore: no state was received")
	}
	if err := m.store.Install(in.index); err != nil {
		if errors.Is(err, store.ErrFailed) {
			m.fatal(err)
		}
		return err
	}
	m.replaced()
	if err := errors.Join(in.writeMarker(), m.refresh()); err != nil {
		m.fatal(err)
		return err
	}
	m.changed.change()
	return nil
}

// decodeConfiguration is raft.DecodeConfiguration, which panics on bytes it can't read.
func decodeConfiguration(b []byte) (c raft.Configuration, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: cluster configuration: %v", store.ErrCorrupt, p)
		}
	}()
	return raft.DecodeConfiguration(b), nil
}
