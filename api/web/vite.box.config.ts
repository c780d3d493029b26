import { rename } from 'node:fs/promises';
import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const out = resolve('../../tracker/page');

// The box's own page, embedded in the tracker: three files with stable names.
export default defineConfig({
	plugins: [svelte(), { name: 'index.html', closeBundle: () => rename(resolve(out, 'box.html'), resolve(out, 'index.html')).catch(() => undefined) }],
	publicDir: false,
	build: {
		target: ['chrome120', 'firefox128', 'safari17.4'],
		outDir: out,
		emptyOutDir: false, // the box is built from these files at any time: they are replaced one by one
		sourcemap: false,
		assetsInlineLimit: 0,
		cssCodeSplit: false,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
		rolldownOptions: {
			input: 'box.html',
			output: { entryFileNames: 'page.js', assetFileNames: 'page[extname]', codeSplitting: false },
		},
	},
});
