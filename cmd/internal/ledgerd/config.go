package ledgerd

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"isotherm/api/web"
	"isotherm/cmd/internal/tomlfile"
)

// Config is the configuration file of a node, in TOML. An unknown key is an error that names it. Paths are relative to
// the file's folder. It holds no secret, only paths to them; who can write it decides which keys and peers count.
type Config struct {
	// Name of the node, for life: in its certificate, in the cosigner set, in every entry it proposes. Required. A node
	// that lost its disk needs a new one.
	Name string `toml:"name"`
	// DataDir holds the replicated state, the raft log and what the node has signed. Default "data". Trusted: who can
	// write there can change what this node shows, but not what others cosigned.
	DataDir string `toml:"data_dir"`
	// ClusterListen is the host:port of the cluster port. Required. Only members with a certificate get past it.
	ClusterListen string `toml:"cluster_listen"`
	// ClusterAdvertise is the host:port at which the other nodes reach it. Default: cluster_listen.
	ClusterAdvertise string `toml:"cluster_advertise"`
	// APIListen is the host:port of the API. Required.
	APIListen string `toml:"api_listen"`
	// ClusterCertFile is the node's certificate among nodes, PEM. Default "cluster.pem".
	ClusterCertFile string `toml:"cluster_cert_file"`
	// ClusterKeyFile is its key. Default "cluster.key". Who holds it can speak as this node to the others.
	ClusterKeyFile string `toml:"cluster_key_file"`
	// APICertFile is the certificate of the API, PEM. Default "api.pem".
	APICertFile string `toml:"api_cert_file"`
	// APIKeyFile is its key. Default "api.key". Who holds it can read what clients send, tokens included.
	APIKeyFile string `toml:"api_key_file"`
	// CAFile is the private CA of all nodes, PEM. Default "ca.pem". Trusted: whoever it certifies as a peer is that peer.
	CAFile string `toml:"ca_file"`
	// LogKeyFile is the key that signs checkpoints, the same on all nodes. Default "log.key". Alone it proves nothing:
	// a checkpoint counts with a majority of cosignatures.
	LogKeyFile string `toml:"log_key_file"`
	// CosignKeyFile is this node's cosigning key. Default "cosign.key". Majorities of them are what verifiers trust.
	CosignKeyFile string `toml:"cosign_key_file"`
	// KeyringFile seals tokens and the keys of cases, the same on all nodes, in no backup. Default "keyring". Who holds it
	// and the data reads everything.
	KeyringFile string `toml:"keyring_file"`
	// Bootstrap makes a new cluster of the peers at the node's very first start. Default false. Never a second time, even
	// if it stays true.
	Bootstrap bool `toml:"bootstrap"`
	// LogLevel is debug, info, warn or error. Default "info".
	LogLevel slog.Level `toml:"log_level"`
	// Peers are all nodes, this one among them: name and cluster address. Required. Trusted with ca_file.
	Peers []Peer `toml:"peer"`

	// Alarms says how this node sends alarms, in a table [alarms]. All nodes should send in the same way: the leader does it.
	Alarms Alarms `toml:"alarms"`

	// Pages says what the pages show, in a table [pages]. All nodes should say the same.
	Pages Pages `toml:"pages"`

	dir string // of the file
}

// Pages are what the operator says for the pages that people use.
type Pages struct {
	// Call is the telephone number that is answered day and night, for who finds a box. Default: none, and the page of a
	// box only tells to call the number printed on it.
	Call string `toml:"call"`
	// Operator is who runs this ledger, in words. Default: none.
	Operator string `toml:"operator"`
	// Tiles is where browsers load map pictures, an https address with {z}, {x} and {y}. Default: none, the pages draw coasts
	// and borders of their own. Trusted: it learns which places somebody looks at.
	Tiles string `toml:"tiles"`
	// TilesAttribution is what the maker of the map pictures wants to be said of them. Default: none.
	TilesAttribution string `toml:"tiles_attribution"`
}

// Alarms are the operator's means to send alarms. Where they go, each organisation sets itself.
type Alarms struct {
	// SMTPFile holds one line, the mail relay: smtps://USER:PASSWORD@HOST:PORT (TLS), smtp:// (STARTTLS) or smtp+plain:// (no
	// TLS; whoever is on the way can read and change mail). Default: none, no e-mail is sent. Who reads it can send as you.
	SMTPFile string `toml:"smtp_file"`
	// From is the sender's address. Required with smtp_file.
	From string `toml:"from"`
	// Hook is the absolute path of a program that sends SMS or calls; it reads a JSON object on standard input, with hook,
	// phone, event, severity and text, and ends with 0 within 15 s. Default: none. Trusted: it runs as this node's user.
	Hook string `toml:"hook"`
	// AllowPrivate lets webhooks be on this machine and in private networks. Default false. Trusted then: whoever may set an
	// organisation's contacts, with a POST to anything that this machine reaches.
	AllowPrivate bool `toml:"allow_private"`
}

// Files that init writes beside the configuration; a node keeps them there.
const (
	genesisFile    = "genesis"          // the ledger's first entry, signed by the operator
	firstAdminFile = "first-admin.json" // entered when the ledger begins; trusted once
)

func (c *Config) beside(name string) string { return filepath.Join(c.dir, name) }

// Peer is a node of the cluster.
type Peer struct {
	Name string `toml:"name"`
	Addr string `toml:"addr"` // host:port of its cluster port
}

// maxConfig bounds a configuration file, in bytes; ledgerd init writes one of two thousand.
const maxConfig = 64 << 10

// loadConfig reads a configuration file strictly and makes its paths absolute.
func loadConfig(path string) (*Config, error) {
	text, err := tomlfile.Read(path, maxConfig)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c := &Config{dir: dir, DataDir: "data", ClusterCertFile: "cluster.pem", ClusterKeyFile: "cluster.key", APICertFile: "api.pem",
		APIKeyFile: "api.key", CAFile: caFile, LogKeyFile: "log.key", CosignKeyFile: "cosign.key", KeyringFile: "keyring"}
	if err := tomlfile.Decode(text, c); err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", path, err)
	}
	for _, p := range []*string{&c.DataDir, &c.ClusterCertFile, &c.ClusterKeyFile, &c.APICertFile, &c.APIKeyFile, &c.CAFile, &c.LogKeyFile,
		&c.CosignKeyFile, &c.KeyringFile, &c.Alarms.SMTPFile} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	if c.ClusterAdvertise == "" {
		c.ClusterAdvertise = c.ClusterListen
	}
	switch {
	case c.Name == "" || c.ClusterListen == "" || c.APIListen == "":
		return nil, fmt.Errorf("configuration %s: name, cluster_listen and api_listen are required", path)
	case len(c.Peers) == 0:
		return nil, fmt.Errorf("configuration %s: no [[peer]] is named", path)
	case (c.Alarms.SMTPFile == "") != (c.Alarms.From == ""):
		return nil, fmt.Errorf("configuration %s: alarms.smtp_file and alarms.from need each other", path)
	case c.Pages.settings().Check() != nil:
		return nil, fmt.Errorf("configuration %s: pages.%w", path, c.Pages.settings().Check())
	case c.Pages.TilesAttribution != "" && c.Pages.Tiles == "":
		return nil, fmt.Errorf("configuration %s: pages.tiles_attribution is of pages.tiles, which is missing", path)
	case c.Alarms.Hook != "" && !filepath.IsAbs(c.Alarms.Hook):
		return nil, fmt.Errorf("configuration %s: alarms.hook %q is not an absolute path", path, c.Alarms.Hook)
	}
	return c, nil
}

func (p Pages) settings() web.Settings {
	return web.Settings{Call: p.Call, Operator: p.Operator, Tiles: p.Tiles, TilesAttribution: p.TilesAttribution}
}
