package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"isotherm/api/contract"
	"isotherm/ledger"
	"isotherm/ledger/node"
)

// statusOf is the one place where codes become HTTP.
func statusOf(code ledger.Code) int {
	switch code {
	case ledger.CodeInvalid:
		return http.StatusBadRequest
	case ledger.CodeUnauthenticated:
		return http.StatusUnauthorized
	case ledger.CodeForbidden:
		return http.StatusForbidden
	case ledger.CodeNotFound:
		return http.StatusNotFound
	case ledger.CodeConflict:
		return http.StatusConflict
	case ledger.CodeWrongRoot:
		return http.StatusUnprocessableEntity
	case ledger.CodeQuarantined:
		return http.StatusLocked
	case ledger.CodeUnavailable:
		return http.StatusServiceUnavailable
	case ledger.CodeOverloaded:
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

// retryAfter is what answers with 429 and 503 ask for, in seconds: an election takes about as long.
const retryAfter = 2

// errorType begins the type of every problem; the code follows.
const errorType = "urn:isotherm:error:"

// problemOf describes an error without giving away what the node knows: the details of an internal fault are in its log.
func problemOf(err error) contract.Problem {
	var conflict *node.ConflictError
	var known *ledger.Error
	var http4 *echo.HTTPError
	var broken *contractError
	p := contract.Problem{Code: ledger.CodeInternal, Detail: "internal error"}
	switch {
	case errors.As(err, &known) && known.Code != ledger.CodeInternal:
		p.Code, p.Detail, p.Hint = known.Code, known.Message, known.Hint
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		p.Code, p.Detail, p.Hint = ledger.CodeUnavailable, "the request took too long", "try again, or another node"
	case errors.As(err, &broken):
		p.Code, p.Detail, p.Status, p.Errors = ledger.CodeInvalid, broken.detail, broken.status, broken.fields
	case errors.As(err, &http4):
		p = fromEcho(http4)
	}
	if errors.As(err, &conflict) {
		next := conflict.Next
		p.Next, p.Root = &next, contract.Hash(conflict.Root)
	}
	if p.Status == 0 {
		p.Status = statusOf(p.Code)
	}
	p.Type, p.Title = errorType+string(p.Code), http.StatusText(p.Status)
	return p
}

// fromEcho describes the errors that Echo and its middleware make themselves.
func fromEcho(e *echo.HTTPError) contract.Problem {
	p := contract.Problem{Status: e.Code}
	switch {
	case e.Code == http.StatusNotFound:
		p.Code, p.Detail, p.Hint = ledger.CodeNotFound, "no such page", "GET /docs shows what there is"
	case e.Code == http.StatusMethodNotAllowed:
		p.Code, p.Detail = ledger.CodeInvalid, "this method is not allowed here"
	case e.Code == http.StatusRequestEntityTooLarge:
		p.Code, p.Detail = ledger.CodeInvalid, "the request's body is too large"
	case e.Code == http.StatusTooManyRequests:
		p.Code, p.Detail, p.Hint = ledger.CodeOverloaded, "too many requests", "wait a moment and try again"
	case e.Code == http.StatusServiceUnavailable:
		p.Code, p.Detail, p.Hint = ledger.CodeUnavailable, "the request took too long", "try again, or another node"
	case e.Code >= 400 && e.Code < 500:
		p.Code, p.Detail = ledger.CodeInvalid, http.StatusText(e.Code)
	default:
		p.Status, p.Code, p.Detail = http.StatusInternalServerError, ledger.CodeInternal, "internal error"
	}
	return p
}

// handleError is Echo's error handler: every error of every route comes here once.
func (h *handler) handleError(err error, c echo.Context) {
	p := problemOf(err)
	p.RequestID = requestID(c)
	if p.Status >= http.StatusInternalServerError {
		level := slog.LevelError
		if p.Code == ledger.CodeUnavailable {
			level = slog.LevelWarn
		}
		h.log.Log(c.Request().Context(), level, "request failed", "request_id", p.RequestID, "route", c.Path(), "err", err)
	}
	if c.Response().Committed {
		return // a bundle that broke off: the client sees a short body
	}
	header := c.Response().Header()
	switch p.Status {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		header.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	header.Set("Cache-Control", "no-store")
	header.Set(echo.HeaderContentType, "application/problem+json")
	c.Response().WriteHeader(p.Status)
	if c.Request().Method == http.MethodHead {
		return
	}
	if err := json.NewEncoder(c.Response()).Encode(p); err != nil {
		h.log.Debug("problem not delivered", "request_id", p.RequestID, "err", err)
	}
}
