package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/access"
)

func signInCommand() *cobra.Command {
	var s session
	var login, passwordFile string
	cmd := &cobra.Command{
		Use: "sign-in", Short: "Begin a shift: sign in with name and password", Args: exactly(0),
		Long: `Sign-in keeps a session in your folder until sign-out or until it ends by itself. It opens what you may see; it signs nothing: each
act asks for your PIN.`,
		Example: "  isotherm sign-in --me ~/isotherm --login a.example",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if login == "" {
				return usageError{errors.New("--login is needed: the name that you sign in with")}
			}
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				password, err := secretOf(cmd, "password of "+login, passwordFile, "--password-file")
				if err != nil {
					return err
				}
				defer clear(password)
				x, err := c.SignIn(ctx, login, string(password))
				if err != nil {
					return err
				}
				if x.Person != me.Person {
					return errors.Join(fmt.Errorf("%s is %s, and the folder is that of %s", login, x.Name, me.Name), c.WithToken(x.Token).SignOut(ctx))
				}
				if err := me.SaveSession(x.Token); err != nil {
					return err
				}
				x.Token = "" // it is in the folder; a terminal's history is no place for it
				return s.print(cmd, x, func(w io.Writer) {
					fmt.Fprintf(w, "signed in as %s of %s (%s) until %s\n", oneLine(x.Name), oneLine(x.Organisation), x.Role, stamp(x.ExpiresMS))
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&login, "login", "", "the name that you sign in with (required)")
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "file with the password, readable by you only (default: ask)")
	return cmd
}

// secretOf reads a secret from a file, or asks for it.
func secretOf(cmd *cobra.Command, what, file, flag string) ([]byte, error) {
	if file != "" {
		return identity.ReadPIN(file)
	}
	return askSecret(cmd, what, flag)
}

func signOutCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "sign-out", Short: "End the session", Args: exactly(0),
		Example: "  isotherm sign-out --me ~/isotherm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				if !me.SignedIn() {
					return errors.New("nobody is signed in: there is no session in this folder")
				}
				err := c.SignOut(ctx)
				if ledger.CodeOf(err) == ledger.CodeUnauthenticated {
					err = nil // it had ended by itself
				}
				if err := errors.Join(err, me.DropSession()); err != nil {
					return err
				}
				return s.print(cmd, struct{}{}, func(w io.Writer) { fmt.Fprintln(w, "signed out") })
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func passwordCommand() *cobra.Command {
	var s session
	var login, oldFile, newFile string
	cmd := &cobra.Command{
		Use: "password", Short: "Set your password, the first time or anew", Args: exactly(0),
		Long: `Password sets what sign-in asks for. The first time the token of your enrolment stands for you, and --login chooses the name; later the
old password is asked. It ends your other sessions.`,
		Example: "  isotherm password --me ~/isotherm --login a.example\n  isotherm password --me ~/isotherm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				known, err := c.Me(ctx)
				if err != nil {
					return err
				}
				in := client.SetPassword{Login: login}
				if known.Login != "" {
					old, err := secretOf(cmd, "password so far", oldFile, "--old-password-file")
					if err != nil {
						return err
					}
					in.Old = string(old)
					if login == "" {
						in.Login = known.Login
					}
				} else if login == "" {
					return usageError{errors.New("--login is needed the first time: the name to sign in with")}
				}
				fresh, err := newSecret(cmd, "new password, at least 12 characters", newFile, "--new-password-file")
				if err != nil {
					return err
				}
				in.New = string(fresh)
				if err := access.CheckPassword(in.Login, in.New); err != nil {
					return err
				}
				if err := c.SetPassword(ctx, in); err != nil {
					return err
				}
				return s.print(cmd, struct{}{}, func(w io.Writer) { fmt.Fprintln(w, "the password is set") })
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&login, "login", "", "the name to sign in with; the first time")
	cmd.Flags().StringVar(&oldFile, "old-password-file", "", "file with the password so far (default: ask)")
	cmd.Flags().StringVar(&newFile, "new-password-file", "", "file with the new password (default: ask)")
	return cmd
}

func meCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "me", Short: "Show who you are to the ledger", Args: exactly(0),
		Example: "  isotherm me --me ~/isotherm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				x, err := c.Me(ctx)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					var t table
					t.row("person", x.Person)
					t.row("name", x.Name)
					t.row("organisation", x.Organisation)
					t.row("role", x.Role)
					t.row("ledger", x.Origin)
					t.row("signed in", fmt.Sprintf("with a %s, until %s", x.Credential, stamp(x.ExpiresMS)))
					if x.Login != "" {
						t.row("login", x.Login)
					}
					if me.Public() != nil {
						t.row("key", keyText(me.Public()))
					}
					t.write(w)
					asOf(w, x.Node, x.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Make, list and revoke API tokens for programs"}
	cmd.AddCommand(tokenMakeCommand(), tokenListCommand(), tokenRevokeCommand())
	return cmd
}

// maxTokenTTL is the ledger's limit for API tokens.
const maxTokenTTL = 365 * 24 * time.Hour

func tokenMakeCommand() *cobra.Command {
	var s session
	var label string
	var scopes []string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use: "make", Short: "Make an API token; it is shown once", Args: exactly(0),
		Example: "  isotherm token make --me ~/isotherm --label 'wall screen' --scope read --ttl 720h > token",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if label == "" || len(scopes) == 0 {
				return usageError{errors.New("--label and --scope are needed: what it is for, and what it may do")}
			}
			if _, err := access.ParseScopes(scopes); err != nil {
				return usageError{err}
			}
			if ttl < time.Second || ttl > maxTokenTTL {
				return usageError{fmt.Errorf("--ttl %s: want up to %s, a year", ttl, maxTokenTTL)}
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				made, err := c.CreateToken(ctx, client.TokenRequest{Label: label, Scopes: scopes, TTLSeconds: int64(ttl / time.Second)})
				if err != nil {
					return err
				}
				return s.print(cmd, made, func(w io.Writer) {
					fmt.Fprintln(w, made.Token)
					fmt.Fprintf(cmd.ErrOrStderr(), "token %s, good until %s; it is not shown again\n", made.Info.ID, stamp(made.Info.ExpiresMS))
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&label, "label", "", "what it is for (required)")
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, strings.Join(access.AllScopes.Names(), ", ")+"; more than once for several (required)")
	cmd.Flags().DurationVar(&ttl, "ttl", 30*24*time.Hour, "how long it is good for, at most 8760h (a year)")
	return cmd
}

// ownerFlag registers --person; read returns it, zero for oneself.
func ownerFlag(cmd *cobra.Command) (read func() (ledger.PersonID, error)) {
	text := cmd.Flags().String("person", "", "somebody else's: for administrators")
	return func() (ledger.PersonID, error) {
		if *text == "" {
			return ledger.PersonID{}, nil
		}
		return parsePerson("--person", *text)
	}
}

func tokenListCommand() *cobra.Command {
	var s session
	var owner func() (ledger.PersonID, error)
	cmd := &cobra.Command{
		Use: "list", Short: "List API tokens, without their secrets", Args: exactly(0),
		Example: "  isotherm token list --me ~/isotherm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			person, err := owner()
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Tokens(ctx, person)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					t := table{head: []string{"TOKEN", "FOR", "MAY", "MADE", "USED", "ENDS"}}
					for _, k := range x.Tokens {
						t.row(k.ID, k.Label, strings.Join(k.Scopes, ", "), ago(k.CreatedMS, s.now), seen(k.LastUsedMS, s.now), stamp(k.ExpiresMS))
					}
					t.write(w)
					asOf(w, x.Node, x.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	owner = ownerFlag(cmd)
	return cmd
}

func tokenRevokeCommand() *cobra.Command {
	var s session
	var owner func() (ledger.PersonID, error)
	cmd := &cobra.Command{
		Use: "revoke TOKEN", Short: "End an API token now", Args: exactly(1),
		Example: "  isotherm token revoke --me ~/isotherm 5f0c…",
		RunE: func(cmd *cobra.Command, args []string) error {
			person, err := owner()
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				if person.IsZero() {
					person = me.Person
				}
				if err := c.RevokeToken(ctx, person, args[0]); err != nil {
					return err
				}
				return s.print(cmd, struct{}{}, func(w io.Writer) { fmt.Fprintf(w, "token %s is revoked\n", args[0]) })
			})
		},
	}
	s.flags(cmd)
	owner = ownerFlag(cmd)
	return cmd
}
