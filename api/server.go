package api

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"

	"isotherm/api/client"
	"isotherm/ledger/node"
)

// Options are what the API is made of.
type Options struct {
	Node   *node.Node
	Status func() client.Status // of the node, without Answered
	Logger *slog.Logger
}

// Limits of requests.
const (
	requestTime   = 20 * time.Second // of everything but exports: more than an election
	exportTime    = 10 * time.Minute
	enrolRate     = 1  // requests a second from one address, to enrol and to commit to donor IDs
	enrolBurst    = 20 // a depot that enrols its boxes
	syncsAtOnce   = 64 // batches that are decoded at one time, of up to 4 MiB each unpacked
	exportsAtOnce = 2  // bundles that are in memory at one time
)

type server struct {
	node    *node.Node
	status  func() client.Status
	log     *slog.Logger
	syncs   chan struct{}
	exports chan struct{}
}

// New returns the API of a node.
func New(o Options) (http.Handler, error) {
	if o.Node == nil || o.Status == nil {
		return nil, errors.New("make api: a node and its status are needed")
	}
	s := &server{node: o.Node, status: o.Status, log: o.Logger, syncs: make(chan struct{}, syncsAtOnce), exports: make(chan struct{}, exportsAtOnce)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)         // gommon; ours is slog
	e.IPExtractor = echo.ExtractIPDirect() // v4 believes X-Forwarded-For of anyone otherwise
	e.HTTPErrorHandler = s.handleError
	e.Use(s.recoverer(), withRequestID, s.logRequests(), middleware.SecureWithConfig(middleware.SecureConfig{
		XSSProtection: "0", ContentTypeNosniff: "nosniff", XFrameOptions: "DENY", ReferrerPolicy: "no-referrer",
		HSTSMaxAge: 31536000, ContentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'"}))
	limiter := middleware.RateLimiter(middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{
		Rate: rate.Limit(enrolRate), Burst: enrolBurst, ExpiresIn: 10 * time.Minute}))
	for _, r := range s.routes() {
		chain := []echo.MiddlewareFunc{middleware.BodyLimit(r.body)}
		if r.slow {
			chain = append(chain, middleware.ContextTimeout(exportTime))
		} else {
			chain = append(chain, middleware.ContextTimeout(requestTime))
		}
		if r.limited {
			chain = append(chain, limiter)
		}
		if r.method == http.MethodGet {
			chain = append(chain, middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 2048}))
		}
		chain = append(chain, s.guard(r))
		if r.method == http.MethodGet && r.who == byPeople {
			chain = append(chain, s.fresh)
		}
		e.Add(r.method, r.path, r.handle, chain...)
	}
	return e, nil
}

// HTTPServer returns a server for the API with limits on every connection. The caller sets the address and stops it.
func HTTPServer(handler http.Handler, config *tls.Config, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, TLSConfig: config, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		WriteTimeout: exportTime + time.Minute, MaxHeaderBytes: 64 << 10, // a checkpoint goes in a header
	}
}

// recoverer turns a panic into an error: one bad request must not take down a node that others sync with.
func (s *server) recoverer() echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisablePrintStack: true,
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			s.log.Error("panic in a request", "request_id", requestID(c), "route", c.Path(), "err", err, "stack", string(stack))
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
func (s *server) logRequests() echo.MiddlewareFunc {
	return middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogStatus: true, LogMethod: true, LogRoutePath: true, LogLatency: true, LogRemoteIP: true, LogRequestID: true,
		HandleError: true,
		LogValuesFunc: func(c echo.Context, v middleware.RequestLoggerValues) error {
			s.log.LogAttrs(context.WithoutCancel(c.Request().Context()), slog.LevelInfo, "request", slog.String("method", v.Method),
				slog.String("route", v.RoutePath), slog.Int("status", v.Status), slog.Duration("took", v.Latency),
				slog.String("from", v.RemoteIP), slog.String("request_id", requestID(c)))
			return nil
		},
	})
}
