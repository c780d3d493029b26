package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 23, 13, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		text string
		want string // RFC 3339, or a part of the error
	}{
		{"2026-11-23T14:05:06+01:00", "2026-11-23T14:05:06+01:00"},
		{"2026-11-23T14:05+01:00", "2026-11-23T14:05:00+01:00"},
		{"2026-11-23 14:05+01:00", "2026-11-23T14:05:00+01:00"},
		{"2026-11-23T13:05:00Z", "2026-11-23T13:05:00Z"},
		{"2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"},
		{"14:05+01:00", "2026-11-23T14:05:00+01:00"},
		{"14:05:30+01:00", "2026-11-23T14:05:30+01:00"},
		{"13:05Z", "2026-11-23T13:05:00Z"},
		{"13:40Z", "2026-11-23T13:40:00Z"},
		{"13:40:01Z", "write it with its date"},
		{"01:30Z", "2026-11-23T01:30:00Z"},
		{"01:29Z", "write it with its date, like 2026-11-23T01:29Z"},
		{"03:20+14:00", "2026-11-24T03:20:00+14:00"},
		{"03:45+14:00", "write it with its date"},
		{"02:00-11:30", "2026-11-23T02:00:00-11:30"},
		{"2026-11-23T13:40:00Z", "2026-11-23T13:40:00Z"},
		{"2026-11-23T13:40:01Z", "is in 10 min: at most 10 min ahead"},
		{"2026-11-24T13:40:00Z", "is in 24 h 10 min"},
		{"14:05", "has no zone: write 14:05+00:00"},
		{"2026-11-23T14:05:00", "has no zone"},
		{"2026-11-23 14:05", "has no zone"},
		{"25:05Z", "can't be read"},
		{"2026-02-30T10:00Z", "can't be read"},
		{"", "can't be read"},
		{"noon", "can't be read"},
		{"1795000000", "can't be read"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parseTime(tt.text, now)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got error %v, want %s", err, tt.want)
				}
			} else if got.Format(time.RFC3339) != tt.want {
				t.Errorf("got %s, want %s", got.Format(time.RFC3339), tt.want)
			}
		})
	}
}

// TestParseTime_midnight types a time of day on both sides of midnight, in clocks that differ a little.
func TestParseTime_midnight(t *testing.T) {
	for _, tt := range []struct{ now, text, want string }{
		{"2026-11-24T00:05:00Z", "23:50Z", "2026-11-23T23:50:00Z"},
		{"2026-11-23T23:58:00Z", "00:03Z", "2026-11-24T00:03:00Z"},
		{"2026-11-24T00:05:00Z", "00:05Z", "2026-11-24T00:05:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseTime(tt.text, now)
		if err != nil || got.Format(time.RFC3339) != tt.want {
			t.Errorf("%s typed at %s: got %s, %v, want %s", tt.text, tt.now, got.Format(time.RFC3339), err, tt.want)
		}
	}
}

func TestEchoTime(t *testing.T) {
	now := time.Date(2026, 11, 23, 13, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		at   time.Time
		want string
	}{
		{now.Add(-79 * time.Minute), "cold start: that was 1 h 19 min ago (2026-11-23 12:11:00 Z)\n"},
		{now.Add(4 * time.Minute), "cold start: that is in 4 min (2026-11-23 13:34:00 Z)\n"},
		{now, "cold start: that was 0 s ago (2026-11-23 13:30:00 Z)\n"},
	} {
		var b bytes.Buffer
		echoTime(&b, "cold start", tt.at, now)
		if got := b.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestZoneOf(t *testing.T) {
	for text, want := range map[string]int32{"2026-11-23T12:00:00Z": 0, "2026-11-23T12:00:00+05:30": 330, "2026-11-23T12:00:00-09:30": -570} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := *zoneOf(at); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}

func TestParseTimeError(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int64
	}{{"2m", 120_000}, {"30s", 30_000}, {"0s", 0}, {"24h", 86_400_000}, {"24h1s", -1}, {"-1s", -1}, {"5", -1}, {"", -1}} {
		got, err := parseTimeError(tt.text)
		if err != nil {
			got = -1
		}
		if got != tt.want {
			t.Errorf("%q: got %d, %v, want %d", tt.text, got, err, tt.want)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.UnixMilli(1_000_000_000_000)
	for _, tt := range []struct {
		before int64 // ms
		want   string
	}{{0, "0 s ago"}, {12_000, "12 s ago"}, {-500, "0 s ago"}, {-120_000, "in 2 min"}, {4_740_000, "1 h 19 min ago"}, {3*86_400_000 + 1, "3 days ago"}} {
		if got := ago(now.UnixMilli()-tt.before, now); got != tt.want {
			t.Errorf("%d ms before: got %q, want %q", tt.before, got, tt.want)
		}
	}
	if got := ago(0, now); got != "never" {
		t.Errorf("got %q", got)
	}
}
