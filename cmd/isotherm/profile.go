package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
)

func profileCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "profile", Short: "List, show, check and publish profiles",
		Long: `A profile is what a program demands of a shipment: the band, the rules that make an excursion, the limits of cold time, the steps to
take. It is versioned, signed and pinned by its hash at packing. What ships is an example and not clinical advice.`}
	cmd.AddCommand(profileListCommand(), profileShowCommand(), profileCheckCommand(), profilePublishCommand())
	return cmd
}

// shippedNames lists the shipped profiles.
func shippedNames() string {
	var names []string
	for _, p := range profile.Defaults() {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// publishedProfile returns the newest published profile of that name, or NAME@VERSION; nil when there is none.
func publishedProfile(ctx context.Context, c *client.Client, text string) (*profile.Profile, error) {
	name, version, exact := strings.Cut(text, "@")
	x, err := c.Profiles(ctx)
	if err != nil {
		return nil, err
	}
	var best *client.Profile
	for i := range x.Profiles {
		p := &x.Profiles[i]
		if p.Name != name || exact && strconv.FormatInt(p.Version, 10) != version {
			continue
		}
		// The program's own comes before the shipped one of the same name.
		if best == nil || best.Shipped && !p.Shipped || best.Shipped == p.Shipped && p.Version > best.Version {
			best = p
		}
	}
	if best == nil {
		return nil, nil
	}
	return profile.Parse(best.Bytes)
}

// readProfile reads a profile from a file, see profile.ParseJSON.
func readProfile(path string) (*profile.Profile, error) {
	text, err := readLimited(path, profile.MaxJSON)
	if err != nil {
		return nil, err
	}
	p, err := profile.ParseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// chooseProfile returns the profile of a name: a file, a published one (NAME@VERSION for a version), or a shipped one. c may be
// nil: then only files and the shipped ones are known.
func chooseProfile(ctx context.Context, c *client.Client, text string) (*profile.Profile, error) {
	if filepath.Ext(text) == ".json" || strings.ContainsRune(text, filepath.Separator) {
		return readProfile(text)
	}
	if c != nil {
		p, err := publishedProfile(ctx, c, text)
		if p != nil {
			return p, nil
		}
		// Without the ledger the shipped ones still are known: packing must not wait.
		if err != nil && ledger.CodeOf(err) != ledger.CodeUnavailable {
			return nil, err
		}
	}
	if p, ok := profile.Default(text); ok {
		return p, nil
	}
	return nil, usageError{fmt.Errorf("profile %q is not known: give a file (.json), a published name (isotherm profile list) or %s", text, shippedNames())}
}

func profileListCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "list", Short: "List shipped and published profiles", Args: exactly(0),
		Example: "  isotherm profile list --me coordinator",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Profiles(ctx)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					t := table{head: []string{"PROFILE", "VERSION", "PROGRAM", "BAND °C", "COLD LIMIT", "PROBE AT", "HASH"}}
					for _, p := range x.Profiles {
						program := p.Program
						if p.Shipped {
							program = "shipped"
						}
						t.row(p.Name, p.Version, program, bundle.Celsius(p.LowMC)+" to "+bundle.Celsius(p.HighMC), bundle.Duration(p.ColdLimitMS), p.ProbePlace, p.Hash.String()[:16])
					}
					t.write(w)
					fmt.Fprintln(w, "not clinical advice: the limits are the program's own")
					asOf(w, x.Node, x.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func profileShowCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Print a profile as a file, to copy and change", Args: exactly(1),
		Long:    "The file is JSON: temperatures in °C, times as 30m. Without --me only files and the shipped profiles are known: " + shippedNames() + ".",
		Example: "  isotherm profile show ice-scs > ours.json\n  isotherm profile show --me coordinator heart-hill@3",
		RunE: func(cmd *cobra.Command, args []string) error {
			var c *client.Client
			if s.dir != "" {
				var err error
				if _, c, err = s.connect(cmd); err != nil {
					return err
				}
				defer c.Close()
			}
			p, err := chooseProfile(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(p.JSON())
			return err
		},
	}
	s.flags(cmd)
	return cmd
}

func profileCheckCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Check a profile's file, and say what to look at", Args: exactly(1),
		Example: "  isotherm profile check ours.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := readProfile(args[0])
			if err != nil {
				return err
			}
			v := struct {
				Name     string      `json:"name"`
				Version  uint32      `json:"version"`
				Hash     client.Hash `json:"hash"`
				Warnings []string    `json:"warnings"`
			}{p.Name, p.Version, p.Hash(), profile.Warnings(p)}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), v)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s version %d is a profile, hash %s\n", p.Name, p.Version, v.Hash)
			for _, text := range v.Warnings {
				fmt.Fprintf(cmd.OutOrStdout(), "look at: %s\n", text)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "answer as JSON")
	return cmd
}

func profilePublishCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "publish FILE", Short: "Sign a profile of your program and publish it", Args: exactly(1),
		Example: "  isotherm profile show ice-scs > ours.json      # then set name, version, program and limits\n  isotherm profile publish --me coordinator ours.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := readProfile(args[0])
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, me *identity.Me, c *client.Client) error {
				for _, text := range profile.Warnings(p) {
					fmt.Fprintf(cmd.ErrOrStderr(), "look at: %s\n", text)
				}
				published := &entry.ProfilePublished{Ledger: me.Origin, Profile: p.Marshal(), IssuedMS: s.now.UnixMilli(), By: me.Person}
				err := me.Sign(func(key ed25519.PrivateKey) error { published.Sign(key); return nil })
				if err != nil {
					return err
				}
				answer, err := c.PublishProfile(ctx, published.Marshal())
				if err != nil {
					return err
				}
				return s.print(cmd, answer, func(w io.Writer) {
					fmt.Fprintf(w, "%s version %d is published as entry %d, hash %s\n", p.Name, p.Version, answer.Index, client.Hash(p.Hash()))
				})
			})
		},
	}
	s.signFlags(cmd)
	return cmd
}
