package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/cmd/internal/ledgerd"
	"isotherm/cmd/internal/trackerd"
	"isotherm/ledger"
)

// Exit codes. Verify has its own for its verdicts, see bundle.Result.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// exitCode is an error that says only how to exit; what there was to say is printed already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a wrong use of the command line.
type usageError struct{ error }

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
	err := root.ExecuteContext(ctx)
	var code exitCode
	var usage usageError
	var fault *ledger.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "isotherm: %v\nTry: isotherm help\n", err)
		return exitUsage
	case errors.As(err, &fault) && fault.Hint != "":
		fmt.Fprintf(stderr, "isotherm: %s\nTry: %s\n", strings.TrimSuffix(err.Error(), ": "+fault.Hint), fault.Hint)
	default:
		fmt.Fprintf(stderr, "isotherm: %v\n", err)
	}
	return exitError
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "isotherm",
		Short: "Prove what happened to a donated organ on its way, and who held it",
		Long: `isotherm keeps the custody history of donated organs: readings that the box signed, acts that people signed,
in a replicated ledger that anyone can check offline.

Exit codes: 0 done, 1 failed, 2 wrong use; isotherm verify: 0 verified, 1 broken, 3 consistent but origin unproven.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(demoCommand(), enrolCommand(), shipmentCommand(), handoffCommand(), exportCommand(), verifyCommand())
	return root
}

// exactly is cobra.ExactArgs with our exit code.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(cmd, args); err != nil {
			return usageError{fmt.Errorf("%s: %w", cmd.CommandPath(), err)}
		}
		return nil
	}
}

// session is what most verbs need: who acts, and whether to answer as JSON.
type session struct {
	dir  string
	json bool
}

func (s *session) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.dir, "me", "", "folder with your identity (required)")
	cmd.Flags().BoolVar(&s.json, "json", false, "answer as JSON")
}

// connect loads who acts and returns a client of their ledger, which the caller closes.
func (s *session) connect() (*identity.Me, *client.Client, error) {
	if s.dir == "" {
		return nil, nil, usageError{errors.New("--me is needed: the folder with your identity")}
	}
	me, err := identity.Load(s.dir)
	if err != nil {
		return nil, nil, err
	}
	c, err := me.Client()
	return me, c, err
}

// print writes v as JSON, or calls text.
func (s *session) print(cmd *cobra.Command, v any, text func(io.Writer)) error {
	if !s.json {
		text(cmd.OutOrStdout())
		return nil
	}
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// when reads a typed time: RFC 3339 with a zone, or nothing for now. It is echoed with its age, so that a slip is seen.
func when(text string, echo io.Writer) (int64, error) {
	if text == "" {
		return time.Now().UnixMilli(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, usageError{fmt.Errorf("time %q: write it with its zone, like 2026-11-23T10:31:00+01:00", text)}
	}
	fmt.Fprintf(echo, "%s was %s ago\n", t.Format(time.RFC3339), time.Since(t).Round(time.Second))
	return t.UnixMilli(), nil
}
