// Package api is the HTTP face of a ledger node: routes, roles, limits, and errors as problem+json.
//
// It decides nothing about custody and keeps no state but rate limits: every answer is package node's. It is the only
// package, beside the box's local page, that knows Echo. A crash loses requests under way; every one may be repeated.
package api
