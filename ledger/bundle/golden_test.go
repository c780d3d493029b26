package bundle_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"isotherm/ledger/bundle"
)

// TestVerify_golden verifies a bundle that was written before: the format has not changed. Package report makes documents from the
// same file. It is written anew when it is not there; its bytes differ each time, for cosignatures bear the time.
func TestVerify_golden(t *testing.T) {
	j, b := travel(t, "a-")
	path := filepath.Join("testdata", "heart.isotherm.tar")
	golden, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		golden, err = b, os.WriteFile(path, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, want := bundle.Verify(golden, j.ledger.pin()), bundle.Verify(b, j.ledger.pin())
	if d := cmp.Diff(want, got, cmpopts.IgnoreTypes(time.Time{})); d != "" || got.Result != bundle.Verified {
		t.Errorf("verdict (-fresh +golden):\n%s", d)
	}
}
