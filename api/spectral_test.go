package api

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// spectral is the linter, pinned as in the Makefile.
const spectral = "@stoplight/spectral-cli@6.16.3"

// TestContract_spectral holds the contract against Spectral's default rules, warnings included. Spectral is a Node program:
// make spec, which CI runs, installs it and fails without it; here a machine without Node or without a registry skips.
func TestContract_spectral(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: make spec runs Spectral")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("no npm: install Node to run Spectral, or see CI")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	run := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, npm, append([]string{"exec", "--yes", "--package=" + spectral, "--", "spectral"}, args...)...).CombinedOutput()
		return string(out), err
	}
	if out, err := run("--version"); err != nil || !strings.Contains(out, "6.16.3") {
		t.Skipf("npm can't get %s: %v: %.300s", spectral, err, out)
	}
	if out, err := run("lint", "openapi.yaml", "--ruleset", ".spectral.yaml", "--fail-severity", "hint"); err != nil {
		t.Errorf("spectral: %v\n%s", err, out)
	}
}
