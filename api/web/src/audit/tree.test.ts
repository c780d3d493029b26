import { beforeAll, describe, expect, it } from 'vitest';
import { fromBase64, fromHex, toHex } from '../sign/bytes';
import type { Bytes } from '../sign/cbor';
import { entryOf, judgeEntry, judgeHead, judgeKept } from './check';
import { policyKeys, policyOf, readGenesis, type Genesis } from './genesis';
import { cosigned, logSigned, majority, NoCheckpoint, parseCheckpoint } from './note';
import vectors from './testdata/log.json';
import { consistencyProof, consistent, leafHash, nodeHash, rootFromPath, split, TileReader, tilePath } from './tree';

// testdata/log.json was written by the Go packages merkle and entry: a log of 700 entries 'entry 0' to 'entry 699', signed by 'log',
// cosigned by n1 and n2 of three.
const size = 700;
const levels: Bytes[][] = []; // hashes of full subtrees by height, for tiles

beforeAll(async () => {
	let row = await Promise.all(Array.from({ length: size }, (_, i) => leafHash(new TextEncoder().encode(`entry ${i}`))));
	for (levels.push(row); row.length > 1; levels.push(row)) {
		const next: Bytes[] = [];
		for (let i = 0; i + 1 < row.length; i += 2) next.push(await nodeHash(row[i]!, row[i + 1]!));
		row = next;
	}
});

/** Serves tiles as a node does, of a log of n entries. */
function reader(n: number, asked: string[] = []): TileReader {
	return new TileReader(n, async (path) => {
		asked.push(path);
		const found = /^(\d+)\/(\d{3})(?:\.p\/(\d+))?$/.exec(path)!;
		const width = Number(found[3] ?? 256);
		const from = Number(found[2]) * 256;
		const row = levels[Number(found[1]) * 8]!.slice(from, from + width);
		expect(row.length).toBe(width);
		const out = new Uint8Array(width * 32);
		row.forEach((h, i) => out.set(h, i * 32));
		return out;
	});
}

const rootOf = (n: number) => fromHex((vectors.roots as Record<string, string>)[String(n)]!, 32);

describe('tree', () => {
	it('splits at the largest power of two below', () => {
		expect([2, 3, 4, 5, 8, 9, 700].map(split)).toEqual([1, 2, 2, 4, 4, 8, 512]);
	});

	it('names tiles as c2sp.org/tlog-tiles does', () => {
		expect(tilePath(0, 0, 256)).toBe('0/000');
		expect(tilePath(0, 2, 700)).toBe('0/002.p/188');
		expect(tilePath(1, 0, 700)).toBe('1/000.p/2');
		expect(tilePath(0, 1234067, 400_000_000)).toBe('0/x001/x234/067');
		expect(() => tilePath(1, 0, 255)).toThrow();
	});

	it('computes the roots that Go computes, from tiles', async () => {
		for (const n of Object.keys(vectors.roots).map(Number)) {
			expect(toHex(await reader(n).range(0, n)), String(n)).toBe(toHex(rootOf(n)));
		}
	});

	it('asks for few tiles', async () => {
		const asked: string[] = [];
		await reader(700, asked).range(0, 700);
		expect(asked.sort()).toEqual(['0/002.p/188', '1/000.p/2']);
	});

	it('proves that a log has only grown', async () => {
		const r = reader(size);
		for (const old of [1, 2, 3, 7, 256, 257, 300, 512, 699, 700]) {
			const proof = await consistencyProof(r, old);
			expect(await consistent(old, rootOf(old), size, rootOf(size), proof), String(old)).toBe(true);
		}
	});

	it('finds another old root, another new root, and a proof that was changed', async () => {
		const proof = await consistencyProof(reader(size), 300);
		const other = rootOf(256);
		expect(await consistent(300, other, size, rootOf(size), proof)).toBe(false);
		expect(await consistent(300, rootOf(300), size, other, proof)).toBe(false);
		expect(await consistent(300, rootOf(300), size, rootOf(size), [...proof.slice(1), proof[0]!])).toBe(false);
		expect(await consistent(300, rootOf(300), size, rootOf(size), [...proof, other])).toBe(false);
		await expect(consistent(300, rootOf(300), size, rootOf(size), proof.slice(1))).rejects.toThrow('too short');
		expect(await consistent(701, rootOf(300), size, rootOf(size), proof)).toBe(false);
	});

	it('follows an audit path to the root, for every entry of a small log', async () => {
		for (const n of [1, 2, 3, 7]) {
			const r = reader(n);
			for (let index = 0; index < n; index++) {
				const path: Bytes[] = [];
				for (let lo = 0, hi = n; hi - lo > 1; ) {
					const k = lo + split(hi - lo);
					path.unshift(index < k ? await r.range(k, hi) : await r.range(lo, k));
					if (index < k) hi = k;
					else lo = k;
				}
				expect(toHex(await rootFromPath(index, n, levels[0]![index]!, path))).toBe(toHex(rootOf(n)));
				if (n > 1) {
					const wrong = await rootFromPath((index + 1) % n, n, levels[0]![index]!, path).then(toHex, () => 'too short');
					expect(wrong).not.toBe(toHex(rootOf(n)));
				}
			}
		}
	});
});

describe('checkpoint', () => {
	let genesis: Genesis;
	beforeAll(async () => {
		genesis = await readGenesis(fromHex(vectors.genesis));
	});

	it('reads the first entry, and finds one that was changed', async () => {
		expect(genesis).toMatchObject({ origin: 'isotherm.test/ledger', createdMS: 1_790_000_000_000, signed: true });
		expect(genesis.cosigners.map((c) => c.name)).toEqual(['n1', 'n2', 'n3']);
		const changed = fromHex(vectors.genesis);
		changed[30]! ^= 1;
		expect((await readGenesis(changed)).signed).toBe(false);
	});

	it('writes the policy file that Go writes, and compares one', async () => {
		const text = await policyOf(genesis);
		expect(text).toBe(vectors.policy);
		expect(policyKeys(text)).toEqual(policyKeys(`${text}\n# another comment\r\n`));
		for (const none of ['', 'log a', 'log a\noperator b\nlog c', 'log a b\noperator c', 'key a\noperator b']) expect(policyKeys(none)).toBeUndefined();
	});

	it('checks the signatures of a checkpoint of Go', async () => {
		const c = parseCheckpoint(vectors.checkpoint);
		expect([c.origin, c.size, toHex(c.root)]).toEqual(['isotherm.test/ledger', 700, vectors.roots['700']]);
		expect(await logSigned(c, genesis.logKey)).toBe(true);
		expect(await logSigned(c, genesis.operatorKey)).toBe(false);
		const got = await Promise.all(genesis.cosigners.map((k) => cosigned(c, k.name, k.key)));
		expect(got.map((x) => x.atMS !== undefined)).toEqual([true, true, false]);
		expect(got[0]!.atMS! % 1000).toBe(0);
		expect(got.some((x) => x.wrong)).toBe(false);
	});

	it('finds a checkpoint whose text was changed', async () => {
		const c = parseCheckpoint(vectors.checkpoint.replace('\n700\n', '\n701\n'));
		expect(await logSigned(c, genesis.logKey)).toBe(false);
		expect(await cosigned(c, 'n1', genesis.cosigners[0]!.key)).toEqual({ name: 'n1', atMS: undefined, wrong: true });
	});

	it('refuses what is no checkpoint', () => {
		const text = vectors.checkpoint;
		const bad = ['', 'x', text.replace('\n\n', '\n'), text.replace('700', '0700'), text.replace('700', '-1'), text.replace('ledger\n', 'ledger\nmore\n'), text.replace('— n1', 'n1'),
			text.replace(/xw5zS/, 'xw5z'), `${text}— x\n`, text + ' '.repeat(9000)];
		for (const t of bad) expect(() => parseCheckpoint(t), t.slice(0, 60)).toThrow(NoCheckpoint);
	});

	it('knows majorities', () => {
		expect([1, 2, 3, 4, 5].map(majority)).toEqual([1, 2, 2, 3, 3]);
		expect(fromBase64(vectors.checkpoint.split('\n')[2]!)).toHaveLength(32);
	});
});

describe('judgements', () => {
	let genesis: Genesis;
	beforeAll(async () => {
		genesis = await readGenesis(fromHex(vectors.genesis));
	});
	const verdict = async (g: Genesis, text: string, policy?: string) => (await judgeHead(g, text, policy, reader)).verdict;

	it('finds the first thing that is wrong with a head', async () => {
		const text = vectors.checkpoint;
		expect(await verdict(genesis, text)).toBe('ok');
		expect(await verdict(genesis, text, vectors.policy)).toBe('ok.policy');
		expect(await verdict(genesis, text, vectors.policy.replace('+AQtT', '+AQtU'))).toBe('bad.policy');
		expect(await verdict({ ...genesis, signed: false }, text)).toBe('bad.genesis');
		expect(await verdict({ ...genesis, origin: 'another' }, text)).toBe('bad.origin');
		expect(await verdict({ ...genesis, logKey: genesis.operatorKey }, text)).toBe('bad.log');
		expect(await verdict(genesis, text.slice(0, text.indexOf('— n2')))).toBe('bad.few');
		const lying = (n: number) => new TileReader(n, async (path) => (await reader(n).fetchTile(path)).map((b, i) => (i === 0 ? b ^ 1 : b)));
		expect((await judgeHead(genesis, text, undefined, lying)).verdict).toBe('bad.root');
	});

	it('compares a checkpoint that was kept', async () => {
		const now = parseCheckpoint(vectors.checkpoint);
		const grown = async (size: number, root: Bytes) => ({ ...now, size, root });
		const judge = async (c: typeof now, text = vectors.checkpoint) => (await judgeKept(genesis, c, text, reader)).verdict;
		expect(await judge(now)).toBe('same');
		expect(await judge(await grown(700, rootOf(699)))).toBe('wrong');
		expect(await judge(await grown(699, rootOf(699)))).toBe('newer');
		expect(await judge(now, vectors.checkpoint.replace('isotherm.test/ledger\n', 'another\n'))).toBe('origin');
		expect(await judge(now, vectors.checkpoint.replace('\n700\n', '\n600\n'))).toBe('unsigned');
		const smaller = (n: number) => reader(Math.min(n, 700));
		const longer = await nodeHash(rootOf(512), rootOf(256)); // a log of 768 whose first 700 entries are others
		expect((await judgeKept(genesis, await grown(768, longer), vectors.checkpoint, (n) => new TileReader(n, async (p) => (p === '1/000.p/3' ? new Uint8Array(96).fill(1) : p === '0/002' ? new Uint8Array(8192).fill(1) : smaller(n).fetchTile(p))))).verdict).toBe('wrong');
		expect((await judgeKept(genesis, now, vectors.checkpoint, reader)).atMS).toBeGreaterThan(1_790_000_000_000);
	});

	it('leads from an entry to the root', async () => {
		const path: Bytes[] = [];
		for (let lo = 0, hi = size; hi - lo > 1; ) {
			const k = lo + split(hi - lo);
			path.unshift(300 < k ? await reader(size).range(k, hi) : await reader(size).range(lo, k));
			if (300 < k) hi = k;
			else lo = k;
		}
		const proof = `c2sp.org/tlog-proof@v1\nindex 300\n${path.map((h) => btoa(String.fromCharCode(...h))).join('\n')}\n\n${vectors.checkpoint}`;
		const entry = new TextEncoder().encode('entry 300');
		expect(await judgeEntry(genesis, 300, entry, proof)).toMatchObject({ verdict: 'ok', size: 700, path: path.length, vouching: 2, of: 3 });
		expect((await judgeEntry(genesis, 301, entry, proof)).verdict).toBe('bad.index');
		expect((await judgeEntry(genesis, 300, new TextEncoder().encode('entry 301'), proof)).verdict).toBe('bad.root');
		expect((await judgeEntry({ ...genesis, logKey: genesis.operatorKey }, 300, entry, proof)).verdict).toBe('bad.log');
		expect((await judgeEntry(genesis, 300, entry, proof.slice(0, proof.indexOf('— n2')))).verdict).toBe('bad.few');
	});

	it('cuts entries out of a tile', () => {
		const tile = Uint8Array.of(0, 2, 7, 8, 0, 0, 0, 1, 9);
		expect([0, 1, 2].map((i) => [...entryOf(tile, i)])).toEqual([[7, 8], [], [9]]);
		expect(() => entryOf(tile, 3)).toThrow();
	});
});
