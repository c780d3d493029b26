package node

import (
	"slices"
	"sync"

	"isotherm/ledger"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// BoxProbe is a probe of a box, as its newest journal's boot record describes it.
type BoxProbe struct {
	record.Probe
	Recall *Recall // of its calibration certificate; nil: it was not recalled
}

// maxProbeSets bounds the boot records whose probes are kept in memory: one a box, mostly.
const maxProbeSets = 4096

// probeCache keeps the probes of journals: a boot record never changes, and reading it means to decode a batch.
type probeCache struct {
	mu sync.Mutex
	m  map[ledger.IncarnationID][]record.Probe // guarded by mu
}

func (c *probeCache) init() { c.m = map[ledger.IncarnationID][]record.Probe{} }

func (c *probeCache) get(inc ledger.IncarnationID) ([]record.Probe, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.m[inc]
	return p, ok
}

func (c *probeCache) put(inc ledger.IncarnationID, p []record.Probe) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= maxProbeSets {
		clear(c.m)
	}
	c.m[inc] = p
}

// boxProbes returns the probes of a journal, none when this version can't read its boot record.
func (n *Node) boxProbes(v *store.View, inc ledger.IncarnationID) ([]BoxProbe, error) {
	probes, ok := n.probes.get(inc)
	if !ok {
		boot, err := bootOf(v, inc)
		if err != nil {
			return nil, err
		}
		if boot != nil {
			probes = slices.Clone(boot.Probes)
		}
		n.probes.put(inc, probes)
	}
	var out []BoxProbe
	for _, p := range probes {
		one := BoxProbe{Probe: p}
		if p.Certificate != "" {
			var err error
			if one.Recall, err = n.recallOf(v, p.Certificate); err != nil {
				return nil, err
			}
		}
		out = append(out, one)
	}
	return out, nil
}
