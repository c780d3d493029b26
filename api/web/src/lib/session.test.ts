import 'fake-indexeddb/auto';
import { afterEach, expect, test, vi } from 'vitest';
import * as cache from '../offline/cache';
import { refresh, session, signOut } from './session.svelte';

const me = { person: 'a'.repeat(32), name: 'Ana', organisation: 'AIR', role: 'courier', origin: 'l.example/x' };
const answer = (status: number, body?: unknown) => new Response(body === undefined ? null : JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });

afterEach(() => vi.unstubAllGlobals());

test('what is answered after signing out is not kept, and nobody is signed in by it', async () => {
	let late: (r: Response) => void = () => undefined;
	let asked = 0;
	vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
		if (init.method === 'DELETE') return Promise.resolve(answer(204));
		return ++asked === 1 ? Promise.resolve(answer(200, me)) : new Promise<Response>((resolve) => (late = resolve));
	});
	await refresh();
	expect(session.me?.person).toBe(me.person);
	expect(await cache.put('case:1', 'a case')).toBe(true);

	const asking = refresh();
	await signOut();
	late(answer(200, me));
	await asking;
	expect(session.me).toBeNull();
	expect(await cache.put('case:2', 'a case that came late')).toBe(false);
	for (const key of ['me', 'case:1', 'case:2']) expect(await cache.get(key), key).toBeUndefined();

	vi.stubGlobal('fetch', () => Promise.resolve(answer(200, me)));
	await refresh();
	expect(await cache.put('case:3', 'of who signed in then')).toBe(true);
});
