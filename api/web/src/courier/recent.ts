// To whom boxes went last from this phone: the likely ones are one tap away. Pure but for the store.
import * as cache from '../offline/cache';
import type { Party } from '../sign/act';

const key = 'carry:recent';
const most = 6;

const same = (a: Party, b: Party) => (a.person ?? '') === (b.person ?? '') && a.organisation === b.organisation && (a.desk ?? '') === (b.desk ?? '');

/** The list with one more at its head, each once. */
export function withRecent(list: readonly Party[], p: Party): Party[] {
	return [p, ...list.filter((x) => !same(x, p))].slice(0, most);
}

export async function recent(): Promise<Party[]> {
	return (await cache.get<Party[]>(key))?.value ?? [];
}

export async function remember(p: Party): Promise<void> {
	await cache.put(key, withRecent(await recent(), p));
}
