package replica

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hashicorp/raft"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/command"
	"isotherm/ledger/merkle"
)

// What nodes ask each other, beside raft.
const (
	methodPropose   = "propose"    // command -> answer, on the leader
	methodCosign    = "cosign"     // cosignRequest -> cosignature line
	methodReadIndex = "read-index" // nothing -> raft index, on the leader
	methodMuster    = "muster"     // musterRequest -> musterAnswer
)

// cosignLimit is how long a node waits to apply the size it is asked to cosign.
const cosignLimit = 2 * time.Second

// maxMessage bounds a request and an answer between nodes.
const maxMessage = command.MaxSize

// network is how a node reaches the others.
type network interface {
	// raftTransport is for raft alone.
	raftTransport() raft.Transport
	// serve begins to hand other nodes' requests to h.
	serve(h handler)
	// call sends a request to a peer. Errors are *ledger.Error, marked errNotTaken when the peer had no part in it.
	call(ctx context.Context, peer, method string, body []byte) ([]byte, error)
	// close ends serving, and waits for it.
	close() error
}

// handler answers a request of a peer, whose name its certificate has proved.
type handler func(ctx context.Context, peer, method string, body []byte) ([]byte, error)

type cosignRequest struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// handle answers the other nodes' requests.
func (r *Replica) handle(ctx context.Context, _ string, method string, body []byte) ([]byte, error) {
	if r.begin() != nil {
		return nil, errNotTaken
	}
	defer r.work.Done()
	if method != methodCosign && method != methodMuster && r.signer.err() != nil {
		return nil, errNotTaken // another will lead soon
	}
	switch method {
	case methodPropose:
		if _, err := command.Parse(body); err != nil {
			return nil, ledger.Errorf(ledger.CodeInvalid, "propose: %v", err)
		}
		a, err := r.applyHere(ctx, body)
		if err != nil {
			return nil, err
		}
		return json.Marshal(a)
	case methodReadIndex:
		index, err := r.readIndex(ctx)
		if err != nil {
			return nil, err
		}
		return json.Marshal(index)
	case methodCosign:
		var q cosignRequest
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, ledger.Errorf(ledger.CodeInvalid, "cosign: %v", err)
		}
		return r.handleCosign(ctx, merkle.Checkpoint{Origin: q.Origin, Size: q.Size, Root: q.Root})
	case methodMuster:
		var q musterRequest
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, ledger.Errorf(ledger.CodeInvalid, "muster: %v", err)
		}
		a, err := r.musterSelf(q)
		if err != nil {
			return nil, err
		}
		return json.Marshal(a)
	}
	return nil, ledger.Errorf(ledger.CodeNotFound, "no such request: %.40q", method)
}

// handleCosign cosigns what this node has applied; what it has not, it waits for a little.
func (r *Replica) handleCosign(ctx context.Context, cp merkle.Checkpoint) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, cosignLimit)
	defer cancel()
	if err := r.waitState(ctx, func() bool { return r.machine.size.Load() >= cp.Size }); err != nil {
		return nil, err
	}
	line, err := r.signer.cosign(cp)
	return []byte(line), err
}

// wireError is an error between nodes.
type wireError struct {
	Code     ledger.Code
	Message  string
	Hint     string `json:",omitempty"`
	NotTaken bool   `json:",omitempty"`
}

func toWire(err error) wireError {
	w := wireError{Code: ledger.CodeOf(err), Message: err.Error(), NotTaken: errors.Is(err, errNotTaken)}
	var e *ledger.Error
	if errors.As(err, &e) {
		w.Message, w.Hint = e.Message, e.Hint
	}
	return w
}

func (w wireError) err() error {
	if w.NotTaken {
		return errNotTaken
	}
	return &ledger.Error{Code: w.Code, Message: w.Message, Hint: w.Hint}
}
