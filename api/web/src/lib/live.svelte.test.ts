// @vitest-environment ./src/lib/pagetest.ts
import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { live, type Live } from './live.svelte';

const feed = vi.hoisted(() => ({ tell: new Set<(e: { shipment?: string }) => void>() }));
vi.mock('./feed', () => ({
	onEvent: (fn: (e: { shipment?: string }) => void) => {
		feed.tell.add(fn);
		return () => feed.tell.delete(fn);
	},
	onUp: () => () => undefined,
}));
vi.mock('../offline/cache', () => ({ get: () => Promise.resolve(undefined), put: () => Promise.resolve() }));

interface Load {
	signal: AbortSignal;
	answer(n: number): void;
	fail(): void;
}
let loads: Load[] = [];
let value: Live<number>;
let stop: () => void;

function begin(shipment?: string): void {
	stop = $effect.root(() => {
		value = live((signal) => new Promise<number>((answer, fail) => loads.push({ signal, answer, fail: () => fail(new Error('gone')) })), { shipment });
	});
	flushSync();
}

const event = (shipment?: string) => feed.tell.forEach((fn) => fn(shipment === undefined ? {} : { shipment }));

beforeEach(() => {
	vi.useFakeTimers();
	vi.stubGlobal('window', globalThis);
	vi.stubGlobal('addEventListener', () => undefined);
	vi.stubGlobal('removeEventListener', () => undefined);
	vi.stubGlobal('document', { visibilityState: 'visible', addEventListener: () => undefined, removeEventListener: () => undefined });
	loads = [];
});
afterEach(() => {
	stop();
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

test('events that come faster than answers never cut a load off, and one more load follows', async () => {
	begin();
	expect(loads).toHaveLength(1);
	for (let i = 0; i < 50; i++) {
		event();
		await vi.advanceTimersByTimeAsync(100);
	}
	expect(loads).toHaveLength(1);
	expect(loads[0]!.signal.aborted).toBe(false);
	loads[0]!.answer(1);
	await vi.advanceTimersByTimeAsync(0);
	expect(value.data).toBe(1);
	await vi.advanceTimersByTimeAsync(1000);
	expect(loads).toHaveLength(2); // what happened meanwhile is not missed
	loads[1]!.answer(2);
	await vi.advanceTimersByTimeAsync(10_000);
	expect(value.data).toBe(2);
	expect(loads).toHaveLength(2); // and no more than one
});

test('a load that fails keeps what was there and is followed, too', async () => {
	begin();
	loads[0]!.answer(1);
	await vi.advanceTimersByTimeAsync(0);
	event();
	await vi.advanceTimersByTimeAsync(400);
	event();
	await vi.advanceTimersByTimeAsync(400);
	loads[1]!.fail();
	await vi.advanceTimersByTimeAsync(0);
	expect([value.data, value.stale, value.error?.detail]).toEqual([1, true, 'gone']);
	await vi.advanceTimersByTimeAsync(400);
	loads[2]!.answer(3);
	await vi.advanceTimersByTimeAsync(0);
	expect([value.data, value.stale, value.error]).toEqual([3, false, undefined]);
});

test('an event of another case loads nothing; one without a case does', async () => {
	begin('a1');
	loads[0]!.answer(1);
	await vi.advanceTimersByTimeAsync(0);
	event('b2');
	await vi.advanceTimersByTimeAsync(1000);
	expect(loads).toHaveLength(1);
	event();
	await vi.advanceTimersByTimeAsync(1000);
	expect(loads).toHaveLength(2);
});

test('when the component goes, its load is cut off and nothing follows', async () => {
	begin();
	event();
	stop();
	expect(loads[0]!.signal.aborted).toBe(true);
	loads[0]!.answer(1);
	await vi.advanceTimersByTimeAsync(5000);
	expect([loads.length, value.data, feed.tell.size]).toEqual([1, undefined, 0]);
});
