package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/node"
)

// sessionCookie holds a browser's session. The prefix makes browsers insist on Secure, Path=/ and no Domain.
const sessionCookie = "__Host-isotherm"

// csrfHeader is sent by our own pages, for browsers that don't say where a request comes from. Another site can't set it.
const csrfHeader = "Isotherm-Request"

// freshParam asks for a linearizable read.
const freshParam = "fresh"

// bearer returns the token of the Authorization header, "" without one.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// guard lets through who may use the operation.
func (h *handler) guard(op *operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			k := &call{op: op, request: c.Request(), header: c.Response().Header(), token: bearer(c.Request())}
			if err := h.admit(k); err != nil {
				return err
			}
			c.SetRequest(c.Request().WithContext(withCall(c.Request().Context(), k)))
			return next(c)
		}
	}
}

// admit finds out who calls and whether they may.
func (h *handler) admit(k *call) error {
	op := k.op
	switch op.who {
	case byAnyone, byBox:
		return nil
	case byPeople:
		if err := k.useCookie(); err != nil {
			return err
		}
	}
	if k.token == "" {
		return ledger.Errorf(ledger.CodeUnauthenticated, "no token was given").WithHint("send Authorization: Bearer TOKEN, or sign in")
	}
	if op.who == byToken {
		return nil // the handler uses it up
	}
	p, err := h.node.Authenticate(k.request.Context(), k.token)
	if err != nil {
		return err
	}
	k.principal = p
	if isShare := p.Credential == node.CredentialShare; isShare != (op.who == byShare) {
		return ledger.Errorf(ledger.CodeForbidden, "this credential is not for %s %s", op.method, op.path).WithHint("a share link opens GET /v1/shared and nothing else")
	}
	if op.who == byPeople && !op.admits(p.Role) {
		return ledger.Errorf(ledger.CodeForbidden, "a person of role %s may not %s %s", p.Role, op.method, op.path)
	}
	if !p.Scopes.Has(op.tokenScope) {
		return ledger.Errorf(ledger.CodeForbidden, "this token may not %s %s", op.method, op.path).WithHint("it takes a token with scope " + op.tokenScope.String())
	}
	return nil
}

// admits tells whether people of the role may use the operation.
func (o *operation) admits(role entry.Role) bool { return slices.Contains(o.roles, role) }

// useCookie takes the session from the cookie when no token was sent. A request that changes something must come from our
// own pages: browsers send the cookie with requests that other sites make, too.
func (k *call) useCookie() error {
	if k.token != "" {
		return nil
	}
	cookie, err := k.request.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	k.token, k.cookie = cookie.Value, true
	if k.op.isRead() {
		return nil
	}
	switch k.request.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
		if k.request.Header.Get(csrfHeader) != "" {
			return nil
		}
	}
	return ledger.Errorf(ledger.CodeForbidden, "the request comes from another site").WithHint("send the header " + csrfHeader + ": 1 from the ledger's own pages")
}

// fresh makes a read linearizable when the caller asks for it: then it contains everything that any node acknowledged
// before. Without a majority such a read fails, while others still answer.
func (h *handler) fresh(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.QueryParam(freshParam) == "true" {
			if err := h.node.Linearizable(c.Request().Context()); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// acquire takes a place among those that work at once, or says that all are taken.
func acquire(places chan struct{}, what string) (release func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, ledger.Errorf(ledger.CodeOverloaded, "%d %s are under way", cap(places), what).WithHint("try again in a moment")
	}
}
