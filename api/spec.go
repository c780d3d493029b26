package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"isotherm/ledger/access"
	"isotherm/ledger/entry"
)

// specText is the contract: what is not in it does not exist, and who may do what stands there and nowhere else.
//
//go:embed openapi.yaml
var specText []byte

// Words of x-roles for those who are no people with a role.
const (
	byAnyone = "anyone"         // holds nothing about a person or a case
	byBox    = "box"            // the signed head in the body says which
	byToken  = "one-time token" // for a box; in the contract with hyphens
	byShare  = "share link"
	byPeople = "people"
)

// Words of x-time.
const (
	timeExport = "export"
	timeStream = "stream"
)

// operation is one operation of the contract with what the server enforces of it.
type operation struct {
	id, method, path string
	who              string
	roles            []entry.Role // for byPeople
	scope            string       // whose cases: enforced by package node, named here
	tokenScope       access.Scope // what a token needs; zero for nothing
	rate             string       // which limit by address, "" for none
	time             string       // which time limit, "" for the usual one
	bodyLimit        int64        // bytes
	json             bool         // its body is JSON
	binary           bool         // its body is bytes
	route            *routers.Route
	fresh            bool     // takes the parameter fresh
	query            []string // the parameters of the query that it takes
}

// contractSpec is the contract as the server uses it.
type contractSpec struct {
	operations map[string]*operation // by operationId
	json       []byte
}

// loadSpec reads the embedded contract. An error is a mistake in it.
func loadSpec() (*contractSpec, error) {
	doc, err := openapi3.NewLoader().LoadFromData(specText)
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check contract: %w", err)
	}
	out := &contractSpec{operations: map[string]*operation{}}
	if out.json, err = json.Marshal(doc); err != nil {
		return nil, fmt.Errorf("write contract as JSON: %w", err)
	}
	// The validator's mode for 3.1 compiles every schema anew for every request (BenchmarkValidate), and says where a value breaks it but
	// not how. Our schemas say nothing that its own mode does not know; tests hold answers against both.
	fast := *doc
	fast.OpenAPI = "3.0.3"
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			op, err := readOperation(o)
			if err != nil {
				return nil, fmt.Errorf("contract: %s %s: %w", method, path, err)
			}
			op.method, op.path = method, path
			op.route = &routers.Route{Spec: &fast, Server: doc.Servers[0], Path: path, PathItem: item, Method: method, Operation: o}
			out.operations[op.id] = op
		}
	}
	return out, nil
}

func readOperation(o *openapi3.Operation) (*operation, error) {
	op := &operation{id: o.OperationID, bodyLimit: bodyNone}
	var words []string
	var token string
	err := errors.Join(extension(o, "x-roles", &words), extension(o, "x-scope", &op.scope), extension(o, "x-token-scope", &token),
		extension(o, "x-rate", &op.rate), extension(o, "x-time", &op.time), extension(o, "x-body-limit-bytes", &op.bodyLimit))
	if err != nil {
		return nil, err
	}
	if op.who, op.roles, err = readRoles(words); err != nil {
		return nil, err
	}
	if token != "" {
		if op.tokenScope, err = access.ParseScopes([]string{token}); err != nil {
			return nil, fmt.Errorf("x-token-scope: %w", err)
		}
	}
	if op.scope == "" || op.rate != "" && rates[op.rate].perSecond == 0 || !slices.Contains([]string{"", timeExport, timeStream}, op.time) {
		return nil, fmt.Errorf("x-scope is missing, or x-rate %q or x-time %q is unknown", op.rate, op.time)
	}
	if o.RequestBody != nil {
		op.json = o.RequestBody.Value.Content["application/json"] != nil
		op.binary = !op.json
	}
	for _, p := range o.Parameters {
		op.fresh = op.fresh || p.Value.Name == freshParam
		if p.Value.In == openapi3.ParameterInQuery {
			op.query = append(op.query, p.Value.Name)
		}
	}
	return op, nil
}

// extension reads an x- field of an operation, if it is there.
func extension(o *openapi3.Operation, name string, out any) error {
	value, ok := o.Extensions[name]
	if !ok {
		return nil
	}
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func readRoles(words []string) (who string, roles []entry.Role, err error) {
	if len(words) == 0 {
		return "", nil, errors.New("x-roles is missing")
	}
	switch word := strings.ReplaceAll(words[0], "-", " "); word {
	case byAnyone, byBox, "one time token", byShare:
		if len(words) > 1 {
			return "", nil, fmt.Errorf("x-roles: %s stands alone", word)
		}
		if word == "one time token" {
			word = byToken
		}
		return word, nil, nil
	}
	for _, word := range words {
		role, err := entry.ParseRole(word)
		if err != nil {
			return "", nil, fmt.Errorf("x-roles: %w", err)
		}
		roles = append(roles, role)
	}
	return byPeople, roles, nil
}

// isRead tells whether the operation only looks.
func (o *operation) isRead() bool { return o.method == http.MethodGet }
