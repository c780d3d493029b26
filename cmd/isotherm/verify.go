package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"isotherm/ledger/bundle"
	"isotherm/ledger/entry"
)

func verifyCommand() *cobra.Command {
	var policy string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "Check an exported bundle offline",
		Long: `Verify recomputes every hash in a bundle from its readings and checks every signature. It needs no network and no server.

With --policy, the file with the ledger's keys that you obtained beforehand, exit code 0 means verified under those keys.
Without it the best verdict is 'consistent, origin unproven', exit code 3. Exit code 1: something was changed, left out
or forged; each finding says where.`,
		Example: "  isotherm verify --policy ledger.policy case.bundle",
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := readLimited(args[0], bundle.MaxSize)
			if err != nil {
				return err
			}
			var pin *entry.Pin
			if policy != "" {
				text, err := readLimited(policy, entry.MaxPin)
				if err != nil {
					return fmt.Errorf("read policy: %w", err)
				}
				p, err := entry.ParsePin(text)
				if err != nil {
					return fmt.Errorf("read policy %s: %w", policy, err)
				}
				pin = &p
			}
			v := bundle.Verify(b, pin)
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), v)
			} else {
				err = v.WriteText(cmd.OutOrStdout())
			}
			if err != nil {
				return err
			}
			if code := v.Result.ExitCode(); code != exitOK {
				return exitCode(code)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&policy, "policy", "", "file with the keys of the ledger, obtained beforehand")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the verdict as JSON")
	return cmd
}

// readLimited reads a file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return b, nil
}
