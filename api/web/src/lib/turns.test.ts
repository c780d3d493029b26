import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { turns, type Turns } from './turns';

let ends: (() => void)[] = [];
let it: Turns;

beforeEach(() => {
	vi.useFakeTimers();
	ends = [];
	it = turns(() => new Promise((end) => ends.push(end)));
});
afterEach(() => vi.useRealTimers());

const end = async (n: number) => {
	ends[n]!();
	await vi.advanceTimersByTimeAsync(0);
};

test('events that come faster than answers begin nothing beside a load, and one more load follows', async () => {
	it.now();
	for (let i = 0; i < 50; i++) {
		it.soon();
		if (i % 10 === 0) it.now();
		await vi.advanceTimersByTimeAsync(100);
	}
	expect(ends).toHaveLength(1);
	await end(0);
	await vi.advanceTimersByTimeAsync(1000);
	expect(ends).toHaveLength(2); // what happened meanwhile is not missed
	await end(1);
	await vi.advanceTimersByTimeAsync(60_000);
	expect(ends).toHaveLength(2); // and nothing more than once
});

test('several events at once are one load', async () => {
	it.now();
	await end(0);
	for (let i = 0; i < 5; i++) it.soon();
	expect(ends).toHaveLength(1);
	await vi.advanceTimersByTimeAsync(300);
	expect(ends).toHaveLength(2);
});

test('nothing begins any more once it is stopped', async () => {
	it.now();
	it.soon();
	await vi.advanceTimersByTimeAsync(400);
	it.stop();
	await end(0);
	it.soon();
	it.now();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(ends).toHaveLength(1);
});
