import { describe, expect, it } from 'vitest';
import { alarm, summary } from './fixture';
import { attention, counts, firstAlarms, fits, leftMS, rank, readFilter, writeFilter, type Filter } from './rank';

const now = 1_000_000;
const id = (n: number) => n.toString(16).padStart(32, '0');
const order = (rows: { x: { id: string } }[]) => rows.map((r) => Number.parseInt(r.x.id, 16));

describe('attention', () => {
	it.each([
		['an alarm before all else', { open_excursions: 1 }, 'Too cold: 1.2 °C, band 2 to 8', 'high', true],
		['out of band now', { open_excursions: 1 }, 'Out of band now', 'high', false],
		['over the limit before out of band', { open_excursions: 1, cold_status: "over the program's limit" }, "Cold time over the program's limit", 'high', false],
		['a finding', { findings: ['left behind'] }, 'Left behind', 'medium', false],
		['a dispute', { disputed: true }, 'Custody disputed', 'medium', false],
		['no temperature of the organ', { last_temp_mc: undefined }, 'No temperature of the organ', 'medium', false],
		['withheld', { withheld: true }, 'Records withheld', 'medium', false],
		['overdue', { eta_ms: now - 1 }, 'Arrival overdue', 'medium', false],
		['overdue, and no estimate any more', { eta_ms: undefined, eta_method: 'the arrival expected (planned, 2 min later than planned at North Airport) passed 13 min ago' }, 'Arrival overdue', 'medium', false],
		['near the limit', { cold_status: "near the program's limit" }, "Cold time near the program's limit", 'medium', false],
	] as const)('%s', (_, part, text, level, alarmed) => {
		const why = attention(summary(part as never), alarmed ? alarm() : undefined, now);
		expect(why).toEqual({ text, level });
	});
	it('says nothing when nothing is wrong', () => expect(attention(summary({ eta_ms: now + 1 }), undefined, now)).toBeUndefined());
	it('does not call an arrival overdue that happened', () => expect(attention(summary({ phase: 'received', eta_ms: now - 1 }), undefined, now)).toBeUndefined());
});

describe('rank', () => {
	it('puts attention first, then what is under way, then what arrived, then what is over', () => {
		const rows = rank(
			[
				summary({ id: id(1), phase: 'closed' }),
				summary({ id: id(2), phase: 'received' }),
				summary({ id: id(3), phase: 'open', last_reading_ms: undefined, last_temp_mc: undefined }),
				summary({ id: id(4) }),
				summary({ id: id(5), disputed: true }),
				summary({ id: id(6), open_excursions: 1 }),
				summary({ id: id(7) }),
			],
			[alarm({ shipment: id(7), severity: 'low', what: 'Calibration expired' })],
			now,
		);
		expect(order(rows)).toEqual([6, 5, 7, 4, 3, 2, 1]);
	});
	it('puts what nobody acknowledged before what somebody did', () => {
		const k = { by: id(9), reason: 'acting', at_ms: 1, until_ms: 2 } as const;
		const rows = rank([summary({ id: id(1) }), summary({ id: id(2) })], [alarm({ shipment: id(1), acknowledgements: [k] }), alarm({ shipment: id(2) })], now);
		expect(order(rows)).toEqual([2, 1]);
		expect(rows.map((r) => r.unacknowledged)).toEqual([true, false]);
	});
	it('orders equals by cold time left, arrival, age, and never by chance', () => {
		const rows = rank(
			[
				summary({ id: id(1), eta_ms: now + 50 }),
				summary({ id: id(2), eta_ms: now + 20 }),
				summary({ id: id(3), cold_limit_ms: 100, cold_hi_ms: 90 }),
				summary({ id: id(4), cold_limit_ms: 100, cold_hi_ms: 20 }),
				summary({ id: id(6), opened_ms: 5 }),
				summary({ id: id(5), opened_ms: 5 }),
			],
			[],
			now,
		);
		expect(order(rows)).toEqual([3, 4, 2, 1, 5, 6]);
	});
	it('does not float what is over, whatever its alarms say', () => {
		const rows = rank([summary({ id: id(1), phase: 'stood down', open_excursions: 1 }), summary({ id: id(2) })], [alarm({ shipment: id(1) })], now);
		expect(order(rows)).toEqual([2, 1]);
		expect(rows[1]!.why).toBeUndefined();
	});
	it('ignores alarms that are over, and takes the first that lasts', () => {
		const first = firstAlarms([alarm({ id: 'a', shipment: id(1), until_ms: 5 }), alarm({ id: 'b', shipment: id(1) }), alarm({ id: 'c', shipment: id(1) })]);
		expect(first.get(id(1))?.id).toBe('b');
	});
	it('sorts 500 rows as any order of them', () => {
		const board = Array.from({ length: 500 }, (_, i) => summary({ id: id(i + 1), opened_ms: (i * 37) % 50, eta_ms: now + ((i * 13) % 7), open_excursions: i % 11 === 0 ? 1 : 0 }));
		expect(order(rank([...board].reverse(), [], now))).toEqual(order(rank(board, [], now)));
	});
});

describe('leftMS', () => {
	it('is what the limit leaves of the longest cold time', () => expect(leftMS(summary({ cold_limit_ms: 100, cold_lo_ms: 10, cold_hi_ms: 30 }))).toBe(70));
	it('does not count when the clock stands', () => expect(leftMS(summary({ cold_limit_ms: 100, cold_hi_ms: 30, cold_end: 'out of cold' }))).toBe(Infinity));
});

describe('filter', () => {
	const none: Filter = { q: '', phase: '', organ: '', dest: '', attention: false, over: false };
	const names = (code: string) => (code === 'HILL' ? 'Hill Transplant Center' : code);
	const row = rank([summary({ side: 'left', organ: 'kidney', custodian: { organisation: 'North Air', desk: 'Cargo' }, disputed: true })], [], now)[0]!;
	it.each([
		['everything', {}, true],
		['words in any field', { q: 'hill kidney' }, true],
		['the custodian', { q: 'cargo' }, true],
		['not what is not there', { q: 'kidney lake' }, false],
		['organ', { organ: 'heart' }, false],
		['destination', { dest: 'HILL' }, true],
		['phase', { phase: 'open' }, false],
		['attention', { attention: true }, true],
	])('%s', (_, part, want) => expect(fits(row, { ...none, ...part }, names)).toBe(want));
	it('hides what is over unless it is asked for', () => {
		const over = rank([summary({ phase: 'closed' })], [], now)[0]!;
		expect(fits(over, none, names)).toBe(false);
		expect(fits(over, { ...none, phase: 'closed' }, names)).toBe(true);
		expect(fits(over, { ...none, q: 'heart' }, names)).toBe(true);
	});
	it('goes into the address and back', () => {
		const f: Filter = { q: 'left kidney', phase: 'outcome reported', organ: 'kidney', dest: 'HILL', attention: true, over: true };
		expect(readFilter(new URLSearchParams(writeFilter(f)))).toEqual(f);
		expect(writeFilter(none)).toBe('');
	});
	it('counts by level', () => expect(counts([row])).toEqual({ high: 0, medium: 1, low: 0, none: 0 }));
});
