package tracker

import "time"

// allowance bounds how many records one source may cause, so that a loose plug fills neither the journal nor the disk: some
// at once, then one in a while. The zero value is a full one.
type allowance struct {
	used  int
	since time.Time // when the oldest used one began to come back
}

// take uses one if there is one; else it says how long to wait for the next.
func (a *allowance) take(now time.Time, most int, every time.Duration) (ok bool, wait time.Duration) {
	if back := int(now.Sub(a.since) / every); a.used > 0 && back > 0 {
		a.used = max(a.used-back, 0)
		a.since = a.since.Add(time.Duration(back) * every)
	}
	if a.used >= most {
		return false, max(every-now.Sub(a.since), time.Millisecond)
	}
	if a.used == 0 {
		a.since = now
	}
	a.used++
	return true, 0
}
