package ledgerd

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/durable"
	"isotherm/ledger/entry"
	"isotherm/ledger/keyfile"
	"isotherm/ledger/merkle"
	"isotherm/ledger/node"
	"isotherm/ledger/seal"
)

// Names of what a new ledger consists of.
const (
	policyFile  = "policy"
	caFile      = "ca.pem"
	operatorDir = "operator"
	adminDir    = "admin"
	configFile  = "ledgerd.toml"
)

// setup is a new ledger.
type setup struct {
	dir    string
	origin string
	nodes  []newNode
	pin    []byte // of the first administrator
}

// newNode is a node of a new ledger.
type newNode struct {
	name    string
	cluster string // host:port
	api     string // host:port
}

// plainName is what node names and origins may be: they stand in certificates, folders, signed notes and TOML.
var (
	plainName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	plainOrigin = regexp.MustCompile(`^[a-z0-9][a-z0-9./_-]{1,98}[a-z0-9]$`)
)

// parseNode reads NAME=HOST:CLUSTERPORT,HOST:APIPORT.
func parseNode(text string) (newNode, error) {
	name, addresses, _ := strings.Cut(text, "=")
	cluster, api, ok := strings.Cut(addresses, ",")
	n := newNode{name: name, cluster: cluster, api: api}
	if !ok || !plainName.MatchString(name) || name == operatorDir || name == adminDir {
		return n, fmt.Errorf("node %q: want NAME=HOST:CLUSTERPORT,HOST:APIPORT with a NAME of lower-case letters, digits and '-'", text)
	}
	for _, a := range []string{cluster, api} {
		host, port, err := net.SplitHostPort(a)
		if err != nil {
			return n, fmt.Errorf("node %s: address %q: %w", name, a, err)
		}
		if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 || host == "" || strings.ContainsAny(a, "\"\\\n") {
			return n, fmt.Errorf("node %s: address %q: want a host and a port from 1 to 65535", name, a)
		}
	}
	return n, nil
}

func (s *setup) check() error {
	if !plainOrigin.MatchString(s.origin) {
		return fmt.Errorf("origin %q: want lower-case letters, digits and . / _ -, such as example.org/organs", s.origin)
	}
	if len(s.nodes) == 0 || len(s.nodes) > entry.MaxCosigners {
		return fmt.Errorf("%d nodes, want 1 to %d", len(s.nodes), entry.MaxCosigners)
	}
	for i, n := range s.nodes {
		for _, other := range s.nodes[:i] {
			if n.name == other.name || n.cluster == other.cluster || n.api == other.api {
				return fmt.Errorf("nodes %s and %s have a name or an address in common", other.name, n.name)
			}
		}
	}
	return nil
}

// write makes all files beside their place and moves them there, so that there is a whole ledger or none.
func (s *setup) write(now time.Time) error {
	if err := s.check(); err != nil {
		return err
	}
	old, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("set up ledger: %w", err)
	}
	if len(old) > 0 {
		return fmt.Errorf("set up ledger: %s is not empty", s.dir)
	}
	dir := filepath.Clean(s.dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("set up ledger: %w", err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".ledgerd-init-")
	if err != nil {
		return fmt.Errorf("set up ledger: %w", err)
	}
	err = s.writeAll(temp, now)
	if err == nil {
		err = os.Remove(dir)
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(temp, dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("set up ledger: %w", err), os.RemoveAll(temp))
	}
	return nil
}

// shared is what all nodes of a ledger hold.
type shared struct {
	ca         *authority
	logKey     ed25519.PrivateKey
	cosignKeys []ed25519.PrivateKey // by node
	genesis    *entry.Genesis
	keyring    *seal.Keyring
	firstAdmin []byte
}

func (s *setup) writeAll(dir string, now time.Time) error {
	operator, err := newKey()
	if err != nil {
		return err
	}
	all := shared{keyring: seal.NewKeyring()}
	if all.ca, err = newAuthority(s.origin, now); err != nil {
		return err
	}
	if all.logKey, err = newKey(); err != nil {
		return err
	}
	all.genesis = &entry.Genesis{Origin: s.origin, LogKey: all.logKey.Public().(ed25519.PublicKey), CreatedMS: now.UnixMilli()}
	for _, n := range s.nodes {
		k, err := newKey()
		if err != nil {
			return err
		}
		all.cosignKeys = append(all.cosignKeys, k)
		all.genesis.Cosigners = append(all.genesis.Cosigners, merkle.CosignerKey{Name: n.name, Key: k.Public().(ed25519.PublicKey)})
	}
	all.genesis.Sign(operator)
	if _, err := entry.ParseGenesis(all.genesis.Marshal()); err != nil {
		return err
	}
	if err := s.writeAdmin(filepath.Join(dir, adminDir), &all, operator, now); err != nil {
		return err
	}
	if err := s.writeOperator(dir, &all, operator); err != nil {
		return err
	}
	for i := range s.nodes {
		if err := s.writeNode(filepath.Join(dir, s.nodes[i].name), &all, i, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *setup) writeOperator(dir string, all *shared, operator ed25519.PrivateKey) error {
	if err := os.Mkdir(filepath.Join(dir, operatorDir), 0o700); err != nil {
		return err
	}
	return errors.Join(
		os.Chmod(dir, 0o755), // a temporary folder begins closed; what is secret in it is closed by itself
		keyfile.Save(filepath.Join(dir, operatorDir, "operator.key"), operator),
		keyfile.Save(filepath.Join(dir, operatorDir, "ca.key"), all.ca.key),
		durable.WriteFile(filepath.Join(dir, caFile), all.ca.pem, 0o644),
		durable.WriteFile(filepath.Join(dir, policyFile), entry.NewTrust(all.genesis).Pin.Marshal(), 0o644),
	)
}

// firstAdmin is the first administrator as nodes hold it: they never see the token.
type firstAdmin struct {
	Person    []byte `json:"person"`       // the card that the operator signed, see entry.PersonCard
	TokenHash []byte `json:"token_sha256"` // of the token in the administrator's identity
	ExpiresMS int64  `json:"token_expires_ms"`
}

func (s *setup) writeAdmin(dir string, all *shared, operator ed25519.PrivateKey, now time.Time) error {
	id := ledger.NewPersonID()
	me := &identity.Me{Person: id, Name: "Administrator", Organisation: "Operator", Role: entry.RoleAdmin.String(),
		Origin: s.origin, CA: all.ca.pem, Token: node.NewPersonToken(id)}
	if err := me.NewKey(s.pin, identity.DefaultCost); err != nil {
		return err
	}
	for _, n := range s.nodes {
		me.URLs = append(me.URLs, "https://"+n.api)
	}
	card := entry.PersonCard{Ledger: s.origin, Person: me.Person, Version: 1, Name: me.Name, Organisation: me.Organisation, Role: entry.RoleAdmin,
		Key: me.Public(), Why: entry.CardEnrolled, IssuedMS: now.UnixMilli()}
	card.Sign(operator)
	hash := node.TokenHash(me.Token)
	var err error
	all.firstAdmin, err = json.Marshal(firstAdmin{Person: card.Marshal(), TokenHash: hash[:], ExpiresMS: now.Add(node.PersonTokenLife).UnixMilli()})
	if err != nil {
		return err
	}
	return me.Save(dir)
}

func (s *setup) writeNode(dir string, all *shared, i int, now time.Time) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	n := s.nodes[i]
	clusterHost, _, _ := net.SplitHostPort(n.cluster) // parseNode took them apart before
	apiHost, _, _ := net.SplitHostPort(n.api)
	in := func(name string) string { return filepath.Join(dir, name) }
	return errors.Join(
		all.ca.issue(in("cluster"), now, true, n.name, clusterHost),
		all.ca.issue(in("api"), now, false, n.name, apiHost),
		keyfile.Save(in("log.key"), all.logKey),
		keyfile.Save(in("cosign.key"), all.cosignKeys[i]),
		all.keyring.Save(in("keyring")),
		durable.WriteFile(in(genesisFile), all.genesis.Marshal(), 0o644),
		durable.WriteFile(in(policyFile), entry.NewTrust(all.genesis).Pin.Marshal(), 0o644),
		durable.WriteFile(in(caFile), all.ca.pem, 0o644),
		durable.WriteFile(in(firstAdminFile), all.firstAdmin, 0o600),
		durable.WriteFile(in(configFile), s.config(n), 0o644),
	)
}

// config returns a node's configuration file. Names and addresses were checked to need no escaping.
func (s *setup) config(n newNode) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Node %s of the ledger %s. Paths are relative to this file; all keys are explained in cmd/internal/ledgerd/config.go.

name = "%s"
cluster_listen = "%s"
api_listen = "%s"
bootstrap = true # at the very first start only
`, n.name, s.origin, n.name, n.cluster, n.api)
	for _, p := range s.nodes {
		fmt.Fprintf(&b, "\n[[peer]]\nname = \"%s\"\naddr = \"%s\"\n", p.name, p.cluster)
	}
	return b.Bytes()
}
