// What a table does with its rows: sort, filter, and write them as CSV.
import type { Snippet } from 'svelte';
import { language } from '../i18n';

export type CellValue = string | number | boolean | null | undefined;

export interface Column<Row> {
	readonly key: string;
	readonly title: string;
	/** Sorts, filters, and is the cell when there is no snippet. */
	readonly value: (row: Row) => CellValue;
	/** What the cell shows. */
	readonly cell?: Snippet<[Row]>;
	/** The value as CSV has it; else `value`. */
	readonly csv?: (row: Row) => CellValue;
	/** More words that the filter finds. */
	readonly find?: (row: Row) => string;
	/** Numbers: at the end of the cell. */
	readonly end?: boolean;
	/** Off until somebody chooses it. */
	readonly hidden?: boolean;
	/** Can't be switched off. */
	readonly must?: boolean;
	/** false: it has no order. */
	readonly sort?: boolean;
	/** At least so wide. */
	readonly width?: string;
	readonly nowrap?: boolean;
}

export interface Order {
	readonly key: string;
	readonly down: boolean;
}

/** '-name' is name, downwards. */
export function parseOrder(text: string | null | undefined): Order | undefined {
	if (text === null || text === undefined || text === '') return undefined;
	return text.startsWith('-') ? { key: text.slice(1), down: true } : { key: text, down: false };
}

export function orderText(o: Order): string {
	return `${o.down ? '-' : ''}${o.key}`;
}

const collator = new Intl.Collator(language, { numeric: true, sensitivity: 'base' });

function compare(a: CellValue, b: CellValue): number {
	if (typeof a === 'number' && typeof b === 'number') return a - b;
	return collator.compare(String(a), String(b));
}

const missing = (v: CellValue) => v === null || v === undefined || v === '' || (typeof v === 'number' && Number.isNaN(v));

/** The rows in order; those without a value come last either way, and equal ones stay as they were. */
export function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], order: Order | undefined): readonly Row[] {
	const column = columns.find((c) => c.key === order?.key);
	if (column === undefined || order === undefined) return rows;
	return rows
		.map((row, i) => ({ row, i, v: column.value(row) }))
		.sort((a, b) => {
			if (missing(a.v) || missing(b.v)) return Number(missing(a.v)) - Number(missing(b.v)) || a.i - b.i;
			return (order.down ? -1 : 1) * compare(a.v, b.v) || a.i - b.i;
		})
		.map((x) => x.row);
}

/** The rows in which every word of the query stands. */
export function filterRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], query: string): readonly Row[] {
	const words = query.toLocaleLowerCase(language).split(/\s+/).filter((w) => w !== '');
	if (words.length === 0) return rows;
	return rows.filter((row) => {
		const text = columns.map((c) => `${String(c.value(row) ?? '')} ${c.find?.(row) ?? ''}`).join(' ').toLocaleLowerCase(language);
		return words.every((w) => text.includes(w));
	});
}

/** The columns that the URL names, else those that are not hidden; those that must be there always. */
export function shownColumns<Row>(columns: readonly Column<Row>[], chosen: string | null | undefined): readonly Column<Row>[] {
	if (chosen === null || chosen === undefined) return columns.filter((c) => c.hidden !== true);
	const names = chosen.split(',');
	return columns.filter((c) => c.must === true || names.includes(c.key));
}

function csvCell(v: CellValue): string {
	let text = v === null || v === undefined ? '' : String(v);
	// A spreadsheet must not take a text for a formula; a number may be negative.
	if (typeof v === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** RFC 4180, with the titles as its first line. */
export function toCSV<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
	const lines = [columns.map((c) => csvCell(c.title)), ...rows.map((row) => columns.map((c) => csvCell((c.csv ?? c.value)(row))))];
	return lines.map((l) => l.join(',') + '\r\n').join('');
}
