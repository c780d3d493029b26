package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"isotherm/cmd/internal/ledgerd"
	"isotherm/cmd/internal/trackerd"
	"isotherm/ledger"
)

// Exit codes. Verify has its own for its verdicts, see bundle.Result.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitUnavailable = 4 // 3 is verify's 'consistent, origin unproven'
)

// exitCode is an error that says only how to exit; what there was to say is printed already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a wrong use of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run runs the program that args[0] names and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	switch filepath.Base(args[0]) {
	case "ledgerd":
		return ledgerd.Run(ctx, args[1:], stdin, stdout, stderr)
	case "trackerd":
		return trackerd.Run(ctx, args[1:], stdin, stdout, stderr)
	}
	root := rootCommand()
	root.SetArgs(args[1:])
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return report(stderr, cmd, err)
}

// report says what went wrong, in one line, and what to do about it in another, and returns the exit code.
func report(stderr io.Writer, cmd *cobra.Command, err error) int {
	var code exitCode
	var usage usageError
	var fault *ledger.Error
	if err == nil {
		return exitOK
	}
	text := printable(err.Error(), '\n') // parts of it may come from a node
	switch {
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "isotherm: %s\nTry: %s --help\n", text, cmd.CommandPath())
		return exitUsage
	case errors.As(err, &fault) && fault.Hint != "":
		fmt.Fprintf(stderr, "isotherm: %s\nTry: %s\n", strings.TrimSuffix(text, ": "+fault.Hint), printable(fault.Hint, 0))
	default:
		fmt.Fprintf(stderr, "isotherm: %s\n", text)
	}
	if c := ledger.CodeOf(err); c == ledger.CodeUnavailable || c == ledger.CodeOverloaded {
		return exitUnavailable
	}
	return exitError
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "isotherm",
		Short: "Prove what happened to a donated organ on its way, and who held it",
		Long: `isotherm keeps the custody history of donated organs: readings that the box signed, acts that people signed,
in a replicated ledger that anyone can check offline.

Most commands act as a person: --me names the folder with your identity, and your PIN unlocks your key at each signing. --json answers as
JSON. Colour is for what wants attention, on a terminal only; NO_COLOR turns it off.

Exit codes: 0 done, 1 failed or refused, 2 wrong use, 4 no node of the ledger answered or all are busy: try again.
isotherm verify: 0 verified, 1 broken, 3 consistent but origin unproven.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	group := func(title string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
		for _, c := range commands {
			c.GroupID = title
			root.AddCommand(c)
		}
	}
	group("A shipment", shipmentCommand(), handoffCommand(), donorCommand(), shareCommand(), breakGlassCommand(), consentCommand())
	group("What happens", alarmCommand(), feedCommand(), boxCommand())
	group("Evidence", exportCommand(), verifyCommand(), trailCommand(), certificateCommand())
	group("You", pagesCommand(), meCommand(), keyCommand(), joinCommand(), signInCommand(), signOutCommand(), passwordCommand(), tokenCommand(), noticeCommand())
	group("Administration", nodesCommand(), enrolCommand(), personCommand(), organisationCommand(), profileCommand())
	group("To begin with", demoCommand(), simCommand())
	wantVerb(root)
	return root
}

// wantVerb makes a command that only holds others refuse to be run, or be run with a verb that it does not know.
func wantVerb(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		wantVerb(c)
	}
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usageError{fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0])}
		}
	}
}

// exactly is cobra.ExactArgs with our exit code.
func exactly(n int) cobra.PositionalArgs { return withUsage(cobra.ExactArgs(n)) }

// between is cobra.RangeArgs with our exit code.
func between(low, high int) cobra.PositionalArgs { return withUsage(cobra.RangeArgs(low, high)) }

func withUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%s: %w", cmd.CommandPath(), err)}
		}
		return nil
	}
}
