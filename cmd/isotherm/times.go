package main

import (
	"fmt"
	"io"
	"time"

	"isotherm/ledger/bundle"
)

// maxAhead is how far ahead of this device's clock a typed time may lie: clocks differ by minutes, not by more.
const maxAhead = 10 * time.Minute

// maxClockOnly is how old a time without a date may be: beyond it, it is more likely a slip than meant.
const maxClockOnly = 12 * time.Hour

// zoned and zoneless are the forms in which people type times. A zone is always wanted: a trip crosses them, and the hour
// that comes twice in autumn has none other to tell it apart.
var (
	zoned     = []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00"}
	zoneless  = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "15:04:05", "15:04"}
	clockOnly = []string{"15:04:05Z07:00", "15:04Z07:00"}
)

// parseTime reads a typed time: a date with time and zone, or a time of day with zone, which is that of the last half day.
func parseTime(text string, now time.Time) (time.Time, error) {
	for _, layout := range zoned {
		if t, err := time.Parse(layout, text); err == nil {
			return checkAhead(text, t, now)
		}
	}
	for _, layout := range clockOnly {
		if t, err := time.Parse(layout, text); err == nil {
			return onDay(text, t, now)
		}
	}
	for _, layout := range zoneless {
		if _, err := time.Parse(layout, text); err == nil {
			return time.Time{}, fmt.Errorf("time %q has no zone: write %s where you are, or %sZ for UTC", text, text+now.Format("-07:00"), text)
		}
	}
	return time.Time{}, fmt.Errorf("time %q can't be read: write 14:05+01:00 or 2026-11-23T14:05+01:00", text)
}

// parseZoned reads a date with time and zone, of any day: plans lie ahead.
func parseZoned(text string) (time.Time, error) {
	for _, layout := range zoned {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q: write it with date and zone, like 2026-11-23T14:05+01:00", text)
}

func checkAhead(text string, t, now time.Time) (time.Time, error) {
	if ahead := t.Sub(now); ahead > maxAhead {
		return time.Time{}, fmt.Errorf("time %q is in %s: at most %s ahead are taken, for clocks that differ", text,
			bundle.Duration(ahead.Milliseconds()), bundle.Duration(maxAhead.Milliseconds()))
	}
	return t, nil
}

// onDay puts a time of day on the day, in its own zone, on which it was last.
func onDay(text string, clock, now time.Time) (time.Time, error) {
	zone := clock.Location()
	y, m, d := now.In(zone).Date()
	t := time.Date(y, m, d, clock.Hour(), clock.Minute(), clock.Second(), 0, zone)
	switch {
	case t.Sub(now) > maxAhead:
		t = t.AddDate(0, 0, -1)
	case now.Sub(t) > 24*time.Hour-maxAhead: // just past midnight of another clock
		t = t.AddDate(0, 0, 1)
	}
	if now.Sub(t) > maxClockOnly {
		return time.Time{}, fmt.Errorf("time %q was %s ago: write it with its date, like %s", text,
			bundle.Duration(now.Sub(t).Milliseconds()), t.Format("2006-01-02T15:04Z07:00"))
	}
	return t, nil
}

// echoTime says how long ago a typed time was, so that a slip is seen before it is signed.
func echoTime(w io.Writer, what string, t, now time.Time) {
	stamp := t.Format("2006-01-02 15:04:05 Z07:00")
	switch d := now.Sub(t); {
	case d < 0:
		fmt.Fprintf(w, "%s: that is in %s (%s)\n", what, bundle.Duration((-d).Milliseconds()), stamp)
	default:
		fmt.Fprintf(w, "%s: that was %s ago (%s)\n", what, bundle.Duration(d.Milliseconds()), stamp)
	}
}

// zoneOf returns the minutes east of UTC of a typed time.
func zoneOf(t time.Time) *int32 {
	_, seconds := t.Zone()
	minutes := int32(seconds / 60)
	return &minutes
}

// maxTimeError bounds how uncertain a stated time can be: beyond a day it says nothing.
const maxTimeError = 24 * time.Hour

func parseTimeError(text string) (int64, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxTimeError {
		return 0, fmt.Errorf("uncertainty %q of a time: write 2m or 30s, at most 24h", text)
	}
	return d.Milliseconds(), nil
}

// ago writes how long before now a moment in Unix milliseconds was; 0 is never.
func ago(ms int64, now time.Time) string {
	if ms == 0 {
		return "never"
	}
	d := now.UnixMilli() - ms
	const day = 24 * 60 * 60 * 1000
	switch {
	case d < -1000:
		return "in " + bundle.Duration(-d)
	case d > 3*day:
		return fmt.Sprintf("%d days ago", d/day)
	}
	return bundle.Duration(max(d, 0)) + " ago"
}

// stamp writes a moment in local time with its zone.
func stamp(ms int64) string {
	if ms == 0 {
		return "not known"
	}
	return time.UnixMilli(ms).Format("2006-01-02 15:04 -07:00")
}
