package journal_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/tracker/journal"
)

// childVar names the directory in which the test binary, started again, plays a box until it is killed.
const childVar = "ISOTHERM_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// child appends for ever, and says what it was told is safe: incarnation, size and root of every committed head.
func child(dir string) error {
	j, err := journal.Open(journal.Options{Dir: dir, Key: testKey, At: record.Stamp{Quality: record.ClockUnset}})
	if err != nil {
		return err
	}
	for n := 1; ; n = n%7 + 1 {
		head := j.Newest()
		fmt.Printf("%s %d %s\n", head.Incarnation, head.Size, head.Root)
		var records []*record.Record
		for i := range n * n {
			records = append(records, reading(uint64(head.Size)+uint64(i)))
		}
		if err := j.Append(records...); err != nil {
			return err
		}
	}
}

// acked is the last head a killed child was told is safe.
type acked struct {
	inc  ledger.IncarnationID
	size int64
	root string
}

// runChild starts a box in dir, kills it after some heads, and returns the last it announced.
func runChild(t *testing.T, dir string, heads int) acked {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var last acked
	scanner := bufio.NewScanner(out)
	for n := 0; scanner.Scan(); n++ {
		if n == heads { // SIGKILL; what it announced before dying still counts
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		var hex string
		if k, _ := fmt.Sscanf(scanner.Text(), "%s %d %s", &hex, &last.size, &last.root); k != 3 {
			break // cut while it was written
		}
		id, err := ledger.ParseID[ledger.IncarnationID](hex)
		if err != nil {
			t.Fatal(err)
		}
		last.inc = id
	}
	err = cmd.Wait()
	if last.inc.IsZero() {
		t.Fatalf("child announced nothing: %v\n%s", err, stderr.String())
	}
	return last
}

func TestJournal_SurvivesKill(t *testing.T) {
	dir := t.TempDir()
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	var all []acked
	for i := range rounds {
		all = append(all, runChild(t, dir, i*5))
	}
	j := openChecked(t, dir)
	if len(j.Damage()) != 0 {
		t.Errorf("damage: got %v, want none", j.Damage())
	}
	for _, a := range all {
		head, err := j.Head(a.inc, a.size)
		if err != nil {
			t.Errorf("acknowledged head of size %d: %v", a.size, err)
			continue
		}
		if got := head.Root.String(); got != a.root {
			t.Errorf("acknowledged head of size %d: got root %s, want %s", a.size, got, a.root)
		}
		if _, err := merkle.Open(head.Signed, record.Origin(ledger.BoxIDOf(testPublic), a.inc), testPublic); err != nil {
			t.Errorf("acknowledged head of size %d: %v", a.size, err)
		}
	}
	list := j.Incarnations()
	if got, want := len(list), rounds+1; got != want {
		t.Errorf("incarnations: got %d, want %d", got, want)
	}
}

func TestOpen_DamagedFile(t *testing.T) {
	const size = 1000
	for _, tt := range []struct {
		name   string
		damage func(b []byte) []byte
		kept   int64 // records that must stay readable; -1: whatever could be proved
	}{
		{"empty", func([]byte) []byte { return nil }, 0},
		{"cut to half", func(b []byte) []byte { return b[:len(b)/2] }, -1},
		{"cut to a page and a bit", func(b []byte) []byte { return b[:5000] }, 0},
		{"all zero", func(b []byte) []byte { return make([]byte, len(b)) }, 0},
		{"both meta pages zero", func(b []byte) []byte { clear(b[:8192]); return b }, 0},
		{"a record changed near the end", func(b []byte) []byte { return flip(b, marker(990)) }, 3 * journal.FrontierStep},
		{"a record changed in the middle", func(b []byte) []byte { return flip(b, marker(600)) }, 2 * journal.FrontierStep},
		{"signed head changed", func(b []byte) []byte { return flip(b, []byte(record.OriginPrefix)) }, size},
		{"noise", func(b []byte) []byte {
			for i := 8192; i < len(b); i += 97 {
				b[i] ^= 0x55
			}
			return b
		}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			fill(t, j, 500)
			fill(t, j, size)
			head := j.Newest()
			checkClose(t, j)
			path := journalFiles(t, dir, "*.journal")[0]
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, tt.damage(b), 0o600); err != nil {
				t.Fatal(err)
			}

			j = openChecked(t, dir)
			damage := j.Damage()
			if len(damage) != 1 || damage[0].Incarnation != head.Incarnation || damage[0].Known != size || damage[0].Err == nil {
				t.Fatalf("damage: got %+v, want one of %s with a known size of %d", damage, head.Incarnation, size)
			}
			if got := damage[0].Kept; tt.kept >= 0 && got != tt.kept {
				t.Errorf("kept: got %d records, want %d (%v)", got, tt.kept, damage[0].Err)
			}
			if !strings.Contains(filepath.Base(damage[0].Path), ".corrupt-1") {
				t.Errorf("damaged file: got %q, want it set aside", damage[0].Path)
			}
			want := record.Predecessor{Incarnation: head.Incarnation, Size: size, Root: head.Root}
			if got := bootOf(t, j).Predecessor; got == nil || *got != want {
				t.Errorf("predecessor: got %+v, want the last known head %+v", got, want)
			}
			checkKept(t, j, damage[0])
		})
	}
}

// checkKept checks that what was kept is what was written.
func checkKept(t *testing.T, j *journal.Journal, d journal.Damage) {
	t.Helper()
	if d.Kept == 0 {
		return
	}
	records, err := j.Records(d.Incarnation, 0, 5000)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(records)) != d.Kept {
		t.Errorf("kept: got %d records, want %d", len(records), d.Kept)
	}
	for seq, b := range records[1:] {
		want, err := reading(uint64(seq) + 1).Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, want) {
			t.Errorf("kept record %d differs from the one written", seq+1)
		}
	}
}

func marker(seq uint64) []byte {
	b, err := reading(seq).Append(nil)
	if err != nil {
		return nil
	}
	return b
}

// flip changes the last bit of every place where the pattern stands: bbolt keeps old copies of pages.
func flip(b, pattern []byte) []byte {
	for at := 0; ; {
		i := bytes.Index(b[at:], pattern)
		if i < 0 {
			return b
		}
		at += i + len(pattern)
		b[at-1] ^= 1
	}
}

func TestOpen_RestoredOldFile(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	fill(t, j, 300)
	path := journalFiles(t, dir, "*.journal")[0]
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, j, 400)
	head := j.Newest()
	checkClose(t, j)
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	j = openChecked(t, dir)
	if got := bootOf(t, j).Predecessor; got == nil || got.Size != 400 || got.Root != head.Root {
		t.Errorf("predecessor: got %+v, want the last known head of size 400", got)
	}
	if d := j.Damage(); len(d) != 1 || d[0].Kept != 300 || d[0].Known != 400 {
		t.Errorf("damage: got %+v, want 300 of 400 kept", d)
	}
}

func TestOpen_TornLastHead(t *testing.T) {
	for _, name := range []string{"last-head.a", "last-head.b"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			fill(t, j, 20)
			inc := j.Incarnation()
			checkClose(t, j)
			if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte{0xFF}, 512), 0o600); err != nil {
				t.Fatal(err)
			}
			j = openChecked(t, dir)
			if got := bootOf(t, j).Predecessor; got == nil || got.Incarnation != inc || got.Size != 20 {
				t.Errorf("predecessor: got %+v, want %s with 20 records", got, inc)
			}
		})
	}
}
