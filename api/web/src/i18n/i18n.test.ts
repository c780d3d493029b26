import { expect, test } from 'vitest';
import { register, t, word, type Key } from './index';
import './en/ui';

const files = import.meta.glob(['../**/*.svelte', '../**/*.ts', '!../**/*.test.ts', '!./**'], { query: '?raw', import: 'default', eager: true }) as Record<string, string>;
// Comments name keys, too.
const sources = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*|<!--[\s\S]*?-->/g, '')]));
const catalogues = import.meta.glob('./en/*.ts', { import: 'default', eager: true }) as Record<string, Record<string, unknown>>;

test('a text is filled and has its plural', () => {
	register('test', { plain: 'from {a} to {b}', many: { one: '{n} row', other: '{n} rows' } });
	expect(t('test.plain' as Key, { a: 'x', b: 7 })).toBe('from x to 7');
	expect(t('test.many' as Key, { n: 1 })).toBe('1 row');
	expect(t('test.many' as Key, { n: 4312 })).toBe('4,312 rows');
	expect(t('test.none' as Key)).toBe('test.none');
});

test('a word of the ledger without a text stays as it is', () => {
	expect(word('ui', 'rising')).toBe('rising');
	expect(word('ui', 'something new')).toBe('something new');
});

test('every file that uses texts of an area imports them', () => {
	expect(Object.keys(sources).length).toBeGreaterThan(50);
	const missing: string[] = [];
	for (const [path, source] of Object.entries(sources)) {
		const areas = new Set([...source.matchAll(/\b(?:t|word)\(\s*[`'"]([a-z]+)(?:\.|['"],)/g)].map((m) => m[1] ?? ''));
		for (const area of areas) {
			if (!(`./en/${area}.ts` in catalogues)) continue;
			if (!source.includes(`i18n/en/${area}'`)) missing.push(`${path}: i18n/en/${area}`);
		}
	}
	expect(missing).toEqual([]);
});

test('every key that is used literally exists', () => {
	const missing: string[] = [];
	for (const [path, source] of Object.entries(sources)) {
		for (const [, area, key] of source.matchAll(/\bt\(\s*'([a-z]+)\.([^']+)'/g)) {
			const texts = catalogues[`./en/${area}.ts`];
			if (texts !== undefined && !(key! in texts)) missing.push(`${path}: ${area}.${key}`);
		}
	}
	expect(missing).toEqual([]);
});

test('texts follow the rules of the house', () => {
	const bad: string[] = [];
	for (const [path, texts] of Object.entries(catalogues)) {
		for (const [key, text] of Object.entries(texts)) {
			const forms = typeof text === 'string' ? [text] : Object.values(text as Record<string, string>);
			for (const f of forms) if (/oops|something went wrong|invalid input|\p{Extended_Pictographic}/iu.test(f.replaceAll('©', ''))) bad.push(`${path} ${key}`);
		}
	}
	expect(bad).toEqual([]);
});
