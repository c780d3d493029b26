// One live feed for the page. It is read with fetch, because a wall screen and a share link have a token, which EventSource can't
// send. It resumes behind the last event when a node dies, and rests while nobody listens.
import { credential, type S } from './api';
import { net } from './net.svelte';

type Listener = (e: S['FeedEvent']) => void;

const silenceMS = 40_000; // the ledger says something every 15 s

const listeners = new Set<Listener>();
const upListeners = new Set<() => void>();
let running: AbortController | undefined;
let last: number | undefined;

/** Calls fn with every event from now on; the result ends that. */
export function onEvent(fn: Listener): () => void {
	listeners.add(fn);
	running ??= start();
	return () => {
		listeners.delete(fn);
		if (listeners.size > 0) return;
		running?.abort();
		running = undefined;
	};
}

/** Calls fn whenever the feed comes up again: what happened in between may have been missed by a new node. */
export function onUp(fn: () => void): () => void {
	upListeners.add(fn);
	return () => upListeners.delete(fn);
}

/** After another person signed in: begins anew. */
export function restart(): void {
	last = undefined;
	if (running === undefined) return;
	running.abort();
	running = listeners.size > 0 ? start() : undefined;
}

// A page that was left stays in the browser's back-forward cache with its connection, of which a browser has six to a server without
// TLS: six such pages, and nothing more would be answered.
globalThis.addEventListener?.('pagehide', () => {
	running?.abort();
	running = undefined;
});
globalThis.addEventListener?.('pageshow', () => {
	if (running !== undefined || listeners.size === 0) return;
	running = start();
	for (const fn of upListeners) fn();
});

function start(): AbortController {
	const stop = new AbortController();
	void run(stop.signal);
	return stop;
}

async function run(signal: AbortSignal): Promise<void> {
	for (let wait = 300, first = true; !signal.aborted; first = false) {
		const began = Date.now();
		try {
			await listen(signal, first);
			wait = 300;
		} catch {
			/* the next try says more */
		}
		if (signal.aborted) return;
		if (Date.now() - began > 10_000) wait = 300;
		await sleep(wait * (0.75 + Math.random() / 2), signal);
		wait = Math.min(wait * 2, 15_000);
	}
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const done = () => {
			clearTimeout(timer);
			signal.removeEventListener('abort', done);
			window.removeEventListener('online', done);
			resolve();
		};
		const timer = setTimeout(done, ms);
		signal.addEventListener('abort', done);
		window.addEventListener('online', done);
	});
}

/** Reads one connection until it ends. */
async function listen(signal: AbortSignal, first: boolean): Promise<void> {
	const silence = new AbortController();
	let timer = setTimeout(() => silence.abort(), silenceMS);
	const headers: Record<string, string> = { Accept: 'text/event-stream' };
	if (credential.bearer !== null) headers['Authorization'] = `Bearer ${credential.bearer}`;
	try {
		const response = await fetch(last === undefined ? '/v1/feed' : `/v1/feed?after=${last}`, {
			headers,
			credentials: credential.bearer === null ? 'same-origin' : 'omit',
			cache: 'no-store',
			signal: AbortSignal.any([signal, silence.signal]),
		});
		if (!response.ok || response.body === null) throw new Error(`feed: ${response.status}`);
		net.answered();
		if (!first) for (const fn of upListeners) fn();
		const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
		let rest = '';
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			clearTimeout(timer);
			timer = setTimeout(() => silence.abort(), silenceMS);
			rest = take(rest + value);
		}
	} finally {
		clearTimeout(timer);
	}
}

/** Hands on the whole events of a text and returns what is left of it. */
export function take(text: string, hand: Listener = tell): string {
	const blocks = text.split('\n\n');
	const rest = blocks.pop() ?? '';
	for (const block of blocks) {
		const data = block
			.split('\n')
			.filter((line) => line.startsWith('data:'))
			.map((line) => line.slice(5).trimStart())
			.join('\n');
		if (data !== '') hand(JSON.parse(data) as S['FeedEvent']);
	}
	return rest;
}

function tell(e: S['FeedEvent']): void {
	last = Math.max(last ?? 0, e.index);
	for (const fn of listeners) fn(e);
}
