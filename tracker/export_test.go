package tracker

import "isotherm/ledger/record"

// SetWrite puts f before the journal's Append: an error of f is what the disk says. Call it before Run.
func (t *Tracker) SetWrite(f func() error) {
	t.rec.write = func(records ...*record.Record) error {
		if err := f(); err != nil {
			return err
		}
		return t.journal.Append(records...)
	}
}

// Limits that tests reach for.
const (
	BatchRecords       = batchRecords
	MaxPendingReadings = maxPendingReadings
)
