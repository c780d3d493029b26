package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"isotherm/ledger/merkle"
	"isotherm/ledger/store"
)

// Replica is one node of the ledger.
type Replica struct {
	cfg     Config
	store   *store.Store
	machine *machine
	log     *guardedLog
	raft    *raft.Raft
	network network
	signer  *signer
	trust   *trustKeeper
	heads   *heads
	gate    gate
	musters chan struct{}          // places for calls of Muster
	door    atomic.Pointer[string] // see SetDoorProblem

	leaderChanged signal
	confirmed     atomic.Uint64 // term in which this node, as leader, has committed something
	stop          *stopper
	ctx           context.Context // ends when Shutdown begins or the node fails
	work          sync.WaitGroup  // calls under way and goroutines that wait for raft; begin adds to it
}

// stopper ends a replica, for good reasons or bad.
type stopper struct {
	cancel context.CancelFunc
	done   chan error // holds the first fatal error
	once   sync.Once  // for done
	failed atomic.Bool
	logger *slog.Logger

	mu      sync.Mutex // guards closing
	closing bool       // no call begins any more
}

// begin admits a call, unless the node is going down. Whoever began calls r.work.Done.
func (r *Replica) begin() error {
	r.stop.mu.Lock()
	defer r.stop.mu.Unlock()
	if r.stop.closing {
		return errShutdown
	}
	r.work.Add(1)
	return nil
}

// fatal reports an error after which the node can't go on.
func (s *stopper) fatal(err error) {
	s.once.Do(func() {
		s.failed.Store(true)
		s.logger.Error("this node can't go on", "error", err)
		s.done <- err
		s.cancel()
	})
}

// Open starts a node: its state, its raft log, its cluster port. An error says what does not fit together and what to do;
// nothing is ever repaired or started empty to get around it.
func Open(cfg Config) (*Replica, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &members{fixed: cfg.Peers}
	n, err := newNetwork(&cfg, m)
	if err != nil {
		return nil, fmt.Errorf("open cluster port: %w", err)
	}
	r, err := open(cfg, m, n)
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	return r, nil
}

// open starts a node on a network. When it fails, it leaves the network open and everything else closed.
func open(cfg Config, m *members, n network) (_ *Replica, err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open node: %w", err)
	}
	r := &Replica{cfg: cfg, network: n, musters: make(chan struct{}, maxMusters)}
	r.ctx, r.stop = newStopper(cfg.Logger)
	var opened closers
	defer func() {
		if err != nil {
			r.stop.cancel()
			err = errors.Join(err, opened.close())
		}
	}()
	if r.store, err = store.Open(filepath.Join(cfg.Dir, stateFile)); err != nil {
		return nil, err
	}
	opened.add(r.store.Close)
	if r.log, err = openLog(&cfg, r.stop.fatal); err != nil {
		return nil, err
	}
	opened.add(r.log.Close)
	marked, err := readMarker(cfg.Dir)
	if err != nil {
		return nil, err
	}
	used, err := reconcile(r.log, r.store, marked)
	if err != nil {
		return nil, err
	}
	if err := r.openSigning(used); err != nil {
		return nil, err
	}
	opened.add(r.signer.close)
	opened.add(r.heads.close)
	return r, r.startRaft(m, marked, used)
}

func newStopper(logger *slog.Logger) (context.Context, *stopper) {
	ctx, cancel := context.WithCancel(context.Background())
	return ctx, &stopper{cancel: cancel, done: make(chan error, 1), logger: logger}
}

// openSigning opens what this node has vouched for, and checks the state against it and against the configured trust.
func (r *Replica) openSigning(used bool) error {
	cosigner, err := merkle.NewCosigner(r.cfg.Name, r.cfg.CosignKey)
	if err != nil {
		return err
	}
	r.trust = newTrustKeeper(r.cfg.Trust, r.cfg.Logger)
	if err := r.store.View(func(v *store.View) error { _, err := r.trust.at(v); return err }); err != nil {
		return fmt.Errorf("open node: %w", err)
	}
	r.signer = &signer{origin: r.cfg.Trust.Pin.Origin, cosigner: cosigner, store: r.store, logger: r.cfg.Logger, fatal: r.stop.fatal}
	if err := openSigner(r.cfg.Dir, used, r.signer); err != nil {
		return err
	}
	r.heads = &heads{logKey: r.cfg.LogKey, name: r.cfg.Name, store: r.store, signer: r.signer, trust: r.trust, network: r.network,
		logger: r.cfg.Logger, fatal: r.stop.fatal, ctx: r.ctx, asked: map[string]int{}}
	if err := r.heads.open(r.cfg.Dir); err != nil {
		return errors.Join(err, r.signer.close())
	}
	return nil
}

// startRaft starts raft on what was opened, and the cluster if this is to be its first start.
func (r *Replica) startRaft(m *members, marked uint64, used bool) error {
	r.machine = &machine{store: r.store, members: m, fatal: r.stop.fatal, replaced: r.signer.recheck}
	if err := r.machine.refresh(); err != nil {
		return err
	}
	snaps := &snapshots{machine: r.machine, dir: r.cfg.Dir, marked: marked}
	logs, err := raft.NewLogCache(cachedLogs, r.log)
	if err != nil {
		return fmt.Errorf("open raft log: %w", err)
	}
	conf := raftConfig(r.cfg)
	transport := r.network.raftTransport()
	if r.cfg.Bootstrap && !used {
		if err := raft.BootstrapCluster(conf, r.log, r.log, snaps, transport, r.bootstrap(transport)); err != nil {
			return fmt.Errorf("bootstrap cluster: %w", err)
		}
	}
	if r.raft, err = raft.NewRaft(conf, r.machine, logs, r.log, snaps, transport); err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	r.watch()
	r.network.serve(r.handle)
	return nil
}

func (r *Replica) bootstrap(transport raft.Transport) raft.Configuration {
	c := raft.Configuration{}
	for _, p := range r.cfg.Peers {
		c.Servers = append(c.Servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(p.Name), Address: p.address()})
	}
	if len(c.Servers) == 0 {
		c.Servers = []raft.Server{{Suffrage: raft.Voter, ID: raft.ServerID(r.cfg.Name), Address: transport.LocalAddr()}}
	}
	return c
}

// raftConfig holds what differs from raft's defaults, with the reason.
func raftConfig(cfg Config) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(cfg.Name)
	c.CommitTimeout = 5 * time.Millisecond // followers learn of a commit by it; the default of 50 ms costs 67 ms a receipt
	c.MaxAppendEntries = 256               // batching is what throughput hangs on; the gate bounds the bytes
	c.BatchApplyCh = true
	c.SnapshotThreshold = 4096 // a snapshot is a marker and costs two fsyncs
	c.SnapshotInterval = 30 * time.Second
	c.TrailingLogs = 4096             // of 512 KiB at most each, and 1 KiB mostly: what a follower may lag before it is sent the whole state
	c.NoSnapshotRestoreOnStart = true // the state is its own snapshot
	c.NoLegacyTelemetry = true
	c.Logger = raftLogger(cfg.Logger)
	if cfg.tune != nil {
		cfg.tune(c)
	}
	return c
}

// watch tells waiting proposers when the leader changes, and makes a node that has halted hand over leadership. Its
// goroutine ends with the replica.
func (r *Replica) watch() {
	ch := make(chan raft.Observation, 16)
	observer := raft.NewObserver(ch, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	r.raft.RegisterObserver(observer)
	r.work.Go(func() {
		defer r.raft.DeregisterObserver(observer)
		for {
			halted := r.signer.change.wait()
			var again <-chan time.Time
			if r.signer.err() != nil && r.raft.State() == raft.Leader {
				r.transfer() // a leader that takes nothing must not lead
				again = time.After(transferPause)
			}
			select {
			case <-ch:
				r.leaderChanged.change()
			case <-halted:
			case <-again:
			case <-r.ctx.Done():
				if r.stop.failed.Load() {
					r.raft.Shutdown().Error() // a leader that has failed must not go on leading; it has no error
				}
				return
			}
		}
	})
}

// transferLimit is how long a node tries to hand over leadership, transferPause how long it waits to try again.
const (
	transferLimit = 3 * time.Second
	transferPause = time.Second
)

// failedLimit is how long Shutdown waits, after a fatal error, for goroutines that may hang on the disk.
const failedLimit = 5 * time.Second

// Shutdown stops the node: hands over leadership, so that the cluster does not wait for an election, takes nothing more,
// and closes its files. After a fatal error it may leave goroutines and files behind that wait for the disk; it says so.
func (r *Replica) Shutdown() error {
	r.stop.mu.Lock()
	already := r.stop.closing
	r.stop.closing = true
	r.stop.mu.Unlock()
	if already {
		return nil
	}
	failed := r.stop.failed.Load()
	if !failed && r.raft.State() == raft.Leader {
		r.transfer()
	}
	r.stop.cancel()
	ended := make(chan struct{})
	go func() { // ends when raft has ended; after a fatal error perhaps never
		defer close(ended)
		r.raft.Shutdown().Error() // it has none
		r.work.Wait()
	}()
	var limit <-chan time.Time
	if failed {
		limit = time.After(failedLimit)
	}
	select {
	case <-ended:
	case <-limit:
		return errors.Join(errors.New("shut down: raft still waits for the disk"), r.network.close())
	}
	err := errors.Join(r.network.close(), r.heads.close(), r.signer.close(), r.log.Close(), r.store.Close())
	r.stop.once.Do(func() { close(r.stop.done) })
	return err
}

// transfer hands over leadership, if there is anyone to take it. When it fails, the others elect later.
func (r *Replica) transfer() {
	if len(r.raft.GetConfiguration().Configuration().Servers) < 2 {
		return
	}
	done := make(chan error, 1)
	go func() { done <- r.raft.LeadershipTransfer().Error() }() // ends at the latest when raft is shut down
	select {
	case err := <-done:
		if err != nil {
			r.cfg.Logger.Warn("leadership was not handed over", "reason", err)
		}
	case <-time.After(transferLimit):
		r.cfg.Logger.Warn("leadership was not handed over in time")
	}
}

// closers closes what was opened, last first.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

func (c closers) close() error {
	var errs []error
	for i := len(c) - 1; i >= 0; i-- {
		errs = append(errs, c[i]())
	}
	return errors.Join(errs...)
}
