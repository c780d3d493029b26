// What a box said of itself on this phone, by its code: kept so that the screen can show how much waits on the box.
import * as cache from '../offline/cache';
import type { BoxState } from '../offline/envelope';

const key = (box: string) => `carry:box:${box}`;


/** Keeps what a code said; returns the box, or '' when the code holds no head. */
export async function hearBox(state: BoxState): Promise<string> {
	const { takeBox } = await import('../offline/takebox');
	const box = await takeBox(state);
	if (box) await cache.put(key(box), state);
	return box;
}

/** What the box said last, and when that was. */
export async function boxSaid(box: string): Promise<{ value: BoxState; atMS: number } | undefined> {
	return cache.get<BoxState>(key(box));
}

/** Where the box's own page is, as its code said; empty when it never did. */
export async function boxAddress(box: string): Promise<string> {
	return (await cache.get<BoxState>(key(box)))?.value.address ?? '';
}
