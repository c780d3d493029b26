package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/node"
)

func (s *server) checkpoint(c echo.Context) error {
	signed, err := s.node.Checkpoint(c.Request().Context())
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", signed)
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

func (s *server) hashTile(c echo.Context) error {
	t, err := parseTile(c.Param("*"))
	if err != nil {
		return err
	}
	if t.L < 0 { // entries have a route of their own, for auditors; nothing that a router lets slip comes by this one
		return errTile()
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return s.tile(c, t)
}

func (s *server) entryTile(c echo.Context) error {
	t, err := parseTile("entries/" + c.Param("*"))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	return s.tile(c, t)
}

func (s *server) tile(c echo.Context, t tlog.Tile) error {
	b, err := s.node.Tile(t)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, b)
}
