package replica

import (
	"isotherm/ledger/batch"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// View calls fn with a consistent snapshot of this node's state, see store.Store.View. It may lag behind the leader by
// what is under way; call Linearizable first where that matters.
func (r *Replica) View(fn func(*store.View) error) error { return r.store.View(fn) }

// DecodeBatch decodes a batch at the door, see store.Store.DecodeBatch.
func (r *Replica) DecodeBatch(wire []byte) (*batch.Batch, error) { return r.store.DecodeBatch(wire) }

// Export returns a copy of the state for a backup. It holds no key, no keyring and not last-signed. The caller closes it.
func (r *Replica) Export() (*store.Export, error) { return r.store.Export() }

// Published returns the newest checkpoint this node has published: signed, with a majority of cosignatures. It never goes
// back, not over a restart either. nil before the first.
func (r *Replica) Published() []byte { return r.heads.newest() }

// Changed returns a channel that is closed when this node's state next changes.
func (r *Replica) Changed() <-chan struct{} { return r.machine.changed.wait() }

// Trust returns the ledger's keys and cosigner sets as of this node's state. The caller MUST NOT change it.
func (r *Replica) Trust() *entry.Trust { return r.trust.current.Load().trust }

// Done delivers the error that makes this node unable to go on; without one, Shutdown closes it. After an error the
// process MUST stop: the node answers nothing it could not keep.
func (r *Replica) Done() <-chan error { return r.stop.done }
