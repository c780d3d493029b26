import { describe, expect, it } from 'vitest';
import { cosigners, leafTile, parseProof, rootOf } from './tlogproof';

const hash = btoa('x'.repeat(32));
const proof = ['c2sp.org/tlog-proof@v1', 'index 5', hash, hash, '', 'demo.example/ledger', '7', hash, '', '— demo.example/ledger AAAA', '— node-1 BBBB', '— node-2 CCCC', ''].join('\n');

describe('parseProof', () => {
	it('reads place, path, checkpoint and who signed it', () => {
		const p = parseProof(proof);
		expect([p.index, p.hashes.length, p.origin, p.size, p.root]).toEqual([5, 2, 'demo.example/ledger', 7, hash]);
		expect(cosigners(p)).toEqual(['node-1', 'node-2']);
	});
	it('reads one with extra data', () => expect(parseProof(proof.replace('index 5', 'extra AAAA\nindex 5')).index).toBe(5));
	it('reads the first entry, whose path is empty', () => {
		const p = parseProof(['c2sp.org/tlog-proof@v1', 'index 0', '', 'o', '1', hash, '', '— o AAAA', ''].join('\n'));
		expect([p.hashes.length, cosigners(p)]).toEqual([0, []]);
	});
	it.each([
		['something else', 'hello'],
		['no index', proof.replace('index 5\n', '')],
		['a leading zero', proof.replace('index 5', 'index 05')],
		['outside the tree', proof.replace('index 5', 'index 7')],
		['a short hash', proof.replace(hash, 'AAAA')],
		['no base64', proof.replace(hash, '!!!!')],
		['no checkpoint', proof.slice(0, proof.indexOf('\n\n'))],
		['a cut checkpoint', proof.replace('\n7\n', '\n')],
	])('refuses %s', (_, text) => expect(() => parseProof(text)).toThrow());
});

// Entry 20 of a ledger that our nodes kept, and its hash as their tile says it.
const taken = [
	'c2sp.org/tlog-proof@v1',
	'index 20',
	'PzNjGoat8KbumkO6RaRQ/CJ08skZp6syLYtCrPx4BSM=',
	'qdafDO17e/zCEBi8xQetSH6PzPQk/ePnnLYEnd+dyxY=',
	'EZP/u+pImES3tpncTtF8LOzOKcqXV+jP1ocXje8NaYU=',
	'LkH2age5YPtjIaQRUsKL10gR9xqBIVD//e/+ez7wJVA=',
	'/UVSrQsN8vX/W1pcExnHumnzC5LNBaBc8T8Nud3sybw=',
	'zaZBKSlLAi6lOGfTTJ8OphSZSSuK0GpaOY4ayq5jUDQ=',
	'3MvXQjHpp/aOk9gMVRs+Or2Bstewz+tE9sEisp4suds=',
	'ZoisjTlzSsQP0ungbFMxiFEdALsbV/N0j6H4NWCghjo=',
	'XSWSQZYlKH5bWJELo20cMV/an38UXH0C0v5ME5Hn1RY=',
	'',
	'isotherm.demo/ledger',
	'467',
	'K27ncDIaBTqRP9PfEJsMbIRXEx+smSvahsMgTRHwx3A=',
	'',
	'— isotherm.demo/ledger AAAA',
	'',
].join('\n');
const leaf = Uint8Array.from(atob('yveHy/wKJQf7XE40ZUdVYcpplSxAOOjgBp/hzGDF6Dw='), (c) => c.charCodeAt(0));

describe('rootOf', () => {
	const p = parseProof(taken);
	it('leads from the entry to the root of the checkpoint', async () => expect(await rootOf(leaf, p)).toBe(p.root));
	it('leads elsewhere from another hash, place or path', async () => {
		expect(await rootOf(leaf.map((b, i) => (i === 7 ? b ^ 1 : b)), p)).not.toBe(p.root);
		expect(await rootOf(leaf, { ...p, index: 21 })).not.toBe(p.root);
		expect(await rootOf(leaf, { ...p, hashes: p.hashes.slice(1) })).not.toBe(p.root);
		expect(await rootOf(leaf, { ...p, hashes: [...p.hashes, leaf] })).toBeUndefined();
	});
	it('takes the leaf itself as the root of a tree of one', async () => {
		expect(await rootOf(leaf, { ...p, index: 0, size: 1, hashes: [] })).toBe(btoa(String.fromCharCode(...leaf)));
	});
});

describe('leafTile', () => {
	it.each([
		[20, 405, '/tile/0/000', 20],
		[300, 405, '/tile/0/001.p/149', 44],
		[0, 1, '/tile/0/000.p/1', 0],
		[256 * 1234067, 256 * 1234068, '/tile/0/x001/x234/067', 0],
	])('entry %i of %i', (index, size, path, at) => expect(leafTile(index, size)).toEqual({ path, at }));
});
