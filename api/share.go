package api

import (
	"context"
	"time"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/node"
)

// BreakGlass opens a case that is not the caller's.
func (h *handler) BreakGlass(ctx context.Context, r server.BreakGlassRequestObject) (server.BreakGlassResponseObject, error) {
	until, err := h.node.BreakGlass(ctx, principal(ctx), r.Shipment, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return server.BreakGlass200JSONResponse{UntilMS: until.UnixMilli()}, nil
}

func shareInfo(s node.ShareInfo) contract.ShareInfo {
	return contract.ShareInfo{ID: s.ID, Label: s.Label, By: s.By, CreatedMS: s.CreatedMS, ExpiresMS: s.ExpiresMS}
}

// ListShares lists the share links of a case.
func (h *handler) ListShares(ctx context.Context, r server.ListSharesRequestObject) (server.ListSharesResponseObject, error) {
	list, at, err := h.node.Shares(ctx, principal(ctx), r.Shipment)
	if err != nil {
		return nil, err
	}
	out := server.ListShares200JSONResponse{Node: at.Node, Entries: at.Entries, Shares: []contract.ShareInfo{}}
	for _, s := range list {
		out.Shares = append(out.Shares, shareInfo(s))
	}
	callOf(ctx).answeredAt(at)
	return out, nil
}

// CreateShare makes a share link.
func (h *handler) CreateShare(ctx context.Context, r server.CreateShareRequestObject) (server.CreateShareResponseObject, error) {
	s, err := h.node.CreateShare(ctx, principal(ctx), r.Shipment, time.Duration(r.Body.TTLSeconds)*time.Second, r.Body.Label)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.CreateShare201JSONResponse{Token: s.Token, Info: shareInfo(s)}, nil
}

// RevokeShare makes a share link worth nothing.
func (h *handler) RevokeShare(ctx context.Context, r server.RevokeShareRequestObject) (server.RevokeShareResponseObject, error) {
	if err := h.node.RevokeShare(ctx, principal(ctx), r.Shipment, r.Share); err != nil {
		return nil, err
	}
	return server.RevokeShare204Response{}, nil
}

// GetShared returns what a share link shows.
func (h *handler) GetShared(ctx context.Context, _ server.GetSharedRequestObject) (server.GetSharedResponseObject, error) {
	v, at, err := h.node.Shared(ctx, principal(ctx))
	if err != nil {
		return nil, err
	}
	out := server.GetShared200JSONResponse{Node: at.Node, Entries: at.Entries, Shipment: v.Shipment, Label: v.Label, ExpiresMS: v.Expires.UnixMilli(),
		Phase: v.Phase.String(), Organ: v.Organ.String(), Side: custody.CodeText(v.Side), Dest: v.Dest, DestPhone: v.DestPhone, Holders: []contract.SharedHolder{},
		BandLowMC: v.BandLowMC, BandHighMC: v.BandHighMC, LastReadingMS: v.LastReadingMS, LastContactMS: v.LastContactMS,
		CoveragePermille: v.CoveragePermille, Excursions: []contract.SharedExcursion{}, Simulated: v.Simulated}
	if v.Last != nil {
		out.LastTempMC = &v.Last.MC
	}
	for _, o := range v.Holders {
		out.Holders = append(out.Holders, contract.SharedHolder{Organisation: o.Organisation, SinceMS: o.SinceMS, Evidence: o.Evidence.String()})
	}
	for _, x := range v.Excursions {
		out.Excursions = append(out.Excursions, contract.SharedExcursion{Rule: x.Rule, FromMS: x.FromMS, DurationMS: x.DurationMS, Open: x.Open})
	}
	if p := v.Position; p != nil {
		out.Position = &contract.SharedPosition{WallMS: p.WallMS, LatE7: p.LatE7, LonE7: p.LonE7}
	}
	callOf(ctx).answeredAt(at)
	return out, nil
}

const given = "given"

// consentSubject returns whom a consent concerns: a case or a person, one of both.
func consentSubject(id ledger.ShipmentID, person ledger.PersonID) (entry.Subject, error) {
	if id.IsZero() == person.IsZero() {
		return entry.Subject{}, ledger.Errorf(ledger.CodeInvalid, "name a shipment or a person, one of both")
	}
	if id.IsZero() {
		return entry.Account(person), nil
	}
	return entry.Case(id), nil
}

// PutConsent notes a consent or its withdrawal.
func (h *handler) PutConsent(ctx context.Context, r server.PutConsentRequestObject) (server.PutConsentResponseObject, error) {
	subject, err := consentSubject(r.Body.Shipment, r.Body.Person)
	if err != nil {
		return nil, err
	}
	scope, err := entry.ParseConsentScope(r.Body.Scope)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	p := principal(ctx)
	index, err := h.node.PutConsent(ctx, p, subject, entry.Consent{Scope: scope, Given: r.Body.State == given, Reference: r.Body.Reference, SHA256: r.Body.SHA256, By: p.Person})
	if err != nil {
		return nil, err
	}
	return server.PutConsent200JSONResponse{Index: index}, nil
}

// ListConsents lists consents and withdrawals.
func (h *handler) ListConsents(ctx context.Context, r server.ListConsentsRequestObject) (server.ListConsentsResponseObject, error) {
	subject, err := consentSubject(r.Params.Shipment, r.Params.Person)
	if err != nil {
		return nil, err
	}
	list, at, err := h.node.Consents(ctx, principal(ctx), subject)
	if err != nil {
		return nil, err
	}
	out := server.ListConsents200JSONResponse{Node: at.Node, Entries: at.Entries, Consents: []contract.ConsentItem{}}
	for _, c := range list {
		item := contract.ConsentItem{Index: c.Index, TimeMS: c.TimeMS, By: c.By, Scope: c.Scope.String(), Reference: c.Reference, SHA256: c.SHA256, State: "withdrawn"}
		if c.Given {
			item.State = given
		}
		out.Consents = append(out.Consents, item)
	}
	callOf(ctx).answeredAt(at)
	return out, nil
}
