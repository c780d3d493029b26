package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

// session is what most verbs need: who acts, how their key is unlocked, and whether to answer as JSON.
type session struct {
	dir     string
	pinFile string
	json    bool
	now     time.Time // one moment for a whole answer
}

// flags registers those of every verb that asks a ledger.
func (s *session) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.dir, "me", "", "folder with your identity (required)")
	cmd.Flags().BoolVar(&s.json, "json", false, "answer as JSON")
}

// signFlags registers those of a verb that signs, too.
func (s *session) signFlags(cmd *cobra.Command) {
	s.flags(cmd)
	cmd.Flags().StringVar(&s.pinFile, "pin-file", "", "file with your PIN, readable by you only (default: ask)")
}

// load reads who acts.
func (s *session) load(cmd *cobra.Command) (*identity.Me, error) {
	if s.dir == "" {
		return nil, usageError{errors.New("--me is needed: the folder with your identity")}
	}
	s.now = time.Now()
	me, err := identity.Load(s.dir)
	if err != nil {
		return nil, err
	}
	me.PIN = pinOf(cmd, "PIN of "+me.Name, s.pinFile, "--pin-file")
	return me, nil
}

// connect loads who acts and returns a client of their ledger, which the caller closes.
func (s *session) connect(cmd *cobra.Command) (*identity.Me, *client.Client, error) {
	me, err := s.load(cmd)
	if err != nil {
		return nil, nil, err
	}
	c, err := me.Client()
	return me, c, err
}

// with runs f with who acts and a client of their ledger.
func (s *session) with(cmd *cobra.Command, f func(ctx context.Context, me *identity.Me, c *client.Client) error) error {
	me, c, err := s.connect(cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(cmd.Context(), me, c)
}

// print writes v as JSON, or calls text.
func (s *session) print(cmd *cobra.Command, v any, text func(io.Writer)) error {
	if !s.json {
		text(cmd.OutOrStdout())
		return nil
	}
	return writeJSON(cmd.OutOrStdout(), v)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// pinOf returns what gives a PIN: a file, or the person at the terminal.
func pinOf(cmd *cobra.Command, what, file, flag string) identity.PIN {
	if file != "" {
		return func() ([]byte, error) { return identity.ReadPIN(file) }
	}
	return func() ([]byte, error) { return askSecret(cmd, what, flag) }
}

// askSecret asks at the terminal, without echo. flag is what to give where there is no terminal.
func askSecret(cmd *cobra.Command, what, flag string) ([]byte, error) {
	noTerminal := usageError{fmt.Errorf("there is no terminal to ask for the %s: give %s", what, flag)}
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok {
		return nil, noTerminal
	}
	fd := int(in.Fd())
	if !term.IsTerminal(fd) {
		return nil, noTerminal
	}
	state, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("ask for the %s: %w", what, err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: ", what)
	type answer struct {
		secret []byte
		err    error
	}
	got := make(chan answer, 1)
	go func() { // ends with the line, or with the program
		secret, err := term.ReadPassword(fd)
		got <- answer{secret, err}
	}()
	defer fmt.Fprintln(cmd.ErrOrStderr())
	select {
	case a := <-got:
		if a.err != nil {
			return nil, fmt.Errorf("ask for the %s: %w", what, a.err)
		}
		return a.secret, nil
	case <-cmd.Context().Done():
		// The terminal must echo again, or the person's shell stays silent.
		return nil, errors.Join(errors.New("interrupted"), term.Restore(fd, state))
	}
}

// newSecret gives a secret that is being set: from a file, or asked twice.
func newSecret(cmd *cobra.Command, what, file, flag string) ([]byte, error) {
	if file != "" {
		return identity.ReadPIN(file)
	}
	first, err := askSecret(cmd, what, flag)
	if err != nil {
		return nil, err
	}
	again, err := askSecret(cmd, what+", again", flag)
	if err != nil {
		return nil, err
	}
	if string(first) != string(again) {
		return nil, usageError{fmt.Errorf("the %s was typed in two ways: try again", what)}
	}
	return first, nil
}
