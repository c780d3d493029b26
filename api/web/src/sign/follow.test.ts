import { expect, test } from 'vitest';
import { hashAct, decodeAct, Kind } from './act';
import { parentOf, queuedClaims, type Known, type Queued } from './follow';
import { headOf, newest } from './head';
import { headAt, makeAct, vectorAct } from './testing';

const L = 'a1'.repeat(32);
const B = 'b2'.repeat(32);
const q = (hash: string, parent: string): Queued => ({ hash, parent });

test.each<[string, Known, Queued[], string | undefined, string | undefined]>([
	['the ledger says', { ledger: { tip: L, atMS: 5, fresh: true } }, [], L, 'ledger'],
	['what was read last', { ledger: { tip: L, atMS: 5, fresh: false } }, [], L, 'cache'],
	['one claim waits here', { ledger: { tip: L, atMS: 5, fresh: false } }, [q('r', L)], 'r', 'queue'],
	['a release and an accept wait here', { ledger: { tip: L, atMS: 5, fresh: true } }, [q('r', L), q('a', 'r')], 'a', 'queue'],
	['they came in another order', { ledger: { tip: L, atMS: 5, fresh: true } }, [q('a', 'r'), q('r', L)], 'a', 'queue'],
	['a claim that the ledger overtook', { ledger: { tip: L, atMS: 5, fresh: true } }, [q('old', 'before')], L, 'ledger'],
	['a queue that was entered meanwhile', { ledger: { tip: 'a', atMS: 5, fresh: true } }, [q('r', L), q('a', 'r')], 'a', 'ledger'],
	['the box knows a newer one', { ledger: { tip: L, atMS: 9, fresh: false, hashes: [L] }, box: { tip: B, atMS: 5 } }, [], B, 'box'],
	['the box is behind', { ledger: { tip: L, atMS: 5, fresh: false, hashes: [B, L] }, box: { tip: B, atMS: 9 } }, [], L, 'cache'],
	['box and ledger agree', { ledger: { tip: L, atMS: 5, fresh: false }, box: { tip: L, atMS: 9 } }, [], L, 'cache'],
	['no history, the box was heard last', { ledger: { tip: L, atMS: 5, fresh: false }, box: { tip: B, atMS: 9 } }, [], B, 'box'],
	['only the box', { box: { tip: B, atMS: 9 } }, [q('r', B)], 'r', 'queue'],
	['a case that was opened here', {}, [q('o', ''), q('p', 'o')], 'p', 'queue'],
	['claims of another phone, the case never read', {}, [q('r', L)], 'r', 'queue'],
	['nothing', {}, [], undefined, undefined],
	['a ring, which no hash can make', { ledger: { tip: L, atMS: 5, fresh: true } }, [q('x', L), q(L, 'x')], L, 'queue'],
])('%s', (_, known, queued, tip, source) => {
	const got = parentOf(known, queued);
	expect(got?.tip).toBe(tip);
	expect(got?.source).toBe(source);
});

test('claims of the case in the outbox are followed; notes, other cases and what was refused are not', async () => {
	const release = vectorAct('release');
	const shipment = decodeAct(release).statement.shipment;
	const item = async (act: Uint8Array<ArrayBuffer>, state: string, standing?: string) => ({
		act, hash: await hashAct(decodeAct(act)), shipment: decodeAct(act).statement.shipment, state, ...(standing ? { receipt: { standing } } : {}),
	});
	const items = [
		await item(release, 'waiting'), await item(vectorAct('preserve'), 'waiting'), await item(vectorAct('accept'), 'refused'),
		await item(vectorAct('receive'), 'done', 'conflicting claim'), await item(vectorAct('pack'), 'done', 'applied'),
		await item(await makeAct({ kind: Kind.Close, shipment: '44'.repeat(16), reason: 0 }), 'waiting'),
	];
	expect(queuedClaims(items, shipment).map((x) => x.hash)).toEqual([items[0]!.hash, items[4]!.hash]);
});

test('the newest head of a box is the longest of one incarnation, else the one seen last', () => {
	const at = (size: number, incarnation: string, atMS: number, box?: string) => ({ head: headOf(headAt(size, box, incarnation.repeat(16)))!, atMS });
	expect(newest([at(5, '01', 9), at(7, '01', 1)])?.head.size).toBe(7);
	expect(newest([at(500, '01', 1), at(3, '02', 2)])?.head.size).toBe(3);
	expect(newest([undefined, at(5, '01', 9), at(700, '01', 1, 'ef'.repeat(16))], 'ab'.repeat(16))?.head.size).toBe(5);
	expect(newest([])).toBeUndefined();
	expect(headOf(new TextEncoder().encode('isotherm/box/xyz\n1\n'))).toBeUndefined();
	expect(headOf(undefined)).toBeUndefined();
});
