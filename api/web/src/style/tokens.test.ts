import { describe, expect, test } from 'vitest';
import css from './tokens.css?raw';

// WCAG 2.2: 4.5:1 for text, 3:1 for marks, lines of controls and the ring of the focus.
const text: readonly [string, readonly string[]][] = [
	['--ink', ['--ground', '--surface', '--sunken', '--band', '--red-tint', '--amber-tint', '--cyan-tint']],
	['--ink-2', ['--ground', '--surface', '--sunken']],
	['--on-ink', ['--ink', '--ink-hover']],
	['--red', ['--ground', '--surface', '--red-tint']],
	['--amber', ['--ground', '--surface', '--amber-tint']],
	['--cyan', ['--ground', '--surface', '--cyan-tint']],
	['--on-red', ['--red-fill']],
	['--on-amber', ['--amber-fill']],
	['--on-cyan', ['--cyan-fill']],
];
const marks: readonly [string, readonly string[]][] = [
	['--line-strong', ['--ground', '--surface', '--sunken']],
	['--focus', ['--ground', '--surface', '--sunken']],
	['--band-edge', ['--surface', '--band']],
	['--ink', ['--band']],
	['--red', ['--band', '--sunken']],
	['--amber', ['--band', '--sunken']],
	['--cyan', ['--band', '--sunken']],
	['--red-fill', ['--surface', '--ground']],
];

function themes(): Map<string, Map<string, string>> {
	const found = new Map<string, Map<string, string>>();
	for (const [, name, body] of css.matchAll(/:root\[data-theme='(\w+)'\]\s*\{([^}]*)\}/g)) {
		const values = new Map<string, string>();
		for (const [, token, value] of (body ?? '').matchAll(/(--[\w-]+):\s*([^;]+);/g)) values.set(token ?? '', (value ?? '').trim());
		found.set(name ?? '', values);
	}
	return found;
}

function luminance(hex: string): number {
	const m = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(hex);
	if (m === null) throw new Error(`${hex} is not a colour of six digits`);
	const [r, g, b] = [m[1], m[2], m[3]].map((x) => {
		const c = parseInt(x ?? '', 16) / 255;
		return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	}) as [number, number, number];
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
	const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
	return (hi + 0.05) / (lo + 0.05);
}

test('the formula gives what WCAG says', () => {
	expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
	expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});

test('every theme sets the same tokens', () => {
	const all = themes();
	expect([...all.keys()]).toEqual(['light', 'dark', 'sun']);
	const names = [...(all.get('light')?.keys() ?? [])];
	expect(names.length).toBeGreaterThan(25);
	for (const values of all.values()) expect([...values.keys()]).toEqual(names);
});

describe.each([...themes()])('theme %s', (_, values) => {
	const pairs = [...text.map((p) => [...p, 4.5] as const), ...marks.map((p) => [...p, 3] as const)];
	test.each(pairs.flatMap(([on, grounds, want]) => grounds.map((ground) => [on, ground, want] as const)))('%s on %s: %s to 1', (on, ground, want) => {
		expect(contrast(values.get(on) ?? '', values.get(ground) ?? '')).toBeGreaterThanOrEqual(want);
	});
});

test('no other file has a colour of its own', () => {
	const files = import.meta.glob(['../**/*.svelte', '../**/*.css', '!./tokens.css'], { query: '?raw', import: 'default', eager: true });
	const bad = Object.entries(files).flatMap(([path, source]) => {
		const styles = path.endsWith('.css') ? [String(source)] : [...String(source).matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map((m) => m[1] ?? '');
		return styles.some((s) => /#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(/i.test(s.replace(/\/\*[\s\S]*?\*\//g, ''))) ? [path] : [];
	});
	expect(Object.keys(files).length).toBeGreaterThan(50);
	expect(bad).toEqual([]);
});
