package api

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/node"
	"isotherm/ledger/report"
)

// maxCSV bounds the lines of a table: 100,000 are a trip of eleven days at one reading in ten seconds.
const maxCSV = 100_000

// ListReadings returns a page of readings, or all of them as a table.
func (h *handler) ListReadings(ctx context.Context, r server.ListReadingsRequestObject) (server.ListReadingsResponseObject, error) {
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.ListReadings304Response{}, err
	}
	table, err := wantsTable(callOf(ctx).request.Header.Get(echo.HeaderAccept), string(r.Params.Format))
	if err != nil {
		return nil, err
	}
	if table {
		return h.readingsTable(ctx, r.Shipment)
	}
	from, err := numberCursor(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, at, err := h.node.Readings(ctx, principal(ctx), r.Shipment, from, orDefault(r.Params.Limit, defaultReadings))
	if err != nil {
		return nil, err
	}
	out := server.ListReadings200JSONResponse{Node: at.Node, Entries: at.Entries, Total: page.Total, Readings: []contract.Reading{}}
	if end := from + int64(len(page.Page)); end < page.Total && len(page.Page) > 0 {
		out.Next = strconv.FormatInt(end, 10)
	}
	for _, r := range page.Page {
		out.Readings = append(out.Readings, reading(r))
	}
	callOf(ctx).cacheable(at)
	callOf(ctx).nextPage(out.Next)
	return out, nil
}

// wantsTable tells whether the caller asks for CSV. An Accept header that names neither form is 406.
func wantsTable(accept, format string) (bool, error) {
	switch format {
	case "csv":
		return true, nil
	case "json":
		return false, nil
	}
	if accept == "" {
		return false, nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "text/csv":
			return true, nil
		case "application/json", "application/*", "*/*":
			return false, nil
		}
	}
	return false, echo.NewHTTPError(406)
}

var tableHeader = []string{"incarnation", "seq", "wall_ms", "clock", "late", "probe", "temp_mc", "fault", "lat_e7", "lon_e7", "fix_age_ms", "fix_fault"}

// readingsTable returns all readings as CSV of RFC 4180, one line a probe.
func (h *handler) readingsTable(ctx context.Context, id ledger.ShipmentID) (server.ListReadingsResponseObject, error) {
	var out bytes.Buffer
	w := report.NewCSV(&out)
	lines := 0
	put := func(line []string) {
		_ = w.Write(line) // into memory; Flush below reports
		lines++
	}
	put(tableHeader)
	var at node.At
	for from := int64(0); ; {
		page, seen, err := h.node.Readings(ctx, principal(ctx), id, from, node.MaxReadings)
		if err != nil {
			return nil, err
		}
		at = seen
		for _, r := range page.Page {
			tableLines(reading(r), put)
		}
		if lines > maxCSV {
			return nil, ledger.Errorf(ledger.CodeInvalid, "the trip has more than %d lines", maxCSV).WithHint("export it instead")
		}
		from += int64(len(page.Page))
		if len(page.Page) == 0 || from >= page.Total {
			break
		}
	}
	if w.Flush(); w.Error() != nil {
		return nil, w.Error()
	}
	callOf(ctx).cacheable(at)
	callOf(ctx).header.Set("Content-Disposition", `attachment; filename="`+id.String()+`.csv"`)
	return server.ListReadings200TextCsvResponse{Body: &out, ContentLength: int64(out.Len())}, nil
}

func tableLines(r contract.Reading, put func([]string)) {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, s := range r.Samples {
		line := []string{r.Incarnation.String(), number(r.Seq), number(r.WallMS), report.Text(r.Clock), strconv.FormatBool(r.Late), number(int64(s.Probe)), "", "", "", "", "", ""}
		if s.TempMC != nil {
			line[6] = number(int64(*s.TempMC))
		}
		if s.Fault != 0 {
			line[7] = number(int64(s.Fault))
		}
		if r.Fix != nil {
			line[8], line[9], line[10] = number(int64(r.Fix.LatE7)), number(int64(r.Fix.LonE7)), number(r.Fix.AgeMS)
		}
		if r.FixFault != 0 {
			line[11] = number(int64(r.FixFault))
		}
		put(line)
	}
}

func reading(r node.Reading) contract.Reading {
	out := contract.Reading{Incarnation: r.Incarnation, Seq: int64(r.Record.Seq), WallMS: r.Record.At.WallMS, Clock: r.Record.At.Quality.String(), Late: r.Late, Samples: []contract.Sample{},
		FixFault: int(r.Record.Reading.FixFault)}
	for _, sample := range r.Record.Reading.Samples {
		v := contract.Sample{Probe: int(sample.Probe), Fault: int(sample.Fault)}
		if sample.Fault == 0 {
			v.TempMC = &sample.TempMC
		}
		out.Samples = append(out.Samples, v)
	}
	if f := r.Record.Reading.Fix; f != nil {
		out.Fix = &contract.Fix{LatE7: f.LatE7, LonE7: f.LonE7, AgeMS: int64(f.AgeMS)}
	}
	return out
}
