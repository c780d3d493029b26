package ledgerd

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"os/signal"
	"path/filepath"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

// Run runs ledgerd with its arguments, without the program's name, and returns the exit code: 0, or 1 after an error,
// which is on stderr. SIGTERM and SIGINT end it in order, as the end of ctx does.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	root := &cobra.Command{
		Use: "ledgerd", Short: "A node of isotherm's custody ledger", SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(initCommand(), runCommand(), statusCommand())
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(stderr, "ledgerd: %v\n", err)
		return 1
	}
	return 0
}

func initCommand() *cobra.Command {
	var o setup
	var nodes []string
	var pinFile string
	c := &cobra.Command{
		Use: "init --dir DIR --origin NAME --node NAME=HOST:CLUSTERPORT,HOST:APIPORT ...", Args: cobra.NoArgs,
		Short: "Make the keys, certificates and configuration of a new ledger",
		Long: `Make the keys, certificates and configuration of a new ledger, in a directory that is new or empty.

  DIR/policy     the ledger's keys, for boxes and verifiers: hand it out by a way that is not the ledger
  DIR/ca.pem     the CA of the nodes' certificates, for clients and boxes
  DIR/operator   the operator's key and the CA's key: take them offline
  DIR/admin      the first administrator's identity
  DIR/NAME       everything of one node: copy it to its machine and run ledgerd run --config NAME/ledgerd.toml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, text := range nodes {
				n, err := parseNode(text)
				if err != nil {
					return err
				}
				o.nodes = append(o.nodes, n)
			}
			made, err := o.choosePIN(pinFile)
			if err != nil {
				return err
			}
			if err := o.write(time.Now()); err != nil {
				return err
			}
			if made {
				fmt.Fprintf(cmd.OutOrStdout(), "the administrator's first PIN is %s: change it with isotherm key pin --me %s\n", o.pin, filepath.Join(o.dir, adminDir))
			}
			nodes := "1 node"
			if len(o.nodes) > 1 {
				nodes = fmt.Sprintf("%d nodes", len(o.nodes))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "ledger %s of %s in %s\ntake %s offline, and hand out %s\n",
				o.origin, nodes, o.dir, filepath.Join(o.dir, operatorDir), filepath.Join(o.dir, policyFile))
			return nil
		},
	}
	c.Flags().StringVar(&o.dir, "dir", "", "directory to make, or an empty one")
	c.Flags().StringVar(&o.origin, "origin", "", "name of the ledger for all time, such as example.org/organs")
	c.Flags().StringArrayVar(&nodes, "node", nil, "a node: NAME=HOST:CLUSTERPORT,HOST:APIPORT; once for each of one, three or five nodes")
	c.Flags().StringVar(&pinFile, "admin-pin-file", "", "file with the PIN for the first administrator's signing key (default: one is made and printed)")
	return require(c, "dir", "origin", "node")
}

// choosePIN reads the first administrator's PIN, or makes one and says so.
func (s *setup) choosePIN(file string) (made bool, err error) {
	if file != "" {
		s.pin, err = identity.ReadPIN(file)
		return false, err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return false, fmt.Errorf("make a PIN: %w", err)
	}
	s.pin = fmt.Appendf(nil, "%08d", n)
	return true, nil
}

func runCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "run --config FILE", Short: "Run a node", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(config)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&config, "config", "", "the node's configuration file")
	return require(c, "config")
}

func statusCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "status --config FILE", Short: "Ask the node of a configuration how it is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(config)
			if err != nil {
				return err
			}
			return showStatus(cmd.Context(), cfg, cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&config, "config", "", "the node's configuration file")
	return require(c, "config")
}

// require makes flags required. Cobra can only refuse names that were not defined just before.
func require(c *cobra.Command, flags ...string) *cobra.Command {
	for _, f := range flags {
		_ = c.MarkFlagRequired(f)
	}
	return c
}

func showStatus(ctx context.Context, cfg *Config, out io.Writer) error {
	c, err := client.New(client.Options{URLs: []string{"https://" + cfg.APIListen}, CAFile: cfg.CAFile, Timeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "ledger\t%s\nnode\t%s\nstate\t%s\nleader\t%s\nvoters\t%v\nentries\t%d\ncheckpoint\t%d\n",
		s.Origin, s.Node, s.State, s.Leader, s.Voters, s.Entries, s.Checkpoint)
	if s.Halted != "" {
		fmt.Fprintf(w, "halted\t%s\n", s.Halted)
	}
	return w.Flush()
}
