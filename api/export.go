package api

import (
	"context"
	"io"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/node"
)

const tarKind = "application/x-tar"

// CreateExport makes a bundle, to be fetched.
func (h *handler) CreateExport(ctx context.Context, r server.CreateExportRequestObject) (server.CreateExportResponseObject, error) {
	release, err := acquire(h.making, "exports")
	if err != nil {
		return nil, err
	}
	defer release()
	src, err := h.node.Export(ctx, principal(ctx), r.Shipment, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	m := madeExport{id: newExportID(), owner: principal(ctx).Person, name: bundle.FileName(r.Shipment.String()), kind: tarKind}
	m, err = h.exports.write(m, func(w io.Writer) error { return bundle.Write(w, src) })
	if err != nil {
		return nil, err
	}
	at, err := h.node.At()
	if err != nil {
		return nil, err
	}
	return server.CreateExport201JSONResponse(h.ready(ctx, m, at)), nil
}

func (h *handler) ready(ctx context.Context, m madeExport, at node.At) contract.Export {
	k := callOf(ctx)
	k.answeredAt(at)
	out := contract.Export{ID: m.id, URL: exportURL(m.id), Node: at.Node, Entries: at.Entries, Size: m.size, SHA256: m.sum, ExpiresMS: m.expires.UnixMilli()}
	k.header.Set("Location", out.URL)
	return out
}

func exportURL(id string) string { return "/v1/exports/" + id }

// StartExport begins an export of one case or of many.
func (h *handler) StartExport(ctx context.Context, r server.StartExportRequestObject) (server.StartExportResponseObject, error) {
	if err := checkPick(r.Body); err != nil {
		return nil, err
	}
	p := principal(ctx)
	cases, err := h.node.Picked(ctx, p, node.Pick{Cases: r.Body.Shipments, FromMS: r.Body.FromMS, ToMS: r.Body.ToMS}, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	limit := exportForms[r.Body.Form].limit
	switch {
	case len(cases) == 0:
		return nil, ledger.Errorf(ledger.CodeNotFound, "there is no such case that you may read").WithHint("widen the period, or name the cases")
	case len(cases) > limit:
		return nil, ledger.Errorf(ledger.CodeInvalid, "more than %d cases, which is the most for one %s export", limit, r.Body.Form).WithHint("narrow the period, or export bundles")
	}
	at, err := h.node.At()
	if err != nil {
		return nil, err
	}
	k := callOf(ctx)
	j, err := h.jobs.start(&exportJob{owner: p.Person, token: k.token, form: r.Body.Form, paper: r.Body.Paper, reason: r.Body.Reason, picked: cases})
	if err != nil {
		return nil, err
	}
	k.answeredAt(at)
	k.header.Set("Location", exportURL(j.ID)+"/state")
	return server.StartExport202JSONResponse(j), nil
}

// checkPick wants one of the three ways to say which cases.
func checkPick(r *contract.ExportRequest) error {
	ways := 0
	for _, is := range []bool{len(r.Shipments) > 0, r.FromMS != 0 || r.ToMS != 0, r.All} {
		if is {
			ways++
		}
	}
	switch {
	case ways != 1:
		return ledger.Errorf(ledger.CodeInvalid, "which cases to export is said in %d ways, want one", ways).WithHint("give shipments, or from_ms and to_ms, or all")
	case r.ToMS != 0 && r.ToMS <= r.FromMS:
		return ledger.Errorf(ledger.CodeInvalid, "the period ends before it begins").WithHint("to_ms must be later than from_ms")
	}
	return nil
}

// ListExports lists the caller's exports.
func (h *handler) ListExports(ctx context.Context, _ server.ListExportsRequestObject) (server.ListExportsResponseObject, error) {
	at, err := h.node.At()
	if err != nil {
		return nil, err
	}
	callOf(ctx).answeredAt(at)
	return server.ListExports200JSONResponse{Node: at.Node, Entries: at.Entries, Exports: h.jobs.list(principal(ctx).Person)}, nil
}

// GetExportState says how far an export is.
func (h *handler) GetExportState(ctx context.Context, r server.GetExportStateRequestObject) (server.GetExportStateResponseObject, error) {
	at, err := h.node.At()
	if err != nil {
		return nil, err
	}
	j, err := h.jobs.find(r.Export, principal(ctx).Person)
	if err != nil {
		return nil, err
	}
	callOf(ctx).answeredAt(at)
	return server.GetExportState200JSONResponse(j), nil
}

// GetExport sends an export or a part of it.
func (h *handler) GetExport(ctx context.Context, r server.GetExportRequestObject) (server.GetExportResponseObject, error) {
	m, err := h.exports.find(r.Export, principal(ctx).Person)
	if err != nil {
		return nil, err
	}
	return exportFile{made: m, request: callOf(ctx).request}, nil
}
