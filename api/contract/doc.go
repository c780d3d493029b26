// Package contract holds the JSON shapes of the HTTP contract, generated from ../openapi.yaml (make generated), so that
// server and client can't drift. It knows neither a server nor a client and imports no HTTP framework.
package contract
