import { describe, expect, it } from 'vitest';
import type { S } from '../lib/api';
import { atHand, mine, relation, whyOf, type Me } from './parties';
import { withRecent } from './recent';

const me: Me = { person: 'a'.repeat(32), organisation: 'AIR', role: 'courier' };
const other = 'b'.repeat(32);
const x = (y: Partial<S['Summary']>): S['Summary'] => ({
	id: '1', phase: 'packed', organ: 'heart', from: 'RIVER', dest: 'HILL', opened_ms: 1, open_excursions: 0, excursions: 0, flags: [], simulated: false, cold_end: 'running', cold_status: 'no limit', findings: [], ...y,
});

describe('relation', () => {
	it('tells me, my desk, a colleague and others', () => {
		expect(relation({ person: me.person, organisation: 'AIR' }, me)).toBe('me');
		expect(relation({ organisation: 'AIR', desk: 'Cargo' }, me)).toBe('desk');
		expect(relation({ organisation: 'AIR', person: '0'.repeat(32) }, me)).toBe('desk');
		expect(relation({ organisation: 'AIR', person: other }, me)).toBe('colleague');
		expect(relation({ organisation: 'HILL', person: other }, me)).toBe('other');
		expect(relation(undefined, me)).toBe('nobody');
	});
});

describe('whyOf', () => {
	const mineNow = { person: me.person, organisation: 'AIR' };
	it.each([
		['offered to me', { custodian: { organisation: 'RIVER' }, pending: mineNow }, 'offered'],
		['offered to my organisation', { custodian: { organisation: 'RIVER' }, pending: { organisation: 'AIR' } }, 'offered'],
		['offered to a colleague', { custodian: { organisation: 'RIVER' }, pending: { organisation: 'AIR', person: other } }, 'colleague'],
		['I hold it', { custodian: mineNow }, 'held'],
		['I hand it over', { custodian: mineNow, pending: { organisation: 'HILL' } }, 'handing-over'],
		['I hand it to my own desk', { custodian: mineNow, pending: { organisation: 'AIR', desk: 'Cargo' } }, 'handing-over'],
		['a colleague holds it', { custodian: { organisation: 'AIR', person: other } }, 'colleague'],
		['it comes to us', { dest: 'AIR', custodian: { organisation: 'RIVER' } }, 'coming'],
		['nobody packed it yet', { phase: 'open' }, 'coming'],
		['I had it', { custodian: { organisation: 'HILL' } }, 'over'],
		['received', { phase: 'received', custodian: mineNow }, 'over'],
	] as [string, Partial<S['Summary']>, string][])('%s', (_, y, want) => {
		expect(whyOf(x(y), me)).toBe(want);
	});
});

describe('mine', () => {
	it('puts offers first, trouble before calm, and leaves out empty groups', () => {
		const held = { person: me.person, organisation: 'AIR' };
		const got = mine([x({ id: 'calm', custodian: held, opened_ms: 9 }), x({ id: 'bad', custodian: held, open_excursions: 1 }), x({ id: 'offer', pending: held, custodian: { organisation: 'RIVER' } }), x({ id: 'gone', custodian: { organisation: 'HILL' } })], me);
		expect(got.map((g) => [g.why, g.shipments.map((s) => s.id)])).toEqual([['offered', ['offer']], ['held', ['bad', 'calm']], ['over', ['gone']]]);
		expect(atHand(got).map((s) => s.id)).toEqual(['offer', 'bad', 'calm']);
	});
});

describe('withRecent', () => {
	it('keeps each once, the last first, six at most', () => {
		const p = (n: number) => ({ organisation: `O${n}` });
		let list = [p(1)];
		for (const n of [2, 3, 4, 5, 6, 7, 3]) list = withRecent(list, p(n));
		expect(list.map((x) => x.organisation)).toEqual(['O3', 'O7', 'O6', 'O5', 'O4', 'O2']);
	});
});
