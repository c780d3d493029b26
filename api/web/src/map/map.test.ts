import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { S } from '../lib/api';
import { inside, outlineOf, touches } from './outline';
import { actsOf, degrees, during, fixAt, lengthOf, metres, ordered, piecesOf, stopsOf, type Fix } from './track';

const minute = 60_000;

function fixes(...at: [minute: number, lat: number, lng: number][]): Fix[] {
	return at.map(([m, lat, lng]) => ({ wall_ms: m * minute, lat_e7: Math.round(lat * 1e7), lon_e7: Math.round(lng * 1e7) }));
}

test('the way is split where positions are missing', () => {
	const way = fixes([0, 47, 8], [1, 47, 8.01], [2, 47, 8.02], [30, 47.5, 8.5], [31, 47.5, 8.51]);
	expect(piecesOf(way).map((p) => p.length)).toEqual([3, 2]);
	expect(piecesOf([])).toEqual([]);
	const slow = fixes([0, 47, 8], [5, 47, 8.1], [10, 47, 8.2], [15, 47, 8.3]); // one in five minutes is no gap
	expect(piecesOf(slow)).toHaveLength(1);
	expect(ordered(way.toReversed())).toEqual(way);
});

test('the part during an excursion', () => {
	const pieces = piecesOf(fixes([0, 47, 8], [1, 47, 8.01], [2, 47, 8.02], [3, 47, 8.03], [30, 47.5, 8.5], [31, 47.5, 8.51]));
	expect(during(pieces, minute, 2 * minute).map((p) => p.map((f) => f.wall_ms / minute))).toEqual([[1, 2]]);
	expect(during(pieces, 1.2 * minute, 1.6 * minute).map((p) => p.length)).toEqual([2]);
	expect(during(pieces, 10 * minute, 20 * minute)).toEqual([]);
	expect(during(pieces, 0, 60 * minute).map((p) => p.length)).toEqual([4, 2]);
});

test('a position is given to a time only when it is near', () => {
	const way = fixes([0, 47, 8], [10, 47, 8.1]);
	expect(fixAt(way, 1.9 * minute)?.wall_ms).toBe(0);
	expect(fixAt(way, 5 * minute)).toBeUndefined();
	expect(fixAt([], 0)).toBeUndefined();
});

describe('distance', () => {
	test('of known places', () => {
		expect(metres([0, 0], [0, 1])).toBeCloseTo(111_195, -1);
		expect(metres([47.3769, 8.5417], [46.948, 7.4474]) / 1000).toBeCloseTo(95.4, 0); // Zurich to Bern
	});
	test('leaves out what lies between pieces, and a receiver that wanders at rest', () => {
		const rest = Array.from({ length: 100 }, (_, i): [number, number, number] => [i, 47, 8 + (i % 2) * 0.0001]); // 7.6 m
		expect(lengthOf(piecesOf(fixes(...rest)))).toBe(0);
		const way = fixes([0, 0, 0], [1, 0, 0.01], [100, 0, 1], [101, 0, 1.01]);
		expect(lengthOf(piecesOf(way))).toBeCloseTo(2 * 1112, -1);
	});
});

test('acts are where they say, else where the box was, else nowhere', () => {
	const act = (kind: string, minutes: number, more: object = {}) => ({ kind, event_time_ms: minutes * minute, standing: 'applied', hash: `${kind}${minutes}`, by: { organisation: 'X' }, ...more });
	const history = [
		act('open', 0),
		act('pack', 1),
		act('release', 2),
		act('accept', 3, { parent: 'release2', position: { lat_e7: 470_000_000, lon_e7: 80_000_000 } }),
		act('accept', 4, { standing: 'set aside by a ruling' }),
		act('receive', 60),
	] as unknown as S['Act'][];
	expect(actsOf(history, fixes([1, 46, 7])).map((a) => [a.act.kind, a.at])).toEqual([
		['pack', [46, 7]],
		['accept', [47, 8]],
		['receive', undefined],
	]);
});

test('places of the plan, each once', () => {
	const legs = [
		{ number: 1, from: 'A', to: 'B', mode: 'road', start: { lat_e7: 1e7, lon_e7: 2e7 }, end: { lat_e7: 3e7, lon_e7: 4e7 }, radius_m: 800 },
		{ number: 2, from: 'B', to: 'C', mode: 'road', start: { lat_e7: 3e7, lon_e7: 4e7 } },
	] as S['Leg'][];
	expect(stopsOf(legs)).toEqual([
		{ name: 'A', at: [1, 2], radiusM: 800 },
		{ name: 'B', at: [3, 4], radiusM: 800 },
	]);
	expect(degrees(-60.16501, 'N', 'S')).toBe('60.1650° S');
});

test('the bundled outlines have the land and the borders of a region, and not the world', () => {
	const world = JSON.parse(new TextDecoder().decode(readFileSync('node_modules/world-atlas/countries-50m.json'))) as Parameters<typeof outlineOf>[0];
	const all = outlineOf(world);
	const alps = inside(all, { south: 45, west: 5, north: 48, east: 11 });
	expect(all.land.length).toBeGreaterThan(1000);
	expect(alps.land.length).toBeGreaterThan(0);
	expect(alps.land.length).toBeLessThan(all.land.length / 4);
	expect(alps.borders.length).toBeGreaterThan(3);
	expect(alps.borders.length).toBeLessThan(all.borders.length / 4);
	expect(touches({ south: 0, west: 0, north: 1, east: 1 }, { south: 2, west: 0, north: 3, east: 1 })).toBe(false);
});
