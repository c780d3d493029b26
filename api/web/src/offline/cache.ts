// What the pages knew last, for when there is no network. It is a copy: losing it loses nothing. Signing out wipes it.
import * as db from './db';

interface Kept<T> {
	atMS: number;
	value: T;
}

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

/** Forgets all that was read. Acts that wait and locked keys stay. */
export async function wipe(): Promise<void> {
	await db.clear('cache');
}
