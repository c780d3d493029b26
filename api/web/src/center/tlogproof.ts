// Reads a C2SP tlog-proof (c2sp.org/tlog-proof), and computes the root from an entry's hash along its path (RFC 6962). Pure.

export interface TlogProof {
	index: number;
	hashes: Uint8Array[];
	origin: string;
	size: number;
	/** Root of the checkpoint, base64 as written. */
	root: string;
	/** Names of the keys whose signature lines the checkpoint carries; the first is the log's. */
	signers: string[];
	/** The whole checkpoint, as signed. */
	checkpoint: string;
}

const header = 'c2sp.org/tlog-proof@v1';

function bytesOf(base64: string, what: string): Uint8Array {
	let raw: string;
	try {
		raw = atob(base64);
	} catch {
		throw new Error(`${what} is not base64`);
	}
	return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

function wholeNumber(text: string | undefined, what: string): number {
	if (!text || !/^(0|[1-9][0-9]{0,15})$/.test(text)) throw new Error(`${what} is not a number`);
	return Number(text);
}

export function parseProof(text: string): TlogProof {
	const lines = text.split('\n');
	if (lines[0] !== header) throw new Error('not a tlog-proof');
	let at = 1;
	if (lines[at]?.startsWith('extra ')) at++;
	const index = wholeNumber(/^index (.*)$/.exec(lines[at++] ?? '')?.[1], 'index');
	const hashes: Uint8Array[] = [];
	for (; lines[at] !== ''; at++) {
		if (lines[at] === undefined || hashes.length > 63) throw new Error('the proof has no checkpoint');
		const h = bytesOf(lines[at]!, 'a hash');
		if (h.length !== 32) throw new Error('a hash has not 32 bytes');
		hashes.push(h);
	}
	const note = lines.slice(at + 1);
	const end = note.indexOf('');
	if (end < 3) throw new Error('the checkpoint is cut');
	const size = wholeNumber(note[1], 'size');
	if (index >= size) throw new Error('the entry lies outside the checkpoint');
	const signers = note
		.slice(end + 1)
		.filter((l) => l.startsWith('— '))
		.map((l) => l.split(' ')[1] ?? '');
	return { index, hashes, origin: note[0]!, size, root: note[2]!, signers, checkpoint: note.join('\n') };
}

/** The name of a cosigner without the ledger's origin before it. */
export function cosigners(p: TlogProof): string[] {
	return [...new Set(p.signers.filter((s) => s !== p.origin))];
}

async function parent(left: Uint8Array, right: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
	const b = new Uint8Array(65);
	b[0] = 1;
	b.set(left, 1);
	b.set(right, 33);
	return new Uint8Array(await crypto.subtle.digest('SHA-256', b));
}

/** The root to which a leaf's hash leads along the path (RFC 9162, 2.1.3.2); undefined when the path has the wrong length. */
export async function rootOf(leaf: Uint8Array, p: TlogProof): Promise<string | undefined> {
	let [fn, sn] = [BigInt(p.index), BigInt(p.size - 1)];
	let r = leaf;
	for (const h of p.hashes) {
		if (sn === 0n) return undefined;
		if (fn % 2n === 1n || fn === sn) {
			r = await parent(h, r);
			while (fn % 2n === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
		} else {
			r = await parent(r, h);
		}
		[fn, sn] = [fn >> 1n, sn >> 1n];
	}
	return sn === 0n ? btoa(String.fromCharCode(...r)) : undefined;
}

/** Path of the hash tile (c2sp.org/tlog-tiles) that holds an entry's hash in a tree of that size, and its place in the tile. */
export function leafTile(index: number, size: number): { path: string; at: number } {
	const n = Math.floor(index / 256);
	const width = Math.min(size - n * 256, 256);
	const groups = [String(n % 1000).padStart(3, '0')];
	for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000)) groups.unshift('x' + String(rest % 1000).padStart(3, '0'));
	return { path: `/tile/0/${groups.join('/')}${width < 256 ? `.p/${width}` : ''}`, at: index % 256 };
}
