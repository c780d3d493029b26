package trackerd

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/durable"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/tracker"
	"isotherm/tracker/journal"
)

// Files of the data directory that enrolment writes.
const (
	policyFile  = "policy"  // the keys that the operator gave, see entry.Pin; trusted
	genesisFile = "genesis" // the ledger's entry 0; checked against the policy at every start
)

// Times for one node, in real time: two dead nodes leave enough of the tracker's 10 s a call for a third.
const (
	nodeTimeout = 5 * time.Second
	dialTimeout = 2 * time.Second
)

// uplink lets the tracker speak with a ledger through its API.
type uplink struct {
	client *client.Client
	box    ledger.BoxID
	trust  *entry.Trust
}

// newUplink returns the uplink of an enrolled box; nil when no ledger is configured.
func newUplink(cfg *Config) (*uplink, error) {
	if len(cfg.Ledger) == 0 {
		return nil, nil
	}
	genesis, err := os.ReadFile(filepath.Join(cfg.DataDir, genesisFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("the box is not enrolled: run trackerd enrol, then start again")
	}
	if err != nil {
		return nil, fmt.Errorf("read genesis: %w", err)
	}
	policy, err := os.ReadFile(filepath.Join(cfg.DataDir, policyFile))
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	trust, err := checkGenesis(genesis, policy)
	if err != nil {
		return nil, err
	}
	key, err := journal.LoadKey(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &uplink{client: c, box: ledger.BoxIDOf(key.Public().(ed25519.PublicKey)), trust: trust}, nil
}

func newClient(cfg *Config) (*client.Client, error) {
	return client.New(client.Options{URLs: cfg.Ledger, CAFile: cfg.CAFile, Timeout: nodeTimeout, DialTimeout: dialTimeout})
}

// checkGenesis returns the trust that begins with a genesis, if it is that of the pinned ledger.
func checkGenesis(genesis, policy []byte) (*entry.Trust, error) {
	pin, err := entry.ParsePin(policy)
	if err != nil {
		return nil, err
	}
	g, err := entry.ParseGenesis(genesis)
	if err != nil {
		return nil, err
	}
	trust := entry.NewTrust(g)
	if !trust.Pin.Equal(pin) {
		return nil, fmt.Errorf("the ledger says it is %s, with other keys than the policy's for %s", trust.Pin.Origin, pin.Origin)
	}
	return trust, nil
}

func (u *uplink) close() { u.client.Close() }

// Sync delivers a batch, see tracker.Uplink.
func (u *uplink) Sync(ctx context.Context, wire, checkpoint []byte) (tracker.SyncAnswer, error) {
	answer, err := u.client.Sync(ctx, u.box, wire, checkpoint)
	var conflict *client.Conflict
	if errors.As(err, &conflict) {
		return tracker.SyncAnswer{}, &tracker.Conflict{Next: conflict.Next, Root: conflict.Root}
	}
	return tracker.SyncAnswer{Next: answer.Next, Receipt: answer.Receipt, Acts: answer.Acts}, err
}

// Receipt fetches a receipt, see tracker.Uplink.
func (u *uplink) Receipt(ctx context.Context, inc ledger.IncarnationID, size int64) ([]byte, error) {
	return u.client.Receipt(ctx, u.box, inc, size)
}

// enrolment is the command that makes a box known to a ledger.
type enrolment struct {
	ledger, ca, tokenFile, policy string
}

func (e *enrolment) flags(f *flag.FlagSet) {
	f.StringVar(&e.ledger, "ledger", "", "URLs of the ledger's nodes, in place of the config's")
	f.StringVar(&e.ca, "ca", "", "CA file, in place of the config's")
	f.StringVar(&e.tokenFile, "token-file", "", "file with the one-time token")
	f.StringVar(&e.policy, "policy", "", "policy file with the ledger's keys")
}

// enrol checks that the ledger is the pinned one before it shows it the token, and stores nothing before the ledger has
// taken the box.
func (e *enrolment) enrol(ctx context.Context, cfg *Config, log *slog.Logger, stdout io.Writer) error {
	if e.tokenFile == "" || e.policy == "" {
		return fmt.Errorf("%w: --token-file and --policy are needed", errUsage)
	}
	if e.ledger != "" {
		cfg.Ledger = strings.Split(e.ledger, ",")
	}
	if e.ca != "" {
		cfg.CAFile = e.ca
	}
	policy, err := readSmall(e.policy)
	if err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	token, err := readSmall(e.tokenFile)
	if err != nil {
		return fmt.Errorf("read token: %w", err)
	}
	c, err := newClient(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	genesis, err := c.Genesis(ctx)
	if err != nil {
		return fmt.Errorf("ask the ledger who it is: %w", err)
	}
	trust, err := checkGenesis(genesis, policy)
	if err != nil {
		return err
	}
	key, err := journal.LoadKey(cfg.DataDir)
	if err != nil {
		return err
	}
	public := key.Public().(ed25519.PublicKey)
	head, err := currentHead(ctx, cfg, public, log)
	if err != nil {
		return err
	}
	answer, err := c.EnrolBox(ctx, strings.TrimSpace(string(token)), client.Enrolment{Key: public, Head: head})
	if err != nil {
		return fmt.Errorf("enrol box: %w", err)
	}
	if answer.Box != ledger.BoxIDOf(public) {
		return fmt.Errorf("the ledger enrolled box %s, this is box %s", answer.Box, ledger.BoxIDOf(public))
	}
	// The genesis goes last: it is what says that the box is enrolled.
	if err := durable.WriteFile(filepath.Join(cfg.DataDir, policyFile), policy, 0o600); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(cfg.DataDir, genesisFile), genesis, 0o600); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "box %s is enrolled with %s at entry %d\n", answer.Box, trust.Pin.Origin, answer.Index)
	return err
}

const maxSmall = entry.MaxPin

// readSmall reads a token or policy file.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err == nil && len(b) > maxSmall {
		err = fmt.Errorf("%s is longer than %d bytes", path, maxSmall)
	}
	return b, err
}

// currentHead returns the newest signed head: from the page of a box that runs, else by opening its journal, which
// starts an incarnation.
func currentHead(ctx context.Context, cfg *Config, key ed25519.PublicKey, log *slog.Logger) ([]byte, error) {
	if cfg.LocalAddr != "" {
		if head, err := askPage(ctx, cfg.LocalAddr, "/v1/head", merkle.MaxNote); err == nil {
			if _, _, err := record.OpenHead(head, key); err != nil {
				return nil, fmt.Errorf("page at %s is of another box: %w", cfg.LocalAddr, err)
			}
			return head, nil
		}
	}
	clock, err := cfg.clock()
	if err != nil {
		return nil, err
	}
	d, err := openDevices(cfg, clock, log)
	if err != nil {
		return nil, err
	}
	defer d.close()
	t, err := tracker.New(d.box(cfg))
	if err != nil {
		return nil, err
	}
	head := t.Head()
	return head, t.Close()
}

// askPage asks the page of a box that runs.
func askPage(ctx context.Context, addr, path string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("page at %s answered %s", addr, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, limit))
}
