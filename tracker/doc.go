// Package tracker is the box that rides with an organ: it samples its probes and its receiver, keeps a signed journal,
// finds excursions by the packed profile, shows its state on a local page, and hands its journal to the ledger.
//
// It is not a driver (hardware), not a store (tracker/journal) and not a client of the network (api/client implements
// Uplink). It decides nothing about an organ.
//
// After a crash, everything older than the flush interval is on disk; alarms and custody acts are on disk before anyone
// is told. What the ledger has not receipted is sent again. An excursion that was open goes on, because its state is made
// anew from the journal. DESIGN.md tells the life of a reading and the crash points.
package tracker
