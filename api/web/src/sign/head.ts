// Signed heads of a box's journal: C2SP checkpoints. Only what they name is read here; whether they are good is for the ledger to say.
import type { Bytes } from './cbor';

export interface Head {
	box: string;
	incarnation: string;
	/** How many records the journal has up to here. */
	size: number;
	bytes: Bytes;
}

/** Reads a head; undefined when the bytes are none. */
export function headOf(bytes: Uint8Array | undefined): Head | undefined {
	if (!bytes || bytes.length === 0) return undefined;
	const [origin = '', size = ''] = new TextDecoder().decode(bytes).split('\n', 2);
	const found = /^isotherm\/box\/([0-9a-f]{32})\/([0-9a-f]{32})$/.exec(origin);
	if (!found || !/^(?:0|[1-9]\d{0,14})$/.test(size)) return undefined;
	return { box: found[1]!, incarnation: found[2]!, size: Number(size), bytes: new Uint8Array(bytes) };
}

export interface Seen {
	head: Head;
	atMS: number;
}

/** The newest of the heads that were seen of a box: the longest of one incarnation, else the one seen last. */
export function newest(seen: Iterable<Seen | undefined>, box?: string): Seen | undefined {
	let best: Seen | undefined;
	for (const x of seen) {
		if (!x || (box && x.head.box !== box)) continue;
		if (!best) best = x;
		else if (x.head.incarnation === best.head.incarnation ? x.head.size > best.head.size : x.atMS > best.atMS) best = x;
	}
	return best;
}
