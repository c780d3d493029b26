// The audit trail's filters, and how far it was looked through. Pure.
import type { S } from '../lib/api';
import { csv } from './csv';
import { midnight } from './exports';

/** Entries that one request asks for: the contract's most. */
export const pageSize = 500;
/** Pages that one press of a button looks through at most, so that it ends. */
export const pagesAtOnce = 8;

export interface Filter {
	kind: string;
	/** Identifier of a case, box, person …, or a part of it. */
	subject: string;
	/** Identifier or name of who caused it. */
	by: string;
	from: string;
	to: string;
	text: string;
}

export const noFilter: Filter = { kind: '', subject: '', by: '', from: '', to: '', text: '' };

export function filterOf(query: URLSearchParams): Filter {
	const of = (name: keyof Filter) => query.get(name) ?? '';
	return { kind: of('kind'), subject: of('subject'), by: of('by'), from: of('from'), to: of('to'), text: of('text') };
}

export function isEmpty(f: Filter): boolean {
	return Object.values(f).every((v) => v === '');
}

const plain = (text: string) => text.replace(/\s+/g, '').toLowerCase();

export function matches(item: S['TrailItem'], f: Filter, nameOf: (id: string) => string): boolean {
	if (f.kind !== '' && item.kind !== f.kind) return false;
	if (f.subject !== '' && !item.subjects.some((s) => s.id.includes(plain(f.subject)))) return false;
	if (f.by !== '') {
		const by = item.by ?? '';
		if (by === '' || (!by.includes(plain(f.by)) && !nameOf(by).toLowerCase().includes(f.by.toLowerCase().trim()))) return false;
	}
	const from = midnight(f.from);
	const to = midnight(f.to, 1);
	if (!Number.isNaN(from) && item.time_ms < from) return false;
	if (!Number.isNaN(to) && item.time_ms >= to) return false;
	return f.text === '' || item.what.toLowerCase().includes(f.text.toLowerCase().trim());
}

/** The page before an entry, newest last as the ledger has them: its cursor and how many to ask for. */
export function pageBefore(end: number): { cursor: number; limit: number } | undefined {
	if (end <= 0) return undefined;
	const cursor = Math.max(0, end - pageSize);
	return { cursor, limit: end - cursor };
}

/** Whether entries before a page can be within the time: clocks of nodes differ by minutes, not by a day. */
export function mayBeBefore(page: readonly S['TrailItem'][], f: Filter): boolean {
	const from = midnight(f.from);
	const day = 24 * 3600 * 1000;
	return Number.isNaN(from) || page.some((item) => item.time_ms >= from - day);
}

export function trailCSV(items: readonly S['TrailItem'][], nameOf: (id: string) => string): string {
	const rows = items.map((i) => [
		String(i.index), new Date(i.time_ms).toISOString(), i.kind, i.erased === true ? 'erased' : i.what, i.by ?? '', i.by ? nameOf(i.by) : '', i.subjects.map((s) => `${s.kind} ${s.id}`).join('; '), i.node,
	]);
	return csv([['entry', 'time_utc', 'kind', 'what', 'by', 'by_name', 'subjects', 'node'], ...rows]);
}

/** All kinds of entries, as the ledger names them. */
export const kinds = [
	'account', 'alarm', 'box enrolled', 'break-glass', 'case read', 'certificate', 'consent', 'contacts', 'cosigner set', 'custody act', 'donor ID looked for', 'donor ID revealed', 'export', 'genesis',
	'journal advance', 'journal opened', 'organisation', 'person changed', 'person enrolled', 'profile', 'share link',
] as const;
