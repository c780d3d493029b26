package replica

import (
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/raft"

	"isotherm/ledger/merkle"
)

// MemNet connects nodes of a test inside one process, and can cut them off.
type MemNet struct {
	mu    sync.Mutex
	nodes map[string]*memNode
	calls map[string]int                        // by method
	bend  map[string]func(answer []byte) []byte // by node and method; a nil answer never comes
}

type memNode struct {
	net       *MemNet
	name      string
	transport *raft.InmemTransport
	handler   handler
	cut       bool
}

// NewMemNet returns a network without nodes.
func NewMemNet() *MemNet {
	return &MemNet{nodes: map[string]*memNode{}, calls: map[string]int{}, bend: map[string]func([]byte) []byte{}}
}

// OpenOn opens a node on the network. Tune may change raft's configuration.
func (n *MemNet) OpenOn(cfg Config, tune func(*raft.Config)) (*Replica, error) {
	cfg.tune = tune
	cfg.segment = 4 << 10 // small, so that dropping old entries really drops them
	addr := Peer{Name: cfg.Name, Addr: "mem:1"}.address()
	_, transport := raft.NewInmemTransport(addr)
	node := &memNode{net: n, name: cfg.Name, transport: transport}
	r, err := open(cfg, &members{fixed: cfg.Peers}, node)
	if err != nil {
		return nil, errors.Join(err, transport.Close())
	}
	return r, nil
}

// Calls returns how many requests of a kind were made.
func (n *MemNet) Calls(method string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls[method]
}

// Cut cuts a node off, or lets it back.
func (n *MemNet) Cut(name string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes[name].cut = cut
	n.connect()
}

// Bend changes a node's answers to a kind of request, or keeps them back when change returns nil.
func (n *MemNet) Bend(name, method string, change func(answer []byte) []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bend[name+" "+method] = change
}

// connect connects all nodes that are not cut off. The caller holds mu.
func (n *MemNet) connect() {
	for _, a := range n.nodes {
		a.transport.DisconnectAll()
		for _, b := range n.nodes {
			if !a.cut && !b.cut {
				a.transport.Connect(b.transport.LocalAddr(), b.transport)
			}
		}
	}
}

func (m *memNode) raftTransport() raft.Transport { return m.transport }

func (m *memNode) serve(h handler) {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	m.handler = h
	m.net.nodes[m.name] = m
	m.net.connect()
}

func (m *memNode) call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	m.net.mu.Lock()
	p := m.net.nodes[peer]
	m.net.calls[method]++
	broken := m.cut || p == nil || p.cut
	bend := m.net.bend[peer+" "+method]
	m.net.mu.Unlock()
	if broken {
		return nil, unavailable("ask "+peer, errors.New("cut off"))
	}
	answer, err := p.handler(ctx, m.name, method, body)
	if err != nil {
		err = toWire(err).err()
	}
	if err == nil && bend != nil {
		if answer = bend(answer); answer == nil {
			<-ctx.Done()
			return nil, unavailable("ask "+peer, ctx.Err())
		}
	}
	return answer, err
}

func (m *memNode) close() error {
	m.net.mu.Lock()
	defer m.net.mu.Unlock()
	if m.net.nodes[m.name] == m {
		delete(m.net.nodes, m.name)
		m.net.connect()
	}
	return m.transport.Close()
}

// AskCosign has a node asked for its cosignature, as a peer does.
func (r *Replica) AskCosign(ctx context.Context, cp merkle.Checkpoint) ([]byte, error) {
	return r.handleCosign(ctx, cp)
}

// ApplyRaw gives bytes to raft that are no command of this version.
func (r *Replica) ApplyRaw(data []byte) error { return r.raft.Apply(data, enqueueLimit).Error() }

// Snapshot has raft take a snapshot.
func (r *Replica) Snapshot() error { return r.raft.Snapshot().Error() }

// MarkerFile, LastSignedFile, StateFile and RaftDir are names in a node's folder.
const (
	MarkerFile     = markerFile
	LastSignedFile = lastSignedFile
	StateFile      = stateFile
	RaftDir        = raftDir
)
