package replica

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/durable"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/store"
)

const (
	publishedFile = "published"
	// roundLimit is how long one collection of cosignatures may take.
	roundLimit = 3 * time.Second
	// maxAsked is how many requests may be open to one peer: a peer that hangs must not gather a goroutine a round.
	maxAsked = 8
)

// heads collects cosigned checkpoints and keeps the newest. One collection runs at a time; everybody who needs one
// meanwhile shares the next.
type heads struct {
	logKey  ed25519.PrivateKey
	name    string
	store   *store.Store
	signer  *signer
	trust   *trustKeeper
	network network
	logger  *slog.Logger
	fatal   func(error)
	ctx     context.Context // ends with the replica
	work    sync.WaitGroup  // requests under way

	mu        sync.Mutex // guards what follows
	slots     *durable.Slots
	published merkle.Checkpoint
	signed    []byte
	running   *round
	asked     map[string]int // open requests by peer
}

// round is one collection.
type round struct {
	done chan struct{}
	size int64 // set before done is closed, with err
	err  error
}

// open reads the newest published checkpoint and checks that the state does not contradict it.
func (h *heads) open(dir string) error {
	path := filepath.Join(dir, publishedFile)
	slots, err := durable.OpenSlots(path)
	if errors.Is(err, os.ErrNotExist) {
		slots, err = durable.CreateSlots(path, nil)
	}
	if err != nil {
		return fmt.Errorf("read published checkpoint: %w", err)
	}
	h.slots = slots
	signed := slots.Value()
	if len(signed) == 0 {
		return nil
	}
	cp, err := merkle.Open(signed, h.trust.pin.Origin, h.trust.pin.LogKey)
	if err != nil {
		return errors.Join(fmt.Errorf("read published checkpoint: %w", err), slots.Close())
	}
	root, err := h.signer.rootAt(cp.Size)
	if err == nil && root != cp.Root {
		err = fmt.Errorf("the state's root at %d is %v, but %v was published", cp.Size, root, cp.Root)
	}
	if err != nil && !errors.Is(err, errBehind) {
		return errors.Join(fmt.Errorf("read published checkpoint: %w", err), slots.Close())
	}
	h.published, h.signed = cp, signed
	return nil
}

// newest returns the newest published checkpoint, nil when there is none.
func (h *heads) newest() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]byte(nil), h.signed...)
}

// atLeast returns a published checkpoint of size minSize or more, which this node has applied.
func (h *heads) atLeast(ctx context.Context, minSize int64) ([]byte, error) {
	for {
		h.mu.Lock()
		if h.signed != nil && h.published.Size >= minSize {
			defer h.mu.Unlock()
			return append([]byte(nil), h.signed...), nil
		}
		r := h.running
		if r == nil {
			r = &round{done: make(chan struct{})}
			h.running = r
			h.work.Go(func() { h.run(r) })
		}
		h.mu.Unlock()
		select {
		case <-r.done:
		case <-ctx.Done():
			return nil, unavailable("collect cosignatures", ctx.Err())
		}
		if r.err != nil && r.size >= minSize {
			return nil, r.err
		}
	}
}

// run makes one collection for the state's size as it begins.
func (h *heads) run(r *round) {
	ctx, cancel := context.WithTimeout(h.ctx, roundLimit)
	defer cancel()
	cp, signed, err := h.collect(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		err = h.publish(cp, signed)
	}
	r.size, r.err = cp.Size, err
	if err != nil && cp.Size == 0 {
		r.size = 1<<63 - 1 // it failed before it began: for whatever size
	}
	h.running = nil
	close(r.done)
}

// publish makes a checkpoint the newest, on disk first. The caller holds mu.
func (h *heads) publish(cp merkle.Checkpoint, signed []byte) error {
	if cp.Size <= h.published.Size {
		return nil
	}
	if err := h.slots.Set(signed); err != nil {
		h.fatal(err)
		return ledger.Errorf(ledger.CodeInternal, "publish checkpoint %d: the disk failed", cp.Size)
	}
	h.published, h.signed = cp, signed
	return nil
}

// collect has the state's newest size cosigned. Peers are asked while this node makes its own promise last.
func (h *heads) collect(ctx context.Context) (merkle.Checkpoint, []byte, error) {
	cp := merkle.Checkpoint{Origin: h.trust.pin.Origin}
	var trust *entry.Trust
	err := h.store.View(func(v *store.View) (err error) {
		if trust, err = h.trust.at(v); err != nil {
			return err
		}
		cp.Size = v.Size()
		cp.Root, err = v.Root(cp.Size)
		return err
	})
	if err != nil {
		return merkle.Checkpoint{}, nil, err
	}
	if cp.Size == 0 {
		return cp, nil, ledger.Errorf(ledger.CodeUnavailable, "the ledger has no entry yet")
	}
	set := trust.SetAt(cp.Size).Members
	lines := make(chan string, len(set)) // room for every answer: late ones hold up nobody
	asked := h.askPeers(ctx, cp, set, lines)
	own, err := h.signer.cosign(cp)
	if err != nil {
		return cp, nil, err
	}
	signed, err := merkle.Sign(cp, h.logKey)
	if err != nil {
		return cp, nil, err
	}
	have, need := 0, merkle.Majority(len(set))
	if h.valid(signed, own, h.name, set) {
		signed = merkle.AddCosignatures(signed, own)
		have++
	}
	for ; have < need && asked > 0; asked-- {
		if line := <-lines; line != "" {
			signed = merkle.AddCosignatures(signed, line)
			have++
		}
	}
	if have < need {
		return cp, nil, ledger.Errorf(ledger.CodeUnavailable, "checkpoint %d has %d cosignatures, want %d of %d", cp.Size, have, need, len(set)).
			WithHint("a majority of the nodes must be up and reach each other")
	}
	return cp, signed, nil
}

// askPeers asks every member but this node and returns how many answers will come; one that failed is "".
func (h *heads) askPeers(ctx context.Context, cp merkle.Checkpoint, set []merkle.CosignerKey, lines chan<- string) int {
	bare, err := merkle.Sign(cp, h.logKey) // only to check cosignatures against; it leaves this node cosigned or not at all
	if err != nil {
		return 0
	}
	asked := 0
	for _, m := range set {
		if m.Name == h.name || !h.admit(m.Name) {
			continue
		}
		asked++
		// The request outlives the round on purpose: to break it off would cost the connection, and a peer that is
		// late now is the one that is asked again next.
		h.work.Go(func() {
			defer h.release(m.Name)
			line, err := h.ask(m.Name, cp)
			if err != nil {
				h.logger.Debug("peer did not cosign", "peer", m.Name, "size", cp.Size, "error", err)
			}
			if err != nil || !h.valid(bare, line, m.Name, set) {
				line = ""
			}
			select {
			case lines <- line:
			case <-ctx.Done():
			}
		})
	}
	return asked
}

func (h *heads) ask(peer string, cp merkle.Checkpoint) (string, error) {
	ctx, cancel := context.WithTimeout(h.ctx, roundLimit)
	defer cancel()
	body, err := json.Marshal(cosignRequest{Origin: cp.Origin, Size: cp.Size, Root: cp.Root})
	if err != nil {
		return "", err
	}
	answer, err := h.network.call(ctx, peer, methodCosign, body)
	return string(answer), err
}

// valid tells whether the line is that member's cosignature of the signed checkpoint.
func (h *heads) valid(signed []byte, line, name string, set []merkle.CosignerKey) bool {
	for _, m := range set {
		if m.Name == name {
			got, err := merkle.Cosignatures(merkle.AddCosignatures(signed, line), []merkle.CosignerKey{m})
			return err == nil && len(got) == 1
		}
	}
	return false
}

func (h *heads) admit(peer string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asked[peer] >= maxAsked {
		return false
	}
	h.asked[peer]++
	return true
}

func (h *heads) release(peer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[peer]--
}

func (h *heads) close() error {
	h.work.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.slots.Close()
}
