import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const ledger = process.env.ISOTHERM_DEV_LEDGER ?? 'http://127.0.0.1:8400';
const paths = ['/v1', '/docs', '/openapi.yaml', '/openapi.json', '/checkpoint', '/tile', '/b/', '/demo-api'];

// The pages. Names are stable and nothing depends on the machine, so that the built files can be committed and compared.
export default defineConfig({
	plugins: [svelte()],
	build: {
		target: ['chrome120', 'firefox128', 'safari17.4'],
		outDir: 'dist',
		emptyOutDir: true,
		sourcemap: false,
		assetsInlineLimit: 0,
		cssCodeSplit: true,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
		manifest: 'manifest.json',
		rolldownOptions: {
			output: {
				entryFileNames: 'assets/[name].js',
				chunkFileNames: 'assets/[name].js',
				assetFileNames: 'assets/[name][extname]',
			},
		},
	},
	server: {
		port: 5173,
		strictPort: true,
		// The ledger believes requests of its own pages only: seen from it, this server is the page's origin.
		proxy: Object.fromEntries(paths.map((p) => [p, { target: ledger, changeOrigin: true, secure: false }])),
	},
	test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
