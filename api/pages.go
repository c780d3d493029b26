package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"isotherm/api/contract"
	"isotherm/api/server"
)

// everything is the route of what has no other.
const everything = "/*"

// ours begin the paths that are the API's: what is not there is an error, and no page.
var ours = []string{"/v1", "/docs", "/openapi.", "/checkpoint", "/tile"}

// page answers what is no operation of the contract: a file of the pages, or the page itself.
func (h *handler) page(c echo.Context) error {
	r := c.Request()
	isPage := r.Method == http.MethodGet || r.Method == http.MethodHead
	for _, prefix := range ours {
		isPage = isPage && !strings.HasPrefix(r.URL.Path, prefix)
	}
	if !isPage {
		return missing(c)
	}
	if !h.pages.Serve(c.Response(), r) {
		return echo.ErrNotFound
	}
	return nil
}

// missing is the error for a path that is none of ours, or that takes other methods only: those are in Allow (RFC 9110, 15.5.6).
func missing(c echo.Context) error {
	var taken []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := c.Echo().NewContext(c.Request(), nil)
		c.Echo().Router().Find(method, c.Request().URL.Path, other)
		if route := other.Path(); route != "" && route != everything {
			taken = append(taken, method)
		}
	}
	if len(taken) == 0 {
		return echo.ErrNotFound
	}
	c.Response().Header().Set(echo.HeaderAllow, strings.Join(taken, ", "))
	return echo.ErrMethodNotAllowed
}

// stranger answers whoever scans the code on a box. People who are signed in get to the box; all others see the same page,
// whether the box is known or not.
func (h *handler) stranger(c echo.Context) error {
	label := c.Param("label")
	if decoded, err := url.PathUnescape(label); err == nil {
		label = decoded
	}
	if cookie, err := c.Request().Cookie(sessionCookie); err == nil {
		if _, err := h.node.Authenticate(c.Request().Context(), cookie.Value); err == nil {
			return c.Redirect(http.StatusSeeOther, "/carry?"+url.Values{"box": {label}}.Encode())
		}
	}
	return h.pages.Stranger(c.Response(), label)
}

// GetPages says what the operator set for the pages.
func (h *handler) GetPages(ctx context.Context, _ server.GetPagesRequestObject) (server.GetPagesResponseObject, error) {
	at, err := h.node.At()
	if err != nil {
		return nil, err
	}
	s := h.pages.Settings()
	out := contract.Pages{Node: at.Node, Entries: at.Entries, Origin: h.node.Origin(), Call: s.Call, Operator: s.Operator}
	if s.Tiles != "" {
		out.Tiles = contract.TileSource{URL: s.Tiles, Attribution: s.TilesAttribution}
	}
	callOf(ctx).answeredAt(at)
	return server.GetPages200JSONResponse(out), nil
}
