import { expect, test } from 'vitest';
import { take } from './feed';

test('take hands on whole events and keeps the rest', () => {
	const got: unknown[] = [];
	const hand = (e: unknown) => got.push(e);
	let rest = take(': isotherm feed\nretry: 2000\n\nid: 7\nevent: entry\ndata: {"index":7,', hand);
	expect(got).toEqual([]);
	rest = take(`${rest}"kind":"custody act","time_ms":1}\n\n: still here\n\nid: 8`, hand);
	expect(got).toEqual([{ index: 7, kind: 'custody act', time_ms: 1 }]);
	expect(rest).toBe('id: 8');
});
