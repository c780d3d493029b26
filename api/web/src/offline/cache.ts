// What the pages knew last, for when there is no network. It is a copy: losing it loses nothing. Signing out wipes it.
import * as db from './db';

interface Kept<T> {
	atMS: number;
	value: T;
}

let shut = false;

/** Returns what was put last and when (Unix milliseconds), or undefined; also when this browser keeps nothing. */
export async function get<T>(key: string): Promise<{ value: T; atMS: number } | undefined> {
	try {
		return await db.get<Kept<T>>('cache', key);
	} catch {
		return undefined;
	}
}

/** Keeps a value that can be cloned. It never fails: a full device shows the pages without their copy. */
export async function put(key: string, value: unknown, atMS = Date.now()): Promise<boolean> {
	if (shut) return false;
	try {
		await db.put('cache', key, { atMS, value } satisfies Kept<unknown>);
		return true;
	} catch {
		return false;
	}
}

export async function del(key: string): Promise<void> {
	await db.del('cache', key).catch(() => undefined);
}

/** Forgets all that was read, and keeps nothing more until open: an answer that comes after a person signed out is nobody's to find. */
export async function close(): Promise<void> {
	shut = true;
	await wipe();
}

/** Keeps what is read: somebody is signed in. */
export function open(): void {
	shut = false;
}

/** Forgets all that was read. Acts that wait and locked keys stay. */
export async function wipe(): Promise<void> {
	await db.clear('cache');
}
