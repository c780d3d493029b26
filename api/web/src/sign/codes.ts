// The numbers and names of FORMAT.md's enumerations, as in ledger/custody. Numbers are append only; zero is none. Names are those that
// the API answers with; what people read is in i18n.

export const Kind = {
	Open: 1, StandDown: 2, Pack: 3, Release: 4, Accept: 5, Receive: 6, ArrivalCheck: 7, Outcome: 8, Close: 9, Correction: 10, Move: 11,
	Ruling: 12, Waypoint: 13, AdverseEvent: 14, Preserve: 15, OpenBox: 16,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

const claiming: readonly Kind[] = [Kind.Open, Kind.StandDown, Kind.Pack, Kind.Release, Kind.Accept, Kind.Receive, Kind.Close, Kind.Move];

/** Claims follow one another; the other kinds are notes, which never compete. */
export function claims(kind: Kind): boolean {
	return claiming.includes(kind);
}

type Names = readonly string[];

export const kindNames: Names = ['', 'open', 'stand-down', 'pack', 'release', 'accept', 'receive', 'arrival-check', 'outcome', 'close', 'correction',
	'move', 'ruling', 'waypoint', 'adverse-event', 'preserve', 'open-box'];

export const Organ = { Heart: 1, Lung: 2, Liver: 3, Kidney: 4, Pancreas: 5, Intestine: 6 } as const;
export const organNames: Names = ['', 'heart', 'lung', 'liver', 'kidney', 'pancreas', 'intestine'];

export const Side = { Left: 1, Right: 2, Both: 3 } as const;
export const sideNames: Names = ['', 'left', 'right', 'both'];

export const Arrival = { Match: 1, Mismatch: 2, NotDone: 3 } as const;
export const arrivalNames: Names = ['', 'match', 'mismatch', 'not done'];

export const Result = { Transplanted: 1, NotTransplanted: 2, Redirected: 3, NotReported: 4 } as const;
export const resultNames: Names = ['', 'transplanted', 'not transplanted', 'redirected', 'not reported'];

export const ABO = { O: 1, A: 2, A1: 3, A2: 4, B: 5, AB: 6, A1B: 7, A2B: 8 } as const;
export const aboNames: Names = ['', 'O', 'A', 'A1', 'A2', 'B', 'AB', 'A1B', 'A2B'];

export const Packaging = { IceBox: 1, CooledBox: 2, Machine: 3, Other: 4 } as const;
export const packagingNames: Names = ['', 'ice-box', 'cooled-box', 'machine', 'other'];

export const Preservation = { Cold: 1, ColdPerfused: 2, WarmPerfused: 3, OutOfCold: 4 } as const;
export const preservationNames: Names = ['', 'cold', 'cold-perfused', 'warm-perfused', 'out-of-cold'];

export const LabelCheck = { TwoKeys: 1, Second: 2, Elsewhere: 3, NotDone: 4 } as const;
export const labelCheckNames: Names = ['', 'two-keys', 'second-person', 'own-system', 'not-done'];

export const Segment = { MovedBox: 1, TrackerReplaced: 2, NoTracker: 3 } as const;
export const segmentNames: Names = ['', 'moved to another box', 'tracker replaced', 'no tracker'];

export const Evidence = { BothKeys: 1, CarriersPhone: 2, OneSide: 3, OwnKey: 4 } as const;
export const evidenceNames: Names = ['', 'both keys', "confirmed on the carrier's phone", 'one side only', 'own key'];

export const LegState = { Departed: 1, Arrived: 2 } as const;
export const legStateNames: Names = ['', 'departed', 'arrived'];

export const Mode = { Road: 1, Flight: 2, Charter: 3, Rotor: 4, Rail: 5, Drone: 6, OnFoot: 7 } as const;
export const modeNames: Names = ['', 'road', 'flight', 'charter', 'helicopter', 'rail', 'drone', 'on-foot'];

export const Role = { Actor: 1, Second: 2 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/** Reasons by number. There is no free text: that is where a patient's data would leak. */
export const reasonNames: Readonly<Record<number, string>> = {
	1: 'other',
	10: 'donor-unsuitable', 11: 'recipient-unavailable', 12: 'no-transport', 13: 'consent-withdrawn', 14: 'organ-unsuitable',
	20: 'no-account', 21: 'refused', 22: 'dead-phone', 23: 'unattended',
	30: 'organ-quality', 31: 'recipient-condition', 32: 'ischemia-time', 33: 'out-of-band', 34: 'damaged', 35: 'wrong-organ', 36: 'anatomy', 37: 'infection',
	40: 'typing-error', 41: 'wrong-time', 42: 'wrong-item', 43: 'wrong-person', 44: 'entered-twice',
	50: 'witness', 51: 'seal-and-place', 52: 'device-records', 53: 'claim-withdrawn',
	60: 'box-fault', 61: 'tracker-fault', 62: 'to-machine', 63: 'temperature', 64: 'tracker-forbidden',
	70: 'lost', 71: 'delayed', 72: 'wrong-destination', 73: 'frozen', 74: 'warmed', 75: 'damaged-in-transit', 76: 'wrong-label', 77: 'device-failure',
};

const reasonRange: Partial<Record<Kind, number>> = {
	[Kind.StandDown]: 10, [Kind.Release]: 20, [Kind.Accept]: 20, [Kind.Outcome]: 30, [Kind.Correction]: 40, [Kind.Ruling]: 50, [Kind.Move]: 60,
	[Kind.AdverseEvent]: 70,
};

/** The reasons that fit a kind of act, for menus; 'other' always fits. Empty for kinds that state none. */
export function reasonsFor(kind: Kind): number[] {
	const from = reasonRange[kind];
	if (from === undefined) return [];
	return [...Object.keys(reasonNames).map(Number).filter((n) => n >= from && n < from + 10), 1];
}

/** Conditions of HL7 v2 table 0544 that people choose from, in the table's order: a statement lists them in this one. */
export const conditionCodes = ['CC', 'CL', 'CT', 'SB', 'XAMB', 'XFRZ', 'XREF'] as const;

/** Returns what was found as a statement holds it: each code once, in the order of the table. */
export function condition(found: Iterable<string>): string {
	const set = new Set(found);
	for (const c of set) if (!(conditionCodes as readonly string[]).includes(c)) throw new RangeError(`container condition ${c} is not known`);
	return conditionCodes.filter((c) => set.has(c)).join(' ');
}

/** The number of a name that the API answers with; 0 when there is none. */
export function codeOf(names: Names | Readonly<Record<number, string>>, name: string | undefined): number {
	if (!name) return 0;
	for (const [n, x] of Object.entries(names)) if (x === name) return Number(n);
	return 0;
}
