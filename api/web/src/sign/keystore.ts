// A person's signing key on their own device. It is made by WebCrypto, wrapped before anything else happens with it, first under a key
// derived from the PIN, then under a key of this device that no script can read. To sign it is unwrapped for one signature, not
// extractable, and dropped. Its bytes are never in a script's hands.
//
// What this does not do: hold up somebody who controls the page while its owner types the PIN. Nor for long somebody who copies the
// browser's files and guesses PINs on hardware of their own: six digits at 600,000 rounds last minutes, each digit more ten times as
// long. A lost device is reported, and its key replaced.
import * as db from '../offline/db';
import { concat, fromHex, toHex } from './bytes';
import type { Bytes } from './cbor';
import type { Signer } from './signature';

/** Rounds of PBKDF2-HMAC-SHA-256 for one guess of a PIN: what OWASP's password storage cheat sheet wants. */
const rounds = 600_000;
export const minPIN = 6;
export const maxPIN = 64;

export class WrongPIN extends Error {
	/** untilMS: no other try before then, Unix milliseconds. */
	constructor(readonly untilMS: number) {
		super('the PIN is wrong');
		this.name = 'WrongPIN';
	}
}

export class TooSoon extends Error {
	constructor(readonly untilMS: number) {
		super('too many wrong PINs: wait');
		this.name = 'TooSoon';
	}
}

export class NoKey extends Error {
	constructor() {
		super('this device has no signing key of this person');
		this.name = 'NoKey';
	}
}

/** What lies in the store is not what was put there. */
export class KeyDamaged extends Error {
	constructor(cause: unknown) {
		super('the signing key on this device is damaged', { cause });
		this.name = 'KeyDamaged';
	}
}

interface Locked {
	version: 1;
	person: string;
	publicKey: string;
	madeMS: number;
	rounds: number;
	salt: Bytes;
	pinIV: Bytes;
	deviceIV: Bytes;
	sealed: Bytes;
}

interface Wait {
	wrong: number;
	untilMS: number;
}

/** Whose key is made before they are enrolled: adoptKey gives it to them. */
export const nobody = '0'.repeat(32);

const utf8 = new TextEncoder();
const deviceSlot = 'device';
const slotOf = (person: string) => `key:${person}`;
const nextOf = (person: string) => `next:${person}`;
const waitOf = (person: string) => `wait:${person}`;

export function pinProblem(pin: string): '' | 'short' | 'long' | 'digits' {
	if (!/^[0-9]*$/.test(pin)) return 'digits';
	if (pin.length < minPIN) return 'short';
	return pin.length > maxPIN ? 'long' : '';
}

/** Tells whether a PIN is among the first that a thief tries: one digit, a run, or a short pattern over and over. */
export function isEasyPIN(pin: string): boolean {
	const steps = [...pin].slice(1).map((d, i) => (Number(d) - Number(pin[i]) + 10) % 10);
	const run = steps.every((s) => s === 1) || steps.every((s) => s === 9);
	return run || /^(\d{1,3})\1+$/.test(pin) || /^0*$/.test(pin.replace(/(\d)\1/g, '00')); // the last: 112233
}

/** Tells whether this browser can make and use such keys: a secure context with Ed25519 and a store. */
export async function supported(): Promise<boolean> {
	try {
		await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
		return typeof indexedDB !== 'undefined';
	} catch {
		return false;
	}
}

/** Asks the browser to keep our data also when the device runs full. */
export async function persist(): Promise<boolean> {
	try {
		return (await navigator.storage.persisted()) || (await navigator.storage.persist());
	} catch {
		return false;
	}
}

export async function persisted(): Promise<boolean> {
	try {
		return await navigator.storage.persisted();
	} catch {
		return false;
	}
}

async function deviceKey(): Promise<CryptoKey> {
	const kept = await db.get<CryptoKey>('keys', deviceSlot);
	if (kept) return kept;
	const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
	return (await db.update<CryptoKey>('keys', deviceSlot, (before) => before ?? made))!;
}

async function pinKey(pin: string, salt: Bytes, n: number): Promise<CryptoKey> {
	const base = await crypto.subtle.importKey('raw', utf8.encode(pin), 'PBKDF2', false, ['deriveKey']);
	return crypto.subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: n }, base, { name: 'AES-GCM', length: 256 }, false, ['wrapKey', 'unwrapKey']);
}

/** What both seals cover beside the key. */
function header(person: string, publicKey: string): Bytes {
	return concat(utf8.encode('isotherm/web-key/v1\n'), fromHex(person, 16), fromHex(publicKey, 32));
}

async function lock(key: CryptoKey, person: string, publicKey: string, pin: string): Promise<Locked> {
	const salt = crypto.getRandomValues(new Uint8Array(16));
	const pinIV = crypto.getRandomValues(new Uint8Array(12));
	const deviceIV = crypto.getRandomValues(new Uint8Array(12));
	const additionalData = header(person, publicKey);
	const inner = await crypto.subtle.wrapKey('pkcs8', key, await pinKey(pin, salt, rounds), { name: 'AES-GCM', iv: pinIV, additionalData });
	const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: deviceIV, additionalData }, await deviceKey(), inner);
	return { version: 1, person, publicKey, madeMS: Date.now(), rounds, salt, pinIV, deviceIV, sealed: new Uint8Array(sealed) };
}

/** Unwraps a key. undefined: the PIN is wrong. */
async function unlock(l: Locked, pin: string, extractable: boolean): Promise<CryptoKey | undefined> {
	const additionalData = header(l.person, l.publicKey);
	let inner: ArrayBuffer;
	try {
		inner = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: l.deviceIV, additionalData }, await deviceKey(), l.sealed);
	} catch (err) {
		throw new KeyDamaged(err);
	}
	try {
		return await crypto.subtle.unwrapKey('pkcs8', inner, await pinKey(pin, l.salt, l.rounds), { name: 'AES-GCM', iv: l.pinIV, additionalData }, 'Ed25519',
			extractable, ['sign']);
	} catch {
		return undefined;
	}
}

/** How long to wait after so many wrong PINs in a row: three are slips. */
export function waitAfter(wrong: number): number {
	return wrong < 3 ? 0 : Math.min(15 * 60_000, 5_000 * 3 ** (wrong - 3));
}

/** Runs one try of a PIN. The try is counted before it is made, so that a reload in between is one, too. */
async function tryPIN(l: Locked, pin: string, extractable: boolean): Promise<CryptoKey> {
	const now = Date.now();
	const slot = waitOf(l.person);
	let early = 0;
	const counted = await db.update<Wait>('keys', slot, (before) => {
		// A clock that was set back must not lock its owner out for longer than the longest wait.
		early = before && before.untilMS > now ? Math.min(before.untilMS, now + waitAfter(before.wrong)) : 0;
		if (early) return undefined;
		const wrong = (before?.wrong ?? 0) + 1;
		return { wrong, untilMS: now + waitAfter(wrong) };
	});
	if (early) throw new TooSoon(early);
	const key = await unlock(l, pin, extractable);
	if (!key) throw new WrongPIN(waitAfter(counted!.wrong) ? counted!.untilMS : 0);
	await db.del('keys', slot);
	return key;
}

async function load(person: string): Promise<Locked> {
	const l = await db.get<Locked>('keys', slotOf(person));
	if (!l) throw new NoKey();
	return l;
}

/**
 * Makes a key of a person and returns its public half, hexadecimal. When there is one already, the new one waits beside it until
 * useNewKey, so that the person can go on signing with the old one.
 */
export async function makeKey(person: string, pin: string): Promise<string> {
	if (pinProblem(pin)) throw new RangeError(`a PIN has at least ${minPIN} digits`);
	const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
	const publicKey = toHex(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
	const locked = await lock(pair.privateKey, person, publicKey, pin);
	const first = person === nobody || !(await hasKey(person)); // no ledger waits for nobody's old key
	await db.put('keys', first ? slotOf(person) : nextOf(person), locked);
	if (person === nobody) await db.del('keys', waitOf(nobody));
	await persist();
	return publicKey;
}

export async function hasKey(person: string): Promise<boolean> {
	return (await db.get<Locked>('keys', slotOf(person)).catch(() => undefined)) !== undefined;
}

/** Public half of the key that signs, hexadecimal; undefined when this device has none. */
export async function publicKey(person: string): Promise<string | undefined> {
	return (await db.get<Locked>('keys', slotOf(person)).catch(() => undefined))?.publicKey;
}

/** Public half of the key that waits until the ledger knows it. */
export async function waitingKey(person: string): Promise<string | undefined> {
	return (await db.get<Locked>('keys', nextOf(person)).catch(() => undefined))?.publicKey;
}

/** How this device's keys stand against the one that the ledger knows (hexadecimal). */
export type KeyState = 'none' | 'ready' | 'unknown'; // unknown: there is a key, and the ledger knows another

/** Begins to sign with the key that waits, when that is the one that the ledger knows; says how the keys stand then. */
export async function useNewKey(person: string, known: string): Promise<KeyState> {
	const now = await publicKey(person);
	if (now === known) return 'ready';
	const next = await db.get<Locked>('keys', nextOf(person));
	if (next?.publicKey !== known) return now === undefined ? 'none' : 'unknown';
	await db.put('keys', slotOf(person), next); // a crash before the next line leaves it twice, which does no harm
	await db.del('keys', nextOf(person));
	await db.del('keys', waitOf(person));
	return 'ready';
}

/** Unlocks the key for one piece of work, an act or a card, and drops it. Errors: NoKey, WrongPIN, TooSoon, KeyDamaged. */
export async function withKey<T>(person: string, pin: string, work: (signer: Signer) => Promise<T>): Promise<T> {
	const l = await load(person);
	let key: CryptoKey | undefined = await tryPIN(l, pin, false);
	const signer: Signer = {
		publicKey: fromHex(l.publicKey, 32),
		async sign(b) {
			if (!key) throw new Error('the key is locked again');
			return new Uint8Array(await crypto.subtle.sign('Ed25519', key, b));
		},
	};
	try {
		return await work(signer);
	} finally {
		key = undefined;
	}
}

/** Signs bytes. The caller has put the domain before them, see signature.ts. */
export function sign(person: string, pin: string, b: Bytes): Promise<Bytes> {
	return withKey(person, pin, (signer) => signer.sign(b));
}

/**
 * Makes nobody's key the person's, and returns its public half. When the person has a key on this device already, it waits beside that
 * one. Errors: NoKey, WrongPIN, TooSoon, KeyDamaged.
 */
export async function adoptKey(person: string, pin: string): Promise<string> {
	const l = await load(nobody);
	const key = await tryPIN(l, pin, true);
	const locked = { ...(await lock(key, person, l.publicKey, pin)), madeMS: l.madeMS };
	const here = await publicKey(person);
	await db.put('keys', here === undefined || here === l.publicKey ? slotOf(person) : nextOf(person), locked);
	await forget(nobody); // a crash before this line leaves it twice, which does no harm
	return l.publicKey;
}

/** Locks the same key under another PIN, and the one that waits beside it when that has the same PIN: else the old PIN would still open it. */
export async function changePIN(person: string, before: string, after: string): Promise<void> {
	if (pinProblem(after)) throw new RangeError(`a PIN has at least ${minPIN} digits`);
	const l = await load(person);
	const key = await tryPIN(l, before, true);
	const next = await db.get<Locked>('keys', nextOf(person));
	const waiting = next && (await unlock(next, before, true).catch(() => undefined)); // a damaged one keeps nobody from changing the other's PIN
	if (waiting) await db.put('keys', nextOf(person), { ...(await lock(waiting, person, next.publicKey, after)), madeMS: next.madeMS });
	await db.put('keys', slotOf(person), { ...(await lock(key, person, l.publicKey, after)), madeMS: l.madeMS });
}

/** Removes a person's keys from this device. They can't be had back. */
export async function forget(person: string): Promise<void> {
	for (const slot of [slotOf(person), nextOf(person), waitOf(person)]) await db.del('keys', slot);
}
