package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

func exportCommand() *cobra.Command {
	var s session
	var out, reason string
	cmd := &cobra.Command{
		Use:     "export SHIPMENT",
		Short:   "Write a shipment's evidence bundle",
		Long:    "Export writes one file that holds all that is needed to check a shipment offline. The ledger notes who took it and why.",
		Example: "  isotherm export --me auditor --reason 'yearly audit' --out case.bundle 3f0c…",
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := shipmentArg(args[0])
			if err != nil {
				return err
			}
			if out == "" {
				return usageError{fmt.Errorf("--out is needed: the file to write")}
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				if err := writeWhole(out, func(w io.Writer) error { return c.Export(ctx, id, reason, w) }); err != nil {
					return err
				}
				info, err := os.Stat(out)
				if err != nil {
					return err
				}
				v := struct {
					File string `json:"file"`
					Size int64  `json:"size"`
				}{out, info.Size()}
				return s.print(cmd, v, func(w io.Writer) {
					fmt.Fprintf(w, "%s: %d kB; check it with isotherm verify --policy POLICY %s\n", out, (v.Size+999)/1000, out)
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "file to write (required)")
	cmd.Flags().StringVar(&reason, "reason", "", "why it is taken; the ledger keeps it")
	return cmd
}

// writeWhole writes a file that appears only when all of it is written and synced.
func writeWhole(path string, write func(io.Writer) error) error {
	tmp := path + ".part"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) // gone already when all went well
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
