import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vite';

const dist = 'dist';
// Read by tools, or by the browser itself, never by a page that has no network.
const left = new Set(['sw.js', 'manifest.json', 'licences.md']);

const paths = (readdirSync(dist, { recursive: true, withFileTypes: true }))
	.filter((f) => f.isFile() && !f.name.startsWith('.') && !/\.(?:map|gz|br)$/.test(f.name))
	.map((f) => join(f.parentPath, f.name).slice(dist.length + 1).replaceAll('\\', '/'))
	.filter((p) => !left.has(p))
	.sort();
const files = paths.map((p) => [`/${p}`, `sha256-${createHash('sha256').update(readFileSync(join(dist, p))).digest('base64')}`] as const);
const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);

// The service worker, built after the pages: it names every file of them with its hash, and so is another one when any of them is.
export default defineConfig({
	publicDir: false,
	define: { SHELL_VERSION: JSON.stringify(version), SHELL_FILES: JSON.stringify(files) },
	build: {
		target: ['chrome120', 'firefox128', 'safari17.4'],
		outDir: dist,
		emptyOutDir: false,
		copyPublicDir: false,
		sourcemap: false,
		reportCompressedSize: false,
		lib: { entry: 'src/offline/sw.ts', formats: ['iife'], name: 'worker', fileName: () => 'sw.js' },
	},
});
