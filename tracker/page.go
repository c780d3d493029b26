package tracker

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// pageFiles is the built page for people: its source is in api/web/src/box, and make web builds it.
//
//go:embed page/index.html page/page.js page/page.css
var pageFiles embed.FS

// pagePolicy lets the page load its own files and speak with the box, and nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// servePage registers the page's files. They are asked for anew each time, so that a box with new software shows a new page.
func servePage(e *echo.Echo) {
	for _, f := range []struct{ route, name, kind string }{
		{"/", "index.html", "text/html"}, {"/page.js", "page.js", "text/javascript"}, {"/page.css", "page.css", "text/css"},
	} {
		content, err := pageFiles.ReadFile("page/" + f.name)
		if err != nil {
			panic(err) // it is embedded
		}
		sum := sha256.Sum256(content)
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		e.GET(f.route, func(c echo.Context) error {
			h := c.Response().Header()
			h.Set(echo.HeaderContentSecurityPolicy, pagePolicy)
			h.Set(echo.HeaderContentType, f.kind+"; charset=utf-8")
			h.Set(echo.HeaderXContentTypeOptions, "nosniff")
			h.Set(echo.HeaderReferrerPolicy, "no-referrer")
			h.Set(echo.HeaderCacheControl, "no-cache")
			h.Set("ETag", tag)
			http.ServeContent(c.Response(), c.Request(), f.name, time.Time{}, bytes.NewReader(content))
			return nil
		})
	}
}
