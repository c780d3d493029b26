package api

import (
	"context"
	"net/http"
	"time"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/node"
)

// SignIn opens a session with the name and password of a local account.
func (h *handler) SignIn(ctx context.Context, r server.SignInRequestObject) (server.SignInResponseObject, error) {
	s, err := h.node.SignIn(ctx, r.Body.Login, r.Body.Password)
	if err != nil {
		return nil, err
	}
	p := s.Principal
	out := contract.Session{Token: s.Token, Person: p.Person, Organisation: p.Organisation, Role: p.Role.String(), ExpiresMS: s.Expires.UnixMilli()}
	person, at, err := h.node.Person(p.Person)
	if err != nil {
		return nil, err
	}
	if person != nil {
		out.Name = person.Name
	}
	k := callOf(ctx)
	k.answeredAt(at)
	if r.Body.Cookie {
		out.Token = "" // the page's script need not see it
		k.setCookie(s.Token, s.Expires)
	}
	return server.SignIn201JSONResponse(out), nil
}

// setCookie gives a browser its session; with an empty token it takes it away.
func (k *call) setCookie(token string, expires time.Time) {
	c := http.Cookie{Name: sessionCookie, Value: token, Path: "/", Expires: expires, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if token == "" {
		c.MaxAge = -1
	}
	k.header.Add("Set-Cookie", c.String())
}

// SignOut ends the session that asks.
func (h *handler) SignOut(ctx context.Context, _ server.SignOutRequestObject) (server.SignOutResponseObject, error) {
	if err := h.node.SignOut(ctx, principal(ctx)); err != nil {
		return nil, err
	}
	callOf(ctx).setCookie("", time.Unix(1, 0))
	return server.SignOut204Response{}, nil
}

// GetMe says who asks.
func (h *handler) GetMe(ctx context.Context, _ server.GetMeRequestObject) (server.GetMeResponseObject, error) {
	p := principal(ctx)
	person, _, err := h.node.Person(p.Person)
	if err != nil {
		return nil, err
	}
	at, err := h.node.At()
	if err != nil {
		return nil, err
	}
	var account node.Account // a token that has nothing to do with it does not see it
	if p.Scopes.Has(access.OwnAccount.Scope()) {
		if account, at, err = h.node.Account(ctx, p); err != nil {
			return nil, err
		}
	}
	out := server.GetMe200JSONResponse{Node: at.Node, Entries: at.Entries, Person: p.Person, Organisation: p.Organisation, Role: p.Role.String(),
		Origin: h.node.Origin(), ExpiresMS: p.Expires.UnixMilli(), Credential: p.Credential.String(), Scopes: texts(p.Scopes.Names()),
		Login: account.Login, PasswordSetMS: account.PasswordSetMS}
	if person != nil {
		out.Name = person.Name
	}
	callOf(ctx).answeredAt(at)
	return out, nil
}

// SetPassword sets the caller's password.
func (h *handler) SetPassword(ctx context.Context, r server.SetPasswordRequestObject) (server.SetPasswordResponseObject, error) {
	if err := h.node.SetPassword(ctx, principal(ctx), r.Body.Login, r.Body.Old, r.Body.New); err != nil {
		return nil, err
	}
	return server.SetPassword204Response{}, nil
}

// ListTokens lists somebody's API tokens.
func (h *handler) ListTokens(ctx context.Context, r server.ListTokensRequestObject) (server.ListTokensResponseObject, error) {
	list, at, err := h.node.Tokens(ctx, principal(ctx), orSelf(ctx, r.Params.Person))
	if err != nil {
		return nil, err
	}
	out := server.ListTokens200JSONResponse{Node: at.Node, Entries: at.Entries, Tokens: []contract.TokenInfo{}}
	for _, t := range list {
		out.Tokens = append(out.Tokens, tokenInfo(t))
	}
	callOf(ctx).answeredAt(at)
	return out, nil
}

// orSelf returns the person who was named, or the caller.
func orSelf(ctx context.Context, id ledger.PersonID) ledger.PersonID {
	if id.IsZero() {
		return principal(ctx).Person
	}
	return id
}

func tokenInfo(t node.TokenInfo) contract.TokenInfo {
	return contract.TokenInfo{ID: t.ID, Label: t.Label, Scopes: texts(t.Scopes.Names()), CreatedMS: t.CreatedMS, ExpiresMS: t.ExpiresMS, LastUsedMS: t.LastUsedMS}
}

// CreateToken makes an API token.
func (h *handler) CreateToken(ctx context.Context, r server.CreateTokenRequestObject) (server.CreateTokenResponseObject, error) {
	scopes, err := access.ParseScopes(r.Body.Scopes)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	t, err := h.node.CreateToken(ctx, principal(ctx), node.TokenRequest{Label: r.Body.Label, Scopes: scopes, TTL: time.Duration(r.Body.TTLSeconds) * time.Second})
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.CreateToken201JSONResponse{Token: t.Secret, Info: tokenInfo(t)}, nil
}

// RevokeToken makes a token worth nothing.
func (h *handler) RevokeToken(ctx context.Context, r server.RevokeTokenRequestObject) (server.RevokeTokenResponseObject, error) {
	if err := h.node.RevokeToken(ctx, principal(ctx), orSelf(ctx, r.Params.Person), r.Token); err != nil {
		return nil, err
	}
	return server.RevokeToken204Response{}, nil
}
