import { describe, expect, it } from 'vitest';
import { Wedge } from './wedge';

/** Feeds keys a fixed time apart and collects what comes out. */
function type(keys: string[], apart: number, at = 1000): string[] {
	const w = new Wedge();
	const out: string[] = [];
	keys.forEach((k, i) => {
		const found = w.key(k, at + i * apart);
		if (found !== undefined) out.push(found);
	});
	return out;
}

describe('Wedge', () => {
	it('takes a burst that ends with Enter or Tab', () => {
		expect(type([...'L4-7Q2X', 'Enter'], 8)).toEqual(['L4-7Q2X']);
		expect(type([...'L4-7Q2X', 'Tab'], 8)).toEqual(['L4-7Q2X']);
	});
	it('keeps capitals for which the scanner presses Shift', () => {
		expect(type(['Shift', 'A', 'Shift', 'B', '1', '2', 'Enter'], 5)).toEqual(['AB12']);
	});
	it('leaves people alone', () => {
		expect(type([...'hello', 'Enter'], 120)).toEqual([]);
		expect(type([...'abc', 'Enter'], 5)).toEqual([]);
	});
	it('forgets what people typed before a scan', () => {
		const w = new Wedge();
		w.key('x', 0);
		for (const [i, k] of [...'G1234'].entries()) w.key(k, 500 + i * 5);
		expect(w.key('Enter', 530)).toBe('G1234');
	});
	it('takes no code when Enter comes late', () => {
		const w = new Wedge();
		for (const [i, k] of [...'G1234'].entries()) w.key(k, i * 5);
		expect(w.key('Enter', 900)).toBeUndefined();
	});
	it('reads two scans one after the other', () => {
		expect(type([...'AAAA', 'Enter', ...'BBBB', 'Enter'], 10)).toEqual(['AAAA', 'BBBB']);
	});
	it('drops a burst that an arrow or Escape breaks', () => {
		expect(type([...'AAAA', 'Escape', ...'BB', 'Enter'], 10)).toEqual([]);
	});
});
