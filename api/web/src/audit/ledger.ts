// Fetches what the checks need. The first entry never changes: it is asked for once while the page lives.
import { api } from '../lib/api';
import { entryOf, judgeEntry, judgeHead, type HeadCheck, type ProofCheck } from './check';
import { readGenesis, type Genesis } from './genesis';
import { TileReader, tilePath } from './tree';

let first: Promise<Genesis> | undefined;

export function genesis(): Promise<Genesis> {
	first ??= api.bytes('/v1/genesis').then(readGenesis);
	first.catch(() => (first = undefined));
	return first;
}

export function tiles(size: number): TileReader {
	return new TileReader(size, (path) => api.bytes(`/tile/${path}`));
}

export async function checkHead(policy: string | undefined): Promise<HeadCheck> {
	const [g, note] = await Promise.all([genesis(), api.text('/checkpoint')]);
	return judgeHead(g, note, policy, tiles);
}

/** Fetches an entry and its proof, and checks both. Entries are for auditors. */
export async function checkEntry(index: number): Promise<ProofCheck> {
	const [g, proof] = await Promise.all([genesis(), api.text(`/v1/entries/${index}/proof`)]);
	const size = Number(/\n\n[^\n]+\n(\d+)\n/.exec(proof)?.[1] ?? index + 1);
	const path = tilePath(0, Math.floor(index / 256), Math.max(size, index + 1)).replace(/^0\//, 'entries/');
	const tile = await api.bytes(`/tile/${path}`);
	return judgeEntry(g, index, entryOf(tile, index % 256), proof);
}

const policySlot = 'isotherm.audit.policy';

export interface KeptPolicy {
	name: string;
	text: string;
}

/** The policy file that this person compares with. It is no secret; it stays in this browser. */
export function keptPolicy(): KeptPolicy | undefined {
	try {
		const kept = JSON.parse(localStorage.getItem(policySlot) ?? 'null') as KeptPolicy | null;
		return typeof kept?.text === 'string' ? kept : undefined;
	} catch {
		return undefined;
	}
}

export function keepPolicy(p: KeptPolicy | undefined): void {
	try {
		if (p === undefined) localStorage.removeItem(policySlot);
		else localStorage.setItem(policySlot, JSON.stringify(p));
	} catch {
		/* private mode: it lasts while the page does */
	}
}

/** Saves bytes or text as a file of this device. */
export function save(name: string, content: BlobPart, type = 'text/plain'): void {
	const url = URL.createObjectURL(new Blob([content], { type }));
	const a = document.createElement('a');
	a.href = url;
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
