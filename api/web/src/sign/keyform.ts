// What the page of a person's key decides: how the key stands with the ledger, and what is wrong with typed PINs.
import { isEasyPIN, pinProblem } from './keystore';

/** How a device's key stands: each has a text, t('sign.key.…'). */
export type Standing = 'none' | 'waiting' | 'waiting.both' | 'ready' | 'unknown';

/** `signs` signs here, `waits` was made after it and waits for the ledger, `ledger` is the one that the ledger knows. */
export function standingOf(signs: string | undefined, waits: string | undefined, ledger: string | undefined): Standing {
	if (!signs && !waits) return 'none';
	if (signs && waits) return 'waiting.both';
	if (!signs || ledger === undefined) return 'waiting';
	return signs === ledger ? 'ready' : 'unknown';
}

export type PINFault = 'short' | 'long' | 'digits' | 'easy' | 'differs';

export interface PINFaults {
	before?: PINFault;
	first?: PINFault;
	again?: PINFault;
}

/** What keeps the PINs from being taken; `before` is asked for only when one is changed. */
export function pinFaults(first: string, again: string, before?: string): PINFaults {
	const old = before === undefined ? '' : pinProblem(before);
	const bad = pinProblem(first);
	const next: PINFaults = bad ? { first: bad } : isEasyPIN(first) ? { first: 'easy' } : first !== again ? { again: 'differs' } : {};
	return old ? { before: old, ...next } : next;
}
