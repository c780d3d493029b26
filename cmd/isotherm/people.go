package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger/entry"
	"isotherm/ledger/keyfile"
)

func personCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "person", Short: "List, show and change people; replace a lost key",
		Long: `A person's card says who they are from its entry on: name, organisation, role and the public half of their key. An administrator signs
it on their own device. Cards are never edited: a change is a new version, and what was signed before stands.`}
	cmd.AddCommand(personListCommand(), personShowCommand(), personChangeCommand(), replaceKeyCommand(), personEndCommand())
	return cmd
}

func personListCommand() *cobra.Command {
	var s session
	var organisation, role string
	cmd := &cobra.Command{
		Use: "list", Short: "List enrolled people", Args: exactly(0),
		Example: "  isotherm person list --me center --org HILL",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.People(ctx)
				if err != nil {
					return err
				}
				x.People = slices.DeleteFunc(x.People, func(p client.Person) bool {
					return organisation != "" && p.Organisation != organisation || role != "" && string(p.Role) != role
				})
				slices.SortFunc(x.People, func(a, b client.Person) int {
					return cmp.Or(cmp.Compare(a.Organisation, b.Organisation), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID.String(), b.ID.String()))
				})
				return s.print(cmd, x, func(w io.Writer) {
					t := table{head: []string{"PERSON", "NAME", "ORGANISATION", "ROLE", "SINCE"}}
					for _, p := range x.People {
						since := ago(p.IssuedMS, s.now)
						if p.Ended {
							since = "ended " + since
						}
						t.row(p.ID, p.Name, p.Organisation, p.Role, since)
					}
					t.write(w)
					asOf(w, x.Node, x.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&organisation, "org", "", "only those of this organisation")
	cmd.Flags().StringVar(&role, "role", "", "only those of this role")
	return cmd
}

func personShowCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "show PERSON", Short: "Show all versions of a person's card", Args: exactly(1),
		Example: "  isotherm person show --me center 51c9…",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parsePerson("PERSON", args[0])
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Person(ctx, id)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					t := table{head: []string{"VERSION", "ENTRY", "ISSUED", "WHY", "NAME", "ORGANISATION", "ROLE", "KEY"}}
					for _, k := range x.Cards {
						t.row(k.Version, k.Index, stamp(k.IssuedMS), k.Why, k.Name, k.Organisation, k.Role, keyText(k.Key))
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

// changeCommand is a verb that issues the next version of somebody's card. setup registers flags and returns what to do.
func changeCommand(use, short, long, example string, setup func(*cobra.Command) func() (entry.CardReason, func(*entry.PersonCard), error)) *cobra.Command {
	var s session
	var join, operator string
	var prepare func() (entry.CardReason, func(*entry.PersonCard), error)
	cmd := &cobra.Command{
		Use: use + " PERSON", Short: short, Long: long, Example: example, Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parsePerson("PERSON", args[0])
			if err != nil {
				return err
			}
			why, change, err := prepare()
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				if operator != "" {
					if me.Operator, err = keyfile.Load(operator); err != nil {
						return err
					}
				}
				var card entry.PersonCard
				now, answer, err := me.Change(ctx, c, id, why, join != "", func(k *entry.PersonCard) { change(k); card = *k })
				if err != nil {
					return err
				}
				if join != "" {
					if err := identity.NewJoin(now, card.Key).Save(join); err != nil {
						return err
					}
				}
				answer.Token = "" // it is in the join file
				return s.print(cmd, answer, func(w io.Writer) {
					fmt.Fprintf(w, "%s of %s (%s): card version %d (%s) is entry %d\n", oneLine(now.Name), oneLine(now.Organisation), now.Role, card.Version, why, answer.Index)
				})
			})
		},
	}
	s.signFlags(cmd)
	cmd.Flags().StringVar(&join, "join", "", "also write a join file with a token, for a new device: isotherm join")
	cmd.Flags().StringVar(&operator, "operator-key", "", "file with the operator's key, to sign an administrator's card when no administrator has a key")
	prepare = setup(cmd)
	return cmd
}

func personChangeCommand() *cobra.Command {
	return changeCommand("change", "Change a person's name, organisation or role", "", "  isotherm person change --me admin --role center --org HILL 51c9…",
		func(cmd *cobra.Command) func() (entry.CardReason, func(*entry.PersonCard), error) {
			var name, organisation, role string
			cmd.Flags().StringVar(&name, "name", "", "the new name")
			cmd.Flags().StringVar(&organisation, "org", "", "code of the new organisation")
			cmd.Flags().StringVar(&role, "role", "", "the new role: admin, coordinator, courier, center or auditor")
			return func() (entry.CardReason, func(*entry.PersonCard), error) {
				switch {
				case name == "" && organisation == "" && role == "":
					return 0, nil, usageError{errors.New("--name, --org or --role is needed: what changes")}
				case name != "" && (organisation != "" || role != ""):
					return 0, nil, usageError{errors.New("a name changes by itself: use two commands, one for the name and one for organisation and role")}
				case name != "":
					return entry.CardName, func(k *entry.PersonCard) { k.Name = name }, nil
				}
				var r entry.Role
				if role != "" {
					var err error
					if r, err = entry.ParseRole(role); err != nil {
						return 0, nil, usageError{err}
					}
				}
				return entry.CardRole, func(k *entry.PersonCard) {
					if r != 0 {
						k.Role = r
					}
					if organisation != "" {
						k.Organisation = organisation
					}
				}, nil
			}
		})
}

func replaceKeyCommand() *cobra.Command {
	return changeCommand("replace-key", "Replace a person's signing key",
		`The person makes a new key on their device with isotherm key new and gives you the line that it prints. From the new card's entry on
their acts count under the new key; acts signed before stand. After key-stolen, acts under the old key are refused.`,
		"  isotherm person replace-key --me admin --reason key-lost --key 'b3Jn…=' --join new.join 51c9…",
		func(cmd *cobra.Command) func() (entry.CardReason, func(*entry.PersonCard), error) {
			var key, reason string
			cmd.Flags().StringVar(&key, "key", "", "the line that isotherm key new printed (required)")
			cmd.Flags().StringVar(&reason, "reason", "", "key-lost, key-stolen or key-rotated (required)")
			return func() (entry.CardReason, func(*entry.PersonCard), error) {
				why, err := oneOf("reason", entry.CardKeyLost, entry.CardKeyStolen, entry.CardKeyRotated)(reason)
				if err != nil {
					return 0, nil, usageError{err}
				}
				public, err := parseKey(key)
				return why, func(k *entry.PersonCard) { k.Key = public }, err
			}
		})
}

func personEndCommand() *cobra.Command {
	return changeCommand("end", "End a person's membership: they can state and read nothing more",
		"What the person signed before stands. Their sessions and tokens end.", "  isotherm person end --me admin 51c9…",
		func(*cobra.Command) func() (entry.CardReason, func(*entry.PersonCard), error) {
			return func() (entry.CardReason, func(*entry.PersonCard), error) {
				return entry.CardEnded, func(*entry.PersonCard) {}, nil
			}
		})
}

func enrolPersonCommand() *cobra.Command {
	var s session
	var p identity.NewPerson
	var key, join, out, newPIN string
	cmd := &cobra.Command{
		Use: "person", Short: "Make a person known who can sign acts",
		Long: `Enrol person signs a card that says who somebody is. The person makes their key on their own device (isotherm key new) and gives you the
line that it prints, for --key; --join writes the file that they then join with. With --out both happen here: a new folder with a key, locked
by the PIN that the person types, for a device that you share or hand over.`,
		Example: "  isotherm enrol person --me admin --name 'A. Example' --org AIR --role courier --key 'b3Jn…=' --join a.join\n" +
			"  isotherm enrol person --me admin --name 'Desk on call' --org HILL --role center --out desk",
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (out == "") == (key == "") || (key == "") != (join == "") {
				return usageError{errors.New("--key with --join is needed, or --out: the key that the person made, or the folder to make")}
			}
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				made, err := enrolPerson(ctx, cmd, me, c, p, key, join, out, newPIN)
				if err != nil {
					return err
				}
				return s.print(cmd, made, func(w io.Writer) {
					fmt.Fprintf(w, "%s of %s (%s) is person %s; %s\n", p.Name, p.Organisation, p.Role, made.Person, strings.TrimSpace(where(out, join)))
				})
			})
		},
	}
	s.signFlags(cmd)
	cmd.Flags().StringVar(&p.Name, "name", "", "name of the person or desk")
	cmd.Flags().StringVar(&p.Organisation, "org", "", "code of their organisation")
	cmd.Flags().StringVar(&p.Role, "role", "", "admin, coordinator, courier, center or auditor")
	cmd.Flags().StringVar(&key, "key", "", "the line that isotherm key new printed on their device")
	cmd.Flags().StringVar(&join, "join", "", "file to write, for isotherm join on their device")
	cmd.Flags().StringVar(&out, "out", "", "folder to make here, with a new key")
	cmd.Flags().StringVar(&newPIN, "new-pin-file", "", "file with the person's PIN, for --out (default: ask)")
	return cmd
}

func where(out, join string) string {
	if out != "" {
		return "identity in " + out
	}
	return "give them " + join
}

// enrolPerson makes the person known, and writes the join file or the folder.
func enrolPerson(ctx context.Context, cmd *cobra.Command, me *identity.Me, c *client.Client, p identity.NewPerson, key, join, out, newPIN string) (*identity.Me, error) {
	if key != "" {
		public, err := parseKey(key)
		if err != nil {
			return nil, err
		}
		made, err := me.EnrolKey(ctx, c, p, public)
		if err != nil {
			return nil, err
		}
		return made, identity.NewJoin(made, public).Save(join)
	}
	if err := identity.CheckFree(out); err != nil {
		return nil, err
	}
	pin, err := newSecret(cmd, "PIN of "+p.Name, newPIN, "--new-pin-file")
	if err != nil {
		return nil, err
	}
	defer clear(pin)
	made, err := me.Enrol(ctx, c, p, pin, identity.DefaultCost)
	if err != nil {
		return nil, err
	}
	return made, made.Save(out)
}
