package journey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/cbor"
	"isotherm/ledger/entry"
	"isotherm/ledger/record"
)

// Tampered is what became of a bundle of which one byte was changed.
type Tampered struct {
	Shipment ledger.ShipmentID `json:"shipment"`
	Size     int               `json:"size"`   // of the bundle, bytes
	Offset   int               `json:"offset"` // of the byte
	Was      string            `json:"was"`    // the byte, as hexadecimal
	Now      string            `json:"now"`
	Record   uint64            `json:"record"` // number of the reading in the box's journal
	TimeMS   int64             `json:"time_ms"`
	WasMC    int32             `json:"was_mc"` // what the box measured
	NowMC    int32             `json:"now_mc"` // what the changed byte says it did
	Before   Judged            `json:"before"`
	After    Judged            `json:"after"`
	Named    string            `json:"named"` // the verifier's finding that names the reading
}

// Judged is what the verifier says of a bundle: a sentence, and all of it.
type Judged struct {
	Sentence string          `json:"sentence"`
	Verdict  *bundle.Verdict `json:"verdict"`
}

// Tamper exports a case, changes one byte of its coldest reading in a copy, and has both verified, in processes of their
// own as anybody would.
func (j *Journey) Tamper(ctx context.Context, id ledger.ShipmentID) (*Tampered, error) {
	dir, err := os.MkdirTemp(j.opts.Dir, "tamper-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	whole, err := j.take(ctx, id)
	if err != nil {
		return nil, err
	}
	t := &Tampered{Shipment: id, Size: len(whole)}
	if t.Before, err = j.judge(ctx, dir, "as-exported.bundle", whole); err != nil {
		return nil, err
	}
	changed := bytes.Clone(whole)
	if err := t.warm(changed, j.Policy()); err != nil {
		return nil, err
	}
	if t.After, err = j.judge(ctx, dir, "changed.bundle", changed); err != nil {
		return nil, err
	}
	for _, f := range t.After.Verdict.Findings {
		if bytes.HasPrefix([]byte(f.Where), []byte("journals/")) {
			t.Named = f.What
		}
	}
	return t, nil
}

// take exports a case as the auditor of the journey.
func (j *Journey) take(ctx context.Context, id ledger.ShipmentID) ([]byte, error) {
	auditor, err := identity.Load(j.folder(j.people.auditor.Role))
	if err != nil {
		return nil, err
	}
	c, err := auditor.Client()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var out bytes.Buffer
	err = patiently(ctx, func(ctx context.Context) error {
		out.Reset()
		return c.Export(ctx, id, "demonstration", &out)
	})
	return out.Bytes(), err
}

// judge has a bundle verified by the program, which is given nothing else but the operator's policy.
func (j *Journey) judge(ctx context.Context, dir, name string, b []byte) (Judged, error) {
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return Judged{}, err
	}
	verdict, err := j.verify(ctx, file)
	if err != nil {
		return Judged{}, err
	}
	return Judged{Sentence: verdict.Sentence(), Verdict: verdict}, nil
}

// verify runs isotherm verify and reads its verdict.
func (j *Journey) verify(ctx context.Context, file string) (*bundle.Verdict, error) {
	verify := exec.CommandContext(ctx, j.opts.Program, "verify", "--json", "--policy", j.Policy(), file)
	verify.Args[0] = "isotherm"
	out, err := verify.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("verify: %w", err)
	}
	v := &bundle.Verdict{}
	if err := json.Unmarshal(out, v); err != nil {
		return nil, fmt.Errorf("read the verdict: %w", err)
	}
	return v, nil
}

// warmer is the bit that a forger changes: it adds 4.096 °C to a temperature of which it is not set.
const warmer = 0x10

// warm changes the coldest reading in the bundle so that it looks warmer.
func (t *Tampered) warm(b []byte, policy string) error {
	text, err := os.ReadFile(policy)
	if err != nil {
		return err
	}
	pin, err := entry.ParsePin(text)
	if err != nil {
		return err
	}
	_, contents := bundle.Open(b, &pin)
	var coldest *record.Record
	for _, journal := range contents.Journals() {
		for _, r := range journal.Records {
			if r.Reading == nil || len(r.Reading.Samples) == 0 {
				continue
			}
			if mc := r.Reading.Samples[0].TempMC; mc >= 1<<8 && mc>>8&warmer == 0 && (coldest == nil || mc < coldest.Reading.Samples[0].TempMC) {
				coldest = r
			}
		}
	}
	if coldest == nil {
		return ledger.Errorf(ledger.CodeConflict, "the case has no reading yet whose change would show")
	}
	raw, err := coldest.Append(nil)
	if err != nil {
		return err
	}
	t.WasMC = coldest.Reading.Samples[0].TempMC
	number := cbor.AppendInt(nil, int64(t.WasMC))
	at, in := bytes.Index(b, raw), bytes.Index(raw, number)
	if at < 0 || in < 0 {
		return errors.New("the reading is not in the bundle as it was written")
	}
	t.Offset = at + in + 1 // behind the head that says how long the number is
	t.Was = fmt.Sprintf("%02x", b[t.Offset])
	b[t.Offset] ^= warmer
	t.Now = fmt.Sprintf("%02x", b[t.Offset])
	t.NowMC, t.Record, t.TimeMS = t.WasMC+warmer<<8, coldest.Seq, coldest.At.WallMS
	return nil
}
