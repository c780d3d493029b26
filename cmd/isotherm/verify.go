package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"isotherm/ledger/bundle"
	"isotherm/ledger/entry"
)

func verifyCommand() *cobra.Command {
	var policy string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "Check an exported bundle offline",
		Long: `Verify recomputes every hash in a bundle from its readings and checks every signature. It needs no network and no server. It takes one
bundle, or a tar of several as isotherm export writes it, of which each is checked.

With --policy, the file with the ledger's keys that you obtained beforehand, exit code 0 means verified under those keys.
Without it the best verdict is 'consistent, origin unproven', exit code 3. Exit code 1: something was changed, left out
or forged; each finding says where. Of several bundles the worst counts.`,
		Example: "  isotherm verify --policy ledger.policy case.bundle",
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pin, err := readPin(policy)
			if err != nil {
				return err
			}
			result, err := verifyFile(cmd.OutOrStdout(), args[0], pin, asJSON)
			if err != nil {
				return err
			}
			if code := result.ExitCode(); code != exitOK {
				return exitCode(code)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&policy, "policy", "", "file with the keys of the ledger, obtained beforehand")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the verdict as JSON")
	return cmd
}

// readPin reads a policy file; nil for none.
func readPin(path string) (*entry.Pin, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readLimited(path, entry.MaxPin)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	p, err := entry.ParsePin(text)
	if err != nil {
		return nil, fmt.Errorf("read policy %s: %w", path, err)
	}
	return &p, nil
}

// verifyFile verifies a bundle, or each of a tar of several, and writes what it found.
func verifyFile(w io.Writer, path string, pin *entry.Pin, asJSON bool) (bundle.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	head, err := r.Peek(bundle.HeadSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if bundle.IsCollection(head) {
		return verifyCollection(w, r, pin, asJSON)
	}
	b, err := allOf(r, path, bundle.MaxSize)
	if err != nil {
		return "", err
	}
	v := bundle.Verify(b, pin)
	if asJSON {
		return v.Result, writeJSON(w, v)
	}
	return v.Result, v.WriteText(w)
}

// verifyCollection verifies bundles one after another. As text each is one line; whoever wants more verifies it by itself.
func verifyCollection(w io.Writer, r io.Reader, pin *entry.Pin, asJSON bool) (bundle.Result, error) {
	type one struct {
		File    string          `json:"file"`
		Verdict *bundle.Verdict `json:"verdict"`
	}
	out := struct {
		Result   bundle.Result    `json:"result"`
		Findings []bundle.Finding `json:"findings"`
		Bundles  []one            `json:"bundles"`
	}{Result: bundle.Verified, Bundles: []one{}}
	n := 0
	out.Findings = bundle.VerifyCollection(r, pin, func(i bundle.Indexed, v *bundle.Verdict) {
		n++
		out.Result = worse(out.Result, v.Result)
		if asJSON {
			out.Bundles = append(out.Bundles, one{i.File, v})
			return
		}
		fmt.Fprintf(w, "%s: %s\n", printable(i.File, 0), printable(v.Sentence(), 0))
		for _, f := range v.Findings {
			fmt.Fprintf(w, "  finding: %s: %s\n", printable(f.Where, 0), printable(f.What, 0))
		}
	})
	if len(out.Findings) > 0 {
		out.Result = bundle.Broken
	} else {
		out.Findings = []bundle.Finding{}
	}
	if asJSON {
		return out.Result, writeJSON(w, out)
	}
	for _, f := range out.Findings {
		fmt.Fprintf(w, "finding: %s: %s\n", printable(f.Where, 0), printable(f.What, 0))
	}
	fmt.Fprintf(w, "%s: %s\n", count(n, "bundle"), out.Result)
	return out.Result, nil
}

// worse returns the result that counts of two.
func worse(a, b bundle.Result) bundle.Result {
	for _, r := range []bundle.Result{bundle.Broken, bundle.Consistent} {
		if a == r || b == r {
			return r
		}
	}
	return bundle.Verified
}

// readLimited reads a file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return allOf(f, path, limit)
}

func allOf(r io.Reader, path string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return b, nil
}
