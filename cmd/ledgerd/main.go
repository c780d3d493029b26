// Command ledgerd is a node of the custody ledger, see package cmd/internal/ledgerd.
package main

import (
	"context"
	"os"

	"isotherm/cmd/internal/ledgerd"
)

func main() {
	os.Exit(ledgerd.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
