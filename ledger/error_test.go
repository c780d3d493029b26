package ledger_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"isotherm/ledger"
)

func TestCodeOf(t *testing.T) {
	inner := ledger.Errorf(ledger.CodeConflict, "starts at %d", 7)
	tests := []struct {
		name string
		err  error
		want ledger.Code
	}{
		{"nil", nil, ""},
		{"plain", io.EOF, ledger.CodeInternal},
		{"itself", inner, ledger.CodeConflict},
		{"wrapped", fmt.Errorf("sync: %w", inner), ledger.CodeConflict},
		{"joined", errors.Join(io.EOF, inner), ledger.CodeConflict},
		{"first in the chain counts", fmt.Errorf("a: %w, b: %w", ledger.Errorf(ledger.CodeForbidden, "no"), inner), ledger.CodeForbidden},
		{"with a hint", inner.WithHint("start at 3"), ledger.CodeConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ledger.CodeOf(tt.err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestError_WithHint(t *testing.T) {
	plain := ledger.Errorf(ledger.CodeConflict, "starts at %d", 7)
	hinted := plain.WithHint("start at 3")
	if got, want := hinted.Error(), "starts at 7: start at 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := plain.Error(), "starts at 7"; got != want {
		t.Errorf("the original changed: got %q, want %q", got, want)
	}
}
