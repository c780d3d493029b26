package api

import (
	"context"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger/node"
)

// defaultPoints is how many readings a chart gets that does not say how many it can show.
const defaultPoints = 2000

// GetSeries returns the readings of a trip in columns, thinned for a chart.
func (h *handler) GetSeries(ctx context.Context, r server.GetSeriesRequestObject) (server.GetSeriesResponseObject, error) {
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.GetSeries304Response{}, err
	}
	q := node.SeriesQuery{Points: orDefault(r.Params.Points, defaultPoints), FromMS: r.Params.FromMS, ToMS: r.Params.ToMS}
	s, at, err := h.node.Series(ctx, principal(ctx), r.Shipment, q)
	if err != nil {
		return nil, err
	}
	out := server.GetSeries200JSONResponse{Node: at.Node, Entries: at.Entries, Total: s.Total, WallMS: s.WallMS, Late: s.Late,
		Probes: []contract.SeriesProbe{}, Fixes: []contract.SeriesFix{}}
	for _, p := range s.Probes {
		out.Probes = append(out.Probes, contract.SeriesProbe{Segment: p.Part, Probe: int(p.Number), Place: p.Place, Judged: p.Judged, TempMC: p.MC})
	}
	for _, f := range s.Fixes {
		out.Fixes = append(out.Fixes, contract.SeriesFix{WallMS: f.WallMS, LatE7: f.LatE7, LonE7: f.LonE7})
	}
	callOf(ctx).cacheable(at)
	return out, nil
}
