import { describe, expect, it } from 'vitest';
import type { S } from '../lib/api';
import { csv } from './csv';
import { count, midnight, readShipment, requestOf, underWay, verdictLevel, verifyCommand, wrongIn, type Choice } from './exports';
import { filterOf, isEmpty, kinds, matches, mayBeBefore, noFilter, pageBefore, trailCSV } from './trail';

const id = '660b59aad61e84b80123456789abcdef';
const choice: Choice = { which: 'all', shipments: [], from: '', to: '', form: 'bundle', paper: 'a4', reason: ' audit of the trip ' };

describe('exports', () => {
	it('asks for one way to say which cases, and for paper only where there is any', () => {
		expect(requestOf(choice)).toEqual({ form: 'bundle', reason: 'audit of the trip', all: true });
		expect(requestOf({ ...choice, which: 'cases', shipments: [id], form: 'sheet', paper: 'letter' })).toEqual({ form: 'sheet', reason: 'audit of the trip', shipments: [id], paper: 'letter' });
		const period = requestOf({ ...choice, which: 'period', from: '2026-11-22', to: '2026-11-23', shipments: [id] });
		expect(period).toEqual({ form: 'bundle', reason: 'audit of the trip', from_ms: new Date(2026, 10, 22).getTime(), to_ms: new Date(2026, 10, 24).getTime() });
	});

	it('says what is missing', () => {
		expect(wrongIn(choice)).toBeUndefined();
		expect(wrongIn({ ...choice, reason: ' x ' })).toBe('reason');
		expect(wrongIn({ ...choice, which: 'cases' })).toBe('cases');
		expect(wrongIn({ ...choice, which: 'period', from: '2026-11-22' })).toBe('period');
		expect(wrongIn({ ...choice, which: 'period', from: '2026-11-24', to: '2026-11-23' })).toBe('period-order');
		expect(wrongIn({ ...choice, which: 'period', from: '2026-11-23', to: '2026-11-23' })).toBeUndefined();
	});

	it('reads days, and no day that is none', () => {
		expect(midnight('2026-03-29', 1) - midnight('2026-03-29')).toBeGreaterThanOrEqual(23 * 3600_000);
		for (const d of ['', '2026-02-30', '2026-13-01', 'x', '26-1-1']) expect(midnight(d), d).toBeNaN();
	});

	it('finds a shipment in what somebody pasted', () => {
		for (const text of [id, id.toUpperCase(), '660b 59aa d61e 84b8 0123 4567 89ab cdef', `https://ledger.example/case/${id}`, `https://ledger.example/case/${id}?x=1`]) expect(readShipment(text), text).toBe(id);
		for (const text of ['', id.slice(1), `${id}0`, 'case']) expect(readShipment(text), text).toBe('');
	});

	it('counts verdicts', () => {
		const of = (result: string, shipment = id): S['ExportVerdict'] => ({ shipment, result, sentence: '' });
		expect(count([of('verified'), of('verified'), of('consistent, origin unproven'), of('broken', 'x')])).toEqual({ cases: 4, verified: 2, unproven: 1, broken: ['x'] });
		expect(verdictLevel('anything new')).toBe('high');
		expect([underWay({ state: 'waiting' }), underWay({ state: 'working' }), underWay({ state: 'ready' }), underWay({ state: 'failed' })]).toEqual([true, true, false, false]);
	});

	it('writes the command so that a shell takes it as one name', () => {
		expect(verifyCommand('case.isotherm.tar')).toBe('isotherm verify --policy ledger.policy case.isotherm.tar');
		expect(verifyCommand("it's; rm")).toBe(`isotherm verify --policy ledger.policy 'it'\\''s; rm'`);
	});
});

function item(x: Partial<S['TrailItem']> = {}): S['TrailItem'] {
	return { index: 7, kind: 'export', time_ms: new Date(2026, 10, 23, 10).getTime(), node: 'n1', subjects: [{ kind: 'case', id }], by: 'ab'.repeat(16), what: 'Audit of November', ...x };
}

describe('trail', () => {
	const nameOf = (who: string) => (who === 'ab'.repeat(16) ? 'A. Auditor' : '');
	const match = (f: Partial<typeof noFilter>, x: Partial<S['TrailItem']> = {}) => matches(item(x), { ...noFilter, ...f }, nameOf);

	it('filters by each field', () => {
		expect(match({})).toBe(true);
		expect([match({ kind: 'export' }), match({ kind: 'alarm' })]).toEqual([true, false]);
		expect([match({ subject: '660B 59AA' }), match({ subject: 'ffff' })]).toEqual([true, false]);
		expect([match({ by: 'audit' }), match({ by: 'abab' }), match({ by: 'zz' }), match({ by: 'audit' }, { by: undefined as unknown as string })]).toEqual([true, true, false, false]);
		expect([match({ from: '2026-11-23', to: '2026-11-23' }), match({ from: '2026-11-24' }), match({ to: '2026-11-22' })]).toEqual([true, false, false]);
		expect([match({ text: ' november' }), match({ text: 'december' })]).toEqual([true, false]);
	});

	it('reads filters from the address', () => {
		expect(filterOf(new URLSearchParams('kind=export&by=x&sort=y'))).toEqual({ ...noFilter, kind: 'export', by: 'x' });
		expect([isEmpty(noFilter), isEmpty({ ...noFilter, to: 'x' })]).toEqual([true, false]);
		expect([...kinds]).toEqual([...kinds].sort((a, b) => a.toLowerCase().localeCompare(b.toLowerCase())));
	});

	it('pages from the end to the first entry', () => {
		expect([pageBefore(1200), pageBefore(700), pageBefore(200), pageBefore(0)]).toEqual([{ cursor: 700, limit: 500 }, { cursor: 200, limit: 500 }, { cursor: 0, limit: 200 }, undefined]);
	});

	it('looks no further back than the time asked for, with a day for clocks', () => {
		const f = { ...noFilter, from: '2026-11-23' };
		expect(mayBeBefore([item()], f)).toBe(true);
		expect(mayBeBefore([item({ time_ms: new Date(2026, 10, 20).getTime() })], f)).toBe(false);
		expect(mayBeBefore([item({ time_ms: 0 })], noFilter)).toBe(true);
	});

	it('writes a table that no spreadsheet takes for formulas', () => {
		expect(trailCSV([item({ what: '=1+1, "x"' })], nameOf)).toBe(
			`entry,time_utc,kind,what,by,by_name,subjects,node\r\n7,${new Date(2026, 10, 23, 10).toISOString()},export,"'=1+1, ""x""",${'ab'.repeat(16)},A. Auditor,case ${id},n1\r\n`,
		);
		expect(csv([['-5', '-x', '@a', 'plain']])).toBe("-5,'-x,'@a,plain\r\n");
	});
});
