// The service worker: it keeps the built pages on the device, all of one version, so that they open without a network.
//
// Files have stable names, so a page must never mix two versions: every file comes from the cache of the version that is active. A new
// version is fetched whole beside it, each file checked against the hash that it was built with, and takes over at the next start: when no
// page of the old one is open any more, or when the only one is loaded anew (see worker.ts). What the ledger answers under /v1 is never kept here, and nothing is ever sent from here.

export {}; // a module: its names are its own

interface Waits extends Event {
	waitUntil(p: Promise<unknown>): void;
}
interface Fetches extends Waits {
	readonly request: Request;
	respondWith(r: Promise<Response>): void;
}
interface Scope {
	readonly clients: { claim(): Promise<void>; matchAll(o: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly unknown[]> };
	skipWaiting(): Promise<void>;
	addEventListener(type: 'install' | 'activate', f: (e: Waits) => void): void;
	addEventListener(type: 'fetch', f: (e: Fetches) => void): void;
	addEventListener(type: 'message', f: (e: Waits & MessageEvent) => void): void;
}

// Put in when the worker is built: the version, and [path, integrity] of every file.
declare const SHELL_VERSION: string;
declare const SHELL_FILES: readonly (readonly [string, string])[];

const shell = SHELL_FILES;
const scope = self as unknown as Scope;
const prefix = 'isotherm-shell-';
const name = prefix + SHELL_VERSION;
const files = new Set(shell.map(([path]) => path));

/** Paths that are the server's: the API, the log, the contract, the demo's door. A label's page is its, too, unless there is no network. */
const servers = /^\/(?:v1|docs|tile|demo-api)(?:\/|$)|^\/(?:openapi\.(?:yaml|json)|checkpoint|sw\.js)$/;
const stranger = /^\/b\//;
const patienceMS = 4000;

async function install(): Promise<void> {
	const cache = await caches.open(name);
	await Promise.all(shell.map(async ([path, integrity]) => {
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

/** Makes this waiting version the active one, when the page that asks for it is the only one that is open. */
async function takeOver(): Promise<void> {
	if ((await scope.clients.matchAll({ type: 'window', includeUncontrolled: true })).length === 1) await scope.skipWaiting();
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
	if (e.data === 'take over') e.waitUntil(takeOver());
});
scope.addEventListener('fetch', (e) => {
	const { request } = e;
	const url = new URL(request.url);
	if (request.method !== 'GET' || url.origin !== location.origin || servers.test(url.pathname)) return;
	if (request.mode === 'navigate') e.respondWith(stranger.test(url.pathname) ? label(request) : kept('/index.html'));
	else if (files.has(url.pathname)) e.respondWith(kept(url.pathname));
});
