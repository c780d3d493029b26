package api

import (
	"context"

	"isotherm/api/contract"
	"isotherm/api/server"
)

// CommitToDonorID returns the keyed commitment to a donor ID.
func (h *handler) CommitToDonorID(ctx context.Context, r server.CommitToDonorIDRequestObject) (server.CommitToDonorIDResponseObject, error) {
	commitment, err := h.node.CommitToDonor(ctx, principal(ctx), r.Body.DonorID)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.CommitToDonorID200JSONResponse{Commitment: commitment}, nil
}

// KeepDonorID keeps the donor ID of a case, sealed.
func (h *handler) KeepDonorID(ctx context.Context, r server.KeepDonorIDRequestObject) (server.KeepDonorIDResponseObject, error) {
	if err := h.node.KeepDonorID(ctx, principal(ctx), r.Shipment, r.Body.DonorID); err != nil {
		return nil, err
	}
	return server.KeepDonorID204Response{}, nil
}

// RevealDonorID shows the donor ID of a case, which is an entry.
func (h *handler) RevealDonorID(ctx context.Context, r server.RevealDonorIDRequestObject) (server.RevealDonorIDResponseObject, error) {
	id, at, err := h.node.RevealDonor(ctx, principal(ctx), r.Shipment, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	callOf(ctx).answeredAt(at)
	return server.RevealDonorID200JSONResponse{DonorID: id}, nil
}

// FindByDonorID finds cases, which is an entry.
func (h *handler) FindByDonorID(ctx context.Context, r server.FindByDonorIDRequestObject) (server.FindByDonorIDResponseObject, error) {
	found, at, err := h.node.FindByDonor(ctx, principal(ctx), r.Body.DonorID)
	if err != nil {
		return nil, err
	}
	out := server.FindByDonorID200JSONResponse{Found: []contract.FoundCase{}}
	for _, f := range found {
		out.Found = append(out.Found, contract.FoundCase{Shipment: f.ID, Readable: f.Readable})
	}
	callOf(ctx).answeredAt(at)
	return out, nil
}
