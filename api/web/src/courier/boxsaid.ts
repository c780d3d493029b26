// What a box said of itself on this phone, by its code: kept so that the screen can show how much waits on the box.
import * as cache from '../offline/cache';
import type { BoxState } from '../offline/envelope';
import { takeBox } from '../offline/takebox';

const key = (box: string) => `carry:box:${box}`;

interface Kept {
	state: BoxState;
	address: string;
}

/** Keeps what a code said; returns the box, or '' when the code holds no head. */
export async function hearBox(state: BoxState, address = ''): Promise<string> {
	const box = await takeBox(state);
	if (!box) return '';
	const before = await cache.get<Kept>(key(box));
	await cache.put(key(box), { state, address: address || before?.value.address || '' } satisfies Kept);
	return box;
}

/** What the box said last, and when that was. */
export async function boxSaid(box: string): Promise<{ value: BoxState; atMS: number } | undefined> {
	const kept = await cache.get<Kept>(key(box));
	return kept && { value: kept.value.state, atMS: kept.atMS };
}

/** Where the box's own page is, as its code said; empty when it never did. */
export async function boxAddress(box: string): Promise<string> {
	return (await cache.get<Kept>(key(box)))?.value.address ?? '';
}
