package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/bundle"
	"isotherm/ledger/trip"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenBundle is package bundle's golden file: a heart, six cold minutes, one handoff.
var goldenBundle = filepath.Join("..", "bundle", "testdata", "heart.isotherm.tar")

func open(t testing.TB, path string) *Case {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v, c := bundle.Open(b, nil)
	return NewCase(b, v, c, v.SentenceUnder("the policy of node-1"))
}

func heart(t testing.TB) *Case {
	t.Helper()
	c := open(t, goldenBundle)
	if c.Verdict.Result != bundle.Consistent || c.Contents.Trip == nil {
		t.Fatalf("the golden bundle is %s: %v", c.Verdict.Result, c.Verdict.Findings)
	}
	return c
}

func loadFonts(t testing.TB) *fonts {
	t.Helper()
	f, err := newFonts()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func render(t testing.TB, form Form, paper Paper, cases ...*Case) []byte {
	t.Helper()
	d, err := NewDocument(form, paper)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if err := d.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := d.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// dump writes a layout as lines of text.
func dump(pages []*page) string {
	var b strings.Builder
	for n, p := range pages {
		fmt.Fprintf(&b, "page %d\n", n+1)
		for _, i := range p.Items {
			switch {
			case i.Text != nil:
				fmt.Fprintf(&b, "text %.1f %.1f %.1f face %d %.1f pt tone %d %q\n", i.Text.X, i.Text.Y, i.Text.W, i.Text.Face, i.Text.Points, i.Text.Tone, i.Text.Text)
			case i.Rect != nil:
				fmt.Fprintf(&b, "rect %.1f %.1f %.1f %.1f tone %d hatched %t framed %t\n", i.Rect.X, i.Rect.Y, i.Rect.W, i.Rect.H, i.Rect.Tone, i.Rect.Hatched, i.Rect.Framed)
			case i.Line != nil:
				first, last := i.Line.Points[0], i.Line.Points[len(i.Line.Points)-1]
				fmt.Fprintf(&b, "line of %d from %.1f %.1f to %.1f %.1f tone %d dashed %t filled %t\n", len(i.Line.Points), first.X, first.Y, last.X, last.Y, i.Line.Tone, i.Line.Dashed, i.Line.Filled)
			case i.Code != nil:
				fmt.Fprintf(&b, "code %.1f %.1f %.1f %q\n", i.Code.X, i.Code.Y, i.Code.Size, i.Code.Text)
			}
		}
	}
	return b.String()
}

func TestLayout_golden(t *testing.T) {
	f, c := loadFonts(t), heart(t)
	for name, pages := range map[string][]*page{"sheet-a4": layoutSheet(f, A4.size(), c), "sheet-letter": layoutSheet(f, Letter.size(), c), "report-a4": layoutAudit(f, A4.size(), c, true)} {
		path := filepath.Join("testdata", name+".txt")
		got := dump(pages)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// box is the place that something takes on a page.
type box struct {
	x, y, w, h float64
	what       string
}

func (b box) meets(o box) bool {
	const touch = 0.05
	return b.x+touch < o.x+o.w && o.x+touch < b.x+b.w && b.y+touch < o.y+o.h && o.y+touch < b.y+b.h
}

// check wants all on the paper, no text on another or on a code, and nothing in a text that is no character.
func check(t testing.TB, name string, s size, pages []*page) {
	t.Helper()
	for n, p := range pages {
		var taken []box
		for _, i := range p.Items {
			var b box
			switch {
			case i.Text != nil:
				h := i.Text.Points * mmPerPoint
				b = box{i.Text.X, i.Text.Y - 0.75*h, i.Text.W, 0.95 * h, i.Text.Text}
				for _, r := range i.Text.Text {
					if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r > maxRune {
						t.Errorf("%s, page %d: %q holds %U", name, n+1, i.Text.Text, r)
					}
				}
			case i.Code != nil:
				b = box{i.Code.X, i.Code.Y, i.Code.Size, i.Code.Size, "code"}
			default:
				continue
			}
			if b.x < marginX-0.1 || b.x+b.w > s.W-marginX+0.1 || b.y < 5 || b.y+b.h > s.H-2 {
				t.Errorf("%s, page %d: %q leaves the paper: %+v", name, n+1, b.what, b)
			}
			for _, o := range taken {
				if b.meets(o) {
					t.Errorf("%s, page %d: %q lies on %q: %+v, %+v", name, n+1, b.what, o.what, b, o)
				}
			}
			taken = append(taken, b)
		}
	}
}

// crowded makes a case with much of everything, and long texts.
func crowded(t testing.TB, text string, n int) *Case {
	t.Helper()
	c := heart(t)
	v := c.Verdict
	held, x := v.Custodians[0], v.Excursions[0]
	held.Name, held.OrganisationName, held.Desk = text, text, text
	x.Rule = text
	for i := range n {
		v.Custodians, v.Excursions = append(v.Custodians, held), append(v.Excursions, x)
		v.Flags = append(v.Flags, text, fmt.Sprintf("note %d", i))
		v.Findings = append(v.Findings, bundle.Finding{Where: text, What: text})
		v.Corrections = append(v.Corrections, bundle.Correction{By: text, Of: text, Field: text, Old: text, New: text})
	}
	v.Export.Reason, v.Shipment.Profile, v.Shipment.Organ = text, text, text
	c.Sentence = text
	st := c.Contents.State
	st.Packing.Seal, st.Opening.From, st.Opening.Dest = text, text, text
	for range n {
		at := c.Contents.Trip.Report.First
		c.Contents.Trip.Events = append(c.Contents.Trip.Events, trip.Event{Kind: trip.EventDevice, Name: text, Fault: 5, From: at, To: at})
	}
	c.Contents.Trip.LeftOut = n
	for i := range st.History {
		st.History[i].Right.Place, st.History[i].Right.Reference = text, text
		st.History[i].Right.Condition, v.Coverage.Simulated = text, true
	}
	return c
}

func TestLayout_crowded(t *testing.T) {
	f := loadFonts(t)
	for name, text := range map[string]string{"plain": "North Air", "long": strings.Repeat("Überführung der Spenderorgane ", 9), "one word": strings.Repeat("W", 200), "empty": "", "odd": oddNames[0]} {
		c := crowded(t, text, 60)
		for paper, label := range map[Paper]string{A4: "A4", Letter: "Letter"} {
			s := paper.size()
			sheet := layoutSheet(f, s, c)
			if n := len(fitSheet(f, s, c).pages); n != 1 {
				t.Errorf("%s, %s: the sheet has %d pages", name, label, n)
			}
			check(t, name+" sheet "+label, s, sheet)
			check(t, name+" report "+label, s, layoutAudit(f, s, c, true))
		}
	}
}

// TestLayout_events finds what the box noticed in the report.
func TestLayout_events(t *testing.T) {
	c := heart(t)
	at := c.Contents.Trip.Report.First
	later := at
	later.TripMS += 180_000
	c.Contents.Trip.Events = []trip.Event{
		{Kind: trip.EventLid, From: at, To: later, Ended: true},
		{Kind: trip.EventShock, Value: 4350, From: at, To: at, Ended: true},
		{Kind: trip.EventProbe, Probe: 1, Place: "organ", Fault: 81, From: at, To: later},
		{Kind: trip.EventOutput, Name: "radio", From: at, To: at},
	}
	c.Contents.Trip.LeftOut = 7
	got := dump(layoutAudit(loadFonts(t), A4.size(), c, true))
	for _, want := range []string{"What the box noticed: it decides nothing", "2026-09-21 14:14:10: lid open, for 3\\u00a0min", ": shock, 4.3 g",
		": probe 1 (organ): value stuck, values kept, for at least 3\\u00a0min", ": radio off, its end is not recorded", "and 7 more"} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
}

// oddNames are what people and machines write into names.
var oddNames = []string{
	"Łukasz Żółć\u202e evil\x00\x1b[31m\r\n\tx", "Νίκος Παπαδόπουλος", "Дмитрий Щукин", "עברית", "张伟 山田太郎", "=cmd|' /C calc'!A0", "👩‍⚕️ nurse", "\xff\xfe broken",
	"a\u0301e\u0301 combining", "\u00ad soft\u200bzero", "−12.5 °C", "Ω≈ç√∫", "\U0010ffff", "\uffff", " ",
}

func TestFonts_clean(t *testing.T) {
	f := loadFonts(t)
	for in, want := range map[string]string{
		"":                      "",
		"North  Air\n":          "North Air",
		"a\x00b\x1b[31m\u202ec": "a b [31mc",
		"张":                     "□",
		"\xff":                  "□",
		"Łukasz Żółć":           "Łukasz Żółć",
		"Дмитрий, Νίκος, עברית: −1.2 °C ≥": "Дмитрий, Νίκος, עברית: −1.2 °C ≥",
		"\U0001f469": "□",
	} {
		if got := f.clean(regular, in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestFonts_wrap(t *testing.T) {
	f := loadFonts(t)
	for _, tt := range []struct {
		text  string
		limit int
		want  []string
	}{
		{"", 3, nil},
		{"North Air", 3, []string{"North Air"}},
		{"one two three four five six seven", 2, []string{"one two three", "four five six…"}},
		{"cold for 2 h 41 min", 2, []string{"cold for 2\u00a0h", "41\u00a0min"}},
		{"WWWWWWWWWWWWWWW", 2, []string{"WWWWWWW", "WWWWWW…"}},
	} {
		if d := cmp.Diff(tt.want, f.wrap(regular, 8.5, 20, tt.limit, tt.text)); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, d)
		}
	}
}

func TestVisual(t *testing.T) {
	for in, want := range map[string]string{"": "", "North Air": "North Air", "עברית": "תירבע", "Dr עברית, 12 min": "Dr תירבע, 12 min", "(שלום עולם) x": "(םלוע םולש) x", "שָׁלוֹם": "םוֹלשָׁ"} {
		if got := visual(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestDocument_deterministic(t *testing.T) {
	for _, form := range []Form{Sheet, Audit} {
		want := render(t, form, A4, heart(t), heart(t))
		for range 5 {
			if !bytes.Equal(render(t, form, A4, heart(t), heart(t)), want) {
				t.Fatalf("form %d: the same cases gave other bytes", form)
			}
		}
	}
}

// TestDocument_text reads the texts of a PDF and holds them against the layout; pdftotext, where it is installed, must find them too.
func TestDocument_text(t *testing.T) {
	c := heart(t)
	c.Verdict.Custodians[0].Name = "Łukasz Żółć"
	f := loadFonts(t)
	var want []string
	for _, p := range layoutAudit(f, A4.size(), c, true) {
		for _, i := range p.Items {
			if i.Text != nil {
				want = append(want, i.Text.Text)
			}
		}
	}
	pdf := render(t, Audit, A4, c)
	if d := cmp.Diff(want, textsOf(t, pdf)); d != "" {
		t.Errorf("texts (-layout +PDF):\n%s", d)
	}
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		return
	}
	cmd := exec.Command(tool, "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Łukasz Żółć, City Courier", "1.2 °C", "page 1 of ", fmt.Sprintf("%x", c.SHA256)} {
		if !strings.Contains(strings.ReplaceAll(string(out), "\u00a0", " "), want) {
			t.Errorf("pdftotext finds no %q", want)
		}
	}
}

// TestDocument_broken writes documents of bundles of which nothing can be read: they say that, and no more.
func TestDocument_broken(t *testing.T) {
	whole, err := os.ReadFile(goldenBundle)
	if err != nil {
		t.Fatal(err)
	}
	f := loadFonts(t)
	for _, n := range []int{0, 600, len(whole) / 2, len(whole) - 1} {
		v, contents := bundle.Open(whole[:n], nil)
		c := NewCase(whole[:n], v, contents, v.SentenceUnder("the policy of node-1"))
		check(t, "broken", A4.size(), layoutSheet(f, A4.size(), c))
		check(t, "broken", A4.size(), layoutAudit(f, A4.size(), c, true))
		render(t, Audit, A4, c)
		if texts := dump(layoutSheet(f, A4.size(), c)); !strings.Contains(texts, "Broken") {
			t.Errorf("%d bytes: the sheet does not say that the bundle is broken", n)
		}
	}
}

func FuzzLayout(f *testing.F) {
	for _, name := range oddNames {
		f.Add(name, name+" "+name)
	}
	shared := loadFonts(f)
	f.Fuzz(func(t *testing.T, name, note string) {
		if len(name)+len(note) > 400 { // signed texts are at most some hundred bytes
			t.Skip()
		}
		c := crowded(t, name, 6)
		c.Verdict.Flags = append(c.Verdict.Flags, note)
		c.Verdict.Custodians[0].Evidence = note
		check(t, "sheet", A4.size(), layoutSheet(shared, A4.size(), c))
		check(t, "report", A4.size(), layoutAudit(shared, A4.size(), c, false))
		render(t, Sheet, Letter, c)
	})
}

// TestDocument_look writes documents of all bundles in a folder beside them, to be looked at.
func TestDocument_look(t *testing.T) {
	dir := os.Getenv("ISOTHERM_LOOK")
	if dir == "" {
		t.Skip("ISOTHERM_LOOK names no folder to write to")
	}
	bundles, err := filepath.Glob(filepath.Join(dir, "*.isotherm.tar"))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]*Case{"crowded": crowded(t, strings.Join(oddNames, " "), 60), "odd": crowded(t, oddNames[0], 2)}
	for _, path := range append(bundles, goldenBundle) {
		cases[filepath.Base(path)] = open(t, path)
	}
	for base, c := range cases {
		for name, b := range map[string][]byte{"-sheet.pdf": render(t, Sheet, A4, c), "-letter.pdf": render(t, Sheet, Letter, c), "-report.pdf": render(t, Audit, A4, c)} {
			if err := os.WriteFile(filepath.Join(dir, base+name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
