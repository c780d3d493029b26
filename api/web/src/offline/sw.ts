// The service worker: it keeps the built pages on the device, all of one version, so that they open without a network.
//
// Files have stable names, so a page must never mix two versions: every file comes from the cache of the version that is active. A new
// version is fetched whole beside it, each file checked against the hash that it was built with, and takes over at the next start, when no
// page of the old one is open any more. What the ledger answers under /v1 is never kept here, and nothing is ever sent from here.

interface Waits extends Event {
	waitUntil(p: Promise<unknown>): void;
}
interface Fetches extends Waits {
	readonly request: Request;
	respondWith(r: Promise<Response>): void;
}
interface Scope {
	readonly registration: ServiceWorkerRegistration;
	readonly clients: { claim(): Promise<void>; matchAll(o?: { type?: 'window' }): Promise<readonly unknown[]> };
	skipWaiting(): Promise<void>;
	addEventListener(type: 'install' | 'activate', f: (e: Waits) => void): void;
	addEventListener(type: 'fetch', f: (e: Fetches) => void): void;
	addEventListener(type: 'message', f: (e: MessageEvent) => void): void;
}

// Put in when the worker is built: the version, and [path, integrity] of every file.
declare const SHELL_VERSION: string;
declare const SHELL_FILES: readonly (readonly [string, string])[];

const scope = self as unknown as Scope;
export {};

const prefix = 'isotherm-shell-';
const name = prefix + SHELL_VERSION;
const files = new Set(SHELL_FILES.map(([path]) => path));

/** Paths that are the server's: the API, the log, the contract, the demo's door. A label's page is its, too, unless there is no network. */
const servers = /^\/(?:v1|docs|tile|demo-api)(?:\/|$)|^\/(?:openapi\.(?:yaml|json)|checkpoint|sw\.js)$/;
const stranger = /^\/b\//;
const patienceMS = 4000;

async function install(): Promise<void> {
	const cache = await caches.open(name);
	await Promise.all(SHELL_FILES.map(async ([path, integrity]) => {
		const response = await fetch(path, { integrity, cache: 'no-cache' }); // fails for a file of another version
		if (!response.ok) throw new Error(`${path}: ${response.status}`);
		await cache.put(path, response);
	}));
}

async function activate(): Promise<void> {
	for (const n of await caches.keys()) if (n.startsWith(prefix) && n !== name) await caches.delete(n);
	await scope.clients.claim();
}

async function kept(path: string): Promise<Response> {
	const found = await (await caches.open(name)).match(path);
	return found ?? fetch(path);
}

let tookOver = false;

/** A page of the app: this version's, or by one reload the next version's when that waits and no other page is open. */
async function page(): Promise<Response> {
	const next = scope.registration.waiting;
	if (next && !tookOver && (await scope.clients.matchAll({ type: 'window' })).length < 2) {
		tookOver = true; // once: a version that can't take over must not make the page reload for ever
		next.postMessage('take over');
		return new Response('', { headers: { Refresh: '0', 'Content-Type': 'text/html' } });
	}
	return kept('/index.html');
}

/** The page of a label: the server's words for a stranger, the app without a network. */
async function label(request: Request): Promise<Response> {
	try {
		return await fetch(request, { signal: AbortSignal.timeout(patienceMS) });
	} catch {
		return kept('/index.html');
	}
}

scope.addEventListener('install', (e) => e.waitUntil(install()));
scope.addEventListener('activate', (e) => e.waitUntil(activate()));
scope.addEventListener('message', (e) => {
	if (e.data === 'take over') void scope.skipWaiting();
});
scope.addEventListener('fetch', (e) => {
	const { request } = e;
	const url = new URL(request.url);
	if (request.method !== 'GET' || url.origin !== location.origin || servers.test(url.pathname)) return;
	if (request.mode === 'navigate') e.respondWith(stranger.test(url.pathname) ? label(request) : page());
	else if (files.has(url.pathname)) e.respondWith(kept(url.pathname));
});
