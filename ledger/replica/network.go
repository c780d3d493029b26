package replica

import (
	"context"

	"github.com/hashicorp/raft"
)

func newNetwork(cfg *Config, m *members) (network, error) {
	if cfg.Listen == "" {
		return newLone(cfg.Name), nil
	}
	return newTLSNetwork(cfg, m)
}

// lone is the network of a node that has no peers.
type lone struct {
	transport *raft.InmemTransport
}

func newLone(name string) lone {
	_, t := raft.NewInmemTransport(Peer{Name: name, Addr: "local"}.address())
	return lone{transport: t}
}

func (l lone) raftTransport() raft.Transport { return l.transport }

func (l lone) serve(handler) {}

func (l lone) call(context.Context, string, string, []byte) ([]byte, error) {
	return nil, errNotTaken
}

func (l lone) close() error { return l.transport.Close() }
