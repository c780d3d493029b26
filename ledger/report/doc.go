// Package report writes documents that people read from evidence bundles: a transport sheet of one page, an audit report, and
// a table of readings.
//
// A document says what package bundle's verifier found, and nothing of its own: whoever doubts it verifies the bundle, which an
// audit report carries as an attached file. It computes only. It knows no clock: the same bundle under the same policy gives the same
// bytes. It is not evidence itself and carries no signature. Texts that people wrote are data: they are cleaned of control
// characters, wrapped, or cut with an ellipsis.
package report
