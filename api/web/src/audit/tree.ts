// The Merkle tree of RFC 6962, as far as a browser checks it: roots from proofs, and consistency proofs from hash tiles (c2sp.org/tlog-tiles).
import { concat, equal } from '../sign/bytes';
import type { Bytes } from '../sign/cbor';

const tileHeight = 8;
const tileWidth = 1 << tileHeight;
const hashSize = 32;

async function sha256(b: Bytes): Promise<Bytes> {
	return new Uint8Array(await crypto.subtle.digest('SHA-256', b));
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Promise<Bytes> {
	return sha256(concat(Uint8Array.of(1), left, right));
}

export function leafHash(leaf: Uint8Array): Promise<Bytes> {
	return sha256(concat(Uint8Array.of(0), leaf));
}

/** The largest power of two below n, for n > 1. */
export function split(n: number): number {
	let k = 1;
	while (k * 2 < n) k *= 2;
	return k;
}

/** Name of a tile below /tile/, in a log of `size` entries: '0/x001/067' or, not full yet, '0/000.p/5'. */
export function tilePath(level: number, index: number, size: number): string {
	const width = Math.min(tileWidth, Math.floor(size / tileWidth ** level) - index * tileWidth);
	if (width <= 0) throw new RangeError(`a log of ${size} entries has no tile ${index} of level ${level}`);
	let name = String(index % 1000).padStart(3, '0');
	for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) name = `x${String(rest % 1000).padStart(3, '0')}/${name}`;
	return `${level}/${name}${width < tileWidth ? `.p/${width}` : ''}`;
}

/** Reads hashes of a log of `size` entries from its tiles; each tile is asked for once. */
export class TileReader {
	#tiles = new Map<string, Promise<Uint8Array>>();

	constructor(
		readonly size: number,
		readonly fetchTile: (path: string) => Promise<Uint8Array>,
	) {}

	#tile(level: number, index: number): Promise<Uint8Array> {
		const path = tilePath(level, index, this.size);
		let tile = this.#tiles.get(path);
		if (!tile) {
			tile = this.fetchTile(path);
			this.#tiles.set(path, tile);
		}
		return tile;
	}

	/** Hash over the entries lo <= i < hi, as the tree of the log has it. */
	async range(lo: number, hi: number): Promise<Bytes> {
		const n = hi - lo;
		if (n < 1 || hi > this.size) throw new RangeError(`no entries ${lo} to ${hi} in a log of ${this.size}`);
		const height = Math.log2(n);
		if (Number.isInteger(height) && lo % n === 0) return this.#perfect(lo / n, height);
		const k = split(n);
		return nodeHash(await this.range(lo, lo + k), await this.range(lo + k, hi));
	}

	/** Hash of the full subtree number `index` of a height: from the tile that holds its lowest hashes. */
	async #perfect(index: number, height: number): Promise<Bytes> {
		const level = Math.floor(height / tileHeight);
		const above = height - level * tileHeight;
		const first = index * 2 ** above; // of the hashes at the tile's level
		const tile = await this.#tile(level, Math.floor(first / tileWidth));
		const at = (first % tileWidth) * hashSize;
		let row: Bytes[] = [];
		for (let i = 0; i < 2 ** above; i++) {
			const h = tile.slice(at + i * hashSize, at + (i + 1) * hashSize);
			if (h.length !== hashSize) throw new RangeError('a tile is shorter than its name says');
			row.push(h as Bytes);
		}
		while (row.length > 1) {
			const next: Bytes[] = [];
			for (let i = 0; i < row.length; i += 2) next.push(await nodeHash(row[i]!, row[i + 1]!));
			row = next;
		}
		return row[0]!;
	}
}

/** The consistency proof of RFC 6962 section 2.1.2 between the first `old` entries and all of the reader's log, 0 < old <= size. */
export async function consistencyProof(r: TileReader, old: number): Promise<Bytes[]> {
	const proof: Bytes[] = [];
	const part = async (m: number, lo: number, hi: number, known: boolean): Promise<void> => {
		if (m === hi - lo) {
			if (!known) proof.push(await r.range(lo, hi));
			return;
		}
		const k = split(hi - lo);
		if (m <= k) {
			await part(m, lo, lo + k, known);
			proof.push(await r.range(lo + k, hi));
		} else {
			await part(m - k, lo + k, hi, false);
			proof.push(await r.range(lo, lo + k));
		}
	};
	await part(old, 0, r.size, true);
	return proof;
}

/** Tells whether the proof leads from the old root to the new one: then the log has only grown. */
export async function consistent(old: number, oldRoot: Bytes, size: number, root: Bytes, proof: Bytes[]): Promise<boolean> {
	let used = 0;
	const next = (): Bytes => {
		const h = proof[used++];
		if (!h) throw new RangeError('the proof is too short');
		return h;
	};
	const part = async (m: number, n: number, known: boolean): Promise<[Bytes, Bytes]> => {
		if (m === n) {
			const h = known ? oldRoot : next();
			return [h, h];
		}
		const k = split(n);
		if (m <= k) {
			const [before, left] = await part(m, k, known);
			return [before, await nodeHash(left, next())];
		}
		const [before, right] = await part(m - k, n - k, false);
		const left = next();
		return [await nodeHash(left, before), await nodeHash(left, right)];
	};
	if (old < 1 || old > size) return false;
	const [before, after] = await part(old, size, true);
	return used === proof.length && equal(before, oldRoot) && equal(after, root);
}

/** Root of a log of `size` entries that an audit path leads to, from the leaf's hash (RFC 9162 section 2.1.3.2). */
export async function rootFromPath(index: number, size: number, leaf: Bytes, path: Uint8Array[]): Promise<Bytes> {
	let used = 0;
	const part = async (at: number, n: number): Promise<Bytes> => {
		if (n === 1) return leaf;
		const k = split(n);
		const below = at < k ? await part(at, k) : await part(at - k, n - k);
		const beside = path[used++];
		if (!beside) throw new RangeError('the path is too short');
		return at < k ? nodeHash(below, beside) : nodeHash(beside, below);
	};
	const root = await part(index, size);
	if (used !== path.length) throw new RangeError('the path is too long');
	return root;
}
