package report

import (
	"crypto/sha256"

	"isotherm/ledger/bundle"
)

// Case is a bundle that was verified.
type Case struct {
	Verdict  *bundle.Verdict
	Contents *bundle.Contents
	Sentence string   // the verdict in one sentence, see bundle.Verdict.SentenceUnder
	Bundle   []byte   // its bytes
	SHA256   [32]byte // of them
}

// NewCase returns a case of a bundle and what bundle.Open said of it.
func NewCase(b []byte, v *bundle.Verdict, c *bundle.Contents, sentence string) *Case {
	return &Case{Verdict: v, Contents: c, Sentence: sentence, Bundle: b, SHA256: sha256.Sum256(b)}
}
