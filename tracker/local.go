package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/tracker/journal"
)

// Limits of the local page. Its callers are on the box or on its own Wi-Fi: a courier's phone, a technician, the demo.
const (
	localTimeout  = 10 * time.Second
	localHeader   = 8 << 10
	localShutdown = 2 * time.Second
)

// actType is the media type of a custody act, as in the ledger's API. A page of another site can't send it without asking
// first, which the local page never answers: that keeps browsers from posting acts behind a person's back.
const actType = echo.MIMEOctetStream

// problem is the body of an error (RFC 9457).
type problem struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Code   ledger.Code `json:"code"`
	Detail string      `json:"detail,omitempty"`
}

// Handler returns the local page:
//
//	GET  /           the page for people, and its files
//	GET  /v1/status  Status as JSON
//	GET  /v1/head    newest signed head, a C2SP checkpoint
//	POST /v1/acts    canonical custody act; answers {"seq": n, "known": bool} once it is on disk
//	POST /v1/radio   {"on": bool} switches all that the box sends; answers the same once it is on disk
func (t *Tracker) Handler() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = t.writeError
	e.Use(onlyOwnAddress)
	servePage(e)
	e.GET("/v1/status", func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return c.JSON(http.StatusOK, t.Status())
	})
	e.GET("/v1/head", func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return c.Blob(http.StatusOK, "text/plain; charset=utf-8", t.Head())
	})
	e.POST("/v1/acts", t.postAct)
	e.POST("/v1/radio", t.postRadio)
	return e
}

// onlyOwnAddress refuses a request for another host name: a page elsewhere that points its name at the box (DNS rebinding)
// would otherwise speak with it. No name can be rebound to what is no name: an address, as long as it is the one that the
// connection came to.
func onlyOwnAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		host := c.Request().Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if host != "localhost" && !isOwnAddress(c.Request(), strings.Trim(host, "[]")) {
			return ledger.Errorf(ledger.CodeForbidden, "this page is for the box itself, not for host %.80q", host)
		}
		return next(c)
	}
}

// isOwnAddress tells whether the host is an address on loopback, or the one of the box's own that the connection came to.
func isOwnAddress(r *http.Request, host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if ip = ip.Unmap(); ip.IsLoopback() {
		return true
	}
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && addr.AddrPort().Addr().Unmap().WithZone("") == ip.WithZone("")
}

func (t *Tracker) postAct(c echo.Context) error {
	if kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType)); err != nil || kind != actType {
		return ledger.Errorf(ledger.CodeInvalid, "content type must be %s", actType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, custody.MaxSize))
	if err != nil {
		return ledger.Errorf(ledger.CodeInvalid, "act can't be read, or is longer than %d bytes", custody.MaxSize)
	}
	seq, known, err := t.AddAct(body)
	switch {
	case errors.Is(err, ErrBadAct):
		return ledger.Errorf(ledger.CodeInvalid, "%s", err)
	case errors.Is(err, journal.ErrFull) || errors.Is(err, errPendingFull):
		return ledger.Errorf(ledger.CodeUnavailable, "%s", err).WithHint("hand it over again, or to another box or phone")
	case err != nil:
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Seq   uint64 `json:"seq"`
		Known bool   `json:"known"`
	}{seq, known})
}

// maxSwitch bounds the body that switches the radio.
const maxSwitch = 64

func (t *Tracker) postRadio(c echo.Context) error {
	if kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType)); err != nil || kind != echo.MIMEApplicationJSON {
		return ledger.Errorf(ledger.CodeInvalid, "content type must be %s", echo.MIMEApplicationJSON)
	}
	var body struct {
		On *bool `json:"on"`
	}
	d := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, maxSwitch))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil || body.On == nil || d.More() {
		return ledger.Errorf(ledger.CodeInvalid, `want {"on": true} or {"on": false}`)
	}
	err := t.SetRadio(*body.On)
	if errors.Is(err, ErrSwitch) {
		return ledger.Errorf(ledger.CodeUnavailable, "%s", err).WithHint("the box tries again by itself; if it must be silent now, switch the modem off by hand")
	}
	if errors.Is(err, journal.ErrFull) || errors.Is(err, errPendingFull) {
		return ledger.Errorf(ledger.CodeUnavailable, "%s", err).WithHint("it was switched; that is not on disk yet")
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, body)
}

// localStatus gives the status of each code that the local page uses.
func localStatus(code ledger.Code) int {
	switch code {
	case ledger.CodeInvalid:
		return http.StatusBadRequest
	case ledger.CodeForbidden:
		return http.StatusForbidden
	case ledger.CodeNotFound:
		return http.StatusNotFound
	case ledger.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (t *Tracker) writeError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	code, detail := ledger.CodeOf(err), err.Error()
	if h := (*echo.HTTPError)(nil); errors.As(err, &h) { // Echo's own: no such route, wrong method
		code, detail = ledger.CodeNotFound, "see GET /, GET /v1/status, GET /v1/head, POST /v1/acts, POST /v1/radio"
	}
	status := localStatus(code)
	if status == http.StatusInternalServerError {
		t.cfg.Logger.Error("local page failed", "path", c.Path(), "err", err)
		detail = "internal error; the box's log says more"
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	body := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
	if err := c.JSON(status, body); err != nil {
		t.cfg.Logger.Debug("answer not delivered", "err", err)
	}
}

// serve answers until ctx is done, and a little longer for requests under way.
func (t *Tracker) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: t.Handler(), ReadHeaderTimeout: localTimeout, ReadTimeout: localTimeout, WriteTimeout: localTimeout,
		IdleTimeout: localTimeout, MaxHeaderBytes: localHeader, ErrorLog: slog.NewLogLogger(t.cfg.Logger.Handler(), slog.LevelDebug),
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), localShutdown)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			t.cfg.Logger.Debug("local page cut short", "err", err)
		}
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	<-done // requests under way still need the journal
	return nil
}
