import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, expect, test, vi } from 'vitest';
import * as cache from '../offline/cache';
import * as db from '../offline/db';
import { Evidence, Kind, newAct, Segment } from './act';
import { fromBase64, toBase64 } from './bytes';
import type { Bytes } from './cbor';
import { caseKept, caseNow, newestHead, rememberBox, rememberCase } from './casecopy';
import { NoHead, NoTip, prepare, type Draft } from './draft';
import { queuedClaims } from './follow';
import { headAt, makeAct } from './testing';

const get = vi.hoisted(() => vi.fn());
vi.mock('../lib/api', () => ({ api: { get } }));

const shipment = '09'.repeat(16);
const box = 'ab'.repeat(16);
const L = 'a1'.repeat(32);
const B = 'b2'.repeat(32);
const now = 1_790_000_000_000;
const me = { person: '51'.repeat(16), organisation: 'North Air', origin: 'isotherm/ledger/test' };
const release: Draft = { kind: Kind.Release, shipment, to: { organisation: 'Hill' } };

/** What the ledger answers: by the begin of the path. Nothing listed: nobody answers. */
let answers: Record<string, unknown>;
const asked = () => (get.mock.calls as [string, { fresh?: boolean; query?: unknown }][]).map(([path, o]) => ({ path, fresh: o?.fresh, query: o?.query }));

beforeEach(async () => {
	await db.close();
	globalThis.indexedDB = new IDBFactory();
	answers = {};
	get.mockReset();
	get.mockImplementation(async (path: string, o: { fresh?: boolean }) => {
		for (const [begin, answer] of Object.entries(answers)) {
			if (path.startsWith(begin) && !(answer as { stale?: boolean }).stale) return answer;
			if (path.startsWith(begin) && !o.fresh) return answer;
		}
		throw Object.assign(new Error('nobody'), { status: 0, offline: true });
	});
});

const tipAnswer = (size: number) => ({ tip: L, box_head: toBase64(headAt(size)), node: 'n', entries: 1 });
const caseOf = (tip: string, size: number, history: string[]) =>
	({ tip, box_head: toBase64(headAt(size)), summary: { id: shipment }, history: history.map((hash) => ({ hash })) }) as never;
const said = (size: number, tip: string) => ({ head: headAt(size), address: 'http://192.168.4.1', nowMS: now, recorded: size, flushed: size, receipted: 0, unsent: size, waitingSinceMS: 0,
	shipments: [{ shipment, tip, alarm: false }], acts: [] });

test('with the ledger an act follows its newest claim and cites its newest head', async () => {
	answers[`/v1/shipments/${shipment}/tip`] = tipAnswer(40);
	const p = await prepare(release, me, [], now);
	expect(asked()[0]).toMatchObject({ fresh: true });
	expect(p.source).toBe('ledger');
	expect(p.statement).toMatchObject({ ledger: me.origin, by: { person: me.person, organisation: me.organisation }, parent: L, eventTimeMS: now, validMS: now + 30 * 60_000 });
	expect(p.statement.head).toEqual(headAt(40));
	expect(p.seen?.head.size).toBe(40);
	expect(p.statement.id).toMatch(/^[0-9a-f]{32}$/);
	newAct(p.statement);
});

test('without a network it follows what was read last, and what the box said since', async () => {
	await expect(prepare(release, me, [], now)).rejects.toThrow(NoTip);
	await rememberCase(caseOf(L, 40, ['00'.repeat(32), L]));
	expect(await caseKept(shipment)).toMatchObject({ tip: true, head: true });
	const first = await prepare(release, me, [], now);
	expect(first).toMatchObject({ source: 'cache', statement: { parent: L } });
	expect(await rememberBox(said(52, B))).toBe(box);
	const second = await prepare(release, me, [], now);
	expect(second).toMatchObject({ source: 'box', statement: { parent: B } });
	expect(second.statement.head).toEqual(headAt(52));
	const third = await prepare({ ...release, kind: Kind.Accept }, me, [{ hash: 'c3'.repeat(32), parent: B }], now);
	expect(third).toMatchObject({ source: 'queue', statement: { parent: 'c3'.repeat(32) } });
	expect(third.statement.validMS).toBeUndefined();
});

test('a box that fell behind the ledger does not take an act back', async () => {
	await rememberBox(said(30, '00'.repeat(32)));
	await rememberCase(caseOf(L, 40, ['00'.repeat(32), L]));
	const p = await prepare(release, me, [], now);
	expect(p).toMatchObject({ source: 'cache', statement: { parent: L } });
	expect(p.seen?.head.size).toBe(40);
	await rememberBox(said(20, B)); // an older code, scanned later, changes nothing
	expect((await caseNow(shipment)).seen.map((s) => s.head.size)).toEqual([40, 30]);
});

test('a node without a majority is better than nothing, and is no fresh answer', async () => {
	answers[`/v1/shipments/${shipment}/tip`] = { ...tipAnswer(40), stale: true };
	expect((await prepare(release, me, [], now)).source).toBe('cache');
	expect(asked().map((a) => a.fresh)).toEqual([true, false]);
});

test('a phone that never read the case follows and cites what another phone brought', async () => {
	const brought = await makeAct({ ...release, shipment, head: headAt(61), reason: 0, parent: L });
	const queued = queuedClaims([{ act: brought, hash: 'd4'.repeat(32), shipment, state: 'waiting' }], shipment);
	const p = await prepare({ kind: Kind.Accept, shipment }, me, queued, now);
	expect(p).toMatchObject({ source: 'queue', statement: { parent: 'd4'.repeat(32) } });
	expect(p.statement.head).toEqual(headAt(61));
	expect(p.seen?.head.size).toBe(61);
});

test('signing out forgets the case', async () => {
	await rememberCase(caseOf(L, 40, [L]));
	await cache.wipe();
	expect(await caseKept(shipment)).toMatchObject({ tip: false });
});

test('packing cites the newest head of the box, and one from before when it is stated late', async () => {
	const pack: Draft = { kind: Kind.Pack, shipment, box, profile: new Uint8Array(9) };
	answers[`/v1/shipments/${shipment}/tip`] = { tip: L, node: 'n', entries: 1 };
	await expect(prepare(pack, me, [], now)).rejects.toThrow(NoHead);
	await rememberBox(said(52, ''));
	expect((await prepare(pack, me, [], now)).statement.head).toEqual(headAt(52));
	answers[`/v1/boxes/${box}/head`] = { head: toBase64(headAt(48)) };
	expect((await prepare(pack, me, [], now)).statement.head).toEqual(headAt(52)); // the box's own word is newer
	get.mockClear();
	const late = await prepare({ ...pack, eventTimeMS: now - 3 * 60_000, zone: 60 }, me, [], now);
	expect(late.statement.head).toEqual(headAt(48));
	expect(late.seen?.head.size).toBe(52);
	expect(asked()).toContainEqual(expect.objectContaining({ query: { at_ms: now - 3 * 60_000 } }));
	delete answers[`/v1/boxes/${box}/head`];
	expect((await prepare({ ...pack, eventTimeMS: now - 3 * 60_000, zone: 60 }, me, [], now)).statement.head).toEqual(headAt(52));
});

test('a move cites the head of the old box and of the new one', async () => {
	const other = 'ef'.repeat(16);
	answers[`/v1/shipments/${shipment}/tip`] = tipAnswer(40);
	answers[`/v1/boxes/${other}/head`] = { head: toBase64(headAt(7, other)) };
	const p = await prepare({ kind: Kind.Move, shipment, segment: Segment.MovedBox, newBox: other }, me, [], now);
	expect(p.statement.head).toEqual(headAt(40));
	expect(p.statement.newHead).toEqual(headAt(7, other));
	const none = await prepare({ kind: Kind.Move, shipment, segment: Segment.NoTracker }, me, [], now);
	expect(none.statement.head).toEqual(headAt(40));
	expect(none.statement.newHead).toBeUndefined();
	newAct(p.statement);
	newAct(none.statement);
});

test('what a page gives stays as it is', async () => {
	answers[`/v1/shipments/${shipment}/tip`] = tipAnswer(40);
	const given: Draft = { ...release, parent: B, head: headAt(60), validMS: now + 1, eventTimeMS: now - 60_000, zone: 0, id: '77'.repeat(16) };
	const p = await prepare(given, me, [], now);
	expect(p.statement).toMatchObject({ parent: B, validMS: now + 1, eventTimeMS: now - 60_000, zone: 0, id: '77'.repeat(16) });
	expect(p.statement.head).toEqual(headAt(60));
	expect(p.seen?.head.size).toBe(60); // newer than what the ledger has: cited beside the signature as well
	expect(given.parent).toBe(B);
	const oneSide = await prepare({ ...release, evidence: Evidence.OneSide, reason: 20, reference: 'AWB 1' }, me, [], now);
	expect(oneSide.statement.validMS).toBeUndefined(); // custody moves at once: no offer is open
});

test('notes cite no head in the statement, a claim that opens follows nothing', async () => {
	answers[`/v1/shipments/${shipment}/tip`] = tipAnswer(40);
	const note = await prepare({ kind: Kind.Preserve, shipment, preservation: 4 }, me, [], now);
	expect(note.statement.head).toBeUndefined();
	expect(note.seen?.head.size).toBe(40);
	get.mockClear();
	const open = await prepare({ kind: Kind.Open, organ: 1, dest: 'Hill' }, me, [], now);
	expect(open.statement.parent).toBeUndefined();
	expect(open.statement.shipment).toMatch(/^[0-9a-f]{32}$/);
	expect(get).not.toHaveBeenCalled();
});

test('the newest head of a box is the ledger’s or the box’s own, whichever is longer', async () => {
	expect(await newestHead(box)).toBeUndefined();
	answers[`/v1/boxes/${box}/head`] = { head: toBase64(headAt(99)) };
	await rememberBox(said(52, ''));
	expect((await newestHead(box))?.head.size).toBe(99);
	expect(fromBase64(toBase64(headAt(99) as Bytes))).toEqual(headAt(99));
});
