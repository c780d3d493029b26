// Whether the seal is the one that was there before. Pure. A difference is shown and flagged; it stops nobody.
import type { S } from '../lib/api';

export type SealCheck = 'same' | 'differs' | 'first' | 'not-read';

/** Seals are read aloud and typed with gloves: case, spaces and dashes say nothing. */
export function sealKey(text: string): string {
	return text.toUpperCase().replace(/[\s\-\u2010-\u2015_./]+/g, '');
}

/** Compares what was read with what the acts before say; an empty reading is none. */
export function checkSeal(read: string, before: string | undefined): SealCheck {
	if (sealKey(read) === '') return 'not-read';
	if (!before || sealKey(before) === '') return 'first';
	return sealKey(read) === sealKey(before) ? 'same' : 'differs';
}

/** The text that is signed: the one before when it means the same seal, so that a space typed more is no changed seal. */
export function sealText(read: string, before: string | undefined): string {
	return checkSeal(read, before) === 'same' ? before! : read.trim();
}

/** The seal that the newest act which stands says, and who read it when. */
export function lastSeal(history: readonly S['Act'][]): S['Act'] | undefined {
	return history.findLast((a) => a.standing === 'applied' && !!a.seal);
}

/** Box labels as people type them: case, spaces and dashes say nothing. */
export function sameLabel(a: string, b: string): boolean {
	return sealKey(a) !== '' && sealKey(a) === sealKey(b);
}
