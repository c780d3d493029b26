// Calls of the ledger's HTTP interface. The contract is api/openapi.yaml; its shapes are S['…'].
import { net } from './net.svelte';
import type { components } from './schema.gen';

export type S = components['schemas'];

const patienceMS = 15_000; // how long a repeat is tried: longer than a ledger needs to elect a leader
const silenceMS = 20_000; // a node that says nothing for so long is as good as dead

/** What went wrong, as the ledger said it (RFC 9457), or that no node answered. */
export class ApiError extends Error {
	readonly status: number;
	readonly code: string;
	readonly detail: string;
	readonly hint: string | undefined;
	readonly errors: readonly S['FieldError'][];
	readonly retryAfterS: number | undefined;
	/** No node answered. */
	readonly offline: boolean;

	constructor(x: { status?: number; code: string; detail: string; hint?: string | undefined; errors?: readonly S['FieldError'][] | undefined; retryAfterS?: number | undefined; offline?: boolean }) {
		super(x.detail);
		this.name = 'ApiError';
		this.status = x.status ?? 0;
		this.code = x.code;
		this.detail = x.detail;
		this.hint = x.hint;
		this.errors = x.errors ?? [];
		this.retryAfterS = x.retryAfterS;
		this.offline = x.offline ?? false;
	}
}

/** What calls need to know of the session, without knowing the session. */
export const credential: { bearer: string | null; person: string | null; signingIn?: boolean; onUnauthenticated: (() => void) | null } = {
	bearer: null,
	person: null,
	onUnauthenticated: null,
};

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface CallOptions {
	query?: Query;
	signal?: AbortSignal;
	/** Contain everything that any node acknowledged before. */
	fresh?: boolean;
	/** Try again on its own while no node answers. The default for everything but plain POST. */
	repeat?: boolean;
	headers?: Readonly<Record<string, string>>;
}

interface Call extends CallOptions {
	method: string;
	path: string;
	body?: BodyInit;
	type?: string;
	accept?: string;
}

function address(c: Call): string {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(c.query ?? {})) {
		if (value !== undefined && value !== null && value !== '') query.set(name, String(value));
	}
	if (c.fresh === true) query.set('fresh', 'true');
	const text = query.toString();
	return text === '' ? c.path : `${c.path}?${text}`;
}

function headers(c: Call): Record<string, string> {
	const h: Record<string, string> = { Accept: c.accept ?? 'application/json, application/problem+json', ...c.headers };
	if (c.type !== undefined) h['Content-Type'] = c.type;
	if (c.method !== 'GET') h['Isotherm-Request'] = '1';
	if (credential.bearer !== null) h['Authorization'] = `Bearer ${credential.bearer}`;
	return h;
}

async function once(c: Call): Promise<Response> {
	const limit = AbortSignal.timeout(silenceMS);
	return fetch(address(c), {
		method: c.method,
		headers: headers(c),
		body: c.body ?? null,
		credentials: credential.bearer === null ? 'same-origin' : 'omit',
		signal: c.signal === undefined ? limit : AbortSignal.any([c.signal, limit]),
	});
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(resolve, ms);
		signal?.addEventListener('abort', () => {
			clearTimeout(timer);
			reject(signal.reason as Error);
		});
	});
}

const noAnswer = () => new ApiError({ code: 'offline', detail: 'No node of the ledger answers this device.', offline: true });
const passing = (status: number) => status === 502 || status === 503 || status === 504;

/** Calls, again and again when it may be repeated: a dead node or an election goes unnoticed. */
async function call(c: Call): Promise<Response> {
	const repeat = c.repeat ?? c.method !== 'POST';
	const end = Date.now() + (repeat ? patienceMS : 0);
	for (let wait = 150; ; wait = Math.min(wait * 2, 2000)) {
		let response: Response | undefined;
		try {
			response = await once(c);
		} catch {
			c.signal?.throwIfAborted();
		}
		if (response !== undefined && !passing(response.status)) {
			net.answered();
			if (response.ok) return response;
			throw await problem(response);
		}
		const after = Number(response?.headers.get('Retry-After') ?? 0) * 1000;
		const next = Math.max(wait * (0.75 + Math.random() / 2), Math.min(after, 2000));
		const hopeless = response === undefined && typeof navigator !== 'undefined' && !navigator.onLine;
		if (hopeless || Date.now() + next > end) {
			if (response === undefined || response.status !== 503) net.failed();
			throw response === undefined ? noAnswer() : await problem(response);
		}
		await pause(next, c.signal);
	}
}

async function problem(response: Response): Promise<ApiError> {
	let p: Partial<S['Problem']> = {};
	try {
		if (response.headers.get('Content-Type')?.startsWith('application/problem+json') === true) p = (await response.json()) as Partial<S['Problem']>;
	} catch {
		/* the connection broke within the problem: the status is what we know */
	}
	if (response.status === 401) credential.onUnauthenticated?.();
	const after = Number(response.headers.get('Retry-After') ?? NaN);
	return new ApiError({
		status: response.status,
		code: p.code ?? (passing(response.status) ? 'unavailable' : 'internal'),
		detail: p.detail ?? `The node answered ${response.status} and gave no reason.`,
		hint: p.hint,
		errors: p.errors,
		retryAfterS: Number.isFinite(after) ? after : undefined,
		offline: response.status === 502 || response.status === 504,
	});
}

/** The connection may break within an answer: that is no node answering, not a fault of the page. */
async function read<T>(what: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	try {
		return await what;
	} catch {
		signal?.throwIfAborted();
		throw noAnswer();
	}
}

async function json<T>(c: Call): Promise<T> {
	const response = await call(c);
	if (response.status === 204) return undefined as T;
	return read(response.json() as Promise<T>, c.signal);
}

const asJSON = (body: unknown) => (body === undefined ? {} : { body: JSON.stringify(body), type: 'application/json' });

export const api = {
	get: <T>(path: string, o: CallOptions = {}): Promise<T> => json<T>({ ...o, method: 'GET', path }),
	post: <T>(path: string, body?: unknown, o: CallOptions = {}): Promise<T> => json<T>({ ...o, method: 'POST', path, ...asJSON(body) }),
	put: <T>(path: string, body?: unknown, o: CallOptions = {}): Promise<T> => json<T>({ ...o, method: 'PUT', path, ...asJSON(body) }),
	del: <T>(path: string, o: CallOptions = {}): Promise<T> => json<T>({ ...o, method: 'DELETE', path }),
	/** Bytes of an answer, such as a bundle or a table. */
	bytes: async (path: string, o: CallOptions & { accept?: string } = {}): Promise<Uint8Array<ArrayBuffer>> => {
		const response = await call({ ...o, method: 'GET', path, accept: o.accept ?? '*/*' });
		return new Uint8Array(await read(response.arrayBuffer(), o.signal));
	},
	/** Text of an answer, such as a checkpoint or a proof. */
	text: async (path: string, o: CallOptions & { accept?: string } = {}): Promise<string> => {
		const response = await call({ ...o, method: 'GET', path, accept: o.accept ?? 'text/plain, */*' });
		return read(response.text(), o.signal);
	},
	/** Delivers signed bytes; an act is recognised, so that it is repeated until a node answers. */
	postBytes: <T>(path: string, bytes: Uint8Array<ArrayBuffer>, o: CallOptions = {}): Promise<T> =>
		json<T>({ repeat: true, ...o, method: 'POST', path, body: bytes, type: 'application/octet-stream' }),
};
