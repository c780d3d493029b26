import { describe, expect, it } from 'vitest';
import { trendOf, type Point } from './trend';

/** Readings every 10 s, from a start, with a slope in thousandths of a kelvin an hour. */
function line(startMC: number, slope: number, minutes = 10, noise: (i: number) => number = () => 0): Point[] {
	return Array.from({ length: minutes * 6 + 1 }, (_, i) => [i * 10_000, startMC + (slope * i * 10_000) / 3_600_000 + noise(i)] as const);
}

describe('trendOf', () => {
	it.each([
		['flat', 0, 'steady', 'plain'], ['a tenth of a kelvin in ten minutes', -590, 'steady', 'plain'], ['falling slowly', -2000, 'falling', 'slowly'],
		['falling', -6000, 'falling', 'plain'], ['falling fast', -20_000, 'falling', 'fast'], ['rising slowly', 700, 'rising', 'slowly'], ['rising fast', 12_000, 'rising', 'fast'],
	])('%s', (_, slope, direction, pace) => {
		const got = trendOf(line(5000, slope));
		expect(got).toMatchObject({ direction, pace });
		expect(got!.slope).toBeCloseTo(slope, 3);
	});
	it('is not misled by noise of a probe', () => {
		expect(trendOf(line(5000, 0, 10, (i) => (i % 2 ? 100 : -100)))!.direction).toBe('steady');
	});
	it('looks at the last ten minutes only', () => {
		const before = line(9000, -30_000, 20);
		const end = before.at(-1)!;
		const after = line(end[1], 0, 10).slice(1).map(([ms, mc]) => [ms + end[0], mc] as const);
		expect(trendOf([...before, ...after])!.direction).toBe('steady');
	});
	it('says nothing from too few readings', () => {
		expect(trendOf([])).toBeUndefined();
		expect(trendOf([[0, 1], [60_000, 2], [180_000, 3]])).toBeUndefined();
		expect(trendOf([[0, 1], [1000, 2], [2000, 3], [3000, 4]])).toBeUndefined();
	});
});
