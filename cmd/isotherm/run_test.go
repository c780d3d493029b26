package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestRun uses the command wrongly, and rightly where it needs no ledger.
func TestRun(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"", exitOK, "Exit codes: 0 done"},
		{"help", exitOK, "A shipment:"},
		{"help shipment pack", exitOK, "--label-check"},
		{"shipment", exitOK, "open-box"},
		{"--help", exitOK, "4 no node of the ledger answered"},
		{"carry", exitUsage, "carry"},
		{"shipment carry", exitUsage, `isotherm shipment has no command "carry"`},
		{"organisation contacts carry", exitUsage, "has no command"},
		{"shipment list --colour", exitUsage, "unknown flag: --colour"},
		{"shipment list", exitUsage, "--me is needed"},
		{"shipment list --me " + missing, exitError, "make one with isotherm enrol person or isotherm join"},
		{"shipment cosign --me x", exitUsage, "accepts between 1 and 2 arg(s)"},
		{"shipment open --organ brain", exitUsage, "organ \"brain\" is not known: use heart"},
		{"verify", exitUsage, "accepts 1 arg(s)"},
		{"verify " + missing, exitError, "no such file"},
		{"verify --policy " + missing + " run_test.go", exitError, "read policy"},
		{"verify run_test.go", exitError, "Broken"},
		{"profile check run_test.go", exitError, "run_test.go"},
		{"join --me x " + missing, exitError, "read join file"},
		{"share open", exitUsage, "--url is needed"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			var out bytes.Buffer
			code := run(t.Context(), append([]string{"isotherm"}, strings.Fields(tt.args)...), nil, &out, &out)
			if code != tt.code || !strings.Contains(out.String(), tt.want) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, tt.code, tt.want, out.String())
			}
		})
	}
}

// TestRootCommand_complete holds every verb to the same manners: it says what it does, shows an example that names it, and
// answers as JSON.
func TestRootCommand_complete(t *testing.T) {
	verbs := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if c.Short == "" {
			t.Errorf("%s does not say what it does", c.CommandPath())
		}
		if c.HasSubCommands() {
			return
		}
		verbs++
		if !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s has no example that names it:\n%s", c.CommandPath(), c.Example)
		}
		for _, line := range strings.Split(c.Example, "\n") {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: the example %q is not indented", c.CommandPath(), line)
			}
		}
		if c.Flags().Lookup("json") == nil && c.CommandPath() != "isotherm demo" && c.CommandPath() != "isotherm open" { // they run until somebody ends them
			t.Errorf("%s has no --json", c.CommandPath())
		}
	}
	root := rootCommand()
	for _, c := range root.Commands() {
		walk(c)
	}
	if verbs < 60 {
		t.Errorf("%d verbs, there must be more", verbs)
	}
}
