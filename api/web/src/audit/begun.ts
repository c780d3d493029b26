// Exports that this person began on this device: so that one whose node died can be made anew with the same words.
import type { S } from '../lib/api';
import * as cache from '../offline/cache';

const key = 'exports.begun';
/** Exports wait an hour; those that are older are nobody's loss. */
export const keptMS = 65 * 60_000;
const most = 64;

export interface Begun {
	id: string;
	request: S['ExportRequest'];
	begunMS: number;
}

export function fresh(list: readonly Begun[], now: number): Begun[] {
	return list.filter((b) => now - b.begunMS < keptMS).slice(0, most);
}

export async function all(): Promise<Begun[]> {
	return fresh((await cache.get<Begun[]>(key))?.value ?? [], Date.now());
}

export async function remember(b: Begun): Promise<void> {
	await cache.put(key, fresh([b, ...(await all()).filter((x) => x.id !== b.id)], Date.now()));
}

export async function forget(id: string): Promise<void> {
	await cache.put(key, (await all()).filter((b) => b.id !== id));
}
