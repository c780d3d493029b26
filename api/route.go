package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/node"
)

// Who may use a route that is not for people of certain roles.
const (
	byAnyone = "anyone" // holds nothing about a person or a case
	byBox    = "box"    // the signed head in the body says which
	byToken  = "one-time token"
	byPeople = "people" // of the route's roles
)

// route is one line of the table that decides everything about who may call what.
type route struct {
	method, path string
	who          string
	roles        []entry.Role // for byPeople
	body         string       // limit of the request's body
	limited      bool         // by address
	slow         bool         // gets the time of an export
	handle       echo.HandlerFunc
}

// Limits of bodies. The wire limit of a batch is 256 KiB exactly; the batch decoder checks it again.
const (
	bodyNone  = "1KiB" // "1K" would be 1000: gommon counts in SI units
	bodyJSON  = "64KiB"
	bodyAct   = "16KiB"
	bodyBatch = "256KiB"
)

func (s *server) routes() []route {
	all := []entry.Role{entry.RoleAdmin, entry.RoleCoordinator, entry.RoleCourier, entry.RoleCenter, entry.RoleAuditor}
	acting := []entry.Role{entry.RoleAdmin, entry.RoleCoordinator, entry.RoleCourier, entry.RoleCenter}
	taking := []entry.Role{entry.RoleAdmin, entry.RoleCoordinator, entry.RoleCenter, entry.RoleAuditor}
	donors := []entry.Role{entry.RoleAdmin, entry.RoleCoordinator, entry.RoleCenter}
	admin := []entry.Role{entry.RoleAdmin}
	auditor := []entry.Role{entry.RoleAuditor}
	return []route{
		{method: "GET", path: "/", who: byAnyone, body: bodyNone, handle: s.index},
		{method: "POST", path: "/v1/boxes", who: byToken, body: bodyJSON, limited: true, handle: s.enrolBox},
		{method: "GET", path: "/v1/boxes", who: byPeople, roles: all, body: bodyNone, handle: s.boxes},
		{method: "POST", path: "/v1/boxes/:box/sync", who: byBox, body: bodyBatch, handle: s.sync},
		{method: "GET", path: "/v1/boxes/:box/journals/:inc/receipt", who: byAnyone, body: bodyNone, handle: s.receipt},
		{method: "POST", path: "/v1/enrol-tokens", who: byPeople, roles: admin, body: bodyJSON, handle: s.createEnrolToken},
		{method: "POST", path: "/v1/people", who: byPeople, roles: admin, body: bodyJSON, handle: s.enrolPerson},
		{method: "GET", path: "/v1/people", who: byPeople, roles: all, body: bodyNone, handle: s.people},
		{method: "GET", path: "/v1/me", who: byPeople, roles: all, body: bodyNone, handle: s.me},
		{method: "POST", path: "/v1/acts", who: byPeople, roles: acting, body: bodyAct, handle: s.submitAct},
		{method: "GET", path: "/v1/shipments", who: byPeople, roles: all, body: bodyNone, handle: s.shipments},
		{method: "GET", path: "/v1/shipments/:id", who: byPeople, roles: all, body: bodyNone, handle: s.shipment},
		{method: "GET", path: "/v1/shipments/:id/readings", who: byPeople, roles: all, body: bodyNone, handle: s.readings},
		{method: "POST", path: "/v1/shipments/:id/exports", who: byPeople, roles: taking, body: bodyJSON, slow: true, handle: s.export},
		{method: "POST", path: "/v1/donor-commitments", who: byPeople, roles: donors, body: bodyJSON, limited: true, handle: s.donorCommitment},
		{method: "GET", path: "/v1/genesis", who: byAnyone, body: bodyNone, handle: s.genesis},
		{method: "GET", path: "/v1/status", who: byAnyone, body: bodyNone, handle: s.nodeStatus},
		{method: "GET", path: "/v1/entries/:index/proof", who: byAnyone, body: bodyNone, handle: s.proof},
		{method: "GET", path: "/checkpoint", who: byAnyone, body: bodyNone, handle: s.checkpoint},
		{method: "GET", path: "/tile/entries/*", who: byPeople, roles: auditor, body: bodyNone, handle: s.entryTile},
		{method: "GET", path: "/tile/*", who: byAnyone, body: bodyNone, handle: s.hashTile},
	}
}

const principalKey = "principal"

// bearer returns the token of the Authorization header, "" without one.
func bearer(c echo.Context) string {
	scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// guard lets through who may use the route.
func (s *server) guard(r route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if r.who == byAnyone || r.who == byBox {
				return next(c)
			}
			token := bearer(c)
			if token == "" {
				return ledger.Errorf(ledger.CodeUnauthenticated, "no token was given").WithHint("send Authorization: Bearer TOKEN")
			}
			if r.who == byToken {
				return next(c) // the handler uses it up
			}
			p, err := s.node.Authenticate(c.Request().Context(), token)
			if err != nil {
				return err
			}
			if !slices.Contains(r.roles, p.Role) {
				return ledger.Errorf(ledger.CodeForbidden, "a person of role %s may not %s %s", p.Role, c.Request().Method, r.path)
			}
			c.Set(principalKey, p)
			return next(c)
		}
	}
}

// fresh makes a read linearizable when the caller asks for it: then it contains everything that any node acknowledged
// before. Without a majority such a read fails, while others still answer.
func (s *server) fresh(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch c.QueryParam(client.FreshParam) {
		case "":
		case "true":
			if err := s.node.Linearizable(c.Request().Context()); err != nil {
				return err
			}
		default:
			return ledger.Errorf(ledger.CodeInvalid, "%s must be true, or not there", client.FreshParam)
		}
		return next(c)
	}
}

// principal returns who asks. guard has set it on every route for people.
func principal(c echo.Context) node.Principal {
	p, _ := c.Get(principalKey).(node.Principal)
	return p
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

// noStore keeps answers about people and cases out of caches.
func noStore(c echo.Context) { c.Response().Header().Set("Cache-Control", "no-store") }

func answer(c echo.Context, v any) error {
	noStore(c)
	return c.JSON(http.StatusOK, v)
}
