package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

func keyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Make, show and lock your signing key",
		Long: `Your signing key is made on your device and stays there, sealed under your PIN; the PIN is asked at each signing. Nobody can restore a
forgotten PIN: make a new key and have an administrator replace the old one, which takes a minute. What the old key signed stands.`}
	cmd.AddCommand(keyNewCommand(), keyShowCommand(), keyPINCommand(), keyUseCommand())
	return cmd
}

// keyText is how a public key is written and typed.
func keyText(k ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(k) }

// parseKey reads a public key as isotherm key new prints it, or as 64 hexadecimal digits, with or without spaces, as the pages
// show it.
func parseKey(text string) (ed25519.PublicKey, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		b, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, usageError{fmt.Errorf("key %.60q: want the line that isotherm key new printed, or the 64 digits that the person's browser shows", text)}
	}
	return b, nil
}

func keyNewCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "new", Short: "Make a signing key in your folder and print its public half", Args: exactly(0),
		Long: `Key new makes a signing key in the folder of --me, which is made when needed, and prints the public half for the administrator:
for isotherm enrol person --key, or isotherm person replace-key. When the folder has a key already, the new one waits until isotherm key use.`,
		Example: "  isotherm key new --me ~/isotherm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.dir == "" {
				return usageError{errors.New("--me is needed: the folder for your identity")}
			}
			pin, err := newSecret(cmd, fmt.Sprintf("new PIN, at least %d characters", identity.MinPIN), s.pinFile, "--pin-file")
			if err != nil {
				return err
			}
			defer clear(pin)
			public, waits, err := identity.NewKeyIn(s.dir, pin, identity.DefaultCost)
			if err != nil {
				return err
			}
			v := struct {
				Key   string `json:"key"`
				Waits bool   `json:"waits"`
			}{keyText(public), waits}
			return s.print(cmd, v, func(w io.Writer) {
				fmt.Fprintln(w, v.Key)
				if waits {
					fmt.Fprintln(cmd.ErrOrStderr(), "the new key waits beside the old one: isotherm key use, once an administrator has replaced it")
				}
			})
		},
	}
	s.signFlags(cmd)
	return cmd
}

func keyShowCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "show", Short: "Print the public half of your signing key", Args: exactly(0),
		Example: "  isotherm key show --me ~/isotherm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			me, err := s.load(cmd)
			if err != nil {
				return err
			}
			if me.Public() == nil {
				return identity.ErrNoKey
			}
			v := struct {
				Key string `json:"key"`
			}{keyText(me.Public())}
			return s.print(cmd, v, func(w io.Writer) { fmt.Fprintln(w, v.Key) })
		},
	}
	s.flags(cmd)
	return cmd
}

func keyPINCommand() *cobra.Command {
	var s session
	var newFile string
	cmd := &cobra.Command{
		Use: "pin", Short: "Change the PIN of your signing key", Args: exactly(0),
		Example: "  isotherm key pin --me ~/isotherm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			me, err := s.load(cmd)
			if err != nil {
				return err
			}
			before, err := me.PIN()
			if err != nil {
				return err
			}
			defer clear(before)
			after, err := newSecret(cmd, "new PIN", newFile, "--new-pin-file")
			if err != nil {
				return err
			}
			defer clear(after)
			if err := me.ChangePIN(before, after, identity.DefaultCost); err != nil {
				return err
			}
			return s.print(cmd, struct{}{}, func(w io.Writer) { fmt.Fprintln(w, "the PIN is changed; the key is the same") })
		},
	}
	s.signFlags(cmd)
	cmd.Flags().StringVar(&newFile, "new-pin-file", "", "file with the new PIN (default: ask)")
	return cmd
}

func keyUseCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "use", Short: "Sign with the new key, once the ledger knows it", Args: exactly(0),
		Example: "  isotherm key use --me ~/isotherm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				known, err := c.Linearizable().Person(ctx, me.Person)
				if err != nil {
					return err
				}
				changed, err := identity.UseNewKey(s.dir, known.Person.Key)
				if err != nil {
					return err
				}
				v := struct {
					Changed bool `json:"changed"`
				}{changed}
				return s.print(cmd, v, func(w io.Writer) {
					if changed {
						fmt.Fprintln(w, "you sign with the new key from now on")
					} else {
						fmt.Fprintln(w, "the key in use is the one that the ledger knows: nothing to change")
					}
				})
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func joinCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "join FILE", Short: "Make the folder with your key your identity in a ledger", Args: exactly(1),
		Long: `Join takes the file that an administrator made with isotherm enrol person --join, or isotherm person replace-key --join: it names the
ledger, says who you are in it, and holds a token for the first sign-in. The folder must hold the key whose public half you gave them.`,
		Example: "  isotherm key new --me ~/isotherm      # prints the line for the administrator\n  isotherm join --me ~/isotherm my.join",
		RunE: func(cmd *cobra.Command, args []string) error {
			if s.dir == "" {
				return usageError{errors.New("--me is needed: the folder with your key")}
			}
			j, err := identity.LoadJoin(args[0])
			if err != nil {
				return err
			}
			me, err := j.Enter(s.dir)
			if err != nil {
				return err
			}
			return s.print(cmd, me, func(w io.Writer) {
				fmt.Fprintf(w, "you are %s of %s (%s) in %s\n", oneLine(me.Name), oneLine(me.Organisation), me.Role, oneLine(me.Origin))
			})
		},
	}
	s.flags(cmd)
	return cmd
}
