// Package client is the Go client of a ledger's HTTP API. Its shapes are those of the contract, see isotherm/api/contract.
//
// It is not a cache and keeps no state: every call asks a node, the next one in the list when a node does not answer or
// fails. Every call may be repeated: the ledger recognises what it already has. What it returns is as true as the node
// that answered; receipts, proofs and exports are there to be checked with ledger/entry and ledger/bundle.
package client
