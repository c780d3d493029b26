// What signing without a network needs of a case and its box: the tip, the newest head seen, and what hangs on them. It is kept whenever
// a page reads it, and asked of the ledger when one answers.
import { api, type S } from '../lib/api';
import * as cache from '../offline/cache';
import type { BoxState } from '../offline/envelope';
import { fromBase64, toBase64 } from './bytes';
import type { Known } from './follow';
import { headOf, newest, type Seen } from './head';

interface CaseCopy {
	tip: string;
	boxHead: string; // base64, may be empty
	hashes?: string[];
}

interface BoxCopy {
	head: string; // base64
	tips: Record<string, string>;
}

const tipKey = (shipment: string) => `sign:case:${shipment}`;
const boxKey = (box: string) => `sign:box:${box}`;
const patienceMS = 4000;

/** Keeps what a case's page just read. Pages that show a case call it, so that it can be signed for offline. */
export async function rememberCase(x: S['Shipment']): Promise<boolean> {
	return cache.put(tipKey(x.summary.id), { tip: x.tip, boxHead: x.box_head ?? '', hashes: x.history.map((a) => a.hash) } satisfies CaseCopy);
}

async function rememberTip(shipment: string, x: S['Tip']): Promise<void> {
	const before = await cache.get<CaseCopy>(tipKey(shipment));
	const hashes = before?.value.hashes;
	await cache.put(tipKey(shipment), {
		tip: x.tip, boxHead: x.box_head ?? '', ...(hashes ? { hashes: hashes.includes(x.tip) ? hashes : [...hashes, x.tip] } : {}),
	} satisfies CaseCopy);
}

/** Keeps what a box said of itself: its code, or its page. Returns the box, or '' when the head in it is none. */
export async function rememberBox(x: BoxState): Promise<string> {
	const head = headOf(x.head);
	if (!head) return '';
	const before = await cache.get<BoxCopy>(boxKey(head.box));
	const kept = before && headOf(fromBase64(before.value.head));
	const newer = !kept || kept.incarnation !== head.incarnation || head.size >= kept.size;
	if (newer) {
		const tips = Object.fromEntries(x.shipments.filter((s) => s.tip).map((s) => [s.shipment, s.tip!]));
		await cache.put(boxKey(head.box), { head: toBase64(x.head), tips } satisfies BoxCopy);
	}
	return head.box;
}

export interface CaseNow extends Known {
	seen: Seen[];
	box: { tip: string; atMS: number } | undefined;
}

async function askTip(shipment: string): Promise<{ tip: S['Tip']; fresh: boolean } | undefined> {
	for (const fresh of [true, false]) {
		try {
			const tip = await api.get<S['Tip']>(`/v1/shipments/${shipment}/tip`, { fresh, repeat: false, signal: AbortSignal.timeout(patienceMS) });
			return { tip, fresh };
		} catch {
			/* no majority, or nobody: the next best will do */
		}
	}
	return undefined;
}

/** Gathers what is known of a case: from the ledger when it answers, else as it was read last, and what the box said. */
export async function caseNow(shipment: string, box?: string): Promise<CaseNow> {
	const asked = typeof navigator !== 'undefined' && navigator.onLine === false ? undefined : await askTip(shipment);
	if (asked?.fresh) await rememberTip(shipment, asked.tip);
	const kept = await cache.get<CaseCopy>(tipKey(shipment));
	const seen: Seen[] = [];
	const add = (b64: string | undefined, atMS: number) => {
		const head = b64 ? headOf(fromBase64(b64)) : undefined;
		if (head) seen.push({ head, atMS });
	};
	add(asked?.tip.box_head, Date.now());
	add(kept?.value.boxHead, kept?.atMS ?? 0);
	const boxID = box ?? newest(seen)?.head.box;
	const said = boxID ? await cache.get<BoxCopy>(boxKey(boxID)) : undefined;
	add(said?.value.head, said?.atMS ?? 0);
	const tip = said?.value.tips[shipment];
	const value = asked?.fresh || !kept ? asked?.tip.tip : kept.value.tip;
	return {
		ledger: value ? { tip: value, atMS: asked?.fresh ? Date.now() : (kept?.atMS ?? Date.now()), fresh: asked?.fresh ?? false, ...(kept?.value.hashes ? { hashes: kept.value.hashes } : {}) } : undefined,
		box: tip ? { tip, atMS: said!.atMS } : undefined,
		seen,
	};
}

/** Tells whether a case can be signed for without a network, and how old its copy is. */
export async function caseKept(shipment: string): Promise<{ tip: boolean; head: boolean; atMS: number }> {
	const kept = await cache.get<CaseCopy>(tipKey(shipment));
	return { tip: !!kept?.value.tip, head: !!kept?.value.boxHead, atMS: kept?.atMS ?? 0 };
}

/** The newest signed head of a box that the ledger has from before a moment: where readings begin when an act is stated late, or the newest. */
export async function boxHeadAt(box: string, atMS: number): Promise<S['BoxHead']> {
	return api.get<S['BoxHead']>(`/v1/boxes/${box}/head`, { query: { at_ms: Math.round(atMS) } });
}

/** The newest head of a box that this device knows of: for the box that an organ is packed into. */
export async function newestHead(box: string): Promise<Seen | undefined> {
	const said = await cache.get<BoxCopy>(boxKey(box));
	const kept = said ? headOf(fromBase64(said.value.head)) : undefined;
	let asked: Seen | undefined;
	try {
		const x = await boxHeadAt(box, Date.now() + 60_000);
		const head = headOf(fromBase64(x.head));
		asked = head && { head, atMS: Date.now() };
	} catch {
		/* without the ledger the box's own word counts */
	}
	return newest([kept && { head: kept, atMS: said!.atMS }, asked], box);
}
