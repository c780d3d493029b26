// Trackerd is the program of the box, see isotherm/cmd/internal/trackerd.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"isotherm/cmd/internal/trackerd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(trackerd.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
