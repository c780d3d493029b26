// The checks that this browser makes itself, from bytes that the caller fetched.
import { equal } from '../sign/bytes';
import type { Bytes } from '../sign/cbor';
import { policyKeys, policyOf, type Genesis } from './genesis';
import { cosigned, logSigned, majority, parseCheckpoint, type Checkpoint, type Cosignature } from './note';
import { consistencyProof, consistent, leafHash, rootFromPath, type TileReader } from './tree';
import { parseProof } from '../center/tlogproof';
import { fromBase64 } from '../sign/bytes';

export type HeadVerdict = 'ok' | 'ok.policy' | 'bad.genesis' | 'bad.policy' | 'bad.origin' | 'bad.log' | 'bad.few' | 'bad.root';

export interface HeadCheck {
	verdict: HeadVerdict;
	checkpoint: Checkpoint;
	genesis: Genesis;
	log: boolean;
	cosigners: Cosignature[];
	/** How many cosignatures hold. */
	vouching: number;
	/** undefined: no policy was given. */
	policy: boolean | undefined;
	/** undefined: not computed. */
	root: boolean | undefined;
}

/** Judges a checkpoint under the first entry's keys, and those under a policy file. The first thing that is wrong is the verdict. */
export async function judgeHead(genesis: Genesis, note: string, policy: string | undefined, tiles: (size: number) => TileReader): Promise<HeadCheck> {
	const checkpoint = parseCheckpoint(note);
	const log = await logSigned(checkpoint, genesis.logKey);
	const cosigners = await Promise.all(genesis.cosigners.map((k) => cosigned(checkpoint, k.name, k.key)));
	const vouching = cosigners.filter((c) => c.atMS !== undefined).length;
	const same = policy === undefined ? undefined : await fitsPolicy(genesis, policy);
	const root = checkpoint.size === 0 ? undefined : await tiles(checkpoint.size).range(0, checkpoint.size).then((h) => equal(h, checkpoint.root));
	const verdict = ((): HeadVerdict => {
		if (!genesis.signed) return 'bad.genesis';
		if (same === false) return 'bad.policy';
		if (checkpoint.origin !== genesis.origin) return 'bad.origin';
		if (!log) return 'bad.log';
		if (root === false) return 'bad.root';
		if (vouching < majority(cosigners.length)) return 'bad.few';
		return same ? 'ok.policy' : 'ok';
	})();
	return { verdict, checkpoint, genesis, log, cosigners, vouching, policy: same, root };
}

async function fitsPolicy(genesis: Genesis, policy: string): Promise<boolean> {
	const given = policyKeys(policy);
	const stated = policyKeys(await policyOf(genesis));
	return given !== undefined && stated !== undefined && given.log === stated.log && given.operator === stated.operator;
}

export type KeptVerdict = 'ok' | 'same' | 'wrong' | 'newer' | 'origin' | 'unsigned';

export interface KeptCheck {
	verdict: KeptVerdict;
	kept: Checkpoint;
	/** Newest cosignature of it, Unix milliseconds. */
	atMS: number | undefined;
}

/** Compares a checkpoint that somebody kept with a newer one: does the log only grow? Throws NoCheckpoint when the text is none. */
export async function judgeKept(genesis: Genesis, now: Checkpoint, text: string, tiles: (size: number) => TileReader): Promise<KeptCheck> {
	const kept = parseCheckpoint(text);
	const times = await Promise.all(genesis.cosigners.map((k) => cosigned(kept, k.name, k.key)));
	const seen = times.flatMap((c) => (c.atMS === undefined ? [] : [c.atMS]));
	const out = (verdict: KeptVerdict): KeptCheck => ({ verdict, kept, atMS: seen.length > 0 ? Math.max(...seen) : undefined });
	if (kept.origin !== genesis.origin) return out('origin');
	if (!(await logSigned(kept, genesis.logKey))) return out('unsigned');
	if (kept.size > now.size) return out('newer');
	if (kept.size === now.size) return out(equal(kept.root, now.root) ? 'same' : 'wrong');
	if (kept.size === 0) return out('ok');
	const reader = tiles(now.size);
	const proof = await consistencyProof(reader, kept.size);
	return out((await consistent(kept.size, kept.root, now.size, now.root, proof)) ? 'ok' : 'wrong');
}

export type ProofVerdict = 'ok' | 'bad.root' | 'bad.index' | 'bad.log' | 'bad.few';

export interface ProofCheck {
	verdict: ProofVerdict;
	size: number;
	/** Bytes of the entry. */
	entry: number;
	leaf: Bytes;
	path: number;
	vouching: number;
	of: number;
	text: string;
}

/** Checks that an entry's bytes are in the log: from their hash by the path to the root that a majority vouches for. */
export async function judgeEntry(genesis: Genesis, index: number, entry: Uint8Array, proofText: string): Promise<ProofCheck> {
	const proof = parseProof(proofText);
	const leaf = await leafHash(entry);
	const checkpoint = parseCheckpoint(proof.checkpoint);
	const cosigners = await Promise.all(genesis.cosigners.map((k) => cosigned(checkpoint, k.name, k.key)));
	const vouching = cosigners.filter((c) => c.atMS !== undefined).length;
	const leads = await rootFromPath(proof.index, proof.size, leaf, proof.hashes).then((h) => equal(h, fromBase64(proof.root)), () => false);
	const verdict = await (async (): Promise<ProofVerdict> => {
		if (proof.index !== index) return 'bad.index';
		if (!leads) return 'bad.root';
		if (checkpoint.origin !== genesis.origin || !(await logSigned(checkpoint, genesis.logKey))) return 'bad.log';
		return vouching < majority(cosigners.length) ? 'bad.few' : 'ok';
	})();
	return { verdict, size: proof.size, entry: entry.length, leaf, path: proof.hashes.length, vouching, of: cosigners.length, text: proofText };
}

/** One entry of an entry tile (c2sp.org/tlog-tiles): each has its length before it, in two bytes. */
export function entryOf(tile: Uint8Array, at: number): Uint8Array {
	let pos = 0;
	for (let i = 0; pos + 2 <= tile.length; i++) {
		const n = (tile[pos]! << 8) | tile[pos + 1]!;
		if (i === at) return tile.slice(pos + 2, pos + 2 + n);
		pos += 2 + n;
	}
	throw new RangeError('the tile ends before the entry');
}
