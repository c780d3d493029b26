package replica

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/merkle"
	"isotherm/ledger/muster"
	"isotherm/ledger/store"
)

const (
	// firstAsk and rootAsk are how long the nodes have to say how far they are, and their root: together shorter than a person
	// waits before they reload the page.
	firstAsk = 800 * time.Millisecond
	rootAsk  = 500 * time.Millisecond
	// maxMusters is how many may be under way: each asks every node twice.
	maxMusters = 4
)

// musterRequest asks a node how it is.
type musterRequest struct {
	Size int64 // at which to say the root; 0: none
}

// musterAnswer is what a node says of itself.
type musterAnswer struct {
	Entries      int64
	Checkpoint   int64
	Problem      string `json:",omitempty"` // why it signs or takes nothing more
	Root         *tlog.Hash
	Certificates []muster.Certificate
}

// Muster asks every node of the cluster how it is. A node that does not answer in time is listed with the reason. It takes at
// most 1.3 s, whatever the others do.
func (r *Replica) Muster(ctx context.Context) (muster.Muster, error) {
	if err := r.begin(); err != nil {
		return muster.Muster{}, err
	}
	defer r.work.Done()
	select {
	case r.musters <- struct{}{}:
		defer func() { <-r.musters }()
	case <-ctx.Done():
		return muster.Muster{}, unavailable("ask the nodes", ctx.Err())
	case <-r.ctx.Done():
		return muster.Muster{}, errShutdown
	}
	nodes := r.musterList()
	r.askAll(ctx, nodes, firstAsk, musterRequest{}, func(n *muster.Node, a musterAnswer, err error) {
		if err != nil {
			n.Problem = whyNot(err)
			return
		}
		n.Reached, n.Problem, n.Entries, n.Checkpoint, n.Certificates = true, a.Problem, a.Entries, a.Checkpoint, a.Certificates
	})
	size := muster.CommonSize(nodes)
	if size > 0 {
		r.askAll(ctx, nodes, rootAsk, musterRequest{Size: size}, func(n *muster.Node, a musterAnswer, err error) {
			switch {
			case err == nil:
				n.Root = a.Root
			case n.Reached && n.Problem == "":
				n.Problem = "its root is not known: " + whyNot(err)
			}
		})
	}
	return muster.Compare(size, nodes), nil
}

// musterList returns the nodes of raft's configuration by name, not yet asked.
func (r *Replica) musterList() []muster.Node {
	var out []muster.Node
	leader := r.leader()
	for _, s := range r.raft.GetConfiguration().Configuration().Servers {
		name := string(s.ID)
		out = append(out, muster.Node{Name: name, Voter: s.Suffrage == raft.Voter, Leader: name == leader})
	}
	slices.SortFunc(out, func(a, b muster.Node) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// askAll asks all nodes at once, and calls took for each: with the answer, or with why there is none. It returns when limit is
// over at the latest. Who was asked before and did not answer is not asked again.
func (r *Replica) askAll(ctx context.Context, nodes []muster.Node, limit time.Duration, q musterRequest, took func(*muster.Node, musterAnswer, error)) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	begin := time.Now()
	var asked sync.WaitGroup
	for i := range nodes {
		n := &nodes[i]
		if n.Problem != "" && !n.Reached {
			continue
		}
		asked.Go(func() {
			a, err := r.askOne(ctx, n.Name, q)
			took(n, a, err)
			n.Took = max(n.Took, time.Since(begin))
		})
	}
	asked.Wait()
}

func (r *Replica) askOne(ctx context.Context, name string, q musterRequest) (a musterAnswer, err error) {
	if name == r.cfg.Name {
		return r.musterSelf(q)
	}
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	answer, err := r.network.call(ctx, name, methodMuster, body)
	if ledger.CodeOf(err) == ledger.CodeUnavailable && ctx.Err() == nil { // the connection may be of before it restarted
		answer, err = r.network.call(ctx, name, methodMuster, body)
	}
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return a, ledger.Errorf(ledger.CodeInternal, "its answer can't be read: %v", err)
	}
	return a, nil
}

// whyNot says in one line why a node gave no answer.
func whyNot(err error) string {
	var dial *dialError
	switch {
	case errors.As(err, &dial):
		return dial.Error()
	case errors.Is(err, errNotTaken):
		return "it is stopping"
	case strings.Contains(err.Error(), context.DeadlineExceeded.Error()): // the network's errors keep no chain
		return "it did not answer in time"
	}
	return err.Error()
}

// musterSelf says how this node is.
func (r *Replica) musterSelf(q musterRequest) (a musterAnswer, err error) {
	err = r.store.View(func(v *store.View) error {
		if a.Entries = v.Size(); q.Size <= 0 {
			return nil
		}
		if q.Size > a.Entries {
			return errBehind
		}
		root, err := v.Root(q.Size)
		a.Root = &root
		return err
	})
	if err != nil {
		return a, err
	}
	cp, _ := merkle.PeekCheckpoint(r.heads.newest()) // none published: size 0
	a.Checkpoint = cp.Size
	var unread error
	a.Certificates, unread = r.certificates()
	for _, err := range []error{r.signer.err(), r.doorProblem(), unread} {
		if err != nil && a.Problem == "" {
			a.Problem = err.Error()
		}
	}
	return a, nil
}

// SetDoorProblem keeps why what stands before this replica takes nothing more, to be shown beside the other nodes.
func (r *Replica) SetDoorProblem(reason string) { r.door.Store(&reason) }

func (r *Replica) doorProblem() error {
	if reason := r.door.Load(); reason != nil {
		return errors.New("this node takes no more writes: " + *reason)
	}
	return nil
}

// certificates says until when this node's certificates are valid. Those that can be read are returned in either case.
func (r *Replica) certificates() (out []muster.Certificate, err error) {
	files := slices.Clone(r.cfg.Certs)
	if r.cfg.Listen != "" {
		files = append(files, CertFile{"cluster", r.cfg.CertFile}, CertFile{"ca", r.cfg.CAFile})
	}
	for _, f := range files {
		until, e := validUntil(f.File)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("certificate %s can't be read: %w", f.Use, e))
			continue
		}
		out = append(out, muster.Certificate{Use: f.Use, UntilMS: until.UnixMilli()})
	}
	return out, err
}

// validUntil returns the first end of the certificates in a PEM file.
func validUntil(file string) (until time.Time, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return until, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return until, err
		}
		if until.IsZero() || c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	if until.IsZero() {
		return until, fmt.Errorf("%s holds no certificate", file)
	}
	return until, nil
}
