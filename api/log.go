package api

import (
	"bytes"
	"context"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/node"
)

// GetCheckpoint returns the newest checkpoint.
func (h *handler) GetCheckpoint(ctx context.Context, _ server.GetCheckpointRequestObject) (server.GetCheckpointResponseObject, error) {
	signed, err := h.node.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	callOf(ctx).header.Set("Cache-Control", "no-cache")
	return server.GetCheckpoint200TextPlainCharsetUTF8Response{Body: bytes.NewReader(signed), ContentLength: int64(len(signed))}, nil
}

// GetEntryProof proves that an entry is in the log.
func (h *handler) GetEntryProof(ctx context.Context, r server.GetEntryProofRequestObject) (server.GetEntryProofResponseObject, error) {
	proof, err := h.node.Proof(ctx, r.Index)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.GetEntryProof200TextPlainCharsetUTF8Response{Body: bytes.NewReader(proof), ContentLength: int64(len(proof))}, nil
}

// parseTile reads the path of a C2SP tile after /tile/: x/mod knows the same form with the height in front, and calls
// entries data.
func parseTile(path string) (tlog.Tile, error) {
	path = "tile/8/" + path
	if rest, ok := strings.CutPrefix(path, "tile/8/entries/"); ok {
		path = "tile/8/data/" + rest
	} else if strings.HasPrefix(path, "tile/8/data/") {
		return tlog.Tile{}, errTile()
	}
	t, err := tlog.ParseTilePath(path)
	if err != nil || t.H != node.TileHeight {
		return tlog.Tile{}, errTile()
	}
	return t, nil
}

func errTile() error {
	return ledger.Errorf(ledger.CodeNotFound, "no such tile").WithHint("see c2sp.org/tlog-tiles for their names")
}

func (h *handler) hashTile(c echo.Context) error {
	t, err := parseTile(c.Param("*"))
	if err != nil {
		return err
	}
	if t.L < 0 { // entries have a route of their own, for auditors; nothing that a router lets slip comes by this one
		return errTile()
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return h.tile(c, t)
}

func (h *handler) entryTile(c echo.Context) error {
	t, err := parseTile("entries/" + c.Param("*"))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	return h.tile(c, t)
}

func (h *handler) tile(c echo.Context, t tlog.Tile) error {
	b, err := h.node.Tile(t)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, b)
}

// maxTrailPage is the default page of the audit trail.
const maxTrailPage = 100

// ListEntries returns a page of the audit trail. Its cursor is the index of the first entry of the page.
func (h *handler) ListEntries(ctx context.Context, r server.ListEntriesRequestObject) (server.ListEntriesResponseObject, error) {
	from, err := numberCursor(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	items, at, err := h.node.Trail(ctx, principal(ctx), from, orDefault(r.Params.Limit, maxTrailPage))
	if err != nil {
		return nil, err
	}
	out := server.ListEntries200JSONResponse{Node: at.Node, Entries: at.Entries, Items: []contract.TrailItem{}}
	for _, t := range items {
		out.Items = append(out.Items, trailItem(t))
	}
	if n := len(items); n > 0 && items[n-1].Index+1 < at.Entries {
		out.Next = strconv.FormatInt(items[n-1].Index+1, 10)
	}
	callOf(ctx).answeredAt(at)
	callOf(ctx).nextPage(out.Next)
	return out, nil
}

func trailItem(t node.TrailItem) contract.TrailItem {
	out := contract.TrailItem{Index: t.Index, Kind: t.Kind.String(), TimeMS: t.TimeMS, Node: t.Node, By: t.By, What: t.What, Erased: t.Erased, Subjects: []contract.Subject{}}
	for _, s := range t.Subjects {
		out.Subjects = append(out.Subjects, contract.Subject{Kind: s.Kind.String(), ID: hex.EncodeToString(s.ID[:])})
	}
	return out
}
