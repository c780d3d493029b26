// Package cmd_test holds the project to its own map: which package may import which, and why.
package cmd_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// edge allows the packages at or below from to import those at or below to.
type edge struct{ from, to, why string }

// directions are the only ways from one top-level folder to another.
var directions = []edge{
	{"cmd", "api", "daemons and the command serve and call the API"},
	{"cmd", "tracker", "trackerd runs the box"},
	{"cmd", "ledger", "the command signs acts and verifies bundles; ledgerd runs a node"},
	{"cmd", "hardware", "trackerd opens the configured devices; the demonstration simulates them"},
	{"api", "ledger", "the API is a door to the ledger"},
	{"tracker", "ledger", "the box writes the ledger's records and checks its receipts"},
	{"tracker", "hardware", "the box reads its devices"},
}

// owner says that a foreign package, with all below it, is used only in some of our folders, so that one place knows its
// traps.
type owner struct {
	module string
	in     []string
	why    string
}

var owners = []owner{
	{"github.com/hashicorp/raft", []string{"ledger/replica"}, "consensus has one owner"},
	{"github.com/hashicorp/raft-wal", []string{"ledger/replica"}, "the raft log is part of consensus"},
	{"github.com/labstack/echo/v4", []string{"api", "tracker"}, "HTTP stays at the edge: the API and the box's local page"},
	{"github.com/getkin/kin-openapi", []string{"api"}, "the contract is enforced at the edge"},
	{"github.com/oapi-codegen/runtime", []string{"api"}, "only generated code needs it"},
	{"isotherm/api/server", []string{"api"}, "the generated server is a part of the API"},
	{"isotherm/api/stranger", []string{"api"}, "a client that knows nothing of our code, for tests"},
	{"golang.org/x/crypto", []string{"cmd/internal/identity", "ledger/node"}, "PINs on the device, passwords at the door"},
	{"golang.org/x/term", []string{"cmd/isotherm"}, "only the command has a terminal"},
	{"github.com/wneessen/go-mail", []string{"api/notify"}, "mail leaves from one place"},
	{"github.com/adrianmo/go-nmea", []string{"hardware/gnss"}, "it panics on short input; one guard stands before it"},
	{"codeberg.org/go-pdf/fpdf", []string{"ledger/report"}, "documents are laid out without it and drawn in one file"},
	{"github.com/go-fonts/dejavu", []string{"ledger/report"}, "fonts are large; only documents need them"},
	{"golang.org/x/image", []string{"ledger/report"}, "only documents measure text"},
	{"rsc.io/qr", []string{"ledger/report"}, "codes in documents"},
	{"isotherm/ledger/report", []string{"api"}, "a node makes documents; the verifier and the box carry no PDF"},
	{"go.etcd.io/bbolt", []string{"tracker/journal", "ledger/store"}, "durability has two owners, one on each side"},
	{"golang.org/x/sys/unix", []string{"hardware/serial", "hardware/sim", "tracker", "ledger/store", "cmd/internal/journey", "cmd/internal/trackerd"}, "termios, clocks and file systems"},
	{"github.com/creack/pty", []string{"hardware"}, "only simulated devices and tests make terminals"},
}

// pure lists packages whose whole import graph must be free of some packages.
var pure = []struct {
	packages []string
	free     []string
	why      string
}{
	{
		[]string{"ledger/cbor", "ledger/merkle", "ledger/record", "ledger/profile", "ledger/excursion", "ledger/custody", "ledger/entry", "ledger/trip", "ledger/bundle",
			"ledger/access", "ledger/alarm", "ledger/donor", "ledger/ischemia", "ledger/privacy", "ledger/progress", "ledger/report"},
		[]string{"github.com/hashicorp/raft", "go.etcd.io/bbolt", "net/http", "github.com/labstack/echo/v4"},
		"records, rules and the verifier must be checkable without a server",
	},
	{[]string{"ledger/bundle", "tracker", "api/client"}, []string{"codeberg.org/go-pdf/fpdf", "github.com/go-fonts/dejavu"}, "what a box or a stranger runs stays small"},
	{[]string{"api/client", "api/contract"}, []string{"github.com/labstack/echo/v4", "github.com/getkin/kin-openapi", "github.com/oapi-codegen/runtime", "isotherm/ledger/node"},
		"a program that calls the API carries no server"},
	{[]string{"hardware/nmea"}, []string{"github.com/adrianmo/go-nmea"}, "bytes are framed and checked before a foreign parser sees them"},
	{[]string{"hardware"}, []string{"isotherm/ledger", "isotherm/tracker", "isotherm/api"}, "the senses know nothing of the ledger"},
	{[]string{"api/notify"}, []string{"isotherm/ledger/node", "github.com/labstack/echo/v4", "go.etcd.io/bbolt"}, "who sends a message knows the message and nothing more"},
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

const module = "isotherm"

// list returns our packages by their path below the module.
func list(t *testing.T) map[string]pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]pkg{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, module+"/")] = p
	}
	if len(all) < 20 {
		t.Fatalf("go list found %d packages, there must be more", len(all))
	}
	return all
}

// within tells whether path is at or below folder.
func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func top(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

func TestImports_directions(t *testing.T) {
	used := map[edge]bool{}
	for path, p := range list(t) {
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			if !ours || top(to) == top(path) {
				continue
			}
			i := slices.IndexFunc(directions, func(e edge) bool { return within(path, e.from) && within(to, e.to) })
			if i < 0 {
				t.Errorf("%s imports %s: no direction allows it", path, to)
				continue
			}
			used[directions[i]] = true
		}
	}
	for _, e := range directions {
		if !used[e] {
			t.Errorf("nothing goes from %s to %s any more (%s): remove the direction", e.from, e.to, e.why)
		}
	}
}

func TestImports_owners(t *testing.T) {
	all := list(t)
	for _, o := range owners {
		found := false
		for path, p := range all {
			for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
				if imported != o.module && !strings.HasPrefix(imported, o.module+"/") {
					continue
				}
				found = true
				if !slices.ContainsFunc(o.in, func(f string) bool { return within(path, f) }) {
					t.Errorf("%s imports %s, which belongs to %v: %s", path, imported, o.in, o.why)
				}
			}
		}
		if !found {
			t.Errorf("nothing imports %s any more: remove its owner", o.module)
		}
	}
}

func TestImports_pure(t *testing.T) {
	all := list(t)
	for _, rule := range pure {
		for _, folder := range rule.packages {
			found := false
			for path, p := range all {
				if !within(path, folder) {
					continue
				}
				found = true
				for _, dep := range p.Deps {
					if slices.ContainsFunc(rule.free, func(f string) bool { return within(dep, f) }) {
						t.Errorf("%s depends on %s: %s", path, dep, rule.why)
					}
				}
			}
			if !found {
				t.Errorf("there is no package %s any more", folder)
			}
		}
	}
}
