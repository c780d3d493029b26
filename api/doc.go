// Package api is the HTTP face of a ledger node: it implements the contract in openapi.yaml, enforces its roles and limits,
// and answers errors as problem+json.
//
// It decides nothing about custody: every answer is package node's. What it keeps is rate limits, open feeds, exports under way
// and those that wait to be fetched. With its sub-packages it is the only one, beside the box's local page, that knows Echo. A crash loses
// requests under way and exports; every request may be repeated.
package api
