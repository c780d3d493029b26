// An error in words: what happened, where, and what to do now.
import { t, type Key } from '../i18n';
import '../i18n/en/ui';
import type { ApiError } from '../lib/api';
import { duration } from '../lib/format';
import { asApiError } from '../lib/live.svelte';

export interface ProblemText {
	readonly what: string;
	readonly detail: string;
	readonly todo: string;
	readonly where: readonly string[];
	readonly level: 'high' | 'medium' | 'low' | 'none';
}

const known = ['unauthenticated', 'forbidden', 'not_found', 'conflict', 'invalid', 'overloaded', 'unavailable', 'quarantined', 'wrong_root', 'internal'] as const;

function sentence(text: string): string {
	const trimmed = text.trim();
	if (trimmed === '') return '';
	return `${trimmed[0]?.toUpperCase() ?? ''}${trimmed.slice(1)}${/[.!?…]$/.test(trimmed) ? '' : '.'}`;
}

/** The words of an error of the interface, or of any other. */
export function problemText(err: unknown): ProblemText {
	const e: ApiError = asApiError(err);
	if (e.offline) return { what: t('ui.problem.offline'), detail: '', todo: t('ui.problem.offline.do'), where: [], level: 'low' };
	const code = known.find((k) => k === e.code) ?? 'internal';
	const hint = e.hint === undefined || e.hint === '' ? t(`ui.problem.${code}.do` satisfies Key) : sentence(e.hint);
	const wait = code === 'overloaded' && e.retryAfterS !== undefined ? t('ui.problem.overloaded.after', { wait: duration(Math.max(e.retryAfterS, 1) * 1000) }) : undefined;
	return {
		what: t(`ui.problem.${code}` satisfies Key),
		detail: sentence(e.detail),
		todo: wait ?? hint,
		where: e.errors.map((x) => sentence(`${x.pointer.replace(/^\//, '').replaceAll('/', ' · ')}: ${x.message}`)),
		level: code === 'internal' || code === 'quarantined' || code === 'wrong_root' ? 'medium' : 'low',
	};
}
