package api

import (
	"context"
	"strings"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/node"
)

// Pages of lists.
const (
	defaultPage     = 100
	defaultReadings = 1000
)

// ListShipments returns a page of the board. Its cursor is the last shipment of the page before.
func (h *handler) ListShipments(ctx context.Context, r server.ListShipmentsRequestObject) (server.ListShipmentsResponseObject, error) {
	callOf(ctx).changesWithTime(h.now())
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.ListShipments304Response{}, err
	}
	var after ledger.ShipmentID
	if r.Params.Cursor != "" {
		var err error
		if after, err = ledger.ParseID[ledger.ShipmentID](r.Params.Cursor); err != nil {
			return nil, ledger.Errorf(ledger.CodeInvalid, "cursor %.40q is none that was given out", r.Params.Cursor).WithHint("begin without one")
		}
	}
	list, at, err := h.node.Shipments(ctx, principal(ctx))
	if err != nil {
		return nil, err
	}
	limit := orDefault(r.Params.Limit, defaultPage)
	out := server.ListShipments200JSONResponse{Node: at.Node, Entries: at.Entries, Shipments: []contract.Summary{}}
	for _, v := range list {
		line := summary(v)
		if line.ID.String() <= after.String() && r.Params.Cursor != "" || !matches(&line, r.Params) {
			continue
		}
		if len(out.Shipments) == limit {
			out.Next = out.Shipments[limit-1].ID.String()
			break
		}
		out.Shipments = append(out.Shipments, line)
	}
	callOf(ctx).cacheable(at)
	callOf(ctx).nextPage(out.Next)
	return out, nil
}

func matches(s *contract.Summary, p contract.ListShipmentsParams) bool {
	if p.Phase != "" && s.Phase != p.Phase || p.Organ != "" && s.Organ != p.Organ || p.Dest != "" && !strings.EqualFold(s.Dest, p.Dest) {
		return false
	}
	if p.Q == "" {
		return true
	}
	text := s.ID.String() + " " + s.Box.String() + " " + s.From + " " + s.Dest
	return strings.Contains(strings.ToLower(text), strings.ToLower(p.Q))
}

// GetShipment returns one shipment.
func (h *handler) GetShipment(ctx context.Context, r server.GetShipmentRequestObject) (server.GetShipmentResponseObject, error) {
	callOf(ctx).changesWithTime(h.now())
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.GetShipment304Response{}, err
	}
	v, at, err := h.node.Shipment(ctx, principal(ctx), r.Shipment)
	if err != nil {
		return nil, err
	}
	if err := h.nameSigners(v); err != nil {
		return nil, err
	}
	callOf(ctx).cacheable(at)
	out := detail(v, h.now().UnixMilli())
	out.Node, out.Entries = at.Node, at.Entries
	return server.GetShipment200JSONResponse(out), nil
}

// nameSigners adds those who signed beside the parties: a second person at the label, or one who ruled.
func (h *handler) nameSigners(v *node.Shipment) error {
	for _, item := range v.State.History {
		for _, s := range item.Act.Signatures {
			if v.People[s.Person] != nil {
				continue
			}
			p, _, err := h.node.Person(s.Person)
			if err != nil {
				return err
			}
			if p != nil {
				v.People[s.Person] = p
			}
		}
	}
	return nil
}

// GetTip says what the next act follows, also to who may act on a case that they can't read.
func (h *handler) GetTip(ctx context.Context, r server.GetTipRequestObject) (server.GetTipResponseObject, error) {
	tip, at, err := h.node.Tip(ctx, principal(ctx), r.Shipment)
	if err != nil {
		return nil, err
	}
	callOf(ctx).answeredAt(at)
	return server.GetTip200JSONResponse{Node: at.Node, Entries: at.Entries, Tip: tip.Hash, BoxHead: tip.BoxHead}, nil
}

// SubmitAct enters a signed act.
func (h *handler) SubmitAct(ctx context.Context, r server.SubmitActRequestObject) (server.SubmitActResponseObject, error) {
	raw, err := readBody(r.Body, custody.MaxSize)
	if err != nil {
		return nil, err
	}
	got, err := h.node.SubmitAct(ctx, principal(ctx), raw)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	// What else is wrong with the case is for those who may read it.
	flags, hash := []string{}, got.Act.Hash()
	for _, f := range got.State.Flags {
		if f.Act == hash || f.Act == [32]byte{} {
			flags = append(flags, f.Text)
		}
	}
	return server.SubmitAct200JSONResponse{Index: got.Index, RecordTimeMS: got.RecordTimeMS, Duplicate: got.Duplicate,
		Act: got.Act.Statement.ID, Hash: hash, Standing: got.Standing.String(), Tip: got.State.Tip, Flags: flags}, nil
}
