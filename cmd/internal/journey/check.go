package journey

import (
	"context"
	"errors"
	"fmt"

	"isotherm/ledger/bundle"
	"isotherm/ledger/merkle"
)

// Check says what of an undisturbed journey did not come out as it must: nil when everything held.
func (j *Journey) Check(ctx context.Context, r *Result) error {
	v := r.Verdict
	var errs []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	expect(v.Result == bundle.Verified, "the bundle is %q: %v", v.Result, v.Findings)
	expect(len(v.Excursions) == 1 && v.Excursions[0].Rule == "too cold", "excursions are %+v, want one that is too cold", v.Excursions)
	expect(len(v.Custodians) == 3, "custodians are %+v, want three", v.Custodians)
	expect(len(v.Flags) == 0, "contradictions: %v", v.Flags)
	expect(v.Coverage.Permille >= minCoverage, "coverage is %d permille, want at least %d", v.Coverage.Permille, minCoverage)
	expect(v.Shipment.Arrival == "match" && v.Shipment.Outcome == "transplanted" && v.Shipment.Phase == "closed", "the shipment ended as %+v", v.Shipment)
	expect(len(v.Ledger.Cosigners) >= merkle.Majority(voters), "cosigners are %v, want a majority of %d", v.Ledger.Cosigners, voters)
	expect(v.Coverage.Simulated, "the journal does not say that its clock was simulated")
	errs = append(errs, j.sameRoots(ctx))
	return errors.Join(errs...)
}

// minCoverage leaves room for a reading or two that a busy machine took late.
const minCoverage = 980 // permille

// sameRoots compares the checkpoints that the nodes publish: none may contradict another.
func (j *Journey) sameRoots(ctx context.Context) error {
	roots := map[int64]merkle.Checkpoint{}
	for _, n := range j.cluster.nodes {
		if n.parked.Load() {
			continue // who watches the demonstration stopped it
		}
		c, err := j.cluster.ask(n)
		if err != nil {
			return err
		}
		signed, err := c.Checkpoint(ctx)
		c.Close()
		if err != nil {
			return fmt.Errorf("checkpoint of %s: %w", n.name, err)
		}
		cp, ok := merkle.PeekCheckpoint(signed)
		if !ok {
			return fmt.Errorf("checkpoint of %s can't be read", n.name)
		}
		if other, there := roots[cp.Size]; there && other != cp {
			return fmt.Errorf("%s has another root than a node before it at %d entries", n.name, cp.Size)
		}
		roots[cp.Size] = cp
	}
	return nil
}
