// Which act the next one follows: the newest claim that this device knows of. With the ledger that is its answer; without it what was
// read last, what a box said, and the claims that wait on this device, one's own and those that came from another phone.
import { claims, decodeAct } from './act';
import { headOf, type Seen } from './head';

/** A claim that waits in the outbox, or was taken. */
export interface Queued {
	hash: string;
	parent: string; // empty for one that opens
	/** Heads of the box that it and its signers cite: a phone that takes a release from another has seen them, too. */
	seen?: Seen[];
}

/** What is known of a case's newest claim. */
export interface Known {
	/** From the ledger, and when it said so. */
	ledger?: { tip: string; atMS: number; fresh: boolean; hashes?: readonly string[] } | undefined;
	/** From the box. */
	box?: { tip: string; atMS: number } | undefined;
}

export type Source = 'ledger' | 'cache' | 'box' | 'queue' | 'given';

/** The claims of a case among outbox items, in the order in which they were added. What was refused or does not stand is none. */
export function queuedClaims(items: Iterable<{ act: Uint8Array; hash: string; shipment: string; state: string; receipt?: { standing: string } }>, shipment: string): Queued[] {
	const out: Queued[] = [];
	for (const x of items) {
		if (x.shipment !== shipment || x.state === 'refused' || (x.state === 'done' && x.receipt?.standing !== 'applied')) continue;
		const act = decodeAct(x.act);
		const s = act.statement;
		if (!claims(s.kind)) continue;
		const heads = [s.head, ...act.signatures.map((g) => g.head)].map(headOf).filter((h) => h !== undefined);
		out.push({ hash: x.hash, parent: s.parent ?? '', seen: heads.map((head) => ({ head, atMS: s.eventTimeMS })) });
	}
	return out;
}

function base(known: Known): { tip: string; source: Source } | undefined {
	const { ledger, box } = known;
	if (ledger?.fresh) return { tip: ledger.tip, source: 'ledger' };
	if (!box) return ledger && { tip: ledger.tip, source: 'cache' };
	// The box's claim is behind when the ledger's history holds it. Without the history the one that was heard last counts.
	const behind = ledger && (ledger.hashes ? ledger.hashes.includes(box.tip) : ledger.atMS >= box.atMS);
	return ledger && (behind || ledger.tip === box.tip) ? { tip: ledger.tip, source: 'cache' } : { tip: box.tip, source: 'box' };
}

/** The parent of the next act; undefined when nothing is known of the case. */
export function parentOf(known: Known, queued: readonly Queued[]): { tip: string; source: Source } | undefined {
	let at = base(known);
	if (!at) {
		const opens = queued.find((q) => q.parent === '' || !queued.some((o) => o.hash === q.parent));
		if (!opens) return undefined;
		at = { tip: opens.hash, source: 'queue' };
	}
	for (let steps = queued.length; steps > 0; steps--) {
		const next = queued.findLast((q) => q.parent === at!.tip);
		if (!next) break;
		at = { tip: next.hash, source: 'queue' };
	}
	return at;
}
