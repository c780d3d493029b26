import { beforeAll, expect, test, vi } from 'vitest';

let match: (typeof import('./router.svelte'))['match'];

beforeAll(async () => {
	vi.stubGlobal('location', { pathname: '/', search: '', hash: '' });
	({ match } = await import('./router.svelte'));
});

test.each([
	['/', 'home', {}],
	['/carry', 'carry', {}],
	['/carry/', 'carry', {}],
	['/carry/0a', 'carry', { shipment: '0a' }],
	['/carry/0a/handoff', 'handoff', { shipment: '0a' }],
	['/b/L4-7Q2X', 'box', { label: 'L4-7Q2X' }],
	['/b/box%207', 'box', { label: 'box 7' }],
	['/b/%', 'box', { label: '%' }],
	['/case/0a/sheet', 'sheet', { shipment: '0a' }],
	['/audit/trail', 'trail', {}],
	['/nothing', 'nowhere', {}],
	['/case', 'nowhere', {}],
])('%s', (path, name, params) => {
	expect(match(path)).toMatchObject({ name, params });
});
