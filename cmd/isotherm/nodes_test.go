package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"isotherm/api/client"
	"isotherm/api/contract"
)

func TestShowNodes(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ends := func(use string, in time.Duration) contract.NodeCertificate {
		return contract.NodeCertificate{Use: use, UntilMS: now.Add(in).UnixMilli()}
	}
	x := client.Nodes{Node: "n1", Entries: 9, Size: 7, Agreed: true, Nodes: []contract.NodeState{
		{Name: "n1", Voter: true, Leader: true, Reached: true, Entries: 9, Checkpoint: 9, Root: contract.Hash{0xab}, Certificates: []contract.NodeCertificate{ends("api", 9*24*time.Hour), ends("ca", 900*24*time.Hour)}},
		{Name: "n2", Voter: true, Reached: true, Entries: 7, Behind: 2, Checkpoint: 7, Root: contract.Hash{0xab}, AnsweredInMS: 3, Certificates: []contract.NodeCertificate{ends("cluster", -time.Hour)}},
		{Name: "n3", Problem: "connection refused"},
	}}
	show := func() string {
		var out bytes.Buffer
		showNodes(&out, &x, now)
		return strings.Join(strings.Fields(out.String()), " ")
	}
	got := show()
	for _, want := range []string{"ROOT AT 7", "n1 leader 9 0 9 ab00000000000000 api ends in 9 days, ca 900 days answered in 0 ms",
		"n2 voter 7 2 7 ab00000000000000 cluster has ended answered in 3 ms", "n3 no vote not reached: connection refused",
		"all roots that could be asked for are the same at 7 entries"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant it to contain %s", got, want)
		}
	}
	x.Agreed = false
	if got := show(); !strings.Contains(got, "the roots differ") || strings.Contains(got, "are the same") {
		t.Errorf("roots that differ: got %s", got)
	}
}
