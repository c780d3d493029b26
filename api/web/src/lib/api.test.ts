import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { api, ApiError, credential } from './api';
import { net } from './net.svelte';

const answers: (Response | Error)[] = [];
const asked: Request[] = [];

beforeEach(() => {
	vi.useFakeTimers();
	answers.length = asked.length = 0;
	vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
		asked.push(new Request(new URL(path, 'https://ledger.test'), { ...init, signal: null }));
		const next = answers.length > 1 ? answers.shift() : answers[0];
		return next instanceof Error ? Promise.reject(next) : Promise.resolve(next!.clone());
	});
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
	credential.bearer = null;
	credential.onUnauthenticated = null;
});

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
	new Response(JSON.stringify(body), { status, headers: { 'Content-Type': status < 300 ? 'application/json' : 'application/problem+json', ...headers } });

async function run<T>(p: Promise<T>): Promise<T | ApiError> {
	const settled = p.catch((e: unknown) => e as ApiError);
	await vi.runAllTimersAsync();
	return settled;
}

test('a dead node and an election go unnoticed', async () => {
	answers.push(new TypeError('network'), json(503, { code: 'unavailable', detail: 'no leader' }), new Response('', { status: 502 }), json(200, { n: 7 }));
	expect(await run(api.get('/v1/x', { query: { a: 1, b: undefined } }))).toEqual({ n: 7 });
	expect(asked.map((r) => r.url)).toEqual(Array(4).fill('https://ledger.test/v1/x?a=1'));
	expect(net.down).toBe(false);
});

test('no node for 15 seconds is offline', async () => {
	answers.push(new TypeError('network'));
	const began = Date.now();
	const err = await run(api.get('/v1/x'));
	expect(err).toMatchObject({ offline: true, code: 'offline' });
	expect(Date.now() - began).toBeGreaterThan(10_000);
	expect(Date.now() - began).toBeLessThanOrEqual(15_000);
	expect(net.down).toBe(true);
});

test('a plain POST is sent once, an act until a node answers', async () => {
	answers.push(new TypeError('network'));
	expect(await run(api.post('/v1/x', {}))).toMatchObject({ offline: true });
	expect(asked.length).toBe(1);
	answers.push(json(200, { index: 1 }));
	expect(await run(api.postBytes('/v1/acts', new Uint8Array([1])))).toEqual({ index: 1 });
	expect(asked.length).toBe(3);
	expect(asked[2]?.headers.get('Isotherm-Request')).toBe('1');
});

test('a problem keeps what the ledger said', async () => {
	const told = vi.fn();
	credential.onUnauthenticated = told;
	answers.push(json(429, { code: 'overloaded', detail: 'too many', hint: 'wait', errors: [{ pointer: '/a', message: 'b' }] }, { 'Retry-After': '30' }));
	expect(await run(api.post('/v1/sessions', {}))).toMatchObject({ status: 429, code: 'overloaded', hint: 'wait', retryAfterS: 30, offline: false, errors: [{ pointer: '/a' }] });
	answers[0] = json(401, { code: 'unauthenticated', detail: 'no' });
	expect(await run(api.get('/v1/me'))).toMatchObject({ status: 401 });
	expect(told).toHaveBeenCalledOnce();
});

test('a token goes along, and the cookie stays at home', async () => {
	credential.bearer = 'secret';
	answers.push(json(200, {}));
	await run(api.get('/v1/x'));
	expect(asked[0]?.headers.get('Authorization')).toBe('Bearer secret');
	expect(asked[0]?.credentials).toBe('omit');
});

test('who stops asking gets no answer', async () => {
	answers.push(new TypeError('network'));
	const stop = new AbortController();
	const got = api.get('/v1/x', { signal: stop.signal }).catch((e: unknown) => e);
	stop.abort(new Error('left'));
	await vi.runAllTimersAsync();
	expect(await got).toEqual(new Error('left'));
});
