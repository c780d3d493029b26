package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/api/contract"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger/entry"
)

func organisationCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "organisation", Aliases: []string{"org"}, Short: "List and register organisations, and where their alarms go"}
	contacts := &cobra.Command{Use: "contacts", Short: "Show and set where an organisation's alarms go"}
	contacts.AddCommand(contactsShowCommand(), contactsSetCommand())
	cmd.AddCommand(organisationListCommand(), organisationPutCommand(), contacts)
	return cmd
}

func organisationListCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "list", Short: "List registered organisations", Args: exactly(0),
		Example: "  isotherm organisation list --me coordinator",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Organisations(ctx)
				if err != nil {
					return err
				}
				slices.SortFunc(x.Organisations, func(a, b contract.Organisation) int { return cmp.Compare(a.Code, b.Code) })
				return s.print(cmd, x, func(w io.Writer) {
					t := table{head: []string{"CODE", "KIND", "NAME", "PHONE", "VERSION"}}
					for _, o := range x.Organisations {
						t.row(o.Code, o.Kind, o.Name, o.Phone, o.Version)
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

func organisationPutCommand() *cobra.Command {
	var s session
	var name, kind, phone string
	cmd := &cobra.Command{
		Use: "put CODE", Short: "Register an organisation, or change what is known of it", Args: exactly(1),
		Long: `Put signs a card with the organisation's name, kind and number. Statements name organisations by CODE. What you don't give stays as it
was.`,
		Example: "  isotherm organisation put --me admin --name 'Hill Transplant Center' --kind center --phone '+1 555 0199' HILL",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !entry.ValidCode(args[0]) {
				return usageError{fmt.Errorf("CODE %q: want a letter or digit, then up to 59 letters, digits, spaces and . _ -", args[0])}
			}
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				card := &entry.OrganisationCard{Ledger: me.Origin, Code: args[0], Version: 1, Kind: entry.OrganisationOther, IssuedMS: s.now.UnixMilli(), By: me.Person}
				if err := s.continueCard(ctx, c, card); err != nil {
					return err
				}
				if name != "" {
					card.Name = name
				}
				if phone != "" {
					card.Phone = phone
				}
				if kind != "" {
					k, err := entry.ParseOrganisationKind(kind)
					if err != nil {
						return usageError{err}
					}
					card.Kind = k
				}
				if card.Name == "" {
					return usageError{errors.New("--name is needed for a new organisation")}
				}
				err := me.Sign(func(key ed25519.PrivateKey) error { card.Sign(key); return nil })
				if err != nil {
					return err
				}
				answer, err := c.PutOrganisation(ctx, card.Marshal())
				if err != nil {
					return err
				}
				return s.print(cmd, answer, func(w io.Writer) {
					fmt.Fprintf(w, "%s (%s, %s): version %d is entry %d\n", card.Code, card.Name, card.Kind, card.Version, answer.Index)
				})
			})
		},
	}
	s.signFlags(cmd)
	cmd.Flags().StringVar(&name, "name", "", "its name")
	cmd.Flags().StringVar(&kind, "kind", "", "opo, center, carrier, hospital or other")
	cmd.Flags().StringVar(&phone, "phone", "", "number to call, day and night")
	return cmd
}

// continueCard makes the card the next version of the one that the ledger knows, if it does.
func (s *session) continueCard(ctx context.Context, c *client.Client, card *entry.OrganisationCard) error {
	known, err := c.Linearizable().Organisations(ctx)
	if err != nil {
		return err
	}
	for _, o := range known.Organisations {
		if string(o.Code) != card.Code {
			continue
		}
		kind, err := entry.ParseOrganisationKind(o.Kind)
		if err != nil {
			return err
		}
		card.Version, card.Name, card.Kind, card.Phone = uint32(o.Version)+1, o.Name, kind, o.Phone
	}
	return nil
}

func contactsShowCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "show CODE", Short: "Show where an organisation's alarms go", Args: exactly(1),
		Example: "  isotherm organisation contacts show --me center HILL",
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Contacts(ctx, args[0])
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					var t table
					t.row("organisation", x.Organisation)
					for _, k := range []struct{ what, text string }{{"webhook", x.Webhook}, {"e-mail", x.Email}, {"hook", x.Hook}, {"phone", x.Phone}} {
						if k.text == "" {
							k.text = "none"
						}
						t.row(k.what, k.text)
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

func contactsSetCommand() *cobra.Command {
	var s session
	var in client.ContactsRequest
	var none bool
	var secretFile string
	cmd := &cobra.Command{
		Use: "set CODE", Short: "Set where an organisation's alarms go", Args: exactly(1),
		Long: `Set replaces all contacts of an organisation: what you don't give is removed; --none removes all. A webhook's secret is made when you
give none, and shown once. Alarms say the box and its state, nothing else. Try it with isotherm alarm test.`,
		Example: "  isotherm organisation contacts set --me center --webhook https://alarms.example/isotherm --hook sms --phone '+1 555 0100' HILL",
		RunE: func(cmd *cobra.Command, args []string) error {
			if empty := in == (client.ContactsRequest{}); empty != none {
				return usageError{errors.New("give the channels (--webhook, --email, --hook with --phone), or --none alone")}
			}
			if secretFile != "" {
				secret, err := identity.ReadPIN(secretFile)
				if err != nil {
					return err
				}
				in.Secret = string(secret)
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.SetContacts(ctx, args[0], in)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					fmt.Fprintf(w, "contacts of %s are entry %d\n", args[0], x.Index)
					if x.Secret != "" {
						fmt.Fprintf(w, "webhook secret, shown once: %s\n", x.Secret)
					}
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&in.Webhook, "webhook", "", "https URL that takes Standard Webhooks")
	cmd.Flags().StringVar(&secretFile, "secret-file", "", "file with the webhook's secret (default: keep the old one, or make one)")
	cmd.Flags().StringVar(&in.Email, "email", "", "e-mail address")
	cmd.Flags().StringVar(&in.Hook, "hook", "", "sms or voice: what the operator's command is told to do with the number")
	cmd.Flags().StringVar(&in.Phone, "phone", "", "on-call number")
	cmd.Flags().BoolVar(&none, "none", false, "remove all contacts")
	return cmd
}
