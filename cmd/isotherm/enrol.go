package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

func enrolCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "enrol", Short: "Make boxes and people known to the ledger"}
	cmd.AddCommand(enrolBoxCommand(), enrolPersonCommand())
	return cmd
}

func enrolBoxCommand() *cobra.Command {
	var s session
	var label string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:     "box",
		Short:   "Make a one-time token with which a box enrols itself",
		Example: "  isotherm enrol box --me admin --label 'box 7' > token\n  trackerd enrol --config box.toml --token-file token",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, c, err := s.connect()
			if err != nil {
				return err
			}
			defer c.Close()
			token, err := c.CreateEnrolToken(cmd.Context(), label, ttl)
			if err != nil {
				return err
			}
			return s.print(cmd, token, func(w io.Writer) { fmt.Fprintln(w, token.Token) })
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&label, "label", "", "what is written on the box")
	cmd.Flags().DurationVar(&ttl, "ttl", time.Hour, "how long the token can be used")
	return cmd
}

func enrolPersonCommand() *cobra.Command {
	var s session
	var name, organisation, role, out string
	cmd := &cobra.Command{
		Use:     "person",
		Short:   "Make a person known who can sign acts, and their identity folder",
		Example: "  isotherm enrol person --me admin --name 'A. Example' --org 'North Air' --role courier --out north-air",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError{fmt.Errorf("--out is needed: the folder to make")}
			}
			me, c, err := s.connect()
			if err != nil {
				return err
			}
			defer c.Close()
			made, err := me.Enrol(cmd.Context(), c, name, organisation, role)
			if err != nil {
				return err
			}
			if err := made.Save(out); err != nil {
				return err
			}
			return s.print(cmd, made, func(w io.Writer) {
				fmt.Fprintf(w, "%s of %s (%s) is person %s; identity in %s\n", name, organisation, role, made.Person, out)
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&name, "name", "", "name of the person, desk or organisation")
	cmd.Flags().StringVar(&organisation, "org", "", "organisation")
	cmd.Flags().StringVar(&role, "role", "", "admin, coordinator, courier, center or auditor")
	cmd.Flags().StringVar(&out, "out", "", "folder to make for the identity (required)")
	return cmd
}
