import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { addSecondSignature, decodeAct, encodeAct, hashAct } from '../sign/act';
import type { Bytes } from '../sign/cbor';
import { makeAct, signerOf, vectorAct } from '../sign/testing';
import * as db from './db';
import { isPassing, Queue, type Receipt } from './queue';

/** A ledger that takes acts, and knows those that it has. */
class Ledger {
	taken: string[] = [];
	calls = 0;
	fails: unknown[] = []; // thrown by the next calls, one each
	before: (() => Promise<void> | void)[] = []; // run in the next calls, before they are entered
	after: (() => Promise<void> | void)[] = []; // run once they are

	send = async (b: Bytes): Promise<Receipt> => {
		this.calls++;
		const act = decodeAct(b);
		const hash = await hashAct(act);
		const fail = this.fails.shift();
		if (fail) throw fail;
		await this.before.shift()?.();
		const id = `${hash}/${act.signatures.length}`;
		const duplicate = this.taken.includes(id);
		if (!duplicate) this.taken.push(id);
		await this.after.shift()?.();
		return { index: this.taken.indexOf(id), record_time_ms: 1, duplicate, hash, standing: 'applied', tip: hash, flags: [] };
	};
}

const refuse = (status: number, more: object = {}) => ({ status, code: `code ${status}`, detail: `because of ${status}`, offline: status === 0, ...more });

let now: number;
let ledger: Ledger;
let queue: Queue;
const clock = () => now;
/** A queue as after a reload: nothing is left but the store. */
const reload = async (l: Ledger = ledger) => {
	await db.close();
	return new Queue(l.send, clock, () => 1);
};

beforeEach(async () => {
	await db.close();
	globalThis.indexedDB = new IDBFactory();
	now = 1_790_000_000_000;
	ledger = new Ledger();
	queue = new Queue(ledger.send, clock, () => 1);
});
afterEach(() => vi.restoreAllMocks());

const states = async (q: Queue) => (await q.list()).map((x) => x.state);

test('an act is sent once and leaves a receipt', async () => {
	await queue.add(vectorAct('release'));
	expect(await states(queue)).toEqual(['waiting']);
	expect(await queue.flush()).toBe(0);
	const [item] = await queue.list();
	expect(item).toMatchObject({ state: 'done', receipt: { index: 0, standing: 'applied' }, kind: 4 });
	await queue.flush();
	await queue.add(vectorAct('release'));
	await queue.flush();
	expect(ledger.calls).toBe(1);
	expect(await states(await reload())).toEqual(['done']);
});

test('acts go out in the order in which they came', async () => {
	const acts = await Promise.all([1, 2, 3, 4].map(() => makeAct()));
	const hashes: string[] = [];
	for (const a of acts) {
		hashes.push((await queue.add(a)).hash);
		now++;
	}
	await (await reload()).flush();
	expect(ledger.taken).toEqual(hashes.map((h) => `${h}/1`));
});

// A crash is a step that never comes back. The page is gone; the store and the ledger are left.
test('a crash between any two steps loses nothing and doubles nothing', async () => {
	const never = () => new Promise<void>(() => undefined);
	const crashes: [string, (l: Ledger) => void][] = [
		['before it is sent', () => undefined],
		['on its way', (l) => l.before.push(never)],
		['after the ledger took it, before the answer', (l) => l.after.push(never)],
	];
	for (const [what, crash] of crashes) {
		await db.close();
		globalThis.indexedDB = new IDBFactory();
		const l = new Ledger();
		const q = new Queue(l.send, clock, () => 1);
		await q.add(vectorAct('accept'));
		if (what !== 'before it is sent') {
			crash(l);
			void q.flush();
			await vi.waitFor(() => expect(l.calls).toBe(1));
			await new Promise((r) => setTimeout(r, 5));
		}
		expect(await states(await reload(l)), what).toEqual(['waiting']);
		const again = await reload(l);
		await again.flush();
		expect(await states(again), what).toEqual(['done']);
		expect(l.taken, what).toHaveLength(1);
	}
});

// The same, at each transaction of the store: the n-th one never reports back, and nothing after it happens.
test.each([1, 2, 3, 4, 5, 6, 7, 8])('a crash at transaction %i of the store loses nothing and doubles nothing', async (n) => {
	await db.get('cache', 'x');
	let count = 0;
	let kept = false;
	const open = IDBDatabase.prototype.transaction;
	vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args: Parameters<typeof open>) {
		const tx = open.apply(this, args);
		if (++count >= n) {
			Object.defineProperty(tx, 'oncomplete', { set: () => undefined }); // the page is gone before it hears of it
			if (count > n) tx.abort();
		}
		return tx;
	});
	void (async () => {
		await queue.add(vectorAct('pack'));
		kept = true;
		await queue.flush();
	})().catch(() => undefined);
	await new Promise((r) => setTimeout(r, 30));
	vi.restoreAllMocks();
	const again = await reload();
	const before = await again.list();
	if (kept) expect(before).toHaveLength(1); // it was told that it is safe
	if (before.length === 0) await again.add(vectorAct('pack')); // the person was not told, and signs again: the same act here
	await again.flush();
	expect(await states(again)).toEqual(['done']);
	expect(ledger.taken).toHaveLength(1);
});

test('two tabs that send at once double nothing', async () => {
	const other = new Queue(ledger.send, clock, () => 1);
	await queue.add(vectorAct('move'));
	await Promise.all([queue.flush(), other.flush()]);
	expect(ledger.taken).toHaveLength(1);
	expect(await states(queue)).toEqual(['done']);
});

test('what the ledger refuses stays with its reason and is not tried again', async () => {
	for (const status of [400, 403, 404, 409, 413, 415, 422]) {
		ledger.fails.push(refuse(status, { hint: 'ask' }));
		const { hash } = await queue.add(await makeAct());
		await queue.flush();
		const calls = ledger.calls;
		now += 1e9;
		await queue.hurry();
		await (await reload()).flush();
		expect(ledger.calls).toBe(calls);
		const item = (await queue.list()).find((x) => x.hash === hash);
		expect(item).toMatchObject({ state: 'refused', problem: { status, detail: `because of ${status}`, hint: 'ask' } });
	}
	const [first] = await queue.list();
	await queue.retry(first!.hash); // a person may
	await queue.flush();
	expect((await queue.list())[0]).toMatchObject({ state: 'done' });
	expect((await queue.list())[0]!.problem).toBeUndefined();
});

test('without an answer it waits, longer each time, and never gives up', async () => {
	await queue.add(vectorAct('receive'));
	const waits: number[] = [];
	for (let i = 0; i < 9; i++) {
		ledger.fails.push([refuse(0), refuse(503), refuse(401), refuse(429), new TypeError('failed to fetch')][i % 5]);
		const next = await queue.flush();
		waits.push(next - now);
		expect(await queue.flush()).toBe(next); // not due yet
		now = next;
		queue = await reload();
	}
	expect(ledger.calls).toBe(9);
	expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
	await queue.flush();
	expect(await states(queue)).toEqual(['done']);
	expect([0, 401, 408, 425, 429, 500, 502, 503, 504].every(isPassing)).toBe(true);
	expect([400, 403, 404, 409, 413, 422].some(isPassing)).toBe(false);
});

test('the ledger says how long to wait, and the network that it is back', async () => {
	ledger.fails.push(refuse(503, { retryAfterS: 120 }));
	await queue.add(vectorAct('close'));
	expect((await queue.flush()) - now).toBe(120_000);
	await queue.hurry();
	await queue.flush();
	expect(await states(queue)).toEqual(['done']);
});

test('one that is refused does not hold up the next; nobody answering does', async () => {
	for (let i = 0; i < 3; i++) {
		await queue.add(await makeAct());
		now++;
	}
	ledger.fails.push(refuse(400), refuse(0));
	await queue.flush();
	expect(ledger.calls).toBe(2);
	expect(await states(queue)).toEqual(['refused', 'waiting', 'waiting']);
});

test("a second person's signature makes one act of both, and is sent", async () => {
	const first = decodeAct(await makeAct());
	const second = await addSecondSignature(first, await signerOf('22'.repeat(32)), { person: '52'.repeat(16), signedAtMS: now });
	await queue.add(encodeAct(first));
	await queue.flush();
	await queue.add(encodeAct(second));
	expect(await states(queue)).toEqual(['waiting']);
	await queue.flush();
	await queue.add(encodeAct(first)); // an older copy takes nothing away
	expect(decodeAct((await queue.list())[0]!.act).signatures).toHaveLength(2);
	expect(await states(queue)).toEqual(['done']);
	expect(ledger.taken.map((x) => x.slice(-2))).toEqual(['/1', '/2']);
});

test('a signature that comes while the act is on its way is sent, too', async () => {
	const first = decodeAct(await makeAct());
	const second = await addSecondSignature(first, await signerOf('22'.repeat(32)), { person: '52'.repeat(16), signedAtMS: now });
	await queue.add(encodeAct(first));
	ledger.before.push(async () => void (await queue.add(encodeAct(second))));
	await queue.flush();
	await queue.flush();
	expect(ledger.taken.map((x) => x.slice(-2))).toEqual(['/1', '/2']);
	expect(await states(queue)).toEqual(['done']);
});

test('a forged signature that somebody adds does not take the act down with it', async () => {
	const first = await makeAct();
	const forged = encodeAct(await addSecondSignature(decodeAct(first), await signerOf('66'.repeat(32)), { person: '52'.repeat(16), signedAtMS: now }));
	for (const sent of [false, true]) { // while it waits, and after it was taken
		await queue.add(first);
		if (sent) await queue.flush();
		await queue.add(forged);
		ledger.fails.push(refuse(403));
		await queue.flush();
		expect(await states(queue)).toEqual(['waiting']);
		await queue.flush();
		const [item] = await queue.list();
		expect(item).toMatchObject({ state: 'done', act: first });
		expect(item).not.toHaveProperty('without');
		expect(item).not.toHaveProperty('problem');
	}
	await queue.add(forged);
	ledger.fails.push(refuse(403), refuse(403)); // refused without it, too: that is told
	await queue.flush();
	await queue.flush();
	expect(await states(queue)).toEqual(['refused']);
});

test('a full device says so, and nothing is said to be kept', async () => {
	const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
		throw new DOMException('no room', 'QuotaExceededError');
	});
	await expect(queue.add(vectorAct('open'))).rejects.toThrow();
	put.mockRestore();
	vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore) {
		const tx = this.transaction;
		Object.defineProperty(tx, 'error', { value: new DOMException('no room', 'QuotaExceededError') });
		tx.abort();
		return {} as IDBRequest<IDBValidKey>;
	});
	await expect(queue.add(vectorAct('open'))).rejects.toMatchObject({ name: 'StorageError', full: true });
	vi.restoreAllMocks();
	expect(await queue.list()).toEqual([]);
	await queue.add(vectorAct('open')); // and goes on when there is room
	expect(await states(queue)).toEqual(['waiting']);
});

test('bytes that are no act are not kept', async () => {
	await expect(queue.add(vectorAct('open').slice(1))).rejects.toThrow();
	expect(await queue.list()).toEqual([]);
});

test('what waits can not be removed, a refused act can', async () => {
	const { hash } = await queue.add(vectorAct('outcome'));
	expect(await queue.remove(hash)).toBe(false);
	ledger.fails.push(refuse(403));
	await queue.flush();
	expect(await queue.remove(hash)).toBe(true);
	expect(await queue.list()).toEqual([]);
});

test('the box that took an act is remembered', async () => {
	const { hash } = await queue.add(await makeAct({ id: 'ee'.repeat(16) }));
	await queue.add(await makeAct());
	await queue.onBox('ee'.repeat(16), 812);
	expect((await queue.list()).map((x) => [x.hash === hash, x.box?.seq])).toContainEqual([true, 812]);
	expect((await queue.list()).filter((x) => x.box)).toHaveLength(1);
});

test('old receipts go, what waits stays', async () => {
	for (let i = 0; i < 3; i++) await queue.add(await makeAct());
	await queue.flush();
	const [done] = await queue.list();
	for (let i = 0; i < 203; i++) await db.put('outbox', `old ${i}`, { ...done!, hash: `old ${i}`, addedMS: i });
	ledger.fails.push(refuse(0));
	await queue.add(await makeAct());
	await queue.flush();
	const items = await queue.list();
	expect(items.filter((x) => x.state === 'done')).toHaveLength(200);
	expect(items.filter((x) => x.state === 'waiting')).toHaveLength(1);
	expect(items.some((x) => x.hash === 'old 0')).toBe(false);
});
