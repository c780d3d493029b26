package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/muster"
	"isotherm/ledger/store"
)

// Replica is what the door needs of the replicated ledger.
type Replica interface {
	// Propose has a command committed and returns what applying it answered.
	Propose(ctx context.Context, c *command.Command) (command.Result, error)
	// Checkpoint returns a checkpoint of at least minSize entries with a majority of cosignatures.
	Checkpoint(ctx context.Context, minSize int64) ([]byte, error)
	// Linearizable returns when a View contains everything that was acknowledged anywhere before the call.
	Linearizable(ctx context.Context) error
	// View runs read on one consistent state of this node. The view is not used after read returns.
	View(read func(*store.View) error) error
	// Changed returns a channel that is closed when the state next changes.
	Changed() <-chan struct{}
	// Published returns the newest checkpoint that this node has published, nil before the first.
	Published() []byte
	// Trust returns the keys and cosigner sets as of this node's state.
	Trust() *entry.Trust
	// Muster asks every node of the ledger how it is.
	Muster(ctx context.Context) (muster.Muster, error)
	// SetDoorProblem keeps why the door takes nothing more, for the other nodes' Muster.
	SetDoorProblem(reason string)
	// DecodeBatch decodes a batch, and keeps the result for the command that carries it.
	DecodeBatch(wire []byte) (*batch.Batch, error)
}

// Keyring seals what is written to the private state: seal.Keyring is one.
type Keyring interface {
	Seal(plain []byte, name string) ([]byte, error)
	Open(sealed []byte, name string) ([]byte, error)
}

// Options are what a Node is made of.
type Options struct {
	Name    string // of this node, in every entry that it proposes
	Replica Replica
	Keyring Keyring
	Pin     entry.Pin // of the ledger this node belongs to
	Logger  *slog.Logger
	Now     func() time.Time // time.Now when nil
}

// Node is the door of a ledger node. It is safe for concurrent use.
type Node struct {
	name    string
	replica Replica
	keyring Keyring
	pin     entry.Pin
	log     *slog.Logger
	now     func() time.Time

	people        peopleCache
	cases         caseCache
	organisations organisationCache
	probes        probeCache
	reads         readNotes
	accounts      accounts

	journaled journaledActs
	alarms    alarmCache

	mu        sync.Mutex // guards what follows
	halted    string     // why this node takes no more writes
	collected time.Time  // when a checkpoint was last collected for somebody who asked
	asked     time.Time  // when the leader was last asked, see lookTwice
}

// New returns the door to a replica. It starts nothing.
func New(o Options) (*Node, error) {
	if o.Name == "" || o.Replica == nil || o.Keyring == nil || o.Pin.Origin == "" {
		return nil, errors.New("make node: name, replica, keyring and policy are needed")
	}
	n := &Node{name: o.Name, replica: o.Replica, keyring: o.Keyring, pin: o.Pin, log: o.Logger, now: o.Now}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	if n.now == nil {
		n.now = time.Now
	}
	n.people.init()
	n.cases.init()
	n.organisations.init()
	n.probes.init()
	n.reads.init()
	n.accounts.init()
	n.journaled.init()
	return n, nil
}

// Name returns the node's name.
func (n *Node) Name() string { return n.name }

// Origin returns the origin of the ledger.
func (n *Node) Origin() string { return n.pin.Origin }

// Linearizable returns when the views of this node contain everything that was acknowledged anywhere before the call.
func (n *Node) Linearizable(ctx context.Context) error { return n.replica.Linearizable(ctx) }

// Changed returns a channel that is closed when the state of this node next changes.
func (n *Node) Changed() <-chan struct{} { return n.replica.Changed() }

// Halted says why this node takes no more writes, "" when it does.
func (n *Node) Halted() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.halted
}

// halt stops all writes through this node for good: its ledger contradicts what its own cosigners signed.
func (n *Node) halt(reason string) {
	n.mu.Lock()
	n.halted = reason
	n.mu.Unlock()
	n.replica.SetDoorProblem(reason)
	n.log.Error("node halted: it takes no more writes", "reason", reason)
}

// At says which node answered, and from a state of how many entries.
type At struct {
	Node    string
	Entries int64
}

// view runs read on one state and says which.
func (n *Node) view(read func(*store.View) error) (At, error) {
	at := At{Node: n.name}
	err := n.replica.View(func(v *store.View) error {
		at.Entries = v.Size()
		return read(v)
	})
	return at, err
}

// At says which node this is and how many entries it holds.
func (n *Node) At() (At, error) { return n.view(func(*store.View) error { return nil }) }

// draft is an entry about to be proposed.
type draft struct {
	kind     entry.Kind
	subjects []entry.Subject // touched
	observed []entry.Subject // observed, see entry.Link
	payload  []byte
	sealKey  *dataKey // seals the payload; nil leaves it clear
}

// dedupID makes the ID under which something other than an act is entered once.
func dedupID(what string, parts ...[]byte) *ledger.ActID {
	h := sha256.New()
	h.Write([]byte("isotherm/" + what + "/v1\n"))
	for _, p := range parts {
		h.Write(p)
	}
	id := ledger.ActID(h.Sum(nil)[:ledger.IDSize])
	return &id
}

// entryOf makes the command's entry: salted, committed to, sealed, with this node's name and clock.
func (n *Node) entryOf(d draft) (*command.Entry, error) {
	if len(d.payload) > entry.MaxPayload {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%s of %d bytes, at most %d are allowed", d.kind, len(d.payload), entry.MaxPayload)
	}
	for _, subjects := range []*[]entry.Subject{&d.subjects, &d.observed} {
		slices.SortFunc(*subjects, entry.CompareSubjects)
		*subjects = slices.Compact(*subjects)
		if len(*subjects) > entry.MaxLinks {
			return nil, ledger.Errorf(ledger.CodeInvalid, "%s touches %d subjects, at most %d are allowed", d.kind, len(*subjects), entry.MaxLinks)
		}
	}
	salted := entry.Salted(d.payload)
	e := &command.Entry{Kind: d.kind, RecordTimeMS: n.now().UnixMilli(), Node: n.name, Subjects: d.subjects, Observed: d.observed,
		Commitment: entry.Commit(salted), Stored: salted}
	if d.sealKey != nil {
		sealed, err := d.sealKey.seal(salted)
		if err != nil {
			return nil, err
		}
		e.Stored, e.SealedFor = sealed, d.sealKey.name
	}
	return e, nil
}

// propose has the command committed and turns every status but Done and Duplicate into an error.
func (n *Node) propose(ctx context.Context, c *command.Command) (command.Result, error) {
	if reason := n.Halted(); reason != "" {
		return command.Result{}, ledger.Errorf(ledger.CodeUnavailable, "node %s takes no writes: %s", n.name, reason).
			WithHint("use another node, and have this one examined")
	}
	r, err := n.replica.Propose(ctx, c)
	if err != nil {
		return r, err
	}
	switch r.Status {
	case command.Done, command.Duplicate:
		return r, nil
	case command.Conflict:
		return r, &ConflictError{Next: r.Next, Root: r.Root}
	case command.WrongRoot:
		return r, ledger.Errorf(ledger.CodeWrongRoot, "the records do not give the root of the signed head").
			WithHint("nothing was changed; the batch was damaged or its head is of another journal")
	case command.UnknownBox:
		return r, errUnknownBox()
	case command.NoSecret:
		return r, ledger.Errorf(ledger.CodeUnauthenticated, "the token is used up or was never made").
			WithHint("ask an administrator for a new one")
	case command.Malformed:
		return r, ledger.Errorf(ledger.CodeInvalid, "the batch can't be read or breaks a limit")
	case command.Quarantined:
		return r, ledger.Errorf(ledger.CodeQuarantined, "this journal has forked: two heads of one size with different roots are signed by the box").
			WithHint("restart the box, so that it opens a new journal; the old one is kept and shown")
	}
	return r, fmt.Errorf("command answered with unknown status %d", r.Status)
}

// proposeHere has the command committed and waits until this node has applied it, so that what it takes away is gone here
// when the call returns.
func (n *Node) proposeHere(ctx context.Context, c *command.Command) error {
	r, err := n.propose(ctx, c)
	if err != nil || c.Entry == nil {
		return err
	}
	return n.waitFor(ctx, r.Index+1)
}

func errUnknownBox() *ledger.Error {
	return ledger.Errorf(ledger.CodeNotFound, "this box is not enrolled").WithHint("enrol it with a one-time token")
}

// ConflictError says that a batch starts elsewhere than the ledger's journal ends.
type ConflictError struct {
	Next int64     // size of the journal as the ledger holds it
	Root tlog.Hash // its root there
}

func (e *ConflictError) Error() string { return e.problem().Error() }

func (e *ConflictError) problem() *ledger.Error {
	return ledger.Errorf(ledger.CodeConflict, "the ledger holds this journal up to record %d, and a batch must start there", e.Next).
		WithHint("compare your root there with the ledger's, then go on from next")
}

// Unwrap returns the error with its code.
func (e *ConflictError) Unwrap() error { return e.problem() }
