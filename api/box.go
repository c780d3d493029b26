package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"time"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/merkle"
	"isotherm/ledger/node"
)

// EnrolBox makes a box known with its one-time token.
func (h *handler) EnrolBox(ctx context.Context, r server.EnrolBoxRequestObject) (server.EnrolBoxResponseObject, error) {
	box, index, err := h.node.EnrolBox(ctx, callOf(ctx).token, r.Body.Key, r.Body.Head, r.Body.Label)
	if err != nil {
		return nil, err
	}
	genesis, err := h.node.Genesis()
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.EnrolBox200JSONResponse{Box: box, Index: index, Genesis: genesis}, nil
}

// CreateEnrolToken makes a one-time token for a box.
func (h *handler) CreateEnrolToken(ctx context.Context, r server.CreateEnrolTokenRequestObject) (server.CreateEnrolTokenResponseObject, error) {
	t, err := h.node.CreateEnrolToken(ctx, principal(ctx), r.Body.Label, time.Duration(r.Body.TTLSeconds)*time.Second)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.CreateEnrolToken200JSONResponse{Token: t.Token, ExpiresMS: t.Expires.UnixMilli()}, nil
}

// SyncBox takes a batch.
func (h *handler) SyncBox(ctx context.Context, r server.SyncBoxRequestObject) (server.SyncBoxResponseObject, error) {
	release, err := acquire(h.syncs, "syncs")
	if err != nil {
		return nil, err
	}
	defer release()
	if err := checkContentType(callOf(ctx).op, callOf(ctx).request); err != nil {
		return nil, err
	}
	wire, err := readBody(r.Body, batch.MaxWire)
	if err != nil {
		return nil, err
	}
	checkpoint, err := base64.StdEncoding.DecodeString(r.Params.IsothermCheckpoint)
	if err != nil || len(checkpoint) > merkle.MaxNote {
		return nil, ledger.Errorf(ledger.CodeInvalid, "header Isotherm-Checkpoint is not base64, or too long")
	}
	got, err := h.node.Sync(ctx, r.Box, wire, checkpoint)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	if got.Acts == nil {
		got.Acts = [][]byte{}
	}
	return server.SyncBox200JSONResponse{Next: got.Next, Receipt: got.Receipt, Acts: got.Acts}, nil
}

// GetBoxHead returns the head of a box's journal at a time, for an act that is typed late.
func (h *handler) GetBoxHead(ctx context.Context, r server.GetBoxHeadRequestObject) (server.GetBoxHeadResponseObject, error) {
	head, at, err := h.node.HeadAt(ctx, principal(ctx), r.Box, r.Params.AtMS)
	if err != nil {
		return nil, err
	}
	callOf(ctx).answeredAt(at)
	return server.GetBoxHead200JSONResponse{Node: at.Node, Entries: at.Entries, Box: r.Box, Head: head.Head, Size: head.Size, WallMS: head.WallMS}, nil
}

// GetReceipt returns the receipt for a part of a journal.
func (h *handler) GetReceipt(ctx context.Context, r server.GetReceiptRequestObject) (server.GetReceiptResponseObject, error) {
	receipt, err := h.node.Receipt(ctx, r.Box, r.Incarnation, r.Params.Size)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.GetReceipt200ApplicationOctetStreamResponse{Body: io.Reader(bytes.NewReader(receipt)), ContentLength: int64(len(receipt))}, nil
}

// ListBoxes lists the boxes, and their shipments where the caller may see them.
func (h *handler) ListBoxes(ctx context.Context, r server.ListBoxesRequestObject) (server.ListBoxesResponseObject, error) {
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.ListBoxes304Response{}, err
	}
	boxes, at, err := h.node.Boxes(ctx, principal(ctx))
	if err != nil {
		return nil, err
	}
	out := server.ListBoxes200JSONResponse{Node: at.Node, Entries: at.Entries, Boxes: []contract.Box{}}
	for _, b := range boxes {
		out.Boxes = append(out.Boxes, showBox(b))
	}
	callOf(ctx).cacheable(at)
	return out, nil
}

func showBox(b *node.Box) contract.Box {
	out := contract.Box{ID: b.ID, Label: b.Label, Head: b.Head, LastContactMS: b.LastContactMS, Shipments: append([]ledger.ShipmentID{}, b.Shipments...)}
	if b.Journal != nil {
		out.Incarnation, out.Size = b.Journal.Incarnation, b.Journal.Size
	}
	for _, p := range b.Probes {
		one := contract.BoxProbe{Probe: int(p.Number), Place: p.Place, Model: p.Model, Certificate: p.Certificate, UntilMS: p.UntilMS, IssuedMS: p.IssuedMS}
		for _, point := range p.Points {
			one.Points = append(one.Points, contract.CalibrationPoint{ReferenceMC: point.ReferenceMC, IndicatedMC: point.IndicatedMC})
		}
		if p.Recall != nil {
			one.RecalledMS = p.Recall.RecordTimeMS
		}
		out.Probes = append(out.Probes, one)
	}
	return out
}
