import { describe, expect, test } from 'vitest';
import type { S } from '../lib/api';
import { clampX, fitting, overlap, place, rows, type Rect } from './labels';
import { countedRows, extentOf, merge, modelOf, nearest, scaleOf, type Series, type Trip } from './model';
import { stretchesOf } from './ribbon';
import { sparkOf, type Point } from './spark';
import { stepFor, tabulate } from './table';
import { holding, keyStep, shifted, within, zoomed } from './view';

const begin = 1_790_000_000_000;

function series(wall: number[], probes: { segment?: number; probe?: number; place?: string; judged?: boolean; temp_mc: (number | null)[] }[], total = wall.length): Series {
	return {
		node: 'n',
		entries: 1,
		total,
		wall_ms: wall.map((s) => begin + s * 1000),
		late: wall.map(() => false),
		probes: probes.map((p) => ({ segment: 0, probe: 0, place: 'organ', judged: true, ...p })),
		fixes: [],
	};
}

function trip(part: Partial<Trip>): Trip {
	const none = { readings: 0, from_ms: 0, to_ms: 0 };
	return { gaps: [], excursions: [], late: [], before: none, after: none, ...part } as unknown as Trip;
}

describe('modelOf', () => {
	test('a gap has an empty row of its own, so that no line crosses it', () => {
		const s = series([0, 1, 2, 100, 101], [{ temp_mc: [4000, 4100, 4200, 5000, 5100] }]);
		const m = modelOf(s, trip({ gaps: [{ from_ms: begin + 2000, to_ms: begin + 100_000, reason: 'box off' }] }));
		expect(m.x).toEqual([0, 1, 2, 51, 100, 101].map((sec) => begin + sec * 1000));
		expect(m.lines[0]?.temps).toEqual([4, 4.1, 4.2, null, 5, 5.1]);
		expect(m.faults).toEqual([]);
	});

	test('without a judged trip a long silence among all readings is a gap', () => {
		const m = modelOf(series([0, 1, 2, 90, 91], [{ temp_mc: [1, 2, 3, 4, 5] }]), undefined);
		expect(m.lines[0]?.temps[3]).toBeNull();
		expect(modelOf(series([0, 1, 2, 90, 91], [{ temp_mc: [1, 2, 3, 4, 5] }], 500), undefined).x).toHaveLength(5);
	});

	test('a fault is a run of readings without a value, not a gap and not another box', () => {
		const s = series([0, 1, 2, 3, 4, 5], [
			{ temp_mc: [4000, null, null, 4000, null, null] },
			{ segment: 1, temp_mc: [null, null, null, null, 5000, 5000] },
		]);
		expect(modelOf(s, trip({})).faults).toEqual([{ line: 0, fromMS: begin + 1000, toMS: begin + 2000 }]);
	});

	test('rows of a clock that ran back are sorted by its time, and it is said', () => {
		const m = modelOf(series([5, 6, 2, 3], [{ temp_mc: [1, 2, 3, 4] }]), trip({}));
		expect(m.sorted).toBe(true);
		expect(m.x).toEqual([2, 3, 5, 6].map((sec) => begin + sec * 1000));
		expect(m.lines[0]?.temps).toEqual([0.003, 0.004, 0.001, 0.002]);
	});

	test('a value alone is known as such', () => {
		expect(modelOf(series([0, 1, 2], [{ temp_mc: [null, 4000, null] }]), trip({})).lines[0]?.lonely).toEqual([1]);
	});

	test('no reading', () => {
		expect(modelOf(series([], []), undefined)).toMatchObject({ x: [], lines: [], fromMS: 0 });
	});
});

test('merge puts finer rows in the place of coarse ones and loses none outside', () => {
	const whole = series([0, 10, 20, 30], [{ temp_mc: [1, 2, 3, 4] }], 100);
	const part = series([10, 11, 12], [{ temp_mc: [7, 8, 9] }, { probe: 1, judged: false, temp_mc: [null, 5, null] }]);
	const m = merge(whole, part, begin + 10_000, begin + 20_000);
	expect(merge(whole, part, begin + 10_000, begin + 99_000).wall_ms).toEqual(m.wall_ms); // what came after the part was asked for stays
	expect(merge(whole, series([], []), begin, begin + 99_000)).toBe(whole);
	expect(m.wall_ms.map((ms) => (ms - begin) / 1000)).toEqual([0, 10, 11, 12, 20, 30]);
	expect(m.probes.map((p) => p.temp_mc)).toEqual([
		[1, 7, 8, 9, 3, 4],
		[null, null, 5, null, null, null],
	]);
	expect(m.late).toHaveLength(6);
});

test('nearest', () => {
	expect([-5, 0, 14, 15, 16, 99].map((ms) => nearest([0, 10, 20], ms))).toEqual([0, 0, 1, 1, 2, 2]);
	expect(nearest([], 5)).toBe(-1);
});

test('scaleOf leaves out a probe far away unless all are wanted', () => {
	const m = modelOf(series([0, 1], [{ temp_mc: [4000, 5000] }, { probe: 1, place: 'box', judged: false, temp_mc: [3000, 6000] }, { probe: 2, place: 'outside', judged: false, temp_mc: [24_000, 25_000] }]), trip({}));
	const band = { low: 2, high: 8 };
	const some = scaleOf(m.lines, band, false);
	expect(some.cut.map((l) => l.place)).toEqual(['outside']);
	expect(some.low).toBeLessThan(2);
	expect(some.high).toBeLessThan(10);
	expect(scaleOf(m.lines, band, true)).toMatchObject({ cut: [] });
	expect(scaleOf(m.lines, band, true).high).toBeGreaterThan(25);
	expect(extentOf([])).toBeUndefined();
});

test('the scale fits what counts, not what the box had before the organ settled', () => {
	const s = series([0, 1, 2, 3, 4], [{ temp_mc: [20_000, 15_000, 5000, 4000, 18_000] }]);
	const settled = trip({ before: { readings: 2, from_ms: begin, to_ms: begin + 1000 }, settled: true, settled_ms: begin + 2000, after: { readings: 1, from_ms: begin + 4000, to_ms: begin + 4000 } });
	const m = modelOf(s, settled);
	expect(countedRows(m, settled)).toEqual([2, 4]);
	const scale = scaleOf(m.lines, { low: 2, high: 8 }, false, countedRows(m, settled));
	expect(scale.high).toBeLessThan(9);
	expect(scale.cut).toHaveLength(1);
	expect(countedRows(m, undefined)).toEqual([0, 5]);
});

test('labels never overlap and never leave the plot', () => {
	const bounds = { x: 0, y: 0, w: 300, h: 100 };
	const taken: Rect[] = [];
	let placed = 0;
	for (let i = 0; i < 60; i++) {
		if (place(rows((i * 37) % 300, 60, 16, 0, 16, 6, bounds), taken, bounds) !== undefined) placed++;
	}
	expect(placed).toBeGreaterThan(10);
	for (const [i, a] of taken.entries()) {
		expect(a.x >= 0 && a.y >= 0 && a.x + a.w <= 300 && a.y + a.h <= 100).toBe(true);
		expect(taken.some((b, k) => k !== i && overlap(a, b))).toBe(false);
	}
	expect(clampX({ x: -10, y: 0, w: 50, h: 5 }, bounds).x).toBe(0);
	expect(fitting(['released to North Air', 'North Air', 'NA'], 9, (s) => s.length)).toBe('North Air');
	expect(fitting(['long'], 2, (s) => s.length)).toBeUndefined();
});

describe('view', () => {
	const whole = { fromMS: 0, toMS: 1000 };
	test('stays inside the whole', () => {
		expect(within({ fromMS: -100, toMS: 100 }, whole, 10)).toEqual({ fromMS: 0, toMS: 200 });
		expect(within({ fromMS: 950, toMS: 1050 }, whole, 10)).toEqual({ fromMS: 900, toMS: 1000 });
		expect(within({ fromMS: -100, toMS: 2000 }, whole, 10)).toBeUndefined();
		expect(within({ fromMS: 500, toMS: 501 }, whole, 10)).toEqual({ fromMS: 496, toMS: 506 });
	});
	test('zooming keeps the time under the cursor in its place', () => {
		expect(zoomed(whole, 2, 250)).toEqual({ fromMS: 125, toMS: 625 });
		expect(zoomed(zoomed(whole, 4, 700), 0.25, 700)).toEqual(whole);
	});
	test('moves', () => {
		expect(shifted({ fromMS: 0, toMS: 100 }, 0.5)).toEqual({ fromMS: 50, toMS: 150 });
		expect(holding({ fromMS: 0, toMS: 100 }, 500)).toEqual({ fromMS: 450, toMS: 550 });
	});
	test('keys', () => {
		expect(['ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown', 'x'].map((k) => keyStep(k, 50, 100, 100))).toEqual([49, 51, 0, 99, 60, 40, undefined]);
		expect(keyStep('ArrowLeft', -1, 100, 100)).toBe(98);
		expect(keyStep('ArrowRight', 99, 100, 100)).toBe(99);
	});
});

test('the ribbon has no hole and no overlap; time that is not confirmed stands apart', () => {
	const party = (organisation: string) => ({ organisation });
	const custodians = [
		{ party: party('A'), since_ms: 0, until_ms: 50, evidence: 'own key', disputed: false, unconfirmed: party('B'), unconfirmed_since_ms: 40 },
		{ party: party('B'), since_ms: 50, evidence: 'both keys', disputed: true },
	] as S['Shipment']['custodians'];
	const list = stretchesOf({ custodians }, 10, 100);
	expect(list.map((s) => [s.party.organisation, s.shownFromMS, s.shownToMS, s.unconfirmed, s.disputed])).toEqual([
		['A', 10, 40, false, false],
		['A', 40, 50, true, false],
		['B', 50, 100, false, true],
	]);
	expect(stretchesOf({ custodians }, 45, 48)).toHaveLength(1);
});

test('a sparkline breaks where minutes are missing, and never leaves its box', () => {
	const points: Point[] = [0, 1, 2, 6, 7, 12].map((m) => [begin + m * 60_000, m === 7 ? 30_000 : 4000 + m * 100]);
	const s = sparkOf(points, 2000, 8000, 100, 28);
	expect(s.path.match(/M/g)).toHaveLength(2);
	expect(s.dots).toHaveLength(1);
	for (const n of s.path.match(/[\d.]+/g) ?? []) expect(Number(n)).toBeLessThanOrEqual(100);
	expect(s.last?.x).toBe(98);
	expect(s.bandTop).toBeGreaterThan(0);
	expect(sparkOf([], 2000, 8000, 100, 28)).toMatchObject({ path: '', dots: [], last: undefined });
});

test('the table holds every lowest and highest value and says what happened', () => {
	const wall = Array.from({ length: 600 }, (_, i) => i);
	const s = series(wall, [{ temp_mc: wall.map((i) => (i === 333 ? 1200 : 5000)) }]);
	s.late[400] = true;
	const x = { rule: 'too cold', began_ms: begin + 300_000, ended_ms: begin + 340_000 } as unknown as Trip['excursions'][number];
	const made = trip({ excursions: [x] });
	const { stepMS, rows: list } = tabulate(modelOf(s, made), s, made, begin, begin + 599_000, 30);
	expect(stepMS).toBe(30_000);
	expect(list.length).toBeLessThanOrEqual(31);
	expect(list.filter((r) => r.cells[0]?.startsWith('1.2')).map((r) => r.notes)).toEqual(['too cold']);
	expect(list.filter((r) => r.notes.includes('late'))).toHaveLength(1);
	expect(stepFor(12 * 3_600_000, 60)).toBe(15 * 60_000);
});
