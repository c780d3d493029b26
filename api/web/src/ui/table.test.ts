import { describe, expect, test } from 'vitest';
import { filterRows, orderText, parseOrder, shownColumns, sortRows, toCSV, type Column } from './table';

interface Row {
	name: string;
	n?: number;
}
const columns: readonly Column<Row>[] = [
	{ key: 'name', title: 'Name', value: (r) => r.name, must: true },
	{ key: 'n', title: 'Number, °C', value: (r) => r.n, hidden: true },
];
const rows: readonly Row[] = [{ name: 'box 10', n: 2 }, { name: 'box 9' }, { name: 'Box 1', n: -3 }];
const names = (r: readonly Row[]) => r.map((x) => x.name);

describe('sortRows', () => {
	test.each([
		['name', ['Box 1', 'box 9', 'box 10']],
		['-name', ['box 10', 'box 9', 'Box 1']],
		['n', ['Box 1', 'box 10', 'box 9']],
		['-n', ['box 10', 'Box 1', 'box 9']],
		['nothing', ['box 10', 'box 9', 'Box 1']],
	])('%s', (order, want) => {
		expect(names(sortRows(rows, columns, parseOrder(order)))).toEqual(want);
	});
	test('the order is written as it is read', () => expect(orderText(parseOrder('-n')!)).toBe('-n'));
});

test('filterRows wants every word, in any case', () => {
	expect(names(filterRows(rows, columns, 'BOX 1'))).toEqual(['box 10', 'Box 1']);
	expect(names(filterRows(rows, columns, 'box -3'))).toEqual(['Box 1']);
	expect(filterRows(rows, columns, ' ')).toBe(rows);
});

test('shownColumns', () => {
	const keys = (c: string | null) => shownColumns(columns, c).map((x) => x.key);
	expect(keys(null)).toEqual(['name']);
	expect(keys('n')).toEqual(['name', 'n']);
	expect(keys('')).toEqual(['name']);
});

test('toCSV quotes, and makes no formulas', () => {
	const made = toCSV([{ name: '=1+1' }, { name: 'a "b", c', n: -3 }], columns);
	expect(made).toBe('Name,"Number, °C"\r\n\'=1+1,\r\n"a ""b"", c",-3\r\n');
});
