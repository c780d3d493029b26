package replica

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// trustKeeper keeps the ledger's keys and cosigner sets as the state says. Until the genesis is in the log, they are
// what the configuration says.
type trustKeeper struct {
	pin     entry.Pin
	logger  *slog.Logger
	current atomic.Pointer[trustAt]
}

// trustAt is the trust after so many entries of the policy subject.
type trustAt struct {
	trust *entry.Trust
	count uint64
}

func newTrustKeeper(t *entry.Trust, logger *slog.Logger) *trustKeeper {
	k := &trustKeeper{pin: t.Pin, logger: logger}
	k.current.Store(&trustAt{trust: t})
	return k
}

// at returns the trust that a view's entries give. An error means that this is another ledger's state.
func (k *trustKeeper) at(v *store.View) (*entry.Trust, error) {
	count, _, _ := v.Last(entry.Policy)
	if now := k.current.Load(); now.count == count {
		return now.trust, nil
	}
	indexes := make([]int64, count)
	for n, index := range v.Chain(entry.Policy) {
		indexes[n-1] = index
	}
	var t *entry.Trust
	for _, index := range indexes {
		leaf, payload, err := policyEntry(v, index)
		if err != nil {
			return nil, err
		}
		switch {
		case leaf.Kind == entry.KindGenesis && t == nil:
			g, err := entry.ParseGenesis(payload)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", index, err)
			}
			if t = entry.NewTrust(g); !t.Pin.Equal(k.pin) {
				return nil, fmt.Errorf("the state is of the ledger %s with other keys than configured", g.Origin)
			}
		case leaf.Kind == entry.KindCosigners && t != nil:
			k.extend(t, index, payload)
		}
	}
	if t == nil {
		return nil, errors.New("the state does not begin with a genesis")
	}
	k.current.Store(&trustAt{trust: t, count: count})
	return t, nil
}

// extend takes a cosigner set that counts. One that does not count changes nothing, for us as for every verifier.
func (k *trustKeeper) extend(t *entry.Trust, index int64, payload []byte) {
	c, err := entry.ParseSetChange(payload)
	if err == nil {
		err = t.Extend(index, c)
	}
	if err != nil {
		k.logger.Error("a cosigner set in the ledger does not count", "index", index, "reason", err)
	}
}

func policyEntry(v *store.View, index int64) (*entry.Leaf, []byte, error) {
	raw, err := v.Leaf(index)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := entry.ParseLeaf(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("entry %d: %w", index, err)
	}
	stored, sealedFor, err := v.Stored(index)
	if err != nil {
		return nil, nil, err
	}
	if sealedFor != "" {
		return leaf, nil, nil // a policy entry is never sealed; what is in it counts for nothing
	}
	payload, err := leaf.Payload(stored)
	if err != nil {
		return nil, nil, fmt.Errorf("entry %d: %w", index, err)
	}
	return leaf, payload, nil
}
