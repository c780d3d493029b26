package replica

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/raft"

	"isotherm/ledger/entry"
)

// Peer is a node of the cluster.
type Peer struct {
	Name string
	Addr string // host:port of its cluster port
}

// CertFile is a PEM file with a certificate, and what it is for.
type CertFile struct {
	Use  string
	File string
}

// Config says who a node is and whom it belongs with.
type Config struct {
	Name      string // of this node, for life: raft ID, DNS name in its certificate, name in the cosigner set. A new disk needs a new name
	Dir       string // of its files; made when missing
	Listen    string // host:port of the cluster port; empty: a single node without a network
	Advertise string // host:port at which peers reach it; empty: Listen
	Peers     []Peer // the nodes of the cluster, this one among them. Their addresses win over replicated ones. Trusted: they may connect, removed from the cluster or not
	Bootstrap bool   // make a new cluster of Peers when Dir is empty; on any one, or all, of the first nodes

	CertFile string     // PEM certificate of this node by the cluster's own CA; read anew for every connection
	KeyFile  string     // its key
	CAFile   string     // PEM certificate of the CA. Trusted: whoever it certifies under a peer's name is that peer
	Certs    []CertFile // certificates of other ports, whose end Muster shows beside those of the cluster port

	LogKey    ed25519.PrivateKey // signs checkpoints; shared by all voters
	CosignKey ed25519.PrivateKey // cosigns them; this node's own
	Trust     *entry.Trust       // the ledger this node belongs to, from its genesis
	Logger    *slog.Logger       // nil: slog.Default

	tune    func(*raft.Config) // for tests
	segment int                // bytes of one file of the raft log; 0: segmentSize
}

// nodeName is what a DNS name in a certificate, a raft ID and a signed-note key name all allow.
var nodeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)

func (c *Config) check() error {
	if !nodeName.MatchString(c.Name) {
		return fmt.Errorf("node name %q: use lower-case letters, digits, '-' and '.', at most 63", c.Name)
	}
	if c.Dir == "" || c.Trust == nil || len(c.LogKey) != ed25519.PrivateKeySize || len(c.CosignKey) != ed25519.PrivateKeySize {
		return errors.New("replica needs a folder, trust, a log key and a cosigning key")
	}
	if !c.LogKey.Public().(ed25519.PublicKey).Equal(c.Trust.Pin.LogKey) {
		return errors.New("log key is not the one of this ledger")
	}
	for _, p := range c.Peers {
		if _, _, err := net.SplitHostPort(p.Addr); err != nil || !nodeName.MatchString(p.Name) {
			return fmt.Errorf("peer %q at %q: want a node name and host:port", p.Name, p.Addr)
		}
	}
	if c.Listen != "" && (c.CertFile == "" || c.KeyFile == "" || c.CAFile == "") {
		return errors.New("a cluster port needs a certificate, its key and the cluster's CA")
	}
	if c.Bootstrap && len(c.Peers) > 0 && !slices.ContainsFunc(c.Peers, func(p Peer) bool { return p.Name == c.Name }) {
		return fmt.Errorf("peers do not name this node, %s", c.Name)
	}
	return nil
}

// address is a peer in raft's configuration: name@host:port. The name says which certificate to expect there.
func (p Peer) address() raft.ServerAddress { return raft.ServerAddress(p.Name + "@" + p.Addr) }

func parseAddress(a raft.ServerAddress) (Peer, error) {
	name, addr, ok := strings.Cut(string(a), "@")
	if !ok || !nodeName.MatchString(name) {
		return Peer{}, fmt.Errorf("address %.80q is not name@host:port", string(a))
	}
	return Peer{Name: name, Addr: addr}, nil
}

// members knows the nodes that belong to the cluster: who may connect, and where they are.
type members struct {
	fixed []Peer // from the configuration file; these addresses win

	mu         sync.RWMutex // guards replicated
	replicated []Peer       // from raft's configuration
}

func (m *members) set(c raft.Configuration) {
	var peers []Peer
	for _, s := range c.Servers {
		if p, err := parseAddress(s.Address); err == nil {
			peers = append(peers, p)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.replicated = peers
}

// find returns the member of that name.
func (m *members) find(name string) (Peer, bool) {
	byName := func(p Peer) bool { return p.Name == name }
	if i := slices.IndexFunc(m.fixed, byName); i >= 0 {
		return m.fixed[i], true
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if i := slices.IndexFunc(m.replicated, byName); i >= 0 {
		return m.replicated[i], true
	}
	return Peer{}, false
}
