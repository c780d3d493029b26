// Who is signed in. The last answer is kept on the device, so that the pages open without a network; the ledger decides anew as
// soon as it answers.
import * as cache from '../offline/cache';
import { api, ApiError, credential, type S } from './api';

const key = 'me';

let me = $state.raw<S['Me'] | null>(null);
let ready = $state(false);
let ended = $state(false);
let bearer = $state.raw<string | null>(null);

function know(value: S['Me'] | null): void {
	me = value;
	if (value !== null) cache.open();
	credential.person = value?.person ?? null;
}

credential.onUnauthenticated = () => {
	// A wall screen or a link has no session to lose; who types a wrong password has none either.
	if (credential.bearer === null && me !== null && credential.signingIn !== true) ended = true;
};

export const session = {
	/** Who is signed in; null for nobody. */
	get me(): S['Me'] | null {
		return me;
	},
	/** It is known whether somebody is signed in. */
	get ready(): boolean {
		return ready;
	},
	/** The ledger ended the session of `me`: they must sign in again, what they typed stays. */
	get ended(): boolean {
		return ended;
	},
	/** A token that stands for the session: of a wall screen or a share link. Not kept on the device. */
	get bearer(): string | null {
		return bearer;
	},
	set bearer(value: string | null) {
		bearer = value;
		credential.bearer = value;
	},
	/** Tells whether the person has one of the roles. */
	is(...roles: S['Role'][]): boolean {
		return me !== null && roles.includes(me.role);
	},
};

/**
 * Finds out who is signed in: from the device at once, from the ledger when it answers. `sure` says that the ledger is worth asking
 * although the device knows of nobody: a page for signed-in people was opened.
 */
export async function begin(sure: boolean): Promise<void> {
	const kept = await cache.get<S['Me']>(key);
	if (kept !== undefined) {
		know(kept.value);
		ready = true;
		void refresh();
		return;
	}
	if (sure) await refresh();
	ready = true;
}

/** Asks the ledger who is signed in. Without an answer, what was known stays. */
export async function refresh(): Promise<void> {
	if (credential.bearer !== null) return; // that would say who the token is
	const before = me;
	try {
		const known = await api.get<S['Me']>('/v1/me');
		if (credential.bearer !== null || me !== before) return; // somebody signed in or out meanwhile: it is of the session before
		if (me !== null && me.person !== known.person) await cache.wipe();
		know(known);
		ended = false;
		await cache.put(key, known);
	} catch (err) {
		if (err instanceof ApiError && err.status === 401 && me === null) await cache.del(key);
	}
}

/** Signs in with name and password. It throws ApiError: 401 when they are wrong, 429 after too many tries. */
export async function signIn(login: string, password: string): Promise<S['Me']> {
	credential.signingIn = true;
	try {
		await api.post<S['Session']>('/v1/sessions', { login, password, cookie: true });
		const known = await api.get<S['Me']>('/v1/me', { fresh: true });
		// Another person at this device must not see what the one before could.
		const before = (await cache.get<S['Me']>(key))?.value.person;
		if (before !== undefined && before !== known.person) await cache.wipe();
		know(known);
		ended = false;
		ready = true;
		await cache.put(key, known);
		return known;
	} finally {
		credential.signingIn = false;
	}
}

/** Ends the session and forgets what was read. Acts that wait to be sent and the signing key stay on the device. */
export async function signOut(): Promise<void> {
	try {
		if (!ended) await api.del<void>('/v1/sessions/current');
	} catch (err) {
		if (!(err instanceof ApiError) || err.status !== 401) throw err;
	}
	await cache.close();
	know(null);
	ended = false;
}
