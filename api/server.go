package api

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/api/web"
	"isotherm/ledger/node"
)

// Options are what the API is made of.
type Options struct {
	Node   *node.Node
	Status func() contract.Status // of the node, without its name, entries and origin
	Logger *slog.Logger
	Pages  web.Settings     // of the pages that people use
	Temp   string           // folder for bundles that wait to be fetched; the system's when empty
	Now    func() time.Time // time.Now when nil
}

// Limits of requests.
const (
	requestTime   = 20 * time.Second // of everything but exports and streams: more than an election
	exportTime    = 10 * time.Minute
	syncsAtOnce   = 64 // batches that are decoded at one time, of up to 4 MiB each unpacked
	exportsAtOnce = 2  // bundles that are written at one time
	bodyNone      = 1 << 10
)

// limit is how often one address may call.
type limit struct {
	perSecond float64
	burst     int
}

// rates are the words of x-rate. All are by address, see network: X-Forwarded-For is not believed.
var rates = map[string]limit{
	"enrol":   {perSecond: 1, burst: 20},   // a depot that enrols its boxes
	"sign-in": {perSecond: 0.5, burst: 10}, // a shift that signs in behind one address
	"donor":   {perSecond: 0.2, burst: 30}, // donor IDs have little entropy
}

// Server is the HTTP face of a node. Close ends live feeds and exports, and deletes those that wait to be fetched.
type Server struct {
	*echo.Echo
	h *handler
}

// handler has the strict server's methods, in files by resource.
type handler struct {
	node    *node.Node
	status  func() contract.Status
	log     *slog.Logger
	now     func() time.Time
	spec    *contractSpec
	syncs   chan struct{}
	making  chan struct{}
	exports *exportStore
	jobs    *exportQueue
	pages   *web.Pages
	feeds   *feeds
	close   func() error
}

var _ server.StrictServerInterface = (*handler)(nil)

// New returns the API of a node.
func New(o Options) (*Server, error) {
	if o.Node == nil || o.Status == nil {
		return nil, errors.New("make api: a node and its status are needed")
	}
	spec, err := loadSpec()
	if err != nil {
		return nil, fmt.Errorf("make api: %w", err)
	}
	h := &handler{node: o.Node, status: o.Status, log: o.Logger, now: o.Now, spec: spec, syncs: make(chan struct{}, syncsAtOnce),
		making: make(chan struct{}, exportsAtOnce), feeds: newFeeds()}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.exports, err = newExportStore(o.Temp, h.now); err != nil {
		return nil, fmt.Errorf("make api: %w", err)
	}
	if h.pages, err = web.New(web.Files(), o.Pages); err != nil {
		return nil, fmt.Errorf("make api: %w", err)
	}
	h.jobs = newExportQueue(h)
	h.close = sync.OnceValue(func() error {
		h.feeds.stop()
		h.jobs.close()
		return h.exports.remove()
	})
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)         // gommon; ours is slog
	e.IPExtractor = echo.ExtractIPDirect() // v4 believes X-Forwarded-For of anyone otherwise
	e.HTTPErrorHandler = h.handleError
	e.Use(h.recoverer(), withRequestID, h.logRequests(), secure())
	h.register(e)
	return &Server{Echo: e, h: h}, nil
}

// Close ends live feeds and exports under way, and deletes those that wait to be fetched. Requests under way are the caller's to drain.
func (s *Server) Close() error { return s.h.close() }

// register adds every operation of the contract with its limits and its guard.
func (h *handler) register(e *echo.Echo) {
	chains := map[string][]echo.MiddlewareFunc{}
	for id, op := range h.spec.operations {
		chains[id] = h.chain(op)
	}
	server.RegisterHandlersWithOptions(e, server.NewStrictHandler(h, nil), server.RegisterHandlersOptions{OperationMiddlewares: chains})
	// The names of tiles contain slashes, which no path parameter of OpenAPI can hold.
	e.GET("/tile/entries/*", h.entryTile, chains["getEntryTile"]...)
	e.GET("/tile/*", h.hashTile, chains["getTile"]...)
	// Everything else is for people: the pages, and what a stranger sees who scans the code on a box.
	e.Match([]string{http.MethodGet, http.MethodHead}, "/b/:label", h.stranger)
	e.RouteNotFound(everything, h.page)
}

// chain returns what stands before an operation, outermost first.
func (h *handler) chain(op *operation) []echo.MiddlewareFunc {
	out := []echo.MiddlewareFunc{bodyLimit(op.bodyLimit)}
	switch op.time {
	case timeExport:
		out = append(out, middleware.ContextTimeout(exportTime))
	case timeStream:
	default:
		out = append(out, middleware.ContextTimeout(requestTime))
	}
	if l, ok := rates[op.rate]; ok {
		out = append(out, middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{
			IdentifierExtractor: func(c echo.Context) (string, error) { return network(c.RealIP()), nil },
			Store: middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{
				Rate: rate.Limit(l.perSecond), Burst: l.burst, ExpiresIn: 10 * time.Minute})}))
	}
	if op.isRead() && op.time == "" {
		out = append(out, middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 2048}))
	}
	out = append(out, h.guard(op))
	if op.who != byBox { // the hot path: its two parameters are checked by their types, its body by the batch decoder
		out = append(out, h.validate(op))
	}
	if op.fresh {
		out = append(out, h.fresh)
	}
	return out
}

// network returns what a limit counts by: an IPv4 address, or the first 64 bits of an IPv6 one, of which every host has all
// the rest to choose from.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}

// bodyLimit takes bytes; gommon's text counts 1K as 1000.
func bodyLimit(bytes int64) echo.MiddlewareFunc {
	return middleware.BodyLimit(strconv.FormatInt(bytes, 10) + "B")
}

func secure() echo.MiddlewareFunc {
	return middleware.SecureWithConfig(middleware.SecureConfig{
		XSSProtection: "0", ContentTypeNosniff: "nosniff", XFrameOptions: "DENY", ReferrerPolicy: "no-referrer",
		HSTSMaxAge: 31536000, ContentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'"})
}

// HTTPServer returns a server for the API with limits on every connection. The caller sets the address and stops it; its
// Shutdown also closes the API.
func HTTPServer(handler http.Handler, config *tls.Config, logger *slog.Logger) *http.Server {
	s := &http.Server{
		Handler: handler, TLSConfig: config, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		WriteTimeout: exportTime + time.Minute, MaxHeaderBytes: 128 << 10, // a checkpoint goes in a header
	}
	if c, ok := handler.(io.Closer); ok {
		s.RegisterOnShutdown(func() {
			if err := c.Close(); err != nil {
				logger.Warn("bundles that waited to be fetched can't be deleted", "err", err)
			}
		})
	}
	return s
}

// recoverer turns a panic into an error: one bad request must not take down a node that others sync with.
func (h *handler) recoverer() echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisablePrintStack: true,
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			h.log.Error("panic in a request", "request_id", requestID(c), "route", c.Path(), "err", err, "stack", string(stack))
			return err
		},
	})
}

// safeID is what a request ID from outside may look like, for it goes into logs and answers.
var safeID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func withRequestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !safeID.MatchString(id) {
			var b [8]byte
			rand.Read(b[:])
			id = hex.EncodeToString(b[:])
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// logRequests writes one line a request. It names routes, never paths: those hold the IDs of cases.
func (h *handler) logRequests() echo.MiddlewareFunc {
	return middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogStatus: true, LogMethod: true, LogRoutePath: true, LogLatency: true, LogRemoteIP: true, LogRequestID: true,
		HandleError: true,
		LogValuesFunc: func(c echo.Context, v middleware.RequestLoggerValues) error {
			h.log.LogAttrs(context.WithoutCancel(c.Request().Context()), slog.LevelInfo, "request", slog.String("method", v.Method),
				slog.String("route", v.RoutePath), slog.Int("status", v.Status), slog.Duration("took", v.Latency),
				slog.String("from", v.RemoteIP), slog.String("request_id", requestID(c)))
			return nil
		},
	})
}
