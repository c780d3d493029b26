// Where the person is. Paths are those of the browser's history; the ledger answers every one of them with the same page.
import { tick } from 'svelte';

export interface RouteRule {
	readonly name: string;
	readonly path: string;
	/** Without header and navigation: signing in, a wall screen, a sheet to print. */
	readonly bare?: boolean;
	/** For people without a session. */
	readonly open?: boolean;
}

export const rules = [
	{ name: 'home', path: '/' },
	{ name: 'signin', path: '/signin', bare: true, open: true },
	{ name: 'join', path: '/join', bare: true, open: true },
	{ name: 'me', path: '/me' },
	{ name: 'carry', path: '/carry' },
	{ name: 'carry', path: '/carry/:shipment' },
	{ name: 'handoff', path: '/carry/:shipment/handoff' },
	{ name: 'take', path: '/take' },
	{ name: 'box', path: '/b/:label' },
	{ name: 'prepare', path: '/prepare' },
	{ name: 'prepare', path: '/prepare/:shipment' },
	{ name: 'board', path: '/board' },
	{ name: 'wall', path: '/wall', bare: true, open: true },
	{ name: 'case', path: '/case/:shipment' },
	{ name: 'sheet', path: '/case/:shipment/sheet', bare: true },
	{ name: 'find', path: '/find' },
	{ name: 'alarms', path: '/alarms' },
	{ name: 'shared', path: '/shared', bare: true, open: true },
	{ name: 'audit', path: '/audit' },
	{ name: 'exports', path: '/audit/exports' },
	{ name: 'trail', path: '/audit/trail' },
	{ name: 'operate', path: '/operate' },
	{ name: 'boxes', path: '/operate/boxes' },
	{ name: 'people', path: '/operate/people' },
	{ name: 'certificates', path: '/operate/certificates' },
	{ name: 'demo', path: '/demo', bare: true, open: true },
] as const satisfies readonly RouteRule[];

export type RouteName = (typeof rules)[number]['name'] | 'nowhere';

/** Finds the rule of a path and what stands in the places of its names. */
export function match(path: string): { name: RouteName; rule: RouteRule; params: Readonly<Record<string, string>> } {
	const parts = path.split('/').filter((p) => p !== '');
	for (const rule of rules) {
		const want = rule.path.split('/').filter((p) => p !== '');
		if (want.length !== parts.length) continue;
		const params: Record<string, string> = {};
		const fits = want.every((w, i) => {
			const part = parts[i] ?? '';
			if (!w.startsWith(':')) return w === part;
			params[w.slice(1)] = decode(part);
			return true;
		});
		if (fits) return { name: rule.name, rule, params };
	}
	return { name: 'nowhere', rule: { name: 'nowhere', path }, params: {} };
}

function decode(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		return part;
	}
}

interface Place {
	path: string;
	query: URLSearchParams;
	hash: URLSearchParams;
}

function here(): Place {
	return { path: location.pathname, query: new URLSearchParams(location.search), hash: new URLSearchParams(location.hash.slice(1)) };
}

let path = $state(location.pathname);
let query = $state.raw(new URLSearchParams(location.search));
let hash = $state.raw(new URLSearchParams(location.hash.slice(1)));
let moves = $state(0);
const matched = $derived(match(path));

export const route = {
	get name(): RouteName {
		return matched.name;
	},
	get rule(): RouteRule {
		return matched.rule;
	},
	get path(): string {
		return path;
	},
	/** What stands in the path, such as `shipment`. */
	get params(): Readonly<Record<string, string>> {
		return matched.params;
	},
	get query(): URLSearchParams {
		return query;
	},
	/** What stands behind #, which no server sees: tokens and acts. */
	get hash(): URLSearchParams {
		return hash;
	},
	/** Grows with each move to another path; 0 on the page that was opened first. */
	get moves(): number {
		return moves;
	},
};

function arrive(): void {
	const now = here();
	if (now.path !== path) moves++;
	path = now.path;
	query = now.query;
	hash = now.hash;
}

const guards = new Set<() => string | null>();

/** Asks before the page is left while `fn` returns a reason. The result ends that. */
export function askBeforeLeaving(fn: () => string | null): () => void {
	guards.add(fn);
	return () => guards.delete(fn);
}

function mayLeave(): boolean {
	for (const guard of guards) {
		const reason = guard();
		if (reason !== null && !window.confirm(reason)) return false;
	}
	return true;
}

/** Goes to another page of the app. */
export function go(to: string, options: { replace?: boolean } = {}): void {
	const target = new URL(to, location.origin);
	if (target.origin !== location.origin) return;
	if (target.pathname !== path && !mayLeave()) return;
	if (options.replace === true) history.replaceState(null, '', target);
	else history.pushState(null, '', target);
	const moved = target.pathname !== path;
	arrive();
	if (moved) window.scrollTo(0, 0);
}

/** Changes what stands behind ? without leaving a step in the history. undefined removes a name. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>): void {
	const next = new URLSearchParams(query);
	for (const [name, value] of Object.entries(changes)) {
		if (value === undefined || value === '') next.delete(name);
		else next.set(name, value);
	}
	const text = next.toString();
	history.replaceState(history.state, '', `${location.pathname}${text === '' ? '' : `?${text}`}${location.hash}`);
	query = next;
}

/** Takes a secret out of the address bar and the history as soon as it was read. */
export function dropHash(): void {
	history.replaceState(history.state, '', `${location.pathname}${location.search}`);
	hash = new URLSearchParams();
}

/** Says where the person is, in the window's title. */
export function setTitle(title: string): void {
	document.title = title === '' ? 'isotherm' : `${title} · isotherm`;
}

/** Tells screen readers and the keyboard that another page is there: its heading has the focus. */
export async function focusHeading(): Promise<void> {
	await tick();
	const heading = document.querySelector<HTMLElement>('main h1') ?? document.querySelector<HTMLElement>('main');
	if (heading === null || heading.contains(document.activeElement) || document.querySelector('dialog[open]') !== null) return;
	heading.tabIndex = -1;
	heading.focus({ preventScroll: true });
}

/** What the server answers itself: links to it leave the app. */
const served = ['/v1/', '/docs', '/openapi.', '/checkpoint', '/tile/', '/demo-api/', '/assets/'];

function onClick(e: MouseEvent): void {
	if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
	const link = (e.target as Element | null)?.closest?.('a');
	if (link === null || link === undefined || link.target !== '' || link.hasAttribute('download') || !link.href) return;
	const to = new URL(link.href);
	if (to.origin !== location.origin || served.some((p) => to.pathname.startsWith(p))) return;
	if (to.pathname === location.pathname && to.search === location.search && to.hash !== '') return; // within the page
	e.preventDefault();
	go(link.href);
}

/** Begins to follow the browser's history and the links of the page. */
export function startRouter(): void {
	window.addEventListener('popstate', arrive);
	window.addEventListener('hashchange', () => {
		// A token that comes to a page that is open stands for somebody else than the one before: all begins anew with it.
		if (here().hash.has('token')) location.reload();
		else arrive();
	});
	document.addEventListener('click', onClick);
	window.addEventListener('beforeunload', (e) => {
		for (const guard of guards) if (guard() !== null) e.preventDefault();
	});
}
