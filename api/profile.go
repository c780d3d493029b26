package api

import (
	"context"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/node"
	"isotherm/ledger/profile"
)

// profiles returns what was published, then what isotherm ships.
func (h *handler) profiles() ([]contract.Profile, node.At, error) {
	published, at, err := h.node.Profiles()
	if err != nil {
		return nil, at, err
	}
	out := []contract.Profile{}
	known := map[contract.Hash]bool{}
	for _, p := range published {
		v := showProfile(p.Profile)
		v.Index, v.By = p.Index, p.Published.By
		known[v.Hash] = true
		out = append(out, v)
	}
	for _, p := range profile.Defaults() {
		if v := showProfile(p); !known[v.Hash] {
			v.Shipped = true
			out = append(out, v)
		}
	}
	return out, at, nil
}

func showProfile(p *profile.Profile) contract.Profile {
	out := contract.Profile{Name: p.Name, Version: int64(p.Version), Program: p.Program, Hash: p.Hash(), ProbePlace: p.ProbePlace,
		ProbeErrorMC: int64(p.ProbeErrorMC), LowMC: p.LowMC, HighMC: p.HighMC, SettleMS: int64(p.SettleMS), ColdWarnMS: int64(p.ColdWarnMS),
		ColdLimitMS: int64(p.ColdLimitMS), ImplantMS: int64(p.ImplantMS), Rules: []contract.Rule{}, Instructions: texts(p.Instructions),
		Warnings: texts(profile.Warnings(p)), Bytes: p.Marshal()}
	for _, r := range p.Rules {
		out.Rules = append(out.Rules, contract.Rule{Name: r.Name, Kind: r.Kind.String(), Severity: r.Severity.String(), LimitMC: r.LimitMC,
			HysteresisMC: r.HysteresisMC, DelayMS: int64(r.DelayMS), AreaMkMin: int64(r.AreaMKMin)})
	}
	return out
}

// ListProfiles lists the profiles.
func (h *handler) ListProfiles(ctx context.Context, r server.ListProfilesRequestObject) (server.ListProfilesResponseObject, error) {
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.ListProfiles304Response{}, err
	}
	list, at, err := h.profiles()
	if err != nil {
		return nil, err
	}
	callOf(ctx).cacheable(at)
	return server.ListProfiles200JSONResponse{Node: at.Node, Entries: at.Entries, Profiles: list}, nil
}

// GetProfile returns one profile.
func (h *handler) GetProfile(ctx context.Context, r server.GetProfileRequestObject) (server.GetProfileResponseObject, error) {
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.GetProfile304Response{}, err
	}
	list, at, err := h.profiles()
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if p.Hash == r.Hash {
			callOf(ctx).cacheable(at)
			return server.GetProfile200JSONResponse{Node: at.Node, Entries: at.Entries, Profile: p}, nil
		}
	}
	return nil, ledger.Errorf(ledger.CodeNotFound, "no profile %s", r.Hash)
}

// PublishProfile enters a program's profile.
func (h *handler) PublishProfile(ctx context.Context, r server.PublishProfileRequestObject) (server.PublishProfileResponseObject, error) {
	published, err := entry.ParseProfilePublished(r.Body.Profile)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	index, err := h.node.PublishProfile(ctx, principal(ctx), published)
	if err != nil {
		return nil, err
	}
	return server.PublishProfile200JSONResponse{Index: index}, nil
}

// RecallCertificate marks a calibration certificate as recalled.
func (h *handler) RecallCertificate(ctx context.Context, r server.RecallCertificateRequestObject) (server.RecallCertificateResponseObject, error) {
	index, err := h.node.RecallCertificate(ctx, principal(ctx), r.Body.Number, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return server.RecallCertificate200JSONResponse{Index: index}, nil
}

func recall(r *node.Recall) contract.RecallItem {
	return contract.RecallItem{Number: r.Number, Reason: r.Reason, By: r.By, Index: r.Index, TimeMS: r.RecordTimeMS}
}

// ListCertificateTrips lists the trips that a certificate's probes measured.
func (h *handler) ListCertificateTrips(ctx context.Context, r server.ListCertificateTripsRequestObject) (server.ListCertificateTripsResponseObject, error) {
	got, at, err := h.node.CertificateTrips(ctx, principal(ctx), r.Params.Number)
	if err != nil {
		return nil, err
	}
	out := server.ListCertificateTrips200JSONResponse{Node: at.Node, Entries: at.Entries, Number: r.Params.Number, Hidden: got.Hidden, Trips: []contract.CertificateTrip{}}
	if c := got.Recall; c != nil {
		item := recall(c)
		out.Recall = &item
	}
	for _, t := range got.Trips {
		boxes := append([]ledger.BoxID{}, t.Boxes...)
		out.Trips = append(out.Trips, contract.CertificateTrip{Shipment: t.Shipment, Boxes: boxes, Readings: t.Readings, FromMS: t.FromMS, ToMS: t.ToMS})
	}
	callOf(ctx).answeredAt(at)
	return out, nil
}
