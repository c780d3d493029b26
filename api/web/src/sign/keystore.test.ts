import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as db from '../offline/db';
import { concat, fromHex, toHex } from './bytes';
import { adoptKey, changePIN, forget, hasKey, isEasyPIN, KeyDamaged, makeKey, nobody, NoKey, pinProblem, publicKey, sign, supported, TooSoon, useNewKey, waitAfter, waitingKey, withKey, WrongPIN } from './keystore';

vi.setConfig({ testTimeout: 30_000 }); // a guess of a PIN is meant to be slow

const person = '51'.repeat(16);
const pin = '314159';
const text = new TextEncoder().encode('a statement');

beforeEach(async () => {
	await db.close();
	globalThis.indexedDB = new IDBFactory();
});
afterEach(() => vi.restoreAllMocks());

async function verifies(key: string, sig: Uint8Array<ArrayBuffer>): Promise<boolean> {
	const k = await crypto.subtle.importKey('raw', fromHex(key), 'Ed25519', true, ['verify']);
	return crypto.subtle.verify('Ed25519', k, sig, text);
}

test('a key signs with its PIN, also after a reload', async () => {
	expect(await supported()).toBe(true);
	expect(await hasKey(person)).toBe(false);
	await expect(sign(person, pin, text)).rejects.toThrow(NoKey);
	const key = await makeKey(person, pin);
	expect(await publicKey(person)).toBe(key);
	await db.close(); // all that is left is what the store holds
	expect(await verifies(key, await sign(person, pin, text))).toBe(true);
	expect(await verifies(key, concat(await sign(person, pin, text)).with(3, 0))).toBe(false);
});

test('a wrong PIN is told, counted over reloads, and makes one wait longer and longer', async () => {
	const now = vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
	const key = await makeKey(person, pin);
	for (let i = 1; i <= 2; i++) await expect(sign(person, '000000', text)).rejects.toEqual(new WrongPIN(0));
	await db.close();
	await expect(sign(person, '000000', text)).rejects.toMatchObject({ name: 'WrongPIN', untilMS: 1_005_000 });
	await expect(sign(person, pin, text)).rejects.toMatchObject({ name: 'TooSoon', untilMS: 1_005_000 }); // the right one waits as well
	now.mockReturnValue(1_005_000);
	await expect(sign(person, '000000', text)).rejects.toMatchObject({ untilMS: 1_020_000 });
	now.mockReturnValue(10); // a clock that was set back does not lock anybody out for ever
	await expect(sign(person, pin, text)).rejects.toMatchObject({ name: 'TooSoon', untilMS: 10 + waitAfter(4) });
	now.mockReturnValue(1_020_000);
	expect(await verifies(key, await sign(person, pin, text))).toBe(true);
	await expect(sign(person, '000000', text)).rejects.toEqual(new WrongPIN(0)); // counted anew
	expect([0, 1, 2, 3, 4, 5, 6, 20].map(waitAfter)).toEqual([0, 0, 0, 5000, 15_000, 45_000, 135_000, 900_000]);
});

test('two tabs that guess at once are both counted', async () => {
	await makeKey(person, pin);
	const guesses = await Promise.allSettled([1, 2, 3, 4, 5, 6].map(() => sign(person, '111111', text)));
	const why = guesses.map((g) => (g as PromiseRejectedResult).reason as Error);
	expect(why.filter((e) => e instanceof WrongPIN)).toHaveLength(3);
	expect(why.filter((e) => e instanceof TooSoon)).toHaveLength(3);
});

test('the raw key is in no script hands, and nothing in the store gives it', async () => {
	const exported = vi.spyOn(crypto.subtle, 'exportKey');
	await makeKey(person, pin);
	await sign(person, pin, text);
	expect(exported.mock.calls.map(([format, key]) => [format, (key as CryptoKey).type])).toEqual([['raw', 'public']]);
	const unwrap = vi.spyOn(crypto.subtle, 'unwrapKey');
	const wrapped = await db.get<{ sealed: Uint8Array<ArrayBuffer> }>('keys', `key:${person}`);
	expect(JSON.stringify(Object.values(wrapped!).map((x) => (x instanceof Uint8Array ? toHex(x) : x)))).not.toContain('302e020100300506032b6570');
	await sign(person, pin, text);
	expect(unwrap.mock.calls[0]![5]).toBe(false); // not extractable
	const device = await db.get<CryptoKey>('keys', 'device');
	expect(device!.extractable).toBe(false);
});

test('the key is dropped after the work', async () => {
	await makeKey(person, pin);
	const kept = await withKey(person, pin, async (s) => s);
	await expect(kept.sign(text)).rejects.toThrow(/locked/);
	await expect(withKey(person, pin, async () => Promise.reject(new Error('not sent')))).rejects.toThrow('not sent');
});

test('a new key waits beside the old one until the ledger knows it', async () => {
	const old = await makeKey(person, pin);
	expect(await useNewKey(person, old)).toBe('ready');
	const next = await makeKey(person, '271828');
	expect(await publicKey(person)).toBe(old);
	expect(await waitingKey(person)).toBe(next);
	expect(await useNewKey(person, old)).toBe('ready');
	expect(await verifies(old, await sign(person, pin, text))).toBe(true);
	expect(await useNewKey(person, '00'.repeat(32))).toBe('unknown');
	expect(await useNewKey(person, next)).toBe('ready');
	expect(await waitingKey(person)).toBeUndefined();
	expect(await verifies(next, await sign(person, '271828', text))).toBe(true);
	expect(await useNewKey('77'.repeat(16), next)).toBe('none');
});

test('a key that is made before its owner is enrolled becomes theirs by its PIN', async () => {
	await expect(adoptKey(person, pin)).rejects.toThrow(NoKey);
	await makeKey(nobody, '271828');
	const key = await makeKey(nobody, pin); // nobody waits for the first one
	expect(await publicKey(nobody)).toBe(key);
	await expect(adoptKey(person, '271828')).rejects.toThrow(WrongPIN);
	expect(await adoptKey(person, pin)).toBe(key);
	expect(await hasKey(nobody)).toBe(false);
	expect(await useNewKey(person, key)).toBe('ready');
	expect(await verifies(key, await sign(person, pin, text))).toBe(true);
	const other = await makeKey(nobody, pin);
	await adoptKey(person, pin);
	expect(await waitingKey(person)).toBe(other); // beside the one that signs
	expect(await publicKey(person)).toBe(key);
});

test('another PIN locks the same key', async () => {
	const key = await makeKey(person, pin);
	await expect(changePIN(person, '000000', '161803')).rejects.toThrow(WrongPIN);
	await expect(changePIN(person, pin, '16180')).rejects.toThrow(RangeError);
	await changePIN(person, pin, '161803');
	await expect(sign(person, pin, text)).rejects.toThrow(WrongPIN);
	expect(await verifies(key, await sign(person, '161803', text))).toBe(true);
});

test('another PIN locks the key that waits, too', async () => {
	await makeKey(person, pin);
	const next = await makeKey(person, pin);
	await changePIN(person, pin, '161803');
	await useNewKey(person, next);
	await expect(sign(person, pin, text)).rejects.toThrow(WrongPIN);
	expect(await verifies(next, await sign(person, '161803', text))).toBe(true);
});

test('damage is told from a wrong PIN', async () => {
	await makeKey(person, pin);
	await db.update<{ sealed: Uint8Array }>('keys', `key:${person}`, (x) => ({ ...x!, sealed: x!.sealed.with(5, x!.sealed[5]! ^ 1) }));
	await expect(sign(person, pin, text)).rejects.toThrow(KeyDamaged);
	// A key that is put under somebody else's name does not sign for them.
	await makeKey('77'.repeat(16), pin);
	await db.put('keys', `key:${person}`, { ...(await db.get<object>('keys', `key:${'77'.repeat(16)}`))!, person });
	await expect(sign(person, pin, text)).rejects.toThrow();
	await forget(person);
	await expect(sign(person, pin, text)).rejects.toThrow(NoKey);
});

test('a PIN has at least six digits, and nothing else', () => {
	expect(['123456', '987654', '890123', '000000', '121212', '314314', '112233'].map(isEasyPIN)).not.toContain(false);
	expect(['314159', '271828', '120456', '112234'].map(isEasyPIN)).not.toContain(true);
	expect(['', '12345', '123456', 'abcdef', '12345６', '1'.repeat(64), '1'.repeat(65)].map(pinProblem)).toEqual(['short', 'short', '', 'digits', 'digits', '', 'long']);
});
