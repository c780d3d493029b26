package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"isotherm/ledger/store"
	"isotherm/ledger/store/storetest"
)

// TestStore_Check flips one bit of the first value in every bucket and wants Check, or Open, to see it. Secrets are
// sealed, so that their keyring sees it.
func TestStore_Check(t *testing.T) {
	for _, bucket := range []string{"leaves", "stored", "hashes", "last", "chains", "acts", "boxes", "journals", "journals-of-box", "batches"} {
		t.Run(bucket, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			s, err := store.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			box := storetest.NewBox("box")
			logs := storetest.Logs(1, storetest.GenesisCommand(storetest.Genesis("n1")), box.Enrol(), box.Next(t, 4), box.Next(t, 4), storetest.Act(1, 1))
			if _, err := s.ApplyBatch(logs); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Check(), s.Close()); err != nil {
				t.Fatal(err)
			}
			flip(t, path, bucket)
			s, err = store.Open(path)
			if err == nil {
				err = s.Check()
				s.Close()
			}
			if !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("check: got %v, want ErrCorrupt", err)
			}
		})
	}
}

func flip(t *testing.T, path, bucket string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		k, v := b.Cursor().First()
		changed := append([]byte(nil), v...)
		changed[len(changed)/2] ^= 1
		if bucket != "stored" { // there it would say 'sealed', and what is sealed can be checked with its key only
			changed[0] ^= 0x40 // numbers: beyond all there are
		}
		return b.Put(k, changed)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkStore_ApplyBatch measures journal advances with fsync, by readings in a batch and batches in a transaction.
func BenchmarkStore_ApplyBatch(b *testing.B) {
	for _, bb := range []struct {
		name    string
		records int
		run     int
	}{{"1x1", 1, 1}, {"1x64", 1, 64}, {"1x256", 1, 256}, {"64x64", 64, 64}, {"600x16", 600, 16}} {
		b.Run(bb.name, func(b *testing.B) {
			a, box := begun(b)
			index := uint64(3)
			for b.Loop() {
				b.StopTimer()
				var logs []store.Log
				for range bb.run {
					logs = append(logs, storetest.Logs(index, box.Next(b, bb.records))...)
					index++
				}
				b.StartTimer()
				if _, err := a.store.ApplyBatch(logs); err != nil {
					b.Fatal(err)
				}
			}
			n := float64(b.N * bb.run)
			b.ReportMetric(n/b.Elapsed().Seconds(), "batches/s")
			b.ReportMetric(n*float64(bb.records)/b.Elapsed().Seconds(), "readings/s")
		})
	}
}
