package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

func consentCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "consent", Short: "Record consents and withdrawals, as references to signed documents",
		Long: "The ledger keeps where the signed document is, its hash, what it covers, and whether it was withdrawn. The document stays with you."}
	cmd.AddCommand(consentRecordCommand("give", "given", "Record a consent"), consentRecordCommand("withdraw", "withdrawn", "Record that a consent was withdrawn"),
		consentListCommand())
	return cmd
}

// subjectFlags register --shipment and --person; fill reads the one that is given.
func subjectFlags(cmd *cobra.Command) (fill func(*client.Consent) error) {
	shipment := cmd.Flags().String("shipment", "", "the case it is about")
	person := cmd.Flags().String("person", "", "the enrolled person it is about")
	return func(c *client.Consent) (err error) {
		if (*shipment == "") == (*person == "") {
			return usageError{errors.New("--shipment or --person is needed: whose consent it is")}
		}
		if *shipment != "" {
			c.Shipment, err = shipmentArg(*shipment)
		} else {
			c.Person, err = parsePerson("--person", *person)
		}
		return err
	}
}

func consentRecordCommand(verb, state, short string) *cobra.Command {
	var s session
	in := client.Consent{State: state}
	var subject func(*client.Consent) error
	cmd := &cobra.Command{
		Use: verb + " DOCUMENT", Short: short, Args: exactly(1),
		Long:    "DOCUMENT is the signed document's file: it is hashed here, and stays here.",
		Example: "  isotherm consent " + verb + " --me coordinator --person 51c9… --scope tracking --reference 'HR 2026-12' consent.pdf",
		RunE: func(cmd *cobra.Command, args []string) error {
			if in.Scope == "" || in.Reference == "" {
				return usageError{errors.New("--scope and --reference are needed: what it covers, and where the document is kept")}
			}
			if err := subject(&in); err != nil {
				return err
			}
			sum, err := hashFile(args[0])
			if err != nil {
				return err
			}
			in.SHA256 = sum
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.PutConsent(ctx, in)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					fmt.Fprintf(w, "consent to %s %s: entry %d, document %s\n", in.Scope, in.State, x.Index, in.SHA256)
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&in.Scope, "scope", "", "tracking, sharing or research (required)")
	cmd.Flags().StringVar(&in.Reference, "reference", "", "where the document is kept, without names (required)")
	subject = subjectFlags(cmd)
	return cmd
}

func hashFile(path string) (client.Hash, error) {
	f, err := os.Open(path)
	if err != nil {
		return client.Hash{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return client.Hash{}, err
	}
	return client.Hash(h.Sum(nil)), nil
}

func consentListCommand() *cobra.Command {
	var s session
	var subject func(*client.Consent) error
	cmd := &cobra.Command{
		Use: "list", Short: "List consents and withdrawals of a case or a person", Args: exactly(0),
		Example: "  isotherm consent list --me auditor --shipment 3f0c…",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var of client.Consent
			if err := subject(&of); err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Consents(ctx, of.Shipment, of.Person)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					t := table{head: []string{"ENTRY", "SCOPE", "STATE", "WHEN", "REFERENCE", "DOCUMENT", "BY"}}
					for _, k := range x.Consents {
						t.row(k.Index, k.Scope, k.State, stamp(k.TimeMS), k.Reference, k.SHA256.String()[:16], k.By)
					}
					t.write(w)
					asOf(w, x.Node, x.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	subject = subjectFlags(cmd)
	return cmd
}
