// Isotherm is the command for people: it runs the demonstration, enrols boxes and people, makes and signs custody acts,
// exports a shipment's evidence and verifies it offline. Under the names ledgerd and trackerd the same program is the
// node and the box, which is how the demonstration starts them as processes of their own.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr))
}
