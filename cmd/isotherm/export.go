package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"isotherm/api/client"
	"isotherm/api/contract"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger/bundle"
)

// exportFlags are which cases to export, and as what.
type exportFlags struct {
	form, paper, from, to, out, reason string
	all                                bool
}

var (
	exportForms = []string{"bundle", "csv", "sheet", "report"}
	papers      = []string{"a4", "letter"}
)

// maxSentences is how many cases an answer tells one by one; of more it tells those that are not as they should be.
const maxSentences = 10

func exportCommand() *cobra.Command {
	var s session
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [SHIPMENT...]",
		Short: "Write the evidence of shipments as bundles, a table or a document",
		Long: `Export writes one file: evidence bundles that anybody can check offline, a table of readings, a transport sheet of one page, or the audit
report with its bundle attached. A bundle of one shipment is a file by itself; several come as one tar with a table of contents, which isotherm
verify takes, too. It takes the shipments that are named, those that were opened in a period, or all that you may read. The ledger notes who
took each of them and why, and the node verifies every bundle before it is ready.`,
		Example: `  isotherm export --me auditor --reason 'yearly audit' --out case.bundle 3f0c…
  isotherm export --me auditor --reason 'yearly audit' --form report --all --out 2026.pdf
  isotherm export --me auditor --reason 'november' --form csv --from 2026-11-01T00:00Z --to 2026-12-01T00:00Z --out november.csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := f.request(args)
			if err != nil {
				return usageError{err}
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				return s.export(ctx, cmd, c, r, f.out)
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&f.form, "form", "bundle", strings.Join(exportForms, ", "))
	cmd.Flags().BoolVar(&f.all, "all", false, "all shipments that you may read")
	cmd.Flags().StringVar(&f.from, "from", "", "shipments opened at or after, with date and zone")
	cmd.Flags().StringVar(&f.to, "to", "", "shipments opened before, with date and zone")
	cmd.Flags().StringVar(&f.paper, "paper", "a4", "of sheets and reports: "+strings.Join(papers, ", "))
	cmd.Flags().StringVar(&f.out, "out", "", "file to write (required)")
	cmd.Flags().StringVar(&f.reason, "reason", "", "why it is taken; the ledger keeps it (required)")
	return cmd
}

// request checks what was typed.
func (f *exportFlags) request(args []string) (client.ExportRequest, error) {
	r := client.ExportRequest{Form: contract.ExportForm(f.form), Reason: f.reason, All: f.all, Paper: contract.ExportRequestPaper(f.paper)}
	ways := 0
	for _, is := range []bool{len(args) > 0, f.all, f.from != "" || f.to != ""} {
		if is {
			ways++
		}
	}
	switch {
	case !slices.Contains(exportForms, f.form):
		return r, fmt.Errorf("--form %q is none of %s", f.form, strings.Join(exportForms, ", "))
	case !slices.Contains(papers, f.paper):
		return r, fmt.Errorf("--paper %q is none of %s", f.paper, strings.Join(papers, ", "))
	case ways != 1:
		return r, errors.New("say which shipments in one way: name them, or give --from and --to, or --all")
	}
	for _, text := range args {
		id, err := shipmentArg(text)
		if err != nil {
			return r, err
		}
		r.Shipments = append(r.Shipments, id)
	}
	for _, t := range []struct {
		text string
		into *int64
	}{{f.from, &r.FromMS}, {f.to, &r.ToMS}} {
		if t.text == "" {
			continue
		}
		at, err := parseZoned(t.text)
		if err != nil {
			return r, err
		}
		*t.into = at.UnixMilli()
	}
	if f.out == "" {
		return r, errors.New("--out is needed: the file to write")
	}
	return r, nil
}

// export has a node make the file, waits and fetches it.
func (s *session) export(ctx context.Context, cmd *cobra.Command, c *client.Client, r client.ExportRequest, out string) error {
	e, err := c.StartExport(ctx, r)
	if err != nil {
		return err
	}
	p := newProgress(cmd.ErrOrStderr(), "cases")
	err = e.Wait(ctx, func(j client.ExportJob) { p.show(j.State, j.CasesDone, j.Cases) })
	p.end()
	if err != nil {
		return err
	}
	err = writeWhole(out, func(w io.Writer) error {
		sum := sha256.New()
		if err := e.Fetch(ctx, io.MultiWriter(w, sum)); err != nil {
			return err
		}
		if got := [32]byte(sum.Sum(nil)); got != e.SHA256 {
			return fmt.Errorf("the file that came is not the one that was made: its SHA-256 is %x, not %s", got, e.SHA256)
		}
		return nil
	})
	if err != nil {
		return err
	}
	v := struct {
		File   string `json:"file"`
		Size   int64  `json:"size"`
		SHA256 string `json:"sha256"`
		Cases  int    `json:"cases"`

		Verdicts []contract.ExportVerdict `json:"verdicts"`
	}{out, e.Size, e.SHA256.String(), e.Cases, e.Verdicts}
	return s.print(cmd, v, func(w io.Writer) {
		writeVerdicts(w, e.Verdicts)
		fmt.Fprintf(w, "%s: %d kB", out, (v.Size+999)/1000)
		if r.Form == contract.ExportFormBundle {
			fmt.Fprintf(w, "; check it with isotherm verify --policy POLICY %s", out)
		}
		fmt.Fprintln(w)
	})
}

// writeVerdicts writes what the node's verifier said of each case.
func writeVerdicts(w io.Writer, list []contract.ExportVerdict) {
	good := 0
	for _, v := range list {
		if v.Result == string(bundle.Verified) {
			good++
		}
		if len(list) <= maxSentences || v.Result != string(bundle.Verified) {
			fmt.Fprintf(w, "%s  %s\n", v.Shipment, printable(v.Sentence, 0))
		}
	}
	if len(list) > 1 {
		fmt.Fprintf(w, "%d of %s verified by the node\n", good, count(len(list), "case"))
	}
}

// progress shows how far something is: as a bar on a terminal, else as a line now and then.
type progress struct {
	w     io.Writer
	noun  string
	bar   bool
	shown string
}

func newProgress(w io.Writer, noun string) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, noun: noun, bar: ok && term.IsTerminal(int(f.Fd()))}
}

const barWidth = 30

func (p *progress) show(state string, done, total int) {
	if total == 0 {
		return
	}
	text := fmt.Sprintf("%s: %d of %d %s", state, done, total, p.noun)
	if p.bar {
		full := barWidth * done / total
		text = fmt.Sprintf("[%s%s] %s", strings.Repeat("█", full), strings.Repeat("·", barWidth-full), text)
	} else if step := max(total/10, 1); done%step != 0 && done != total {
		return
	}
	if text == p.shown {
		return
	}
	p.shown = text
	if p.bar {
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		return
	}
	fmt.Fprintln(p.w, text)
}

// end leaves the terminal's line to what comes next.
func (p *progress) end() {
	if p.bar && p.shown != "" {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// writeWhole writes a file that appears only when all of it is written and synced.
func writeWhole(path string, write func(io.Writer) error) error {
	tmp := path + ".part"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) // gone already when all went well
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
