package api

import (
	"fmt"
	"io"
	"time"

	"isotherm/api/contract"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/report"
)

// exportForm is what an export can be.
type exportForm struct {
	suffix string // of the file's name, after the case or the time
	kind   string // media type
	limit  int    // cases
	begin  func(w io.Writer, j *exportJob) (exportOutput, error)
}

// exportForms are the forms. Bundles and tables are written case by case; a PDF is made in memory, of some 0.1 MB for a sheet
// and up to some MB for a report with its bundle attached.
var exportForms = map[contract.ExportForm]exportForm{
	contract.ExportFormBundle: {".isotherm.tar", tarKind, bundle.MaxBundles, beginBundles},
	contract.ExportFormCsv:    {".csv", "text/csv", bundle.MaxBundles, beginTable},
	contract.ExportFormSheet:  {"-sheet.pdf", "application/pdf", 500, beginDocument(report.Sheet)},
	contract.ExportFormReport: {"-report.pdf", "application/pdf", 100, beginDocument(report.Audit)},
}

// exportOutput takes verified cases, one after another, and writes them.
type exportOutput interface {
	add(*report.Case) error
	end() error
}

// fileName is what the file is called that a person saves.
func (f exportForm) fileName(cases []ledger.ShipmentID, begun time.Time) string {
	if len(cases) == 1 {
		return cases[0].String() + f.suffix
	}
	return fmt.Sprintf("isotherm-%d-cases-%s%s", len(cases), begun.UTC().Format("20060102T150405Z"), f.suffix)
}

type oneBundle struct{ w io.Writer }

func (o oneBundle) add(c *report.Case) error {
	_, err := o.w.Write(c.Bundle)
	return err
}

func (o oneBundle) end() error { return nil }

type manyBundles struct{ *bundle.Collector }

func (m manyBundles) add(c *report.Case) error { return m.Add(c.Bundle, c.Verdict, c.Sentence) }
func (m manyBundles) end() error               { return m.Close() }

func beginBundles(w io.Writer, j *exportJob) (exportOutput, error) {
	if len(j.picked) == 1 {
		return oneBundle{w}, nil
	}
	return manyBundles{bundle.NewCollector(w)}, nil
}

type table struct{ *report.Table }

func (t table) add(c *report.Case) error { return t.Add(c) }
func (t table) end() error               { return nil }

func beginTable(w io.Writer, j *exportJob) (exportOutput, error) {
	t, err := report.NewTable(w, len(j.picked) > 1)
	return table{t}, err
}

type document struct {
	*report.Document
	w io.Writer
}

func (d document) add(c *report.Case) error { return d.Add(c) }
func (d document) end() error               { return d.Write(d.w) }

func beginDocument(form report.Form) func(io.Writer, *exportJob) (exportOutput, error) {
	return func(w io.Writer, j *exportJob) (exportOutput, error) {
		paper := report.A4
		if j.paper == contract.Letter {
			paper = report.Letter
		}
		d, err := report.NewDocument(form, paper)
		return document{d, w}, err
	}
}
