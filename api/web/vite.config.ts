import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const ledger = 'http://127.0.0.1:8400'; // the door of `isotherm demo`
const paths = ['/v1', '/docs', '/openapi.yaml', '/openapi.json', '/checkpoint', '/tile', '/b/', '/demo-api'];

// The pages. Names are stable and nothing depends on the machine, so that the built files can be committed and compared.
export default defineConfig({
	plugins: [svelte({ compilerOptions: { cssHash: ({ hash, css }) => `s${hash(css)}` } })],
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
		license: { fileName: 'licences.md' }, // of the packages in the build, whose terms ask for them
		rolldownOptions: {
			output: {
				// One chunk for what nearly every page needs: fewer requests, and it compresses better than many small ones.
				codeSplitting: {
					groups: [
						{ name: 'base', test: /\/src\/(lib\/|style\/|i18n\/index|i18n\/en\/ui|router|ui\/(Icon|icons|Button|Badge|Age|Time|Temp|BandBar|bandscale|Progress|Notice|Problem|problem|Loaded|Skeleton|Empty|Page|AsOf)\.)/, priority: 1 },
						{ name: 'carry', test: /\/src\/(courier\/(casedata|screen|parties|words|boxsaid|wakelock)|ui\/Disclosure)\./, priority: 1 },
						{ name: 'svelte', test: /\/node_modules\/(svelte|clsx|esm-env)\//, minShareCount: 24, priority: 2 },
					],
				},
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
	test: { include: ['src/**/*.test.ts'], environment: 'node', css: true },
});
