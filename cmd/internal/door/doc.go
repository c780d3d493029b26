// Package door opens a ledger's pages on the machine that it runs on: an HTTP server on a loopback address that passes
// every request on to whichever node of the ledger answers. The ledger's private CA is checked here, so that a browser
// shows the pages without a warning; browsers treat a loopback address as a secure context.
//
// It holds no credential of its own and decides nothing: who may do what is decided by the nodes. It is no proxy for other
// machines, and refuses to listen where they would reach it. It keeps nothing; killed, it leaves nothing behind.
package door
