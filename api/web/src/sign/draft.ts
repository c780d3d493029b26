// From what a page wants to state to the statement that is signed: origin, person, parent and heads are filled in as the command line does.
import type { S } from '../lib/api';
import { Evidence, Kind, Segment, type Statement } from './act';
import { fromBase64, randomID } from './bytes';
import { boxHeadAt, caseNow, newestHead } from './casecopy';
import { parentOf, type Queued, type Source } from './follow';
import { headOf, newest, type Seen } from './head';

/** What a page gives: kind, shipment, and what is particular. The rest is filled in, unless it is given. */
export type Draft = Partial<Statement> & { kind: Kind };

export interface Prepared {
	statement: Statement;
	/** Newest head that the signer saw, cited beside the signature. */
	seen: Seen | undefined;
	/** Where the parent comes from, and how old that is. */
	source: Source | undefined;
	asOfMS: number;
}

/** Nothing is known of the case on this device: the act would follow nothing. */
export class NoTip extends Error {
	constructor() {
		super('this device does not know the case');
		this.name = 'NoTip';
	}
}

/** The box's head is needed and neither the ledger nor the box gave one. */
export class NoHead extends Error {
	constructor(readonly box: string) {
		super('no head of the box is known');
		this.name = 'NoHead';
	}
}

const lateMS = 2 * 60_000;
const offerMS = 30 * 60_000;
const citing: readonly Kind[] = [Kind.Pack, Kind.Release, Kind.Accept, Kind.Receive, Kind.OpenBox, Kind.Move];

/** The head at which the readings of a box begin to be the organ's: the newest, or for an act that is stated late the newest from before then. */
async function startHead(box: string, eventTimeMS: number, nowMS: number): Promise<{ head: Uint8Array<ArrayBuffer>; seen: Seen }> {
	const seen = await newestHead(box);
	if (!seen) throw new NoHead(box);
	if (nowMS - eventTimeMS <= lateMS) return { head: seen.head.bytes, seen };
	try {
		const old = await boxHeadAt(box, eventTimeMS);
		return { head: fromBase64(old.head), seen };
	} catch {
		return { head: seen.head.bytes, seen }; // the ledger has nothing from before: the readings begin at the newest
	}
}

/** Fills in what the draft leaves open. nowMS is the time of signing. */
export async function prepare(draft: Draft, me: Pick<S['Me'], 'person' | 'organisation' | 'origin'>, queued: readonly Queued[], nowMS: number): Promise<Prepared> {
	const shipment = draft.shipment ?? randomID();
	const eventTimeMS = Math.round(draft.eventTimeMS ?? nowMS);
	const s: Statement = { ...draft, ledger: me.origin, id: draft.id ?? randomID(), shipment, eventTimeMS, by: draft.by ?? { person: me.person, organisation: me.organisation } };
	let seen: Seen | undefined;
	let source: Source | undefined;
	let asOfMS = nowMS;
	if (s.kind !== Kind.Open) {
		const known = await caseNow(shipment);
		seen = newest([...known.seen, ...queued.flatMap((q) => q.seen ?? [])]);
		const follows = draft.parent ? { tip: draft.parent, source: 'given' as const } : parentOf(known, queued);
		if (!follows) throw new NoTip();
		s.parent = follows.tip;
		source = follows.source;
		asOfMS = (source === 'box' ? known.box?.atMS : known.ledger?.atMS) ?? nowMS;
	}
	await citeHeads(s, seen, nowMS).then((x) => (seen = x));
	if (s.kind === Kind.Release && s.evidence !== Evidence.OneSide) s.validMS ??= Math.max(eventTimeMS, nowMS) + offerMS;
	return { statement: s, seen, source, asOfMS };
}

/** Puts heads where FORMAT.md wants them, and returns the newest that the signer saw. */
async function citeHeads(s: Statement, seen: Seen | undefined, nowMS: number): Promise<Seen | undefined> {
	if (s.kind === Kind.Pack && s.box && !s.head) {
		const start = await startHead(s.box, s.eventTimeMS, nowMS);
		s.head = start.head;
		return start.seen;
	}
	if (s.kind === Kind.Move && s.segment !== Segment.NoTracker && s.newBox && !s.newHead) {
		const start = await startHead(s.newBox, s.eventTimeMS, nowMS);
		s.newHead = start.head;
		if (!s.head && seen) s.head = seen.head.bytes;
		return start.seen;
	}
	const given = headOf(s.head);
	if (given && (!seen || (given.box === seen.head.box && given.incarnation === seen.head.incarnation && given.size > seen.head.size))) return { head: given, atMS: nowMS };
	if (citing.includes(s.kind) && !s.head && seen) s.head = seen.head.bytes;
	return seen;
}
